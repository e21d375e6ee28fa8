"""Tokens that expire while a loop of rBPF is in progress."""

import pytest
from support.rbpf.assembling import rbf
from support.tokens.forging import Forger
from support.worlds import World, blueprint

from tinycontainer.device.containers.container import Exit, ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.interfaces.clock import NS_PER_MS, NS_PER_S
from tinycontainer.interfaces.runtime import Hook
from tinycontainer.metadata import ContainerType
from tinycontainer.tools.packing.packing import TokenOptions
from tinycontainer.trace.events import Called, Refused
from tinycontainer_runtimes.rbpf import create_runtime
from tinycontainer_tokens import Kind

EPOCH_S = 1_000_000
LEAD_NS = 20 * NS_PER_MS
UNIT_NS = 166_000
HEARTBEATS = rbf("call heartbeat\njeq r0, 0, -2\nmov r0, 7\nexit")
ENDLESS = rbf("mov r0, 1\n" * 20 + "ja -21\nexit")


def run_over_expiry(place: Kind, code: bytes) -> World:
    world = World(foreign={ContainerType.BPF: create_runtime()}, epoch_s=EPOCH_S)
    world.clock.sleep_until(NS_PER_S - LEAD_NS)
    options = TokenOptions(sequence=1, expires_s=EPOCH_S + 1)
    plan = blueprint("box", kind=ContainerType.BPF)
    world.device.load(Forger(place, options=options).pack(plan, code=code).encode())
    world.device.start("box")
    world.device.run(for_ms=30)
    return world


@pytest.mark.clause("TC-TOK-28")
def test_a_mask_ends_while_a_loop_is_in_progress() -> None:
    world = run_over_expiry(Kind.MASK, HEARTBEATS)
    assert world.exit_of("box") == Exit(ExitReason.RETURNED, Hook.LOOP, 7)
    assert NS_PER_S - UNIT_NS <= world.of(Called)[-1].at_ns < NS_PER_S + UNIT_NS
    (refusal,) = world.of(Refused)
    assert refusal.reason == "masked"
    assert NS_PER_S <= refusal.at_ns < NS_PER_S + 2 * UNIT_NS


@pytest.mark.clause("TC-TOK-30")
def test_a_container_is_stopped_while_a_loop_is_in_progress() -> None:
    world = run_over_expiry(Kind.CODE, ENDLESS)
    assert world.device["box"].state is State.STOPPING
    world.device.kill("box")
    world.device.run(for_ms=1)
    assert world.exit_of("box") == Exit(ExitReason.EXPIRED)
