"""The picture of a rollout is true: its lengths, its order and its thresholds."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.network.platform.web.overviews import ThresholdsShown
from tinycontainer.network.platform.web.pages.rollout_picture import (
    LEAST,
    WHOLE,
    Bar,
    draw_bar,
    draw_waves,
)
from tinycontainer.network.platform.web.rollout_bodies import WaveShown

pytestmark = pytest.mark.clause("TC-PLAT-81")
COUNTS = st.lists(st.integers(0, 10_000), min_size=1, max_size=7)


def wave(**counts: int) -> WaveShown:
    """A wave with some devices."""
    names = ("waiting", "told", "done", "failed", "superseded", "skipped", "forgiven")
    return WaveShown(per_cent=100, **(dict.fromkeys(names, 0) | counts))


def is_reached(bar: Bar, kind: str) -> bool:
    """Whether the devices of a bar touch a threshold, as it is drawn."""
    (mark,) = (each for each in bar.marks if each.kind == kind)
    done, failed = bar.segments[0], bar.segments[-1]
    return mark.x <= done.end if kind == "done" else mark.x >= failed.x


@given(COUNTS)
def test_segments_follow_each_other_and_fill_the_bar(counts: list[int]) -> None:
    bar = draw_bar({str(place): count for place, count in enumerate(counts)})
    assert [each.count for each in bar.segments] == counts
    assert bar.count == sum(counts)
    for one, other in pairwise(bar.segments):
        assert other.x == one.end
    assert bar.segments[-1].end == pytest.approx(WHOLE if any(counts) else 0.0)


@given(COUNTS)
def test_what_is_there_is_seen_and_more_is_longer(counts: list[int]) -> None:
    bar = draw_bar({str(place): count for place, count in enumerate(counts)})
    assert all((each.width >= LEAST) == (each.count > 0) for each in bar.segments)
    by_count = sorted(bar.segments, key=lambda each: each.count)
    assert all(one.width <= other.width for one, other in pairwise(by_count))


def test_one_failure_of_ten_thousand_is_seen_and_halves_are_halves() -> None:
    assert draw_bar({"done": 9_999, "failed": 1}).segments[1].width >= LEAST
    assert [each.width for each in draw_bar({"a": 5, "b": 5}).segments] == [50.0, 50.0]


def test_all_waves_together_have_their_devices_and_forgiven_failures_stand_apart() -> None:
    bar = draw_waves([wave(done=3, failed=2, forgiven=1), wave(done=1, waiting=4, skipped=1)])
    counts = {each.kind: each.count for each in bar.segments}
    assert counts == {
        "done": 4, "told": 0, "waiting": 4, "superseded": 0, "skipped": 1, "forgiven": 1,
        "failed": 1,
    }  # fmt: skip
    assert (bar.count, bar.count_of("done"), bar.count_of("nothing")) == (11, 4, 0)
    assert [bar.segments[0].kind, bar.segments[-1].kind] == ["done", "failed"]


@given(
    st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 5_000),
    st.integers(0, 5_000), st.integers(1, 5_000),
)  # fmt: skip
def test_a_threshold_is_reached_in_the_picture_exactly_if_it_is(
    done: int, waiting: int, failed: int, done_at: int, failures_at: int
) -> None:
    thresholds = ThresholdsShown(done=done_at, failures=failures_at)
    bar = draw_waves([wave(done=done, waiting=waiting, failed=failed)], thresholds)
    if not bar.count:
        assert bar.marks == ()
        return
    assert all(0.0 <= each.x <= WHOLE for each in bar.marks)
    if done < WHOLE / 100 * (bar.count - 1):  # else there is no place left beyond the done ones
        assert is_reached(bar, "done") == (done >= done_at) or bar.segments[0].end == WHOLE
    if failed < bar.count - 1:
        assert is_reached(bar, "failures") == (failed >= failures_at) or bar.segments[-1].x == 0.0


def test_a_bar_without_thresholds_has_no_mark() -> None:
    assert draw_waves([wave(done=1)]).marks == ()
    assert draw_waves([]).segments[0].width == 0.0


@pytest.mark.parametrize(("x", "anchor"), [(10, "start"), (80, "end")])
def test_a_text_stands_on_the_side_that_has_room(x: int, anchor: str) -> None:
    thresholds = ThresholdsShown(done=x, failures=100)
    mark = draw_waves([wave(waiting=100)], thresholds).marks[0]
    assert (mark.x, mark.anchor) == (x, anchor)
