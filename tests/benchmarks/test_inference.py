"""What does the endpoint cost per inference? The bare interpreter first, then part by part.

The parts: the interpreter; a process of its own, with its socket; the driver and its frames; the
check of a model; a process's fork, first load and end.
"""

from collections.abc import Callable, Iterator

import pytest
from support.measuring.measuring import Measure
from support.project import ROOT
from support.tinyml.client import BACKENDS, Client, bare_session, each_backend, make_driver

from tinycontainer_endpoints.tinyml.model.precheck import AcceptedModel, check_model
from tinycontainer_endpoints.tinyml.processes.nursery import ForkingNursery
from tinycontainer_endpoints.tinyml.processes.wire import Request
from tinycontainer_endpoints.tinyml.processes.worker import Worker
from tinycontainer_endpoints.tinyml.quotas import Quotas

CONTENT = (ROOT / "examples" / "models" / "autoencoder-int8.tflite").read_bytes()
KEYWORDS = (ROOT / "examples" / "models" / "keywords-int8.tflite").read_bytes()
MODELS = {"autoencoder": CONTENT, "keywords": KEYWORDS}
INPUT = bytes(range(32))
DEADLINE_MS = 5000
OFTEN = {"inferences_per_second": 1_000_000}

TIMES = 50


@pytest.fixture(scope="module")
def accepted() -> AcceptedModel:
    return check_model(CONTENT, Quotas())


@pytest.fixture(scope="module")
def nursery() -> ForkingNursery:
    return ForkingNursery(BACKENDS[0])


def case(backend: str) -> str:
    return f"autoencoder, int8, {backend}"


def load(worker: Worker, accepted: AcceptedModel) -> None:
    worker.ask(Request.LOAD, 0, accepted.content, DEADLINE_MS, 0)
    worker.wait()


@pytest.fixture
def worker(nursery: ForkingNursery, accepted: AcceptedModel) -> Iterator[Worker]:
    made = nursery.fork()
    load(made, accepted)
    yield made
    nursery.end(made)


def repeated(infer: Callable[[], bytes]) -> Callable[[], bytes]:
    def run() -> bytes:
        for _ in range(TIMES):
            result = infer()
        return result

    return run


def bare(backend: str) -> Callable[[], bytes]:
    session = bare_session(backend, CONTENT)
    return repeated(lambda: session.run(INPUT))


@each_backend
def test_process_against_bare_interpreter(measure: Measure, backend: str, worker: Worker) -> None:
    """A process of its own, and its socket."""

    def infer() -> bytes:
        worker.ask(Request.RUN, 0, INPUT, DEADLINE_MS, 32)
        return worker.wait().payload

    against = {"bare interpreter": bare(backend)}
    result = measure(
        "inference", case(backend), "process", repeated(infer), against=against, per=TIMES
    )
    assert len(result) == 32


@each_backend
def test_endpoint_against_bare_interpreter(measure: Measure, backend: str) -> None:
    """The same behind the driver and its frames."""
    client = Client(make_driver(backend=backend, quotas=OFTEN))
    client.load(CONTENT)

    def infer() -> bytes:
        client.give([INPUT])
        return client.read(32)

    against = {"bare interpreter": bare(backend)}
    result = measure(
        "inference", case(backend), "endpoint", repeated(infer), against=against, per=TIMES
    )
    assert len(result) == 32
    client.close()


@each_backend
@pytest.mark.parametrize("name", MODELS)
def test_check_against_bare_load(measure: Measure, backend: str, name: str) -> None:
    """Judging a model in Python, against what the interpreter needs to load it."""
    content = MODELS[name]
    found = measure(
        "models",
        f"{name}, {backend}",
        "check",
        lambda: check_model(content, Quotas()),
        against={"bare load": lambda: bare_session(backend, content)},
    )
    assert found.macs > 0


@each_backend
def test_process_for_a_model_against_bare_load(
    measure: Measure, backend: str, nursery: ForkingNursery, accepted: AcceptedModel
) -> None:
    """A process is forked, loads a model, and ends."""

    def cycle() -> None:
        made = nursery.fork()
        load(made, accepted)
        nursery.end(made)

    against = {"bare load": lambda: bare_session(backend, CONTENT)}
    measure("models", f"autoencoder, {backend}", "process", cycle, against=against)
