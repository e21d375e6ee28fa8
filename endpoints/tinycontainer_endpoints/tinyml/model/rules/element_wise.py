"""Rules of the operators whose output elements each come from elements at the same place."""

from typing import Final

from ..enumerations import TensorType
from ..flaws import Flaw
from ..graph import Tensor
from .node import Node

_MAX_ADDED_SCALE_RATIO: Final = 1 << 20
_MAX_BETA: Final = 64.0
_TANH_SCALE: Final = 1 / 128
_CAST_TYPES: Final = frozenset({TensorType.F32, TensorType.I8, TensorType.I32})


def check_add(node: Node) -> int:
    """ADD."""
    first, second = _check_two_inputs(node)
    if node.output.scales:
        # Native code divides this by 2**20, and ends the process if the result is 1 or more.
        ratio = 2 * max(*first.scales, *second.scales) / node.output.scales[0]
        node.require(
            ratio < _MAX_ADDED_SCALE_RATIO,
            Flaw.ADDED_SCALE_RATIO,
            found=ratio,
            allowed=_MAX_ADDED_SCALE_RATIO,
        )
    return node.output.elements


def check_multiply(node: Node) -> int:
    """MUL."""
    first, second = _check_two_inputs(node)
    node.require_scale_ratio(*first.scales, *second.scales)
    return node.output.elements


def check_divide(node: Node) -> int:
    """DIV, which native code has for numbers with a point; by zero it gives infinity."""
    _check_two_inputs(node)
    kind = node.output.type
    wanted = TensorType.F32
    node.require(kind is wanted, Flaw.DIVISION_TYPE, found=kind, allowed=wanted)
    return node.output.elements


def check_extremum(node: Node) -> int:
    """MAXIMUM and MINIMUM."""
    first, second = _check_two_operands(node)
    node.require_same_quantisation(first, second)
    return node.output.elements


def check_relu(node: Node) -> int:
    """RELU."""
    _check_one_input(node)
    node.require_scale_ratio(*node.data.scales)
    return node.output.elements


def check_prelu(node: Node) -> int:
    """PRELU: a constant gives the slopes below zero, stretched to the input's shape."""
    node.require_inputs(range(2, 3))
    data, slopes = node.inputs
    node.require_computed(data)
    node.require_one_type(slopes)
    node.require(slopes.is_constant, Flaw.ALPHA_COMPUTED, slopes)
    node.require_output_shape(data.shape)
    stretched = _broadcast(node, data.shape, slopes.shape)
    node.require(stretched == data.shape, Flaw.BROADCAST, found=data.shape, allowed=slopes.shape)
    node.require_scale_ratio(*data.scales)
    node.require_scale_ratio(*data.scales, *slopes.scales)
    return node.output.elements


def check_tanh(node: Node) -> int:
    """TANH."""
    _check_one_input(node)
    node.require_output_quantisation(_TANH_SCALE, 0)
    return node.output.elements


def check_logistic(node: Node) -> int:
    """LOGISTIC."""
    _check_one_input(node)
    node.require_probability_scale()
    return node.output.elements


def check_softmax(node: Node) -> int:
    """SOFTMAX, which computes along the last dimension."""
    node.require_inputs(range(1, 2))
    node.require_options()
    node.require_computed(node.data)
    node.require_output_shape(node.data.shape)
    node.require_probability_scale()
    beta = (node.operator.options or {}).get("beta")
    sound = isinstance(beta, float) and 0 < beta <= _MAX_BETA
    node.require(sound, Flaw.BETA, found=beta, allowed=_MAX_BETA)
    return node.output.elements


def check_quantise(node: Node) -> int:
    """QUANTIZE."""
    return _check_conversion(node, TensorType.F32, TensorType.I8)


def check_dequantise(node: Node) -> int:
    """DEQUANTIZE."""
    return _check_conversion(node, TensorType.I8, TensorType.F32)


def check_cast(node: Node) -> int:
    """CAST between numbers with a point, 32-bit integers and 8-bit integers as they are."""
    node.require_inputs(range(1, 2))
    for tensor in (node.data, node.output):
        kind = tensor.type
        known = kind in _CAST_TYPES
        node.require(known, Flaw.TYPE_NOT_COMPUTED, tensor, found=kind, allowed=_CAST_TYPES)
        node.require(not tensor.is_constant, Flaw.CONSTANT_COMPUTED, tensor)
        node.require(len(tensor.shape) >= 1, Flaw.SCALAR, tensor)
        if tensor.scales:
            node.require_sound_scale(tensor)
    node.require_output_shape(node.data.shape)
    return node.output.elements


def _check_one_input(node: Node) -> None:
    node.require_inputs(range(1, 2))
    node.require_computed(node.data)
    node.require_output_shape(node.data.shape)


def _check_two_inputs(node: Node) -> tuple[Tensor, Tensor]:
    """Two operands of an operator that has a built-in activation."""
    node.require_inputs(range(2, 3))
    node.require_options()
    node.require_known_activation()
    return _check_two_operands(node)


def _check_two_operands(node: Node) -> tuple[Tensor, Tensor]:
    node.require_inputs(range(2, 3))
    first, second = node.inputs
    node.require_one_type(first, second)
    node.require(not (first.is_constant and second.is_constant), Flaw.ALL_CONSTANT)
    node.require_output_shape(_broadcast(node, first.shape, second.shape))
    return first, second


def _broadcast(node: Node, first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an element-wise result: a dimension of 1 stretches to the other's."""
    rank = max(len(first), len(second))
    padded = [(1,) * (rank - len(each)) + each for each in (first, second)]
    pairs = list(zip(*padded, strict=True))
    fits = all(one == other or 1 in (one, other) for one, other in pairs)
    node.require(fits, Flaw.BROADCAST, found=first, allowed=second)
    return tuple(max(pair) for pair in pairs)


def _check_conversion(node: Node, before: TensorType, after: TensorType) -> int:
    node.require_inputs(range(1, 2))
    data = node.data
    output = node.output
    node.require(not data.is_constant, Flaw.ALL_CONSTANT)
    node.require(data.type is before, Flaw.CONVERSION_TYPE, data, found=data.type, allowed=before)
    node.require(
        output.type is after, Flaw.CONVERSION_TYPE, output, found=output.type, allowed=after
    )
    node.require(len(data.shape) >= 1, Flaw.SCALAR, data)
    for tensor in (data, output):
        node.require_sound_scale(tensor)
    node.require_output_shape(data.shape)
    return output.elements
