"""The entry point ``bpf`` of ``tinycontainer.analysers``: what a program shows without being run.

It rests on the load, so it takes apart what that admits and nothing else. A value that ``open`` is
called with is a constant if the last instruction that writes r1 in the same straight line is a move
or wide load of a number; a jump's target, or the beginning of a function, ends a line.
"""

from dataclasses import dataclass, field
from typing import Final

from tinycontainer.interfaces.analysis import CodeFacts
from tinycontainer.interfaces.integers import UINT32_MASK
from tinycontainer.interfaces.runtime import RuntimeLimits

from .decoding import SLOT_BYTES, Instruction
from .helpers import HELPERS
from .opcodes import EXIT, JUMP_ALWAYS, Family
from .program import Program, load

LIMITS: Final = RuntimeLimits(code_bytes=1 << 24, memory_pages=1024)
"""The widest that any device can have: what a device takes is not the analyser's to judge."""

_OPEN: Final = "open"
_ARGUMENT: Final = 1
_NUMBERS: Final = frozenset({"mov", "mov32", "lddw"})


def analyse(code: bytes) -> CodeFacts:
    """Take a program apart; see `tinycontainer.interfaces.analysis`.

    Raises:
        InadmissibleCode: the load refuses it.
    """
    program = load(code, LIMITS)
    calls = _walk(program)
    return CodeFacts(
        natives=frozenset(calls.made),
        imported=frozenset(calls.made),
        hooks=frozenset(program.entries),
        opened=frozenset(calls.opened),
        opens_computed=calls.opens_computed,
        memory_bytes=program.memory_bytes,
    )


@dataclass(slots=True)
class _Calls:
    """What a program calls.

    Attributes:
        made: names of helpers.
        opened: constants that ``open`` is called with.
        opens_computed: whether it is called with other values.
    """

    made: set[str] = field(default_factory=set)
    opened: set[int] = field(default_factory=set)
    opens_computed: bool = False


def _walk(program: Program) -> _Calls:
    calls, constant = _Calls(), None
    entered = _entered(program)
    for each in program.instructions:
        if each.slot in entered:
            constant = None
        if each.operation.family is Family.CALL:
            name = HELPERS[each.imm]
            calls.made.add(name)
            if name == _OPEN and constant is None:
                calls.opens_computed = True
            elif name == _OPEN and constant is not None:
                calls.opened.add(constant)
        elif each.operation.opcode in (EXIT, JUMP_ALWAYS):
            constant = None
        elif each.operation.writes_dst and each.dst == _ARGUMENT:
            constant = _number(each)
    return calls


def _entered(program: Program) -> set[int]:
    """Slots that can be reached from elsewhere than from the instruction before."""
    jumps = {each.target for each in program.instructions if each.operation.family is Family.JUMP}
    functions = {offset // SLOT_BYTES for offset in program.image.functions.values()}
    return jumps | functions | set(program.entries.values())


def _number(each: Instruction) -> int | None:
    """The number that an instruction puts into its destination, as an endpoint id."""
    plain = each.operation.name in _NUMBERS and not each.operation.from_register
    return each.imm & UINT32_MASK if plain else None
