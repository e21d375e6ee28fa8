"""What a case can expect of what happened, and how a deviation is told."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Protocol

from tinycontainer.text import show

from ..cases.case import Case, Step
from ..protocol import EventReply, HelloReply

_SHOWN_LINES = 12
_SHOWN_BYTES = 80
_US_PER_MS = 1000


class TrialRecord(Protocol):
    """What is known of a trial."""

    @property
    def case(self) -> Case:
        """What is played."""
        ...

    @property
    def hello(self) -> HelloReply:
        """What the implementation said about itself."""
        ...

    @property
    def happened(self) -> list[EventReply]:
        """All events so far."""
        ...

    @property
    def marks(self) -> dict[str, int]:
        """How far each kind of expectation has looked."""
        ...


def check(record: TrialRecord, step: Step) -> str | None:
    """Hold one expectation against what happened; what is wrong, or None."""
    if step.event is not None:
        return _check_event(record, step)
    if step.states is not None:
        return _check_states(record, step, step.states)
    if step.order is not None:
        return _check_order(record, step.order)
    return _check_log(record, step)


def _new(record: TrialRecord, mark: str, kind: str, uid: bytes | None) -> list[EventReply]:
    """Events of a kind since the last look."""
    begin = record.marks.get(mark, 0)
    record.marks[mark] = len(record.happened)
    return [
        event
        for event in record.happened[begin:]
        if event.event == kind and (uid is None or event.uid == uid.hex())
    ]


def _check_log(record: TrialRecord, step: Step) -> str | None:
    name = str(step.log)
    found = _new(record, f"log {name}", "log", record.case.uid(name))
    lines = [_line(event) for event in found]
    if step.lines is not None and lines != step.lines:
        return f"the log of {name} is {_shown(lines)}, not {_shown(step.lines)}"
    if step.ends_with is not None and lines[-1:] != [step.ends_with]:
        return f"the log of {name} ends with {_shown(lines[-1:])}, not {show(step.ends_with)}"
    if step.at_least is not None and len(lines) < step.at_least:
        return f"the log of {name} has {len(lines)} lines, not {step.at_least} or more"
    if step.at_most is not None and len(lines) > step.at_most:
        return f"the log of {name} has {len(lines)} lines, not {step.at_most} or fewer"
    if step.gaps_ms is not None:
        return _check_gaps(name, found, step.gaps_ms)
    return None


def _check_gaps(name: str, found: list[EventReply], span_ms: list[int]) -> str | None:
    for earlier, later in pairwise(found):
        gap_us = later.at_us - earlier.at_us
        if not span_ms[0] * _US_PER_MS <= gap_us <= span_ms[1] * _US_PER_MS:
            return (
                f"between two lines of {name} lie {gap_us / _US_PER_MS:g} ms,"
                f" not {span_ms[0]} to {span_ms[1]} ms"
            )
    return None


def _check_order(record: TrialRecord, wanted: list[str]) -> str | None:
    names = {
        container.name: record.case.uid(container.name) for container in record.case.containers
    }
    by_uid = {uid.hex(): name for name, uid in names.items()}
    lines = [
        f"{by_uid.get(event.uid, '?')}: {_line(event)}"
        for event in _new(record, "order", "log", None)
    ]
    return None if lines == wanted else f"the log is {_shown(lines)}, not {_shown(wanted)}"


def _check_states(record: TrialRecord, step: Step, name: str) -> str | None:
    found = _new(record, f"states {name}", "state", record.case.uid(name))
    states = [str(event.state) for event in found]
    wanted = step.are or []
    return None if states == wanted else f"{name} went {_shown(states)}, not {_shown(wanted)}"


def _check_event(record: TrialRecord, step: Step) -> str | None:
    kind = str(step.event)
    if kind not in record.hello.events:
        return None  # it has no such events; what its containers see is judged by their logs
    uid = None if step.of is None else record.case.uid(step.of).hex()
    fitting = [
        event
        for event in record.happened
        if event.event == kind
        and (uid is None or event.uid == uid)
        and _fits(event, step.where, reasons=record.hello.reasons)
    ]
    least = 1 if step.at_least is None and step.times is None else step.at_least or 0
    wrong = len(fitting) < least or (step.times is not None and len(fitting) != step.times)
    if not wrong:
        return None
    wanted = f"{step.times}" if step.times is not None else f"{least} or more"
    seen = [_told(event) for event in record.happened if event.event == kind]
    asked = " ".join(f"{key}={value}" for key, value in step.where.items())
    of = "" if step.of is None else f" of {step.of}"
    return f"{len(fitting)} events {kind}{of} {asked}, not {wanted}; there were {_shown(seen)}"


def _fits(event: EventReply, where: Mapping[str, str | int], *, reasons: bool) -> bool:
    values = event.model_dump(mode="json")
    return all(
        values.get(name) == value for name, value in where.items() if reasons or name != "reason"
    )


def _told(event: EventReply) -> str:
    values = event.model_dump(mode="json", exclude_defaults=True, exclude={"event", "uid", "at_us"})
    return " ".join(f"{name}={value}" for name, value in values.items())


def _line(event: EventReply) -> str:
    return show(bytes.fromhex(event.line))


def _shown(lines: Iterable[str]) -> str:
    listed = list(lines)
    more = f" and {len(listed) - _SHOWN_LINES} more" if len(listed) > _SHOWN_LINES else ""
    texts = ", ".join(f'"{show(line, _SHOWN_BYTES)}"' for line in listed[:_SHOWN_LINES])
    return f"[{texts}]{more}"
