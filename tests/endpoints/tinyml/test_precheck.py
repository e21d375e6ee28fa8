"""What the check refuses, and with which code, before any process is asked for anything."""

import dataclasses
import random
import struct
import time

import pytest
from support.tinyml.changes import with_options, with_tensor
from support.tinyml.client import bare_session, each_backend, refused
from support.tinyml.hostile_models import (
    changed,
    child,
    endless,
    good,
    graph_of,
    greedy,
    leaking,
    recursive,
    tree_of,
)
from support.tinyml.models import F32, I8, RECIPES, Net, seed, seeds

from tinycontainer_endpoints.tinyml.model.decoding import decode_model
from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin
from tinycontainer_endpoints.tinyml.model.flatbuffer_writer import write_flatbuffer
from tinycontainer_endpoints.tinyml.model.flaws import Flaw
from tinycontainer_endpoints.tinyml.model.graph import Model, Tensor
from tinycontainer_endpoints.tinyml.model.precheck import check_model, examine_model
from tinycontainer_endpoints.tinyml.model.refusing import ModelRefused
from tinycontainer_endpoints.tinyml.model.schema import MODEL, Tree
from tinycontainer_endpoints.tinyml.protocol.codes import ErrorCode
from tinycontainer_endpoints.tinyml.quotas import Quotas

QUOTAS = Quotas()
ENCODING, UNSUPPORTED, LARGE = (
    ErrorCode.INVALID_ENCODING,
    ErrorCode.UNSUPPORTED_OPERATION,
    ErrorCode.TOO_LARGE,
)


def operator(tree: Tree) -> Tree:
    return child(graph_of(tree), "operators", 0)


def tensor(tree: Tree, index: int = 0) -> Tree:
    return child(graph_of(tree), "tensors", index)


def code(tree: Tree) -> Tree:
    return child(tree, "operator_codes", 0)


@pytest.mark.clause("TC-TML-14")
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (endless(), UNSUPPORTED),
        (recursive(), UNSUPPORTED),
        (greedy(), UNSUPPORTED),
        (leaking(), UNSUPPORTED),
        (changed(lambda t: tensor(t).update(type=5)), UNSUPPORTED),
        (changed(lambda t: tensor(t).update(type=13)), UNSUPPORTED),
        (changed(lambda t: tensor(t).update(type=14)), UNSUPPORTED),
        (changed(lambda t: tensor(t).update(type=1)), UNSUPPORTED),
        (changed(lambda t: tensor(t).update(is_variable=True)), UNSUPPORTED),
        (changed(lambda t: tensor(t).update(sparsity={})), UNSUPPORTED),
        (changed(lambda t: code(t).update(custom_code=b"mine")), UNSUPPORTED),
        (changed(lambda t: code(t).update(custom_code=b"FlexAdd", code=32)), UNSUPPORTED),
        (changed(lambda t: code(t).update(code=32)), UNSUPPORTED),
        (changed(lambda t: code(t).update(code=119)), UNSUPPORTED),
        (changed(lambda t: code(t).update(deprecated_code=-1)), UNSUPPORTED),
        (changed(lambda t: code(t).update(version=0)), UNSUPPORTED),
        (changed(lambda t: operator(t).update(custom_options=b"x")), UNSUPPORTED),
        (changed(lambda t: operator(t).update(intermediates=(1,))), UNSUPPORTED),
        (changed(lambda t: operator(t).update(mutating_inputs=b"\1")), UNSUPPORTED),
        (changed(lambda t: operator(t).update(inputs=(3, 1, 2))), ENCODING),  # a cycle
        (changed(lambda t: operator(t).update(inputs=(0, 1, 9))), ENCODING),
        (changed(lambda t: operator(t).update(inputs=(0, 1, -1))), ENCODING),  # a dead bias
        (changed(lambda t: operator(t).update(outputs=(0,))), ENCODING),
        (changed(lambda t: operator(t).update(outputs=(3, 3))), ENCODING),
        (changed(lambda t: operator(t).update(code_index=7)), ENCODING),
        (changed(lambda t: operator(t).update(options=None, options_type=0)), ENCODING),
        (changed(lambda t: graph_of(t).update(inputs=(0, 0))), ENCODING),
        (changed(lambda t: graph_of(t).update(inputs=(1,))), ENCODING),
        (changed(lambda t: graph_of(t).update(outputs=())), ENCODING),
        (changed(lambda t: graph_of(t).update(operators=[])), ENCODING),
        (changed(lambda t: tensor(t, 1).update(shape=(4, 7))), ENCODING),  # sizes that lie
        (changed(lambda t: tensor(t, 1).update(shape=(-4, -6))), ENCODING),
        (changed(lambda t: tensor(t, 1).update(buffer=9)), ENCODING),
        (changed(lambda t: tensor(t, 3).update(shape=(1, 400))), ENCODING),
        (changed(lambda t: tensor(t, 3).update(shape=(1, 0))), ENCODING),
        (changed(lambda t: tensor(t, 3).update(shape=(1 << 30, 4))), ENCODING),
        (changed(lambda t: child(t, "buffers", 1).update(data=bytes(8))), ENCODING),
        (changed(lambda t: child(t, "buffers", 1).update(offset=8, size=96)), UNSUPPORTED),
        (changed(lambda t: t.update(version=2)), ENCODING),
        (changed(lambda t: t.update(subgraphs=[graph_of(t), graph_of(t)])), UNSUPPORTED),
        (changed(lambda t: t.update(subgraphs=[])), UNSUPPORTED),
        (b"", ENCODING),
        (b"TFL3" * 20, ENCODING),
        (bytes(4) + b"TFL3", ENCODING),
        (good()[:-80], ENCODING),
        (bytes(1 << 17), LARGE),
    ],
)
def test_a_hostile_model_is_refused_with_the_right_code(
    content: bytes, expected: ErrorCode
) -> None:
    with refused(expected):
        check_model(content, QUOTAS)


