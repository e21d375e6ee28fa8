"""Tokens that expire while their container is started: the right that each gave ends."""

from dataclasses import replace

import pytest
from support.drivers import Puppet, served_by
from support.scripted import Program, Steps, endless, work
from support.tokens.forging import Forger
from support.worlds import Remote, World, blueprint, local, newer, piped, refused, times

from tinycontainer.device.containers.container import Exit, ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.errors import LoadReason
from tinycontainer.interfaces.clock import NS_PER_MS, NS_PER_S
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.metadata import decode
from tinycontainer.tools.packing.packing import Blueprint, TokenOptions
from tinycontainer.tools.pictures import TimelineBuilder
from tinycontainer.trace import RefusalKind, Tally, describe
from tinycontainer.trace.events import (
    DescriptorClosed,
    HookBegan,
    HookEnded,
    Refused,
    RightExpired,
    Transitioned,
)
from tinycontainer_tokens import Kind

EPOCH_S = 1_000_000
UNIT_NS = 900_000
PLAN = blueprint("box", endpoints=(local(),))
OTHERS = [Kind.METADATA, Kind.CODE, Kind.DATA]

each_other_token = pytest.mark.parametrize("place", OTHERS, ids=lambda kind: kind.name.lower())


def run_until_expiry(
    world: World, place: Kind, program: Program, plan: Blueprint = PLAN, after_s: int = 1
) -> None:
    """Start a container of which one token expires after some seconds."""
    uid = plan.container.uid.decode()
    world.programs[uid] = program
    options = TokenOptions(sequence=1, expires_s=EPOCH_S + after_s)
    world.device.load(Forger(place, options=options).pack(plan).encode())
    world.device.start(uid)


def make_world(driver: Puppet | None = None) -> World:
    return World(drivers=(served_by(driver or Puppet()),), epoch_s=EPOCH_S)


def expired(world: World) -> list[tuple[bytes, str, int]]:
    return [(event.uid, event.token, event.endpoint_id) for event in world.of(RightExpired)]


# The mask.


@pytest.mark.clause("TC-TOK-28")
def test_a_mask_ends_before_the_next_unit_of_a_hook_in_progress() -> None:
    world, seen = make_world(), list[tuple[int, int]]()

    def loop(natives: Natives) -> Steps:
        while True:
            seen.append((world.device.now_ns, natives.heartbeat()))
            yield 800

    run_until_expiry(world, Kind.MASK, Program(loop))
    world.device.run_until(1100)
    assert {result for at_ns, result in seen if at_ns < NS_PER_S} == {0}
    assert {result for at_ns, result in seen if at_ns >= NS_PER_S} == {-1}
    (event,) = world.of(RightExpired)
    assert NS_PER_S <= event.at_ns < NS_PER_S + UNIT_NS
    assert (event.token, event.endpoint_id, event.expired_s) == ("mask", 0, EPOCH_S + 1)
    assert (world.device["box"].state, world.device["box"].mask) == (State.RUNNING, 0)


@pytest.mark.clause("TC-TOK-28")
def test_a_mask_that_expires_disarms_the_watchdog() -> None:
    world = make_world()

    def loop(natives: Natives) -> Steps:
        natives.heartbeat()
        yield 10
        return 0

    plan = replace(PLAN, security=times(period=300))
    run_until_expiry(world, Kind.MASK, Program(loop), plan)
    world.device.run_until(3000)
    assert world.device["box"].state is State.RUNNING


@pytest.mark.clause("TC-TOK-28")
def test_a_mask_ends_while_all_containers_sleep() -> None:
    world = make_world()
    run_until_expiry(world, Kind.MASK, Program(work(10)), replace(PLAN, security=times(period=700)))
    world.device.run_until(1100)
    (event,) = world.of(RightExpired)
    assert event.at_ns == NS_PER_S


