"""The system calls: what they give, the order of their checks, and what a refusal leaves behind."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product

import pytest
from support.calls import caller_plan, make_caller, refused_calls
from support.drivers import Puppet, raising, served_by
from support.scripted import Program, calling
from support.worlds import ALL_CALLS, Remote, World, blueprint, local, newer

from tinycontainer.device.containers.limits import Capacity, Scheduling
from tinycontainer.errors import DriverError
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.interfaces.syscalls import Syscall
from tinycontainer.metadata import Direction
from tinycontainer.trace.events import Called, HookEnded, Refused


@pytest.mark.clause("TC-CALL-08", "TC-CALL-20")
def test_the_five_calls_give_what_they_should() -> None:
    driver = Puppet()
    world, caller = make_caller(local(7), driver=driver)
    assert caller.open(7) == 1
    assert caller.read(1, 3) == b"rrr"
    assert caller.write(1, b"data") == 4
    assert caller.close(1) == 0
    assert caller.do(lambda natives: natives.heartbeat()) == 0
    assert [(e.call, e.subject, e.result, e.data) for e in world.of(Called, "box")] == [
        ("open", 7, 1, b""),
        ("read", 1, 3, b"rrr"),
        ("write", 1, 4, b"data"),
        ("close", 1, 0, b""),
        ("heartbeat", 0, 0, b""),
    ]
    assert driver.calls == [
        ("open", 1, b"box"),
        ("read", 1, 3),
        ("write", 1, b"data"),
        ("close", 1),
    ]
    statistics = world.device["box"].statistics
    assert (statistics.calls, statistics.refusals) == (5, 0)


@pytest.mark.clause("TC-CALL-12")
def test_nothing_read_and_nothing_taken_are_no_refusals() -> None:
    driver = Puppet(on_read=lambda fd, size: b"", on_write=lambda fd, data: 0)
    world, caller = make_caller(local(), driver=driver)
    fd = caller.open(1)
    assert (caller.read(fd), caller.write(fd, b"x")) == (b"", 0)
    assert refused_calls(world) == []


def test_a_part_of_what_was_written_may_be_taken() -> None:
    world, caller = make_caller(local(), driver=Puppet(on_write=lambda fd, data: 2))
    assert caller.write(caller.open(1), b"abc") == 2
    assert world.of(Called, "box")[-1].data == b"ab"


# The order of checks: mask, size, descriptor, owner, direction, driver.

FDS = {"own": 1, "one-way": 2, "foreign": 3, "foreign one-way": 4, "none": 99}


def judged(call: str, masked: bool, size: int, fd: str) -> str:
    """The reason that comes first in the order of checks; empty: granted."""
    if masked:
        return "masked"
    if call != "close" and not 1 <= size <= 255:
        return "size"
    if fd == "none":
        return "bad-descriptor"
    if fd.startswith("foreign"):
        return "not-owner"
    if call != "close" and fd == "one-way":
        return "direction"
    return "" if call == "close" else "driver"


def use(caller: Remote, call: str, fd: int, size: int) -> bytes | int:
    if call == "close":
        return caller.close(fd)
    return caller.read(fd, size) if call == "read" else caller.write(fd, bytes(size))


@pytest.mark.parametrize("call", ["read", "write", "close"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.clause("TC-CALL-02", "TC-CALL-05", "TC-CALL-11")
def test_the_first_check_that_fails_gives_the_reason(call: str, masked: bool) -> None:
    syscall = Syscall[call.upper()]
    wrong_way = Direction.IN if call == "read" else Direction.OUT
    endpoints = (local(1), local(2, direction=wrong_way))
    for size, fd in product([0, 1, 255, 256], FDS):
        driver = Puppet(on_read=raising(DriverError()), on_write=raising(DriverError()))
        world = World(drivers=(served_by(driver),))
        caller = Remote(world, caller_plan(*endpoints))
        other = Remote(
            world, replace(caller_plan(*endpoints), container=blueprint("other").container)
        )
        assert [caller.open(1), caller.open(2), other.open(1), other.open(2)] == [1, 2, 3, 4]
        mask = ALL_CALLS & ~syscall.bit if masked else ALL_CALLS
        world.reconfigure(newer(caller_plan(*endpoints, mask=mask)))
        given = use(caller, call, FDS[fd], size)
        reason = judged(call, masked, size, fd)
        assert refused_calls(world) == ([(call, FDS[fd], reason, -1)] if reason else [])
        assert given == (-1 if reason else 0)


@pytest.mark.parametrize("size", [-1, 0, 1, 255, 256, 2**31])
@pytest.mark.clause("TC-CALL-09")
def test_reads_are_of_1_to_255_bytes(size: int) -> None:
    world, caller = make_caller(local())
    fd = caller.open(1)
    given = caller.read(fd, size)
    if 1 <= size <= 255:
        assert given == b"r" * size
    else:
        assert given == -1
        assert refused_calls(world) == [("read", fd, "size", -1)]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 511, 70_000])
@pytest.mark.clause("TC-CALL-09")
def test_writes_are_of_1_to_255_bytes_and_never_cut(size: int) -> None:
    driver = Puppet()
    world, caller = make_caller(local(), driver=driver)
    fd = caller.open(1)
    given = caller.write(fd, bytes(size))
    if 1 <= size <= 255:
        assert given == size
        assert driver.calls[-1] == ("write", 1, bytes(size))
    else:
        assert given == -1
        assert refused_calls(world) == [("write", fd, "size", -1)]
        assert [call for call in driver.calls if call[0] == "write"] == []


def test_the_length_of_transfers_is_a_limit_of_the_device() -> None:
    capacity = Capacity(transfer_bytes=8)
    world = World(bare=True, capacity=capacity, drivers=(served_by(Puppet()),))
    caller = Remote(world, caller_plan(local()))
    fd = caller.open(1)
    assert (caller.read(fd, 8), caller.read(fd, 9)) == (b"r" * 8, -1)
    assert (caller.write(fd, bytes(8)), caller.write(fd, bytes(9))) == (8, -1)


@pytest.mark.parametrize(
    ("direction", "reads", "writes"),
    [
        (Direction.IN, -1, 1),
        (Direction.OUT, b"r", -1),
        (Direction.BOTH, b"r", 1),
    ],
)
@pytest.mark.clause("TC-CALL-10")
def test_direction_is_seen_from_the_peer(
    direction: Direction, reads: object, writes: object
) -> None:
    _, caller = make_caller(local(direction=direction))
    fd = caller.open(1)
    assert (caller.read(fd, 1), caller.write(fd, b"x")) == (reads, writes)


@pytest.mark.parametrize("call", Syscall)
@pytest.mark.clause("TC-CALL-01", "TC-CALL-04")
def test_each_call_has_its_own_bit_of_the_mask(call: Syscall) -> None:
    world, seen = World(drivers=(served_by(Puppet()),)), list[object]()
    uses = (
        lambda natives: natives.heartbeat(),
        lambda natives: natives.open(1),
        lambda natives: natives.close(5),
        lambda natives: natives.read(5, 1),
        lambda natives: natives.write(5, b"x"),
    )
    world.run(caller_plan(local(), mask=call.bit), Program(calling(seen, *uses)))
    world.device.run(for_ms=5)
    masked = [event.call for event in world.of(Refused, "box") if event.reason == "masked"]
    assert masked == [other.name.lower() for other in Syscall if other is not call]
    assert seen == [{0: 0, 1: 1}.get(i, -1) if i == call - 1 else -1 for i in range(5)]


@pytest.mark.clause("TC-CALL-01", "TC-LIFE-17")
def test_a_call_that_a_runtime_kept_from_before_the_mask_shrank_is_refused() -> None:
    """A runtime should look each call up; the service does not rely on it."""
    world = World(drivers=(served_by(Puppet()),))
    plan = caller_plan(local())
    caller = Remote(world, plan)
    fd = caller.open(1)
    kept = caller.do(
        lambda natives: (
            natives.heartbeat,
            partial(natives.open, 1),
            partial(natives.close, fd),
            partial(natives.read, fd, 1),
            partial(natives.write, fd, b"x"),
        )
    )
    world.reconfigure(newer(plan, mask=0))
    assert caller.do(lambda _natives: [use() for use in kept]) == [-1] * 5
    assert [event.reason for event in world.of(Refused, "box")] == ["masked"] * 5


@pytest.mark.clause("TC-CALL-01")
def test_bits_of_the_mask_without_a_call_are_ignored() -> None:
    world, seen = World(), list[object]()
    world.run(
        caller_plan(mask=0xFFFFFFE0), Program(calling(seen, lambda natives: natives.heartbeat()))
    )
    world.device.run(for_ms=5)
    assert seen == [-1]


@pytest.mark.clause("TC-CALL-01", "TC-CALL-16")
def test_the_own_data_and_the_log_need_no_right() -> None:
    world, seen = World(), list[object]()
    program = Program(
        calling(
            seen,
            lambda natives: natives.data_size(),
            lambda natives: natives.data_read(1, 3),
            lambda natives: natives.data_read(4, 100),
            lambda natives: natives.data_read(5, 1),
            lambda natives: natives.log(b"line"),
        )
    )
    world.run(caller_plan(mask=0), program, data=b"01234")
    world.device.run(for_ms=5)
    assert seen == [5, b"123", b"4", b"", None]
    assert world.of(Refused) == []


# Costs.


EVERY_NATIVE: dict[str, Callable[[Natives], object]] = {
    "heartbeat": lambda natives: natives.heartbeat(),
    "open": lambda natives: natives.open(1),
    "close": lambda natives: natives.close(1),
    "read": lambda natives: natives.read(1, 1),
    "write": lambda natives: natives.write(1, b"x"),
    "log": lambda natives: natives.log(b"x"),
    "data_size": lambda natives: natives.data_size(),
    "data_read": lambda natives: natives.data_read(0, 1),
}


@pytest.mark.parametrize("mask", [0, ALL_CALLS])
@pytest.mark.parametrize("cost", [1, 100, 4321])
@pytest.mark.parametrize("call", EVERY_NATIVE)
@pytest.mark.clause("TC-SCHED-11")
def test_every_call_costs_the_same_granted_or_not(call: str, cost: int, mask: int) -> None:
    world = World(drivers=(served_by(Puppet()),), scheduling=Scheduling(call_instructions=cost))
    world.run(caller_plan(local(), mask=mask), Program(calling([], *[EVERY_NATIVE[call]] * 3)))
    world.device.run(for_ms=100)
    loop = next(event for event in world.of(HookEnded, "box") if event.hook == "loop")
    # Three calls and the entry of the hook; each call is followed by one unit of 1.
    assert loop.used_ns == (4 * cost + 3) * 1000


# Refusals and the owner.


def test_refusals_are_the_same_whether_anybody_listens_or_not() -> None:
    def run(silent: bool) -> list[object]:
        seen = list[object]()
        world = World(bare=True, silent=silent, drivers=(served_by(Puppet()),))
        uses = [
            lambda natives: natives.open(9),
            lambda natives: natives.open(1),
            lambda natives: natives.read(1, 0),
            lambda natives: natives.write(2, b"x"),
            lambda natives: natives.log(b"x"),
        ]
        world.run(caller_plan(local()), Program(calling(seen, *uses)))
        world.device.run(for_ms=100)
        return [*seen, world.device["box"], world.device.now_ns]

    assert run(silent=True) == run(silent=False)


@pytest.mark.clause("TC-CALL-14")
def test_refusals_are_counted_for_the_container() -> None:
    world, caller = make_caller(local())
    caller.open(9)
    caller.read(5)
    caller.open(1)
    statistics = world.device["box"].statistics
    assert (statistics.refusals, statistics.calls) == (2, 1)
