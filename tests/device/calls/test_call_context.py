"""What a driver knows of the call in progress, and what it may charge for."""

import pytest
from support.drivers import Puppet, served_by
from support.scripted import Program, Script, Steps, endless, work
from support.worlds import Remote, World, blueprint, local, newer, times

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.interfaces.driver import CallContext
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.trace.events import Dispatched, HookBegan, Refused


def one_read(before: int = 500) -> Script:
    """A loop that opens, works, reads and ends the start."""

    def loop(natives: Natives) -> Steps:
        natives.open(1)
        yield before
        natives.read(1, 1)
        yield 1
        return 1

    return loop


class Watching(Puppet):
    """Notes what its context says at each call, and charges for reads."""

    def __init__(self, charges: int = 0) -> None:
        super().__init__()
        self.context: CallContext
        self.seen: list[tuple[bytes, int, int, int | None]] = []
        self.charges = charges

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        self.context = context
        self.note()
        return 1

    def read(self, driver_fd: int, size: int) -> bytes:
        self.context.charge(self.charges)
        self.note()
        return b"r"

    def close(self, driver_fd: int) -> None:
        self.note()

    def note(self) -> None:
        context = self.context
        self.seen.append((context.container, context.slot, context.now_us(), context.loops_left()))


def world_with(driver: Puppet) -> World:
    return World(bare=True, drivers=(served_by(driver),))


def test_a_driver_knows_who_calls_and_the_time_to_the_instruction() -> None:
    driver = Watching()
    world = world_with(driver)
    world.add(blueprint("idle"), Program(endless()))
    world.run(blueprint("box", endpoints=(local(),)), Program(one_read()))
    world.device.run(for_ms=10)
    # Entering start and loop and each call cost 100 instructions of 1 us.
    assert driver.seen[:2] == [(b"box", 1, 300, None), (b"box", 1, 900, None)]


@pytest.mark.clause("TC-SCHED-11")
def test_what_a_driver_charges_is_execution_time_of_the_caller() -> None:
    times_ns = []
    for charges in (0, 12_345):
        driver = Watching(charges)
        world = world_with(driver)
        world.run(blueprint("box", endpoints=(local(),)), Program(one_read()))
        world.device.run()
        times_ns.append((world.device.now_ns, world.device["box"].statistics.execution_ns))
        assert driver.seen[1][2] == 900 + charges
    assert [b - a for a, b in zip(*times_ns, strict=True)] == [12_345_000, 12_345_000]


@pytest.mark.clause("TC-CALL-13")
def test_a_call_that_costs_more_than_is_left_still_completes() -> None:
    driver, seen = Watching(50_000), list[object]()

    def loop(natives: Natives) -> Steps:
        natives.open(1)
        seen.append(natives.read(1, 1))
        yield 1
        seen.append("goes on")
        return 1

    world = world_with(driver)
    plan = blueprint("box", endpoints=(local(),), security=times(loop=10))
    world.run(plan, Program(loop))
    world.device.run()
    assert world.exit_of("box").reason is ExitReason.OVERRUN
    assert seen[0] == b"r"


def test_an_expensive_call_delays_a_better_rank_by_its_cost_and_no_more() -> None:
    world = world_with(Watching(50_000))
    world.run(blueprint("vip", priority=0, security=times(period=5)), Program(work(1)))
    world.run(blueprint("box", endpoints=(local(),)), Program(one_read()))
    world.device.run_until(200)
    late_ns = [event.late_ns for event in world.of(Dispatched, "vip")]
    assert 40_000_000 < max(late_ns) <= 50_100_000
    assert sorted(late_ns)[-2] <= 100_000


def test_no_charge_is_a_charge_too() -> None:
    driver = Watching(0)
    world = world_with(driver)
    world.run(blueprint("box", endpoints=(local(),)), Program(one_read()))
    world.device.run()
    assert world.of(Refused) == []


