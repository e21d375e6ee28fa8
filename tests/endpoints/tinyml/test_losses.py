"""What a model costs in processes, whoever ended them."""

import struct

import pytest
from support.tinyml.client import COMPUTE, Client, make_setup, refused
from support.tinyml.fake_workers import FakeNursery
from support.tinyml.hostile_models import good
from support.tinyml.models import seed

from tinycontainer_endpoints.tinyml.driver import TinyML
from tinycontainer_endpoints.tinyml.processes.wire import Request
from tinycontainer_endpoints.tinyml.processes.worker import WorkerLost
from tinycontainer_endpoints.tinyml.protocol.codes import ErrorCode

INPUT = struct.pack("<6f", 1, 2, 3, 4, 5, 6)


@pytest.mark.clause("TC-TML-19")
def test_processes_that_end_from_outside_count_against_their_model() -> None:
    nursery = FakeNursery()
    driver = TinyML(make_setup(), nursery=nursery)
    here, other = Client(driver), Client(driver)
    here.load(good())
    for _ in range(3):
        here.give([INPUT])
        nursery.script = lambda kind: WorkerLost("killed") if kind is Request.RUN else None
        with refused(ErrorCode.RUNTIME_ERROR):
            here.send(COMPUTE)
        nursery.script = lambda _kind: None
    with refused(ErrorCode.SECURITY):
        other.load(good())
    other.load(seed("relu"))
