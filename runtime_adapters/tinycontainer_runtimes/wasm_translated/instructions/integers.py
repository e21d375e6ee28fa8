"""Integers. They are unsigned numbers of Python; comparisons give its truth values."""

from typing import Any, Final

from ...wasm.traps import TrapCode, WasmTrap

_M32: Final = 0xFFFF_FFFF
_H32: Final = 0x8000_0000
_M64: Final = 0xFFFF_FFFF_FFFF_FFFF
_H64: Final = 0x8000_0000_0000_0000


def _compare(first: int, half: int) -> dict[int, str]:
    """eqz, eq, ne, lt_s, lt_u, gt_s, gt_u, le_s, le_u, ge_s, ge_u."""
    unsigned = {0: "not {0}", 1: "{0} == {1}", 2: "{0} != {1}"}
    for place, sign in zip((3, 5, 7, 9), ("<", ">", "<=", ">="), strict=True):
        unsigned[place] = f"{{0}} ^ {half} {sign} {{1}} ^ {half}"
        unsigned[place + 1] = f"{{0}} {sign} {{1}}"
    return {first + place: f"({text})" for place, text in unsigned.items()}


def _compute(first: int, bits: int, mask: int, half: int) -> dict[int, str]:
    """From clz on, without the four that divide."""
    signed = f"({{0}} ^ {half}) - {half}"
    texts = {
        0: f"({bits} - ({{0}}).bit_length())",
        1: f"count_trailing({{0}}, {bits})",
        2: "({0}).bit_count()",
        3: f"({{0}} + {{1}} & {mask})",
        4: f"({{0}} - {{1}} & {mask})",
        5: f"({{0}} * {{1}} & {mask})",
        10: "({0} & {1})",
        11: "({0} | {1})",
        12: "({0} ^ {1})",
        13: f"({{0}} << ({{1}} & {bits - 1}) & {mask})",
        14: f"({signed} >> ({{1}} & {bits - 1}) & {mask})",
        15: f"({{0}} >> ({{1}} & {bits - 1}))",
        16: f"rotate({{0}}, {{1}}, {bits}, {mask})",
        17: f"rotate({{0}}, -{{1}}, {bits}, {mask})",
    }
    return {first + place: text for place, text in texts.items()}


def _extend(bits: int, mask: int) -> str:
    return f"(({{0}} & {(1 << bits) - 1} ^ {1 << bits - 1}) - {1 << bits - 1} & {mask})"


PURE: Final = {
    **_compare(0x45, _H32),
    **_compare(0x50, _H64),
    **_compute(0x67, 32, _M32, _H32),
    **_compute(0x79, 64, _M64, _H64),
    0xA7: f"({{0}} & {_M32})",
    0xAC: f"(({{0}} ^ {_H32}) - {_H32} & {_M64})",
    0xAD: "{0}",
    0xC0: _extend(8, _M32),
    0xC1: _extend(16, _M32),
    0xC2: _extend(8, _M64),
    0xC3: _extend(16, _M64),
    0xC4: _extend(32, _M64),
}
"""Expressions of their operands, by opcode."""

TRAPPING: Final = {
    0x6D: "divide_signed({0}, {1}, 32)",
    0x6E: "{0} // {1}",
    0x6F: "remain_signed({0}, {1}, 32)",
    0x70: "{0} % {1}",
    0x7F: "divide_signed({0}, {1}, 64)",
    0x80: "{0} // {1}",
    0x81: "remain_signed({0}, {1}, 64)",
    0x82: "{0} % {1}",
}
"""The same, of those that can trap."""


def divide_signed(one: int, other: int, bits: int) -> int:
    """The quotient, rounded to zero.

    Raises:
        ZeroDivisionError: the divisor is 0.
        WasmTrap: the quotient is one too large.
    """
    half = 1 << bits - 1
    first, second = (one ^ half) - half, (other ^ half) - half
    quotient = abs(first) // abs(second)
    if (first < 0) is not (second < 0):
        quotient = -quotient
    if quotient == half:
        raise WasmTrap(TrapCode.INTEGER_OVERFLOW)
    return quotient & (1 << bits) - 1


def remain_signed(one: int, other: int, bits: int) -> int:
    """What remains, with the sign of what is divided.

    Raises:
        ZeroDivisionError: the divisor is 0.
    """
    half = 1 << bits - 1
    first, second = (one ^ half) - half, (other ^ half) - half
    rest = abs(first) % abs(second)
    return (-rest if first < 0 else rest) & (1 << bits) - 1


def count_trailing(value: int, bits: int) -> int:
    """Zeros below the lowest bit that is set; all bits if none is."""
    return (value & -value).bit_length() - 1 if value else bits


def rotate(value: int, by: int, bits: int, mask: int) -> int:
    """Rotated to the left."""
    by %= bits
    return (value << by | value >> bits - by) & mask


FUNCTIONS: Final[dict[str, Any]] = {
    "count_trailing": count_trailing,
    "divide_signed": divide_signed,
    "remain_signed": remain_signed,
    "rotate": rotate,
}
"""What they call, by name."""
