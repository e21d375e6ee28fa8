"""What devices of one installation share of the processes, and when these end."""

import gc
import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.project import ROOT
from support.tinyml.client import COMPUTE, Client, bare_session, each_backend, make_setup, refused
from support.tinyml.hostile_models import endless, let_through
from support.tinyml.models import random_inputs, seed

from tinycontainer.interfaces.driver import SharedResources
from tinycontainer_endpoints.tinyml.driver import TinyML
from tinycontainer_endpoints.tinyml.model.decoding import decode_model
from tinycontainer_endpoints.tinyml.processes.nursery import (
    ForkingNursery,
    SpawningNursery,
    obtain_nursery,
)
from tinycontainer_endpoints.tinyml.processes.worker import Worker
from tinycontainer_endpoints.tinyml.protocol.codes import ErrorCode

WAYS = ("fork", "spawn")


def exists(pid: int) -> bool:
    """Whether there is such a process, even one that has ended and was not waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def resources() -> Iterator[SharedResources]:
    shared = SharedResources()
    yield shared
    shared.close()


class Device:
    """A driver of an installation, as one device has it, with a container that has one uid.

    Args:
        resources: of the installation.
        backend: name of the interpreter.
        processes: how workers are made.
        virtual: whether time is virtual.
    """

    def __init__(
        self, resources: SharedResources, backend: str, processes: str, *, virtual: bool = True
    ) -> None:
        setup = make_setup(
            virtual=virtual, resources=resources, backend=backend, processes=processes
        )
        self.workers: list[int] = []
        self._inner = obtain_nursery(resources, backend, spawn=processes == "spawn")
        self.driver = TinyML(setup, check=let_through, nursery=self)
        self.client = Client(self.driver)

    def prepare(self) -> None:
        self._inner.prepare()

    def fork(self) -> Worker:
        worker = self._inner.fork()
        self.workers.append(worker.pid)
        return worker

    def end(self, worker: Worker) -> int:
        return self._inner.end(worker)


def check_inference(client: Client, backend: str, content: bytes) -> None:
    """The container's outputs are those of its own model."""
    model = decode_model(content)
    inputs = random_inputs(model, random.Random(5))
    found = client.infer(inputs, len(model.outputs))
    assert b"".join(found) == bare_session(backend, content).run(b"".join(inputs))


def test_drivers_that_use_the_same_interpreter_share_a_nursery(
    resources: SharedResources,
) -> None:
    nursery = obtain_nursery(resources, "a", spawn=False)
    assert obtain_nursery(resources, "a", spawn=False) is nursery
    assert obtain_nursery(resources, "b", spawn=False) is not nursery
    assert obtain_nursery(resources, "a", spawn=True) is not nursery
    assert obtain_nursery(SharedResources(), "a", spawn=False) is not nursery


@pytest.mark.clause("TC-TML-12", "TC-TML-17")
@each_backend
@pytest.mark.parametrize("processes", WAYS)
def test_containers_of_one_uid_on_two_devices_share_nothing(
    backend: str, processes: str, resources: SharedResources
) -> None:
    first, second = (Device(resources, backend, processes) for _ in range(2))
    models = seed("dense"), seed("softmax")
    for device, content in zip((first, second), models, strict=True):
        device.client.load(content, keep=True)
    assert len({*first.workers, *second.workers}) == 2
    for device, content in zip((first, second), models, strict=True):
        check_inference(device.client, backend, content)
    digests = [hashlib.sha256(content).digest() for content in models]
    for device, theirs in ((first, digests[1]), (second, digests[0])):
        with refused(ErrorCode.NOT_FOUND):
            Client(device.driver).send(b"\x12\0\0\0" + theirs)
    first.client.close()
    check_inference(second.client, backend, models[1])


@each_backend
@pytest.mark.parametrize("processes", WAYS)
def test_a_device_that_is_dropped_takes_its_workers_along(
    backend: str, processes: str, resources: SharedResources
) -> None:
    dropped, other = (Device(resources, backend, processes, virtual=False) for _ in range(2))
    other.client.load(seed("dense"))
    dropped.client.load(endless())
    dropped.client.give([bytes(4)])
    dropped.client.send(COMPUTE)  # for ever
    (pid,) = dropped.workers
    assert exists(pid)
    del dropped
    gc.collect()
    assert not exists(pid)
    assert exists(other.workers[0])


@each_backend
@pytest.mark.parametrize("processes", WAYS)
def test_closing_the_installation_ends_every_process(
    backend: str, processes: str, resources: SharedResources
) -> None:
    device = Device(resources, backend, processes, virtual=False)
    device.client.load(endless())
    device.client.give([bytes(4)])
    device.client.send(COMPUTE)
    resources.close()
    assert not exists(device.workers[0])
    with refused(ErrorCode.RUNTIME_ERROR):
        device.client.read()
    again = Client(device.driver, b"another")
    with refused(ErrorCode.RUNTIME_ERROR):
        again.load(seed("dense"))


@each_backend
@pytest.mark.parametrize("kind", [ForkingNursery, SpawningNursery])
def test_a_nursery_that_nobody_refers_to_ends(
    backend: str, kind: type[ForkingNursery] | type[SpawningNursery]
) -> None:
    nursery = kind(backend)
    worker = nursery.fork()
    pid = worker.pid
    del nursery
    gc.collect()
    assert exists(pid)  # its worker is still referred to
    del worker
    gc.collect()
    assert not exists(pid)


@each_backend
def test_a_worker_that_is_forgotten_during_a_request_ends_after_it(backend: str) -> None:
    nursery = ForkingNursery(backend)
    forgotten, busy = nursery.fork(), nursery.fork()
    pid = forgotten.pid
    zygote = nursery._zygote
    assert zygote is not None
    with zygote._lock:  # as while a request is under way, in this thread or another
        del forgotten
        gc.collect()
        assert exists(pid)
    nursery.end(busy)
    assert not exists(pid)
    nursery.close()


@each_backend
def test_ending_a_worker_twice_is_no_error(backend: str) -> None:
    nursery = ForkingNursery(backend)
    worker = nursery.fork()
    nursery.end(worker)
    assert not exists(worker.pid)
    assert nursery.end(worker) == 0
    nursery.close()
    nursery.close()


SCRIPT = """
import os, sys
from support.tinyml.client import COMPUTE, Client, make_setup
from support.tinyml.hostile_models import endless, let_through
from tinycontainer_endpoints.tinyml.driver import TinyML
backend, processes = sys.argv[1:]
setup = make_setup(virtual=False, backend=backend, processes=processes)
client = Client(TinyML(setup, check=let_through))
client.load(endless())
client.give([bytes(4)])
client.send(COMPUTE)
mine = str(os.getpid())
for process in os.listdir("/proc"):
    try:
        parent = open(f"/proc/{process}/stat").read().rpartition(")")[2].split()[1]
    except (OSError, IndexError):
        continue
    if parent == mine:
        print(process, flush=True)
        children = open(f"/proc/{process}/task/{process}/children").read().split()
        print(*children, sep="\\n", flush=True)
"""


@each_backend
@pytest.mark.parametrize("processes", WAYS)
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system has no /proc")
def test_the_processes_end_with_the_devices_own(backend: str, processes: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, backend, processes],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=True,
    )
    pids = [int(line) for line in done.stdout.split()]
    assert len(pids) == (2 if processes == "fork" else 1)
    assert not any(map(exists, pids))
