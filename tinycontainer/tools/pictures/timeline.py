"""Makes a timeline of the events of a trace.

Spans of one container follow each other without gaps while it is started; those in which containers
run never overlap, as there is one processor, and add up to the execution time (in wall time: to a
little more, for the host's own work between two turns).
"""

from typing import Final

from tinycontainer.trace import TraceEvent, events

from .follower import Follower
from .lane import Sign, Timeline

MAX_ITEMS: Final = 400_000
MAX_LANES: Final = 10_000


class TimelineBuilder:
    """A sink that draws nothing yet, but keeps what a picture needs, within bounds.

    Args:
        max_items: how many spans, hooks and marks are kept; what comes later is left out.
    """

    def __init__(self, max_items: int = MAX_ITEMS) -> None:
        self._max_items = max_items
        self._followers: dict[bytes, Follower] = {}
        self._owner: Follower | None = None
        self._begin_ns: int | None = None
        self._now_ns = 0
        self._items = 0
        self._is_cut = False

    def __call__(self, event: TraceEvent) -> None:
        """Take one event, in the order of time."""
        uid = getattr(event, "uid", b"")
        self._is_cut = self._is_cut or (
            self._items >= self._max_items
            or (uid not in self._followers and len(self._followers) >= MAX_LANES)
        )
        if self._is_cut:
            return
        self._begin_ns = event.at_ns if self._begin_ns is None else self._begin_ns
        self._now_ns = max(self._now_ns, event.at_ns)
        follower = self._followers.setdefault(uid, Follower(uid))
        before = follower.items
        self._tell(follower, event)
        self._items += follower.items - before

    def timeline(self, end_ns: int | None = None) -> Timeline:
        """What is known so far.

        Args:
            end_ns: where the run ended, if that is later than its last event.
        """
        end_ns = self._now_ns if self._is_cut else max(self._now_ns, end_ns or 0)
        lanes = [follower.lane(end_ns) for follower in self._followers.values()]
        kept = [lane for lane in lanes if lane.spans or lane.marks]
        kept.sort(key=lambda lane: (not lane.ranks, lane.ranks[:1]))
        return Timeline(min(self._begin_ns or 0, end_ns), end_ns, tuple(kept), self._is_cut)

    def _tell(self, follower: Follower, event: TraceEvent) -> None:
        match event:
            case events.Dispatched():
                self._give_to(follower, event.at_ns)
                follower.dispatched(event.at_ns, event.rank, event.late_ns)
            case events.HookBegan():
                self._give_to(follower, event.at_ns)
                follower.hook_began(event)
            case events.HookEnded():
                follower.hook_ended(event)
            case events.Transitioned():
                follower.transition(event)
            case events.DeadlineMissed():
                follower.missed(event, self._begin_ns or 0)
            case events.Called():
                follower.called(event)
            case events.Refused() | events.LoadRefused():
                follower.mark(event.at_ns, Sign.REFUSAL, event)
            case events.DescriptorClosed():
                follower.closed(event.at_ns)

    def _give_to(self, follower: Follower, at_ns: int) -> None:
        if self._owner is not None and self._owner is not follower:
            self._owner.lost(at_ns)
        self._owner = follower