def without_bias(model: Model) -> Model:
    """A convolution whose bias is left out."""
    (conv,) = model.operators
    operators = (dataclasses.replace(conv, inputs=(*conv.inputs[:2], -1)),)
    return dataclasses.replace(model, operators=operators, tensors=model.tensors)


@pytest.mark.clause("TC-TML-14")
@pytest.mark.parametrize(
    "content",
    [
        encode_model(without_bias(RECIPES["conv"](Net()))),
        with_tensor("dense", 0, scales=()),
        with_tensor("dense", 0, scales=(float("nan"),)),
        with_tensor("dense", 0, scales=(0.0,)),
        with_tensor("dense", 0, scales=(-1.0,)),
        with_tensor("dense", 0, zero_points=(128,)),
        with_tensor("dense", 1, zero_points=(1,)),
        with_tensor("dense", 3, scales=(1e-7,)),
        with_tensor("conv", 1, channel_axis=1),
        with_tensor("conv", 1, scales=(0.01, 0.01), zero_points=(0, 0)),
        with_tensor("depthwise", 1, channel_axis=0),
        with_tensor("add", 2, scales=(1e-8,)),
        with_tensor("softmax", 1, scales=(0.5,)),
        with_tensor("logistic", 1, zero_points=(0,)),
        with_tensor("max_pool", 1, scales=(0.5,)),
        with_tensor("pad", 1, shape=(8,)),
        with_tensor("pad", 1, data=struct.pack("<8i", 0, 0, -1, 4, 0, 1, 0, 0)),
        with_tensor("mean", 1, data=struct.pack("<2i", 1, 1)),
        with_tensor("mean", 1, data=struct.pack("<2i", 1, 7)),
        with_tensor("reshape", 1, data=struct.pack("<2i", 4, 3)),
        with_options("conv", stride_h=0),
        with_options("conv", dilation_w=0),
        with_options("conv", dilation_w=-1),
        with_options("conv", padding=2),
        with_options("conv", activation=5),
        with_options("depthwise", depth_multiplier=3),
        with_options("max_pool", filter_h=0),
        with_options("max_pool", filter_h=1000),
        with_options("max_pool", stride_w=0),
        with_options("dense", weights_format=1),
        with_options("concatenation", axis=5),
    ],
)
def test_an_operator_that_its_rule_forbids_is_refused(content: bytes) -> None:
    with pytest.raises(ModelRefused) as caught:
        check_model(content, QUOTAS)
    assert caught.value.code in (ENCODING, UNSUPPORTED)


@pytest.mark.clause("TC-TML-11", "TC-TML-21")
@pytest.mark.parametrize(
    "quotas",
    [
        Quotas(model_bytes=64),
        Quotas(arena_bytes=16),
        Quotas(macs=1),
        Quotas(io_bytes=1),
    ],
)
def test_a_model_beyond_a_quota_is_too_large(quotas: Quotas) -> None:
    with refused(LARGE):
        check_model(good(), quotas)


@pytest.mark.clause("TC-TML-16")
@pytest.mark.parametrize(("name", "model"), list(seeds()), ids=[name for name, _ in seeds()])
def test_what_native_code_gets_says_the_same_and_is_ours(name: str, model: Model) -> None:
    sent = decode_model(encode_model(model))  # scales are rounded to 32 bits
    nameless = tuple(dataclasses.replace(each, name=b"") for each in sent.tensors)
    accepted = examine_model(encode_model(sent))
    read = decode_model(accepted.content)
    assert (read.tensors, read.inputs, read.outputs) == (nameless, model.inputs, model.outputs)
    assert encode_model(read) == accepted.content


