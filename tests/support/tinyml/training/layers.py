"""Layers in numpy, and their way into a model: numbers with a point, or 8-bit integers.

Quantisation is done after training: ranges of activations come from examples, weights are
symmetric, one scale per channel for convolutions and one per tensor for dense layers, as the
kernels want it.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinycontainer_endpoints.tinyml.model.enumerations import Builtin, TensorType
from tinycontainer_endpoints.tinyml.model.graph import Model, Operator, Tensor

Array = Any
F32, I8, I32 = TensorType.F32, TensorType.I8, TensorType.I32
EPSILON = 1e-6


@dataclass
class Layer:
    """A layer.

    Attributes:
        code: its operator.
        weights: dense (out, in), convolution (out, h, w, in), depthwise (1, h, w, channels).
        bias: one number per channel.
        relu: whether negative results become 0.
        strides: height and width.
        shape: what it reshapes to, without the batch.
    """

    code: Builtin
    weights: Array = None
    bias: Array = None
    relu: bool = False
    strides: tuple[int, int] = (1, 1)
    shape: tuple[int, ...] = ()

    def __call__(self, x: Array) -> Array:
        y = _APPLY[self.code](self, x)
        return np.maximum(y, 0) if self.relu else y


def _patches(layer: Layer, x: Array) -> Array:
    """Windows of images, padded so that a stride of 1 keeps their size."""
    rows, columns = layer.weights.shape[1:3]
    pads = []
    for size, filter_, stride in zip(x.shape[1:3], (rows, columns), layer.strides, strict=True):
        total = max(0, (-(-size // stride) - 1) * stride + filter_ - size)
        pads.append((total // 2, total - total // 2))
    padded = np.pad(x, [(0, 0), *pads, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (rows, columns), (1, 2))
    return windows[:, :: layer.strides[0], :: layer.strides[1]]  # batch, y, x, channel, h, w


def _dense(layer: Layer, x: Array) -> Array:
    return x @ layer.weights.T + layer.bias


def _conv(layer: Layer, x: Array) -> Array:
    windows = _patches(layer, x)
    flat = windows.reshape(*windows.shape[:3], -1)
    weights = layer.weights.transpose(0, 3, 1, 2).reshape(len(layer.weights), -1)
    return flat @ weights.T + layer.bias


def _depthwise(layer: Layer, x: Array) -> Array:
    return np.einsum("byxchw,hwc->byxc", _patches(layer, x), layer.weights[0]) + layer.bias


def _pool(layer: Layer, x: Array) -> Array:
    return x.mean((1, 2), keepdims=True)


def _reshape(layer: Layer, x: Array) -> Array:
    return x.reshape(len(x), *layer.shape)


def _softmax(layer: Layer, x: Array) -> Array:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


_APPLY = {
    Builtin.FULLY_CONNECTED: _dense,
    Builtin.CONV_2D: _conv,
    Builtin.DEPTHWISE_CONV_2D: _depthwise,
    Builtin.AVERAGE_POOL_2D: _pool,
    Builtin.RESHAPE: _reshape,
    Builtin.SOFTMAX: _softmax,
}


def forward(layers: Sequence[Layer], x: Array) -> list[Array]:
    """The input and what each layer makes of it."""
    values = [x]
    for layer in layers:
        values.append(layer(values[-1]))
    return values


Quantisation = tuple[float, int]


def to_model(
    layers: Sequence[Layer],
    kind: TensorType,
    examples: Array,
    ends: Quantisation | None = None,
) -> Model:
    """A model of the layers for one example at a time.

    Args:
        layers: trained.
        kind: of what is computed.
        examples: inputs from which the ranges of activations are taken.
        ends: scale and zero point of the input and of the output; by default from the examples.
    """
    values = forward(layers, examples)
    writer = _Writer(kind)
    before = writer.computed(values[0], "input", ends)
    first = before
    for number, (layer, value) in enumerate(zip(layers, values[1:], strict=True), 1):
        last = number == len(layers)
        name = "output" if last else f"layer{number}"
        before = writer.layer(layer, before, value, name, ends if last else None)
    return Model(tuple(writer.tensors), tuple(writer.operators), (first,), (before,))


class _Writer:
    def __init__(self, kind: TensorType) -> None:
        self.kind = kind
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []

    def _add(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def computed(self, value: Array, name: str, quantisation: Quantisation | None) -> int:
        shape = (1, *value.shape[1:])
        if self.kind is F32:
            return self._add(Tensor(F32, shape, name.encode()))
        scale, zero_point = quantisation or _range(value)
        return self._add(Tensor(I8, shape, name.encode(), None, (scale,), (zero_point,)))

    def layer(
        self, layer: Layer, x: int, value: Array, name: str, ends: Quantisation | None
    ) -> int:
        inputs, options = [x], dict[str, Any]()
        before = self.tensors[x]
        kept = (before.scales[0], before.zero_points[0]) if before.scales else None
        if layer.weights is not None:
            inputs += self._weights(layer, before)
            options["activation"] = int(layer.relu)
            kept = None
        if layer.code in (Builtin.CONV_2D, Builtin.DEPTHWISE_CONV_2D):
            options |= {"stride_h": layer.strides[0], "stride_w": layer.strides[1]}
            options |= {"dilation_h": 1, "dilation_w": 1}
        if layer.code is Builtin.DEPTHWISE_CONV_2D:
            options["depth_multiplier"] = 1
        if layer.code is Builtin.AVERAGE_POOL_2D:
            height, width = before.shape[1:3]
            options |= {"padding": 1, "stride_h": 1, "stride_w": 1}
            options |= {"filter_h": height, "filter_w": width}
        if layer.code is Builtin.RESHAPE:
            options["new_shape"] = (1, *layer.shape)
        if layer.code is Builtin.SOFTMAX:
            options["beta"], kept = 1.0, (1 / 256, -128)
        shown = name if name == "output" else ""
        output = self.computed(value, shown, kept or ends)
        version = 4 if layer.code is Builtin.FULLY_CONNECTED and self.kind is I8 else 1
        version = max(version, 2 if self.kind is I8 else 1, 3 if options.get("dilation_h") else 1)
        version = 1 if layer.code is Builtin.RESHAPE else version
        self.operators.append(Operator(layer.code, version, tuple(inputs), (output,), options))
        return output

    def _weights(self, layer: Layer, before: Tensor) -> list[int]:
        weights, bias = layer.weights, layer.bias
        if self.kind is F32:
            data = weights.astype("<f4").tobytes(), bias.astype("<f4").tobytes()
            return [
                self._add(Tensor(F32, weights.shape, b"", data[0])),
                self._add(Tensor(F32, bias.shape, b"", data[1])),
            ]
        axis = 3 if layer.code is Builtin.DEPTHWISE_CONV_2D else 0
        others = tuple(each for each in range(weights.ndim) if each != axis)
        largest = np.abs(weights).max(others if layer.code is not Builtin.FULLY_CONNECTED else None)
        scales = np.float32(np.maximum(np.atleast_1d(largest), EPSILON) / 127)
        spread = [1] * weights.ndim
        spread[axis] = len(scales)
        whole = np.clip(np.round(weights / scales.reshape(spread)), -127, 127).astype("i1")
        steps = np.float32(before.scales[0]) * scales
        wholes = np.round(bias / steps).astype("<i4")
        zeros = (0,) * len(scales)
        own = tuple(map(float, scales)), tuple(map(float, np.float32(steps)))
        return [
            self._add(Tensor(I8, weights.shape, b"", whole.tobytes(), own[0], zeros, axis)),
            self._add(Tensor(I32, bias.shape, b"", wholes.tobytes(), own[1], zeros)),
        ]


def _range(value: Array) -> Quantisation:
    low, high = min(0.0, float(value.min())), max(0.0, float(value.max()))
    scale = float(np.float32(max(high - low, EPSILON) / 255))
    return scale, int(np.clip(round(-128 - low / scale), -128, 127))


def train_dense(
    layers: Sequence[Layer],
    batches: Any,
    steps: int,
    rate: float = 3e-3,
) -> None:
    """Train dense layers on the squared error, by Adam; the rate falls to a twentieth.

    Args:
        layers: changed in place.
        batches: gives inputs and wanted outputs for a step.
        steps: how many.
        rate: at the beginning.
    """
    parameters = [each for layer in layers for each in (layer.weights, layer.bias)]
    first, second = ([np.zeros_like(each) for each in parameters] for _ in range(2))
    for step in range(1, steps + 1):
        x, wanted = batches(step)
        gradients = _gradients(layers, x, wanted)
        now = rate * (1 - 0.95 * step / steps)
        for parameter, gradient, m, v in zip(parameters, gradients, first, second, strict=True):
            m += 0.1 * (gradient - m)
            v += 0.001 * (gradient**2 - v)
            corrected = np.sqrt(v / (1 - 0.999**step)) + 1e-8
            parameter -= now * (m / (1 - 0.9**step)) / corrected


def _gradients(layers: Sequence[Layer], x: Array, wanted: Array) -> list[Array]:
    values = forward(layers, x)
    slope = 2 * (values[-1] - wanted) / wanted.size
    found: list[Array] = []
    for layer, before, after in zip(reversed(layers), values[-2::-1], values[::-1], strict=False):
        if layer.relu:
            slope = slope * (after > 0)
        found[:0] = [slope.T @ before, slope.sum(0)]
        slope = slope @ layer.weights
    return found


def dense_layers(sizes: Sequence[int], chance: Any, linear: Sequence[int] = ()) -> list[Layer]:
    """Dense layers with random weights; all but the last and the named ones have a relu."""
    layers = []
    for number, (taken, given) in enumerate(itertools.pairwise(sizes)):
        weights = chance.normal(0, np.sqrt(2 / taken), (given, taken))
        relu = number < len(sizes) - 2 and number not in linear
        layers.append(Layer(Builtin.FULLY_CONNECTED, weights, np.zeros(given), relu))
    return layers
