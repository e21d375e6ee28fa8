"""Who had the processor: the account of a device, of its events, and of its trace file are one."""

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from support.drivers import Puppet, served_by
from support.random_worlds import CALL_INSTRUCTIONS, GROWTH_BYTES, Plan, Run, plans
from support.scripted import Program, Steps, calling, endless, work
from support.worlds import World, blueprint, local, times

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.driver import CallContext
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.trace import JsonLines, Sink, Tally, TraceEvent, read_trace
from tinycontainer.trace.events import HookBegan, HookEnded, HookInProgress

MS = NS_PER_MS

counts = pytest.mark.parametrize(
    "examples",
    [pytest.param(40, id="some"), pytest.param(400, id="many", marks=pytest.mark.long)],
)


def tally_of(happened: list[TraceEvent]) -> Tally:
    tally = Tally()
    for event in happened:
        tally(event)
    return tally


def tally_of_file(happened: list[TraceEvent], path: Path) -> Tally:
    """The tally of what is read from a file of these events."""
    with path.open("w") as file:
        lines = JsonLines(file.write)
        sinks: list[Sink] = [lines]
        for event in happened:
            sinks[0](event)
    return tally_of(list(read_trace(path)))


@counts
@pytest.mark.clause("TC-TOOL-14")
def test_the_accounts_of_device_events_and_file_are_one_and_right(
    tmp_path_factory: pytest.TempPathFactory, examples: int
) -> None:
    path = tmp_path_factory.mktemp("account") / "trace.jsonl"

    @settings(max_examples=examples)
    @given(plans(), plans(limited=True))
    def holds(one: Plan, two: Plan) -> None:
        for plan in (one, two):
            run = Run(plan).until(plan.run_ms)
            run.world.device.end_trace()
            check_by_own_arithmetic(run)
            check_tallies(run, path)

    holds()


def check_by_own_arithmetic(run: Run) -> None:
    """The device's account, by the units of work that the containers began."""
    device, plan = run.world.device, run.plan
    account = device.account()
    entered = Counter(event.uid for event in run.world.of(HookBegan))
    assert sum(account.shares.values()) + account.idle_share == 10_000
    assert account.idle_ns == run.clock.slept_ns
    assert account.observed_ns == device.now_ns
    for view in device:
        costs = [unit.instructions for unit in run.units if unit.number == int(view.uid)]
        instructions = sum(costs) + CALL_INSTRUCTIONS * entered[view.uid]
        assert view.statistics.instructions == instructions
        assert view.statistics.peak_memory_bytes == GROWTH_BYTES * len(costs)
        exact = Fraction(instructions * plan.instruction_ns * 10_000, device.now_ns)
        assert abs(account.shares[view.uid] - exact) < 1


def check_tallies(run: Run, path: Path) -> None:
    """What was counted live, and what is counted from a file, is what the device has counted."""
    device = run.world.device
    for tally in (tally_of(run.world.events), tally_of_file(run.world.events, path)):
        assert {uid: row.statistics for uid, row in tally.rows.items()} == {
            view.uid: view.statistics for view in device
        }
        found, account = tally.account(device.now_ns), device.account()
        assert (found.shares, found.idle_share) == (account.shares, account.idle_share)
        assert found.idle_ns == account.idle_ns


@pytest.mark.clause("TC-TOOL-14")
def test_a_hook_in_progress_has_its_share() -> None:
    world = World(bare=True)
    world.run(blueprint("box", security=times(period=100)), Program(work(10_000 - 100)))
    world.device.run_until(100)
    world.run(blueprint("endless"), Program(endless()))
    world.device.run_until(200)
    account = world.device.account()
    busy_ns = world.device["box"].statistics.execution_ns
    assert world.of(HookEnded, "endless")[-1].hook == "start"
    assert account.used_ns == {b"box": busy_ns, b"endless": 200 * MS - account.idle_ns - busy_ns}
    assert account.idle_ns == 100 * MS - 10 * MS - MS // 10
    assert tally_of(world.events).account(world.device.now_ns).shares == account.shares


@pytest.mark.clause("TC-TOOL-14")
def test_what_a_container_used_that_is_gone_is_not_idle_time() -> None:
    world = World(bare=True)
    world.run(blueprint("box"), Program(endless()))
    world.device.run_until(50)
    world.device.kill("box")
    world.device.run_until(100)
    world.device.delete("box")
    world.add(blueprint("box"), Program(work(1)))
    account = world.device.account()
    assert (account.gone_ns, account.gone_share) == (50 * MS, 5000)
    assert (account.idle_share, account.shares) == (5000, {b"box": 0})
    # Events tell of all that had the uid.
    assert tally_of(world.events).account(world.device.now_ns).shares == {b"box": 5000}


def test_a_driver_that_asks_within_a_turn_sees_the_account_of_before_it() -> None:
    seen = list[object]()

    def on_open(peer_endpoint_id: int, context: CallContext) -> int:
        found = world.device.account()
        seen.append((found.observed_ns, found.idle_ns, found.used_ns))
        return 1

    world = World(bare=True, drivers=(served_by(Puppet(on_open)),))
    world.run(blueprint("box", endpoints=(local(),)), Program(calling([], lambda n: n.open(1))))
    world.device.run_until(5)
    assert seen == [(100_000, 0, {b"box": 100_000})]


def test_refusals_of_a_hook_in_progress_are_all_in_its_trace() -> None:
    def loop(natives: Natives) -> Steps:
        for _ in range(33):
            natives.close(99)
            yield 1
        yield from endless()(natives)
        return 0

    world = World(bare=True)
    world.run(blueprint("box"), Program(loop))
    world.device.run_until(50)
    world.device.end_trace()
    (row,) = tally_of(world.events).rows.values()
    assert row.statistics == world.device["box"].statistics
    assert row.statistics.refusals == 33


@pytest.mark.clause("TC-TOOL-14")
def test_a_hook_that_ends_or_goes_on_says_how_much_memory_there_is() -> None:
    world = World(bare=True)
    plan = blueprint("box", security=times(lifetime=2))
    world.run(plan, Program(work(1, 1, 1), growth_bytes=10))
    world.device.run()
    assert [event.memory_bytes for event in world.of(HookEnded)] == [0, 30, 60, 60]
    assert world.device["box"].statistics.peak_memory_bytes == 60
    world.device.start("box")
    world.device.run()
    assert [event.memory_bytes for event in world.of(HookEnded)][4:] == [0, 30, 60, 60]
    assert world.device["box"].statistics.peak_memory_bytes == 60
    world.run(blueprint("endless"), Program(endless(1000), growth_bytes=10))
    world.device.run(for_ms=10)
    before = world.device["endless"].statistics.peak_memory_bytes
    assert before > 0
    world.device.end_trace()
    assert [event.memory_bytes for event in world.of(HookInProgress)] == [before]
