"""The device's clock: one interface, virtual time and wall time.

Times are nanoseconds since the device was made. Whoever reads the time settles the meter first.
"""

import time
from collections.abc import Callable
from typing import Final, Protocol

NS_PER_US: Final = 1000
NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000
DEFAULT_INSTRUCTION_NS: Final = 1000


def to_unix_s(epoch_s: int, device_ns: int) -> int:
    """A device's time in whole Unix seconds (TC-TOK-26).

    Args:
        epoch_s: Unix seconds at which the device was made.
        device_ns: nanoseconds since then.
    """
    return epoch_s + device_ns // NS_PER_S


def to_device_ns(epoch_s: int, unix_s: int) -> int:
    """When a Unix second begins, in ns since the device was made; negative if that was before.

    Args:
        epoch_s: Unix seconds at which the device was made.
        unix_s: the second.
    """
    return (unix_s - epoch_s) * NS_PER_S


class Clock(Protocol):
    """What the device needs of time."""

    def now_ns(self) -> int:
        """Nanoseconds since the device was made; never goes back."""
        ...

    def sleep_until(self, deadline_ns: int) -> None:
        """Return at the deadline; at once if it has passed. Nothing runs meanwhile."""
        ...

    def begin_turn(self, deadline_ns: int, step_instructions: int) -> int:
        """How many instructions a container may use before the clock is looked at again.

        Args:
            deadline_ns: when the container's turn ends at the latest.
            step_instructions: how many its runtime executes in a short time, whatever they are; see
                `Meter.step_instructions`.

        Returns:
            At least 1.
        """
        ...

    def extend_turn(self, step_instructions: int) -> int:
        """How many more instructions a container may use in its turn, after it has used all.

        Args:
            step_instructions: see `begin_turn`.

        Returns:
            0 if its turn is over.
        """
        ...

    def charge(self, instructions: int) -> None:
        """Record instructions that were executed."""
        ...


class VirtualClock:
    """Time that passes only by executing instructions and by sleeping: runs are reproducible.

    Args:
        instruction_ns: cost of one instruction, at least 1.

    Raises:
        ValueError: the cost is not positive.
    """

    def __init__(self, instruction_ns: int = DEFAULT_INSTRUCTION_NS) -> None:
        if instruction_ns < 1:
            raise ValueError(f"an instruction takes at least 1 ns, not {instruction_ns}")
        self._instruction_ns = instruction_ns
        self._now_ns = 0

    def now_ns(self) -> int:
        """See `Clock.now_ns`."""
        return self._now_ns

    def sleep_until(self, deadline_ns: int) -> None:
        """Jump to the deadline."""
        self._now_ns = max(self._now_ns, deadline_ns)

    def begin_turn(self, deadline_ns: int, step_instructions: int) -> int:
        """The instructions that reach the deadline, rounded up."""
        return max(1, -((self._now_ns - deadline_ns) // self._instruction_ns))

    def extend_turn(self, step_instructions: int) -> int:
        """0: the turn was given as a whole."""
        return 0

    def charge(self, instructions: int) -> None:
        """Advance by what the instructions cost."""
        self._now_ns += instructions * self._instruction_ns


class WallClock:
    """Real time. A turn consists of steps, and the time is looked at after each (ADR 22).

    Args:
        monotonic_ns: source of the time.
        sleep: waits for so many seconds.
    """

    TURN_NS: Final = NS_PER_MS

    def __init__(
        self,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._sleep = sleep
        self._origin_ns = monotonic_ns()
        self._turn_ends_ns = 0

    def now_ns(self) -> int:
        """See `Clock.now_ns`."""
        return self._monotonic_ns() - self._origin_ns

    def sleep_until(self, deadline_ns: int) -> None:
        """Wait until the deadline."""
        while (left_ns := deadline_ns - self.now_ns()) > 0:
            self._sleep(left_ns / NS_PER_S)

    def begin_turn(self, deadline_ns: int, step_instructions: int) -> int:
        """One step, whatever the deadline."""
        self._turn_ends_ns = min(deadline_ns, self.now_ns() + self.TURN_NS)
        return step_instructions

    def extend_turn(self, step_instructions: int) -> int:
        """One more step, until a millisecond or the deadline has passed."""
        return step_instructions if self.now_ns() < self._turn_ends_ns else 0

    def charge(self, instructions: int) -> None:
        """Do nothing: time passes by itself."""
