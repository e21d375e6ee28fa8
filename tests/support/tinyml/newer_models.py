"""More small models: operators that cut, turn, compare, resize, and those with a state."""

from typing import Any

from support.tinyml.nets import F32, I8, I16, I32, SCALE, ZERO_POINT, Net
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin
from tinycontainer_endpoints.tinyml.model.graph import Model, Tensor

CELL_SCALE = 2.0**-11
TIME_SCALE = 1e-4


def strided_slice(net: Net) -> Model:
    """From both ends, backwards, and one place of a dimension."""
    inputs = [net.input(2, 5, 6, 3)]
    inputs += [net.numbers(0, -1, 1, 2), net.numbers(9, -9, 6, 3), net.numbers(1, -2, 2, 1)]
    options = {"begin_mask": 1, "end_mask": 2, "shrink_axis_mask": 8}
    return net.model(net.add(Builtin.STRIDED_SLICE, inputs, net.tensor(2, 3, 3), 2, **options))


def strided_slice_of_the_first_dimensions(net: Net) -> Model:
    inputs = [net.input(4, 3, 2), net.numbers(1), net.numbers(4), net.numbers(2)]
    return net.model(net.add(Builtin.STRIDED_SLICE, inputs, net.tensor(2, 3, 2), 2))


def transpose(net: Net) -> Model:
    inputs = [net.input(2, 3, 4, 5), net.numbers(3, 0, 2, 1)]
    return net.model(net.add(Builtin.TRANSPOSE, inputs, net.tensor(5, 2, 4, 3), 2))


def split(net: Net) -> Model:
    inputs = [net.numbers(-1, shape=()), net.input(2, 3, 6)]
    parts = [net.tensor(2, 3, 2) for _ in range(3)]
    return net.model(*net.add_parts(Builtin.SPLIT, inputs, parts, num_splits=3))


def split_v(net: Net) -> Model:
    """Three parts, of which one follows from the others and one is of no use."""
    inputs = [net.input(2, 7), net.numbers(2, -1, 1), net.numbers(1, shape=())]
    parts = [net.tensor(2, length) for length in (2, 4, 1)]
    net.add_parts(Builtin.SPLIT_V, inputs, parts, num_splits=3)
    return net.model(parts[0], parts[1])


def cast(net: Net) -> Model:
    """To whole numbers of 32 bits and back."""
    x = net.input(2, 5)
    whole = net.add(Builtin.CAST, [x], net.tensor(2, 5, kind=I32), 1)
    return net.model(whole, net.add(Builtin.CAST, [whole], net.tensor(2, 5), 1))


def divide(net: Net) -> Model:
    inputs = [net.input(2, 3, 4), net.input(1, 3, 1)]
    return net.model(net.add(Builtin.DIV, inputs, net.tensor(2, 3, 4), 1, activation=3))


def minimum(net: Net) -> Model:
    inputs = [net.input(2, 3, 4), net.input(3, 1)]
    return net.model(net.add(Builtin.MINIMUM, inputs, net.tensor(2, 3, 4), 2))


def maximum(net: Net) -> Model:
    quantised: dict[str, Any] = (
        {"scales": (SCALE,), "zero_points": (ZERO_POINT,)} if net.type is I8 else {}
    )
    limit = net.constant(4)
    given = net.tensors[limit]
    net.tensors[limit] = Tensor(given.type, given.shape, b"w", given.data, **quantised)
    inputs = [net.input(2, 4), limit]
    return net.model(net.add(Builtin.MAXIMUM, inputs, net.tensor(2, 4), 2))


def prelu(net: Net) -> Model:
    inputs = [net.input(1, 3, 4, 2), net.constant(1, 1, 2)]
    return net.model(net.add(Builtin.PRELU, inputs, net.tensor(1, 3, 4, 2), 1))


def tanh(net: Net) -> Model:
    quantised: dict[str, Any] = (
        {"scales": (1 / 128,), "zero_points": (0,)} if net.type is I8 else {}
    )
    return net.model(net.add(Builtin.TANH, [net.input(3, 4)], net.tensor(3, 4, **quantised), 2))


def resize(net: Net) -> Model:
    inputs = [net.input(1, 3, 4, 2), net.numbers(7, 5)]
    return net.model(net.add(Builtin.RESIZE_BILINEAR, inputs, net.tensor(1, 7, 5, 2), 3))


def resize_by_corners(net: Net) -> Model:
    inputs = [net.input(1, 3, 4, 2), net.numbers(5, 8)]
    output = net.tensor(1, 5, 8, 2)
    return net.model(net.add(Builtin.RESIZE_BILINEAR, inputs, output, 3, align_corners=True))


