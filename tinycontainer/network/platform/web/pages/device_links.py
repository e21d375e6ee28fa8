"""Links to the list of devices: they say in their address which devices are meant."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from tinycontainer.tools.rollouts import AllOf, Query, QueryComparison, TextTerm, VersionTerm

from ...fleet.devices import read_query
from ..choices import DevicesAsked
from .rendering import write_uid

NOBODY_LEFT_OUT: Final = DevicesAsked()


@dataclass(frozen=True, slots=True)
class ChosenFilter:
    """Something that the shown devices have in common because somebody asked for it.

    Attributes:
        words: what.
        without: path of the list without it.
    """

    words: str
    without: str


def path_of(asked: DevicesAsked = NOBODY_LEFT_OUT, *, after: str = "", **changes: Any) -> str:
    """The path of a list of devices.

    Args:
        asked: which devices.
        after: name after which they begin.
        changes: what else is asked for, by the names of attributes.
    """
    values = {**asdict(replace(asked, **changes)), "after": after}
    said = {name: _write(value) for name, value in values.items() if value not in (None, "")}
    return f"/devices?{urlencode(said, quote_via=quote)}" if said else "/devices"


def path_with(asked: DevicesAsked, term: TextTerm | VersionTerm, **changes: Any) -> str:
    """The path of a list of devices of which a term is true as well."""
    parts = [each for each in _parts_of(read_query(asked.query)) if each != term]
    return path_of(asked, query=_join([*parts, term]), **changes)


def same_text(field: str, value: str) -> TextTerm:
    """The term for devices that have a text in a field."""
    return TextTerm(field, QueryComparison.EQUAL, value)


def same_version(number: int) -> VersionTerm:
    """The term for devices that run a version."""
    return VersionTerm(QueryComparison.EQUAL, number)


def list_filters(asked: DevicesAsked) -> Iterator[ChosenFilter]:
    """What was asked for, each with the path without it.

    Raises:
        PlatformRefused: the query is none.
    """
    parts = _parts_of(read_query(asked.query))
    for place, part in enumerate(parts):
        rest = _join([*parts[:place], *parts[place + 1 :]])
        yield ChosenFilter(str(part), path_of(asked, query=rest))
    for name, words in _words_of(asked).items():
        if getattr(asked, name) is not None:
            without: dict[str, Any] = {name: None}
            yield ChosenFilter(words, path_of(replace(asked, **without)))


def _words_of(asked: DevicesAsked) -> dict[str, str]:
    uid = "" if asked.uid is None else write_uid(asked.uid)
    return {
        "profile": f"profile {asked.profile}",
        "connected": "connected" if asked.connected else "not connected",
        "silent_s": f"no answer for {asked.silent_s} seconds",
        "uid": f"container {uid}",
        "wanted": f"is to run version {asked.wanted or 'none'}",
        "state": str(asked.state),
        "rollout": f"rollout {asked.rollout} failed",
        "reason": f"because of {asked.reason or 'nothing said'}",
    }


def _parts_of(query: Query) -> tuple[Query, ...]:
    return query.parts if isinstance(query, AllOf) else (query,)


def _join(parts: list[Query]) -> str:
    return str(parts[0] if len(parts) == 1 else AllOf(tuple(parts)))


def _write(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
