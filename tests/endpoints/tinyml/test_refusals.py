"""What a refused model is refused with: values, of which a sentence is made."""

import dataclasses
import re
import string

import pytest
from support.tinyml.changes import with_input, with_tensor
from support.tinyml.hostile_models import good
from support.tinyml.models import I8, RECIPES, Net
from support.tinyml.rules.operators import below, single

from tinycontainer_endpoints.tinyml.inspection import inspect_model
from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin
from tinycontainer_endpoints.tinyml.model.flaws import Flaw
from tinycontainer_endpoints.tinyml.model.precheck import check_model
from tinycontainer_endpoints.tinyml.model.refusing import Between, ModelRefused, Place
from tinycontainer_endpoints.tinyml.protocol.codes import ErrorCode
from tinycontainer_endpoints.tinyml.quotas import Quotas


def with_activation(recipe: str, number: int) -> bytes:
    model = RECIPES[recipe](Net(I8))
    (operator,) = model.operators
    options = {**(operator.options or {}), "activation": number}
    operators = (dataclasses.replace(operator, options=options),)
    return encode_model(dataclasses.replace(model, operators=operators))


def refusal_of(content: bytes) -> ModelRefused:
    with pytest.raises(ModelRefused) as caught:
        check_model(content, Quotas())
    return caught.value


def test_two_flaws_never_share_a_sentence() -> None:
    sentences = [flaw.sentence for flaw in Flaw]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.clause("TC-TML-14")
@pytest.mark.parametrize("flaw", Flaw)
def test_a_flaw_has_a_code_of_the_check_and_uses_known_values(flaw: Flaw) -> None:
    codes = (ErrorCode.INVALID_ENCODING, ErrorCode.UNSUPPORTED_OPERATION, ErrorCode.TOO_LARGE)
    assert flaw.code in codes
    used = {name for _, name, _, _ in string.Formatter().parse(flaw.sentence) if name}
    assert used <= {"found", "allowed", "subject"}


def test_a_refusal_carries_what_was_found_and_what_is_allowed() -> None:
    refusal = refusal_of(with_activation("conv", 5))
    assert (refusal.flaw, refusal.found) == (Flaw.ACTIVATION_UNKNOWN, 5)
    assert refusal.place == Place(0, Builtin.CONV_2D)
    assert str(refusal) == (
        "operator 0 (CONV_2D): the built-in activation is 5; allowed are"
        " NONE, RELU, RELU_N1_TO_1, RELU6"
    )


def test_an_activation_where_none_is_supported_is_another_flaw() -> None:
    refusal = refusal_of(with_activation("concatenation", 1))
    assert refusal.flaw is Flaw.ACTIVATION_PRESENT
    assert str(refusal).startswith("operator 0 (CONCATENATION): the built-in activation is 1; only")


def test_a_refusal_names_the_tensor() -> None:
    model = RECIPES["conv"](Net(I8))
    tensors = list(model.tensors)
    tensors[1] = dataclasses.replace(tensors[1], channel_axis=1)
    refusal = refusal_of(encode_model(dataclasses.replace(model, tensors=tuple(tensors))))
    assert str(refusal) == (
        "operator 0 (CONV_2D), tensor 1: the scales lie along dimension 1; the channels lie along 0"
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (range(1, 9), "1 to 8"),
        (range(3, 4), "3"),
        (range(4, 4), "none"),
        (frozenset({6, 1}), "1, 6"),
        ((1, 49, 10, 1), "1 x 49 x 10 x 1"),
        ((), "()"),
        (tuple(range(9)), "0 x 1 x 2 x 3 x 4 x 5 ..."),
        (Between(1e-8, 1e6), "1e-08 to 1e+06"),
        (1 / 256, "0.00390625"),
        (single(0.05), "0.05"),
        (single(1e-8), "1e-08"),
        (below(1e-8), "9.999999e-09"),
        (1e300, "1e+300"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (I8, "I8"),
    ],
)
def test_values_are_shown_in_words(value: object, words: str) -> None:
    refusal = ModelRefused(Flaw.OPERATOR_UNNAMED, found=value)
    assert str(refusal) == f"no operator has the number {words}"


@pytest.mark.parametrize(
    "content",
    [
        with_tensor("add", 0, scales=(below(1e-8),)),
        with_tensor("add", 0, scales=(single(1_000_000.06),)),
        with_input("dense", 1, scales=(below(1e-20),)),
        with_input("svdf", 4, scales=(below(1e-8),)),
    ],
)
def test_a_scale_just_outside_is_not_shown_as_one_that_is_allowed(content: bytes) -> None:
    words = refusal_of(content).sentence
    found, lowest, highest = re.findall(r"is (.*?); allowed are (.*) to (.*)", words)[0]
    assert found not in (lowest, highest)


def test_people_see_the_same_sentence_as_the_owner() -> None:
    content = good()[:-60]
    report = inspect_model(content, "default", {})
    refusal = refusal_of(content)
    assert (report.code, report.verdict) == (refusal.code, str(refusal))
