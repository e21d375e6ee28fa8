"""Builds the lane of one container from the events of a trace.

It copes with every order of events: a trace may begin in the middle, end anywhere, or be forged.
Whatever it is given, time never goes back in the lane.
"""

from dataclasses import dataclass, field
from typing import Final

from tinycontainer.trace import Row, describe, events

from .grid import Grid, LaneGrid
from .timeline import Activity, HookSpan, Lane, Mark, MarkKind, Span

_MAX_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Window:
    """From where to where a picture goes.

    Attributes:
        begin_ns: device time.
        end_ns: device time; None for the end of the run.
    """

    begin_ns: int = 0
    end_ns: int | None = None

    def holds(self, at_ns: int) -> bool:
        """Whether a moment is in it."""
        return self.begin_ns <= at_ns and (self.end_ns is None or at_ns <= self.end_ns)

    def overlaps(self, begin_ns: int, end_ns: int) -> bool:
        """Whether a stretch of time, which can be a moment, is in it in part at least."""
        return self.begin_ns <= end_ns and (self.end_ns is None or begin_ns < self.end_ns)


@dataclass(slots=True, eq=False)
class LaneBuilder:
    """Everything that a trace has shown of one container so far.

    Attributes:
        uid: the container's.
        grid: counts everything in cells.
        window: from where to where the picture goes; nothing else is kept.
        is_cut: whether there is no room for single items any more.
        ranks: its first and its last place in the policy; one if they are equal, none if it never
            had the processor.
        items: how many spans, hooks, marks and counts it holds.
    """

    uid: bytes
    grid: Grid
    window: Window
    ranks: tuple[int, ...] = ()
    items: int = 0
    is_cut: bool = False
    hook_count: int = 0
    _sums: LaneGrid = field(init=False)
    _spans: list[Span] = field(default_factory=list)
    _hooks: list[HookSpan] = field(default_factory=list)
    _marks: list[Mark] = field(default_factory=list)
    _descriptors: list[tuple[int, int]] = field(default_factory=list)
    _open_descriptors: int = 0
    _activity: Activity | None = None
    _since_ns: int = 0
    _due_ns: int | None = None
    _hook: events.HookBegan | None = None
    _in_progress: events.HookInProgress | None = None
    _is_stopping: bool = False

    def __post_init__(self) -> None:
        self._sums = self.grid.add_lane()

    # The processor.

    def give_processor(self, at_ns: int, rank: int, late_ns: int) -> None:
        """The container gets the processor.

        Args:
            at_ns: device time.
            rank: its place in the policy.
            late_ns: how long its hook has been due.
        """
        self._note_rank(rank)
        if self._hook is not None:
            self._turn_to(Activity.RUNNING, at_ns)
        elif self._activity is Activity.ASLEEP:
            # It was due earlier, but not before it fell asleep and not after now.
            self._turn_to(Activity.DUE, min(at_ns, max(self._since_ns, at_ns - late_ns)))

    def lose_processor(self, at_ns: int) -> None:
        """Another container gets the processor."""
        if self._activity is Activity.RUNNING:
            self._turn_to(Activity.PREEMPTED, at_ns)

    # Its hooks.

    def begin_hook(self, event: events.HookBegan) -> None:
        """A hook begins; one that never ended is forgotten."""
        self._hook = event
        self._turn_to(Activity.RUNNING, event.at_ns)

    def end_hook(self, event: events.HookEnded) -> None:
        """The hook in progress has ended."""
        began = self._hook
        if began is None:
            return
        self._hook = None
        if self.window.overlaps(began.at_ns, event.at_ns):
            self.hook_count += 1
            if not self.is_cut:
                self._hooks.append(_end_of(began, event))
                self.items += 1
        # After a hook of a container that is to stop, its stop hook is due at once.
        self._turn_to(Activity.DUE if self._is_stopping else Activity.ASLEEP, event.at_ns)

    # Its life.

    def change_state(self, event: events.Transitioned) -> None:
        """The container goes through a row of the life-cycle table."""
        self._is_stopping = event.after == "stopping"
        if event.trigger == "fault":
            self.add_mark(event.at_ns, MarkKind.FAULT, event)
        if event.trigger == "start":
            self._turn_to(Activity.DUE, event.at_ns)
        elif self._is_stopping:
            if self._activity is Activity.ASLEEP:
                self._turn_to(Activity.DUE, event.at_ns)
        elif event.after != "running":
            self._hook = None
            self._turn_to(None, event.at_ns)

    def miss_deadline(self, event: events.DeadlineMissed, begin_ns: int) -> None:
        """A deadline has passed, so the container has been due since then at the latest.

        Args:
            event: the report, made at the deadline or later.
            begin_ns: where the trace begins; the deadline can be before it.
        """
        at_ns = max(begin_ns, min(event.deadline_ns, event.at_ns))
        self.add_mark(at_ns, MarkKind.MISS, event)
        if self._activity is Activity.ASLEEP and self._due_ns is None:
            self._due_ns = max(at_ns, self._since_ns)

    # Its calls.

    def add_call(self, event: events.Called) -> None:
        """A call was granted."""
        text = f"{event.call}({event.subject}) = {event.result}"
        self._keep_mark(Mark(event.at_ns, MarkKind.CALL, text[:_MAX_CHARACTERS]))
        if event.call in ("open", "close"):
            self._count_descriptors(event.at_ns, 1 if event.call == "open" else -1)

    def close_descriptor(self, at_ns: int) -> None:
        """The service, not the container, closed a descriptor."""
        self._count_descriptors(at_ns, -1)

    def add_mark(self, at_ns: int, kind: MarkKind, event: events.TraceEvent) -> None:
        """Something happened that the picture marks, with the words of its event."""
        self._keep_mark(Mark(at_ns, kind, (describe(event) or "")[:_MAX_CHARACTERS]))

    def _keep_mark(self, mark: Mark) -> None:
        if not self.window.holds(mark.at_ns):
            return
        self.grid.add_mark(self._sums, mark)
        if not self.is_cut:
            self._marks.append(mark)
            self.items += 1

    # The end.

    def leave_in_progress(self, event: events.HookInProgress) -> None:
        """The trace ends in the middle of a hook."""
        self._in_progress = event

    def build(self, end_ns: int, account: Row, *, is_whole: bool) -> Lane:
        """The lane up to the end; nothing is added after this.

        Args:
            end_ns: device time, not before the last event.
            account: what the container used, by the same events.
            is_whole: whether the picture shows the whole run, so that the account is its own.
        """
        self._turn_to(self._activity, end_ns)
        hooks = list(self._hooks)
        if self._hook is not None and self.window.overlaps(self._hook.at_ns, end_ns):
            self.hook_count += 1
            if not self.is_cut:
                hooks.append(self._unfinished_hook(self._hook, account, end_ns))
        marks = sorted(self._marks, key=lambda mark: mark.at_ns)
        if self.is_cut:
            marks = list(self.grid.list_marks(self._sums))
        return Lane(
            uid=self.uid,
            ranks=self.ranks,
            spans=tuple(self._spans),
            hooks=tuple(hooks),
            marks=tuple(marks),
            descriptors=tuple(self._descriptors),
            cells=tuple(self.grid.list_cells(self._sums)) if self.is_cut else (),
            hook_count=self.hook_count,
            execution_ns=account.statistics.execution_ns if is_whole else None,
        )

    def _unfinished_hook(self, began: events.HookBegan, account: Row, end_ns: int) -> HookSpan:
        said = self._in_progress
        used_ns = account.in_progress_ns if said is None else said.used_ns
        instructions = 0 if said is None else said.instructions
        return HookSpan(began.at_ns, end_ns, began.hook, began.number, "", used_ns, instructions)

    def _unfinished_spans(self, at_ns: int) -> list[Span]:
        """What the container has done since its last span; none of them is empty."""
        if self._activity is None:
            return []
        spans = [Span(self._since_ns, at_ns, self._activity)]
        if self._due_ns is not None and self._due_ns < at_ns:
            spans = [
                Span(self._since_ns, self._due_ns, self._activity),
                Span(self._due_ns, at_ns, Activity.DUE),
            ]
        return [span for span in spans if span.begin_ns < span.end_ns]

    def _turn_to(self, activity: Activity | None, at_ns: int) -> None:
        if self._due_ns is not None and self._due_ns > at_ns:
            self._due_ns = None
        for span in self._unfinished_spans(at_ns):
            self.grid.add_span(self._sums, span.begin_ns, span.end_ns, span.activity)
            if not self.is_cut and self.window.overlaps(span.begin_ns, span.end_ns):
                self._spans.append(span)
                self.items += 1
        self._activity = activity
        self._since_ns = at_ns
        self._due_ns = None

    def _note_rank(self, rank: int) -> None:
        first = self.ranks[0] if self.ranks else rank
        self.ranks = (first,) if rank == first else (first, rank)

    def _count_descriptors(self, at_ns: int, change: int) -> None:
        # Not below zero: a trace that begins in the middle does not show who opened them.
        self._open_descriptors = max(0, self._open_descriptors + change)
        if self.window.holds(at_ns) and not self.is_cut:
            self._descriptors.append((at_ns, self._open_descriptors))
            self.items += 1


def _end_of(began: events.HookBegan, event: events.HookEnded) -> HookSpan:
    return HookSpan(
        begin_ns=began.at_ns,
        end_ns=event.at_ns,
        name=began.hook[:_MAX_CHARACTERS],
        number=began.number,
        how=event.how[:_MAX_CHARACTERS],
        used_ns=event.used_ns,
        instructions=event.instructions,
    )
