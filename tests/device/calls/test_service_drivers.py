"""Drivers that refuse, lie, break or meddle: the tenant gets a number, the device goes on."""

from collections.abc import Callable
from typing import Any

import pytest
from support.calls import caller_plan, make_caller
from support.drivers import Puppet, raising, served_by
from support.scripted import Program, Steps, work
from support.worlds import Remote, World, blueprint, local, newer, times

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.view import View
from tinycontainer.errors import DriverError
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.trace import Human, JsonLines, TraceEvent
from tinycontainer.trace.events import Called, DescriptorClosed, Refused


def used(caller: Remote, call: str) -> bytes | int:
    """Open, and make one more call if it is not open itself."""
    fd = caller.open(1)
    if call == "open":
        return fd
    return caller.read(fd, 4) if call == "read" else caller.write(fd, b"four")


def lying(call: str, answer: Any) -> Puppet:
    """A driver that gives an answer of any type to one call."""
    driver = Puppet()
    setattr(driver, f"on_{call}", lambda *_: answer)
    return driver


def breaking(call: str, error: BaseException) -> Puppet:
    driver = Puppet()
    setattr(driver, f"on_{call}", raising(error))
    return driver


CALLS = ["open", "read", "write"]
every_call = pytest.mark.parametrize("call", CALLS)


def goes_on(world: World, caller: Remote) -> None:
    """The container runs on, and can use its other calls."""
    loops = world.device["box"].loops
    assert caller.do(lambda natives: natives.data_size()) == 0
    assert world.device["box"].state is State.RUNNING
    assert world.device["box"].loops > loops


@every_call
@pytest.mark.parametrize("code", [1, 2, 255, 2**31 - 1])
@pytest.mark.clause("TC-CALL-03")
def test_a_refusal_of_the_driver_is_its_negated_code(call: str, code: int) -> None:
    world, caller = make_caller(local(), driver=breaking(call, DriverError(code, "not now")))
    assert used(caller, call) == -code
    (event,) = world.of(Refused, "box")
    assert (event.call, event.reason, event.result, event.detail) == (
        call,
        "driver",
        -code,
        "not now",
    )
    goes_on(world, caller)


@pytest.mark.parametrize("code", [0, -1, 2**31])
@pytest.mark.clause("TC-CALL-03")
def test_a_code_of_a_driver_is_at_least_one_and_fits_31_bits(code: int) -> None:
    with pytest.raises(ValueError, match="code"):
        DriverError(code)


class Odd(Exception):
    """An error of no known family."""


