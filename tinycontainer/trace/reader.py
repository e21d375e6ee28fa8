"""Reads a trace that `JsonLines` wrote, and believes nothing in it.

A line is an event of a known name with exactly its fields, each of the right type and within
bounds; time never goes back. Payload that the trace gives by its hash only is read as empty. A
field that events did not have from the first may be missing, so that older traces are still read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Final

from tinycontainer.errors import TraceFileError
from tinycontainer.interfaces.runtime import MAX_TRAP_FRAMES
from tinycontainer.jsonl import INT64, read_lines, whole_number
from tinycontainer.text import show, unshow

from . import events
from .events import TraceEvent

MAX_EVENTS: Final = 5_000_000
MAX_NAME_BYTES: Final = 255
MAX_TEXT: Final = 1000
"""Characters; longer text, such as a driver's own words, is cut."""
_TIMES: Final = range(INT64.stop)
_BOUNDS: Final = {"sequence": range(1 << 64)}
"""Of whole numbers, where other ones are possible than elsewhere."""
_DATA_KEYS: Final = frozenset({"bytes", "data", "sha256"})


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a line of one name has to be; the required fields are those without a default."""

    make: type[TraceEvent]
    types: Mapping[str, object]
    required: frozenset[str]


def read_trace(path: Path) -> Iterator[TraceEvent]:
    """The events of a trace file, one after the other.

    Args:
        path: the file; untrusted.

    Raises:
        TraceFileError: a line is wrong, or there are too many.
        OSError: it cannot be read.
    """
    kinds = _kinds()
    before_ns = 0
    for number, values in read_lines(path, MAX_EVENTS, TraceFileError):
        try:
            event = _event(kinds, values)
            if event.at_ns < before_ns:
                raise ValueError("at_ns: time goes back")
        except ValueError as problem:
            raise TraceFileError(show(str(path)), number, str(problem)) from None
        before_ns = event.at_ns
        yield event


def parse_event(values: dict[str, Any]) -> TraceEvent:
    """An event from the object that `as_dict` makes of one.

    Args:
        values: untrusted.

    Raises:
        ValueError: it is no such object.
    """
    return _event(_kinds(), dict(values))


def _kinds() -> dict[str, _Kind]:
    return {
        kind.name: _describe_kind(kind)
        for kind in vars(events).values()
        if isinstance(kind, type) and issubclass(kind, TraceEvent) and kind.name
    }


def _describe_kind(kind: type[TraceEvent]) -> _Kind:
    given = [field for field in fields(kind) if field.init]
    required = frozenset(field.name for field in given if field.default is MISSING)
    return _Kind(kind, {field.name: field.type for field in given}, required)


def _event(kinds: Mapping[str, _Kind], values: dict[str, Any]) -> TraceEvent:
    name = values.pop("event", None)
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError("event: is not the name of an event")
    at_ns = _checked("at_ns", int, values.pop("at_ns", None))
    whole_number(at_ns, _TIMES)
    if "data" in kind.types:
        values = _with_data(values)
    if unknown := values.keys() - kind.types.keys():
        raise ValueError(f"{show(min(unknown), 40)}: is no field of {kind.make.name}")
    if missing := kind.required - values.keys():
        raise ValueError(f"{min(missing)}: is missing")
    event = kind.make(**{key: _checked(key, kind.types[key], values[key]) for key in values})
    event.at_ns = at_ns
    return event


def _with_data(values: dict[str, Any]) -> dict[str, Any]:
    """Payload, given as hex, or by its length and hash only."""
    size = whole_number(values.get("bytes"), range(1 << 16))
    digits = values.get("data", "")
    if not isinstance(digits, str):
        raise ValueError("data: is no text")
    data = bytes.fromhex(digits)
    if digits and len(data) != size:
        raise ValueError("data: has another length than bytes says")
    rest = {key: value for key, value in values.items() if key not in _DATA_KEYS}
    return {**rest, "data": show(data)}


def _checked(key: str, wanted: object, value: object) -> Any:
    try:
        if wanted is int:
            return whole_number(value, _BOUNDS.get(key, INT64))
        if wanted is str:
            return _cut(value)
        if wanted is bytes:
            return _raw(key, value)
        if not isinstance(value, list):
            raise ValueError("is no list")
        if wanted == tuple[tuple[int, int], ...]:
            return _pairs(value)
        return tuple(_cut(e) if wanted == tuple[str, ...] else whole_number(e) for e in value)
    except ValueError as problem:
        raise ValueError(f"{key}: {problem}") from None


def _pairs(value: list[Any]) -> tuple[tuple[int, int], ...]:
    if len(value) > MAX_TRAP_FRAMES:
        raise ValueError(f"has more than {MAX_TRAP_FRAMES} items")
    if not all(isinstance(each, list) and len(each) == 2 for each in value):
        raise ValueError("is no list of pairs")
    return tuple((whole_number(one), whole_number(other)) for one, other in value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("is no text")
    return value


def _cut(value: object) -> str:
    return _text(value)[:MAX_TEXT]


def _raw(key: str, value: object) -> bytes:
    raw = unshow(_text(value))
    if key != "data" and len(raw) > MAX_NAME_BYTES:
        raise ValueError(f"is longer than {MAX_NAME_BYTES} bytes")
    return raw
