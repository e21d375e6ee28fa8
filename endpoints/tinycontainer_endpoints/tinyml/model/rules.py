"""One rule for each operator that is allowed: its form, its shapes, and the work that it is.

A rule raises `DriverError` for what native code could not be trusted with. It returns the
operator's multiply-accumulates; operators that have none count the elements that they touch.
"""

import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from ..protocol.codes import ErrorCode
from .geometry import axis_of, broadcast, slide
from .model import Tensor
from .node import Node, check_weight_scales
from .schema import Builtin, TensorType

Rule: TypeAlias = Callable[[Node], int]
_BROADCAST_ADD_LIMIT: Final = 1 << 20
MAX_CONCATENATED: Final = 16
MAX_BETA: Final = 64.0


def _bias(node: Node, bias: Tensor, channels: int) -> None:
    kind = TensorType.I32 if node.output.type is TensorType.I8 else TensorType.F32
    node.require(bias.is_constant and bias.type is kind, "a bias that is no constant of its type")
    node.require(bias.shape == (channels,), "a bias of another length than there are channels")
    node.require(len(bias.scales) in (0, 1, channels), "a bias with other scales")
    sound = all(0 < each < float("inf") for each in bias.scales) and not any(bias.zero_points)
    node.require(sound, "a bias with a scale out of range")


def _weights(node: Node, weights: Tensor, channels: int, axis: int) -> None:
    node.require(weights.is_constant, "weights that are no constant")
    node.require(weights.type is node.output.type, "mixed types", ErrorCode.UNSUPPORTED_OPERATION)
    check_weight_scales(weights, channels, axis)
    if node.data.scales:
        node.multiplies(node.data.scales[0], max(weights.scales))


def _images(node: Node) -> tuple[int, int, int, int]:
    """The shape of the input of an operator on images: batch, height, width, channels."""
    node.require(len(node.data.shape) == 4, "an input that has not four dimensions")
    batch, height, width, channels = node.data.shape
    return batch, height, width, channels


def _convolution(node: Node) -> int:
    node.needs(range(3, 4), options=True)
    data, filter_, bias = node.inputs
    node.computes(data)
    batch, height, width, channels = _images(node)
    node.require(len(filter_.shape) == 4, "a filter that has not four dimensions")
    given, rows, columns, taken = filter_.shape
    node.require(taken == channels, "a filter for another number of channels")
    _weights(node, filter_, given, 0)
    _bias(node, bias, given)
    node.activated()
    places = slide(node.operator, (height, width), (rows, columns), dilated=True)
    node.shaped((batch, *places, given))
    return node.output.elements * rows * columns * channels


def _depthwise(node: Node) -> int:
    node.needs(range(3, 4), options=True)
    data, filter_, bias = node.inputs
    node.computes(data)
    batch, height, width, channels = _images(node)
    node.require(len(filter_.shape) == 4, "a filter that has not four dimensions")
    one, rows, columns, given = filter_.shape
    multiplier = node.operator.number("depth_multiplier")
    fits = one == 1 and multiplier >= 1 and given == channels * multiplier
    node.require(fits, "a filter for another number of channels")
    _weights(node, filter_, given, 3)
    _bias(node, bias, given)
    node.activated()
    places = slide(node.operator, (height, width), (rows, columns), dilated=True)
    node.shaped((batch, *places, given))
    return node.output.elements * rows * columns


