"""The player: gives a device the world that a recorder wrote down."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final

from tinycontainer.device.calls.driver_table import DriverEntry, DriverTable
from tinycontainer.interfaces.clock import Clock, VirtualClock
from tinycontainer.interfaces.driver import CallContext, Driver
from tinycontainer.jsonl import INT64, whole_number
from tinycontainer.state import DeviceState
from tinycontainer_tokens import SequenceStore

from .answers import Answer
from .recorded_state import PlayedState
from .sequences import PlayedSequences, text
from .tape import TapeReader

_TIMES: Final = range(INT64.stop)
_STEPS: Final = range(1, 1 << 16)
"""Steps of one turn; it lasts 1 ms, and no step takes less than some 100 ns."""


class Player:
    """Makes the world of a device that repeats a run.

    Args:
        tape: what was recorded.
        show_line: takes lines that drivers showed to the operator.
    """

    def __init__(self, tape: TapeReader, show_line: Callable[[bytes], None]) -> None:
        self._tape = tape
        self._show_line = show_line
        self._instances = count(1)

    def clock(self, virtual: VirtualClock | None) -> "PlayedClock":
        """Make the recorded clock.

        Args:
            virtual: a clock that counts along, and must agree; None if the run was in wall time.
        """
        return PlayedClock(self._tape, virtual)

    def sequences(self) -> SequenceStore:
        """Make the recorded memory of accepted tokens; nothing is kept."""
        return PlayedSequences(self._tape)

    def state(self) -> DeviceState:
        """Make the recorded state; nothing is kept."""
        return PlayedState(self._tape)

    def drivers(self, table: DriverTable) -> DriverTable:
        """Make the recorded drivers, in the places of a table; none of its own is made."""
        return table.with_makers(self._maker)

    def _maker(self, number: int, _entry: DriverEntry) -> Callable[[], Driver]:
        def make() -> Driver:
            instance = next(self._instances)
            driver = _Driver(self._tape, self._show_line, instance)
            self._tape.ask({"make": number, "driver": instance})
            driver.answer()
            return driver

        return make


class PlayedClock(Clock):
    """Returns recorded readings and budgets.

    Args:
        tape: what was recorded.
        virtual: must agree with it, where there is one.
    """

    def __init__(self, tape: TapeReader, virtual: VirtualClock | None) -> None:
        self._tape = tape
        self._virtual = virtual
        self._now_ns = 0
        self._steps = 0
        self._is_over = False

    def end_at(self, end_ns: int) -> None:
        """End the recorded run: from now on the time stays."""
        self._now_ns = end_ns
        self._is_over = True

    def end_here(self) -> int:
        """End the recorded run where it is.

        Returns:
            The time, in ns.
        """
        self.end_at(self._now_ns if self._virtual is None else self._virtual.now_ns())
        return self._now_ns

    def pass_over(self, deadline_ns: int) -> None:
        """Go on where whoever runs the device in pieces has slept until a deadline."""
        if self._virtual is not None:
            self._virtual.sleep_until(deadline_ns)

    def now_ns(self) -> int:
        """See `Clock.now_ns`."""
        if self._is_over:
            return self._now_ns
        if self._virtual is not None:
            self._now_ns = self._virtual.now_ns()
            self._tape.ask({"now": self._now_ns})
        else:
            values = self._tape.ask({}, "now")
            bounds = range(self._now_ns, _TIMES.stop)
            self._now_ns = self._number(values, "now", bounds)
        return self._now_ns

    def sleep_until(self, deadline_ns: int) -> None:
        """See `Clock.sleep_until`; it never waits."""
        values = self._tape.ask({"sleep": deadline_ns}, "stop")
        if self._tape.checked(_flag, values["stop"]):
            raise KeyboardInterrupt
        if self._virtual is not None:
            self._virtual.sleep_until(deadline_ns)

    def begin_turn(self, deadline_ns: int, step_instructions: int) -> int:
        """See `Clock.begin_turn`."""
        if self._steps:
            raise self._tape.diverged("the last turn goes on in the recording only")
        values = self._tape.ask({"turn": deadline_ns, "step": step_instructions}, "budget")
        budget = self._number(
            values, "budget", range(step_instructions + 1) if self._virtual is None else INT64
        )
        if budget == 0:  # the recorded run was interrupted here
            raise KeyboardInterrupt
        if self._virtual is not None:
            wanted = self._virtual.begin_turn(deadline_ns, step_instructions)
            if wanted != budget:
                raise self._tape.diverged(f"the budget is {budget}, in the replay {wanted}")
        return budget

    def extend_turn(self, step_instructions: int) -> int:
        """See `Clock.extend_turn`."""
        if self._virtual is not None:
            return self._virtual.extend_turn(step_instructions)
        if not self._steps:
            values = self._tape.take()
            if values == {"over": True}:
                return 0
            if values.keys() != {"steps"}:
                raise self._tape.diverged("the turn goes on in the replay only")
            self._steps = self._number(values, "steps", _STEPS)
        self._steps -= 1
        return step_instructions

    def charge(self, instructions: int) -> None:
        """See `Clock.charge`."""
        if self._is_over:
            return
        self._tape.ask({"used": instructions})
        if self._virtual is not None:
            self._virtual.charge(instructions)

    def _number(self, values: Mapping[str, Any], key: str, bounds: range) -> int:
        return self._tape.checked(lambda value: whole_number(value, bounds), values[key])


class _Driver:
    """Asks the tape, and does to the caller what the driver did."""

    def __init__(self, tape: TapeReader, show_line: Callable[[bytes], None], number: int) -> None:
        self._tape = tape
        self._show_line = show_line
        self._number = number
        self._contexts: dict[int, CallContext] = {}  # kept: a driver may use one when it is closed
        self._opened = count(1)

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        number = next(self._opened)
        self._contexts[number] = context
        self._ask("open", peer=peer_endpoint_id, context=number)
        driver_fd: int = self.answer()
        return driver_fd

    def read(self, driver_fd: int, size: int) -> bytes:
        self._ask("read", fd=driver_fd, size=size)
        data: bytes = self.answer()
        return data

    def write(self, driver_fd: int, data: bytes) -> int:
        self._ask("write", fd=driver_fd, data=data.hex())
        taken: int = self.answer()
        return taken

    def close(self, driver_fd: int) -> None:
        self._ask("close", fd=driver_fd)
        self.answer()

    def answer(self) -> Any:
        """Do what the driver did meanwhile, then answer as it did."""
        while True:
            values = self._tape.take()
            if values.keys() == {"shown"}:
                self._show_line(self._tape.checked(_raw, values["shown"]))
            elif values.keys() & {"asks", "charge"}:
                self._act(values)
            else:
                return self._tape.checked(Answer.from_line, values).give()

    def _ask(self, call: str, **values: object) -> None:
        self._tape.ask({"driver": self._number, "call": call, **values})

    def _act(self, values: Mapping[str, Any]) -> None:
        number = self._tape.checked(whole_number, values.get("context"))
        context = self._contexts.get(number)
        if values.get("at") != self._number or context is None:
            raise self._tape.diverged("a driver acts on a call that was never made in the replay")
        if "asks" in values:
            context.now_us()
            return
        instructions = self._tape.checked(whole_number, values["charge"])
        try:
            context.charge(instructions)
        except (ValueError, RuntimeError):  # as it was for the driver, which may have gone on
            self._tape.raise_failure()


def _raw(value: object) -> bytes:
    return bytes.fromhex(text(value))


def _flag(value: object) -> bool:
    if type(value) is not bool:
        raise ValueError("is neither true nor false")
    return value
