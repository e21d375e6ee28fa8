"""What a case can expect of the events so far, and how a deviation is described."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from tinycontainer.text import show

from ..cases.case import Case
from ..cases.steps import (
    EventExpectation,
    LogExpectation,
    OrderExpectation,
    RecordExpectation,
    StatesExpectation,
)
from ..protocol import EventReply, HelloReply

_SHOWN_LINES = 12
_SHOWN_BYTES = 80
_US_PER_MS = 1000


@dataclass
class TrialRecord:
    """What is known of a trial.

    Attributes:
        case: what is played.
        hello: what the implementation said about itself.
        happened: all events so far.
        marks: how many events each expectation of new ones has seen, by its name.
    """

    case: Case
    hello: HelloReply
    happened: list[EventReply] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)

    def new_events(self, mark: str, kind: str, uid: bytes | None = None) -> list[EventReply]:
        """Events since the last call with the same mark.

        Args:
            mark: name of the expectation.
            kind: of the events.
            uid: the container; None: any.
        """
        begin = self.marks.get(mark, 0)
        self.marks[mark] = len(self.happened)
        return [
            event
            for event in self.happened[begin:]
            if event.event == kind and (uid is None or event.uid == uid.hex())
        ]


def check_expectation(record: TrialRecord, step: RecordExpectation) -> str | None:
    """Check one expectation against the record; the answer is what is wrong, or None."""
    match step:
        case LogExpectation():
            return _check_log(record, step)
        case OrderExpectation():
            return _check_order(record, step.order)
        case StatesExpectation():
            return _check_states(record, step)
        case EventExpectation():
            return _check_event(record, step)


def _check_log(record: TrialRecord, step: LogExpectation) -> str | None:
    name = step.log
    found = record.new_events(f"log {name}", "log", record.case.uid(name))
    lines = [_line(event) for event in found]
    if step.lines is not None and lines != step.lines:
        return f"the log of {name} is {_show_all(lines)}, not {_show_all(step.lines)}"
    if step.ends_with is not None and lines[-1:] != [step.ends_with]:
        last = _show_all(lines[-1:])
        return f"the log of {name} ends with {last}, not {show(step.ends_with)}"
    if step.at_least is not None and len(lines) < step.at_least:
        return f"the log of {name} has {len(lines)} lines, not {step.at_least} or more"
    if step.at_most is not None and len(lines) > step.at_most:
        return f"the log of {name} has {len(lines)} lines, not {step.at_most} or fewer"
    if step.gaps_ms is not None:
        return _check_gaps(name, found, step.gaps_ms)
    return None


def _check_gaps(name: str, found: list[EventReply], span_ms: list[int]) -> str | None:
    least_ms, most_ms = span_ms
    for earlier, later in pairwise(found):
        gap_us = later.at_us - earlier.at_us
        if not least_ms * _US_PER_MS <= gap_us <= most_ms * _US_PER_MS:
            return (
                f"between two lines of {name} lie {gap_us / _US_PER_MS:g} ms,"
                f" not {least_ms} to {most_ms} ms"
            )
    return None


def _check_order(record: TrialRecord, wanted: list[str]) -> str | None:
    case = record.case
    by_uid = {case.uid(container.name).hex(): container.name for container in case.containers}
    lines = [
        f"{by_uid.get(event.uid, '?')}: {_line(event)}"
        for event in record.new_events("order", "log")
    ]
    if lines == wanted:
        return None
    return f"the log is {_show_all(lines)}, not {_show_all(wanted)}"


def _check_states(record: TrialRecord, step: StatesExpectation) -> str | None:
    name = step.states
    found = record.new_events(f"states {name}", "state", record.case.uid(name))
    states = [str(event.state) for event in found]
    return (
        None
        if states == step.are
        else f"{name} went {_show_all(states)}, not {_show_all(step.are)}"
    )


def _check_event(record: TrialRecord, step: EventExpectation) -> str | None:
    if step.event not in record.hello.events:
        return None  # it has no such events; what its containers see is judged by their logs
    same_kind = [event for event in record.happened if event.event == step.event]
    uid = None if step.of is None else record.case.uid(step.of).hex()
    fitting = [
        event
        for event in same_kind
        if (uid is None or event.uid == uid)
        and _fits(event, step.where, reasons=record.hello.reasons)
    ]
    least = 1 if step.at_least is None and step.times is None else step.at_least or 0
    wrong = len(fitting) < least or (step.times is not None and len(fitting) != step.times)
    if not wrong:
        return None
    wanted = f"{step.times}" if step.times is not None else f"{least} or more"
    seen = _show_all(_describe_event(event) for event in same_kind)
    asked = " ".join(f"{key}={value}" for key, value in step.where.items())
    of = "" if step.of is None else f" of {step.of}"
    return f"{len(fitting)} events {step.event}{of} {asked}, not {wanted}; there were {seen}"


def _fits(event: EventReply, where: Mapping[str, str | int], *, reasons: bool) -> bool:
    """Whether an event has these values; its reason counts only if the words are the protocol's."""
    values = event.model_dump(mode="json")
    return all(
        values.get(name) == value for name, value in where.items() if reasons or name != "reason"
    )


def _describe_event(event: EventReply) -> str:
    values = event.model_dump(mode="json", exclude_defaults=True, exclude={"event", "uid", "at_us"})
    return " ".join(f"{name}={value}" for name, value in values.items())


def _line(event: EventReply) -> str:
    return show(bytes.fromhex(event.line))


def _show_all(lines: Iterable[str]) -> str:
    listed = list(lines)
    more = f" and {len(listed) - _SHOWN_LINES} more" if len(listed) > _SHOWN_LINES else ""
    texts = ", ".join(f'"{show(line, _SHOWN_BYTES)}"' for line in listed[:_SHOWN_LINES])
    return f"[{texts}]{more}"
