"""The virtual machine: registers, a slot number, and steps; it can stop between any two of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import length_hint
from typing import Final, TypeAlias

from tinycontainer.interfaces.meter import Meter

from .codes import Fault, RbpfCode
from .decoding import FRAME, Instruction
from .instructions import make_steps
from .instructions.step import BRANCHES, CONSTANTS, SIGN64, WORD64, CallReached, Exited
from .memory import STACK_BYTES, Memory, Region

BRANCH_LIMIT: Final = 10_000
"""Taken branches of a run; this one fails."""
_LONGEST_TURN: Final = 1 << 62
"""`repeat` counts in 63 bits; a larger budget is used up in several turns."""

Helper: TypeAlias = Callable[[Sequence[int]], int]
"""Takes r1 to r5 as unsigned 64-bit numbers, gives r0; raises `Fault`."""


@dataclass(frozen=True, slots=True)
class MachineResult:
    """How a run ended.

    Attributes:
        code: OK, or what went wrong.
        value: r0, signed, 64 bits; 0 unless the code is OK.
        slot: the instruction at which it ended.
        detail: more about a fault.
    """

    code: RbpfCode
    value: int
    slot: int
    detail: str = ""


class Machine:
    """One program with its registers. Memory outlives a run, registers do not.

    Args:
        instructions: the program, checked.
        memory: its regions; the stack is mapped here.
        helpers: what it can call, by number.
        meter: what it may use; each instruction costs 1, what a helper costs the helper spends.

    Attributes:
        slot: the instruction that comes next.
    """

    def __init__(
        self,
        instructions: Sequence[Instruction],
        memory: Memory,
        helpers: Mapping[int, Helper],
        meter: Meter,
    ) -> None:
        memory.map(Region.STACK, bytearray(STACK_BYTES))
        self._instructions = {each.slot: each for each in instructions}
        self._helpers = helpers
        self._meter = meter
        self._file = [0] * CONSTANTS
        self._steps = make_steps(instructions, self._file, memory)
        self.slot = 0
        self.begin(0)

    @property
    def registers(self) -> tuple[int, ...]:
        """r0 to r10, unsigned."""
        return tuple(self._file[: FRAME + 1])

    @property
    def branches(self) -> int:
        """How many branches the run has taken."""
        return BRANCH_LIMIT - self._file[BRANCHES]

    def begin(self, slot: int, *arguments: int) -> None:
        """Set a run up; nothing is executed.

        Args:
            slot: where it begins.
            arguments: r1 and the next ones; the others are 0, but for r10.
        """
        self._file[:CONSTANTS] = [0] * CONSTANTS
        self._file[1 : 1 + len(arguments)] = arguments
        self._file[FRAME] = Region.STACK.base + STACK_BYTES
        self._file[BRANCHES] = BRANCH_LIMIT
        self.slot = slot

    def run(self) -> MachineResult | None:
        """Execute until the program ends or the meter is empty; None if it can go on."""
        while self._meter.left > 0:
            try:
                self._execute()
            except Exited:
                value = (self._file[0] ^ SIGN64) - SIGN64
                return MachineResult(RbpfCode.OK, value, self.slot)
            except Fault as fault:
                return MachineResult(fault.code, 0, self.slot, fault.detail)
        return None

    def _execute(self) -> None:
        """Take steps until the meter is empty or a helper was called.

        Raises:
            Exited: the program has ended.
            Fault: it broke a rule.
        """
        meter = self._meter
        steps = self._steps
        slot = self.slot
        # The loop counts by itself: `repeat` knows how many of its items are left, also when an
        # exception has left the loop. To count in Python would be one statement more for each step
        # (ADR 11).
        turn = repeat(None, min(meter.left, _LONGEST_TURN))
        budget = length_hint(turn)
        try:
            for _ in turn:
                slot = steps[slot]()
        except CallReached:
            # Performed below: a driver may ask for the time, so the meter has to be up to date.
            pass
        else:
            return
        finally:
            # The step that raised counts: a call, an exit and a fault cost 1 like any other.
            meter.left -= budget - length_hint(turn)
            self.slot = slot
        self._call()

    def _call(self) -> None:
        number = self._instructions[self.slot].imm
        helper = self._helpers.get(number)
        if helper is None:
            raise Fault(RbpfCode.ILLEGAL_CALL, f"no helper has the number {number}")
        self._file[0] = helper(self._file[1:6]) & WORD64
        self.slot += 1
