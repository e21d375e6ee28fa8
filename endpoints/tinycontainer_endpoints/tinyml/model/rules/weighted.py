"""Rules of the operators that multiply by weights: convolutions and dense layers."""

from typing import Final

from ..enumerations import TensorType
from ..flaws import Flaw
from ..graph import Tensor
from .node import WEIGHT_SCALES, Node
from .windows import IMAGE_RANK, read_image_shape, slide_window

_OUTPUT_CHANNELS: Final = 0
"""Dimension of a convolution's filter along which its output channels lie."""
_DEPTHWISE_CHANNELS: Final = 3
"""The same of a depthwise convolution."""
_BIAS_TOLERANCE: Final = 0.02
"""By how much of the output's scale a bias's scale may differ; the interpreter's own bound."""


def check_convolution(node: Node) -> int:
    """CONV_2D: the filter has output channels, rows, columns, input channels."""
    filter_ = _begin_convolution(node)
    channels = node.data.shape[3]
    _, rows, columns, wanted = filter_.shape
    fits = wanted == channels
    node.require(fits, Flaw.FILTER_CHANNELS, filter_, found=wanted, allowed=channels)
    _finish_convolution(node, _OUTPUT_CHANNELS)
    return node.output.elements * rows * columns * channels


def check_depthwise_convolution(node: Node) -> int:
    """DEPTHWISE_CONV_2D: the filter has 1, rows, columns, output channels."""
    filter_ = _begin_convolution(node)
    first, rows, columns, given = filter_.shape
    multiplier = node.operator.number("depth_multiplier")
    needed = node.data.shape[3] * multiplier
    node.require(first == 1, Flaw.FILTER_COUNT, filter_, found=first, allowed=1)
    node.require(multiplier >= 1, Flaw.DEPTH_MULTIPLIER, found=multiplier, allowed=1)
    node.require(given == needed, Flaw.FILTER_DEPTH, filter_, found=given, allowed=needed)
    _finish_convolution(node, _DEPTHWISE_CHANNELS)
    return node.output.elements * rows * columns


