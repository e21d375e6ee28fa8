"""Floating point, to the bit. Numbers are those of Python.

A NaN that is a result is the canonical one. One that is only moved keeps its bits: for an f64 they
are those of Python's own number. An f32 that is a NaN is a NaN of Python whose low bits are its
payload.
"""

import math
import struct
from collections.abc import Callable
from typing import Any, Final

from ...wasm.traps import TrapCode, WasmTrap

_F32: Final = struct.Struct("<f")
_F64: Final = struct.Struct("<d")
_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")
_PAYLOAD: Final = 0x7F_FFFF
_INFINITE_F32: Final = 0x7F80_0000
_QUIET_F64: Final = 0x7FF8_0000_0000_0000
_F64_BITS: Final = 53
_ROUNDED_BITS: Final = 26
"""24 of an f32, one to round by, one that says whether anything was cut off."""


def f64_of(bits: int) -> float:
    """The f64 with these bits."""
    value: float = _F64.unpack(_U64.pack(bits))[0]
    return value


def bits_of_f64(value: float) -> int:
    """The bits of an f64."""
    bits: int = _U64.unpack(_F64.pack(value))[0]
    return bits


def f32_of(bits: int) -> float:
    """The f32 with these bits."""
    if bits & _INFINITE_F32 == _INFINITE_F32 and bits & _PAYLOAD:
        return f64_of(bits >> 31 << 63 | _QUIET_F64 | bits & _PAYLOAD)
    value: float = _F32.unpack(_U32.pack(bits))[0]
    return value


def bits_of_f32(value: float) -> int:
    """The bits of an f32."""
    if value != value:  # noqa: PLR0124 - a NaN
        bits = bits_of_f64(value)
        return bits >> 63 << 31 | _INFINITE_F32 | bits & _PAYLOAD
    found: int = _U32.unpack(_F32.pack(value))[0]
    return found


_NAN_F32: Final = f32_of(0x7FC0_0000)
_NAN_F64: Final = f64_of(_QUIET_F64)


def load_f32(memory: bytearray, address: int) -> float:
    """An f32 of memory."""
    value: float = _F32.unpack_from(memory, address)[0]
    return value if value == value else f32_of(_U32.unpack_from(memory, address)[0])  # noqa: PLR0124


def store_f32(memory: bytearray, address: int, value: float) -> None:
    """Put an f32 into memory."""
    _U32.pack_into(memory, address, bits_of_f32(value))


