"""Follows one container through the events of a trace.

It holds whatever order the events have: a trace may begin in the middle, end anywhere, or be made
up. Time never goes back in what it tells.
"""

from dataclasses import dataclass, field
from typing import Final

from tinycontainer.trace import describe, events

from .lane import Doing, Hook, Lane, Mark, Sign, Span

_MAX_TEXT: Final = 200


@dataclass(slots=True, eq=False)
class Follower:
    """What is known of a container so far.

    Attributes:
        uid: which.
        ranks: its first and its last place in the policy.
        items: how much is kept.
    """

    uid: bytes
    ranks: tuple[int, ...] = ()
    items: int = 0
    _spans: list[Span] = field(default_factory=list)
    _hooks: list[Hook] = field(default_factory=list)
    _marks: list[Mark] = field(default_factory=list)
    _descriptors: list[tuple[int, int]] = field(default_factory=list)
    _open: int = 0
    _doing: Doing | None = None
    _since_ns: int = 0
    _due_ns: int | None = None
    _hook: events.HookBegan | None = None
    _is_stopping: bool = False

    # The processor.

    def dispatched(self, at_ns: int, rank: int, late_ns: int) -> None:
        """It is given the processor."""
        self.ranks = (*self.ranks[:1], rank) if self.ranks[:1] != (rank,) else self.ranks[:1]
        if self._hook is not None:
            self._turn_to(Doing.RUNNING, at_ns)
        elif self._doing is Doing.ASLEEP:
            self._turn_to(Doing.DUE, min(at_ns, max(self._since_ns, at_ns - late_ns)))

    def lost(self, at_ns: int) -> None:
        """Another container is given the processor."""
        if self._doing is Doing.RUNNING:
            self._turn_to(Doing.PREEMPTED, at_ns)

    # Its hooks.

    def hook_began(self, event: events.HookBegan) -> None:
        """A hook begins; one that never ended is forgotten."""
        self._hook = event
        self._turn_to(Doing.RUNNING, event.at_ns)

    def hook_ended(self, event: events.HookEnded) -> None:
        """The hook in progress has ended."""
        if self._hook is None:
            return
        began, self._hook = self._hook, None
        self._keep_hook(began, event)
        self._turn_to(Doing.DUE if self._is_stopping else Doing.ASLEEP, event.at_ns)

    # Its life.

    def transition(self, event: events.Transitioned) -> None:
        """It goes through a row of the life-cycle table."""
        self._is_stopping = event.after == "stopping"
        if event.trigger == "fault":
            self.mark(event.at_ns, Sign.FAULT, event)
        if event.trigger == "start":
            self._turn_to(Doing.DUE, event.at_ns)
        elif self._is_stopping:
            if self._doing is Doing.ASLEEP:
                self._turn_to(Doing.DUE, event.at_ns)
        elif event.after != "running":
            self._hook = None
            self._turn_to(None, event.at_ns)

    def missed(self, event: events.DeadlineMissed, begin_ns: int) -> None:
        """A deadline has passed, so that it is due at the latest since then."""
        at_ns = max(begin_ns, min(event.deadline_ns, event.at_ns))
        self.mark(at_ns, Sign.MISS, event)
        if self._doing is Doing.ASLEEP and self._due_ns is None:
            self._due_ns = max(at_ns, self._since_ns)

    # Its calls.

    def called(self, event: events.Called) -> None:
        """A call was granted."""
        text = f"{event.call}({event.subject}) = {event.result}"
        self._marks.append(Mark(event.at_ns, Sign.CALL, text[:_MAX_TEXT]))
        self.items += 1
        if event.call in ("open", "close"):
            self._count(event.at_ns, 1 if event.call == "open" else -1)

    def closed(self, at_ns: int) -> None:
        """The service closed a descriptor."""
        self._count(at_ns, -1)

    def mark(self, at_ns: int, sign: Sign, event: events.TraceEvent) -> None:
        """Something happened that people are told of."""
        self._marks.append(Mark(at_ns, sign, (describe(event) or "")[:_MAX_TEXT]))
        self.items += 1

    # The end.

    def lane(self, end_ns: int) -> Lane:
        """What is known of it at the end of a trace; the trace may go on."""
        spans = [*self._spans, *self._unfinished(end_ns)]
        hooks = list(self._hooks)
        if self._hook is not None:
            used_ns = sum(s.length_ns for s in spans if s.doing is Doing.RUNNING)
            used_ns -= sum(hook.used_ns for hook in hooks)
            began = self._hook
            last = Hook(began.at_ns, end_ns, began.hook, began.number, "", max(0, used_ns), 0)
            hooks.append(last)
        marks = sorted(self._marks, key=lambda mark: mark.at_ns)
        counts = tuple(self._descriptors)
        return Lane(self.uid, self.ranks, tuple(spans), tuple(hooks), tuple(marks), counts)

    def _unfinished(self, at_ns: int) -> list[Span]:
        """What it has been doing since its last span."""
        if self._doing is None:
            return []
        pieces = [(self._since_ns, at_ns, self._doing)]
        if self._due_ns is not None and self._due_ns < at_ns:
            pieces = [
                (self._since_ns, self._due_ns, self._doing),
                (self._due_ns, at_ns, Doing.DUE),
            ]
        return [Span(*piece) for piece in pieces if piece[0] < piece[1]]

    def _turn_to(self, doing: Doing | None, at_ns: int) -> None:
        if self._due_ns is not None and self._due_ns > at_ns:
            self._due_ns = None
        spans = self._unfinished(at_ns)
        self._spans += spans
        self.items += len(spans)
        self._doing, self._since_ns, self._due_ns = doing, at_ns, None

    def _keep_hook(self, began: events.HookBegan, ended: events.HookEnded) -> None:
        number, name, how = began.number, began.hook[:_MAX_TEXT], ended.how[:_MAX_TEXT]
        used = ended.used_ns, ended.instructions
        self._hooks.append(Hook(began.at_ns, ended.at_ns, name, number, how, *used))
        self.items += 1

    def _count(self, at_ns: int, change: int) -> None:
        self._open = max(0, self._open + change)
        self._descriptors.append((at_ns, self._open))
        self.items += 1
