"""Queries for devices as conditions of SQL, which mean what `Query.matches` says."""

import operator
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    case,
    cast,
    false,
    func,
    not_,
    null,
    or_,
    true,
)

from tinycontainer.tools.rollouts import AllOf, AnyOf, Candidate, Not, Query, TextTerm, VersionTerm
from tinycontainer.tools.rollouts.candidate import LABEL_PREFIX
from tinycontainer.tools.rollouts.query import QueryComparison

from ..tables.fleet import DeviceRow

NO_VERSION_KNOWN: Final[ColumnElement[int | None]] = cast(null(), BigInteger)
"""The version where no container is meant."""
_LAST_NUMBER: Final = (1 << 63) - 1
"""No release has a greater number, and no database compares with one."""
_ORDERS: Final[dict[QueryComparison, Callable[[Any, int], ColumnElement[bool]]]] = {
    QueryComparison.LESS: operator.lt,
    QueryComparison.AT_MOST: operator.le,
    QueryComparison.GREATER: operator.gt,
    QueryComparison.AT_LEAST: operator.ge,
}


def condition_of(query: Query, version: ColumnElement[int | None]) -> ColumnElement[bool]:
    """Whether a query means a device, for a statement; it is never unknown.

    Args:
        query: which devices.
        version: number of what the device runs; null for none.
    """
    match query:
        case TextTerm():
            return _compare_text(query)
        case VersionTerm():
            return _compare_version(query, version)
        case Not():
            return not_(condition_of(query.query, version))
        case AllOf():
            return and_(true(), *(condition_of(each, version) for each in query.parts))
        case AnyOf():
            return or_(false(), *(condition_of(each, version) for each in query.parts))


def _compare_text(term: TextTerm) -> ColumnElement[bool]:
    text = _text_of(term.field)
    begin = func.substr(text, 1, len(term.value)) if term.is_prefix else text
    is_same = func.coalesce(begin == term.value, false())
    return is_same if term.comparison is QueryComparison.EQUAL else not_(is_same)


def _text_of(field: str) -> ColumnElement[str]:
    key = field.removeprefix(LABEL_PREFIX)
    if key != field:
        label: ColumnElement[str] = DeviceRow.labels[key].as_string()
        return label
    columns = {"name": DeviceRow.name, "kind": DeviceRow.kind, "group": DeviceRow.group}
    return columns[field].expression


def _compare_version(term: VersionTerm, version: ColumnElement[int | None]) -> ColumnElement[bool]:
    if term.version is not None and term.version > _LAST_NUMBER:
        return case((version.is_(null()), _says(term, None)), else_=_says(term, _LAST_NUMBER))
    if term.comparison is QueryComparison.EQUAL:
        return version.is_not_distinct_from(term.version)
    if term.comparison is QueryComparison.UNEQUAL:
        return version.is_distinct_from(term.version)
    if term.version is None:
        return false()
    return func.coalesce(_ORDERS[term.comparison](version, term.version), false())


def _says(term: VersionTerm, version: int | None) -> ColumnElement[bool]:
    return true() if term.matches(Candidate("", "", "", {}, version)) else false()
