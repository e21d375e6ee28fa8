"""What comes out of the endpoint is what the bare interpreter gives, bit for bit."""

import random

import pytest
from support.tinyml.client import BACKENDS, Client, bare_session, each_backend, make_driver
from support.tinyml.models import random_inputs, seeds

from tinycontainer_endpoints.tinyml.driver import TinyML
from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.graph import Model
from tinycontainer_endpoints.tinyml.model.rules.table import RULES

INFERENCES = 5
SEEDS = list(seeds())


@pytest.fixture(scope="module")
def drivers() -> dict[str, TinyML]:
    return {name: make_driver(backend=name) for name in BACKENDS}


@pytest.mark.clause("TC-TML-20")
@each_backend
@pytest.mark.parametrize(("name", "model"), SEEDS, ids=[name for name, _ in SEEDS])
def test_every_operator_gives_the_interpreters_own_bits(
    drivers: dict[str, TinyML], backend: str, name: str, model: Model
) -> None:
    content = encode_model(model)
    client = Client(drivers[backend], name.encode())
    client.load(content)
    bare, chance = bare_session(backend, content), random.Random(name)
    for _ in range(INFERENCES):
        inputs = random_inputs(model, chance)
        found = client.infer(inputs, len(model.outputs))
        assert b"".join(found) == bare.run(b"".join(inputs))
    client.close()


@pytest.mark.clause("TC-TML-15")
def test_the_seeds_exercise_every_operator_of_the_list() -> None:
    exercised = {operator.code for _, model in seeds() for operator in model.operators}
    assert exercised == set(RULES)
