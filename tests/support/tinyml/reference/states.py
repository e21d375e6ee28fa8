"""What the operators with a state compute, and what they keep for the next inference."""

from collections.abc import Callable
from typing import Any

import numpy as np

from support.tinyml.reference.rounding import multiply
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin, TensorType

Array = Any


def svdf(step: Any) -> Array:
    features, times, bias, state = step.inputs[1:]
    filters, memory = times.shape
    batch = len(step.inputs[0])
    kept = state.reshape(batch, filters, memory)
    data = step.centred(0) if step.small else step.inputs[0]
    newest = data @ features.astype(data.dtype).T
    if step.small:
        scales = step.tensor(0).scales[0] * step.tensor(1).scales[0] / step.tensor(4).scales[0]
        newest = np.clip(multiply(newest, scales), -(1 << 15), (1 << 15) - 1)
    kept = np.concatenate([kept[:, :, 1:], newest[:, :, None]], 2)
    step.put_state(4, kept.reshape(state.shape))
    wide = kept.astype(np.int64 if step.small else float)
    sums = (wide * times).sum(2).reshape(batch, -1, step.option("rank")).sum(2)
    sums = sums + (0 if bias is None else bias)
    if not step.small:
        return np.clip(sums, *step.limits())
    return step.scaled(sums, step.ratio(step.tensor(4).scales[0], step.tensor(2).scales[0]))


def lstm(step: Any) -> Array:
    """In numbers with a point, also for 8-bit integers: what these stand for."""
    parts = [_real(step, index) for index in range(24)]
    steps = parts[0] if step.option("time_major") else parts[0].transpose(1, 0, 2)
    output, cell = parts[18], parts[19]
    made = []
    for data in steps:
        output, cell = _advance(step, parts, data, output, cell)
        made.append(output)
    step.put_state(18, _steps(step.tensor(18), output))
    step.put_state(19, _steps(step.tensor(19), cell))
    result = np.stack(made, 0 if step.option("time_major") else 1)
    return _steps(step.output, result)


def _advance(
    step: Any, parts: list[Array], data: Array, output: Array, cell: Array
) -> tuple[Array, Array]:
    def gate(number: int, peephole: Array) -> Array:
        found = data @ parts[1 + number].T + output @ parts[5 + number].T + parts[12 + number]
        return found if peephole is None else found + peephole

    def logistic(value: Array) -> Array:
        return 1 / (1 + np.exp(-value))

    def seen(number: int, kept: Array) -> Array:
        return None if parts[number] is None else parts[number] * kept

    forget = logistic(gate(1, seen(10, cell)))
    admit = 1 - forget if parts[1] is None else logistic(gate(0, seen(9, cell)))
    cell = forget * cell + admit * np.tanh(gate(2, None))
    clip = step.operator.fraction("cell_clip")
    if clip:
        cell = np.clip(cell, -clip, clip)
    output = logistic(gate(3, seen(11, cell))) * np.tanh(cell)
    if parts[16] is not None:
        output = output @ parts[16].T + (0 if parts[17] is None else parts[17])
    return output, cell


def _real(step: Any, index: int) -> Array:
    """An input of the LSTM as numbers with a point."""
    if step.inputs[index] is None:
        return None
    tensor = step.tensor(index)
    values = step.inputs[index].astype(float)
    if index in range(12, 16) and step.small:
        return values * step.tensor(0).scales[0] * step.tensor(index - 11).scales[0]
    if tensor.scales:
        return (values - tensor.zero_points[0]) * tensor.scales[0]
    return values


def _steps(tensor: Any, values: Array) -> Array:
    if tensor.type is TensorType.F32:
        return values
    limit = 127 if tensor.type is TensorType.I8 else (1 << 15) - 1
    steps = np.round(values / tensor.scales[0]) + tensor.zero_points[0]
    return np.clip(steps, -limit - 1, limit)


STATES: dict[Builtin, Callable[[Any], Array]] = {
    Builtin.SVDF: svdf,
    Builtin.UNIDIRECTIONAL_SEQUENCE_LSTM: lstm,
}
