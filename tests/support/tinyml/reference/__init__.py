"""What the operators compute, written with numpy from their definitions.

Models of 8-bit integers are computed in whole numbers, as the reference kernels round them. Numbers
with a point are summed in another order than native code's, so they are compared within a bound.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from support.tinyml.reference.images import IMAGES
from support.tinyml.reference.rounding import multiply, round_away
from support.tinyml.reference.states import STATES
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin, TensorType
from tinycontainer_endpoints.tinyml.model.graph import Model, Operator, Tensor

Array = Any
TYPES = {TensorType.F32: "<f4", TensorType.I8: "i1", TensorType.I16: "<i2", TensorType.I32: "<i4"}


class Reference:
    """A model that numpy computes.

    Attributes:
        model: the model.
        values: of its tensors, by number; states stay from run to run.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.values: dict[int, Array] = {}
        for index, tensor in enumerate(model.tensors):
            kind = TYPES[tensor.type]
            if tensor.data is not None:
                self.values[index] = np.frombuffer(tensor.data, kind).reshape(tensor.shape)
            elif tensor.is_variable:
                start = tensor.zero_points[0] if tensor.type is TensorType.I8 else 0
                self.values[index] = np.full(tensor.shape, start, kind)

    def run(self, inputs: list[bytes]) -> list[Array]:
        """One inference; the outputs as arrays."""
        for index, data in zip(self.model.inputs, inputs, strict=True):
            tensor = self.model.tensors[index]
            self.values[index] = np.frombuffer(data, TYPES[tensor.type]).reshape(tensor.shape)
        for operator in self.model.operators:
            self._compute(operator)
        return [self.values[index] for index in self.model.outputs]

    def _compute(self, operator: Operator) -> None:
        step = Step(self, operator)
        made = COMPUTED[operator.code](step)
        for index, value in zip(
            operator.outputs, made if isinstance(made, list) else [made], strict=True
        ):
            tensor = self.model.tensors[index]
            self.values[index] = np.asarray(value, TYPES[tensor.type]).reshape(tensor.shape)


class Step:
    """An operator with the values of its inputs."""

    def __init__(self, reference: Reference, operator: Operator) -> None:
        tensors = reference.model.tensors
        self.values = reference.values
        self.operator = operator
        self.tensors = [None if each < 0 else tensors[each] for each in operator.inputs]
        self.inputs: list[Any] = [
            None if each < 0 else reference.values[each] for each in operator.inputs
        ]
        self.output = tensors[operator.outputs[0]]
        self.small = self.output.type is TensorType.I8

    def tensor(self, index: int) -> Tensor:
        tensor = self.tensors[index]
        assert tensor is not None
        return tensor

    def centred(self, index: int) -> Array:
        """An input without its zero point, as wide whole numbers."""
        return self.inputs[index].astype(np.int64) - self.tensor(index).zero_points[0]

    def put_state(self, index: int, value: Array) -> None:
        self.values[self.operator.inputs[index]] = np.asarray(value, self.inputs[index].dtype)

    def option(self, name: str) -> int:
        return self.operator.number(name)

    def scaled(self, sums: Array, ratios: Array) -> Array:
        """Sums in the output's own steps, clamped to its activation."""
        zero = self.output.zero_points[0]
        lowest, highest = self.limits()
        return np.clip(multiply(sums, ratios) + zero, lowest, highest)

    def limits(self) -> tuple[float, float]:
        """The range of the built-in activation."""
        lowest, highest = {
            0: (-math.inf, math.inf),
            1: (0, math.inf),
            2: (-1, 1),
            3: (0, 6),
        }[self.option("activation")]
        if not self.small:
            return lowest, highest
        zero, scale = self.output.zero_points[0], self.output.scales[0]
        low = -128 if lowest == -math.inf else max(-128, zero + round_away(lowest / scale))
        high = 127 if highest == math.inf else min(127, zero + round_away(highest / scale))
        return int(low), int(high)

    def ratio(self, *scales: float) -> float:
        return math.prod(scales) / self.output.scales[0]


def dense(step: Step) -> Array:
    data, weights = step.inputs[0], step.inputs[1]
    bias = step.inputs[2] if len(step.inputs) > 2 and step.inputs[2] is not None else 0
    if not step.small:
        return np.clip(data.reshape(-1, weights.shape[1]) @ weights.T + bias, *step.limits())
    sums = step.centred(0).reshape(-1, weights.shape[1]) @ weights.astype(np.int64).T + bias
    return step.scaled(sums, step.ratio(step.tensor(0).scales[0], step.tensor(1).scales[0]))


def softmax(step: Step) -> Array:
    beta = step.operator.fraction("beta")
    data = step.inputs[0].astype(float)
    if step.small:
        data = data * step.tensor(0).scales[0]
    powers = np.exp(beta * (data - data.max(-1, keepdims=True)))
    shares = powers / powers.sum(-1, keepdims=True)
    return np.clip(round_away(shares * 256) - 128, -128, 127) if step.small else shares


def by_function(function: Callable[[Array], Array]) -> Callable[[Step], Array]:
    def compute(step: Step) -> Array:
        if not step.small:
            return function(step.inputs[0])
        single = np.float32
        values = step.centred(0).astype(single) * single(step.tensor(0).scales[0])
        steps = round_away(function(values) * single(1 / step.output.scales[0]))
        return np.clip(steps + step.output.zero_points[0], -128, 127)

    return compute


