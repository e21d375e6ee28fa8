"""Small models, made without any library of machine learning: one for each allowed operator."""

import random
import struct
from collections.abc import Callable, Iterator

from support.tinyml.nets import BOTH, F32, I8, I32, SCALE, Net
from support.tinyml.newer_models import FLOAT_ONLY, NEWER
from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin, TensorType
from tinycontainer_endpoints.tinyml.model.graph import Model
from tinycontainer_endpoints.tinyml.model.schema import FieldValue

__all__ = ["BOTH", "F32", "I8", "I32", "RECIPES", "SCALE", "Net", "random_inputs", "seed", "seeds"]


def dense(net: Net) -> Model:
    x = net.input(1, 6)
    inputs = [x, net.constant(4, 6), net.bias(4)]
    return net.model(net.add(Builtin.FULLY_CONNECTED, inputs, net.tensor(1, 4), 4, activation=1))


def dense_plain(net: Net) -> Model:
    x = net.input(2, 3, 6)
    inputs = [x, net.constant(4, 6), -1]
    options: dict[str, FieldValue] = {"keep_num_dims": True}
    return net.model(net.add(Builtin.FULLY_CONNECTED, inputs, net.tensor(2, 3, 4), 6, **options))


def conv(net: Net) -> Model:
    x = net.input(1, 7, 6, 2)
    inputs = [x, net.constant(3, 3, 2, 2, channels=3), net.bias(3, 3)]
    options = {"stride_w": 1, "stride_h": 2, "dilation_w": 1, "dilation_h": 1, "activation": 3}
    return net.model(net.add(Builtin.CONV_2D, inputs, net.tensor(1, 4, 6, 3), 3, **options))


def conv_dilated(net: Net) -> Model:
    x = net.input(2, 8, 8, 1)
    inputs = [x, net.constant(2, 3, 3, 1, channels=2), net.bias(2, 2)]
    options = {"padding": 1, "stride_w": 1, "stride_h": 1, "dilation_w": 2, "dilation_h": 2}
    return net.model(net.add(Builtin.CONV_2D, inputs, net.tensor(2, 4, 4, 2), 3, **options))


def depthwise(net: Net) -> Model:
    x = net.input(1, 6, 5, 3)
    inputs = [x, net.constant(1, 3, 3, 6, channels=6, axis=3), net.bias(6, 6)]
    options = {"stride_w": 1, "stride_h": 1, "depth_multiplier": 2, "activation": 2}
    options |= {"dilation_w": 1, "dilation_h": 1}
    return net.model(
        net.add(Builtin.DEPTHWISE_CONV_2D, inputs, net.tensor(1, 6, 5, 6), 3, **options)
    )


def average_pool(net: Net) -> Model:
    options = {"padding": 1, "stride_w": 2, "stride_h": 1, "filter_w": 2, "filter_h": 3}
    x = net.input(1, 6, 6, 2)
    return net.model(net.add(Builtin.AVERAGE_POOL_2D, [x], net.tensor(1, 4, 3, 2), 2, **options))


def max_pool(net: Net) -> Model:
    options = {"stride_w": 2, "stride_h": 2, "filter_w": 3, "filter_h": 2, "activation": 1}
    x = net.input(1, 5, 6, 2)
    return net.model(net.add(Builtin.MAX_POOL_2D, [x], net.tensor(1, 3, 3, 2), 2, **options))


def reshape(net: Net) -> Model:
    inputs = [net.input(1, 2, 6), net.numbers(3, -1)]
    return net.model(net.add(Builtin.RESHAPE, inputs, net.tensor(3, 4), new_shape=(3, 4)))


def probability(net: Net, *shape: int) -> int:
    """A tensor of probabilities."""
    if net.type is F32:
        return net.tensor(*shape)
    return net.tensor(*shape, scales=(1 / 256,), zero_points=(-128,))


def softmax(net: Net) -> Model:
    x = net.input(2, 5)
    return net.model(net.add(Builtin.SOFTMAX, [x], probability(net, 2, 5), 2, beta=1.0))


def logistic(net: Net) -> Model:
    x = net.input(3, 4)
    return net.model(net.add(Builtin.LOGISTIC, [x], probability(net, 3, 4), 2))


