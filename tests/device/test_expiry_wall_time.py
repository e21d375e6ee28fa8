"""Tokens that expire in wall time: noticed when the clock is read next."""

from dataclasses import dataclass

import pytest
from support.scripted import Program, Script, Steps, endless
from support.tokens.forging import Forger
from support.worlds import World, blueprint, times

from tinycontainer.device.containers.container import Exit, ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.interfaces.clock import NS_PER_MS, NS_PER_S, WallClock
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.tools.packing.packing import TokenOptions
from tinycontainer.trace.events import RightExpired
from tinycontainer_tokens import Kind

EPOCH_S = 1_000_000
UNIT_INSTRUCTIONS = 50
UNIT_NS = 25_000
"""What a unit of a container takes; a quantum of 2,000 instructions is 1 ms."""


@dataclass
class Hand:
    """A monotonic clock that is moved by hand; no sleep is longer than the host's clock takes."""

    now_ns: int = 0

    def __call__(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        assert seconds < 1e7
        self.now_ns += int(seconds * 1e9) + 1


def started(hand: Hand, place: Kind, program: Program, expires_s: int, period_ms: int = 0) -> World:
    world = World({"box": program}, clock=WallClock(hand, hand.sleep), epoch_s=EPOCH_S)
    plan = blueprint("box", security=times(period=period_ms))
    options = TokenOptions(sequence=1, expires_s=expires_s)
    world.device.load(Forger(place, options=options).pack(plan).encode())
    world.device.start("box")
    return world


@pytest.mark.clause("TC-TOK-28", "TC-SCHED-15")
def test_a_mask_ends_in_a_hook_in_progress_within_a_quantum() -> None:
    hand, seen = Hand(), list[tuple[int, int]]()

    def loop(natives: Natives) -> Steps:
        while True:
            seen.append((hand.now_ns, natives.heartbeat()))
            hand.now_ns += UNIT_NS
            yield UNIT_INSTRUCTIONS

    world = started(hand, Kind.MASK, Program(loop), EPOCH_S + 1)
    world.device.run_until(1100)
    last_granted_ns = max(at_ns for at_ns, result in seen if result == 0)
    assert NS_PER_S - UNIT_NS <= last_granted_ns <= NS_PER_S + 5 * NS_PER_MS
    assert seen[-1][1] == -1


@pytest.mark.clause("TC-TOK-30")
def test_a_container_that_sleeps_is_woken_up_to_be_stopped() -> None:
    hand = Hand()
    world = started(hand, Kind.CODE, Program(one_unit(hand)), EPOCH_S + 1, period_ms=60_000)
    world.device.run()
    (event,) = world.of(RightExpired)
    assert NS_PER_S <= event.at_ns <= NS_PER_S + NS_PER_MS
    assert world.exit_of("box") == Exit(ExitReason.EXPIRED)


@pytest.mark.clause("TC-TOK-28", "TC-TOK-30")
def test_what_expired_between_a_start_and_a_run_is_settled_before_the_first_instruction() -> None:
    hand = Hand()
    world = started(hand, Kind.DATA, Program(endless()), EPOCH_S + 1)
    hand.now_ns = 5 * NS_PER_S
    world.device.run(for_ms=10)
    assert world.device["box"].state is State.READY
    assert world.device["box"].statistics.execution_ns == 0


def test_an_expiry_that_is_far_away_is_no_sleep() -> None:
    hand = Hand()
    program = Program(one_unit(hand))
    world = started(hand, Kind.MASK, program, (1 << 64) - 1, period_ms=1000)
    world.device.run_until(10_000)
    assert world.device["box"].loops == 10


def one_unit(hand: Hand) -> Script:
    def loop(_natives: Natives) -> Steps:
        hand.now_ns += UNIT_NS
        yield UNIT_INSTRUCTIONS
        return 0

    return loop
