"""Models just inside and just outside of what holds for tensors, shapes and weights."""

from dataclasses import replace
from typing import Any

from support.tinyml.changes import (
    with_input,
    with_operator,
    with_options,
    with_output,
    with_tensor,
    without_input,
)
from support.tinyml.hostile_models import changed, child, graph_of
from support.tinyml.models import BOTH, F32, I8, I32, RECIPES, Net, seed
from support.tinyml.rules.operators import numbers
from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.enumerations import Activation, Builtin, TensorType
from tinycontainer_endpoints.tinyml.model.flaws import Flaw
from tinycontainer_endpoints.tinyml.model.graph import Operator
from tinycontainer_endpoints.tinyml.model.schema import Tree


def tensor(tree: Tree, index: int) -> Tree:
    return child(graph_of(tree), "tensors", index)


def code(tree: Tree) -> Tree:
    return child(tree, "operator_codes", 0)


def operator(tree: Tree, index: int = 0) -> Tree:
    return child(graph_of(tree), "operators", index)


def in_scalars() -> bytes:
    net = Net()
    x = net.input(1)
    scalar = net.add(Builtin.RESHAPE, [x], net.tensor(), new_shape=())
    return encode_model(net.model(net.add(Builtin.RELU, [scalar], net.tensor())))


def of_constants(code: Builtin) -> bytes:
    net = Net()
    x = net.input(2, 3)
    made = net.add(code, [net.constant(2, 3)], net.tensor(2, 3))
    return encode_model(net.model(made, net.add(Builtin.RELU, [x], net.tensor(2, 3))))


def given(code: Builtin, shape: tuple[int, ...], part: tuple[int, ...]) -> bytes:
    """An operator whose second input the container gives, where it has to be a constant."""
    net = Net()
    inputs = [net.input(*shape), net.input(*part)]
    return encode_model(net.model(net.add(code, inputs, net.tensor(*shape))))


def computed_numbers() -> bytes:
    net = Net()
    inputs = [net.input(2, 3), net.input(2, kind=I32)]
    return encode_model(net.model(net.add(Builtin.TRANSPOSE, inputs, net.tensor(2, 3))))


def plain_reshape() -> bytes:
    net = Net()
    return encode_model(net.model(net.add(Builtin.RESHAPE, [net.input(2, 3)], net.tensor(3, 2))))


def mean_of_all() -> bytes:
    net = Net()
    inputs = [net.input(2, 3), net.numbers(0, 1)]
    return encode_model(net.model(net.add(Builtin.MEAN, inputs, net.tensor(1))))


def with_two_states_in_one() -> bytes:
    """An LSTM that would keep its output and its cells in the same tensor."""

    def change(each: Operator) -> Operator:
        inputs = (*each.inputs[:19], each.inputs[18], *each.inputs[20:])
        return replace(each, inputs=inputs)

    return with_operator("lstm", change, F32)


def with_a_state_as_data(name: str, kind: TensorType) -> bytes:
    """What the operator computes with is a variable tensor, as if it had another state."""
    net = Net(kind)
    (made,) = RECIPES[name](net).outputs
    (data,) = net.inputs
    net.tensors[data] = replace(net.tensors[data], is_variable=True)
    net.inputs.clear()
    return encode_model(net.model(made, net.add(Builtin.RELU, [net.input(1)], net.tensor(1))))


def with_peepholes() -> bytes:
    """An 8-bit LSTM with weights that only one of numbers with a point can have."""

    def change(each: Operator) -> Operator:
        biases = each.inputs[12:15]
        return replace(each, inputs=(*each.inputs[:9], *biases, *each.inputs[12:]))

    return with_operator("lstm", change)


def with_intermediates(last: str) -> bytes:
    """An LSTM with a tensor that says a scale, which may be one that is computed as well."""
    net = Net(I8)
    (made,) = RECIPES["lstm"](net).outputs
    *others, own = net.operators[-1].intermediates
    del net.tensors[own]
    given = net.input(1)
    computed, read = net.tensor(1), net.tensor(1)
    choice = {"given": given, "computed": computed, "read": read, "made": made}
    choice["state"] = net.operators[-1].inputs[18]
    net.give_intermediates([*others, net.tensor(1) if last == "own" else choice[last]])
    net.add(Builtin.RELU, [given], computed)
    return encode_model(net.model(made, net.add(Builtin.RELU, [computed], read)))