def to_f32(value: float) -> float:
    """A result, rounded to an f32."""
    if value != value:  # noqa: PLR0124
        return _NAN_F32
    try:
        found: float = _F32.unpack(_F32.pack(value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return found


def to_f64(value: float) -> float:
    """A result as an f64."""
    return value if value == value else _NAN_F64  # noqa: PLR0124


def divide(one: float, other: float) -> float:
    """The quotient."""
    if other:
        return one / other
    if not one or one != one:  # noqa: PLR0124
        return math.nan
    return math.copysign(math.inf, math.copysign(1, one) * math.copysign(1, other))


def find_lesser(one: float, other: float) -> float:
    """The lesser one; a NaN if one is."""
    if one != one or other != other:  # noqa: PLR0124
        return math.nan
    return (one if math.copysign(1, one) < 0 else other) if one == other else min(one, other)


def find_greater(one: float, other: float) -> float:
    """The greater one; a NaN if one is."""
    return -find_lesser(-one, -other)


def take_root(value: float) -> float:
    """The square root."""
    return math.sqrt(value) if value >= 0 else math.nan


def make_rounding(integral: Callable[[float], int]) -> Callable[[float], float]:
    """What rounds to a whole number."""

    def rounded(value: float) -> float:
        if not math.isfinite(value):
            return value
        return math.copysign(float(integral(value)), value)

    return rounded


def whole_to_f32(value: int) -> float:
    """A whole number of 64 bits as an f32, rounded once."""
    size = value.bit_length()
    if size <= _F64_BITS:
        return to_f32(float(value))
    cut = size - _ROUNDED_BITS
    magnitude = abs(value)
    # What an f64 cannot hold leaves a trace of itself.
    kept = magnitude >> cut | (magnitude & (1 << cut) - 1 != 0)
    return to_f32(math.copysign(math.ldexp(kept, cut), value))


def truncate(value: float, lowest: int, highest: int, mask: int) -> int:
    """A whole number, unsigned.

    Raises:
        WasmTrap: it is none of the type.
    """
    if value != value:  # noqa: PLR0124
        raise WasmTrap(TrapCode.BAD_CONVERSION_TO_INTEGER)
    whole = math.trunc(value) if math.isfinite(value) else highest + 1
    if not lowest <= whole <= highest:
        raise WasmTrap(TrapCode.INTEGER_OVERFLOW)
    return whole & mask


def saturate(value: float, lowest: int, highest: int, mask: int) -> int:
    """A whole number, or the nearest of the type, unsigned; 0 for a NaN."""
    if value != value:  # noqa: PLR0124
        return 0
    if math.isinf(value):
        return (highest if value > 0 else lowest) & mask
    return min(max(math.trunc(value), lowest), highest) & mask


def _arithmetic(first: int, rounded: str) -> dict[int, str]:
    """abs, neg, ceil, floor, trunc, nearest, sqrt, add, sub, mul, div, min, max, copysign."""
    texts = (
        *("abs({0})", "(-{0})"),
        *(
            f"{rounded}({name}({{0}}))"
            for name in ("ceil", "floor", "trunc", "nearest", "take_root")
        ),
        *(f"{rounded}({{0}} {sign} {{1}})" for sign in "+-*"),
        *(f"{rounded}({name}({{0}}, {{1}}))" for name in ("divide", "find_lesser", "find_greater")),
        "copysign({0}, {1})",
    )
    return dict(enumerate(texts, first))


def _comparison(first: int) -> dict[int, str]:
    signs = ("==", "!=", "<", ">", "<=", ">=")
    return {first + place: f"({{0}} {sign} {{1}})" for place, sign in enumerate(signs)}


def _limits(bits: int, *, signed: bool) -> str:
    lowest = -(1 << bits - 1) if signed else 0
    highest = (1 << bits - signed) - 1
    return f"{{0}}, {lowest}, {highest}, {(1 << bits) - 1}"


def _truncations(first: int, name: str, bits: int) -> dict[int, str]:
    """From f32 signed, f32 unsigned, f64 signed, f64 unsigned."""
    texts = (f"{name}({_limits(bits, signed=place % 2 == 0)})" for place in range(4))
    return dict(enumerate(texts, first))


_SIGNED_32: Final = "(({0} ^ 2147483648) - 2147483648)"
_SIGNED_64: Final = "(({0} ^ 9223372036854775808) - 9223372036854775808)"

PURE: Final = {
    **_comparison(0x5B),
    **_comparison(0x61),
    **_arithmetic(0x8B, "to_f32"),
    **_arithmetic(0x99, "to_f64"),
    **_truncations(0xFC00, "saturate", 32),
    **_truncations(0xFC04, "saturate", 64),
    0xB2: f"to_f32(float({_SIGNED_32}))",
    0xB3: "to_f32(float({0}))",
    0xB4: f"whole_to_f32({_SIGNED_64})",
    0xB5: "whole_to_f32({0})",
    0xB6: "to_f32({0})",
    0xB7: f"float({_SIGNED_32})",
    0xB8: "float({0})",
    0xB9: f"float({_SIGNED_64})",
    0xBA: "float({0})",
    0xBB: "to_f64({0})",
    0xBC: "bits_of_f32({0})",
    0xBD: "bits_of_f64({0})",
    0xBE: "f32_of({0})",
    0xBF: "f64_of({0})",
}
"""Expressions of their operands, by opcode."""

TRAPPING: Final = {
    **_truncations(0xA8, "truncate", 32),
    **_truncations(0xAE, "truncate", 64),
}
"""The same, of those that can trap."""

FUNCTIONS: Final[dict[str, Any]] = {
    "bits_of_f32": bits_of_f32,
    "bits_of_f64": bits_of_f64,
    "ceil": make_rounding(math.ceil),
    "copysign": math.copysign,
    "divide": divide,
    "f32_of": f32_of,
    "f64_of": f64_of,
    "find_greater": find_greater,
    "find_lesser": find_lesser,
    "floor": make_rounding(math.floor),
    "load_f32": load_f32,
    "nearest": make_rounding(round),
    "saturate": saturate,
    "store_f32": store_f32,
    "take_root": take_root,
    "to_f32": to_f32,
    "to_f64": to_f64,
    "trunc": make_rounding(math.trunc),
    "truncate": truncate,
    "whole_to_f32": whole_to_f32,
}
"""What they call, by name."""
