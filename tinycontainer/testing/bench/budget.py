"""What a test may cost: instructions, which are the same on every machine, and seconds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tinycontainer.interfaces.clock import VirtualClock

from .errors import StepNotMet, hides_frames

__tracebackhide__ = hides_frames

DEFAULT_INSTRUCTIONS: Final = 5_000_000
DEFAULT_SECONDS: Final = 20.0


class CountingClock(VirtualClock):
    """Virtual time that counts what was executed.

    Attributes:
        instructions: how many there were.
    """

    def __init__(self, instruction_ns: int) -> None:
        super().__init__(instruction_ns)
        self.instructions = 0

    def charge(self, instructions: int) -> None:
        """Advance by what the instructions cost, and count them."""
        self.instructions += instructions
        super().charge(instructions)


@dataclass(frozen=True, slots=True)
class Budget:
    """What the device of a test may cost.

    Attributes:
        instructions: all that its containers may execute in the test.
        seconds: how long one step of the test may take in real time.
        monotonic: the real time, in seconds.
    """

    instructions: int
    seconds: float
    monotonic: Callable[[], float]

    def check(self, used_instructions: int, begun: float, step: str) -> None:
        """Refuse to go on where the budget is spent.

        Args:
            used_instructions: what was executed in the test.
            begun: when the step began, by `monotonic`.
            step: what the test asks for, in words.

        Raises:
            StepNotMet: it is spent.
        """
        if used_instructions > self.instructions:
            raise StepNotMet(
                f"{step}: gave up after {used_instructions} instructions; a test may use"
                f" {self.instructions} (budget_instructions of tinycontainer_device)"
            )
        if self.monotonic() - begun > self.seconds:
            raise StepNotMet(
                f"{step}: gave up after {self.seconds:g} s of real time; a step may take as long"
                " as budget_seconds of tinycontainer_device"
            )
