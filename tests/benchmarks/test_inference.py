"""What does the endpoint cost per inference? The bare interpreter first, then part by part.

The parts: the interpreter; a process of its own, with its socket; the driver and its frames; the
check of a model; a process's fork, first load and end.
"""

from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from support.project import ROOT
from support.tinyml import BACKENDS, Client, bare_session, each_backend, make_driver

from tinycontainer_endpoints.tinyml.precheck import Plan, precheck
from tinycontainer_endpoints.tinyml.processes import Worker, Zygote
from tinycontainer_endpoints.tinyml.quotas import Quotas
from tinycontainer_endpoints.tinyml.wire import Request

CONTENT = (ROOT / "examples" / "models" / "autoencoder-int8.tflite").read_bytes()
KEYWORDS = (ROOT / "examples" / "models" / "keywords-int8.tflite").read_bytes()
INPUT = bytes(range(32))
DEADLINE_MS = 5000
OFTEN = {"inferences_per_second": 1_000_000}

pytestmark = pytest.mark.benchmark(group="inference")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return precheck(CONTENT, Quotas())


@pytest.fixture(scope="module")
def nursery() -> Zygote:
    return Zygote(BACKENDS[0])


def load(worker: Worker, plan: Plan) -> None:
    worker.ask(Request.LOAD, 0, plan.content, DEADLINE_MS, 0)
    worker.wait()


@pytest.fixture
def worker(nursery: Zygote, plan: Plan) -> Iterator[Worker]:
    made = nursery.fork()
    load(made, plan)
    yield made
    nursery.end(made)


@each_backend
def test_bare_interpreter(benchmark: BenchmarkFixture, backend: str) -> None:
    session = bare_session(backend, CONTENT)
    assert len(benchmark(lambda: session.run(INPUT))) == 32


@each_backend
def test_in_a_process_of_its_own(benchmark: BenchmarkFixture, backend: str, worker: Worker) -> None:
    def infer() -> bytes:
        worker.ask(Request.RUN, 0, INPUT, DEADLINE_MS, 32)
        return worker.wait().payload

    assert len(benchmark(infer)) == 32


@each_backend
def test_through_the_endpoint(benchmark: BenchmarkFixture, backend: str) -> None:
    client = Client(make_driver(backend=backend, quotas=OFTEN))
    client.load(CONTENT)

    def infer() -> bytes:
        client.give([INPUT])
        return client.read(32)

    assert len(benchmark(infer)) == 32
    client.close()


@pytest.mark.parametrize("content", [CONTENT, KEYWORDS], ids=["autoencoder", "keywords"])
def test_check_of_a_model(benchmark: BenchmarkFixture, content: bytes) -> None:
    assert benchmark(lambda: precheck(content, Quotas())).macs > 0


@each_backend
def test_fork_first_load_and_end(
    benchmark: BenchmarkFixture, backend: str, nursery: Zygote, plan: Plan
) -> None:
    def cycle() -> None:
        made = nursery.fork()
        load(made, plan)
        nursery.end(made)

    benchmark(cycle)
