"""The model of a picture agrees with the device about who ran when, in every world."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random_worlds import Plan, Run, plans
from support.scripted import Program, endless, trap, work
from support.worlds import World, blueprint, times

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.tools.pictures import (
    Activity,
    Lane,
    MarkKind,
    Timeline,
    TimelineBuilder,
    clip_timeline,
)
from tinycontainer.trace import TraceEvent, events

counts = pytest.mark.parametrize(
    "examples",
    [pytest.param(25, id="some"), pytest.param(400, id="many", marks=pytest.mark.long)],
)


def timeline_of(told: list[TraceEvent], end_ns: int | None = None) -> Timeline:
    builder = TimelineBuilder()
    for event in told:
        builder(event)
    return builder.build(end_ns)


def ms(lane: Lane, *doings: Activity) -> list[tuple[float, float]]:
    """When a container did one of these, in ms."""
    return [
        (span.begin_ns / NS_PER_MS, span.end_ns / NS_PER_MS)
        for span in lane.spans
        if span.activity in doings
    ]


def lane_of(timeline: Timeline, uid: str) -> Lane:
    (lane,) = [lane for lane in timeline.lanes if lane.uid == uid.encode()]
    return lane


def assert_sound(timeline: Timeline) -> None:
    """Spans of a container follow each other; one container runs at a time; all is inside."""
    for lane in timeline.lanes:
        for one, two in pairwise(lane.spans):
            assert one.end_ns <= two.begin_ns
        moments = [moment for span in lane.spans for moment in (span.begin_ns, span.end_ns)]
        moments += [mark.at_ns for mark in lane.marks]
        assert all(timeline.begin_ns <= at_ns <= timeline.end_ns for at_ns in moments)
        assert all(span.length_ns > 0 for span in lane.spans)
    running = sorted(
        (span.begin_ns, span.end_ns)
        for lane in timeline.lanes
        for span in lane.spans
        if span.activity is Activity.RUNNING
    )
    for (_, end_ns), (begin_ns, _) in pairwise(running):
        assert end_ns <= begin_ns


@counts
def test_who_ran_adds_up_to_execution_time_and_never_overlaps(examples: int) -> None:
    @settings(max_examples=examples)
    @given(plans(limited=True), st.integers(0, 60))
    def holds(plan: Plan, cut_ms: int) -> None:
        run = Run(plan).until(min(cut_ms, plan.run_ms), plan.run_ms)
        now_ns = run.world.device.now_ns
        timeline = timeline_of(run.world.events, now_ns)
        assert_sound(timeline)
        ran_ns = {lane.uid: lane.ran_ns for lane in timeline.lanes}
        assert ran_ns == {view.uid: view.statistics.execution_ns for view in run.world.device}
        assert sum(ran_ns.values()) + run.clock.slept_ns == now_ns

    holds()


@counts
def test_a_started_container_is_doing_something_at_every_moment(examples: int) -> None:
    @settings(max_examples=examples)
    @given(plans())
    def holds(plan: Plan) -> None:
        run = Run(plan).until(plan.run_ms)
        for lane in timeline_of(run.world.events).lanes:
            for one, two in pairwise(lane.spans):
                assert one.end_ns == two.begin_ns
                assert one.activity is not two.activity or one.activity in (
                    Activity.RUNNING,
                    Activity.DUE,
                )

    holds()


def test_the_parts_of_a_run_are_named() -> None:
    world = World(bare=True)
    period = times(period=10)
    world.run(blueprint("high", priority=1, security=period), Program(work(2900)))
    world.run(blueprint("low", priority=9), Program(endless(100)))
    world.device.run(for_ms=15)
    timeline = timeline_of(world.events, world.device.now_ns)
    high, low = timeline.lanes
    assert (high.uid, high.ranks, low.ranks) == (b"high", (1,), (9,))
    # A start hook of one call, then a loop every 10 ms.
    assert ms(high, Activity.RUNNING) == [(0.0, 0.1), (0.1, 3.1), (10.1, 13.1)]
    assert ms(high, Activity.ASLEEP) == [(3.1, 10.1), (13.1, 15.0)]
    assert ms(low, Activity.DUE) == [(0.0, 3.1)]
    assert ms(low, Activity.PREEMPTED) == [(10.1, 13.1)]
    assert ms(low, Activity.RUNNING)[-1] == (13.1, 15.0)


def test_a_container_that_starves_is_due_since_its_deadline() -> None:
    world = World(bare=True)
    world.run(blueprint("low", priority=9, security=times(period=5)), Program(work(10)))
    world.device.run(for_ms=2)
    world.run(blueprint("high", priority=1), Program(endless(100)))
    world.device.run(for_ms=28)
    low = lane_of(timeline_of(world.events, world.device.now_ns), "low")
    (miss,) = [mark for mark in low.marks if mark.kind is MarkKind.MISS]
    assert low.spans[-1].activity is Activity.DUE
    assert low.spans[-1].begin_ns == miss.at_ns
    assert low.spans[-1].end_ns == world.device.now_ns


def test_faults_and_the_end_of_a_life_are_drawn() -> None:
    world = World(bare=True)
    world.run(blueprint("box"), Program(trap(400)))
    world.device.run()
    lane = lane_of(timeline_of(world.events), "box")
    assert [(mark.kind, mark.text) for mark in lane.marks] == [
        (MarkKind.FAULT, "running -> stopping on fault (trap in loop scripted: on purpose)")
    ]
    assert [hook.how for hook in lane.hooks] == ["completed", "trapped", "completed"]
    assert lane.spans[-1].activity is Activity.RUNNING


def test_a_run_that_is_too_long_is_cut_and_says_so() -> None:
    world = World(bare=True)
    world.run(blueprint("box", security=times(period=1)), Program(work(10)))
    world.device.run(for_ms=100)
    builder = TimelineBuilder(max_items=30)
    for event in world.events:
        builder(event)
    timeline = builder.build(world.device.now_ns)
    (lane,) = timeline.lanes
    assert timeline.is_cut
    assert timeline.end_ns == world.device.now_ns
    assert timeline.detailed_until_ns < timeline.end_ns
    assert_sound(timeline)
    assert len(lane.spans) <= 32
    exact = lane_of(timeline_of(world.events, world.device.now_ns), "box")
    assert (lane.lengths_ns, lane.hook_count) == (exact.lengths_ns, len(exact.hooks))
    assert sum(map(sum, (cell.lengths_ns for cell in lane.cells))) == timeline.length_ns


def test_a_part_of_a_timeline_is_a_timeline() -> None:
    world = World(bare=True)
    world.run(blueprint("high", priority=1, security=times(period=10)), Program(work(2900)))
    world.run(blueprint("low", priority=9), Program(endless(100)))
    world.device.run(for_ms=40)
    whole = timeline_of(world.events, world.device.now_ns)
    part = clip_timeline(whole, 11 * NS_PER_MS, 21 * NS_PER_MS)
    assert_sound(part)
    assert ms(lane_of(part, "high"), Activity.RUNNING) == [(11.0, 13.1), (20.1, 21.0)]
    assert clip_timeline(whole, 0, None) == whole
    assert clip_timeline(whole, 10**12, None).lanes == ()


names = st.sampled_from([b"", b"a", b"b", b"\x1b[2J"])
moments = st.integers(-(1 << 63), (1 << 63) - 1)
words = st.sampled_from(["loop", "start", "stop", "stopping", "running", "ready", "fault", "open"])
made_up = st.one_of(
    st.builds(events.Dispatched, names, st.integers(0, 15), moments),
    st.builds(events.HookBegan, names, words, moments),
    st.builds(events.HookEnded, names, words, words, moments, moments, moments, words),
    st.builds(events.HookInProgress, names, words, moments, moments),
    st.builds(events.TraceEnded, words, moments),
    st.builds(events.Transitioned, names, words, words, words, words),
    st.builds(events.DeadlineMissed, names, moments),
    st.builds(events.Called, names, words, moments, moments, st.just(b"")),
    st.builds(events.DescriptorClosed, names, moments, words),
    st.builds(events.LoadRefused, names, words, words, words),
)


@given(st.lists(st.tuples(made_up, st.integers(0, 1000)), max_size=40))
def test_a_made_up_trace_gives_a_sound_timeline(told: list[tuple[TraceEvent, int]]) -> None:
    now_ns = 0
    for event, step_ns in told:
        now_ns += step_ns
        event.at_ns = now_ns
    timeline = timeline_of([event for event, _ in told])
    assert_sound(timeline)
    assert_sound(clip_timeline(timeline, 100, 600))
