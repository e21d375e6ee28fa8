"""Models just inside and just outside of the rules of operators, and what those outside break."""

import dataclasses
import struct

from support.tinyml.changes import (
    many_inputs,
    many_outputs,
    with_input,
    with_operator,
    with_options,
    with_output,
    with_tensor,
    with_version,
    without_input,
)
from support.tinyml.models import F32, I8, RECIPES, Net, seed
from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin, TensorType
from tinycontainer_endpoints.tinyml.model.flaws import Flaw
from tinycontainer_endpoints.tinyml.model.schema import NEWEST_VERSIONS

INF, NAN = float("inf"), float("nan")


def sliced(begin: int, end: int, stride: int) -> bytes:
    """A model that takes one place of a dimension of four."""
    net = Net(I8)
    inputs = [net.input(4, 3, 2), net.numbers(begin), net.numbers(end), net.numbers(stride)]
    return encode_model(net.model(net.add(Builtin.STRIDED_SLICE, inputs, net.tensor(1, 3, 2), 2)))


def numbers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


def single(value: float) -> float:
    """The number nearest to it that a model can hold."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def below(value: float) -> float:
    """The largest number that a model can hold and that is smaller than the nearest to it."""
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    return float(struct.unpack("<f", struct.pack("<I", bits - 1))[0])


def pooled(window: int, height: int = 5) -> bytes:
    """A pool with padding, whose window may be larger than the image."""
    net = Net(I8)
    options = {"stride_w": 1, "stride_h": 1, "filter_w": 1, "filter_h": window}
    x = net.input(1, height, 3, 1)
    output = net.tensor(1, height, 3, 1)
    return encode_model(net.model(net.add(Builtin.MAX_POOL_2D, [x], output, 2, **options)))


def padded(before: int) -> bytes:
    net = Net()
    inputs = [net.input(1, 1), net.numbers(0, 0, before, 0, shape=(2, 2))]
    return encode_model(net.model(net.add(Builtin.PAD, inputs, net.tensor(1, 1 + before))))


def dense_with_given_bias() -> bytes:
    """The container gives the bias."""
    net = Net()
    inputs = [net.input(1, 6), net.constant(4, 6), net.input(4)]
    output = net.tensor(1, 4)
    return encode_model(net.model(net.add(Builtin.FULLY_CONNECTED, inputs, output)))


def three_added() -> bytes:
    net = Net()
    inputs = [net.input(2, 3) for _ in range(3)]
    return encode_model(net.model(net.add(Builtin.ADD, inputs, net.tensor(2, 3))))


def constant_added(constants: int, code: Builtin = Builtin.ADD) -> bytes:
    """Of two operands so many are constants; nothing is dead."""
    net = Net()
    x = net.input(3)
    inputs = [net.constant(3) if each < constants else x for each in range(2)]
    made = net.add(code, inputs, net.tensor(3))
    return encode_model(net.model(made, net.add(Builtin.RELU, [x], net.tensor(3))))


def joined(constants: int, inputs: int = 3) -> bytes:
    net = Net()
    parts = [net.constant(1, 2) for _ in range(constants)]
    parts += [net.input(1, 2) for _ in range(inputs - constants)]
    x = net.input(1, 1)
    made = net.add(Builtin.CONCATENATION, parts, net.tensor(1, 2 * inputs), axis=1)
    return encode_model(net.model(made, net.add(Builtin.RELU, [x], net.tensor(1, 1))))


def left_out_of_an_add() -> bytes:
    """A third input that is left out, where there are only two."""
    return with_operator("add", lambda each: dataclasses.replace(each, inputs=(*each.inputs, -1)))


def with_a_part_too_many() -> bytes:
    return with_options("split", num_splits=2)


def resized(height: int, new: int, kind: TensorType = I8, **options: bool) -> bytes:
    """An image that becomes higher or lower; its width stays."""
    net = Net(kind)
    inputs = [net.input(1, height, 1, 1), net.numbers(new, 1)]
    output = net.tensor(1, new, 1, 1)
    return encode_model(net.model(net.add(Builtin.RESIZE_BILINEAR, inputs, output, 3, **options)))


def widened(width: int, new: int) -> bytes:
    """The same with rows and columns exchanged."""
    net = Net(I8)
    inputs = [net.input(1, 1, width, 1), net.numbers(1, new)]
    output = net.tensor(1, 1, new, 1)
    return encode_model(net.model(net.add(Builtin.RESIZE_BILINEAR, inputs, output, 3)))


def with_bias(name: str, kind: TensorType, *scales: float) -> bytes:
    """An operator with a state, of whose bias the scales are these."""
    slot = {"svdf": 3, "lstm": 15}[name]
    return with_input(name, slot, kind, scales=scales, zero_points=(0,) * len(scales))


INSIDE = ((1, 54), (1, 683), (149, 600), (2048, 4096), (3, 7))
BEYOND = ((1, 55), (1, 682), (2, 4096), (150, 601), (2050, 4096))
"""Heights or widths before and after, for which native code that rounds the ratio reads the last
row or column, or one beyond it."""
BIASES: list[tuple[TensorType, Flaw | None, tuple[float, ...]]] = [
    (I8, None, ()),
    (I8, None, (1e-30,)),
    (I8, None, (1e38,)),
    (I8, Flaw.BIAS_SCALE_COUNT, (0.1, 0.1)),
    (I8, Flaw.BIAS_SCALE_FINITE, (0.0,)),
    (I8, Flaw.BIAS_SCALE_FINITE, (-0.1,)),
    (I8, Flaw.BIAS_SCALE_FINITE, (INF,)),
    (I8, Flaw.BIAS_SCALE_FINITE, (NAN,)),
    (F32, None, ()),
    (F32, Flaw.BIAS_SCALE_COUNT, (0.1,)),
]
"""Scales of the bias of an operator with a state."""
DENSE_SCALE = single(single(0.05) * single(0.01))
OPERATORS: list[tuple[bytes, Flaw | None]] = [
    # The kind of D6: the check was weaker than the interpreter.
    (with_input("conv", 2, channel_axis=3), None),
    (with_input("depthwise", 2, channel_axis=3), None),
    (with_tensor("dense", 0, channel_axis=9), None),
    *(
        (with_version(name, NEWEST_VERSIONS[RECIPES[name](Net(I8)).operators[-1].code]), None)
        for name in RECIPES
        if name not in ("divide", "lstm_coupled")
    ),
    (with_version("dense", 99), Flaw.OPERATOR_VERSION),
    (with_version("lstm", 5), Flaw.OPERATOR_VERSION),
    (with_version("relu", 0), Flaw.OPERATOR_VERSION),
    (with_input("dense", 2, scales=(DENSE_SCALE + 0.0009,)), None),
    (with_input("dense", 2, scales=(DENSE_SCALE + 0.0011,)), Flaw.BIAS_SCALE_RANGE),
    (with_input("dense", 2, scales=(1e38,)), Flaw.BIAS_SCALE_RANGE),
    (with_input("dense", 2, scales=(NAN,)), Flaw.BIAS_SCALE_RANGE),
    (with_input("dense", 2, scales=(), zero_points=()), Flaw.BIAS_SCALE_COUNT),
    (with_input("conv", 2, scales=(1e38,) * 3), Flaw.BIAS_SCALE_RANGE),
    (with_input("conv", 2, scales=(), zero_points=()), None),
    (left_out_of_an_add(), Flaw.TENSOR_UNKNOWN),
    # Biases.
    (dense_with_given_bias(), Flaw.BIAS_COMPUTED),
    (with_input("conv", 2, type=F32, scales=(), zero_points=()), Flaw.BIAS_TYPE),
    (with_input("dense", 2, type=F32, scales=(), zero_points=()), Flaw.BIAS_TYPE),
    (with_input("dense", 2, shape=(2, 2)), Flaw.BIAS_SHAPE),
    (with_input("dense", 2, zero_points=(1,)), Flaw.BIAS_ZERO_POINT),
    (without_input("dense", 2), None),
    (without_input("conv", 2), Flaw.TENSOR_UNKNOWN),
    # Softmax.
    (with_options("softmax", beta=64.0), None),
    (with_options("softmax", beta=65.0), Flaw.BETA),
    (with_options("softmax", beta=0.0), Flaw.BETA),
    (with_options("softmax", beta=-1.0), Flaw.BETA),
    (with_options("softmax", beta=INF), Flaw.BETA),
    (with_options("softmax", beta=NAN), Flaw.BETA),
    # Ports.
    (many_inputs(8), None),
    (many_inputs(9), Flaw.PORT_COUNT),
    (many_outputs(8), None),
    (many_outputs(9), Flaw.PORT_COUNT),
    # Numbers of inputs.
    (three_added(), Flaw.INPUT_COUNT),
    (joined(0, 6), None),
    (seed("logistic"), None),
    # Windows.
    (pooled(5), None),
    (pooled(6), Flaw.POOL_WINDOW),
    (padded(1 << 16), None),
    (padded((1 << 16) + 1), Flaw.PADDING_RANGE),
    # Scales for which native code would end the process.
    (with_output("add", scales=(single(2 * 0.05 / (1 << 20)) * 1.001,)), None),
    (with_output("add", scales=(single(2 * 0.05 / (1 << 20)) * 0.999,)), Flaw.ADDED_SCALE_RATIO),
    (with_output("mul", scales=(single(0.05 * 0.05 / 256) * 1.001,)), None),
    (with_output("mul", scales=(single(0.05 * 0.05 / 256) * 0.999,)), Flaw.SCALE_RATIO),
    (with_output("relu", scales=(single(0.05 / 256) * 1.001,)), None),
    (with_output("relu", scales=(single(0.05 / 256) * 0.999,)), Flaw.SCALE_RATIO),
    (with_tensor("relu", 0, scales=(single(1e-8) * 1.001,)), None),
    (with_tensor("relu", 0, scales=(single(1e-8) * 0.99,)), Flaw.SCALE_RANGE),
    (with_output("relu", scales=(1e6,)), None),
    (with_output("relu", scales=(1.1e6,)), Flaw.SCALE_RANGE),
    # Constants among the operands.
    (constant_added(1), None),
    (constant_added(2), Flaw.ALL_CONSTANT),
    (constant_added(1, Builtin.MINIMUM), None),
    (joined(1), None),
    (joined(3), Flaw.ALL_CONSTANT),
    # Cutting and turning.
    (with_input("strided_slice", 3, data=numbers(0, -2, 2, 1)), Flaw.SLICE_STRIDE),
    (sliced(1, 4, 1 << 20), None),
    (sliced(1, 4, (1 << 20) + 1), Flaw.SLICE_STRIDE),
    (sliced(1, -9, -(1 << 20)), None),
    (sliced(1, -9, -(1 << 20) - 1), Flaw.SLICE_STRIDE),
    (with_input("strided_slice", 1, data=numbers(0, -1, 1, -3)), None),
    (with_input("strided_slice", 1, data=numbers(0, -1, 1, 3)), Flaw.SLICE_SHRUNK),
    (with_input("strided_slice", 1, data=numbers(0, -1, 1, -4)), Flaw.SLICE_SHRUNK),
    (with_input("strided_slice", 1, data=numbers(0, -9, 1, 2)), Flaw.SLICE_EMPTY),
    (with_input("strided_slice", 2, shape=(2, 2)), Flaw.LIST_RANK),
    (with_options("strided_slice", begin_mask=17), Flaw.MASK),
    (with_options("strided_slice", ellipsis_mask=1), Flaw.OPTION_VALUE),
    (with_options("strided_slice", new_axis_mask=1), Flaw.OPTION_VALUE),
    (with_output("strided_slice", shape=(2, 3, 2)), Flaw.OUTPUT_SHAPE),
    (with_input("transpose", 1, data=numbers(3, 0, 2, 2)), Flaw.PERMUTATION),
    (with_input("transpose", 1, data=numbers(4, 0, 2, 1)), Flaw.PERMUTATION),
    (with_input("transpose", 1, data=numbers(-1, 0, 2, 1)), Flaw.PERMUTATION),
    (with_output("transpose", scales=(0.5,)), Flaw.QUANTISATION_CHANGED),
    (with_a_part_too_many(), Flaw.SPLIT_COUNT),
    (with_input("split", 0, data=numbers(-4)), Flaw.AXIS),
    (with_input("split", 0, data=numbers(-2)), Flaw.OUTPUT_SHAPE),
    (with_input("split", 0, data=numbers(0)), Flaw.SPLIT_DIVISION),
    (with_input("split_v", 1, data=numbers(-1, 4, 1)), None),
    (with_input("split_v", 1, data=numbers(2, 4, 1)), None),
    (with_input("split_v", 1, data=numbers(-1, -1, 1)), Flaw.SPLIT_SIZES),
    (with_input("split_v", 1, data=numbers(2, 4, 2)), Flaw.SPLIT_SIZES),
    (with_input("split_v", 1, data=numbers(8, -1, 1)), Flaw.SPLIT_SIZES),
    (with_input("split_v", 1, data=numbers(6, 0, 1)), Flaw.SPLIT_SIZES),
    # Element by element.
    (with_tensor("cast", 1, type=I8, scales=(0.1,), zero_points=(0,)), None),
    (with_output("cast", shape=(5, 2)), Flaw.OUTPUT_SHAPE),
    (encode_model(RECIPES["divide"](Net(I8))), Flaw.DIVISION_TYPE),
    (with_output("minimum", scales=(0.5,)), Flaw.QUANTISATION_CHANGED),
    (with_input("prelu", 1, scales=(single(256) * 0.999,)), None),
    (with_input("prelu", 1, scales=(256.0,)), Flaw.SCALE_RATIO),
    (with_input("prelu", 1, shape=(1, 2, 1)), Flaw.BROADCAST),
    (with_output("tanh", scales=(1 / 127,)), Flaw.FIXED_SCALE),
    (with_output("tanh", zero_points=(1,)), Flaw.FIXED_SCALE),
    # Resizing.
    (with_options("resize_by_corners", half_pixel_centers=True), Flaw.CENTRES),
    (with_input("resize", 1, data=numbers(0, 5)), Flaw.RESIZED),
    (with_input("resize", 1, data=numbers(-7, 5)), Flaw.RESIZED),
    (with_input("resize", 1, data=numbers(4097, 5)), Flaw.RESIZED),
    (with_input("resize", 1, data=numbers(7, 6)), Flaw.OUTPUT_SHAPE),
    *((resized(before, after), None) for before, after in INSIDE),
    *((resized(before, after), Flaw.RESIZED_BEYOND) for before, after in BEYOND),
    *((resized(before, after, F32), None) for before, after in BEYOND),
    *((widened(before, after), None) for before, after in INSIDE),
    *((widened(before, after), Flaw.RESIZED_BEYOND) for before, after in BEYOND),
    (resized(2051, 4096, align_corners=True), Flaw.RESIZED_BEYOND),
    (resized(2050, 4096, align_corners=True), None),
    (resized(2, 4096, align_corners=True), None),
    (resized(2051, 4096, F32, align_corners=True), None),
    (resized(2051, 1, align_corners=True), None),
    (resized(2050, 4096, half_pixel_centers=True), Flaw.RESIZED_BEYOND),
    (resized(2050, 1, half_pixel_centers=True), None),
    # Scales, at the lowest that is allowed and at the number of 32 bits below it.
    (with_tensor("add", 0, scales=(single(1e-8),)), None),
    (with_tensor("add", 0, scales=(below(1e-8),)), Flaw.SCALE_RANGE),
    (with_input("dense", 1, scales=(single(1e-20),)), None),
    (with_input("dense", 1, scales=(below(1e-20),)), Flaw.WEIGHT_SCALE_RANGE),
    (with_input("svdf", 1, scales=(single(1e-20),)), None),
    (with_input("svdf", 1, scales=(below(1e-20),)), Flaw.PART_SCALE),
    (with_input("svdf", 4, scales=(below(1e-8),)), Flaw.PART_SCALE),
    # SVDF.
    (with_options("svdf", rank=4), Flaw.RANK_OPTION),
    (with_options("svdf", rank=0), Flaw.RANK_OPTION),
    (with_options("svdf", rank=-2), Flaw.RANK_OPTION),
    (with_options("svdf", activation=0), Flaw.OPTION_VALUE),
    (with_options("svdf", kind=F32, activation=0), None),
    (with_output("svdf", zero_points=(0,)), Flaw.PART_ZERO_POINT),
    (with_options("svdf", asymmetric_inputs=True), Flaw.OPTION_VALUE),
    (with_input("svdf", 4, is_variable=False), Flaw.TENSOR_NOT_YET_MADE),
    (with_input("svdf", 4, shape=(1, 23)), Flaw.PART_SHAPE),
    (with_input("svdf", 4, scales=()), Flaw.PART_SCALES),
    (with_input("svdf", 4, scales=(1e-9,)), Flaw.PART_SCALE),
    (with_input("svdf", 2, type=I8, shape=(6, 8)), Flaw.PART_TYPE),
    (with_input("svdf", 1, shape=(10, 3)), Flaw.PART_SHAPE),
    (without_input("svdf", 2), Flaw.WEIGHTS_MISSING),
    (without_input("svdf", 3), None),
    (with_bias("svdf", I8, 0.1, 0.2, 0.3), None),
    (with_bias("svdf", F32, 0.1, 0.2, 0.3), Flaw.BIAS_SCALE_COUNT),
    (with_bias("lstm", I8, 0.1, 0.2, 0.3, 0.4, 0.5), None),
    *(
        (with_bias(name, kind, *scales), flaw)
        for name in ("svdf", "lstm")
        for kind, flaw, scales in BIASES
    ),
    # LSTM.
    (with_options("lstm", activation=1), Flaw.OPTION_VALUE),
    (with_options("lstm", cell_clip=-1.0), Flaw.CLIP),
    (with_options("lstm", cell_clip=NAN), Flaw.CLIP),
    (with_options("lstm", diagonal_recurrent_tensors=True), Flaw.OPTION_VALUE),
    (with_options("lstm", time_major=True), Flaw.PART_SHAPE),
    (without_input("lstm", 1), Flaw.WEIGHTS_PARTLY),
    (without_input("lstm", 2), Flaw.WEIGHTS_MISSING),
    (without_input("lstm", 8), Flaw.WEIGHTS_MISSING),
    (without_input("lstm", 15), Flaw.WEIGHTS_MISSING),
    (without_input("lstm", 18), Flaw.WEIGHTS_MISSING),
    (without_input("lstm_coupled", 10, F32), Flaw.WEIGHTS_PARTLY),
    (without_input("lstm_coupled", 16, F32), Flaw.WEIGHTS_PARTLY),
    (without_input("lstm_coupled", 17, F32), None),
    (with_input("lstm", 3, shape=(4, 5)), Flaw.PART_SHAPE),
    (with_input("lstm", 3, scales=(single(256 / 4096 / 0.05) * 0.999,)), None),
    (with_input("lstm", 3, scales=(single(256 / 4096 / 0.05) * 1.001,)), Flaw.SCALE_RATIO),
    (with_input("lstm", 19, scales=(2.0**-9,)), None),
    (with_input("lstm", 19, scales=(2.0**-15,)), None),
    (with_input("lstm", 19, scales=(2.0**-8,)), Flaw.PART_SCALE),
    (with_input("lstm", 19, scales=(2.0**-16,)), Flaw.PART_SCALE),
    (with_input("lstm", 19, scales=(0.001,)), Flaw.PART_SCALE),
    (with_input("lstm", 18, zero_points=(0,)), Flaw.QUANTISATION_CHANGED),
    (with_tensor("lstm", -1, scales=()), Flaw.SCALE_COUNT),
    (
        with_operator(
            "lstm", lambda each: dataclasses.replace(each, intermediates=each.intermediates[:4])
        ),
        Flaw.INTERMEDIATE_COUNT,
    ),
    (
        with_operator("lstm", lambda each: dataclasses.replace(each, inputs=each.inputs[:20])),
        Flaw.INPUT_COUNT,
    ),
]
