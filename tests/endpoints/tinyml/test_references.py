"""What every operator gives is what its definition says, computed with numpy."""

import random

import pytest
from support.tinyml.client import Client, each_backend, make_driver
from support.tinyml.models import random_inputs, seeds

from tinycontainer_endpoints.tinyml.model.decoding import decode_model
from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin, TensorType
from tinycontainer_endpoints.tinyml.model.graph import Model

INFERENCES = 6
SEEDS = list(seeds())
ROUNDED = {
    Builtin.CONV_2D: 1,
    Builtin.MEAN: 1,
    Builtin.SOFTMAX: 1,
    Builtin.UNIDIRECTIONAL_SEQUENCE_LSTM: 3,
}
"""By how many steps 8-bit integers may differ, where native code approximates a function, or rounds
halves below zero either way (a dilated convolution)."""


@pytest.mark.clause("TC-TML-15")
@each_backend
@pytest.mark.parametrize(("name", "model"), SEEDS, ids=[name for name, _ in SEEDS])
def test_every_operator_computes_what_its_definition_says(
    backend: str, name: str, model: Model
) -> None:
    import numpy as np
    from support.tinyml.reference import TYPES, Reference

    content = encode_model(model)
    model = decode_model(content)  # its scales are rounded to 32 bits
    client = Client(make_driver(backend=backend))
    client.load(content)
    reference = Reference(model)
    chance = random.Random(name)
    steps = max(ROUNDED.get(each.code, 0) for each in model.operators)
    for _ in range(INFERENCES):
        inputs = random_inputs(model, chance)
        found = client.infer(inputs, len(model.outputs))
        wanted = reference.run(inputs)
        for index, data, value in zip(model.outputs, found, wanted, strict=True):
            kind = model.tensors[index].type
            given = np.frombuffer(data, TYPES[kind]).reshape(value.shape)
            if kind is TensorType.F32:
                np.testing.assert_allclose(given, value, rtol=1e-5, atol=1e-5)
            else:
                apart = np.abs(given.astype(int) - value.astype(int)).max()
                assert apart <= steps, (given, value)
    client.close()
