"""Sums of a run in cells of equal length, so that a run of any length fits into bounded memory.

Where a run has more spans and marks than are kept one by one, pictures are drawn from these sums.
When the cells become too many, two neighbours become one: nothing is left out, it is only coarser.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from .timeline import Activity, Cell, Mark, MarkKind

MAX_CELLS: Final = 200_000
MAX_CELLS_OF_LANE: Final = 2048
_FIRST_CELL_NS: Final = 1000
_INDEX: Final = {activity: index for index, activity in enumerate(Activity)}


@dataclass(slots=True, eq=False)
class LaneGrid:
    """The sums of one container; see `Grid`."""

    lengths_ns: dict[int, list[int]] = field(default_factory=dict)
    marks: dict[tuple[int, MarkKind], tuple[Mark, int]] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        """How many sums it holds."""
        return len(self.lengths_ns) + len(self.marks)


class Grid:
    """The cells of all containers of a run.

    Args:
        begin_ns: what is before is not counted.
        end_ns: what is after is not counted; None for no end.

    Attributes:
        cell_ns: how long a cell is, for all containers.
    """

    def __init__(self, begin_ns: int, end_ns: int | None) -> None:
        self._begin_ns = begin_ns
        self._end_ns = end_ns
        self._lanes: list[LaneGrid] = []
        self._cells = 0
        self.cell_ns = _FIRST_CELL_NS

    def add_lane(self) -> LaneGrid:
        """The sums of one more container."""
        lane = LaneGrid()
        self._lanes.append(lane)
        return lane

    def add_span(self, lane: LaneGrid, begin_ns: int, end_ns: int, activity: Activity) -> None:
        """Count a stretch of time in which a container does one thing."""
        begin_ns = max(begin_ns, self._begin_ns)
        end_ns = end_ns if self._end_ns is None else min(end_ns, self._end_ns)
        if begin_ns >= end_ns:
            return
        self._make_room_until(end_ns)
        before = lane.cells
        index = _INDEX[activity]
        at_ns = begin_ns
        while at_ns < end_ns:
            cell = (at_ns - self._begin_ns) // self.cell_ns
            until_ns = min(end_ns, self._begin_ns + (cell + 1) * self.cell_ns)
            lane.lengths_ns.setdefault(cell, [0] * len(_INDEX))[index] += until_ns - at_ns
            at_ns = until_ns
        self._count(lane, before)

    def add_mark(self, lane: LaneGrid, mark: Mark) -> None:
        """Count a mark; the first of each kind in a cell is kept."""
        self._make_room_until(mark.at_ns + 1)
        before = lane.cells
        place = (mark.at_ns - self._begin_ns) // self.cell_ns, mark.kind
        first, count = lane.marks.get(place, (mark, 0))
        lane.marks[place] = first, count + 1
        self._count(lane, before)

    def list_cells(self, lane: LaneGrid) -> Iterator[Cell]:
        """The sums of a container, in the order of time."""
        for cell in sorted(lane.lengths_ns):
            begin_ns = self._begin_ns + cell * self.cell_ns
            yield Cell(begin_ns, begin_ns + self.cell_ns, tuple(lane.lengths_ns[cell]))

    def list_marks(self, lane: LaneGrid) -> Iterator[Mark]:
        """The first mark of each kind and cell, with the number of the others."""
        for mark, count in sorted(lane.marks.values(), key=lambda each: each[0].at_ns):
            more = f" (and {count - 1} more)" if count > 1 else ""
            yield Mark(mark.at_ns, mark.kind, mark.text + more)

    def _make_room_until(self, end_ns: int) -> None:
        while (end_ns - self._begin_ns - 1) // self.cell_ns >= MAX_CELLS_OF_LANE:
            self._coarsen()

    def _count(self, lane: LaneGrid, before: int) -> None:
        self._cells += lane.cells - before
        while self._cells > MAX_CELLS and self._coarsen():
            pass

    def _coarsen(self) -> bool:
        """Join neighbours; returns whether that has made them fewer."""
        self.cell_ns *= 2
        before = self._cells
        for lane in self._lanes:
            _join_neighbours(lane)
        self._cells = sum(lane.cells for lane in self._lanes)
        return self._cells < before


def _join_neighbours(lane: LaneGrid) -> None:
    lengths_ns: dict[int, list[int]] = {}
    for cell, more in lane.lengths_ns.items():
        sums = lengths_ns.setdefault(cell // 2, [0] * len(more))
        for index, length_ns in enumerate(more):
            sums[index] += length_ns
    marks: dict[tuple[int, MarkKind], tuple[Mark, int]] = {}
    for (cell, kind), (mark, count) in lane.marks.items():
        first, sum_ = marks.get((cell // 2, kind), (mark, 0))
        marks[cell // 2, kind] = min(first, mark, key=lambda each: each.at_ns), sum_ + count
    lane.lengths_ns = lengths_ns
    lane.marks = marks
