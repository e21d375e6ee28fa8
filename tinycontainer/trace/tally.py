"""A sink that counts: who ran how often and for how long, and what was refused why.

Its statistics of a container are those that the device has (TC-TOOL-14).
"""

from collections import Counter
from dataclasses import dataclass, field

from tinycontainer.interfaces.runtime import TrapFrame

from . import events
from .account import Account, Statistics
from .events import TraceEvent
from .places import from_pairs


@dataclass(slots=True)
class Row:
    """What one container did, over all its starts, also if it is gone.

    Attributes:
        uid: its uid.
        statistics: what it used. Fuel and memory of the hook in progress are not in it before it
            ends, or the trace.
        state: its last state.
        in_progress_ns: the part of its execution time that the hook in progress has used, as far as
            events show it: exact in virtual time and where the trace ends; in wall time a little
            more before that.
        faults: how many of its starts ended by a fault.
        ended: why its last start ended; empty if none has.
        trapped_at: the calls in progress at the trap by which that was, the innermost first.
        replaced: how often another version was accepted for its place.
        confirmed: how many of them were on trial and are final.
        undone: how many were on trial and gave way to the version of before.
        undone_why: why the last one did; empty if none has. Untrusted.
    """

    uid: bytes
    statistics: Statistics = field(default_factory=Statistics)
    state: str = ""
    in_progress_ns: int = 0
    faults: int = 0
    ended: str = ""
    trapped_at: tuple[TrapFrame, ...] = ()
    replaced: int = 0
    confirmed: int = 0
    undone: int = 0
    undone_why: str = ""

    def run(self, length_ns: int) -> None:
        """Count time of the hook in progress."""
        self.statistics.execution_ns += length_ns
        self.in_progress_ns += length_ns

    def end_hook(self, event: events.HookEnded | events.HookInProgress) -> None:
        """Count a hook as its last event says, in place of what was seen of it."""
        seen = self.statistics
        seen.execution_ns += event.used_ns - self.in_progress_ns
        seen.instructions += event.instructions
        seen.peak_memory_bytes = max(seen.peak_memory_bytes, event.memory_bytes)
        self.in_progress_ns = 0


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
        ended: the event that ends the trace; None if it did not come yet.
    """

    rows: dict[bytes, Row] = field(default_factory=dict)
    refusals: Counter[RefusalKind] = field(default_factory=Counter)
    ended: events.TraceEnded | None = None
    _runs: Row | None = None
    _since_ns: int = 0
    _in_hook: set[bytes] = field(default_factory=set)

    def __call__(self, event: TraceEvent) -> None:
        """Count one event."""
        self.count_until(event.at_ns)
        match event:
            case events.Transitioned(uid=uid) if uid:
                self._transition(self._row(uid), event)
            case events.Dispatched(uid=uid):
                self._runs = self._row(uid) if uid in self._in_hook else None
            case events.HookBegan(uid=uid):
                row = self._runs = self._row(uid)
                row.in_progress_ns = 0  # of one whose end was lost
                self._in_hook.add(uid)
            case events.HookEnded(uid=uid):
                row = self._row(uid)
                row.end_hook(event)
                row.statistics.loops += event.hook == "loop" and event.how == "completed"
                self._leave(uid)
            case events.HookInProgress(uid=uid):
                self._row(uid).end_hook(event)
                self._leave(uid)
            case events.TraceEnded():
                self.ended = event
            case events.Called(uid=uid):
                self._row(uid).statistics.calls += 1
            case events.Refused(uid=uid):
                self._row(uid).statistics.refusals += 1
                self.refusals[RefusalKind(uid, event.call, event.reason)] += 1
            case events.LoadRefused(uid=uid):
                self.refusals[RefusalKind(uid, event.verb, event.reason)] += 1
            case events.Replacing(uid=uid):
                self._row(uid).replaced += 1
            case events.ReplacementConfirmed(uid=uid):
                self._row(uid).confirmed += 1
            case events.ReplacementUndone(uid=uid):
                row = self._row(uid)
                row.undone += 1
                row.undone_why = event.reason
            case events.RightExpired(uid=uid):
                self.refusals[RefusalKind(uid, f"{event.token} token", "expired")] += 1
            case events.Dropped(uid=uid) if event.refusals:
                self._row(uid).statistics.refusals += event.refusals
                self.refusals[RefusalKind(uid, "any call", "beyond-the-rate")] += event.refusals
            case events.DeadlineMissed(uid=uid):
                self._row(uid).statistics.deadline_misses += 1
            case events.PeriodsSkipped(uid=uid):
                self._row(uid).statistics.skipped_periods += event.count

    def account(self, now_ns: int) -> Account:
        """Who had the processor until a moment of device time, which begins at 0.

        Args:
            now_ns: not before the last event.
        """
        runs, since_ns = self._runs, self._since_ns
        used_ns = {uid: row.statistics.execution_ns for uid, row in tuple(self.rows.items())}
        if runs is not None:
            used_ns[runs.uid] += max(0, now_ns - since_ns)
        return Account.of(now_ns, used_ns)

    def count_until(self, now_ns: int) -> None:
        """Count the time of the hook that has the processor, up to a moment."""
        if self._runs is not None:
            self._runs.run(max(0, now_ns - self._since_ns))
        self._since_ns = max(now_ns, self._since_ns)

    def _leave(self, uid: bytes) -> None:
        self._in_hook.discard(uid)
        if self._runs is not None and self._runs.uid == uid:
            self._runs = None

    def _row(self, uid: bytes) -> Row:
        return self.rows.setdefault(uid, Row(uid))

    def _transition(self, row: Row, event: events.Transitioned) -> None:
        row.state = event.after
        if event.after not in ("running", "stopping"):
            self._leave(row.uid)
        if event.trigger == "start":
            row.statistics.starts += 1
        elif event.before == "running" and event.after == "stopping":
            row.ended = event.reason or event.trigger
            row.trapped_at = from_pairs(event.frames)
        if event.trigger == "fault" and event.before == "running":
            row.faults += 1
