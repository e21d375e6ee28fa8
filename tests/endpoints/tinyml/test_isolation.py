"""Hostile models that got past the check: one tenant's process dies, everybody else goes on.

The check lets none of these models through. Here it lets them all through, so that the second wall
is tested as well.
"""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.tinyml.client import COMPUTE, Client, each_backend, make_setup, refused, select
from support.tinyml.hostile_models import endless, good, greedy, let_through, recursive
from support.tinyml.models import random_inputs

from tinycontainer.errors import DriverError
from tinycontainer_endpoints.tinyml.driver import TinyML
from tinycontainer_endpoints.tinyml.model.decoding import decode_model
from tinycontainer_endpoints.tinyml.processes.nursery import Nursery, obtain_nursery
from tinycontainer_endpoints.tinyml.processes.worker import Worker
from tinycontainer_endpoints.tinyml.protocol.codes import ErrorCode, What

DEADLINE_MS = 300
SPARE_S = 1.0
INPUT = random_inputs(decode_model(good()), random.Random(1))


class Recorder:
    """A nursery that remembers its workers.

    Args:
        inner: makes and ends them.
    """

    def __init__(self, inner: Nursery) -> None:
        self._inner = inner
        self.workers: list[Worker] = []
        self.ended: list[int] = []

    def prepare(self) -> None:
        self._inner.prepare()

    def fork(self) -> Worker:
        self.workers.append(self._inner.fork())
        return self.workers[-1]

    def end(self, worker: Worker) -> int:
        status = self._inner.end(worker)
        self.ended.append(status)
        return status


class Scene:
    """A driver that lets hostile models through, a victim and a bystander.

    Args:
        backend: name of the interpreter.
        virtual: whether time is virtual.
        processes: how workers are made.
    """

    def __init__(self, backend: str, *, virtual: bool, processes: str = "fork") -> None:
        options: dict[str, Any] = {
            "backend": backend,
            "host_deadline_ms": DEADLINE_MS,
            "quotas": {"compute_ms": DEADLINE_MS, "inferences_per_second": 1000},
        }
        setup = make_setup(virtual=virtual, **options)
        nursery = obtain_nursery(setup.resources, backend, spawn=processes == "spawn")
        self.nursery = Recorder(nursery)
        self.driver = TinyML(setup, check=let_through, nursery=self.nursery)
        self.bystander = Client(self.driver, b"bystander")
        self.bystander.load(good())
        self.expected = wait_for(self.bystander)
        self.victim = Client(self.driver, b"victim")

    def others_go_on(self) -> None:
        assert wait_for(self.bystander) == self.expected

    def victim_goes_on(self) -> None:
        """With a good model, in the same descriptor or a new one."""
        self.victim.close()
        self.victim = Client(self.driver, b"victim")
        self.victim.load(good())
        assert wait_for(self.victim) == self.expected


def attempt(call: Callable[[], bytes]) -> bytes | ErrorCode:
    """What a call gives, or the code of its refusal."""
    try:
        return call()
    except DriverError as error:
        return ErrorCode(error.code)


def wait_for(client: Client) -> bytes:
    """One inference, asked for until it is there."""
    client.give(INPUT)
    client.send(select(What.OUTPUT))
    for _ in range(5000):
        given = attempt(client.read_all)
        if isinstance(given, bytes):
            return given
        assert given is ErrorCode.BUSY
        time.sleep(0.001)
    raise AssertionError("no answer")


def until_refused(client: Client, code: ErrorCode) -> float:
    """Read until something else than "busy" comes, which must be this code; how long it took."""
    started = time.monotonic()
    while (given := attempt(client.read)) is ErrorCode.BUSY:
        time.sleep(0.005)
    assert given is code
    return time.monotonic() - started


