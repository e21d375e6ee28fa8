"""Shapes: what windows, broadcasts and reductions make of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..protocol.codes import ErrorCode, require
from .model import Operator
from .schema import Padding

_PADDINGS: Final = frozenset(Padding)
MAX_FILTER: Final = 256
MAX_STRIDE: Final = 64
MAX_DILATION: Final = 16


@dataclass(frozen=True, slots=True)
class Window:
    """A window that slides over one dimension.

    Attributes:
        length: elements that it covers.
        stride: how far it moves.
        dilation: distance of its elements.
    """

    length: int
    stride: int
    dilation: int = 1

    def places(self, extent: int, padding: Padding) -> int:
        """How many places it has in a dimension.

        Raises:
            DriverError: code 2; it has none, or is out of range.
        """
        sound = (
            1 <= self.length <= MAX_FILTER
            and 1 <= self.stride <= MAX_STRIDE
            and 1 <= self.dilation <= MAX_DILATION
        )
        require(sound, ErrorCode.INVALID_ENCODING, "a window, stride or dilation out of range")
        reach = (self.length - 1) * self.dilation + 1
        if padding is Padding.SAME:
            return -(-extent // self.stride)
        require(
            reach <= extent, ErrorCode.INVALID_ENCODING, "a window larger than what it slides over"
        )
        return (extent - reach) // self.stride + 1


def slide(
    operator: Operator, extent: Sequence[int], filter_: Sequence[int], *, dilated: bool
) -> tuple[int, int]:
    """Height and width of what a two-dimensional window gives.

    Args:
        operator: whose options give padding, strides and dilations.
        extent: height and width of the input.
        filter_: height and width of the window.
        dilated: whether the operator has dilations.

    Raises:
        DriverError: code 2; the options are out of range.
    """
    padding = operator.number("padding")
    require(padding in _PADDINGS, ErrorCode.INVALID_ENCODING, "an unknown padding")
    height, width = (
        Window(
            length,
            operator.number(f"stride_{axis}"),
            operator.number(f"dilation_{axis}") if dilated else 1,
        ).places(size, Padding(padding))
        for axis, length, size in zip("hw", filter_, extent, strict=True)
    )
    return height, width


def broadcast(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    """The shape of an element-wise result.

    Raises:
        DriverError: code 2; the shapes do not go together.
    """
    rank = max(len(first), len(second))
    padded = [(1,) * (rank - len(each)) + tuple(each) for each in (first, second)]
    pairs = list(zip(*padded, strict=True))
    fit = all(a == b or 1 in (a, b) for a, b in pairs)
    require(fit, ErrorCode.INVALID_ENCODING, "shapes that do not go together")
    return tuple(max(pair) for pair in pairs)


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front.

    Raises:
        DriverError: code 2; there is no such axis.
    """
    require(-rank <= axis < rank, ErrorCode.INVALID_ENCODING, "an axis that is not there")
    return axis % rank
