"""The state of a model: whose it is, how it goes on, and when it begins again as zeros."""

import random
from collections.abc import Callable

import pytest
from support.tinyml.client import (
    COMPUTE,
    RESET_INPUTS,
    RESET_MODEL,
    Client,
    bare_session,
    each_backend,
    make_driver,
    refused,
)
from support.tinyml.models import BOTH, RECIPES, Net, random_inputs, seed

from tinycontainer_endpoints.tinyml.driver import TinyML
from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.enumerations import TensorType
from tinycontainer_endpoints.tinyml.model.precheck import examine_model
from tinycontainer_endpoints.tinyml.protocol.codes import ErrorCode

STATEFUL = ("svdf", "lstm")
CHANCE = random.Random(9)
INPUTS = {name: random_inputs(RECIPES[name](Net()), CHANCE) for name in STATEFUL}


def make(backend: str) -> TinyML:
    return make_driver(backend=backend)


def loaded(driver: TinyML, name: str, uid: bytes = b"one", **how: object) -> Client:
    client = Client(driver, uid)
    client.load(seed(name), **how)
    return client


def outputs_of(client: Client, name: str, times: int) -> list[list[bytes]]:
    return [client.infer(INPUTS[name]) for _ in range(times)]


@pytest.mark.clause("TC-TML-24")
@each_backend
@pytest.mark.parametrize("name", STATEFUL)
def test_an_inference_goes_on_from_the_one_before(backend: str, name: str) -> None:
    first, second, third = outputs_of(loaded(make(backend), name), name, 3)
    assert first != second != third


@pytest.mark.clause("TC-TML-24")
@each_backend
@pytest.mark.parametrize("name", STATEFUL)
def test_two_tenants_never_share_a_state(backend: str, name: str) -> None:
    driver = make(backend)
    alone = outputs_of(loaded(make(backend), name), name, 4)
    one, two = loaded(driver, name, b"one"), loaded(driver, name, b"two")
    mixed = [outputs_of(each, name, 1)[0] for _ in range(4) for each in (one, two)]
    assert mixed[::2] == mixed[1::2] == alone


@pytest.mark.clause("TC-TML-24")
@each_backend
@pytest.mark.parametrize("name", STATEFUL)
def test_two_contexts_of_a_container_have_a_state_each(backend: str, name: str) -> None:
    driver = make(backend)
    alone = outputs_of(loaded(make(backend), name), name, 3)
    one, two = loaded(driver, name), loaded(driver, name)
    assert outputs_of(one, name, 3) == outputs_of(two, name, 3) == alone


@pytest.mark.clause("TC-TML-24")
@each_backend
@pytest.mark.parametrize("kind", BOTH)
def test_two_operators_that_share_their_weights_have_a_state_each(
    backend: str, kind: TensorType
) -> None:
    net = Net(kind)
    one = RECIPES["svdf"](net)
    net.chance = random.Random(1)
    both = net.model(*one.outputs, *RECIPES["svdf"](net).outputs)
    accepted = examine_model(encode_model(both))
    pair = bare_session(backend, accepted.content)
    first, second = (bare_session(backend, seed("svdf", kind)) for _ in range(2))
    for _ in range(4):
        here, other = random_inputs(both, CHANCE)
        assert pair.run(here + other) == first.run(here) + second.run(other)


def reload(client: Client, name: str) -> None:
    client.send(RESET_MODEL)
    client.load(seed(name))


@pytest.mark.clause("TC-TML-24")
@each_backend
@pytest.mark.parametrize("name", STATEFUL)
@pytest.mark.parametrize("begin_again", [lambda client, _: client.send(RESET_INPUTS), reload])
def test_a_sequence_begins_again(
    backend: str, name: str, begin_again: Callable[[Client, str], None]
) -> None:
    client = loaded(make(backend), name)
    first = outputs_of(client, name, 3)
    begin_again(client, name)
    assert outputs_of(client, name, 3) == first


@pytest.mark.clause("TC-TML-24")
@each_backend
def test_a_kept_model_keeps_no_state(backend: str) -> None:
    driver = make(backend)
    client = loaded(driver, "svdf", keep=True)
    other = Client(driver, b"one")  # so that the process stays
    first = outputs_of(client, "svdf", 2)
    client.close()
    again = loaded(driver, "svdf")
    assert outputs_of(again, "svdf", 2) == first
    other.close()


@pytest.mark.clause("TC-TML-24")
@each_backend
def test_a_state_that_was_lost_is_an_error_once(backend: str) -> None:
    client = loaded(make(backend), "lstm")
    first = outputs_of(client, "lstm", 2)
    tenant = client.driver._tenants[b"one"]  # type: ignore[attr-defined]
    tenant.worker.end()
    client.give(INPUTS["lstm"])
    with refused(ErrorCode.RUNTIME_ERROR):
        client.send(COMPUTE)
    assert outputs_of(client, "lstm", 2) == first


@pytest.mark.clause("TC-TML-24")
@each_backend
def test_a_model_without_a_state_does_not_mind_the_loss_of_its_process(backend: str) -> None:
    client = Client(make(backend), b"one")
    client.load(seed("relu"))
    inputs = random_inputs(RECIPES["relu"](Net()), CHANCE)
    first = client.infer(inputs)
    client.driver._tenants[b"one"].worker.end()  # type: ignore[attr-defined]
    assert client.infer(inputs) == first
