"""The picture of the last minute says what is known, and that nothing is known where it is not."""

from dataclasses import replace
from itertools import pairwise

import pytest

from tinycontainer.network.platform.delivery.progress import ContainerState, ReportedContainer
from tinycontainer.network.platform.delivery.usage import ReportedUsage
from tinycontainer.network.platform.rollouts.watching import DeviceLook
from tinycontainer.network.platform.web.pages.last_minute import (
    HEIGHT,
    MOST_MARKS,
    WIDTH,
    LastMinute,
    MinuteEvent,
    MinuteMarkKind,
    draw_last_minute,
)

pytestmark = pytest.mark.clause("TC-PLAT-73")
NOW_S = 1_000.0
UID = b"box"
NOTHING_USED = ReportedUsage(0, 0, 0, 0, 0, 0, 0, 0, 0)


def said(execution_ns: int = 0, **more: int) -> ReportedContainer:
    """A container that runs."""
    usage = replace(NOTHING_USED, execution_ns=execution_ns, **more)
    return ReportedContainer(ContainerState.RUNNING, "ab" * 32, "", 0, usage)


def look(at_s: float, container: ReportedContainer | None) -> DeviceLook:
    """What a device said so many seconds ago."""
    return DeviceLook(NOW_S - at_s, {} if container is None else {UID: container})


def draw(*looks: DeviceLook, events: tuple[MinuteEvent, ...] = ()) -> LastMinute:
    """The picture, in which the container has a lane."""
    return draw_last_minute(looks, events, [UID], NOW_S)


def spans(drawn: LastMinute) -> list[tuple[float, float, str]]:
    """The spans of the only lane."""
    (lane,) = drawn.lanes
    return [(each.x, each.width, each.state) for each in lane.spans]


def test_without_a_look_nothing_is_known() -> None:
    drawn = draw()
    assert spans(drawn) == [(0.0, WIDTH, "")]
    assert drawn.lanes[0].hatch
    assert drawn.lanes[0].words == "nothing is known of 60 s"
    assert (drawn.unknown_s, drawn.scale_percent) == (60, 0)


def test_between_two_looks_it_is_as_at_the_first() -> None:
    stopped = replace(said(), state=ContainerState.READY)
    drawn = draw(look(3, said()), look(2, said()), look(1, stopped), look(0, stopped))
    assert spans(drawn) == [(0.0, 570.0, ""), (570.0, 20.0, "RUNNING"), (590.0, 10.0, "READY")]
    assert drawn.unknown_s == 57
    assert drawn.lanes[0].words.startswith("running for 2 s, ready for 1 s, none of the processor")


def test_all_of_the_minute_is_drawn_and_each_place_once() -> None:
    looks = [look(each, said()) for each in range(50, 0, -1) if each not in (30, 29, 28, 27, 26)]
    found = spans(draw(*looks))
    assert found[0][0] == 0
    for before, after in pairwise(found):
        assert after[0] == pytest.approx(before[0] + before[1])
    assert found[-1][0] + found[-1][1] == pytest.approx(WIDTH)
    assert [state for *_, state in found] == ["", "RUNNING", "", "RUNNING"]


def test_a_device_that_did_not_answer_leaves_a_gap() -> None:
    silent = DeviceLook(NOW_S - 2, None)
    drawn = draw(look(3, said()), silent, look(1, said()), look(0, said()))
    assert spans(drawn) == [(0.0, 590.0, ""), (590.0, 10.0, "RUNNING")]


def test_an_old_look_is_no_news_of_now() -> None:
    drawn = draw(look(31, said()), look(30, said()))
    assert spans(drawn) == [(0.0, 290.0, ""), (290.0, 10.0, "RUNNING"), (300.0, 300.0, "")]


def test_a_container_that_is_not_there_is_no_gap() -> None:
    drawn = draw(look(1, None), look(0, None))
    assert spans(drawn)[-1] == (590.0, 10.0, "not there")
    assert "not there for 1 s" in drawn.lanes[0].words


def test_what_was_used_has_a_height_and_the_scale_says_how_much_that_is() -> None:
    drawn = draw(look(2, said()), look(1, said(10_000_000)), look(0, said(15_000_000)))
    assert drawn.scale_percent == 1
    assert drawn.lanes[0].work == f"M580 {HEIGHT}v-40h10v40zM590 {HEIGHT}v-20h10v20z"
    assert "0.75 % of the processor" in drawn.lanes[0].words


@pytest.mark.parametrize(
    "after",
    [
        said(5),
        replace(said(50), usage=None),
        replace(said(50), sha256="cd" * 32),
    ],
)
def test_what_cannot_be_compared_is_not_said_to_be_used(after: ReportedContainer) -> None:
    drawn = draw(look(1, said(10)), look(0, after))
    assert drawn.lanes[0].work == ""
    assert "the device does not say what it used" in drawn.lanes[0].words


def test_a_device_that_says_more_than_there_was_has_all_of_the_processor() -> None:
    drawn = draw(look(1, said()), look(0, said((1 << 64) - 1)))
    assert drawn.scale_percent == 100
    assert ", 100 % of the processor" in drawn.lanes[0].words


def test_crashes_refusals_and_missed_deadlines_are_marked_where_they_were() -> None:
    crash = MinuteEvent(UID, NOW_S - 6, MinuteMarkKind.CRASH)
    old = MinuteEvent(UID, NOW_S - 61, MinuteMarkKind.CRASH)
    other = MinuteEvent(b"other", NOW_S - 6, MinuteMarkKind.REFUSAL)
    looks = (
        look(2, said()),
        look(1, said(refusals=2)),
        look(0, said(refusals=2, deadline_misses=1)),
    )
    drawn = draw(*looks, events=(crash, old, other))
    assert [(each.x, each.kind) for each in drawn.lanes[0].marks] == [
        (540.0, MinuteMarkKind.CRASH),
        (590.0, MinuteMarkKind.REFUSED_CALL),
        (600.0, MinuteMarkKind.MISS),
    ]
    for words in ("1 crash", "2 refused calls", "1 missed deadline"):
        assert words in drawn.lanes[0].words


def test_a_flood_of_events_makes_no_endless_picture() -> None:
    flood = tuple(MinuteEvent(UID, NOW_S - each / 10, MinuteMarkKind.CRASH) for each in range(500))
    lane = draw(look(1, said()), look(0, said()), events=flood).lanes[0]
    assert len(lane.marks) == MOST_MARKS
    assert "500 crashes" in lane.words


def test_a_container_that_the_platform_does_not_know_has_a_lane_too() -> None:
    looks = [DeviceLook(NOW_S - each, {b"a": said(), UID: said()}) for each in (1, 0)]
    assert [lane.uid for lane in draw(*looks).lanes] == [b"a", UID]