@pytest.mark.clause("TC-TOK-28")
def test_a_mask_ends_in_the_stop_hook_too() -> None:
    world, seen = make_world(), list[int]()

    def stop(natives: Natives) -> Steps:
        while True:
            seen.append(natives.heartbeat())
            yield 800

    run_until_expiry(world, Kind.MASK, Program(work(10), stop=stop))
    world.device.run_until(600)
    world.device.stop("box")
    world.device.run_until(1300)
    assert world.device["box"].state is State.STOPPING
    assert seen == sorted(seen, reverse=True)
    assert set(seen) == {0, -1}


def test_a_mask_that_expired_is_back_with_new_tokens() -> None:
    world, seen = make_world(), list[int]()

    def loop(natives: Natives) -> Steps:
        seen.append(natives.heartbeat())
        yield 10
        return 0

    plan = replace(PLAN, security=times(period=400))
    run_until_expiry(world, Kind.MASK, Program(loop), plan)
    world.device.run_until(1300)
    world.reconfigure(newer(plan))
    world.device.run_until(1700)
    assert seen == [0, 0, 0, -1, 0]


# Endpoints.


@pytest.mark.clause("TC-TOK-29")
def test_an_endpoint_closes_and_cannot_be_opened_again() -> None:
    driver = Puppet()
    world = make_world(driver)
    plan = replace(PLAN, endpoints=(local(), local(2)))
    remote = Remote(world, with_expiring_endpoints(plan))
    assert (remote.open(1), remote.open(2)) == (1, 2)
    world.device.run_until(1001)
    closed = [(event.fd, event.reason) for event in world.of(DescriptorClosed)]
    assert closed == [(1, "expired"), (2, "expired")]
    assert driver.calls[-2:] == [("close", 1), ("close", 2)]
    assert expired(world) == [(b"box", "endpoint", 1), (b"box", "endpoint", 2)]
    assert remote.open(1) == -1
    assert world.of(Refused)[-1].reason == "expired"
    assert remote.write(1, b"x") == -1
    assert world.of(Refused)[-1].reason == "bad-descriptor"
    assert world.device["box"].state is State.RUNNING


def with_expiring_endpoints(plan: Blueprint) -> Blueprint:
    """The plan with endpoint tokens that expire after a second."""
    options = TokenOptions(sequence=1, expires_s=EPOCH_S + 1)
    metadata = decode(Forger(Kind.ENDPOINT, options=options).pack(plan).metadata)
    return replace(plan, endpoints=metadata.endpoints or ())


@pytest.mark.clause("TC-TOK-29")
def test_both_ends_of_a_pipe_close_and_consent_has_ended() -> None:
    world = make_world()
    left = Remote(world, blueprint("left", endpoints=(piped(1, "right", 2),)))
    other_end = blueprint("right", endpoints=(piped(2, "left", 1),))
    right = Remote(world, with_expiring_endpoints(other_end))
    fd = left.open(1)
    right.open(2)
    assert left.write(fd, b"lost") == 4
    world.device.run_until(1001)
    closed = [(event.uid, event.reason) for event in world.of(DescriptorClosed)]
    assert closed == [(b"right", "expired"), (b"left", "peer-gone")]
    assert (left.open(1), right.open(2)) == (-1, -1)
    assert [event.reason for event in world.of(Refused)] == ["no-consent", "expired"]
    assert expired(world) == [(b"right", "endpoint", 2)]


@pytest.mark.clause("TC-TOK-29")
def test_a_driver_that_fails_to_close_harms_nothing() -> None:
    def fail(_fd: int) -> None:
        raise RuntimeError("no")

    world = make_world(Puppet(on_close=fail))
    remote = Remote(world, with_expiring_endpoints(PLAN))
    remote.open(1)
    world.device.run_until(1001)
    assert [event.reason for event in world.of(Refused)] == ["driver-failed"]
    assert world.device["box"].state is State.RUNNING


# Metadata, code and data.


