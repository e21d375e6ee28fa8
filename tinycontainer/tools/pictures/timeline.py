"""The model of a run that pictures are drawn from: values only, device time in ns."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Activity(StrEnum):
    """What a started container does."""

    ASLEEP = "asleep"
    """Nothing is due."""
    DUE = "due"
    """A hook is due and waits for the processor."""
    RUNNING = "running"
    PREEMPTED = "preempted"
    """A hook has begun and waits for the processor."""


class MarkKind(StrEnum):
    """What happened at a mark."""

    CALL = "call"
    REFUSAL = "refusal"
    MISS = "missed deadline"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which a container does one thing."""

    begin_ns: int
    end_ns: int
    activity: Activity

    @property
    def length_ns(self) -> int:
        """How long it is."""
        return self.end_ns - self.begin_ns


@dataclass(frozen=True, slots=True)
class HookSpan:
    """A hook from its beginning to its end.

    Attributes:
        begin_ns: when it began.
        end_ns: when it ended.
        name: start, loop or stop.
        number: counts loops from 1.
        how: how it ended; empty if it has not.
        used_ns: its execution time.
        instructions: what it was charged for; 0 if it has not ended.
    """

    begin_ns: int
    end_ns: int
    name: str
    number: int
    how: str
    used_ns: int
    instructions: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment; its text is one line, not yet escaped."""

    at_ns: int
    kind: MarkKind
    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What a container did in a stretch of time, in sums.

    Attributes:
        begin_ns: where it begins.
        end_ns: where it ends.
        lengths_ns: how long it did each thing, in the order of `Activity`.
    """

    begin_ns: int
    end_ns: int
    lengths_ns: tuple[int, ...]

    def length_of(self, activity: Activity) -> int:
        """How long it did one thing."""
        return self.lengths_ns[tuple(Activity).index(activity)]


@dataclass(frozen=True, slots=True)
class Lane:
    """One container: a row of a picture.

    Attributes:
        uid: its uid; untrusted.
        ranks: its first and its last place in the policy, 0 is best; one if they are equal, none if
            it never had the processor.
        spans: what it did, in order.
        hooks: its hooks, in order.
        marks: what happened, in order.
        descriptors: pairs of a moment and how many descriptors were open from then on.
        cells: sums of all that it did, in order, where the run is too long for its spans.
        hook_count: how many hooks it had, if that is more than there are in ``hooks``.
        execution_ns: what it used, as the account of the run says; None for a part of a run.
    """

    uid: bytes
    ranks: tuple[int, ...]
    spans: tuple[Span, ...]
    hooks: tuple[HookSpan, ...]
    marks: tuple[Mark, ...]
    descriptors: tuple[tuple[int, int], ...] = ()
    cells: tuple[Cell, ...] = ()
    hook_count: int = 0
    execution_ns: int | None = None

    @property
    def ran_ns(self) -> int:
        """How long it had the processor."""
        return self.lengths_ns[Activity.RUNNING]

    @property
    def lengths_ns(self) -> dict[Activity, int]:
        """How long it did each thing."""
        lengths_ns = dict.fromkeys(Activity, 0)
        for cell in self.cells:
            for activity, length_ns in zip(Activity, cell.lengths_ns, strict=True):
                lengths_ns[activity] += length_ns
        for span in () if self.cells else self.spans:
            lengths_ns[span.activity] += span.length_ns
        if self.execution_ns is not None:
            # In wall time spans have a little of the host's own work in them.
            lengths_ns[Activity.RUNNING] = self.execution_ns
        return lengths_ns


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run.

    Attributes:
        begin_ns: where it begins.
        end_ns: where it ends.
        lanes: its containers, best rank first; equal ranks in the order of their first events.
        is_cut: whether the run is too long for single spans, hooks and marks: after the first of
            them there are only sums.
        cell_ns: how long the cells of these sums are.
        detailed_until_ns: up to where there are single ones.
        has_more_lanes: whether there were more containers than a picture can have.
    """

    begin_ns: int
    end_ns: int
    lanes: tuple[Lane, ...]
    is_cut: bool = False
    cell_ns: int = 0
    detailed_until_ns: int = 0
    has_more_lanes: bool = False

    @property
    def length_ns(self) -> int:
        """How long it is, at least 1 ns."""
        return max(1, self.end_ns - self.begin_ns)


def clip_timeline(timeline: Timeline, begin_ns: int, end_ns: int | None) -> Timeline:
    """The part of a timeline between two moments; a container with nothing in it has no row.

    Args:
        timeline: the whole.
        begin_ns: device time.
        end_ns: device time; None for the timeline's end.
    """
    begin_ns = max(begin_ns, timeline.begin_ns)
    end_ns = timeline.end_ns if end_ns is None else max(begin_ns, min(end_ns, timeline.end_ns))
    if (begin_ns, end_ns) == (timeline.begin_ns, timeline.end_ns):
        return timeline
    lanes = (_clip_lane(lane, begin_ns, end_ns) for lane in timeline.lanes)
    kept = tuple(lane for lane in lanes if lane.spans or lane.cells or lane.marks)
    return replace(timeline, begin_ns=begin_ns, end_ns=end_ns, lanes=kept)


def _clip_lane(lane: Lane, begin_ns: int, end_ns: int) -> Lane:
    spans = (
        Span(max(span.begin_ns, begin_ns), min(span.end_ns, end_ns), span.activity)
        for span in lane.spans
        if span.begin_ns < end_ns and span.end_ns > begin_ns
    )
    hooks = (hook for hook in lane.hooks if hook.begin_ns < end_ns and hook.end_ns > begin_ns)
    marks = (mark for mark in lane.marks if begin_ns <= mark.at_ns <= end_ns)
    counts = (count for count in lane.descriptors if begin_ns <= count[0] <= end_ns)
    cells = (cell for cell in lane.cells if cell.begin_ns < end_ns and cell.end_ns > begin_ns)
    return Lane(
        lane.uid,
        lane.ranks,
        tuple(spans),
        tuple(hooks),
        tuple(marks),
        tuple(counts),
        tuple(cells),
        lane.hook_count,
    )
