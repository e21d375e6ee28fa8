"""The device's clock: one interface, virtual time and wall time.

Times are nanoseconds since the device was made. Whoever reads the time settles the meter first.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
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

    def instructions_until(self, deadline_ns: int, container: bytes) -> int:
        """How many instructions a container may use before the clock is looked at again.

        Args:
            deadline_ns: end of the container's turn.
            container: its uid; a clock may learn how fast each container is.

        Returns:
            At least 1.
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

    def instructions_until(self, deadline_ns: int, container: bytes) -> int:
        """The instructions that reach the deadline, rounded up."""
        return max(1, -((self._now_ns - deadline_ns) // self._instruction_ns))

    def charge(self, instructions: int) -> None:
        """Advance by what the instructions cost."""
        self._now_ns += instructions * self._instruction_ns


@dataclass(slots=True)
class _Turn:
    """What a wall clock saw of one turn."""

    container: bytes
    began_ns: int
    ended_ns: int
    used_instructions: int = 0


class WallClock:
    """Real time. Each container's quantum adapts so that the clock is looked at about every ms.

    A container cannot train it far: a quantum grows to a bound, and one long turn brings it back
    to where it began (ADR 9).

    Args:
        monotonic_ns: source of the time.
        sleep: waits for so many seconds.
    """

    START_QUANTUM_INSTRUCTIONS: Final = 2000
    MAX_QUANTUM_INSTRUCTIONS: Final = 16 * START_QUANTUM_INSTRUCTIONS
    MAX_CONTAINERS: Final = 256
    SHORT_TURN_NS: Final = 500_000
    LONG_TURN_NS: Final = 2_000_000

    def __init__(
        self,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._sleep = sleep
        self._origin_ns = monotonic_ns()
        self._quanta: dict[bytes, int] = {}
        self._turn: _Turn | None = None

    def now_ns(self) -> int:
        """See `Clock.now_ns`."""
        return self._monotonic_ns() - self._origin_ns

    def sleep_until(self, deadline_ns: int) -> None:
        """Wait until the deadline."""
        while (left_ns := deadline_ns - self.now_ns()) > 0:
            self._sleep(left_ns / NS_PER_S)

    def instructions_until(self, deadline_ns: int, container: bytes) -> int:
        """The container's quantum, adapted by how long its last one took."""
        if self._turn is not None:
            self._learn(self._turn)
        now_ns = self.now_ns()
        self._turn = _Turn(container, now_ns, now_ns)
        return self._quantum(container)

    def charge(self, instructions: int) -> None:
        """Note what the turn has used so far; time passes by itself."""
        if self._turn is not None:
            self._turn.used_instructions += instructions
            self._turn.ended_ns = self.now_ns()

    def _quantum(self, container: bytes) -> int:
        return self._quanta.get(container, self.START_QUANTUM_INSTRUCTIONS)

    def _learn(self, turn: _Turn) -> None:
        quantum = self._quantum(turn.container)
        took_ns = turn.ended_ns - turn.began_ns
        # A turn that ended before its quantum says nothing about the quantum being too short.
        if took_ns < self.SHORT_TURN_NS and turn.used_instructions >= quantum:
            quantum = min(2 * quantum, self.MAX_QUANTUM_INSTRUCTIONS)
        elif took_ns > self.LONG_TURN_NS:
            quantum = max(1, min(quantum // 2, self.START_QUANTUM_INSTRUCTIONS))
        self._quanta.pop(turn.container, None)
        self._quanta[turn.container] = quantum
        if len(self._quanta) > self.MAX_CONTAINERS:
            del self._quanta[next(iter(self._quanta))]
