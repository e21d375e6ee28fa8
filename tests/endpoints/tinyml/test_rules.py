"""Each rule of the check has a model just inside and one just outside.

What is inside runs on every interpreter; what is outside is refused for the reason that is named.
"""

import dataclasses
import struct

import pytest
from support.tinyml.client import bare_session, each_backend
from support.tinyml.hostile_models import graph_of, tree_of
from support.tinyml.models import F32, I8, I32, RECIPES, Net, seed, seeds
from support.tinyml.rules import JUDGED

from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin, TensorType
from tinycontainer_endpoints.tinyml.model.flatbuffer_writer import write_flatbuffer
from tinycontainer_endpoints.tinyml.model.flaws import Flaw
from tinycontainer_endpoints.tinyml.model.precheck import check_model, examine_model
from tinycontainer_endpoints.tinyml.model.refusing import ModelRefused
from tinycontainer_endpoints.tinyml.model.schema import MODEL
from tinycontainer_endpoints.tinyml.quotas import Quotas

FOUND = {
    f"{number}-{'inside' if flaw is None else flaw.name.lower()}": (content, flaw)
    for number, (content, flaw) in enumerate(JUDGED)
}


@pytest.mark.clause("TC-TML-14")
@pytest.mark.parametrize("name", [name for name, (_, flaw) in FOUND.items() if flaw])
def test_a_model_just_outside_of_a_rule_is_refused_for_that_rule(name: str) -> None:
    content, flaw = FOUND[name]
    with pytest.raises(ModelRefused) as caught:
        examine_model(content)
    assert flaw in [each.flaw for each in (caught.value, *caught.value.others)]


@pytest.mark.clause("TC-TML-14")
@each_backend
@pytest.mark.parametrize("name", [name for name, (_, flaw) in FOUND.items() if not flaw])
def test_a_model_just_inside_of_a_rule_runs(backend: str, name: str) -> None:
    content, _ = FOUND[name]
    accepted = examine_model(content)
    session = bare_session(backend, accepted.content)
    made = session.run(bytes(sum(each.size_bytes for each in accepted.inputs)))
    assert len(made) == sum(each.size_bytes for each in accepted.outputs)


@pytest.mark.clause("TC-TML-11", "TC-TML-21")
@pytest.mark.parametrize("name", ["conv", "lstm", "split_v"])
def test_a_quota_that_is_met_exactly_is_enough_and_one_less_is_not(name: str) -> None:
    content = seed(name, I8)
    accepted = examine_model(content)
    sides = (accepted.inputs, accepted.outputs)
    needs = {
        "model_bytes": len(content),
        "arena_bytes": accepted.arena_bytes,
        "macs": accepted.macs,
        "io_bytes": max(sum(each.size_bytes for each in side) for side in sides),
    }
    assert check_model(content, Quotas(**needs)) == accepted
    for quota, needed in needs.items():
        with pytest.raises(ModelRefused) as caught:
            check_model(content, Quotas(**{**needs, quota: needed - 1}))
        assert (caught.value.flaw, caught.value.subject) == (Flaw.QUOTA, quota)


def test_all_quotas_that_are_too_small_are_named_at_once() -> None:
    with pytest.raises(ModelRefused) as caught:
        check_model(seed("conv"), Quotas(arena_bytes=16, macs=1, io_bytes=1))
    assert len(caught.value.reasons) == 3


@pytest.mark.clause("TC-TML-14")
@pytest.mark.parametrize(("name", "model"), list(seeds()), ids=[name for name, _ in seeds()])
def test_an_operator_with_an_input_too_many_or_too_few_is_refused(name: str, model: object) -> None:
    recipe, _, kind = name.rpartition("-")
    wanted = RECIPES[recipe](Net(F32 if kind == "f32" else I8))
    more = dataclasses.replace(
        wanted.operators[-1], inputs=(*wanted.operators[-1].inputs, *wanted.operators[-1].inputs)
    )
    fewer = dataclasses.replace(wanted.operators[-1], inputs=())
    if wanted.operators[-1].code is Builtin.CONCATENATION:
        more = dataclasses.replace(more, inputs=more.inputs * 8)
    for operator in (more, fewer):
        changed = dataclasses.replace(wanted, operators=(*wanted.operators[:-1], operator))
        with pytest.raises(ModelRefused) as caught:
            examine_model(encode_model(changed))
        flaws = {each.flaw for each in (caught.value, *caught.value.others)}
        assert flaws & {Flaw.INPUT_COUNT, Flaw.STATE_ELSEWHERE, Flaw.TENSOR_UNKNOWN}, flaws


@pytest.mark.clause("TC-TML-24")
def test_a_state_belongs_to_one_operator() -> None:
    net = Net()
    x = net.input(1, 5)
    state = net.variable(1, 24)
    for _ in range(2):
        inputs = [x, net.constant(6, 5), net.constant(6, 4), net.bias(3), state]
        net.add(Builtin.SVDF, inputs, net.tensor(1, 3), 3, rank=2, activation=1)
    with pytest.raises(ModelRefused) as caught:
        examine_model(encode_model(net.model(*(each.outputs[0] for each in net.operators))))
    assert caught.value.flaw is Flaw.STATE_ELSEWHERE