def _fully_connected(node: Node) -> int:
    node.needs(range(2, 4), options=True)
    data, weights = node.inputs[:2]
    node.computes(data)
    options = node.operator
    usual = not options.number("weights_format") and not options.number("asymmetric_inputs")
    node.require(usual, "weights in another format", ErrorCode.UNSUPPORTED_OPERATION)
    node.require(len(weights.shape) == 2, "weights that have not two dimensions")
    given, taken = weights.shape
    _weights(node, weights, 1, 0)
    if len(node.inputs) == 3:
        _bias(node, node.inputs[2], given)
    node.activated()
    if options.number("keep_num_dims"):
        node.require(data.shape[-1] == taken, "weights for another length")
        node.shaped((*data.shape[:-1], given))
    else:
        node.require(data.elements % taken == 0, "weights for another length")
        node.shaped((data.elements // taken, given))
    return node.output.elements * taken


def _pool(node: Node) -> int:
    node.needs(range(1, 2), options=True)
    node.computes(node.data)
    batch, height, width, channels = _images(node)
    filter_ = node.operator.number("filter_h"), node.operator.number("filter_w")
    within = filter_[0] <= height and filter_[1] <= width
    node.require(within, "a window larger than what it slides over")
    node.activated()
    node.same_scale(node.data)
    node.shaped((batch, *slide(node.operator, (height, width), filter_, dilated=False), channels))
    return node.output.elements * filter_[0] * filter_[1]


def _integers(node: Node, tensor: Tensor) -> tuple[int, ...]:
    """The numbers of a constant of 32-bit integers."""
    node.require(tensor.type is TensorType.I32, "other integers", ErrorCode.UNSUPPORTED_OPERATION)
    node.require(not tensor.scales, "a scale at numbers that have none")
    data = tensor.data
    if data is None:
        node.unsupported("shapes that are computed")
        return ()
    return struct.unpack(f"<{len(data) // 4}i", data)


def _reshape(node: Node) -> int:
    node.needs(range(1, 3), options=False)
    node.computes(node.data)
    node.same_scale(node.data)
    node.require(node.data.elements == node.output.elements, "another number of elements")
    wanted = []
    if len(node.inputs) == 2:
        node.require(len(node.inputs[1].shape) == 1, "a shape that is no list")
        wanted.append(_integers(node, node.inputs[1]))
    option = (node.operator.options or {}).get("new_shape")
    if isinstance(option, tuple):
        wanted.append(tuple(int(each) for each in option))
    node.require(bool(wanted), "no shape")
    for shape in wanted:
        fits = len(shape) == len(node.output.shape) and shape.count(-1) <= 1
        fits = fits and all(a in (-1, b) for a, b in zip(shape, node.output.shape, strict=True))
        node.require(fits, "its output is declared with another shape")
    return node.output.elements


def _softmax(node: Node) -> int:
    node.needs(range(1, 2), options=True)
    node.computes(node.data)
    node.shaped(node.data.shape)
    node.probability()
    beta = (node.operator.options or {}).get("beta")
    node.require(isinstance(beta, float) and 0 < beta <= MAX_BETA, "a beta out of range")
    return node.output.elements


def _logistic(node: Node) -> int:
    node.needs(range(1, 2), options=False)
    node.computes(node.data)
    node.shaped(node.data.shape)
    node.probability()
    return node.output.elements


def _relu(node: Node) -> int:
    node.needs(range(1, 2), options=False)
    node.computes(node.data)
    node.shaped(node.data.shape)
    node.multiplies(*node.data.scales)
    return node.output.elements


def _element_wise(node: Node) -> tuple[Tensor, Tensor]:
    node.needs(range(2, 3), options=True)
    first, second = node.inputs
    node.typed(first, second)
    computed = not (first.is_constant and second.is_constant)
    node.require(computed, "two constants", ErrorCode.UNSUPPORTED_OPERATION)
    node.activated()
    node.shaped(broadcast(first.shape, second.shape))
    return first, second


def _add(node: Node) -> int:
    first, second = _element_wise(node)
    if node.output.scales:
        # Native code ends the process where this ratio is 1 or more.
        ratio = 2 * max(*first.scales, *second.scales) / node.output.scales[0]
        node.require(ratio < _BROADCAST_ADD_LIMIT, "scales that do not go together")
    return node.output.elements


def _mul(node: Node) -> int:
    first, second = _element_wise(node)
    node.multiplies(*first.scales, *second.scales)
    return node.output.elements


def _concatenation(node: Node) -> int:
    node.needs(range(1, MAX_CONCATENATED + 1), options=True)
    node.typed(*node.inputs)
    computed = not all(each.is_constant for each in node.inputs)
    node.require(computed, "only constants", ErrorCode.UNSUPPORTED_OPERATION)
    node.same_scale(*node.inputs)
    node.plain()
    rank = len(node.output.shape)
    axis = axis_of(node.operator.number("axis"), rank)
    total = 0
    for each in node.inputs:
        others = each.shape[:axis] + each.shape[axis + 1 :]
        rest = node.output.shape[:axis] + node.output.shape[axis + 1 :]
        node.require(len(each.shape) == rank and others == rest, "shapes that do not go together")
        total += each.shape[axis]
    node.require(total == node.output.shape[axis], "its output is declared with another shape")
    return node.output.elements


def _pad(node: Node) -> int:
    node.needs(range(2, 3), options=False)
    node.computes(node.data)
    node.same_scale(node.data)
    rank = len(node.data.shape)
    node.require(node.inputs[1].shape == (rank, 2), "not two paddings for each dimension")
    paddings = _integers(node, node.inputs[1])
    node.require(all(0 <= each <= 1 << 16 for each in paddings), "a padding out of range")
    before_and_after = zip(node.data.shape, paddings[::2], paddings[1::2], strict=True)
    node.shaped(tuple(map(sum, before_and_after)))
    return node.output.elements


def _mean(node: Node) -> int:
    node.needs(range(2, 3), options=True)
    node.computes(node.data)
    node.multiplies(*node.data.scales)
    shape = node.data.shape
    node.require(len(node.inputs[1].shape) == 1, "axes that are no list")
    axes = [axis_of(each, len(shape)) for each in _integers(node, node.inputs[1])]
    node.require(len(set(axes)) == len(axes), "an axis twice")
    if node.operator.number("keep_dims"):
        node.shaped(tuple(1 if axis in axes else size for axis, size in enumerate(shape)))
    else:
        node.require(len(axes) < len(shape), "no dimension left", ErrorCode.UNSUPPORTED_OPERATION)
        node.shaped(tuple(size for axis, size in enumerate(shape) if axis not in axes))
    return node.data.elements


def _conversion(node: Node, before: TensorType, after: TensorType) -> int:
    node.needs(range(1, 2), options=False)
    (data,) = node.inputs
    node.require(not data.is_constant, "a constant", ErrorCode.UNSUPPORTED_OPERATION)
    right = data.type is before and node.output.type is after
    node.require(right, "other element types", ErrorCode.UNSUPPORTED_OPERATION)
    node.require(len(data.shape) >= 1, "a tensor without dimensions")
    node.shaped(data.shape)
    return node.output.elements


def _quantize(node: Node) -> int:
    return _conversion(node, TensorType.F32, TensorType.I8)


def _dequantize(node: Node) -> int:
    return _conversion(node, TensorType.I8, TensorType.F32)


RULES: Final[Mapping[Builtin, Rule]] = MappingProxyType(
    {
        Builtin.ADD: _add,
        Builtin.AVERAGE_POOL_2D: _pool,
        Builtin.CONCATENATION: _concatenation,
        Builtin.CONV_2D: _convolution,
        Builtin.DEPTHWISE_CONV_2D: _depthwise,
        Builtin.DEQUANTIZE: _dequantize,
        Builtin.FULLY_CONNECTED: _fully_connected,
        Builtin.LOGISTIC: _logistic,
        Builtin.MAX_POOL_2D: _pool,
        Builtin.MEAN: _mean,
        Builtin.MUL: _mul,
        Builtin.PAD: _pad,
        Builtin.QUANTIZE: _quantize,
        Builtin.RELU: _relu,
        Builtin.RESHAPE: _reshape,
        Builtin.SOFTMAX: _softmax,
    }
)
"""The list of allowed operators."""
