"""The admitted instructions, WebAssembly 2.0 without SIMD: their immediates and their fuel.

Numbers are those of the binary format; an instruction after the prefix 0xfc has 0xfc00 plus its
own.
"""

from enum import Enum
from typing import Final

UNREACHABLE = 0x00
NOP = 0x01
BLOCK = 0x02
LOOP = 0x03
IF = 0x04
ELSE = 0x05
END = 0x0B
BR = 0x0C
BR_IF = 0x0D
BR_TABLE = 0x0E
RETURN = 0x0F
CALL = 0x10
CALL_INDIRECT = 0x11
DROP = 0x1A
SELECT = 0x1B
SELECT_TYPED = 0x1C
LOCAL_GET = 0x20
LOCAL_SET = 0x21
LOCAL_TEE = 0x22
GLOBAL_GET = 0x23
GLOBAL_SET = 0x24
TABLE_GET = 0x25
TABLE_SET = 0x26
MEMORY_SIZE = 0x3F
MEMORY_GROW = 0x40
I32_CONST = 0x41
I64_CONST = 0x42
F32_CONST = 0x43
F64_CONST = 0x44
I32_DIV_S = 0x6D
I32_DIV_U = 0x6E
I32_REM_S = 0x6F
I32_REM_U = 0x70
I64_DIV_S = 0x7F
I64_DIV_U = 0x80
I64_REM_S = 0x81
I64_REM_U = 0x82
REF_NULL = 0xD0
REF_IS_NULL = 0xD1
REF_FUNC = 0xD2
PREFIX: Final = 0xFC
MEMORY_INIT = 0xFC08
DATA_DROP = 0xFC09
MEMORY_COPY = 0xFC0A
MEMORY_FILL = 0xFC0B
TABLE_INIT = 0xFC0C
ELEM_DROP = 0xFC0D
TABLE_COPY = 0xFC0E
TABLE_GROW = 0xFC0F
TABLE_SIZE = 0xFC10
TABLE_FILL = 0xFC11

LOADS_AND_STORES: Final = range(0x28, 0x3F)
I32_TRUNCATIONS: Final = range(0xA8, 0xAC)
I64_TRUNCATIONS: Final = range(0xAE, 0xB2)
BULK_MEMORY: Final = frozenset({MEMORY_INIT, MEMORY_COPY, MEMORY_FILL})
BULK_TABLE: Final = frozenset({TABLE_INIT, TABLE_COPY, TABLE_FILL})
GROWS: Final = frozenset({MEMORY_GROW, TABLE_GROW})


class Immediates(Enum):
    """What follows an opcode."""

    NONE = ""
    BLOCK_TYPE = "block type"
    INDEX = "index"
    TWO_INDICES = "two indices"
    BR_TABLE = "label vector and label"
    TYPES = "type vector"
    MEMARG = "alignment and offset"
    ZERO = "zero byte"
    TWO_ZEROS = "two zero bytes"
    INDEX_ZERO = "index and zero byte"
    S32 = "signed 32-bit number"
    S64 = "signed 64-bit number"
    F32 = "4 bytes"
    F64 = "8 bytes"
    REF_TYPE = "reference type"


def _make_table() -> dict[int, Immediates]:
    kinds = dict.fromkeys((UNREACHABLE, NOP, ELSE, END, RETURN, DROP, SELECT), Immediates.NONE)
    kinds |= dict.fromkeys((BLOCK, LOOP, IF), Immediates.BLOCK_TYPE)
    kinds |= dict.fromkeys((BR, BR_IF, CALL, REF_FUNC), Immediates.INDEX)
    kinds |= dict.fromkeys(range(0x20, 0x27), Immediates.INDEX)  # locals, globals, tables
    kinds |= dict.fromkeys(LOADS_AND_STORES, Immediates.MEMARG)
    kinds |= dict.fromkeys((MEMORY_SIZE, MEMORY_GROW), Immediates.ZERO)
    kinds |= dict.fromkeys(range(0x45, 0xC5), Immediates.NONE)  # numeric
    kinds |= dict.fromkeys(range(0xFC00, 0xFC08), Immediates.NONE)  # saturating truncation
    kinds |= dict.fromkeys(
        (DATA_DROP, ELEM_DROP, TABLE_GROW, TABLE_SIZE, TABLE_FILL), Immediates.INDEX
    )
    return kinds | {
        BR_TABLE: Immediates.BR_TABLE,
        CALL_INDIRECT: Immediates.TWO_INDICES,
        SELECT_TYPED: Immediates.TYPES,
        I32_CONST: Immediates.S32,
        I64_CONST: Immediates.S64,
        F32_CONST: Immediates.F32,
        F64_CONST: Immediates.F64,
        REF_NULL: Immediates.REF_TYPE,
        REF_IS_NULL: Immediates.NONE,
        MEMORY_INIT: Immediates.INDEX_ZERO,
        MEMORY_COPY: Immediates.TWO_ZEROS,
        MEMORY_FILL: Immediates.ZERO,
        TABLE_INIT: Immediates.TWO_INDICES,
        TABLE_COPY: Immediates.TWO_INDICES,
    }


IMMEDIATES: Final = _make_table()
"""Admitted opcodes."""

CONSTANT: Final = frozenset(
    {I32_CONST, I64_CONST, F32_CONST, F64_CONST, REF_NULL, REF_FUNC, GLOBAL_GET}
)
"""Opcodes of constant expressions."""

FLOATS: Final = frozenset(
    {
        *(0x2A, 0x2B, 0x38, 0x39),  # loads and stores
        *(F32_CONST, F64_CONST),
        *range(0x5B, 0x67),  # comparisons
        *range(0x8B, 0xA7),  # arithmetic
        *I32_TRUNCATIONS,
        *I64_TRUNCATIONS,
        *range(0xB2, 0xC0),  # conversions, reinterpretations included
        *range(0xFC00, 0xFC08),  # saturating truncations
    }
)
"""Opcodes that have to do with floating point."""

BLOCKS: Final = frozenset({BLOCK, LOOP, IF})
"""Opcodes that begin a block."""

FREE: Final = frozenset({UNREACHABLE, NOP, BLOCK, LOOP, ELSE, END, RETURN, DROP})
"""Opcodes that cost no fuel; every other costs 1, as does each function entry (wasmtime)."""

ENDS_LINE: Final = frozenset(
    {UNREACHABLE, BLOCK, LOOP, IF, BR, BR_IF, BR_TABLE, RETURN, CALL, CALL_INDIRECT}
)
"""Opcodes after which a straight line of code ends."""
