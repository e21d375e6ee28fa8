"""One container on rBPF: its program, its regions, and the hook in progress."""

from typing import Final

from tinycontainer.interfaces.integers import to_int32
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Completed, Hook, Natives, Outcome, Preempted, Trapped

from .codes import RbpfCode
from .helpers import ContainerHelpers
from .machine import Machine, MachineResult
from .memory import Memory, Region
from .program import Program

_STEP_INSTRUCTIONS: Final = 1 << 11
"""About 0.2 ms; no instruction takes five times as long as another."""


class RbpfInstance:
    """See `tinycontainer.interfaces.runtime.Instance`.

    Every hook begins with r1, the address of a read-only copy of the data section (0 if that is
    empty, as in the firmware), and r2, its length. The stack and .data persist between hooks.

    Args:
        program: what it runs.
        data: the container's data section.
        natives: the container's calls.
        meter: what it may use.
    """

    def __init__(self, program: Program, data: bytes, natives: Natives, meter: Meter) -> None:
        meter.set_step(_STEP_INSTRUCTIONS)
        self._program = program
        memory = Memory()
        memory.map(Region.CONTEXT, bytes(data))
        memory.map(Region.DATA, bytearray(program.image.data))
        memory.map(Region.RODATA, program.image.rodata)
        helpers = ContainerHelpers(natives, memory).functions()
        self._machine = Machine(program.instructions, memory, helpers, meter)
        self._size = sum(map(len, memory.readable))
        self._arguments = (Region.CONTEXT.base if data else 0, len(data))
        self._hook: Hook | None = None

    def size(self) -> int:
        """Length of its regions together in bytes: stack, context, .data and .rodata."""
        return self._size

    def begin(self, hook: Hook) -> None:
        """Set a hook up."""
        entry = self._program.entries.get(hook)
        self._hook = None if entry is None else hook
        if entry is not None:
            self._machine.begin(entry, *self._arguments)

    def resume(self) -> Outcome:
        """Run until the hook ends or the meter is empty."""
        if self._hook is None:
            return Completed()
        result = self._machine.run()
        if result is None:
            return Preempted()
        hook = self._hook
        self._hook = None
        if result.code is not RbpfCode.OK:
            frame = self._program.find_frame(hook, result.slot)
            return Trapped(result.code.word, _describe_place(result), (frame,))
        return Completed(to_int32(result.value) if hook is Hook.LOOP else 0)

    def abort(self) -> None:
        """Drop the hook in progress."""
        self._hook = None

    def finalize(self) -> None:
        """Drop the hook in progress; there is nothing else to give back."""
        self._hook = None


def _describe_place(result: MachineResult) -> str:
    detail = f": {result.detail}" if result.detail else ""
    return f"{int(result.code)} at instruction {result.slot}{detail}"
