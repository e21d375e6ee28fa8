"""Builds a timeline from the events of a trace.

Spans of one container follow each other without gaps while it is started. Spans in which containers
run never overlap, as there is one processor. They add up to the execution time; in wall time to a
little more, because of the host's own work between two turns; the account of a lane is that of the
tables (`Tally`).
"""

from typing import Final

from tinycontainer.trace import Row, Tally, TraceEvent, events

from .grid import Grid
from .lane_builder import LaneBuilder, Window
from .timeline import MarkKind, Timeline, clip_timeline

MAX_ITEMS: Final = 400_000
MAX_LANES: Final = 10_000


class TimelineBuilder:
    """A sink that keeps what a picture needs, within bounds; it draws nothing.

    Args:
        window: from where to where the picture goes; by default the whole run.
        max_items: how many spans, hooks, marks and counts are kept one by one; of later ones only
            the sums are kept (`Grid`).
    """

    def __init__(self, window: Window | None = None, max_items: int = MAX_ITEMS) -> None:
        self._window = window or Window()
        self._grid = Grid(self._window.begin_ns, self._window.end_ns)
        self._tally = Tally()
        self._max_items = max_items
        self._detailed_until_ns = 0
        self._has_more_lanes = False
        self._lane_builders: dict[bytes, LaneBuilder] = {}
        self._owner: LaneBuilder | None = None
        self._begin_ns: int | None = None
        self._now_ns = 0
        self._items = 0
        self._is_cut = False

    def __call__(self, event: TraceEvent) -> None:
        """Accept one event, in the order of time."""
        self._begin_ns = event.at_ns if self._begin_ns is None else self._begin_ns
        self._now_ns = max(self._now_ns, event.at_ns)
        self._tally(event)
        uid = getattr(event, "uid", None)
        lane_builder = None if uid is None else self._lane(uid)
        if lane_builder is None:
            return
        if self._items >= self._max_items and not self._is_cut:
            self._cut()
        items_before = lane_builder.items
        self._pass_on(event, lane_builder)
        self._items += lane_builder.items - items_before

    def build(self, end_ns: int | None = None) -> Timeline:
        """The timeline; call it once, after the last event.

        Args:
            end_ns: device time at which the run ended, if that is later than its last event.
        """
        end_ns = max(self._now_ns, end_ns or 0)
        self._tally.count_until(end_ns)
        is_whole = self._window == Window()
        lanes = [
            builder.build(end_ns, self._tally.rows.get(uid, Row(uid)), is_whole=is_whole)
            for uid, builder in self._lane_builders.items()
        ]
        kept = [lane for lane in lanes if lane.spans or lane.cells or lane.marks]
        kept.sort(key=lambda lane: (not lane.ranks, lane.ranks[:1]))  # those that never ran last
        whole = Timeline(
            min(self._begin_ns or 0, end_ns),
            end_ns,
            tuple(kept),
            self._is_cut,
            self._grid.cell_ns,
            self._detailed_until_ns,
            self._has_more_lanes,
        )
        return (
            whole if is_whole else clip_timeline(whole, self._window.begin_ns, self._window.end_ns)
        )

    def _lane(self, uid: bytes) -> LaneBuilder | None:
        """The builder of a container's lane; None if there are too many."""
        if uid not in self._lane_builders:
            if len(self._lane_builders) >= MAX_LANES:
                self._has_more_lanes = True
                return None
            self._lane_builders[uid] = LaneBuilder(uid, self._grid, self._window)
            self._lane_builders[uid].is_cut = self._is_cut
        return self._lane_builders[uid]

    def _cut(self) -> None:
        self._is_cut = True
        self._detailed_until_ns = self._now_ns
        for lane_builder in self._lane_builders.values():
            lane_builder.is_cut = True

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
            case (
                events.Refused()
                | events.LoadRefused()
                | events.RightExpired()
                | events.ReplacementUndone()
            ):
                lane_builder.add_mark(event.at_ns, MarkKind.REFUSAL, event)
            case events.DescriptorClosed():
                lane_builder.close_descriptor(event.at_ns)
            case events.HookInProgress():
                lane_builder.leave_in_progress(event)

    def _give_to(self, lane_builder: LaneBuilder, at_ns: int) -> None:
        if self._owner is not None and self._owner is not lane_builder:
            self._owner.lose_processor(at_ns)
        self._owner = lane_builder
