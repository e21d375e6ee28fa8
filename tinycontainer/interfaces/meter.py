"""The one currency: instructions, counted down by a meter per started container."""

from collections.abc import Callable
from typing import Final

DEFAULT_STEP_INSTRUCTIONS: Final = 256
"""For a runtime that does not say how fast its slowest code is."""
MAX_STEP_INSTRUCTIONS: Final = 1 << 16


def _nothing() -> None:
    pass


class Meter:
    """Counts what a container may still use in this turn, and hands what it used to the clock.

    A unit of work (a straight-line block, a bulk operation, a native call) is begun while anything
    is ``left``, is atomic, and is charged in full, so ``left`` may end below zero.

    Args:
        charge: takes the instructions that were used since it was last called.

    Attributes:
        left: instructions left in this turn. A runtime lowers it directly or by `spend`.
        probe: brings ``left`` up to date; an engine with a counter of its own sets it.
        used: instructions charged since it was made.
        step_instructions: how many instructions the runtime executes within about 2 ms,
            whatever they are. In wall time it is given so many at once (TC-SCHED-15). A runtime
            sets it by `set_step`.
        broken: whether the probe raised, or ``left`` was raised; the device then gives the
            container up.
    """

    __slots__ = (
        "_charge",
        "_cut_off",
        "_settled_at",
        "broken",
        "left",
        "probe",
        "step_instructions",
        "used",
    )

    def __init__(self, charge: Callable[[int], object]) -> None:
        self.left = 0
        self.probe: Callable[[], None] = _nothing
        self._charge = charge
        self._settled_at = 0
        self._cut_off = 0
        self.broken = False
        self.used = 0
        self.step_instructions = DEFAULT_STEP_INSTRUCTIONS

    def set_step(self, instructions: int) -> None:
        """Set how many instructions the runtime is given at once in wall time.

        Args:
            instructions: 1 to `MAX_STEP_INSTRUCTIONS`.

        Raises:
            ValueError: it is out of its range.
        """
        if type(instructions) is not int or not 1 <= instructions <= MAX_STEP_INSTRUCTIONS:
            raise ValueError(f"a step has 1 to {MAX_STEP_INSTRUCTIONS} instructions")
        self.step_instructions = instructions

    def refill(self, budget_instructions: int) -> None:
        """Begin a turn: settle the last one, then fill up.

        Args:
            budget_instructions: at least 1.
        """
        self.settle()
        self.left = self._settled_at = budget_instructions
        self._cut_off = 0

    def extend(self, instructions: int) -> None:
        """Go on with a turn whose budget is gone; what was used is charged later.

        Args:
            instructions: at least 1.
        """
        # One step: an interrupt must not let it be charged without being used.
        settled_at = self._settled_at + instructions - self.left
        self._settled_at, self.left = settled_at, instructions

    def spend(self, instructions: int) -> None:
        """Use instructions, more than are left if need be."""
        self.left -= instructions

    def cut(self) -> None:
        """End the turn at the next unit; what it does not use is not charged."""
        self.left, self._cut_off = 0, self._cut_off + self.left

    def settle(self) -> None:
        """Charge the clock with what is not yet charged; calling it twice charges nothing more."""
        try:
            self.probe()
        except KeyboardInterrupt:
            raise
        except BaseException:
            self.probe = _nothing
            self.broken = True
        # `cut` is called by a signal handler, at any moment: it touches nothing that is set here.
        left = self.left + self._cut_off
        used = self._settled_at - left
        if used < 0:  # time never goes back, whatever a runtime does
            self.left = self._settled_at - self._cut_off
            self.broken = True
        elif used:
            # One step: an interrupt finds it charged and counted, or neither.
            self._settled_at, self.used, _ = left, self.used + used, self._charge(used)