@pytest.mark.parametrize("place", ["input", "output", "operand"])
def test_a_state_is_used_by_nothing_else(place: str) -> None:
    net = Net()
    x = net.input(1, 4)
    state = net.variable(1, 4)
    made = net.add(Builtin.ADD, [x, state if place == "operand" else x], net.tensor(1, 4))
    if place == "input":
        net.inputs.append(state)
    model = net.model(made, *([state] if place == "output" else []))
    with pytest.raises(ModelRefused) as caught:
        examine_model(encode_model(model))
    wanted = Flaw.STATE_ELSEWHERE if place == "operand" else Flaw.PORT_STATE
    assert caught.value.flaw is wanted


def test_whole_numbers_of_32_bits_can_be_given_and_read() -> None:
    accepted = examine_model(seed("cast"))
    assert accepted.outputs[0].type is I32


RESIZED = [
    (before, after, option, across)
    for before in (1, 2, 13, 150, 1026, 2050)
    for after in (1, 2, 55, 601, 682, 1025, 2048, 4095, 4096)
    for option in ("", "align_corners", "half_pixel_centers")
    for across in (False, True)
]
"""Sizes before and after, an option, and whether they are those of the width."""


@pytest.mark.clause("TC-TML-15")
@each_backend
@pytest.mark.parametrize("kind", [F32, I8])
def test_no_resized_image_shows_anything_that_is_not_of_the_image(
    backend: str, kind: TensorType
) -> None:
    """Of an image of one value, another value can only come from what is beside it in memory."""
    pixel = bytes([100]) if kind is I8 else struct.pack("<f", 7.0)
    accepted = 0
    for before, after, option, across in RESIZED:
        net = Net(kind)
        old = (1, before) if across else (before, 1)
        new = (1, after) if across else (after, 1)
        inputs = [net.input(1, *old, 1), net.numbers(*new)]
        output = net.tensor(1, *new, 1)
        options = {option: True} if option else {}
        net.add(Builtin.RESIZE_BILINEAR, inputs, output, 3, **options)
        try:
            content = examine_model(encode_model(net.model(output))).content
        except ModelRefused:
            assert kind is I8
            continue
        accepted += 1
        made = bare_session(backend, content).run(pixel * before)
        letters = "b" if kind is I8 else "f"
        values = struct.unpack(f"<{after}{letters}", made)
        assert values == pytest.approx([values[0]] * after), (before, after, option, across)
        assert values[0] == pytest.approx(100 if kind is I8 else 7.0)
    assert accepted >= len(RESIZED) // 2


def misaligned() -> bytes:
    """A model whose vector of 64-bit zero points begins where only one of 32 bits may."""
    content = bytearray(seed("relu", I8))
    place = content.index(struct.pack("<Iq", 1, 3))  # the first zero point, after its count
    for reference in range(0, place, 4):
        if reference + int.from_bytes(content[reference : reference + 4], "little") == place:
            content[reference : reference + 4] = (place - reference - 4).to_bytes(4, "little")
    content[place - 4 : place] = struct.pack("<I", 1)
    return bytes(content)


def test_a_vector_that_is_not_aligned_is_refused() -> None:
    with pytest.raises(ModelRefused) as caught:
        examine_model(misaligned())
    assert caught.value.flaw is Flaw.VECTOR_ALIGNMENT


ELSEWHERE = {
    Flaw.NESTING,  # no table of the schema nests as deep as the reader allows
    Flaw.PARTS_USED_OFTEN,  # test_precheck has it
    Flaw.QUOTA,  # above
    Flaw.VECTOR_ALIGNMENT,  # above
}


def test_every_flaw_is_found_in_some_model() -> None:
    found = set()
    for content, flaw in JUDGED:
        if flaw is not None:
            with pytest.raises(ModelRefused) as caught:
                examine_model(content)
            found |= {each.flaw for each in (caught.value, *caught.value.others)}
    assert {flaw.name for flaw in set(Flaw) - found} == {flaw.name for flaw in ELSEWHERE}


@pytest.mark.clause("TC-TML-14")
@pytest.mark.parametrize(
    ("part", "most"),
    [("buffers", 512), ("operator_codes", 128), ("operators", 128), ("tensors", 256)],
)
def test_as_many_parts_as_allowed_are_not_too_many_and_one_more_is(part: str, most: int) -> None:
    for count in (most, most + 1):
        tree = tree_of(seed("conv", I8))
        owner = tree if part in tree else graph_of(tree)
        parts = owner[part]
        assert isinstance(parts, list)
        owner[part] = parts + [parts[-1]] * (count - len(parts))
        try:
            examine_model(write_flatbuffer(tree, MODEL))
            flaws = []
        except ModelRefused as refusal:
            flaws = [each.flaw for each in (refusal, *refusal.others)]
        assert (Flaw.TOO_MANY in flaws) is (count > most)