def resize_by_centres(net: Net) -> Model:
    inputs = [net.input(1, 4, 4, 1), net.numbers(3, 8)]
    output = net.tensor(1, 3, 8, 1)
    return net.model(net.add(Builtin.RESIZE_BILINEAR, inputs, output, 3, half_pixel_centers=True))


def svdf(net: Net) -> Model:
    """Six filters of rank 2, which remember four inferences."""
    wide = I16 if net.type is I8 else F32
    x = net.input(1, 5)
    inputs = [x, net.constant(6, 5), net.wide(6, 4, scale=TIME_SCALE), net.bias(3)]
    inputs.append(net.variable(1, 24, kind=wide, scale=0.01))
    return _finish_svdf(net, inputs, (1, 3), rank=2)


def svdf_plain(net: Net) -> Model:
    """Rank 1, without a bias."""
    wide = I16 if net.type is I8 else F32
    x = net.input(2, 3)
    inputs = [x, net.constant(4, 3), net.wide(4, 2, scale=TIME_SCALE), -1]
    inputs.append(net.variable(2, 8, kind=wide, scale=0.01))
    return _finish_svdf(net, inputs, (2, 4), rank=1)


def _finish_svdf(net: Net, inputs: list[int], shape: tuple[int, ...], rank: int) -> Model:
    quantised: dict[str, Any] = (
        {"scales": (SCALE,), "zero_points": (-128,)} if net.type is I8 else {}
    )
    output = net.tensor(*shape, **quantised)
    return net.model(net.add(Builtin.SVDF, inputs, output, 3, rank=rank, activation=1))


def lstm(net: Net) -> Model:
    """Three steps of four values into five cells."""
    x = net.input(2, 3, 4)
    inputs = _lstm_inputs(net, x, batch=2, length=4, cells=5, outputs=5)
    return _finish_lstm(net, inputs, net.tensor(2, 3, 5), activation=4, cell_clip=2.0)


def lstm_coupled(net: Net) -> Model:
    """Coupled gates, peepholes and a projection, the steps before the batch."""
    x = net.input(3, 2, 4)
    inputs = _lstm_inputs(net, x, batch=2, length=4, cells=5, outputs=3)
    inputs[1] = inputs[5] = inputs[12] = -1
    inputs[10] = net.constant(5)
    inputs[11] = net.constant(5)
    inputs[16] = net.constant(3, 5)
    inputs[17] = net.bias(3)
    used = {*inputs}
    order = [each for each in range(len(net.tensors)) if each in used]
    net.tensors = [net.tensors[each] for each in order]
    inputs = [order.index(each) if each >= 0 else -1 for each in inputs]
    return _finish_lstm(net, inputs, net.tensor(3, 2, 3), activation=4, time_major=True)


def _lstm_inputs(
    net: Net, x: int, *, batch: int, length: int, cells: int, outputs: int
) -> list[int]:
    inputs = [x]
    inputs += [net.constant(cells, length) for _ in range(4)]
    inputs += [net.constant(cells, outputs) for _ in range(4)]
    inputs += [-1, -1, -1]
    inputs += [net.bias(cells) for _ in range(4)]
    inputs += [-1, -1]
    inputs.append(net.variable(batch, outputs))
    wide = I16 if net.type is I8 else F32
    inputs.append(net.variable(batch, cells, kind=wide, scale=CELL_SCALE))
    return [*inputs, -1, -1, -1, -1]


def _finish_lstm(net: Net, inputs: list[int], output: int, **options: float) -> Model:
    net.add(Builtin.UNIDIRECTIONAL_SEQUENCE_LSTM, inputs, output, 3, **options)
    if net.type is I8:
        between = [net.tensor(1, kind=I16, scales=(2.0**-12,), zero_points=(0,)) for _ in range(4)]
        between.append(net.tensor(1))
        net.give_intermediates(between)
    return net.model(output)


NEWER = (
    strided_slice,
    strided_slice_of_the_first_dimensions,
    transpose,
    split,
    split_v,
    cast,
    divide,
    minimum,
    maximum,
    prelu,
    tanh,
    resize,
    resize_by_corners,
    resize_by_centres,
    svdf,
    svdf_plain,
    lstm,
    lstm_coupled,
)
FLOAT_ONLY = frozenset({divide, lstm_coupled})
"""Recipes of operators, or forms of them, that native code has for numbers with a point only."""