@each_other_token
@pytest.mark.clause("TC-TOK-30")
def test_a_running_container_is_stopped(place: Kind) -> None:
    world = make_world()
    plan = replace(PLAN, security=times(period=300))
    run_until_expiry(world, place, Program(work(10), stop=work(10)), plan)
    world.device.run_until(1100)
    assert world.device["box"].state is State.READY
    assert world.exit_of("box") == Exit(ExitReason.EXPIRED)
    assert [event.hook for event in world.of(HookEnded)][-1] == "stop"
    assert expired(world) == [(b"box", place.name.lower(), 0)]
    (stopped,) = (event for event in world.of(Transitioned) if event.trigger == "stop")
    assert (stopped.at_ns, stopped.reason) == (NS_PER_S, "expired")
    with refused(LoadReason.TOKEN, "expired"):
        world.device.start("box")


@each_other_token
@pytest.mark.clause("TC-TOK-30")
def test_a_hook_in_progress_has_the_grace_of_a_stop(place: Kind) -> None:
    world = make_world()
    run_until_expiry(world, place, Program(endless(), stop=work(10)))
    world.device.run_until(1_990)
    assert world.device["box"].state is State.STOPPING
    world.device.run_until(2_010)
    assert world.exit_of("box") == Exit(ExitReason.EXPIRED)
    hooks = [(event.hook, event.how) for event in world.of(HookEnded)]
    assert hooks == [("start", "completed"), ("loop", "aborted"), ("stop", "completed")]


@pytest.mark.clause("TC-TOK-30")
def test_a_container_that_never_had_a_turn_is_stopped_without_a_hook() -> None:
    world = make_world()
    world.run(blueprint("first", priority=1), Program(endless()))
    run_until_expiry(world, Kind.CODE, Program(work(10), stop=work(10)))
    world.device.run_until(1_100)
    assert world.exit_of("box") == Exit(ExitReason.EXPIRED)
    assert world.of(HookBegan, "box") == []


@pytest.mark.clause("TC-TOK-30")
def test_a_container_that_is_stopping_keeps_its_first_reason() -> None:
    world = make_world()
    run_until_expiry(world, Kind.CODE, Program(endless(), stop=work(10)))
    world.device.run_until(900)
    world.device.stop("box")
    world.device.run_until(2_000)
    assert world.exit_of("box") == Exit(ExitReason.STOPPED)
    assert expired(world) == [(b"box", "code", 0)]


@pytest.mark.clause("TC-TOK-30")
def test_a_delete_of_a_container_that_expires_is_not_forgotten() -> None:
    world = make_world()
    run_until_expiry(world, Kind.CODE, Program(endless(), stop=work(10)))
    world.device.run_until(1_100)
    world.device.delete("box")
    world.device.run_until(3_000)
    assert "box" not in world.device


@pytest.mark.clause("TC-TOK-30")
def test_an_interrupt_in_a_driver_that_closes_does_not_let_a_container_run_on() -> None:
    def interrupt(_fd: int) -> None:
        raise KeyboardInterrupt

    driver = Puppet(on_close=interrupt)
    world = make_world(driver)
    plan = replace(PLAN, security=times(period=300))
    options = TokenOptions(sequence=1, expires_s=EPOCH_S + 1)
    expiring = replace(with_expiring_endpoints(plan), options=options)

    def start(natives: Natives) -> Steps:
        natives.open(1)
        yield 10
        return 0

    world.run(expiring, Program(work(10), start=start))
    with pytest.raises(KeyboardInterrupt):
        world.device.run_until(1_100)
    driver.on_close = None
    world.device.run_until(1_200)
    assert world.exit_of("box") == Exit(ExitReason.EXPIRED)
    assert world.device["box"].loops == 4


# All together, and which ones count.