def check_fully_connected(node: Node) -> int:
    """FULLY_CONNECTED: the weights have outputs, inputs; the bias may be left out."""
    node.require_inputs(range(2, 4))
    node.require_options()
    data = node.data
    weights = node.inputs[1]
    node.require_computed(data)
    for subject in ("weights_format", "asymmetric_inputs"):
        node.require_option(subject)
    rank = len(weights.shape)
    node.require(rank == 2, Flaw.WEIGHT_RANK, weights, found=rank, allowed=2)
    given, wanted = weights.shape
    _check_weights(node, weights, 1, 0)
    if len(node.inputs) == 3:
        _check_bias(node, node.inputs[2], given, frozenset({1}))
    node.require_known_activation()
    if node.operator.number("keep_num_dims"):
        last = data.shape[-1]
        node.require(last == wanted, Flaw.WEIGHT_LENGTH, weights, found=last, allowed=wanted)
        node.require_output_shape((*data.shape[:-1], given))
    else:
        count = data.elements
        whole = count % wanted == 0
        node.require(whole, Flaw.WEIGHT_DIVISION, weights, found=count, allowed=wanted)
        node.require_output_shape((count // wanted, given))
    return node.output.elements * wanted


def _begin_convolution(node: Node) -> Tensor:
    """Check what convolutions share before their filter's channels; return the filter."""
    node.require_inputs(range(3, 4))
    node.require_options()
    node.require_computed(node.data)
    read_image_shape(node)
    filter_ = node.inputs[1]
    rank = len(filter_.shape)
    node.require(rank == IMAGE_RANK, Flaw.FILTER_RANK, filter_, found=rank, allowed=IMAGE_RANK)
    return filter_


def _finish_convolution(node: Node, channel_axis: int) -> None:
    """Check what convolutions share after their filter's channels."""
    _, filter_, bias = node.inputs
    batch, height, width, _ = read_image_shape(node)
    _, rows, columns, _ = filter_.shape
    channels = filter_.shape[channel_axis]
    _check_weights(node, filter_, channels, channel_axis)
    _check_bias(node, bias, channels, frozenset({0, len(filter_.scales)}))
    node.require_known_activation()
    places = slide_window(node, (height, width), (rows, columns), dilated=True)
    node.require_output_shape((batch, *places, channels))


def _check_weights(node: Node, weights: Tensor, channels: int, axis: int) -> None:
    """Weights are a constant of the output's type, with sound scales.

    Args:
        node: the operator.
        weights: the tensor.
        channels: how many scales are possible besides one for all; 1 where that is the only way.
        axis: dimension along which the channels lie.
    """
    node.require(weights.is_constant, Flaw.WEIGHTS_COMPUTED, weights)
    wanted = node.output.type
    same = weights.type is wanted
    node.require(same, Flaw.TYPES_MIXED, weights, found=weights.type, allowed=wanted)
    _check_weight_scales(node, weights, channels, axis)
    if node.data.scales:
        node.require_scale_ratio(node.data.scales[0], max(weights.scales))


def _check_weight_scales(node: Node, weights: Tensor, channels: int, axis: int) -> None:
    """8-bit weights have one scale, or one per channel, and no offset; others have no scale."""
    count = len(weights.scales)
    if weights.type is not TensorType.I8:
        node.require(count == 0, Flaw.SCALE_OF_PLAIN_NUMBERS, weights, found=count)
        return
    counts = frozenset({1, channels})
    node.require(count in counts, Flaw.WEIGHT_SCALE_COUNT, weights, found=count, allowed=counts)
    # With scales along another dimension, native code would read past the right ones.
    found = weights.channel_axis
    right = count == 1 or found == axis
    node.require(right, Flaw.WEIGHT_SCALE_AXIS, weights, found=found, allowed=axis)
    for scale in weights.scales:
        sound = scale in WEIGHT_SCALES
        node.require(sound, Flaw.WEIGHT_SCALE_RANGE, weights, found=scale, allowed=WEIGHT_SCALES)
    for zero in weights.zero_points:
        node.require(zero == 0, Flaw.WEIGHT_ZERO_POINT, weights, found=zero, allowed=0)


def _check_bias(node: Node, bias: Tensor, channels: int, scale_counts: frozenset[int]) -> None:
    """A bias is a constant with one number per channel, of the type that sums have.

    Args:
        node: the operator.
        bias: the tensor.
        channels: how many numbers it has.
        scale_counts: how many scales those of integers can have.
    """
    small = node.output.type is TensorType.I8
    kind = TensorType.I32 if small else TensorType.F32
    node.require(bias.is_constant, Flaw.BIAS_COMPUTED, bias)
    node.require(bias.type is kind, Flaw.BIAS_TYPE, bias, found=bias.type, allowed=kind)
    shape = (channels,)
    node.require(bias.shape == shape, Flaw.BIAS_SHAPE, bias, found=bias.shape, allowed=shape)
    count = len(bias.scales)
    counts = scale_counts if small else frozenset({0})
    node.require(count in counts, Flaw.BIAS_SCALE_COUNT, bias, found=count, allowed=counts)
    for zero in bias.zero_points:
        node.require(zero == 0, Flaw.BIAS_ZERO_POINT, bias, found=zero, allowed=0)
    for scale, weight_scale in zip(bias.scales, node.inputs[1].scales, strict=False):
        # Native code adds a bias to sums of this scale, whatever its own scale says.
        wanted = node.data.scales[0] * weight_scale
        sound = abs(scale - wanted) <= _BIAS_TOLERANCE * node.output.scales[0]
        node.require(sound, Flaw.BIAS_SCALE_RANGE, bias, found=scale, allowed=wanted)
