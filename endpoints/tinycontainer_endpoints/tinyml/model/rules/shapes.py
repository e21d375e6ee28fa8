"""Rules of the operators whose work is the shape, but for those that cut (`slices`)."""

from typing import Final

from ..flaws import Flaw
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
        shapes.append(node.read_numbers(wanted))
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
    axis = node.find_axis(node.operator.number("axis"), len(output))
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
    paddings = node.read_numbers(given)
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
    axes = tuple(node.find_axis(each, len(shape)) for each in node.read_numbers(given))
    node.require(len(set(axes)) == len(axes), Flaw.AXIS_TWICE, given, found=axes)
    if node.operator.number("keep_dims"):
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    else:
        node.require(len(axes) < len(shape), Flaw.NO_DIMENSION_LEFT)
        kept = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    node.require_output_shape(kept)
    return node.data.elements


def check_transpose(node: Node) -> int:
    """TRANSPOSE: a constant says which dimension of the input each of the output is."""
    node.require_inputs(range(2, 3))
    node.require_computed(node.data)
    node.require_same_quantisation(node.data)
    shape = node.data.shape
    order = node.read_list(node.inputs[1], "order", range(len(shape), len(shape) + 1))
    whole = sorted(order) == list(range(len(shape)))
    node.require(whole, Flaw.PERMUTATION, node.inputs[1], found=order, allowed=len(shape))
    node.require_output_shape(tuple(shape[each] for each in order))
    return node.output.elements
