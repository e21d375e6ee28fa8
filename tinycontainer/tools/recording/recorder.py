"""The recorder: passes on what the world answers to a device, and writes it down."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from types import FrameType
from typing import Any

from tinycontainer.device.calls.driver_table import DriverEntry, DriverTable
from tinycontainer.device.setup import Setup
from tinycontainer.interfaces.clock import Clock, VirtualClock
from tinycontainer.interfaces.driver import CallContext, Driver
from tinycontainer.jsonl import INT64
from tinycontainer.trace import Sink

from .answers import Answer
from .recorded_device import RecordedDevice
from .recorded_state import RecordedState
from .sequences import RecordedSequences
from .tape import TapeWriter


class InterruptGate:
    """Lets an operator's interrupt in where a replay can repeat it: between turns and in sleep.

    It holds an interrupt back while a container is at work; a second one gets through anyway.
    """

    def __init__(self) -> None:
        self._is_open = False
        self._is_pending = False

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Receive interrupts in place of Python, in the main thread; ignored ones stay ignored."""
        before = signal.getsignal(signal.SIGINT)
        if before is signal.SIG_IGN:
            yield
            return
        signal.signal(signal.SIGINT, self._interrupted)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Let an interrupt in at any moment, also one that came before."""
        self._is_open = True
        try:
            self.check()
            yield
        finally:
            self._is_open = False

    def check(self) -> None:
        """Let an interrupt in that came before.

        Raises:
            KeyboardInterrupt: there was one.
        """
        if self._is_pending:
            self._is_pending = False
            raise KeyboardInterrupt

    def _interrupted(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_open or self._is_pending:
            raise KeyboardInterrupt
        self._is_pending = True


class Recorder:
    """Makes a device's world one that is recorded.

    Args:
        tape: where everything is written.
        gate: lets interrupts in.
    """

    def __init__(self, tape: TapeWriter, gate: InterruptGate) -> None:
        self._tape = tape
        self._gate = gate
        self._instances = count(1)

    def clock(self, clock: Clock) -> Clock:
        """Wrap a clock."""
        return _Clock(clock, self._tape, self._gate)

    def device(self, setup: Setup, clock: Clock, sinks: Sequence[Sink]) -> RecordedDevice:
        """Make a device that is recorded, with all that the world gives it.

        Args:
            setup: what it is made of; its drivers show lines through `show_line`.
            clock: its time.
            sinks: receive each event of the trace.
        """
        state = None if setup.state is None else RecordedState(setup.state, self._tape)
        recorded = replace(
            setup,
            drivers=self.drivers(setup.drivers),
            sequences=RecordedSequences(setup.sequences, self._tape),
            state=state,
        )
        return RecordedDevice(recorded, self.clock(clock), sinks, self._tape)

    def drivers(self, table: DriverTable) -> DriverTable:
        """Wrap drivers, each in its place."""
        return table.with_makers(self._maker)

    def show_line(self, show: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Wrap what takes lines for the operator's screen."""

        def shown(line: bytes) -> None:
            self._tape.note(shown=line.hex())
            show(line)

        return shown

    def note_request(self, who: str | None, method: str, path: str, code: str) -> None:
        """Note for the reader of the tape that somebody asked for what came before.

        Args:
            who: the peer's name; None if it is not known.
            method: what was asked.
            path: of what, with the query; fit to be shown.
            code: of the answer, such as ``2.05``.
        """
        self._tape.note(asked=who, method=method, path=path, code=code)

    def _maker(self, number: int, entry: DriverEntry) -> Callable[[], Driver]:
        def make() -> Driver:
            instance = next(self._instances)
            made: list[Driver] = []
            self._tape.note(make=number, driver=instance)
            answer = Answer.of(lambda: made.append(entry.make()))
            self._tape.note(**answer.values)
            answer.give()
            return _Driver(made[0], instance, self._tape)

        return make


class _Clock:
    def __init__(self, clock: Clock, tape: TapeWriter, gate: InterruptGate) -> None:
        self._clock = clock
        self._tape = tape
        self._gate = gate
        self._waits = not isinstance(clock, VirtualClock)

    def now_ns(self) -> int:
        now_ns = self._clock.now_ns()
        self._tape.note(now=now_ns)
        return now_ns

    def sleep_until(self, deadline_ns: int) -> None:
        try:
            self._gate.check()
            if self._waits:
                with self._gate.opened():
                    self._clock.sleep_until(deadline_ns)
        except KeyboardInterrupt:
            self._tape.note(sleep=deadline_ns, stop=True)
            raise
        if not self._waits:
            self._clock.sleep_until(deadline_ns)
        self._tape.note(sleep=deadline_ns, stop=False)

    def begin_turn(self, deadline_ns: int, step_instructions: int) -> int:
        try:
            self._gate.check()
        except KeyboardInterrupt:
            self._tape.note(turn=deadline_ns, step=step_instructions, budget=0)
            raise
        budget = self._clock.begin_turn(deadline_ns, step_instructions)
        self._tape.note(turn=deadline_ns, step=step_instructions, budget=budget)
        return budget

    def extend_turn(self, step_instructions: int) -> int:
        more = self._clock.extend_turn(step_instructions)
        if more:
            self._tape.count_step()
        elif self._waits:
            self._tape.note(over=True)
        return more

    def charge(self, instructions: int) -> None:
        self._tape.note(used=instructions)
        self._clock.charge(instructions)


class _Driver:
    def __init__(self, driver: Driver, number: int, tape: TapeWriter) -> None:
        self._driver = driver
        self._number = number
        self._tape = tape
        self._contexts = count(1)

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        number = next(self._contexts)
        self._asked("open", peer=peer_endpoint_id, context=number)
        recorded = _Context(context, self._number, number, self._tape)
        given: int = self._answer(lambda: self._driver.open(peer_endpoint_id, recorded))
        return given

    def read(self, driver_fd: int, size: int) -> bytes:
        self._asked("read", fd=driver_fd, size=size)
        given: bytes = self._answer(lambda: self._driver.read(driver_fd, size))
        return given

    def write(self, driver_fd: int, data: bytes) -> int:
        self._asked("write", fd=driver_fd, data=data.hex())
        given: int = self._answer(lambda: self._driver.write(driver_fd, data))
        return given

    def close(self, driver_fd: int) -> None:
        self._asked("close", fd=driver_fd)
        self._answer(lambda: self._driver.close(driver_fd))

    def _asked(self, call: str, **values: object) -> None:
        self._tape.note(driver=self._number, call=call, **values)

    def _answer(self, call: Callable[[], object]) -> Any:
        answer = Answer.of(call)
        self._tape.note(**answer.values)
        return answer.give()


class _Context:
    def __init__(self, context: CallContext, driver: int, number: int, tape: TapeWriter) -> None:
        self._context = context
        self._tape = tape
        self._place = {"at": driver, "context": number}

    @property
    def container(self) -> bytes:
        return self._context.container

    @property
    def slot(self) -> int:
        return self._context.slot

    def now_us(self) -> int:
        self._tape.note(**self._place, asks="time")
        return self._context.now_us()

    def charge(self, instructions: int) -> None:
        # What a tape cannot hold, the device refuses: then nothing happened that is to be repeated.
        if type(instructions) is int and instructions in INT64:
            self._tape.note(**self._place, charge=instructions)
        self._context.charge(instructions)

    def loops_left(self) -> int | None:
        return self._context.loops_left()
