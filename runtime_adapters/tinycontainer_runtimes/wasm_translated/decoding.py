"""Function bodies as lists of instructions with their immediates; of validated code."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from ..wasm import opcodes as op
from ..wasm.body import read_opcode
from ..wasm.opcodes import IMMEDIATES, Immediates
from ..wasm.reader import FunctionType, Reader
from ..wasm.scan import ScannedModule
from ..wasm.validation.numbers import read_signed

_NO_TYPE: Final = 0x40

Arguments: TypeAlias = tuple[int, ...]


class WasmInstruction(NamedTuple):
    """An instruction.

    Attributes:
        opcode: of it.
        arguments: its immediates as numbers, of a floating-point number its bits; none for a block,
            see `DecodedBody.blocks`.
        offset: where in the module it begins.
    """

    opcode: int
    arguments: Arguments
    offset: int


class DecodedBody(NamedTuple):
    """A function body.

    Attributes:
        locals: value types of parameters and local variables.
        instructions: in the order of the code; the last one is the ``end`` of the function.
        blocks: types of blocks, by the place of the instruction that begins them.
    """

    locals: tuple[int, ...]
    instructions: list[WasmInstruction]
    blocks: Mapping[int, FunctionType]


def decode_body(code: bytes, scanned: ScannedModule, number: int) -> DecodedBody:
    """Decode a body.

    Args:
        code: a module that was scanned and validated.
        scanned: what the scan learned of it.
        number: of the function among the module's own.
    """
    reader = Reader(code, *scanned.spans[number])
    function_type = scanned.function_type(len(scanned.imports) + number) or FunctionType()
    variables = [*function_type.parameters]
    for _ in range(reader.read_u32()):
        count = reader.read_u32()
        variables += [reader.read_byte()] * count
    instructions: list[WasmInstruction] = []
    blocks: dict[int, FunctionType] = {}
    while reader.offset < reader.end:
        offset = reader.offset
        opcode = read_opcode(reader)
        if opcode in op.BLOCKS:
            blocks[len(instructions)] = _read_block_type(reader, scanned)
            arguments: Arguments = ()
        else:
            arguments = _READERS[IMMEDIATES[opcode]](reader)
        instructions.append(WasmInstruction(opcode, arguments, offset))
    return DecodedBody(tuple(variables), instructions, blocks)


def _read_block_type(reader: Reader, scanned: ScannedModule) -> FunctionType:
    value = read_signed(reader, 33)
    if value >= 0:
        return scanned.types[value]
    byte = value & 0x7F
    return FunctionType() if byte == _NO_TYPE else FunctionType((), (byte,))


def _read_bytes(reader: Reader, size: int) -> Arguments:
    start = reader.offset
    reader.skip(size)
    return (int.from_bytes(reader.data[start : reader.offset], "little"),)


def _read_labels(reader: Reader) -> Arguments:
    return tuple(reader.read_u32() for _ in range(reader.read_u32() + 1))


_READERS: Final[Mapping[Immediates, Callable[[Reader], Arguments]]] = {
    Immediates.NONE: lambda _reader: (),
    Immediates.INDEX: lambda reader: (reader.read_u32(),),
    Immediates.TWO_INDICES: lambda reader: (reader.read_u32(), reader.read_u32()),
    Immediates.BR_TABLE: _read_labels,
    Immediates.TYPES: lambda reader: tuple(reader.read_byte() for _ in range(reader.read_u32())),
    Immediates.MEMARG: lambda reader: (reader.read_u32(), reader.read_u32()),
    Immediates.ZERO: lambda reader: (reader.read_byte(),),
    Immediates.TWO_ZEROS: lambda reader: (reader.read_byte(), reader.read_byte()),
    Immediates.INDEX_ZERO: lambda reader: (reader.read_u32(), reader.read_byte()),
    Immediates.S32: lambda reader: (read_signed(reader, 32) & 0xFFFF_FFFF,),
    Immediates.S64: lambda reader: (read_signed(reader, 64) & 0xFFFF_FFFF_FFFF_FFFF,),
    Immediates.F32: lambda reader: _read_bytes(reader, 4),
    Immediates.F64: lambda reader: _read_bytes(reader, 8),
    Immediates.REF_TYPE: lambda reader: (reader.read_byte(),),
}
