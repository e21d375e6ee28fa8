"""A sink that counts: who ran how often, and what was refused why."""

from collections import Counter
from dataclasses import dataclass, field

from . import events
from .events import TraceEvent


@dataclass(slots=True)
class Row:
    """What one container did, over all its starts, also if it is gone.

    Attributes:
        uid: its uid.
        state: its last state.
        starts: how often it was started.
        loops: completed loops.
        execution_ns: time that its hooks used.
        instructions: what its hooks were charged for.
        calls: granted calls.
        refusals: refused calls, those included that went beyond the recorded rate.
        deadline_misses: gaps between loops that grew too long.
        faults: how many of its starts ended by a fault.
        ended: why its last start ended; empty if none has.
    """

    uid: bytes
    state: str = ""
    starts: int = 0
    loops: int = 0
    execution_ns: int = 0
    instructions: int = 0
    calls: int = 0
    refusals: int = 0
    deadline_misses: int = 0
    faults: int = 0
    ended: str = ""


@dataclass(frozen=True, slots=True, order=True)
class RefusalKind:
    """A kind of refusal: who tried what, or lost which token, and why it was refused."""

    uid: bytes
    what: str
    reason: str


@dataclass(slots=True)
class Tally:
    """Counts events as they come.

    Attributes:
        rows: one per uid, in the order of their first events.
        refusals: how often each kind of refusal was recorded.
    """

    rows: dict[bytes, Row] = field(default_factory=dict)
    refusals: Counter[RefusalKind] = field(default_factory=Counter)

    def __call__(self, event: TraceEvent) -> None:
        """Count one event."""
        match event:
            case events.Transitioned(uid=uid) if uid:
                self._transition(self._row(uid), event)
            case events.HookEnded(uid=uid):
                row = self._row(uid)
                row.execution_ns += event.used_ns
                row.instructions += event.instructions
                row.loops += event.hook == "loop" and event.how == "completed"
            case events.Called(uid=uid):
                self._row(uid).calls += 1
            case events.Refused(uid=uid):
                self._row(uid).refusals += 1
                self.refusals[RefusalKind(uid, event.call, event.reason)] += 1
            case events.LoadRefused(uid=uid):
                self.refusals[RefusalKind(uid, event.verb, event.reason)] += 1
            case events.RightExpired(uid=uid):
                self.refusals[RefusalKind(uid, f"{event.token} token", "expired")] += 1
            case events.Dropped(uid=uid) if event.refusals:
                self._row(uid).refusals += event.refusals
                self.refusals[RefusalKind(uid, "any call", "beyond-the-rate")] += event.refusals
            case events.DeadlineMissed(uid=uid):
                self._row(uid).deadline_misses += 1

    def _row(self, uid: bytes) -> Row:
        return self.rows.setdefault(uid, Row(uid))

    def _transition(self, row: Row, event: events.Transitioned) -> None:
        row.state = event.after
        if event.trigger == "start":
            row.starts += 1
        elif event.before == "running" and event.after == "stopping":
            row.ended = event.reason or event.trigger
        if event.trigger == "fault" and event.before == "running":
            row.faults += 1
