"""The committed models: how well they do, and that the endpoint gives their bits."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from support.project import ROOT
from support.tinyml.client import (
    BACKENDS,
    Client,
    bare_session,
    each_backend,
    make_driver,
    needs_backend,
)

from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.enumerations import TensorType
from tinycontainer_endpoints.tinyml.model.graph import Tensor
from tinycontainer_endpoints.tinyml.model.precheck import AcceptedModel, check_model, examine_model
from tinycontainer_endpoints.tinyml.processes.backends import Session
from tinycontainer_endpoints.tinyml.quotas import Quotas

MODELS = ROOT / "examples" / "models"
NAMES = sorted(path.stem for path in MODELS.glob("*.tflite"))
Array = Any


def content_of(name: str) -> bytes:
    return (MODELS / f"{name}.tflite").read_bytes()


def test_the_models_are_there_and_fit_the_default_quotas() -> None:
    assert NAMES == [
        "autoencoder-float",
        "autoencoder-int8",
        "keywords-int8",
        "sine-float",
        "sine-int8",
    ]
    models = {name: check_model(content_of(name), Quotas()) for name in NAMES}
    assert models["keywords-int8"].macs == 2_664_844
    assert all(accepted.model_bytes == len(content_of(name)) for name, accepted in models.items())


class Interpreter:
    """A model that takes and gives numbers, through a session or a function on bytes."""

    def __init__(self, accepted: AcceptedModel, run: Callable[[bytes], bytes]) -> None:
        (self._given,), (self._made,) = accepted.inputs, accepted.outputs
        self._run = run

    def __call__(self, examples: Array) -> Array:
        import numpy as np

        return np.array([_numbers(self._run(_bytes(x, self._given)), self._made) for x in examples])


def _bytes(x: Array, tensor: Tensor) -> bytes:
    import numpy as np

    if tensor.type is TensorType.F32:
        return bytes(np.asarray(x, "<f4").tobytes())
    steps = np.round(np.asarray(x) / tensor.scales[0]) + tensor.zero_points[0]
    return bytes(np.clip(steps, -128, 127).astype("i1").tobytes())


def _numbers(data: bytes, tensor: Tensor) -> Array:
    import numpy as np

    if tensor.type is TensorType.F32:
        return np.frombuffer(data, "<f4")
    return (np.frombuffer(data, "i1").astype(float) - tensor.zero_points[0]) * tensor.scales[0]


def bare(backend: str, content: bytes) -> Interpreter:
    return Interpreter(examine_model(content), bare_session(backend, content).run)


@each_backend
@pytest.mark.parametrize(("kind", "worst"), [("float", 0.05), ("int8", 0.15)])
def test_the_sine_is_one(backend: str, kind: str, worst: float) -> None:
    import numpy as np

    x = np.linspace(0.01, 6.27, 200)[:, None]
    error = np.abs(bare(backend, content_of(f"sine-{kind}"))(x) - np.sin(x))
    assert error.max() < worst
    assert error.mean() < worst / 3


@each_backend
@pytest.mark.parametrize("kind", ["float", "int8"])
def test_the_autoencoder_tells_good_windows_from_bad_ones(backend: str, kind: str) -> None:
    import numpy as np
    from support.tinyml.training.__main__ import THRESHOLD
    from support.tinyml.training.recipes import errors, windows

    chance = np.random.default_rng(99)
    model = bare(backend, content_of(f"autoencoder-{kind}"))
    alarms = {}
    for wrong in (False, True):
        seen, _ = windows(chance, 1000, wrong=wrong)
        alarms[wrong] = (errors(seen, model(seen))[:, :3].max(1) > THRESHOLD).mean()
    assert alarms[False] < 0.01
    assert alarms[True] > 0.97


@each_backend
def test_the_keyword_spotter_knows_its_words(backend: str) -> None:
    import numpy as np
    from support.tinyml.training.recipes import CLASSES, utterances

    labels: Array = np.arange(120) % CLASSES
    scores = bare(backend, content_of("keywords-int8"))(
        utterances(np.random.default_rng(99), labels)
    )
    assert (scores.argmax(1) == labels).mean() > 0.93


@pytest.mark.clause("TC-TML-20")
@each_backend
@pytest.mark.parametrize("name", NAMES)
def test_the_endpoint_gives_the_interpreters_own_bits(backend: str, name: str) -> None:
    through_the_endpoint(backend, content_of(name), 20)


def through_the_endpoint(backend: str, content: bytes, times: int, **quotas: int) -> None:
    client = Client(make_driver(backend=backend, quotas=quotas))
    client.load(content)
    accepted, session = examine_model(content), bare_session(backend, content)
    chance = random.Random(len(content))
    (given,) = accepted.inputs
    for _ in range(times):
        if given.type is TensorType.F32:
            import numpy as np

            numbers = [chance.uniform(-2, 2) for _ in range(given.elements)]
            data = bytes(np.array(numbers, "<f4").tobytes())
        else:
            data = chance.randbytes(given.size_bytes)
        assert client.infer([data]) == [session.run(data)]
    client.close()


@needs_backend
def test_a_sine_is_trained_in_seconds() -> None:
    import numpy as np
    from support.tinyml.training.layers import forward
    from support.tinyml.training.recipes import sine

    trained = sine()
    assert np.abs(
        forward(trained.layers, trained.examples)[-1] - np.sin(trained.examples)
    ).max() < (0.05)
    assert check_model(encode_model(trained.model(TensorType.I8)), Quotas()).macs == 288


@pytest.mark.long
@each_backend
def test_keywords_in_numbers_with_a_point(backend: str) -> None:
    import numpy as np
    from support.tinyml.training.recipes import CLASSES, keywords, utterances

    content = encode_model(keywords().model(TensorType.F32), names=True)
    labels: Array = np.arange(120) % CLASSES
    scores = bare(backend, content)(utterances(np.random.default_rng(99), labels))
    assert (scores.argmax(1) == labels).mean() > 0.93
    through_the_endpoint(backend, content, 20, model_bytes=1 << 17)


@pytest.mark.clause("TC-TML-20")
@pytest.mark.skipif(len(BACKENDS) < 2, reason="only one inference runtime is installed")
@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("int8")])
def test_both_interpreters_give_the_same_bits(name: str) -> None:
    sessions: list[Session] = [bare_session(each, content_of(name)) for each in BACKENDS]
    (given,) = examine_model(content_of(name)).inputs
    chance = random.Random(5)
    for _ in range(200):
        data = chance.randbytes(given.size_bytes)
        first, second = (session.run(data) for session in sessions)
        assert first == second
