"""An interrupt at each line of an open: what the driver has opened is closed once."""

import sys
from types import FrameType
from typing import Any

import pytest
from support.drivers import Puppet, served_by
from support.scripted import Program, calling, work
from support.worlds import World, blueprint, local, newer, times

from tinycontainer.device.calls.service import Service

ENDPOINTS = (local(1), local(2, peer=2))
OPENING = [Service._ask_driver.__code__, Service._enter.__code__]


class SecondOpen:
    """A trace function that interrupts the second open of a container at one of its lines."""

    def __init__(self, line: int) -> None:
        self._lines_left = line
        self._opens = 0
        self.was_reached = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code not in OPENING:
            return None
        self._opens += frame.f_code is OPENING[0]
        return self._look if self._opens == 2 else None

    def _look(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            if self._lines_left == 0:
                self.was_reached = True
                raise KeyboardInterrupt
            self._lines_left -= 1
        return self._look


def interrupt_second_open(line: int) -> Puppet | None:
    """The driver of a container that ended so; None if there are not so many lines."""
    driver = Puppet()
    world = World(drivers=(served_by(driver), served_by(driver, 2)))
    opens = calling([], lambda natives: natives.open(1), lambda natives: natives.open(2))
    world.run(blueprint("box", endpoints=ENDPOINTS), Program(work(10), start=opens))
    interrupt = SecondOpen(line)
    before = sys.gettrace()
    sys.settrace(interrupt)
    try:
        world.device.run(for_ms=1)
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    world.device.run(for_ms=5)
    return driver if interrupt.was_reached else None


@pytest.mark.clause("TC-LIFE-24")
def test_what_an_interrupted_open_has_opened_is_closed_once() -> None:
    line = 0
    while (driver := interrupt_second_open(line)) is not None:
        closed = [call[1] for call in driver.calls if call[0] == "close"]
        assert sorted(closed, key=str) == sorted(driver.contexts), line
        line += 1
    assert line > 8


def test_no_loop_is_left_of_a_lifetime_that_was_lowered_below_what_has_run() -> None:
    driver = Puppet()
    world = World(drivers=(served_by(driver),))
    opens = calling([], lambda natives: natives.open(1))
    plan = blueprint("box", endpoints=ENDPOINTS[:1], security=times(period=1, lifetime=9))
    world.run(plan, Program(work(10), start=opens))
    world.device.run(for_ms=4)
    assert driver.contexts[1].loops_left() in range(1, 8)
    world.reconfigure(newer(plan, security=times(period=1, lifetime=1)))
    assert driver.contexts[1].loops_left() == 0
