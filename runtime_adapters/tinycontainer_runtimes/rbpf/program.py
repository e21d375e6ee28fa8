"""A .rbf file that passed every check: what instances are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tinycontainer.interfaces.runtime import PAGE_BYTES, Hook, RuntimeLimits, TrapFrame

from .codes import CodeRefused, RbpfCode
from .decoding import SLOT_BYTES, Instruction, decode_text
from .helpers import HELPERS
from .image import Image, read_image
from .memory import STACK_BYTES

_BYTES_PER_INSTRUCTION: Final = 256
_BYTES_PER_FUNCTION: Final = 256
"""What an instruction, or an entry of the function table, holds of the host's memory, at most."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program. Instances share it, and none of them changes it (TC-RT-05).

    Attributes:
        image: the parts of its file.
        instructions: its text, checked.
        entries: the slot at which each hook begins, for those that it has.
    """

    image: Image
    instructions: tuple[Instruction, ...]
    entries: Mapping[Hook, int]

    def find_frame(self, hook: Hook, slot: int) -> TrapFrame:
        """The place of an instruction of a hook in the file (TC-BPF-18)."""
        names = list(self.image.functions)
        number = names.index(hook) if hook in names else 0
        return TrapFrame(number, self.image.text_offset + slot * SLOT_BYTES)

    @property
    def memory_bytes(self) -> int:
        """Writable memory that an instance takes."""
        return STACK_BYTES + len(self.image.data)

    @property
    def held_bytes(self) -> int:
        """What the program holds of the host's memory, at most."""
        image = self.image
        return (
            len(self.instructions) * _BYTES_PER_INSTRUCTION
            + len(image.functions) * _BYTES_PER_FUNCTION
            + len(image.data)
            + len(image.rodata)
            + len(image.text)
        )


def load_program(code: bytes, limits: RuntimeLimits) -> Program:
    """Take untrusted code apart and judge it.

    Args:
        code: a .rbf file.
        limits: what a container may take; code_bytes and memory_pages count.

    Raises:
        CodeRefused: with rBPF's code for the first thing that is wrong.
    """
    if len(code) > limits.code_bytes:
        problem = f"{len(code)} bytes of code, where {limits.code_bytes} are the limit"
        raise CodeRefused(RbpfCode.ILLEGAL_LENGTH, problem)
    image = read_image(code)
    program = Program(image, decode_text(image.text, HELPERS), _find_entries(image))
    _check_entries(program)
    if program.memory_bytes > limits.memory_pages * PAGE_BYTES:
        problem = f"{program.memory_bytes} bytes of stack and data are too many"
        raise CodeRefused(RbpfCode.ILLEGAL_LENGTH, problem)
    return program


def _find_entries(image: Image) -> Mapping[Hook, int]:
    """Hooks by the function table; without one of that name, the loop begins with the text."""
    entries = {
        hook: image.functions[hook] // SLOT_BYTES for hook in Hook if hook in image.functions
    }
    return MappingProxyType({Hook.LOOP: 0} | entries)


def _check_entries(program: Program) -> None:
    starts = frozenset(each.slot for each in program.instructions)
    for offset in program.image.functions.values():
        if offset // SLOT_BYTES not in starts:
            problem = f"the function at byte {offset} begins inside of a wide load"
            raise CodeRefused(RbpfCode.ILLEGAL_JUMP, problem, offset // SLOT_BYTES)