@every_call
@pytest.mark.parametrize(
    "error",
    [
        Odd(),
        ValueError("\x1b[31m"),
        OSError(5, "wire"),
        KeyError(1),
        StopIteration(3),
        AssertionError(),
        RecursionError(),
        MemoryError(),
        RuntimeError(),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.clause("TC-END-05")
def test_whatever_else_a_driver_raises_is_a_failure_of_the_driver(
    call: str, error: Exception
) -> None:
    world, caller = make_caller(local(), driver=breaking(call, error))
    assert used(caller, call) == -1
    (event,) = world.of(Refused, "box")
    assert (event.call, event.reason, event.result) == (call, "driver-failed", -1)
    assert type(error).__name__ in event.detail
    goes_on(world, caller)


@every_call
def test_a_driver_that_wants_to_end_the_process_does_not(call: str) -> None:
    world, caller = make_caller(local(), driver=breaking(call, SystemExit(3)))
    assert used(caller, call) == -1
    goes_on(world, caller)


class Tampered(DriverError):
    """A refusal whose code and problem were changed after it was made."""

    def __init__(self, code: Any, problem: Any = "tampered") -> None:
        super().__init__()
        self.code, self.problem = code, problem


@every_call
@pytest.mark.parametrize("code", [0, -5, 2**31, "one", None, 1.5])
def test_a_refusal_whose_code_is_no_code_is_a_failure_of_the_driver(call: str, code: Any) -> None:
    world, caller = make_caller(local(), driver=breaking(call, Tampered(code)))
    assert used(caller, call) == -1
    assert [event.reason for event in world.of(Refused, "box")] == ["driver-failed"]
    goes_on(world, caller)


@pytest.mark.parametrize("problem", [None, 7, b"bytes", ["list"]], ids=repr)
def test_a_problem_that_is_no_text_breaks_no_sink(problem: Any) -> None:
    lines: list[str] = []
    world = World(
        bare=True,
        sinks=(JsonLines(lines.append), Human(lines.append)),
        drivers=(served_by(breaking("read", Tampered(4, problem))),),
    )
    caller = Remote(world, caller_plan(local()))
    assert caller.read(caller.open(1), 1) == -4
    goes_on(world, caller)
    details = [event.detail for event in world.of(Refused)]
    assert len(details) == 1
    assert isinstance(details[0], str)


@pytest.mark.parametrize("answer", [0, -1, -(2**40), True, None, "1", b"1", 1.0, [1]])
@pytest.mark.clause("TC-END-05")
def test_open_has_to_give_a_positive_number(answer: Any) -> None:
    driver = lying("open", answer)
    world, caller = make_caller(local(), driver=driver)
    assert caller.open(1) == -1
    (event,) = world.of(Refused, "box")
    assert (event.call, event.reason) == ("open", "driver-failed")
    goes_on(world, caller)
    driver.on_open = None
    assert caller.open(1) == 1


@pytest.mark.parametrize(
    "answer", [b"12345", bytes(10**6), "four", bytearray(b"four"), memoryview(b"4"), 4, None, [1]]
)
@pytest.mark.clause("TC-END-05")
def test_read_has_to_give_bytes_and_no_more_than_asked_for(answer: Any) -> None:
    world, caller = make_caller(local(), driver=lying("read", answer))
    assert used(caller, "read") == -1
    assert [event.reason for event in world.of(Refused, "box")] == ["driver-failed"]
    goes_on(world, caller)


@pytest.mark.parametrize("answer", [-1, 5, 2**40, True, None, "4", b"4", 4.0])
@pytest.mark.clause("TC-END-05")
def test_write_has_to_give_a_number_within_what_was_given(answer: Any) -> None:
    world, caller = make_caller(local(), driver=lying("write", answer))
    assert used(caller, "write") == -1
    assert [event.reason for event in world.of(Refused, "box")] == ["driver-failed"]
    goes_on(world, caller)


@pytest.mark.parametrize("driver_fd", [1, 7, 2**31, 2**70])
def test_a_descriptor_of_the_driver_is_its_own_affair(driver_fd: int) -> None:
    driver = lying("open", driver_fd)
    _, caller = make_caller(local(), driver=driver)
    assert used(caller, "read") == b"rrrr"
    assert driver.calls[-1] == ("read", driver_fd, 4)


# Closing.


def test_a_descriptor_is_gone_even_if_its_driver_cannot_close_it() -> None:
    driver = breaking("close", Odd())
    world, caller = make_caller(local(), driver=driver)
    fd = caller.open(1)
    caller.close(fd)
    assert caller.read(fd) == -1
    assert caller.open(1) == 2
    goes_on(world, caller)


@pytest.mark.parametrize(
    ("error", "result", "reason"),
    [(Odd(), -1, "driver-failed"), (DriverError(9), -9, "driver")],
    ids=["fails", "refuses"],
)
def test_close_says_that_the_driver_failed_or_refused(
    error: Exception, result: int, reason: str
) -> None:
    world, caller = make_caller(local(), driver=breaking("close", error))
    assert caller.close(caller.open(1)) == result
    (event,) = world.of(Refused, "box")
    assert (event.call, event.reason, event.result) == ("close", reason, result)
    assert world.device["box"].statistics.refusals == 1


def test_failures_at_close_obey_the_rate_of_refusals() -> None:
    def loop(natives: Natives) -> Steps:
        for _ in range(60):
            natives.close(natives.open(1))
            yield 1
        return 1

    world = World(bare=True, drivers=(served_by(breaking("close", Odd())),))
    world.run(caller_plan(local()), Program(loop))
    world.device.run(for_ms=100)
    assert len(world.of(Refused, "box")) == 20


@pytest.mark.parametrize("how", ["stop", "kill", "delete", "reconfigure"])
def test_a_driver_that_fails_to_close_keeps_nobody_from_stopping(how: str) -> None:
    world = World(drivers=(served_by(breaking("close", Odd())),))
    caller = Remote(world, caller_plan(local()))
    caller.open(1)
    if how == "reconfigure":
        world.reconfigure(newer(blueprint("box", security=times(period=1))))
        goes_on(world, caller)
    else:
        getattr(world.device, how)("box")
        world.device.run(for_ms=10)
        assert how == "delete" or world.device["box"].state is State.READY
    assert len(world.of(DescriptorClosed, "box")) == 1
    assert [(event.call, event.reason, event.result) for event in world.of(Refused)] == [
        ("close", "driver-failed", 0)  # nobody was given an answer
    ]


# Meddling.


def test_a_negative_charge_is_a_failure_of_the_driver() -> None:
    driver = Puppet()

    def read(fd: int, size: int) -> bytes:
        driver.contexts[fd].charge(-1)
        return b""

    driver.on_read = read
    world, caller = make_caller(local(), driver=driver)
    now_ns = world.device.now_ns
    assert used(caller, "read") == -1
    assert world.device.now_ns > now_ns
    assert [event.detail for event in world.of(Refused, "box")] == ["raised ValueError"]


VERBS: dict[str, Callable[[World], object]] = {
    "load": lambda world: world.device.load(world.pack(blueprint("other")).encode()),
    "load of garbage": lambda world: world.device.load(b""),
    "begin load": lambda world: world.device.begin_load(),
    "abandon load": lambda world: world.device.abandon_load(),
    "start": lambda world: world.device.start("idle"),
    "stop": lambda world: world.device.stop("box"),
    "kill": lambda world: world.device.kill("box"),
    "delete": lambda world: world.device.delete("idle"),
    "reconfigure": lambda world: world.reconfigure(blueprint("idle")),
    "run": lambda world: world.device.run(for_ms=1),
    "run until": lambda world: world.device.run_until(10**6),
}


@pytest.mark.parametrize("inside", ["open", "read", "write", "close"])
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.clause("TC-LIFE-12")
def test_a_driver_cannot_manage_the_device_that_calls_it(verb: str, inside: str) -> None:
    driver, caught = Puppet(), list[str]()
    world, caller = make_caller(local(), driver=driver)
    world.add(blueprint("idle"), Program(work(1)))
    states = [(view.uid, view.state) for view in world.device]

    def meddle(*_: object) -> Any:
        try:
            VERBS[verb](world)
        except RuntimeError as error:
            caught.append(str(error))
        return {"open": 5, "read": b"ok", "write": 2}.get(inside)

    setattr(driver, f"on_{inside}", meddle)
    fd = caller.open(1)
    assert (fd, caller.read(fd, 2), caller.write(fd, b"ab"), caller.close(fd)) == (
        1,
        b"ok" if inside == "read" else b"rr",
        2,
        0,
    )
    assert len(caught) == 1
    assert "cannot manage" in caught[0]
    assert [(view.uid, view.state) for view in world.device] == states
    goes_on(world, caller)


def test_a_driver_that_lets_the_error_of_meddling_out_has_failed() -> None:
    driver = Puppet()
    world, caller = make_caller(local(), driver=driver)

    def write(fd: int, data: bytes) -> int:
        world.device.stop("box")
        return len(data)

    driver.on_write = write
    assert used(caller, "write") == -1
    assert [event.detail for event in world.of(Refused, "box")] == ["raised RuntimeError"]
    goes_on(world, caller)


def test_a_driver_may_look_at_the_device() -> None:
    driver, seen = Puppet(), list[View]()
    world, caller = make_caller(local(), driver=driver)
    driver.on_close = lambda fd: seen.append(world.device["box"])
    caller.close(caller.open(1))
    assert [view.state for view in seen] == [State.RUNNING]


def test_a_broken_driver_does_not_disturb_another_container() -> None:
    def run(driver: Puppet) -> list[TraceEvent]:
        world = World(bare=True, drivers=(served_by(driver),))
        caller = Remote(world, caller_plan(local()))
        world.run(blueprint("calm", priority=3, security=times(period=7)), Program(work(500)))
        for _ in range(5):
            caller.open(1)
        return [event for event in world.events if getattr(event, "uid", b"") == b"calm"]

    assert run(breaking("open", Odd())) == run(Puppet())


def test_what_a_driver_gave_is_recorded_with_the_call() -> None:
    driver = Puppet(on_read=lambda fd, size: b"secret"[:size])
    world, caller = make_caller(local(), driver=driver)
    used(caller, "read")
    assert world.of(Called, "box")[-1].data == b"secr"


def test_a_refused_call_asks_no_driver() -> None:
    driver = Puppet()
    _, caller = make_caller(local(), driver=driver)
    fd = caller.open(1)
    caller.read(fd, 0)
    caller.write(fd, bytes(300))
    caller.read(99)
    assert driver.calls == [("open", 1, b"box")]
