"""Rules of the operators whose work is the shape: RESHAPE, CONCATENATION, PAD and MEAN."""

import struct
from typing import Final

from ..enumerations import TensorType
from ..flaws import Flaw
from ..graph import Tensor
from .node import Node

MAX_CONCATENATED: Final = 16
_PADDINGS: Final = range((1 << 16) + 1)
_DERIVED: Final = -1
"""In a new shape: the dimension that follows from the others."""


def check_reshape(node: Node) -> int:
    """RESHAPE: the new shape is given as an input, as an option, or both."""
    node.require_inputs(range(1, 3))
    node.require_computed(node.data)
    node.require_same_quantisation(node.data)
    before = node.data.elements
    after = node.output.elements
    same = before == after
    node.require(same, Flaw.ELEMENT_COUNT, node.output, found=after, allowed=before)
    shapes = []
    if len(node.inputs) == 2:
        wanted = node.inputs[1]
        rank = len(wanted.shape)
        node.require(rank == 1, Flaw.SHAPE_LIST, wanted, found=rank, allowed=1)
        shapes.append(_read_integers(node, wanted))
    option = (node.operator.options or {}).get("new_shape")
    if isinstance(option, tuple):
        shapes.append(tuple(int(each) for each in option))
    node.require(bool(shapes), Flaw.SHAPE_MISSING)
    for shape in shapes:
        _check_new_shape(node, shape)
    return after


def _check_new_shape(node: Node, shape: tuple[int, ...]) -> None:
    given = node.output.shape
    fits = len(shape) == len(given) and shape.count(_DERIVED) <= 1
    fits = fits and all(wanted in (_DERIVED, has) for wanted, has in zip(shape, given, strict=True))
    node.require(fits, Flaw.SHAPE_WANTED, node.output, found=shape, allowed=given)


def check_concatenation(node: Node) -> int:
    """CONCATENATION."""
    node.require_inputs(range(1, MAX_CONCATENATED + 1))
    node.require_options()
    node.require_one_type(*node.inputs)
    node.require(not all(each.is_constant for each in node.inputs), Flaw.ALL_CONSTANT)
    node.require_same_quantisation(*node.inputs)
    node.require_no_activation()
    output = node.output.shape
    axis = _find_axis(node, node.operator.number("axis"), len(output))
    total = 0
    for each in node.inputs:
        wanted = (*output[:axis], *each.shape[axis : axis + 1], *output[axis + 1 :])
        fits = len(each.shape) == len(output) and each.shape == wanted
        node.require(fits, Flaw.CONCATENATED_SHAPE, each, found=each.shape, allowed=output)
        total += each.shape[axis]
    whole = total == output[axis]
    node.require(whole, Flaw.CONCATENATED_LENGTH, node.output, found=total, allowed=output[axis])
    return node.output.elements


def check_pad(node: Node) -> int:
    """PAD: a constant gives each dimension's paddings before and after."""
    node.require_inputs(range(2, 3))
    node.require_computed(node.data)
    node.require_same_quantisation(node.data)
    given = node.inputs[1]
    wanted = (len(node.data.shape), 2)
    fits = given.shape == wanted
    node.require(fits, Flaw.PADDING_SHAPE, given, found=given.shape, allowed=wanted)
    paddings = _read_integers(node, given)
    for each in paddings:
        sound = each in _PADDINGS
        node.require(sound, Flaw.PADDING_RANGE, given, found=each, allowed=_PADDINGS)
    padded = zip(node.data.shape, paddings[::2], paddings[1::2], strict=True)
    node.require_output_shape(tuple(map(sum, padded)))
    return node.output.elements


def check_mean(node: Node) -> int:
    """MEAN: a constant gives the axes that are averaged away."""
    node.require_inputs(range(2, 3))
    node.require_options()
    node.require_computed(node.data)
    node.require_scale_ratio(*node.data.scales)
    shape = node.data.shape
    given = node.inputs[1]
    rank = len(given.shape)
    node.require(rank == 1, Flaw.AXIS_LIST, given, found=rank, allowed=1)
    axes = tuple(_find_axis(node, each, len(shape)) for each in _read_integers(node, given))
    node.require(len(set(axes)) == len(axes), Flaw.AXIS_TWICE, given, found=axes)
    if node.operator.number("keep_dims"):
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    else:
        node.require(len(axes) < len(shape), Flaw.NO_DIMENSION_LEFT)
        kept = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    node.require_output_shape(kept)
    return node.data.elements


def _read_integers(node: Node, tensor: Tensor) -> tuple[int, ...]:
    """The numbers of a constant of 32-bit integers."""
    kind = tensor.type
    wanted = TensorType.I32
    node.require(kind is wanted, Flaw.INTEGER_TYPE, tensor, found=kind, allowed=wanted)
    count = len(tensor.scales)
    node.require(count == 0, Flaw.INTEGER_SCALES, tensor, found=count)
    data = tensor.data
    node.require(data is not None, Flaw.INTEGERS_COMPUTED, tensor)
    data = data or b""
    return struct.unpack(f"<{len(data) // 4}i", data)


def _find_axis(node: Node, axis: int, rank: int) -> int:
    """An axis counted from the front; a negative one is counted from the end."""
    axes = range(-rank, rank)
    node.require(axis in axes, Flaw.AXIS, found=axis, allowed=axes)
    return axis % rank
