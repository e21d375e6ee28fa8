"""A query says which devices a rollout is for: a tree of terms, made by `parse_query`.

``str`` writes a query in its only canonical form, which parses to the same tree.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from .candidate import Candidate

_BARE: Final = re.compile(r"[A-Za-z0-9._-]+")


class QueryComparison(StrEnum):
    """How a term compares what a device has with a value."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="

    @property
    def is_by_order(self) -> bool:
        """Whether it needs values that have an order."""
        return self in _ORDERS


_ORDERS: Final[dict[QueryComparison, Callable[[int, int], bool]]] = {
    QueryComparison.LESS: operator.lt,
    QueryComparison.AT_MOST: operator.le,
    QueryComparison.GREATER: operator.gt,
    QueryComparison.AT_LEAST: operator.ge,
}


@dataclass(frozen=True, slots=True)
class TextTerm:
    """Compares a text of the device. A label that is missing is unequal to everything.

    Attributes:
        field: ``name``, ``kind``, ``group``, or ``label.`` and the key of a label.
        comparison: EQUAL or UNEQUAL.
        value: what to compare with.
        is_prefix: whether it is enough that the text begins with the value.
    """

    field: str
    comparison: QueryComparison
    value: str
    is_prefix: bool = False

    def matches(self, candidate: Candidate) -> bool:
        """Whether a device is meant."""
        text = candidate.text_of(self.field)
        if text is None:
            return self.comparison is QueryComparison.UNEQUAL
        is_same = text.startswith(self.value) if self.is_prefix else text == self.value
        return is_same is (self.comparison is QueryComparison.EQUAL)

    def __str__(self) -> str:
        star = "*" if self.is_prefix else ""
        is_bare = _BARE.fullmatch(self.value) or (self.is_prefix and not self.value)
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        value = self.value if is_bare else f'"{escaped}"'
        return f"{self.field}{self.comparison}{value}{star}"


@dataclass(frozen=True, slots=True)
class VersionTerm:
    """Compares the running version. No version is neither less nor greater than another.

    Attributes:
        comparison: any; EQUAL or UNEQUAL if the version is None.
        version: what to compare with; None for a device that has no version.
    """

    comparison: QueryComparison
    version: int | None

    def matches(self, candidate: Candidate) -> bool:
        """Whether a device is meant."""
        order = _ORDERS.get(self.comparison)
        if order is None:
            is_same = candidate.version == self.version
            return is_same is (self.comparison is QueryComparison.EQUAL)
        if candidate.version is None or self.version is None:
            return False
        return order(candidate.version, self.version)

    def __str__(self) -> str:
        return f"version{self.comparison}{'none' if self.version is None else self.version}"


@dataclass(frozen=True, slots=True)
class Not:
    """Means the devices that another query does not mean.

    Attributes:
        query: the other one.
    """

    query: "Query"

    def matches(self, candidate: Candidate) -> bool:
        """Whether a device is meant."""
        return not self.query.matches(candidate)

    def __str__(self) -> str:
        is_joined = isinstance(self.query, AllOf | AnyOf)
        return f"not ({self.query})" if is_joined else f"not {self.query}"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Means the devices that all of its parts mean; every device if there are none.

    Attributes:
        parts: queries that are no AllOf; none, or two and more.
    """

    parts: tuple["Query", ...] = ()

    def matches(self, candidate: Candidate) -> bool:
        """Whether a device is meant."""
        return all(part.matches(candidate) for part in self.parts)

    def __str__(self) -> str:
        parts = (f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts)
        return " and ".join(parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Means the devices that at least one of its parts means.

    Attributes:
        parts: two queries or more, that are no AnyOf.
    """

    parts: tuple["Query", ...]

    def matches(self, candidate: Candidate) -> bool:
        """Whether a device is meant."""
        return any(part.matches(candidate) for part in self.parts)

    def __str__(self) -> str:
        return " or ".join(str(part) for part in self.parts)


Query: TypeAlias = TextTerm | VersionTerm | Not | AllOf | AnyOf
"""A query, or a part of one."""
