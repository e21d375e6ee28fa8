"""The opcodes that rBPF has, as one table, and names for what it lacks (RFC 9669)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final


class Family(Enum):
    """Instructions that are executed alike."""

    ALU64 = auto()
    ALU32 = auto()
    JUMP = auto()
    LOAD = auto()
    STORE = auto()
    WIDE = auto()
    CALL = auto()
    EXIT = auto()


@dataclass(frozen=True, slots=True)
class Operation:
    """What an opcode means.

    Attributes:
        opcode: the first byte of the instruction.
        family: how it is executed.
        name: its name in assembly, such as ``add32`` or ``ldxw``.
        from_register: whether its second operand is the source register, not the immediate.
        size: bytes of memory that it accesses.
        fields: which of ``dst``, ``src``, ``offset`` and ``imm`` it uses; the others are 0.
    """

    opcode: int
    family: Family
    name: str
    from_register: bool
    fields: frozenset[str]
    size: int = 0

    @property
    def writes_dst(self) -> bool:
        """Whether the destination register gets a new value."""
        return self.family in _WRITERS


_WRITERS: Final = frozenset({Family.ALU64, Family.ALU32, Family.LOAD, Family.WIDE})

CALL: Final = 0x85
EXIT: Final = 0x95
JUMP_ALWAYS: Final = 0x05
LDDW: Final = 0x18
LDDWD: Final = 0xB8
LDDWR: Final = 0xD8

_REGISTER: Final = 0x08
_ALU: Final = ("add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "neg", "mod", "xor", "mov")
_ARSH: Final = ("arsh", 0xC0)
_NEG: Final = "neg"
_JUMPS: Final = MappingProxyType(
    {
        "jeq": 0x10,
        "jgt": 0x20,
        "jge": 0x30,
        "jset": 0x40,
        "jne": 0x50,
        "jsgt": 0x60,
        "jsge": 0x70,
        "jlt": 0xA0,
        "jle": 0xB0,
        "jslt": 0xC0,
        "jsle": 0xD0,
    }
)
_SIZES: Final = MappingProxyType({"b": (0x10, 1), "h": (0x08, 2), "w": (0x00, 4), "dw": (0x18, 8)})


def _alu() -> Iterator[Operation]:
    codes = [(name, place << 4) for place, name in enumerate(_ALU)] + [_ARSH]
    for family, suffix, kind in ((Family.ALU64, "", 0x07), (Family.ALU32, "32", 0x04)):
        for name, code in codes:
            only_dst = name == _NEG
            fields = {"dst"} if only_dst else {"dst", "imm"}
            yield Operation(code | kind, family, name + suffix, False, frozenset(fields))
            if not only_dst:
                yield Operation(
                    code | kind | _REGISTER, family, name + suffix, True, frozenset({"dst", "src"})
                )


def _jumps() -> Iterator[Operation]:
    yield Operation(JUMP_ALWAYS, Family.JUMP, "ja", False, frozenset({"offset"}))
    for name, code in _JUMPS.items():
        fields = frozenset({"dst", "imm", "offset"})
        yield Operation(code | 0x05, Family.JUMP, name, False, fields)
        fields = frozenset({"dst", "src", "offset"})
        yield Operation(code | 0x05 | _REGISTER, Family.JUMP, name, True, fields)
    yield Operation(CALL, Family.CALL, "call", False, frozenset({"imm"}))
    yield Operation(EXIT, Family.EXIT, "exit", False, frozenset())


def _accesses() -> Iterator[Operation]:
    by_register = {"dst", "src", "offset"}
    by_immediate = {"dst", "offset", "imm"}
    for suffix, (code, size) in _SIZES.items():
        for name, kind, family, fields in (
            ("ldx", 0x61, Family.LOAD, by_register),
            ("st", 0x62, Family.STORE, by_immediate),
            ("stx", 0x63, Family.STORE, by_register),
        ):
            yield Operation(
                code | kind, family, name + suffix, "src" in fields, frozenset(fields), size
            )


def _wide() -> Iterator[Operation]:
    for name, code in (("lddw", LDDW), ("lddwd", LDDWD), ("lddwr", LDDWR)):
        yield Operation(code, Family.WIDE, name, False, frozenset({"dst", "imm"}))


OPERATIONS: Final[Mapping[int, Operation]] = MappingProxyType(
    {each.opcode: each for make in (_alu, _jumps, _accesses, _wide) for each in make()}
)
"""All operations by opcode."""

_CLASS_STX: Final = 0x03
_CLASS_JMP32: Final = 0x06
_MODE: Final = 0xE0
_OTHERS: Final = MappingProxyType(
    {
        0xD4: "byte swap",
        0xDC: "byte swap",
        0xD7: "byte swap",
        0x8D: "indirect call",
        0x06: "long jump (JMP32)",
    }
)


def name_lacking(opcode: int) -> str:
    """The name of an instruction that rBPF does not have.

    Args:
        opcode: one that is not in `OPERATIONS`.
    """
    if opcode in _OTHERS:
        return _OTHERS[opcode]
    kind = opcode & 0x07
    mode = opcode & _MODE
    if kind == _CLASS_JMP32:
        return "32-bit comparison (JMP32)"
    if kind == _CLASS_STX and mode == 0xC0:
        return "atomic operation"
    if kind == 0x01 and mode == 0x80:
        return "sign-extending load (MEMSX)"
    if kind == 0x00 and mode in (0x20, 0x40):
        return "packet access"
    return "unknown instruction"


def explain_offset(operation: Operation, offset: int) -> str:
    """What a non-zero offset makes of an operation that has none in rBPF."""
    plain = operation.name.removesuffix("32")
    if operation.family in (Family.ALU64, Family.ALU32):
        if plain in ("div", "mod") and offset == 1:
            return "signed division" if plain == "div" else "signed division (modulo)"
        if plain == "mov" and offset in (8, 16, 32):
            return "sign-extending move (MOVSX)"
    return f"{operation.name} with an offset"


def explain_source(operation: Operation, source: int) -> str:
    """What a non-zero source makes of an operation that has none in rBPF."""
    if operation.opcode == CALL and source == 1:
        return "call of a function of the program's own"
    if operation.opcode == LDDW:
        return "reference to a map or variable"
    return f"{operation.name} with a source register"
