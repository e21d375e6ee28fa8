"""Log lines and refusals: cut, limited in rate, and what is dropped is counted once per hook."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import Program, Script, Steps, endless, trap
from support.worlds import World, blueprint, times

from tinycontainer.device.calls.started import RecordRate
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.interfaces.clock import NS_PER_S
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.trace.events import Dropped, HookEnded, Logged, Refused


def chatting(logs: int = 0, refusals: int = 0, pause: int = 1) -> Script:
    """A loop of so many log lines and refused calls."""

    def loop(natives: Natives) -> Steps:
        for number in range(max(logs, refusals)):
            if number < logs:
                natives.log(b"line %d" % number)
            if number < refusals:
                natives.open(9)
            yield pause
        return 0

    return loop


def chatty(program: Program, period: int = 100, **parts: object) -> World:
    world = World(bare=True, **parts)  # type: ignore[arg-type]
    world.run(blueprint("box", security=times(period=period)), program)
    return world


@pytest.mark.parametrize("size", [0, 1, 254, 255, 256, 5000])
@pytest.mark.clause("TC-CALL-15")
def test_a_log_line_is_cut_at_255_bytes(size: int) -> None:
    line = bytes(i % 251 for i in range(size))

    def loop(natives: Natives) -> Steps:
        natives.log(line)
        yield 1
        return 1

    world = chatty(Program(loop))
    world.device.run()
    assert [event.line for event in world.of(Logged, "box")] == [line[:255]]


def test_the_length_of_log_lines_is_a_limit_of_the_device() -> None:
    world = chatty(Program(chatting(logs=1)), capacity=Capacity(log_line_bytes=4))
    world.device.run(for_ms=5)
    assert [event.line for event in world.of(Logged)] == [b"line"]


@pytest.mark.clause("TC-CALL-14")
def test_twenty_lines_a_second_are_recorded_and_the_rest_is_counted() -> None:
    world = chatty(Program(chatting(logs=50)), period=1000)
    world.device.run(for_ms=900)
    assert [event.line for event in world.of(Logged)] == [b"line %d" % i for i in range(20)]
    assert [(event.uid, event.logs, event.refusals) for event in world.of(Dropped)] == [
        (b"box", 30, 0)
    ]


def test_exactly_twenty_lines_drop_nothing() -> None:
    world = chatty(Program(chatting(logs=20)), period=1000)
    world.device.run(for_ms=900)
    assert len(world.of(Logged)) == 20
    assert world.of(Dropped) == []


@pytest.mark.clause("TC-CALL-14")
def test_refusals_have_a_rate_of_their_own() -> None:
    world = chatty(Program(chatting(logs=25, refusals=33)), period=1000)
    world.device.run(for_ms=900)
    assert (len(world.of(Logged)), len(world.of(Refused))) == (20, 20)
    assert [(event.logs, event.refusals) for event in world.of(Dropped)] == [(5, 13)]


def test_a_refusal_that_is_not_recorded_is_still_a_refusal() -> None:
    world = chatty(Program(chatting(refusals=33)), period=1000)
    world.device.run(for_ms=900)
    assert world.device["box"].statistics.refusals == 33


def test_the_next_second_has_its_own_twenty() -> None:
    world = chatty(Program(chatting(logs=50)), period=1000)
    world.device.run(for_ms=2900)
    assert len(world.of(Logged)) == 60
    assert [event.logs for event in world.of(Dropped)] == [30, 30, 30]


def test_loops_of_one_second_share_the_rate_and_each_tells_what_it_dropped() -> None:
    world = chatty(Program(chatting(logs=12)), period=100)
    world.device.run(for_ms=350)
    assert len(world.of(Logged)) == 20
    assert [event.logs for event in world.of(Dropped)] == [4, 12, 12]


@pytest.mark.clause("TC-CALL-14")
def test_a_hook_that_goes_on_for_seconds_has_each_second_and_tells_once() -> None:
    world = chatty(Program(chatting(logs=100, pause=30_000)), period=10_000)
    world.device.run(for_ms=9000)
    assert [event.hook for event in world.of(HookEnded)] == ["start", "loop"]
    assert len(world.of(Logged)) == 60
    assert [event.logs for event in world.of(Dropped)] == [40]


@pytest.mark.clause("TC-CALL-14")
def test_what_was_dropped_is_told_before_the_end_of_the_hook() -> None:
    world = chatty(Program(chatting(logs=30)), period=1000)
    world.device.run(for_ms=500)
    kinds = [type(event) for event in world.events[-2:]]
    assert kinds == [Dropped, HookEnded]


def test_the_start_hook_and_the_stop_hook_are_limited_too() -> None:
    world = chatty(Program(chatting(logs=5), chatting(logs=30), chatting(logs=40)), period=1000)
    world.device.run(for_ms=500)
    world.device.stop("box")
    world.device.run(for_ms=100)
    assert [event.logs for event in world.of(Dropped)] == [10, 5, 40]


@pytest.mark.parametrize("how", ["kill", "trap"])
def test_what_a_broken_hook_dropped_is_told_too(how: str) -> None:
    last = trap(1) if how == "trap" else endless()

    def loop(natives: Natives) -> Steps:
        yield from chatting(logs=26)(natives)
        yield from last(natives)
        return 0

    world = chatty(Program(loop))
    world.device.run(for_ms=20)
    if how == "kill":
        world.device.kill("box")
        world.device.run(for_ms=20)
    assert [event.logs for event in world.of(Dropped)] == [6]


def test_each_container_has_a_rate_of_its_own() -> None:
    world = World(bare=True)
    for uid in ("loud", "quiet"):
        plan = blueprint(uid, security=times(period=1000))
        world.run(plan, Program(chatting(logs=500 if uid == "loud" else 20)))
    world.device.run(for_ms=900)
    assert len(world.of(Logged, "quiet")) == 20
    assert {event.uid for event in world.of(Dropped)} == {b"loud"}


@pytest.mark.parametrize("rate", [0, 1, 7])
def test_the_rate_is_a_limit_of_the_device(rate: int) -> None:
    world = chatty(
        Program(chatting(logs=10, refusals=10)),
        period=1000,
        capacity=Capacity(records_per_second=rate),
    )
    world.device.run(for_ms=900)
    assert (len(world.of(Logged)), len(world.of(Refused))) == (rate, rate)
    assert [(event.logs, event.refusals) for event in world.of(Dropped)] == [(10 - rate, 10 - rate)]


def test_lines_that_are_not_recorded_cost_as_much_as_others() -> None:
    clocks = []
    for rate in (0, 20):
        capacity = Capacity(records_per_second=rate)
        world = chatty(Program(chatting(logs=30)), period=0, capacity=capacity)
        world.device.run(for_ms=50)
        clocks.append((world.device.now_ns, world.device["box"].loops))
    assert clocks[0] == clocks[1]


@pytest.mark.clause("TC-CALL-18")
def test_a_second_of_the_rate_ends_exactly_one_second_after_its_first_record() -> None:
    rate = RecordRate(1)
    taken = [
        rate.admit_record(at_ns) for at_ns in (7, NS_PER_S + 6, NS_PER_S + 7, 2 * NS_PER_S + 6)
    ]
    assert taken == [True, False, True, False]
    assert rate.collect_dropped() == 2


@given(st.integers(0, 5), st.lists(st.integers(0, 2 * NS_PER_S), max_size=40))
@pytest.mark.clause("TC-CALL-18")
def test_no_second_that_begins_with_a_record_has_more_than_allowed(
    per_second: int, gaps_ns: list[int]
) -> None:
    rate, now_ns, taken = RecordRate(per_second), 0, list[int]()
    began_ns: int | None = None
    dropped = 0
    for gap_ns in gaps_ns:
        now_ns += gap_ns
        if began_ns is None or now_ns - began_ns >= NS_PER_S:
            began_ns, taken = now_ns, []
        if rate.admit_record(now_ns):
            taken.append(now_ns)
        else:
            dropped += 1
            assert len(taken) == per_second
        assert len(taken) <= per_second
    assert rate.collect_dropped() == dropped
    assert rate.collect_dropped() == 0
