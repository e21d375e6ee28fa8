"""Expectations: the events that a trace must hold, written as data."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pydantic import Field, model_validator

from tinycontainer.files.toml_file import MAX_TOML_BYTES, Table, parse_toml, read_bounded
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.text import flatten, show
from tinycontainer.trace import TraceEvent, as_dict

_TABLE_HEAD: Final = re.compile(r"^[ \t]*\[\[[ \t]*expectations[ \t]*\]\]")


class ExpectationTable(Table):
    """How many events of a kind a trace must hold."""

    text: str = Field(description="what it means, for people")
    event: str = Field(description="name of the event")
    where: dict[str, str | int] = Field(
        default_factory=dict, description="values of its fields; data is shown as escaped text"
    )
    after_ms: int = Field(default=0, ge=0, description="device time from which on events count")
    before_ms: int | None = Field(
        default=None, ge=0, description="device time up to which events count; by default the end"
    )
    at_least: int = Field(default=1, ge=0, description="how many there must be")
    at_most: int | None = Field(
        default=None, ge=0, description="how many there may be; by default any number"
    )

    @model_validator(mode="after")
    def _check_sense(self) -> "ExpectationTable":
        kinds = {kind.name: kind for kind in TraceEvent.__subclasses__()}
        if self.event not in kinds:
            raise ValueError(f"event: {show(self.event)} is none of {', '.join(sorted(kinds))}")
        known = {field.name for field in fields(kinds[self.event])}
        for name in self.where:
            if name not in known:
                raise ValueError(f"where: {self.event} has no field {show(name)}")
        if self.at_least == 0 and self.at_most is None:
            raise ValueError("at_least: 0 without at_most holds whatever happens; give at_most")
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError("at_most: is below at_least, so it never holds")
        return self


class ExpectationsFile(Table):
    """A file of expectations."""

    expectations: list[ExpectationTable] = Field(min_length=1)


@dataclass(frozen=True)
class PlacedExpectation:
    """An expectation, and where it was written.

    Attributes:
        table: what is expected.
        place: where in its file, as in ``box.toml:12: expectations[1]``; empty if nowhere.
    """

    table: ExpectationTable
    place: str = ""

    @cached_property
    def wanted(self) -> str:
        """What is expected, in words."""
        table = self.table
        least, most = table.at_least, table.at_most
        count = f"{least} or more" if most is None else f"{least} to {most}"
        count = str(least) if least == most else count
        where = ", ".join(f"{name} = {_literal(value)}" for name, value in table.where.items())
        after = f" after {table.after_ms} ms" if table.after_ms else ""
        before = "" if table.before_ms is None else f" before {table.before_ms} ms"
        return f"{count} times {table.event}{' where ' if where else ''}{where}{after}{before}"


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """Whether an expectation held.

    Attributes:
        text: the expectation, for people.
        found: how many events fitted.
        held: whether that is as many as expected.
        place: where in its file; empty if nowhere.
        wanted: what was expected, in words.
        seen: where it did not hold, the event that says most about it, in words: the first that
            was too many, or of those that did not fit the one that was closest; empty if there
            was no such event.
    """

    text: str
    found: int
    held: bool
    place: str = ""
    wanted: str = ""
    seen: str = ""


@dataclass(slots=True)
class _Count:
    """What was seen of one expectation."""

    expectation: PlacedExpectation
    found: int = 0
    surplus: TraceEvent | None = None
    closest: TraceEvent | None = None
    closeness: int = -1

    def take(self, event: TraceEvent) -> None:
        table = self.expectation.table
        misfits = _count_misfits(table, event)
        if not misfits:
            self.found += 1
            if table.at_most is not None and self.found == table.at_most + 1:
                self.surplus = event
        elif len(table.where) + 1 - misfits > self.closeness:
            self.closeness, self.closest = len(table.where) + 1 - misfits, event

    def judge(self) -> ExpectationResult:
        table = self.expectation.table
        held = self.found >= table.at_least and self.surplus is None
        seen = ""
        if self.surplus is not None:
            seen = f"the first too many: {_in_words(self.surplus)}"
        elif not held and self.closest is not None:
            seen = f"the closest: {_in_words(self.closest)}"
        place, wanted = self.expectation.place, self.expectation.wanted
        return ExpectationResult(table.text, self.found, held, place, wanted, seen)


@dataclass
class ExpectationJudge:
    """A sink that compares expectations with the events of a run; it keeps two events of each.

    Args:
        expected: the expectations.
    """

    expected: Iterable[PlacedExpectation]
    _counts: list[_Count] = field(default_factory=list, init=False)
    _by_event: dict[str, list[_Count]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for each in self.expected:
            count = _Count(each)
            self._counts.append(count)
            self._by_event.setdefault(each.table.event, []).append(count)

    def __call__(self, event: TraceEvent) -> None:
        """Accept one event."""
        for count in self._by_event.get(event.name, ()):
            count.take(event)

    def results(self) -> list[ExpectationResult]:
        """Whether each expectation has held until now, in the order of the file."""
        return [count.judge() for count in self._counts]


def read_expectations(path: Path, called: str | None = None) -> list[PlacedExpectation]:
    """Read a file of expectations.

    Args:
        path: where it lies.
        called: its name in the places of the expectations; by default its path.

    Raises:
        DeviceFileError: it cannot be used.
    """
    content = read_bounded(path, MAX_TOML_BYTES)
    name = show(str(path) if called is None else called)
    tables = parse_toml(content, ExpectationsFile, name).expectations
    heads = [
        number
        for number, line in enumerate(content.decode().split("\n"), start=1)
        if _TABLE_HEAD.match(line)
    ]
    # Tables can be written in other ways as well; a wrong line would be worse than none.
    lines = [f":{head}" for head in heads] if len(heads) == len(tables) else [""] * len(tables)
    return [
        PlacedExpectation(table, f"{name}{line}: expectations[{number}]")
        for number, (table, line) in enumerate(zip(tables, lines, strict=True))
    ]


def _count_misfits(expected: ExpectationTable, event: TraceEvent) -> int:
    """How many fields of an event are not as expected; its time counts as one."""
    at_ms = event.at_ns / NS_PER_MS
    late = expected.before_ms is not None and at_ms > expected.before_ms
    values = _values(event) if expected.where else {}
    others = [name for name, value in expected.where.items() if values.get(name) != value]
    return int(late or at_ms < expected.after_ms) + len(others)


def _values(event: TraceEvent) -> Mapping[str, Any]:
    values = as_dict(event)
    values["data"] = show(getattr(event, "data", b""))
    return values


def _in_words(event: TraceEvent) -> str:
    values = _values(event)
    named = (
        f"{each.name} = {_literal(values[each.name])}"
        for each in fields(event)
        if each.name != "at_ns" and values[each.name] not in ("", [])
    )
    return f"{event.name} at {event.at_ns / NS_PER_MS:.3f} ms: {', '.join(named)}"


def _literal(value: object) -> str:
    """A value as the file of expectations has it, on one line."""
    return f'"{flatten(value)}"' if isinstance(value, str) else str(value)
