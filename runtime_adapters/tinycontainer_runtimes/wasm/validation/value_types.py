"""Value types as bytes of the binary format, and their names."""

from typing import Final

I32: Final = 0x7F
I64: Final = 0x7E
F32: Final = 0x7D
F64: Final = 0x7C
FUNCREF: Final = 0x70
EXTERNREF: Final = 0x6F
UNKNOWN: Final = 0
"""Fits every type: what an instruction finds that is never reached."""

NUMBERS: Final = frozenset({I32, I64, F32, F64})
REFERENCES: Final = frozenset({FUNCREF, EXTERNREF})
VALUE_TYPES: Final = NUMBERS | REFERENCES
_NAMES: Final = {
    I32: "i32",
    I64: "i64",
    F32: "f32",
    F64: "f64",
    FUNCREF: "funcref",
    EXTERNREF: "externref",
    UNKNOWN: "a value",
}


def name_type(value_type: int) -> str:
    """The name of a value type in the text format."""
    return _NAMES[value_type]