@pytest.fixture(params=[True, False], ids=["virtual", "wall"])
def virtual(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.clause("TC-TML-18")
@each_backend
def test_a_model_that_hangs_costs_its_tenant_the_deadline_and_nobody_else(
    backend: str, virtual: bool
) -> None:
    scene = Scene(backend, virtual=virtual)
    scene.victim.load(endless())
    scene.victim.give([bytes(4)])
    if not virtual:
        scene.victim.send(COMPUTE)
        scene.others_go_on()  # while the victim's process computes for ever
    took_s = until_refused(scene.victim, ErrorCode.TIMEOUT)
    assert took_s < DEADLINE_MS / 1000 + SPARE_S
    assert os.WTERMSIG(scene.nursery.ended[0]) == signal.SIGKILL
    assert scene.victim.status()[1] == 2  # READY
    scene.others_go_on()
    scene.victim_goes_on()


@pytest.mark.clause("TC-TML-18")
@each_backend
def test_a_model_that_crashes_its_process_is_an_error_of_its_tenant(
    backend: str, virtual: bool
) -> None:
    scene = Scene(backend, virtual=virtual)
    with refused(ErrorCode.RUNTIME_ERROR):
        scene.victim.load(recursive())
    assert os.WTERMSIG(scene.nursery.ended[0]) == signal.SIGSEGV
    assert scene.victim.status()[1] == 0  # EMPTY
    scene.others_go_on()
    scene.victim_goes_on()


@each_backend
def test_a_model_that_wants_gigabytes_does_not_get_them(backend: str) -> None:
    scene = Scene(backend, virtual=True)

    def infer() -> bytes:
        scene.victim.load(greedy())
        scene.victim.give([bytes(4)])
        return scene.victim.read()

    assert attempt(infer) in (ErrorCode.MISSING_MEMORY, ErrorCode.RUNTIME_ERROR)
    scene.others_go_on()
    scene.victim_goes_on()


@pytest.mark.clause("TC-TML-18")
@each_backend
def test_a_process_that_is_killed_is_replaced(backend: str, virtual: bool) -> None:
    scene = Scene(backend, virtual=virtual)
    scene.victim.load(good())
    os.kill(scene.nursery.workers[1].pid, signal.SIGKILL)
    scene.victim.give(INPUT)
    until_refused(scene.victim, ErrorCode.RUNTIME_ERROR)
    assert scene.victim.status()[1] == 2  # READY, the inputs to be sent again
    scene.others_go_on()
    assert wait_for(scene.victim) == scene.expected


@each_backend
def test_a_process_that_is_stopped_is_killed_at_the_deadline(backend: str) -> None:
    scene = Scene(backend, virtual=True)
    scene.victim.load(good())
    os.kill(scene.nursery.workers[1].pid, signal.SIGSTOP)
    scene.victim.give(INPUT)
    assert until_refused(scene.victim, ErrorCode.TIMEOUT) < DEADLINE_MS / 1000 + SPARE_S
    assert wait_for(scene.victim) == scene.expected


@pytest.mark.clause("TC-TML-19")
@each_backend
def test_the_third_loss_puts_a_model_into_quarantine_for_its_tenant_only(backend: str) -> None:
    scene = Scene(backend, virtual=True)
    for _ in range(3):
        with refused(ErrorCode.RUNTIME_ERROR):
            scene.victim.load(recursive())
    forked = len(scene.nursery.workers)
    with refused(ErrorCode.SECURITY):
        scene.victim.load(recursive())
    assert len(scene.nursery.workers) == forked
    scene.victim_goes_on()
    with refused(ErrorCode.RUNTIME_ERROR):
        Client(scene.driver, b"a third").load(recursive())


@pytest.mark.clause("TC-TML-09", "TC-TML-17")
@each_backend
def test_every_tenant_has_a_process_of_its_own_and_the_last_close_ends_it(backend: str) -> None:
    scene = Scene(backend, virtual=True)
    scene.victim.load(good())
    second = Client(scene.driver, b"victim")
    second.load(good())
    assert len({worker.pid for worker in scene.nursery.workers}) == 2
    scene.victim.close()
    assert wait_for(second) == scene.expected
    second.close()
    assert len(scene.nursery.ended) == 1
    assert not Path(f"/proc/{scene.nursery.workers[1].pid}").exists()
    scene.others_go_on()


@each_backend
def test_closing_during_an_inference_ends_the_process(backend: str) -> None:
    scene = Scene(backend, virtual=False)
    scene.victim.load(endless())
    scene.victim.give([bytes(4)])
    scene.victim.send(COMPUTE)
    scene.victim_goes_on()
    scene.others_go_on()


@each_backend
def test_workers_that_are_spawned_do_the_same(backend: str) -> None:
    scene = Scene(backend, virtual=True, processes="spawn")
    scene.victim.load(endless())
    scene.victim.give([bytes(4)])
    until_refused(scene.victim, ErrorCode.TIMEOUT)
    scene.others_go_on()
    scene.victim.close()
    scene.bystander.close()


@pytest.mark.clause("TC-TML-17")
@each_backend
def test_a_worker_has_no_more_than_it_needs(backend: str) -> None:
    scene = Scene(backend, virtual=True)
    process = Path(f"/proc/{scene.nursery.workers[0].pid}")
    if not process.exists():
        pytest.skip("this system has no /proc")
    lines = (process / "limits").read_text().splitlines()
    limits = {line[:25].strip(): line[25:].split()[:2] for line in lines}
    assert limits["Max address space"] == [str(256 << 20)] * 2
    assert limits["Max file size"] == limits["Max core file size"] == ["0", "0"]
    assert limits["Max open files"] == ["16", "16"]
    links = {name: os.readlink(process / "fd" / name) for name in os.listdir(process / "fd")}
    assert {links.pop(number) for number in "012"} == {"/dev/null"}
    assert [link.partition(":")[0] for link in links.values()] == ["socket"]
    assert len(os.listdir(process / "task")) == 1


@each_backend
def test_a_zygote_that_dies_is_replaced(backend: str) -> None:
    scene = Scene(backend, virtual=True)
    worker = scene.nursery.workers[0]
    stat = Path(f"/proc/{worker.pid}/stat")
    if not stat.exists():
        pytest.skip("this system has no /proc")
    os.kill(int(stat.read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)
    scene.victim.load(good())
    assert wait_for(scene.victim) == scene.expected
    scene.others_go_on()