def changing(name: str, *slots: int) -> bytes:
    """A file that says of an operator which of its inputs it changes."""
    marks = bytes(slot in slots for slot in range(max(slots) + 1))
    return changed(lambda t: operator(t).update(mutating_inputs=marks), seed(name))


SCALED: dict[str, Any] = {"scales": (0.1,), "zero_points": (0,)}
FORMS: list[tuple[bytes, Flaw | None]] = [
    # Tensors.
    (changed(lambda t: tensor(t, 3).update(shape=(1,) * 4)), Flaw.OUTPUT_SHAPE),
    (changed(lambda t: tensor(t, 3).update(shape=(1,) * 5)), Flaw.RANK),
    (changed(lambda t: tensor(t, 0).update(shape_signature=(-1, 6))), None),
    (changed(lambda t: tensor(t, 0).update(shape_signature=(1, 5))), Flaw.SHAPE_SIGNATURE),
    (
        changed(lambda t: tensor(t, 0).update(quantization={"details_type": 1})),
        Flaw.QUANTISATION_DETAILS,
    ),
    (with_tensor("dense", 0, zero_points=(0, 0)), Flaw.ZERO_POINT_COUNT),
    (with_tensor("relu", 0, F32, **SCALED), Flaw.SCALE_OF_PLAIN_NUMBERS),
    (with_input("dense", 1, F32, **SCALED), Flaw.SCALE_OF_PLAIN_NUMBERS),
    (with_tensor("relu", 0, shape=()), Flaw.PORT_SCALAR),
    (in_scalars(), Flaw.SCALAR),
    (with_tensor("cast", 0, F32, type=TensorType.I16), Flaw.PORT_TYPE),
    (with_tensor("relu", 0, F32, type=I32), Flaw.TYPE_NOT_COMPUTED),
    (with_tensor("relu", 0, F32, type=I8, **SCALED), Flaw.TYPES_MIXED),
    (with_input("svdf", 4, F32, data=bytes(96)), Flaw.STATE_CONSTANT),
    (with_input("svdf", 4, F32, data=bytes(96), is_variable=False), Flaw.STATE_NEEDED),
    (changed(lambda t: tensor(t, 3).update(shape=(1, 1 << 20))), Flaw.OUTPUT_SHAPE),
    (changed(lambda t: tensor(t, 3).update(shape=(1, (1 << 20) + 1))), Flaw.DIMENSION),
    (changed(lambda t: tensor(t, 3).update(shape=(1, 0))), Flaw.DIMENSION),
    (changed(lambda t: tensor(t, 1).update(buffer=9)), Flaw.BUFFER_UNKNOWN),
    (changed(lambda t: tensor(t, 0).update(type=5)), Flaw.ELEMENT_TYPE),
    (changed(lambda t: tensor(t, 0).update(type=77)), Flaw.ELEMENT_TYPE),
    (changed(lambda t: tensor(t, 0).update(sparsity={})), Flaw.TENSOR_FIELD),
    (with_tensor("relu", 0, zero_points=(127,)), None),
    (with_tensor("relu", 0, zero_points=(128,)), Flaw.ZERO_POINT_RANGE),
    (with_tensor("relu", 0, zero_points=(-129,)), Flaw.ZERO_POINT_RANGE),
    # The graph.
    (changed(lambda t: graph_of(t).update(operators=[])), Flaw.NO_OPERATORS),
    (changed(lambda t: graph_of(t).update(inputs=(0, 0))), Flaw.PORT_TWICE),
    (changed(lambda t: graph_of(t).update(inputs=(1,))), Flaw.PORT_CONSTANT),
    (changed(lambda t: tensor(t, 0).update(is_variable=True)), Flaw.PORT_STATE),
    (changed(lambda t: operator(t).update(outputs=(0,))), Flaw.TENSOR_MADE_TWICE),
    (changed(lambda t: operator(t).update(outputs=(3, 3))), Flaw.OUTPUT_COUNT),
    (changed(lambda t: operator(t).update(outputs=())), Flaw.OUTPUT_COUNT),
    (changed(lambda t: operator(t).update(inputs=(0, 1, -1))), Flaw.TENSOR_NEVER_USED),
    (with_two_states_in_one(), Flaw.STATE_ELSEWHERE),
    *(
        (with_a_state_as_data(name, kind), Flaw.STATE_ELSEWHERE)
        for name in ("svdf", "lstm")
        for kind in BOTH
    ),
    # Operators.
    (changed(lambda t: code(t).update(code=150)), Flaw.OPERATOR_UNKNOWN),
    (changed(lambda t: code(t).update(custom_code=b"mine", code=32)), Flaw.CUSTOM_OPERATOR),
    (changed(lambda t: code(t).update(deprecated_code=-1)), Flaw.OPERATOR_OLD_NUMBER),
    (changed(lambda t: operator(t).update(code_index=7)), Flaw.OPERATOR_CODE_UNKNOWN),
    (changed(lambda t: operator(t).update(custom_options=b"x")), Flaw.OPERATOR_FIELD),
    (changed(lambda t: operator(t).update(intermediates=(1,))), Flaw.OPERATOR_FIELD),
    (changed(lambda t: operator(t).update(mutating_inputs=b"\1")), Flaw.INPUTS_CHANGED),
    (changed(lambda t: operator(t).update(mutating_inputs=bytes(3))), None),
    (changing("svdf", 4), None),
    (changing("svdf", 0), Flaw.INPUTS_CHANGED),
    (changing("svdf", 1, 4), Flaw.INPUTS_CHANGED),
    (changing("svdf", 5), Flaw.INPUTS_CHANGED),
    (changing("svdf_plain", 3), Flaw.INPUTS_CHANGED),
    (changing("lstm", 18, 19), None),
    (changing("lstm", 9), Flaw.INPUTS_CHANGED),
    (changing("relu", 0), Flaw.INPUTS_CHANGED),
    (changed(lambda t: operator(t).update(options=None, options_type=0)), Flaw.OPTIONS_MISSING),
    (with_options("conv", activation=4), Flaw.ACTIVATION_UNKNOWN),
    (changed(lambda t: child(t, "operator_codes", 0).update(code=5000)), Flaw.OPERATOR_UNNAMED),
    (
        changed(lambda t: operator(t).update(options_type=9, options={"beta": 1.0})),
        Flaw.OPTIONS_TYPE,
    ),
    (of_constants(Builtin.RELU), Flaw.CONSTANT_COMPUTED),
    (with_options("concatenation", activation=int(Activation.RELU)), Flaw.ACTIVATION_PRESENT),
    (
        with_tensor("quantised_and_back", 1, type=F32, scales=(), zero_points=()),
        Flaw.CONVERSION_TYPE,
    ),
    (with_tensor("quantised_and_back", 1, scales=(), zero_points=()), Flaw.SCALE_COUNT),
    # Convolutions and dense layers.
    (with_input("conv", 1, channel_axis=1), Flaw.WEIGHT_SCALE_AXIS),
    (with_input("conv", 1, scales=(0.01,) * 2, zero_points=(0,) * 2), Flaw.WEIGHT_SCALE_COUNT),
    (with_input("dense", 1, zero_points=(1,)), Flaw.WEIGHT_ZERO_POINT),
    (with_options("depthwise", depth_multiplier=3), Flaw.FILTER_DEPTH),
    (with_options("conv", padding=2), Flaw.PADDING_MODE),
    (with_options("max_pool", filter_h=0), Flaw.WINDOW_LENGTH),
    (given(Builtin.FULLY_CONNECTED, (2, 2), (2, 2)), Flaw.WEIGHTS_COMPUTED),
    (with_input("dense", 1, shape=(4, 6, 1)), Flaw.WEIGHT_RANK),
    (with_input("dense_plain", 1, shape=(6, 4)), Flaw.WEIGHT_LENGTH),
    (with_tensor("dense", 0, shape=(1, 7)), Flaw.WEIGHT_DIVISION),
    (with_input("dense", 1, scales=(1e-21,)), Flaw.WEIGHT_SCALE_RANGE),
    (with_input("dense", 1, scales=(1.1e6,)), Flaw.WEIGHT_SCALE_RANGE),
    (with_tensor("conv", 0, shape=(7, 6, 2)), Flaw.IMAGE_RANK),
    (with_input("conv", 1, shape=(3, 6, 2)), Flaw.FILTER_RANK),
    (with_input("conv", 1, shape=(3, 2, 2, 3)), Flaw.FILTER_CHANNELS),
    (with_input("depthwise", 1, shape=(3, 3, 1, 6)), Flaw.FILTER_COUNT),
    (with_options("depthwise", depth_multiplier=0), Flaw.DEPTH_MULTIPLIER),
    (with_options("conv_dilated", dilation_h=3), Flaw.OUTPUT_SHAPE),
    (with_options("conv_dilated", dilation_h=4), Flaw.WINDOW_REACH),
    (with_options("conv_dilated", dilation_h=17), Flaw.DILATION),
    (with_options("conv_dilated", stride_h=65), Flaw.STRIDE),
    # Shapes.
    (with_input("pad", 1, shape=(8,)), Flaw.PADDING_SHAPE),
    (with_input("mean", 1, data=numbers(1, 1)), Flaw.AXIS_TWICE),
    (with_input("reshape", 1, data=numbers(4, 3)), Flaw.SHAPE_WANTED),
    (with_output("reshape", shape=(3, 5)), Flaw.ELEMENT_COUNT),
    (with_input("reshape", 1, shape=(2, 1)), Flaw.SHAPE_LIST),
    (plain_reshape(), Flaw.SHAPE_MISSING),
    (with_tensor("concatenation", 1, shape=(1, 4, 2)), Flaw.CONCATENATED_SHAPE),
    (with_tensor("concatenation", 1, shape=(1, 3, 3)), Flaw.CONCATENATED_LENGTH),
    (with_input("mean", 1, shape=(2, 1)), Flaw.AXIS_LIST),
    (mean_of_all(), Flaw.NO_DIMENSION_LEFT),
    (with_input("mean", 1, type=F32), Flaw.INTEGER_TYPE),
    (with_input("mean", 1, **SCALED), Flaw.INTEGER_SCALES),
    (computed_numbers(), Flaw.INTEGERS_COMPUTED),
    (with_input("transpose", 1, data=numbers(1, 0, 2), shape=(3,)), Flaw.LIST_LENGTH),
    (with_input("split", 0, data=numbers(-1, 0), shape=(2,)), Flaw.SCALAR_COUNT),
    (given(Builtin.PRELU, (2, 3), (2, 3)), Flaw.ALPHA_COMPUTED),
    # States.
    (with_peepholes(), Flaw.WEIGHTS_REFUSED),
    (with_tensor("svdf", 0, shape=(1, 1, 5)), Flaw.SEQUENCE_RANK),
    (with_tensor("lstm", 0, shape=(2, 12)), Flaw.SEQUENCE_RANK),
    (with_tensor("lstm", -5, data=bytes(2)), Flaw.INTERMEDIATE_FILLED),
    (with_tensor("lstm", -5, is_variable=True), Flaw.INTERMEDIATE_FILLED),
    (with_intermediates("own"), None),
    (with_intermediates("given"), Flaw.INTERMEDIATE_USED),
    (with_intermediates("computed"), Flaw.INTERMEDIATE_USED),
    (with_intermediates("read"), Flaw.INTERMEDIATE_USED),
    (with_intermediates("made"), Flaw.INTERMEDIATE_USED),
    (with_intermediates("state"), Flaw.INTERMEDIATE_USED),
    (seed("lstm_coupled"), None),
    (without_input("lstm_coupled", 11, F32), Flaw.WEIGHTS_PARTLY),
]
