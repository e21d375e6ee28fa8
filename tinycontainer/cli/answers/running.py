"""The answers of verbs that run devices, and show what happened."""

from .base import AnswerTable, UsageTable


class TrapPlace(AnswerTable):
    """A line of the source in which a hook trapped, or from which the one before was called."""

    function: str
    """Escaped, as `file` is."""
    file: str
    """Empty where it is not known."""
    line: int
    """From 1; 0 where it is not known."""


class RanContainer(UsageTable):
    """How one container fared."""

    uid: str
    """Escaped."""
    state: str
    """At the end."""
    starts: int
    ended_by: str
    """Why the last start ended; empty if none has."""
    frames: list[list[int]]
    """Where it trapped then: function and offset in the code of each call, the innermost first."""
    places: list[TrapPlace]
    """The same in lines of the source, functions that were inlined included; with --symbols."""


class RefusedKind(AnswerTable):
    """Refusals of one kind."""

    uid: str
    """Of the container; empty where it was not known."""
    what: str
    """The call, or the request of management."""
    reason: str
    count: int


class ReplacedContainer(AnswerTable):
    """Versions that took another one's place."""

    uid: str
    accepted: int
    confirmed: int
    undone: int
    undone_why: str
    """The reason of the last one that was undone."""


class RunSummary(AnswerTable):
    """The summary of a run."""

    device_time_ms: float
    """At the end."""
    idle_ns: int
    """Time in which nothing ran."""
    idle_percent: float
    containers: list[RanContainer]
    """Deleted ones too."""
    refusals: list[RefusedKind]
    replacements: list[ReplacedContainer]


class JudgedExpectation(AnswerTable):
    """An expectation and whether it held."""

    text: str
    """What it means, for people."""
    found: int
    """How many events fitted."""
    held: bool
    place: str
    """Where it is in its file."""
    wanted: str
    """What was expected, in words."""
    seen: str
    """Of one that did not hold: the event that was closest, or the first too many."""


class RunAnswer(RunSummary):
    """A run, and how it kept to its script."""

    surprises: list[str]
    """Steps of the script that did not go as they should."""
    steps_not_taken: int
    """Steps that are after the end of the run."""
    expectations: list[JudgedExpectation]
    """Those of --expect."""


class DemoAnswer(RunSummary):
    """The demo, and whether all went as expected."""

    held: bool
    expectations: list[JudgedExpectation]
    surprises: list[str]
    """Steps of the script that did not go as they should."""


class LaneLengths(AnswerTable):
    """How long one container did what, within the part of the trace that is drawn."""

    uid: str
    """Escaped."""
    ranks: list[int]
    """The places that it had in the policy."""
    hooks: int
    """Hooks that it began."""
    asleep_ns: int
    due_ns: int
    running_ns: int
    preempted_ns: int


class TimelineAnswer(AnswerTable):
    """The part of the trace that is drawn."""

    begin_ns: int
    end_ns: int
    is_cut: bool
    """Whether there was more than can be drawn."""
    containers: list[LaneLengths]


class ReportAnswer(RunSummary):
    """What a trace says."""

    timeline: TimelineAnswer


class ActDifference(AnswerTable):
    """The first act of a container that is not the same on both engines."""

    kind: str
    """`real`, or `time` if it comes from a result that depends on time."""
    act: int
    """Its number."""
    before: list[str]
    """The acts just before, the same on both."""
    left: str
    """On the first engine."""
    right: str
    """On the second engine."""


class ComparedContainer(AnswerTable):
    """A container on two engines."""

    uid: str
    """Escaped."""
    acts: int
    """Acts that are the same."""
    completed_hooks: int
    fuel: int
    """Of these hooks, in instructions."""
    ran: bool
    """Whether it ran on both."""
    difference: ActDifference | None


class ComparedTrace(AnswerTable):
    """The events of the two runs."""

    equal_events: int
    events_to_compare: int
    first_difference: list[object] | None
    """The first two that differ although they must be equal."""


class CompareAnswer(AnswerTable):
    """The same containers on two engines."""

    engines: list[str]
    alike: bool
    """Whether nothing differs but what is expected to."""
    compared_all: bool
    preempted: bool
    """Whether a hook was preempted on both."""
    refused: list[list[str]]
    """What was refused, on the first and on the second engine."""
    trace: ComparedTrace
    containers: list[ComparedContainer]
