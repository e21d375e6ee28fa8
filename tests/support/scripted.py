"""Runs Python programs as containers, in place of a virtual machine.

A container's code is the name of its program. The program makes its calls through the natives, and
yields the cost of each unit of work. It can be preempted before any unit, as on a real engine.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tinycontainer.device.running.scheduler import Alarm, Scheduler
from tinycontainer.errors import CreationError, InadmissibleCode
from tinycontainer.interfaces.meter import DEFAULT_STEP_INSTRUCTIONS, Meter
from tinycontainer.interfaces.runtime import (
    Completed,
    Hook,
    Natives,
    Outcome,
    Preempted,
    RuntimeLimits,
    Trapped,
)

Steps: TypeAlias = Generator[int, None, int | None]
Script: TypeAlias = Callable[[Natives], Steps]


def take_alarm(scheduler: Scheduler, now_ns: int) -> tuple[int, int, Alarm] | None:
    """The earliest alarm that is not after now, which is then cleared."""
    found = scheduler.find_alarm(now_ns)
    if found is not None:
        at_ns, slot, alarm = found
        scheduler.clear_alarm(slot, alarm, at_ns)
    return found


class ScriptTrap(Exception):
    """Raised by a program to trap."""


@dataclass(frozen=True)
class Program:
    """The hooks of a scripted container; one that is missing completes at once.

    Its memory begins with nothing and grows by as many bytes with each unit of work.
    """

    loop: Script
    start: Script | None = None
    stop: Script | None = None
    fail_create: bool = False
    growth_bytes: int = 0


@dataclass
class ScriptedRuntime:
    """Runs programs by name."""

    programs: Mapping[str, Program]
    step_instructions: int = DEFAULT_STEP_INSTRUCTIONS
    created: list[str] = field(default_factory=list)
    finalized: list[str] = field(default_factory=list)

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        if code.decode() not in self.programs:
            raise InadmissibleCode("no such program")

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> "ScriptedInstance":
        name = code.decode()
        if self.programs[name].fail_create:
            raise CreationError("this program cannot be created")
        meter.set_step(self.step_instructions)
        self.created.append(name)
        return ScriptedInstance(self, name, natives, meter)


class ScriptedInstance:
    def __init__(self, runtime: ScriptedRuntime, name: str, natives: Natives, meter: Meter) -> None:
        self._runtime, self._name = runtime, name
        self._program = runtime.programs[name]
        self._natives, self._meter = natives, meter
        self._steps: Steps | None = None
        self._size_bytes = 0

    def size(self) -> int:
        return self._size_bytes

    def begin(self, hook: Hook) -> None:
        script = {
            Hook.START: self._program.start,
            Hook.LOOP: self._program.loop,
            Hook.STOP: self._program.stop,
        }[hook]
        self._steps = script(self._natives) if script else None

    def resume(self) -> Outcome:
        if self._steps is None:
            return Completed()
        while self._meter.left > 0:
            try:
                self._meter.spend(next(self._steps))
                self._size_bytes += self._program.growth_bytes
            except StopIteration as end:
                self._steps = None
                return Completed(end.value or 0)
            except ScriptTrap as trap:
                self._steps = None
                return Trapped("scripted", str(trap))
        return Preempted()

    def abort(self) -> None:
        self._steps = None

    def finalize(self) -> None:
        self._steps = None
        self._runtime.finalized.append(self._name)


def work(*units: int, returns: int = 0) -> Script:
    """Make a hook that does these units of work, in instructions."""

    def script(natives: Natives) -> Steps:
        yield from units
        return returns

    return script


def calling(seen: list[object], *calls: Callable[[Natives], object], returns: int = 1) -> Script:
    """Make a hook that makes calls, one in each unit of work, and keeps their results in `seen`."""

    def script(natives: Natives) -> Steps:
        for call in calls:
            seen.append(call(natives))
            yield 1
        return returns

    return script


def endless(unit: int = 50) -> Script:
    """Make a hook that never ends."""

    def script(natives: Natives) -> Steps:
        while True:
            yield unit

    return script


def trap(*units: int) -> Script:
    """Make a hook that traps after some work."""

    def script(natives: Natives) -> Steps:
        yield from units
        raise ScriptTrap("on purpose")

    return script
