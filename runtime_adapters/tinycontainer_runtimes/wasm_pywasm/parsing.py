"""Parses an admitted module for pywasm, with function bodies read here, without recursion.

pywasm's own parser calls itself for each nested block, so that Python's recursion limit would be a
limit of modules. It gets every function with an empty body, and the single instructions to read.
"""

import io
from array import array
from typing import Any, Final, TypeAlias

import pywasm

from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.runtime import RuntimeLimits

from ..wasm import opcodes
from ..wasm.body import scan_locals
from ..wasm.metering.rewriting import replace_bodies
from ..wasm.reader import Reader
from ..wasm.scan import ScannedModule
from .traps import ENGINE_ERRORS

Offsets: TypeAlias = dict[int, "array[int]"]
"""By the ``id`` of each instruction list that the code has: where in the module its instructions
begin, and last where the ``else`` or ``end`` is that follows them."""

PARSE_ERRORS: Final = (*ENGINE_ERRORS, EOFError, UnicodeDecodeError)

_END: Final = bytes([opcodes.END])


def parse_module(code: bytes, scanned: ScannedModule, limits: RuntimeLimits) -> tuple[Any, Offsets]:
    """The ModuleDesc of a validated module, without custom sections.

    Args:
        code: the module.
        scanned: what the scan learned of it.
        limits: those with which it was scanned.

    Returns:
        The ModuleDesc, and the places of its instructions.

    Raises:
        InadmissibleCode: pywasm cannot parse it.
    """
    begins = [_find_instructions(code, span, limits) for span in scanned.spans]
    locals_only = [
        code[start:begin] + _END for (start, _), begin in zip(scanned.spans, begins, strict=True)
    ]
    emptied = replace_bodies(code, scanned, locals_only)
    try:
        module = pywasm.ModuleDesc.from_reader(io.BytesIO(emptied))
        offsets: Offsets = {}
        for function, begin, (_, end) in zip(module.func, begins, scanned.spans, strict=True):
            function.expr.data = _parse_instructions(code[begin:end], begin, offsets)
    except PARSE_ERRORS as error:
        raise InadmissibleCode(f"pywasm cannot parse it: {type(error).__name__}") from None
    return module, offsets


def _find_instructions(code: bytes, span: tuple[int, int], limits: RuntimeLimits) -> int:
    """Where the instructions of a function begin, after its local variables."""
    reader = Reader(code, *span)
    scan_locals(reader, 0, limits)
    return reader.offset


def _parse_instructions(code: bytes, begin: int, offsets: Offsets) -> list[Any]:
    """The instructions of a function, as pywasm's parser makes them; its ``end`` comes last.

    Args:
        code: of the function, without its local variables.
        begin: where in the module it begins.
        offsets: takes the places of all instructions.
    """
    stream = io.BytesIO(code)
    instructions: list[Any] = []
    blocks: list[Any] = []
    lists = [instructions]  # that of the function, and one of each open block
    places = [offsets.setdefault(id(instructions), array("I"))]
    while lists:
        place = stream.tell()
        opcode = code[place]
        places[-1].append(begin + place)
        if opcode in opcodes.BLOCKS:
            stream.seek(1, io.SEEK_CUR)
            inner: list[list[Any]] = [[], []] if opcode == opcodes.IF else [[]]
            block = pywasm.Inst(opcode, [pywasm.Bype.from_reader(stream), *inner])
            lists[-1].append(block)
            lists.append(inner[0])
            places.append(offsets.setdefault(id(inner[0]), array("I")))
            blocks.append(block)
        elif opcode == opcodes.ELSE:
            stream.seek(1, io.SEEK_CUR)
            lists[-1] = blocks[-1].args[2]
            places[-1] = offsets.setdefault(id(lists[-1]), array("I"))
        elif opcode == opcodes.END:
            stream.seek(1, io.SEEK_CUR)
            lists.pop()
            places.pop()
            del blocks[-1:]
        else:
            lists[-1].append(pywasm.Inst.from_reader(stream))
    return instructions
