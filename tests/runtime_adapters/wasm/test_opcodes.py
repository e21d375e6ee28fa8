"""Every admitted opcode with its immediates gets through the scan, the validator and the parser."""

import pytest
from support.engines import make_runtime
from support.wasm import modules as wasm
from support.wasm.modules import (
    CODE,
    COUNT,
    DATA,
    ELEMENT,
    EXPORT,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    I32,
    TABLE,
    TYPE,
    body,
    build,
    export,
    function_type,
    leb,
    vector,
)

from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer_runtimes.wasm import opcodes
from tinycontainer_runtimes.wasm.opcodes import IMMEDIATES, Immediates
from tinycontainer_runtimes.wasm.scan import scan_module

pytestmark = pytest.mark.usefixtures("engine")

LIMITS = RuntimeLimits()
SHORT, LONG = b"\0", b"\x80\x80\x80\x80\0"
"""The number 0 in its shortest and its longest form."""

SHORT_FORMS = {
    Immediates.NONE: b"",
    Immediates.BLOCK_TYPE: b"\x40",
    Immediates.INDEX: SHORT,
    Immediates.TWO_INDICES: SHORT * 2,
    Immediates.BR_TABLE: vector(SHORT, SHORT) + SHORT,
    Immediates.TYPES: vector(I32),
    Immediates.MEMARG: SHORT * 2,
    Immediates.ZERO: b"\0",
    Immediates.TWO_ZEROS: b"\0\0",
    Immediates.INDEX_ZERO: SHORT + b"\0",
    Immediates.S32: b"\x7f",
    Immediates.S64: b"\x7f",
    Immediates.F32: b"\x0b\x0b\x0b\x0b",
    Immediates.F64: b"\x0b" * 8,
    Immediates.REF_TYPE: FUNCREF,
}
LONG_FORMS = SHORT_FORMS | {
    Immediates.BLOCK_TYPE: LONG,
    Immediates.INDEX: LONG,
    Immediates.TWO_INDICES: LONG * 2,
    Immediates.BR_TABLE: b"\x82\x80\x80\x80\0" + LONG * 3,
    Immediates.TYPES: b"\x81\x80\x80\x80\0" + I32,
    Immediates.MEMARG: LONG * 2,
    Immediates.INDEX_ZERO: LONG + b"\0",
    Immediates.S32: b"\xff\xff\xff\xff\x07",
    Immediates.S64: b"\xff" * 9 + b"\0",
}
UNREACHABLE, END = b"\0", b"\x0b"


def encoded(opcode: int) -> bytes:
    return bytes([opcode]) if opcode < 0x100 else bytes([opcode >> 8]) + leb(opcode & 0xFF)


def around(instruction: bytes) -> bytes:
    """A module with everything that an index 0 can mean, and an instruction that is never run.

    Behind ``unreachable`` an instruction finds whatever operands it wants.
    """
    return build(
        {
            TYPE: vector(function_type(), function_type(b"", I32)),
            FUNCTION: vector(leb(0), leb(1)),
            TABLE: vector(FUNCREF + b"\0\x01"),
            GLOBAL: vector(I32 + b"\x01\x41\0\x0b"),
            EXPORT: vector(export("memory", 2, 0), export("loop", 0, 1)),
            ELEMENT: vector(b"\x01\0" + vector(leb(0))),
            COUNT: leb(1),
            CODE: vector(
                body(UNREACHABLE + instruction + UNREACHABLE, (b"\x01" + I32,)), body(b"\x41\0")
            ),
            DATA: vector(b"\x01" + vector(b"x")),
        }
    )


def instruction(opcode: int, forms: dict[Immediates, bytes]) -> bytes:
    coded = encoded(opcode) + forms[IMMEDIATES[opcode]]
    if opcode in (opcodes.BLOCK, opcodes.LOOP, opcodes.IF):
        return coded + END
    if opcode == opcodes.ELSE:
        return b"\x04\x40" + coded + END
    return b"\x02\x40" + coded if opcode == opcodes.END else coded


@pytest.mark.parametrize("forms", [SHORT_FORMS, LONG_FORMS], ids=["short", "long"])
@pytest.mark.parametrize("opcode", sorted(IMMEDIATES), ids=hex)
def test_every_admitted_opcode_is_admitted_by_all_three(
    opcode: int, forms: dict[Immediates, bytes]
) -> None:
    make_runtime().admit(around(instruction(opcode, forms)), LIMITS)


@pytest.mark.parametrize(
    "opcode",
    [opcode for opcode, kind in IMMEDIATES.items() if kind is not Immediates.NONE],
    ids=hex,
)
def test_immediates_that_are_cut_short_are_refused(opcode: int) -> None:
    whole = encoded(opcode) + LONG_FORMS[IMMEDIATES[opcode]]
    for length in range(len(encoded(opcode)), len(whole)):
        cut = build({CODE: vector(leb(length + 1) + b"\0" + whole[:length])})
        reason = wasm.scan_error(cut)
        assert "ends too early" in reason or "more than bytes remain" in reason


@pytest.mark.parametrize("kind", [0x40, 0x7F, 0x7E, 0x7D, 0x7C, 0x70, 0x6F, 0x00, 0x01])
def test_every_block_type_is_admitted(kind: int) -> None:
    block = b"\x02" + bytes([kind]) + UNREACHABLE + END
    make_runtime().admit(around(block), LIMITS)


@pytest.mark.parametrize(
    "opcode",
    [
        number
        for number in (*range(0x100), *range(0xFC00, 0xFC80))
        if number not in IMMEDIATES and number != opcodes.PREFIX
    ],
    ids=hex,
)
def test_no_other_opcode_is_admitted(opcode: int) -> None:
    reason = wasm.scan_error(around(encoded(opcode) + b"\0" * 8))
    assert "is not admitted here" in reason


@pytest.mark.parametrize("number", [0x80, 0x100, 0x108, 0x10000, 0xFFFFFFFF])
def test_large_numbers_behind_the_prefix_are_not_mistaken_for_small_ones(number: int) -> None:
    assert "not admitted" in wasm.scan_error(around(b"\xfc" + leb(number) + b"\0" * 8))


def test_a_number_behind_the_prefix_may_be_longer_than_needed() -> None:
    make_runtime().admit(around(b"\xfc\x8b\x80\x80\x80\0\0"), LIMITS)


@pytest.mark.parametrize(
    "coded", [b"\x3f\x01", b"\x40\x80\0", b"\xfc\x0b\x01", b"\xfc\x0a\0\x01", b"\xfc\x08\0\x80\0"]
)
def test_a_zero_byte_is_zero(coded: bytes) -> None:
    assert "not the zero byte" in wasm.scan_error(around(coded))


def test_instructions_behind_the_function_index_space_are_left_to_the_validator() -> None:
    wrong = around(b"\x10\x07")
    scan_module(wrong, LIMITS)
    with pytest.raises(InadmissibleCode, match="not valid"):
        make_runtime().admit(wrong, LIMITS)
