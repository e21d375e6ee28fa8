"""Floating point as the specification has it, for those instructions that pywasm gets wrong.

pywasm loses the sign of a zero in ceil, floor, trunc, nearest, min and max, rounds
``f32.convert_i64`` twice, and gives a NaN other bits than the canonical ones. An instruction here
computes the result by itself and then passes for a nop.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import pywasm

from ..wasm import opcodes

_F64_BITS: Final = 53
_ROUNDED_BITS: Final = 26
"""24 of an f32, one to round by, one that says whether anything was cut off."""


class Exact:
    """An instruction that computes its result by itself.

    Args:
        instruction: the plain one.
        stack: pywasm's stacks.

    Attributes:
        plain: the opcode of the plain one.
    """

    __slots__ = ("_compute", "_stack", "args", "plain")

    def __init__(self, instruction: Any, stack: Any) -> None:
        self.plain: int = instruction.opcode
        self.args = instruction.args
        self._compute, self._stack = COMPUTED[self.plain], stack

    @property
    def opcode(self) -> int:
        """A nop, as the work is done."""
        self._compute(self._stack.value)
        return opcodes.NOP


def _divided(one: float, other: float) -> float:
    if other:
        return one / other
    if not one or math.isnan(one):
        return math.nan
    return math.copysign(math.inf, math.copysign(1, one) * math.copysign(1, other))


def _lesser(one: float, other: float) -> float:
    if math.isnan(one) or math.isnan(other):
        return math.nan
    return (one if math.copysign(1, one) < 0 else other) if one == other else min(one, other)


def _greater(one: float, other: float) -> float:
    return -_lesser(-one, -other)


def _root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


def _rounded_by(integral: Callable[[float], int]) -> Callable[[float], float]:
    def rounded(value: float) -> float:
        if math.isnan(value) or math.isinf(value):
            return value
        return math.copysign(float(integral(value)), value)

    return rounded


def _to_f32(value: int) -> float:
    """A whole number of 64 bits, rounded once: what an f64 cannot hold leaves a trace of itself."""
    size, magnitude = value.bit_length(), abs(value)
    if size <= _F64_BITS:
        return float(value)
    cut = size - _ROUNDED_BITS
    kept = magnitude >> cut | (magnitude & (1 << cut) - 1 != 0)
    return math.copysign(math.ldexp(kept, cut), value)


def _pushed(kind: str, value: float) -> Any:
    value = math.nan if math.isnan(value) else value
    return pywasm.ValInst.from_f32(value) if kind == "f32" else pywasm.ValInst.from_f64(value)


_INTEGRAL: Final[tuple[Callable[[float], int], ...]] = (math.ceil, math.floor, math.trunc, round)


def _unary(kind: str, function: Callable[[float], float]) -> Callable[[list[Any]], None]:
    def compute(values: list[Any]) -> None:
        values.append(_pushed(kind, function(_popped(kind, values))))

    return compute


def _binary(kind: str, function: Callable[[float, float], float]) -> Callable[[list[Any]], None]:
    def compute(values: list[Any]) -> None:
        other = _popped(kind, values)
        values.append(_pushed(kind, function(_popped(kind, values), other)))

    return compute


def _popped(kind: str, values: list[Any]) -> float:
    value = values.pop()
    return float(value.into_f32() if kind == "f32" else value.into_f64())


def _sign_copied(size: int) -> Callable[[list[Any]], None]:
    def compute(values: list[Any]) -> None:
        sign, value = values.pop(), values.pop()
        data = value.data.copy()  # bit by bit: a NaN keeps its payload
        data[size - 1] = data[size - 1] & 0x7F | sign.data[size - 1] & 0x80
        values.append(pywasm.ValInst(value.type, data))

    return compute


def _converted(signed: bool) -> Callable[[list[Any]], None]:
    def compute(values: list[Any]) -> None:
        value = values.pop()
        values.append(_pushed("f32", _to_f32(value.into_i64() if signed else value.into_u64())))

    return compute


def _changed(source: str, target: str) -> Callable[[list[Any]], None]:
    def compute(values: list[Any]) -> None:
        values.append(_pushed(target, _popped(source, values)))

    return compute


def _arithmetic(kind: str, first: int, size: int) -> dict[int, Callable[[list[Any]], None]]:
    """ceil, floor, trunc, nearest, sqrt, add, sub, mul, div, min, max, copysign, in this order."""
    unary = [*map(_rounded_by, _INTEGRAL), _root]
    binary: list[Callable[[float, float], float]] = [
        lambda one, other: one + other,
        lambda one, other: one - other,
        lambda one, other: one * other,
        _divided,
        _lesser,
        _greater,
    ]
    computed = [_unary(kind, each) for each in unary] + [_binary(kind, each) for each in binary]
    return dict(enumerate([*computed, _sign_copied(size)], first))


COMPUTED: Final = {
    **_arithmetic("f32", 0x8D, 4),
    **_arithmetic("f64", 0x9B, 8),
    0xB4: _converted(signed=True),
    0xB5: _converted(signed=False),
    0xB6: _changed("f64", "f32"),
    0xBB: _changed("f32", "f64"),
}
"""What an instruction does with the operands, by its opcode."""
