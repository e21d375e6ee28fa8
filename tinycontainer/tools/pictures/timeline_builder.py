"""Builds a timeline from the events of a trace.

Spans of one container follow each other without gaps while it is started. Spans in which containers
run never overlap, as there is one processor. They add up to the execution time; in wall time to a
little more, because of the host's own work between two turns.
"""

from typing import Final

from tinycontainer.trace import TraceEvent, events

from .lane_builder import LaneBuilder
from .timeline import MarkKind, Timeline

MAX_ITEMS: Final = 400_000
MAX_LANES: Final = 10_000


class TimelineBuilder:
    """A sink that keeps what a picture needs, within bounds; it draws nothing.

    Args:
        max_items: how many spans, hooks, marks and counts are kept; later ones are left out.
    """

    def __init__(self, max_items: int = MAX_ITEMS) -> None:
        self._max_items = max_items
        self._lane_builders: dict[bytes, LaneBuilder] = {}
        self._owner: LaneBuilder | None = None
        self._begin_ns: int | None = None
        self._now_ns = 0
        self._items = 0
        self._is_cut = False

    def __call__(self, event: TraceEvent) -> None:
        """Accept one event, in the order of time."""
        uid = getattr(event, "uid", b"")
        is_new = uid not in self._lane_builders
        if self._items >= self._max_items or (is_new and len(self._lane_builders) >= MAX_LANES):
            self._is_cut = True
        if self._is_cut:  # for good: a picture with holes in the middle would mislead
            return
        self._begin_ns = event.at_ns if self._begin_ns is None else self._begin_ns
        self._now_ns = max(self._now_ns, event.at_ns)
        lane_builder = self._lane_builders.setdefault(uid, LaneBuilder(uid))
        items_before = lane_builder.items
        self._pass_on(event, lane_builder)
        self._items += lane_builder.items - items_before

    def build(self, end_ns: int | None = None) -> Timeline:
        """The timeline so far.

        Args:
            end_ns: device time at which the run ended, if that is later than its last event.
        """
        end_ns = self._now_ns if self._is_cut else max(self._now_ns, end_ns or 0)
        lanes = [lane_builder.build(end_ns) for lane_builder in self._lane_builders.values()]
        kept = [lane for lane in lanes if lane.spans or lane.marks]
        kept.sort(key=lambda lane: (not lane.ranks, lane.ranks[:1]))  # those that never ran last
        return Timeline(min(self._begin_ns or 0, end_ns), end_ns, tuple(kept), self._is_cut)

    def _pass_on(self, event: TraceEvent, lane_builder: LaneBuilder) -> None:
        match event:
            case events.Dispatched():
                self._give_to(lane_builder, event.at_ns)
                lane_builder.give_processor(event.at_ns, event.rank, event.late_ns)
            case events.HookBegan():
                self._give_to(lane_builder, event.at_ns)
                lane_builder.begin_hook(event)
            case events.HookEnded():
                lane_builder.end_hook(event)
            case events.Transitioned():
                lane_builder.change_state(event)
            case events.DeadlineMissed():
                lane_builder.miss_deadline(event, self._begin_ns or 0)
            case events.Called():
                lane_builder.add_call(event)
            case events.Refused() | events.LoadRefused() | events.RightExpired():
                lane_builder.add_mark(event.at_ns, MarkKind.REFUSAL, event)
            case events.DescriptorClosed():
                lane_builder.close_descriptor(event.at_ns)

    def _give_to(self, lane_builder: LaneBuilder, at_ns: int) -> None:
        if self._owner is not None and self._owner is not lane_builder:
            self._owner.lose_processor(at_ns)
        self._owner = lane_builder
