"""Rules of the operators that cut: STRIDED_SLICE, SPLIT and SPLIT_V."""

from typing import Final

from ..flaws import Flaw
from ..graph import Tensor
from ..refusing import Between
from .node import Node

MAX_PARTS: Final = 16
_STRIDES: Final = Between(-(1 << 20), 1 << 20)
_REST: Final = -1
"""In a list of sizes: the one that follows from the others."""


def check_strided_slice(node: Node) -> int:
    """STRIDED_SLICE: three constants give begin, end and stride along the first dimensions."""
    node.require_inputs(range(4, 5))
    node.require_options()
    node.require_computed(node.data)
    node.require_same_quantisation(node.data)
    for option in ("ellipsis_mask", "new_axis_mask", "offset"):
        node.require_option(option)
    shape = node.data.shape
    begins = node.read_list(node.inputs[1], "begins", range(1, len(shape) + 1))
    counts = range(len(begins), len(begins) + 1)
    ends = node.read_list(node.inputs[2], "ends", counts)
    strides = node.read_list(node.inputs[3], "strides", counts)
    masks = range(1 << len(begins))
    for option in ("begin_mask", "end_mask", "shrink_axis_mask"):
        mask = node.operator.number(option)
        node.require(mask in masks, Flaw.MASK, found=mask, allowed=masks, subject=option)
    left = []
    for axis, (begin, end, stride) in enumerate(zip(begins, ends, strides, strict=True)):
        if node.operator.number("shrink_axis_mask") >> axis & 1:
            _check_dropped(node, shape[axis], begin, stride)
        else:
            left.append(_count_taken(node, axis, begin, end, stride))
    node.require_output_shape((*left, *shape[len(begins) :]))
    return node.output.elements


def check_split(node: Node) -> int:
    """SPLIT: a constant gives the axis along which equal parts are cut."""
    node.require_inputs(range(2, 3))
    node.require_options()
    given, data = node.inputs
    parts = _check_parts(node, data)
    axis = node.find_axis(node.read_number(given, "axis"), len(data.shape))
    length = data.shape[axis]
    whole = length % parts == 0
    node.require(whole, Flaw.SPLIT_DIVISION, data, found=length, allowed=parts)
    _check_outputs(node, data, axis, (length // parts,) * parts)
    return data.elements


def check_split_v(node: Node) -> int:
    """SPLIT_V: constants give the length of each part, and the axis."""
    node.require_inputs(range(3, 4))
    node.require_options()
    data, given, axis_given = node.inputs
    parts = _check_parts(node, data)
    sizes = node.read_list(given, "sizes", range(parts, parts + 1))
    axis = node.find_axis(node.read_number(axis_given, "axis"), len(data.shape))
    length = data.shape[axis]
    rest = length - sum(each for each in sizes if each != _REST)
    known = tuple(rest if each == _REST else each for each in sizes)
    fits = sizes.count(_REST) <= 1 and min(known) >= 1 and sum(known) == length
    node.require(fits, Flaw.SPLIT_SIZES, given, found=sizes, allowed=length)
    _check_outputs(node, data, axis, known)
    return data.elements


def _check_dropped(node: Node, length: int, begin: int, stride: int) -> None:
    """A dimension of which one place is taken, and which the output does not have."""
    places = range(-length, length)
    node.require(begin in places, Flaw.SLICE_SHRUNK, found=begin, allowed=places)
    node.require(stride == 1, Flaw.SLICE_STRIDE, found=stride, allowed=1)


def _count_taken(node: Node, axis: int, begin: int, end: int, stride: int) -> int:
    """How many elements are taken along a dimension, as Python's slices count them."""
    sound = stride != 0 and stride in _STRIDES
    node.require(sound, Flaw.SLICE_STRIDE, found=stride, allowed=_STRIDES)
    first = None if node.operator.number("begin_mask") >> axis & 1 else begin
    last = None if node.operator.number("end_mask") >> axis & 1 else end
    count = len(range(*slice(first, last, stride).indices(node.data.shape[axis])))
    node.require(count >= 1, Flaw.SLICE_EMPTY, found=axis)
    return count


def _check_parts(node: Node, data: Tensor) -> int:
    """Check what both splits share before their lengths; how many parts there are."""
    node.require(not data.is_constant, Flaw.CONSTANT_COMPUTED, data)
    node.require_one_type(data)
    parts = len(node.outputs)
    wanted = node.operator.number("num_splits")
    node.require(parts == wanted, Flaw.SPLIT_COUNT, found=parts, allowed=wanted)
    counts = range(1, MAX_PARTS + 1)
    node.require(parts in counts, Flaw.OUTPUT_COUNT, found=parts, allowed=counts)
    return parts


def _check_outputs(node: Node, data: Tensor, axis: int, lengths: tuple[int, ...]) -> None:
    for output, length in zip(node.outputs, lengths, strict=True):
        kind = output.type
        node.require(kind is data.type, Flaw.TYPES_MIXED, output, found=kind, allowed=data.type)
        node.require_same_quantisation(output, like=data)
        shape = (*data.shape[:axis], length, *data.shape[axis + 1 :])
        node.require_output_shape(shape, output)