@pytest.mark.clause("TC-TML-16")
def test_bytes_that_nobody_understands_do_not_reach_native_code() -> None:
    secret = b"whatever a tenant hides here"
    assert secret not in check_model(good() + secret, QUOTAS).content


def sharing(constants: int) -> bytes:
    """A model that adds a constant many times over; all its constants share a buffer."""
    net = Net()
    made = net.input(1, 1000)
    constant = struct.pack("<1000f", *range(1000))
    for _ in range(constants):
        net.tensors.append(Tensor(F32, (1, 1000), data=constant))
        made = net.add(Builtin.ADD, [made, len(net.tensors) - 1], net.tensor(1, 1000), 1)
    tree = tree_of(encode_model(net.model(made)))
    tree["buffers"] = [{}, {"data": constant}]
    for index, each in enumerate(net.tensors):
        child(graph_of(tree), "tensors", index)["buffer"] = int(each.is_constant)
    return write_flatbuffer(tree, MODEL)


@pytest.mark.clause("TC-TML-16")
@each_backend
def test_constants_that_share_a_buffer_share_it_in_what_native_code_gets(backend: str) -> None:
    content = sharing(100)
    accepted = check_model(content, QUOTAS)
    assert len(accepted.content) < 2 * len(content)
    session = bare_session(backend, accepted.content)
    for begin in (0.0, 1.0):
        made = session.run(struct.pack("<1000f", *[begin] * 1000))
        assert struct.unpack("<1000f", made) == tuple(begin + 100 * each for each in range(1000))


def test_numbers_of_a_known_model() -> None:
    accepted = examine_model(seed("conv", I8))
    assert accepted.macs == 4 * 6 * 3 * 3 * 2 * 2
    assert accepted.arena_bytes == -(-7 * 6 * 2 // 16) * 16 + -(-4 * 6 * 3 // 16) * 16
    assert accepted.operators == {"CONV_2D": 1}


def test_parts_that_are_used_over_and_over_are_bounded() -> None:
    tree = tree_of(good())
    shared = tensor(tree)
    graph_of(tree)["tensors"] = [shared] * 200
    started = time.perf_counter()
    with pytest.raises(ModelRefused):
        check_model(changed(lambda t: t.update(tree)), QUOTAS)
    assert time.perf_counter() - started < 5


def test_the_longest_list_of_the_smallest_tables_is_refused_in_time() -> None:
    count = 16_000
    file = bytearray(struct.pack("<I4s", 16, b"TFL3"))
    file += struct.pack("<HHHH", 8, 8, 0, 4)  # a vtable with operator codes
    file += struct.pack("<iI", 8, 4)  # the root, whose vector follows
    vector = len(file)
    file += struct.pack("<I", count)
    table = vector + 4 + 4 * count
    file += b"".join(
        struct.pack("<I", table + 4 - (vector + 4 + 4 * index)) for index in range(count)
    )
    file += struct.pack("<HHi", 4, 4, 4)
    started = time.perf_counter()
    with pytest.raises(ModelRefused, match="used too often"):
        check_model(bytes(file), Quotas(model_bytes=1 << 20))
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("uses", [1, 2, 3])
def test_a_long_vector_that_tables_share_is_not_read_over_and_over(uses: int) -> None:
    length = 64 * 1024
    file = bytearray(struct.pack("<I4s", 24, b"TFL3"))
    file += struct.pack("<7H2x", 14, 8, 0, 0, 0, 0, 4)  # a vtable with buffers
    file += struct.pack("<iI", 16, 4)  # the root, whose vector follows
    vector = len(file)
    file += struct.pack("<I", uses)
    buffer = vector + 4 + 4 * uses + 8
    file += b"".join(struct.pack("<I", buffer - (vector + 4 + 4 * each)) for each in range(uses))
    file += struct.pack("<3H2x", 6, 8, 4)
    file += struct.pack("<iII", 8, 4, length) + bytes(length)
    with pytest.raises(ModelRefused) as caught:
        check_model(bytes(file), Quotas(model_bytes=1 << 20))
    assert (caught.value.flaw is Flaw.PARTS_USED_OFTEN) is (uses > 1)


def test_random_bytes_raise_nothing_but_refusals() -> None:
    chance = random.Random(3)
    for _ in range(2000):
        content = bytes(4) + b"TFL3" + chance.randbytes(chance.randrange(200))
        content = struct.pack("<I", chance.randrange(8, 40) & ~3) + content[4:]
        with pytest.raises(ModelRefused):
            check_model(content, QUOTAS)


def test_a_tensor_knows_its_size() -> None:
    assert Tensor(I8, (2, 3)).size_bytes == 6