def relu(net: Net) -> Model:
    return net.model(net.add(Builtin.RELU, [net.input(2, 3, 4)], net.tensor(2, 3, 4), 2))


def add(net: Net) -> Model:
    inputs = [net.input(2, 3), net.input(2, 3)]
    return net.model(net.add(Builtin.ADD, inputs, net.tensor(2, 3), 2, activation=1))


def add_broadcast(net: Net) -> Model:
    inputs = [net.input(1, 4, 3), net.constant(3)]
    return net.model(net.add(Builtin.ADD, inputs, net.tensor(1, 4, 3), 2))


def mul(net: Net) -> Model:
    inputs = [net.input(1, 2, 2, 3), net.input(1, 1, 1, 3)]
    return net.model(net.add(Builtin.MUL, inputs, net.tensor(1, 2, 2, 3), 2, activation=3))


def concatenation(net: Net) -> Model:
    inputs = [net.input(1, 2, 3), net.input(1, 4, 3)]
    return net.model(net.add(Builtin.CONCATENATION, inputs, net.tensor(1, 6, 3), 2, axis=-2))


def pad(net: Net) -> Model:
    inputs = [net.input(1, 3, 3, 2), net.numbers(0, 0, 1, 2, 0, 1, 0, 0, shape=(4, 2))]
    return net.model(net.add(Builtin.PAD, inputs, net.tensor(1, 6, 4, 2), 2))


def mean(net: Net) -> Model:
    inputs = [net.input(1, 4, 4, 3), net.numbers(1, 2)]
    return net.model(net.add(Builtin.MEAN, inputs, net.tensor(1, 3), 2))


def mean_kept(net: Net) -> Model:
    inputs = [net.input(2, 5, 3), net.numbers(-2)]
    return net.model(net.add(Builtin.MEAN, inputs, net.tensor(2, 1, 3), 2, keep_dims=True))


def quantised_and_back(net: Net) -> Model:
    x = net.input(2, 4, kind=F32)
    inner = net.add(Builtin.QUANTIZE, [x], net.tensor(2, 4, kind=I8), 1)
    return net.model(net.add(Builtin.DEQUANTIZE, [inner], net.tensor(2, 4, kind=F32), 2))


def branches(net: Net) -> Model:
    """Two inputs and two outputs; a tensor that is used twice."""
    x, y = net.input(1, 4), net.input(1, 4)
    both = net.add(Builtin.ADD, [x, y], net.tensor(1, 4), 2)
    product = net.add(Builtin.MUL, [both, x], net.tensor(1, 4), 2)
    return net.model(both, net.add(Builtin.RELU, [product], net.tensor(1, 4), 2))


RECIPES: dict[str, Callable[[Net], Model]] = {
    recipe.__name__: recipe
    for recipe in (
        dense,
        dense_plain,
        conv,
        conv_dilated,
        depthwise,
        average_pool,
        max_pool,
        reshape,
        softmax,
        logistic,
        relu,
        add,
        add_broadcast,
        mul,
        concatenation,
        pad,
        mean,
        mean_kept,
        quantised_and_back,
        branches,
        *NEWER,
    )
}


def seeds() -> Iterator[tuple[str, Model]]:
    """A model of every recipe, in numbers with a point and in 8-bit integers."""
    for name, recipe in RECIPES.items():
        for kind in (F32,) if recipe in FLOAT_ONLY else BOTH:
            yield f"{name}-{kind.name.lower()}", recipe(Net(kind))


def seed(name: str, kind: TensorType = F32) -> bytes:
    """One of them as a file."""
    return encode_model(RECIPES[name](Net(kind)), names=True)


def random_inputs(model: Model, chance: random.Random) -> list[bytes]:
    """Bytes for each input; numbers with a point are small ones."""
    given = []
    for index in model.inputs:
        tensor = model.tensors[index]
        if tensor.type is F32:
            numbers = (chance.uniform(-3, 3) for _ in range(tensor.elements))
            given.append(struct.pack(f"<{tensor.elements}f", *numbers))
        else:
            given.append(chance.randbytes(tensor.size_bytes))
    return given
