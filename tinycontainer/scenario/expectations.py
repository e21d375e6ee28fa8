"""Expectations: the events that a trace must hold, written as data."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from pydantic import Field, model_validator

from tinycontainer.files.toml_file import Table, read_toml
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.text import show
from tinycontainer.trace import TraceEvent, as_dict


class ExpectationTable(Table):
    """How many events of a kind a trace must hold."""

    text: str = Field(description="what it means, for people")
    event: str = Field(description="name of the event")
    where: dict[str, str | int] = Field(
        default_factory=dict, description="values of its fields; data is shown as escaped text"
    )
    after_ms: int = Field(default=0, ge=0)
    before_ms: int | None = Field(default=None, ge=0)
    at_least: int = Field(default=1, ge=0)
    at_most: int | None = Field(default=None, ge=0)

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

    expectations: list[ExpectationTable]


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """Whether an expectation held.

    Attributes:
        text: the expectation, for people.
        found: how many events fitted.
        held: whether that is as many as expected.
    """

    text: str
    found: int
    held: bool


def read_expectations(path: Path) -> list[ExpectationTable]:
    """Read a file of expectations.

    Raises:
        DeviceFileError: it cannot be used.
    """
    return read_toml(path, ExpectationsFile).expectations


def judge_expectations(
    expected: Iterable[ExpectationTable], events: Iterable[TraceEvent]
) -> list[ExpectationResult]:
    """Compare expectations with the events of a run."""
    recorded = list(events)
    results = []
    for each in expected:
        found = sum(_fits(each, event) for event in recorded if event.name == each.event)
        enough = found >= each.at_least and (each.at_most is None or found <= each.at_most)
        results.append(ExpectationResult(each.text, found, enough))
    return results


def _fits(expected: ExpectationTable, event: TraceEvent) -> bool:
    at_ms = event.at_ns / NS_PER_MS
    if at_ms < expected.after_ms:
        return False
    if expected.before_ms is not None and at_ms > expected.before_ms:
        return False
    values = as_dict(event)
    values["data"] = show(getattr(event, "data", b""))
    return all(values.get(name) == value for name, value in expected.where.items())