def relu(step: Step) -> Array:
    if not step.small:
        return np.maximum(step.inputs[0], 0)
    zero = step.output.zero_points[0]
    made = multiply(step.centred(0), step.ratio(step.tensor(0).scales[0])) + zero
    return np.clip(made, zero, 127)


def prelu(step: Step) -> Array:
    data, slopes = step.inputs[0], step.inputs[1]
    if not step.small:
        return np.where(data >= 0, data, data * slopes)
    centred = step.centred(0)
    scales = step.tensor(0).scales[0], step.tensor(1).scales[0]
    above = multiply(centred, step.ratio(scales[0]))
    below = multiply(centred * step.centred(1), step.ratio(*scales))
    return np.clip(np.where(centred >= 0, above, below) + step.output.zero_points[0], -128, 127)


def add(step: Step) -> Array:
    if not step.small:
        return np.clip(step.inputs[0] + step.inputs[1], *step.limits())
    first, second = step.tensor(0).scales[0], step.tensor(1).scales[0]
    twice = 2 * max(first, second)
    sums = multiply(step.centred(0) << 20, first / twice)
    sums = sums + multiply(step.centred(1) << 20, second / twice)
    return step.scaled(sums, twice / ((1 << 20) * step.output.scales[0]))


def times(step: Step) -> Array:
    if not step.small:
        return np.clip(step.inputs[0] * step.inputs[1], *step.limits())
    ratio = step.ratio(step.tensor(0).scales[0], step.tensor(1).scales[0])
    return step.scaled(step.centred(0) * step.centred(1), ratio)


def divide(step: Step) -> Array:
    with np.errstate(all="ignore"):
        return np.clip(step.inputs[0] / step.inputs[1], *step.limits())


def mean(step: Step) -> Array:
    axes = tuple(int(each) for each in step.inputs[1].ravel())
    if not step.small:
        return step.inputs[0].mean(axes)
    average = step.centred(0).mean(axes) * step.ratio(step.tensor(0).scales[0])
    return np.clip(round_away(average) + step.output.zero_points[0], -128, 127)


def quantise(step: Step) -> Array:
    single = np.float32
    steps = round_away(step.inputs[0] / single(step.output.scales[0]))
    return np.clip(steps + step.output.zero_points[0], -128, 127)


def dequantise(step: Step) -> Array:
    return step.centred(0).astype(np.float32) * np.float32(step.tensor(0).scales[0])


def pad(step: Step) -> Array:
    zero = step.tensor(0).zero_points[0] if step.small else 0
    return np.pad(step.inputs[0], step.inputs[1], constant_values=zero)


def cast(step: Step) -> Array:
    return step.inputs[0].astype(TYPES[step.output.type])


def strided_slice(step: Step) -> Array:
    data, begins, ends, strides = step.inputs
    index: list[slice | int] = []
    for axis, (begin, end, stride) in enumerate(zip(begins, ends, strides, strict=True)):
        if step.option("shrink_axis_mask") >> axis & 1:
            index.append(int(begin))
            continue
        first = None if step.option("begin_mask") >> axis & 1 else int(begin)
        last = None if step.option("end_mask") >> axis & 1 else int(end)
        index.append(slice(first, last, int(stride)))
    return data[tuple(index)]


def split(step: Step) -> list[Array]:
    return list(np.split(step.inputs[1], step.option("num_splits"), step.inputs[0].item()))


def split_v(step: Step) -> list[Array]:
    data, sizes, axis = step.inputs
    rest = data.shape[axis.item()] - sizes[sizes >= 0].sum()
    known = np.where(sizes < 0, rest, sizes)
    return list(np.split(data, np.cumsum(known)[:-1], axis.item()))


def joined(step: Step) -> Array:
    return np.concatenate(step.inputs, step.option("axis"))


COMPUTED: dict[Builtin, Callable[[Step], Any]] = {
    Builtin.ADD: add,
    Builtin.CAST: cast,
    Builtin.CONCATENATION: joined,
    Builtin.DEQUANTIZE: dequantise,
    Builtin.DIV: divide,
    Builtin.FULLY_CONNECTED: dense,
    Builtin.LOGISTIC: by_function(lambda x: 1 / (1 + np.exp(-x))),
    Builtin.MAXIMUM: lambda step: np.maximum(*step.inputs),
    Builtin.MEAN: mean,
    Builtin.MINIMUM: lambda step: np.minimum(*step.inputs),
    Builtin.MUL: times,
    Builtin.PAD: pad,
    Builtin.PRELU: prelu,
    Builtin.QUANTIZE: quantise,
    Builtin.RELU: relu,
    Builtin.RESHAPE: lambda step: step.inputs[0],
    Builtin.SOFTMAX: softmax,
    Builtin.SPLIT: split,
    Builtin.SPLIT_V: split_v,
    Builtin.STRIDED_SLICE: strided_slice,
    Builtin.TANH: by_function(np.tanh),
    Builtin.TRANSPOSE: lambda step: step.inputs[0].transpose(step.inputs[1]),
    **IMAGES,
    **STATES,
}