@pytest.mark.clause("TC-END-06")
def test_a_context_acts_until_close_and_also_at_close() -> None:
    driver = Puppet()
    driver.on_write = lambda fd, data: _charged(driver, fd)
    driver.on_close = lambda fd: driver.contexts[fd].charge(700)
    world = World(bare=True, drivers=(served_by(driver),))
    caller = Remote(world, blueprint("box", endpoints=(local(),)))
    fd = caller.open(1)
    before = world.device["box"].statistics.execution_ns
    caller.write(fd, b"x")
    caller.close(fd)
    assert world.of(Refused) == []
    assert world.device["box"].statistics.execution_ns - before > 1_400_000


def _charged(driver: Puppet, fd: int) -> int:
    driver.contexts[fd].charge(700)
    return 1


@pytest.mark.clause("TC-END-06")
def test_nothing_can_be_charged_between_calls() -> None:
    driver = Puppet()
    world = World(bare=True, drivers=(served_by(driver),))
    caller = Remote(world, blueprint("box", endpoints=(local(),)))
    caller.open(1)
    now_ns = world.device.now_ns
    with pytest.raises(RuntimeError, match="in progress"):
        driver.contexts[1].charge(5)
    for amount in (-5, 0.5, float("nan"), True, "5"):
        with pytest.raises(ValueError, match="whole number"):
            driver.contexts[1].charge(amount)  # type: ignore[arg-type]
    assert world.device.now_ns == now_ns


@pytest.mark.clause("TC-END-06")
def test_a_container_cannot_be_charged_in_the_call_of_another() -> None:
    driver = Puppet()
    world = World(bare=True, drivers=(served_by(driver),))
    one, two = (Remote(world, blueprint(uid, endpoints=(local(),))) for uid in ("one", "two"))
    assert (one.open(1), two.open(1)) == (1, 2)

    def read(driver_fd: int, size: int) -> bytes:
        driver.contexts[1].charge(5_000)
        return b""

    driver.on_read = read
    before = {view.uid: view.statistics.execution_ns for view in world.device}
    assert two.read(2, 1) == -1
    assert [event.detail for event in world.of(Refused, "two")] == ["raised RuntimeError"]
    after = {view.uid: view.statistics.execution_ns for view in world.device}
    assert after[b"one"] - before[b"one"] < 1_000_000
    assert one.read(1, 1) == b""


def test_the_context_of_an_earlier_start_charges_nobody() -> None:
    driver = Puppet()
    world = World(bare=True, drivers=(served_by(driver),))
    caller = Remote(world, blueprint("box", endpoints=(local(),)))
    caller.open(1)
    world.device.stop("box")
    world.device.run(for_ms=5)
    world.device.start("box")
    driver.on_open = lambda peer, context: _open_with_old_context(driver)
    assert caller.open(1) == -1


def _open_with_old_context(driver: Puppet) -> int:
    driver.contexts[1].charge(1)
    return 2


def test_a_driver_knows_how_many_loops_are_left() -> None:
    driver = Watching()

    def use(natives: Natives) -> Steps:
        fd = natives.open(1)
        natives.read(fd, 1)
        natives.close(fd)
        yield 1
        return 0

    world = World(drivers=(served_by(driver),))
    plan = blueprint("box", endpoints=(local(),), security=times(period=10, lifetime=4))
    world.run(plan, Program(use, start=use))
    world.device.run_until(15)
    left = [seen[3] for seen in driver.seen]
    assert left == [4, 4, 4, 3, 3, 3, 2, 2, 2]
    driver.seen.clear()
    endless_plan = blueprint("box", endpoints=(local(),), security=times(period=10))
    world.reconfigure(newer(endless_plan))
    world.device.run_until(25)
    assert [seen[3] for seen in driver.seen] == [None] * 3


def test_a_driver_sees_time_go_on_within_one_loop() -> None:
    driver = Watching()
    world = world_with(driver)
    world.run(blueprint("box", endpoints=(local(),)), Program(one_read(3000)))
    world.device.run()
    began_us = [event.at_ns // 1000 for event in world.of(HookBegan, "box")]
    opened_us, read_us, _ = (seen[2] for seen in driver.seen)
    assert began_us[1] < opened_us
    assert read_us - opened_us == 3100
