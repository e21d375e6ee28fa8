"""Tokens that expire while a loop of WebAssembly is in progress, the same on every engine."""

import pytest
from support.drivers import Puppet, served_by
from support.engines import make_runtime
from support.tokens.forging import Forger
from support.wasm.modules import loop
from support.worlds import World, blueprint, local

from tinycontainer.device.containers.container import Exit, ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.interfaces.clock import NS_PER_MS, NS_PER_S
from tinycontainer.interfaces.runtime import Hook
from tinycontainer.metadata import ContainerType
from tinycontainer.tools.packing.packing import TokenOptions
from tinycontainer.trace.events import Called, DescriptorClosed, HookEnded, Refused
from tinycontainer_tokens import Kind

pytestmark = pytest.mark.usefixtures("engine")

EPOCH_S = 1_000_000
LEAD_NS = 20 * NS_PER_MS
"""How long before the expiry the device begins: engines in Python are slow."""
UNIT_NS = 166_000
"""The longest straight line of code, with the call at its end."""
HEARTBEATS = loop(
    "(block $out (loop $again (br_if $out (i32.lt_s (call $heartbeat) (i32.const 0)))"
    " (br $again))) i32.const 7",
    uses=("heartbeat",),
)
READS = loop(
    "(local $fd i32) (local.set $fd (call $open (i32.const 1)))"
    " (block $out (loop $again"
    " (br_if $out (i32.lt_s (call $read (local.get $fd) (i32.const 64) (i32.const 4))"
    " (i32.const 0))) (br $again))) i32.const 8",
    uses=("open", "read"),
)
ENDLESS = loop("(loop br 0) i32.const 0")


def run_over_expiry(place: Kind, code: bytes, for_ms: int = 30) -> World:
    """Run a container over the second in which one of its tokens expires."""
    world = World(
        foreign={ContainerType.WASM: make_runtime()},
        drivers=(served_by(Puppet()),),
        epoch_s=EPOCH_S,
    )
    world.clock.sleep_until(NS_PER_S - LEAD_NS)
    plan = blueprint("box", kind=ContainerType.WASM, endpoints=(local(),))
    options = TokenOptions(sequence=1, expires_s=EPOCH_S + 1)
    world.device.load(Forger(place, options=options).pack(plan, code=code).encode())
    world.device.start("box")
    world.device.run(for_ms=for_ms)
    return world


@pytest.mark.clause("TC-TOK-28")
def test_a_mask_ends_while_a_loop_is_in_progress() -> None:
    world = run_over_expiry(Kind.MASK, HEARTBEATS)
    assert world.exit_of("box") == Exit(ExitReason.RETURNED, Hook.LOOP, 7)
    granted = [event.at_ns for event in world.of(Called)]
    (refusal,) = world.of(Refused)
    assert len(granted) > 100
    assert NS_PER_S - UNIT_NS <= granted[-1] < NS_PER_S + UNIT_NS
    assert NS_PER_S <= refusal.at_ns < NS_PER_S + 2 * UNIT_NS
    assert refusal.reason == "masked"


@pytest.mark.clause("TC-TOK-29")
def test_an_endpoint_closes_while_a_loop_is_in_progress() -> None:
    world = run_over_expiry(Kind.ENDPOINT, READS)
    assert world.exit_of("box") == Exit(ExitReason.RETURNED, Hook.LOOP, 8)
    (closed,) = world.of(DescriptorClosed)
    assert (closed.fd, closed.reason) == (1, "expired")
    assert NS_PER_S <= closed.at_ns < NS_PER_S + UNIT_NS
    assert [event.reason for event in world.of(Refused)] == ["bad-descriptor"]


@pytest.mark.parametrize("place", [Kind.METADATA, Kind.CODE, Kind.DATA])
@pytest.mark.clause("TC-TOK-30")
def test_a_container_is_stopped_while_a_loop_is_in_progress(place: Kind) -> None:
    world = run_over_expiry(place, ENDLESS)
    assert world.device["box"].state is State.STOPPING
    world.device.kill("box")
    world.device.run(for_ms=1)
    assert world.exit_of("box") == Exit(ExitReason.EXPIRED)
    assert [event.how for event in world.of(HookEnded)] == ["completed", "aborted"]
