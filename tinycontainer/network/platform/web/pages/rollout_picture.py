"""Rollouts as a picture: how many devices are how far, as parts of a bar, with its thresholds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ..overviews import ThresholdsShown
from ..rollout_bodies import WaveShown

WHOLE: Final = 100.0
"""Width of a bar: all lengths are per cent of it."""
LEAST: Final = 0.5
"""Width of what is there, however little of the whole it is."""
NEAR: Final = 0.5
"""A threshold that is not reached is at least so far away from what is to reach it."""
_LABEL_TURNS: Final = 50.0


@dataclass(frozen=True, slots=True)
class BarSegment:
    """A part of a bar.

    Attributes:
        kind: of what.
        count: how many; 0 has no width.
        x, width: where, in per cent of the bar.
    """

    kind: str
    count: int
    x: float
    width: float

    @property
    def end(self) -> float:
        """Where the next one begins."""
        return self.x + self.width


@dataclass(frozen=True, slots=True)
class BarMark:
    """A threshold on a bar.

    Attributes:
        kind: ``done``, which comes from the left, or ``failures``, which come from the right.
        count: how many devices reach it.
        x: where, in per cent of the bar.
    """

    kind: str
    count: int
    x: float

    @property
    def anchor(self) -> str:
        """To which side of it a text fits: the value of ``text-anchor``."""
        return "start" if self.x < _LABEL_TURNS else "end"


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar.

    Attributes:
        count: of all that it shows.
        segments: from left to right, without gaps; also those of nothing, at their places.
        marks: the thresholds.
    """

    count: int
    segments: tuple[BarSegment, ...]
    marks: tuple[BarMark, ...] = ()

    def count_of(self, kind: str) -> int:
        """How many there are of a kind."""
        return sum(each.count for each in self.segments if each.kind == kind)


def draw_bar(counts: Mapping[str, int]) -> Bar:
    """A bar of some counts.

    What is there is to be seen, so each segment has a least width and its share of the rest.

    Args:
        counts: of each kind, from left to right; none is below 0.
    """
    whole = sum(counts.values())
    shared = WHOLE - LEAST * sum(count > 0 for count in counts.values())
    segments, x = [], 0.0
    for kind, count in counts.items():
        width = LEAST + shared * count / whole if count else 0.0
        segments.append(BarSegment(kind, count, x, width))
        x += width
    return Bar(whole, tuple(segments))


def draw_waves(waves: Iterable[WaveShown], thresholds: ThresholdsShown | None = None) -> Bar:
    """The devices of waves: the done ones on the left, the failed ones on the right.

    Args:
        waves: of a rollout, one or all.
        thresholds: of a wave, if they are to be shown.
    """
    those = list(waves)

    def sum_of(kind: str) -> int:
        return sum(getattr(each, kind) for each in those)

    forgiven = sum_of("forgiven")
    bar = draw_bar(
        {
            **{kind: sum_of(kind) for kind in ("done", "told", "waiting", "superseded", "skipped")},
            "forgiven": forgiven,
            "failed": sum_of("failed") - forgiven,
        }
    )
    if thresholds is None or not bar.count:
        return bar
    marks = (_mark_done(bar, thresholds.done), _mark_failures(bar, thresholds.failures))
    return Bar(bar.count, bar.segments, marks)


def _mark_done(bar: Bar, count: int) -> BarMark:
    done = bar.segments[0]
    linear = WHOLE * min(count, bar.count) / bar.count
    x = min(linear, done.end) if done.count >= count else max(linear, done.end + NEAR)
    return BarMark("done", count, min(x, WHOLE))


def _mark_failures(bar: Bar, count: int) -> BarMark:
    failed = bar.segments[-1]
    linear = WHOLE * (1 - min(count, bar.count) / bar.count)
    x = max(linear, failed.x) if failed.count >= count else min(linear, failed.x - NEAR)
    return BarMark("failures", count, max(x, 0.0))