def test_tokens_of_one_second_end_in_the_order_of_their_kinds() -> None:
    world = make_world()
    plan = replace(PLAN, options=TokenOptions(sequence=1, expires_s=EPOCH_S + 1))
    world.programs["box"] = Program(endless())
    world.device.load(Forger(Kind.MASK).pack(plan).encode())
    world.device.start("box")
    world.device.run_until(1_001)
    kinds = [event.token for event in world.of(RightExpired)]
    assert kinds == ["mask", "endpoint", "data", "code", "metadata"]
    assert len([event for event in world.of(Transitioned) if event.trigger == "stop"]) == 1


@pytest.mark.clause("TC-TOK-31")
def test_a_container_that_is_not_started_loses_nothing() -> None:
    world = make_world()
    world.programs["box"] = Program(work(10))
    options = TokenOptions(sequence=1, expires_s=EPOCH_S + 1)
    world.device.load(Forger(Kind.MASK, options=options).pack(PLAN).encode())
    before = world.device["box"]
    world.device.run_until(3_000)
    assert world.device["box"] == before
    assert expired(world) == []


@pytest.mark.clause("TC-TOK-31")
@pytest.mark.parametrize(("first_s", "second_s"), [(1, 3), (3, 1), (None, 1), (1, None)])
def test_a_reconfiguration_brings_its_own_expiries(
    first_s: int | None, second_s: int | None
) -> None:
    def changed(plan: Blueprint, after_s: int | None) -> Blueprint:
        expires_s = None if after_s is None else EPOCH_S + after_s
        return replace(plan, options=replace(plan.options, expires_s=expires_s))

    world = make_world()
    world.run(changed(PLAN, first_s), Program(endless(), stop=work(10)))
    world.device.run_until(500)
    world.reconfigure(changed(newer(PLAN), second_s))
    world.device.run_until(10_000)
    times_s = {event.expired_s - EPOCH_S for event in world.of(RightExpired)}
    assert times_s == (set() if second_s is None else {second_s})
    assert world.device["box"].state is (State.RUNNING if second_s is None else State.READY)


@pytest.mark.parametrize("expires_s", [(1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_an_expiry_that_is_far_away_breaks_nothing(expires_s: int) -> None:
    world = make_world()
    plan = replace(PLAN, security=times(period=1000, lifetime=3))
    options = TokenOptions(sequence=1, expires_s=expires_s)
    world.run(replace(plan, options=options), Program(work(10)))
    world.device.run()
    assert world.device.now_ns < 4 * NS_PER_S
    assert world.exit_of("box").reason is ExitReason.LIFETIME


def test_a_token_expires_once_for_each_start_before_it() -> None:
    world = make_world()
    plan = replace(PLAN, security=times(period=100, lifetime=2))
    run_until_expiry(world, Kind.MASK, Program(work(10)), plan)
    world.device.run()
    world.device.start("box")
    world.device.run()
    assert world.device.now_ns < 500 * NS_PER_MS
    world.device.start("box")
    world.device.run_until(2_000)
    assert expired(world) == []


def test_owners_see_what_expired_in_words_in_the_tally_and_in_pictures() -> None:
    tally, timeline = Tally(), TimelineBuilder()
    world = World(drivers=(served_by(Puppet()),), epoch_s=EPOCH_S, sinks=(tally, timeline))
    plan = replace(PLAN, options=TokenOptions(sequence=1, expires_s=EPOCH_S + 1))
    world.programs["box"] = Program(endless())
    world.device.load(Forger(Kind.MASK).pack(plan).encode())
    world.device.start("box")
    world.device.run_until(3_000)
    words = [describe(event) for event in world.of(RightExpired)]
    assert words[:2] == ["the mask token EXPIRED", "the endpoint token of endpoint 1 EXPIRED"]
    assert tally.rows[b"box"].ended == "expired"
    assert tally.refusals[RefusalKind(b"box", "mask token", "expired")] == 1
    (lane,) = timeline.build().lanes
    assert set(words) <= {mark.text for mark in lane.marks}
