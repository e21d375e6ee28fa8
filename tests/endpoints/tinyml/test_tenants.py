"""Kept models, quotas, charges and time (specs/tinyml.md), on workers that need no interpreter."""

import struct

import pytest
from support.tinyml.client import (
    COMPUTE,
    RESET_MODEL,
    Client,
    input_frames,
    load_frames,
    make_setup,
    refused,
)
from support.tinyml.contexts import (
    COMPUTING,
    DIGEST,
    EMPTY,
    INPUT,
    MODEL,
    PRIMED,
    READY,
    another,
    client,
    in_state,
    state,
)
from support.tinyml.fake_workers import FakeNursery
from support.tinyml.models import seed

from tinycontainer_endpoints.tinyml.driver import TinyML
from tinycontainer_endpoints.tinyml.processes.wire import Request, Status
from tinycontainer_endpoints.tinyml.processes.worker import Reply, WorkerLost
from tinycontainer_endpoints.tinyml.protocol.codes import ErrorCode


@pytest.mark.clause("TC-TML-03")
def test_a_model_that_does_not_match_its_hash_is_a_matter_of_security() -> None:
    here = client()
    with refused(ErrorCode.SECURITY):
        here.load(MODEL, digest=bytes(32))
    assert state(here) is EMPTY


@pytest.mark.clause("TC-TML-03")
def test_a_refused_model_leaves_nothing_and_another_can_follow() -> None:
    nursery = FakeNursery()
    here = client(nursery=nursery)
    with refused(ErrorCode.INVALID_ENCODING):
        here.load(b"x" * 300)
    assert (state(here), nursery.workers) == (EMPTY, [])
    here.load(MODEL)
    assert state(here) is READY


@pytest.mark.clause("TC-TML-12")
def test_a_kept_model_is_bound_by_its_hash_by_its_own_container_only() -> None:
    first = client()
    first.load(MODEL, keep=True)
    first.close()
    again, stranger = another(first), another(first, b"stranger")
    again.send(b"\x12\0\0\0" + DIGEST)
    assert again.infer([INPUT]) == [INPUT[:16]]
    with refused(ErrorCode.NOT_FOUND):
        stranger.send(b"\x12\0\0\0" + DIGEST)


@pytest.mark.clause("TC-TML-09")
def test_a_model_that_is_not_kept_goes_with_its_descriptor() -> None:
    first = client()
    first.load(MODEL)
    first.close()
    with refused(ErrorCode.NOT_FOUND):
        another(first).send(b"\x12\0\0\0" + DIGEST)


@pytest.mark.clause("TC-TML-11", "TC-TML-21")
def test_the_cache_has_a_quota_and_reset_makes_room() -> None:
    here = client(cached_models=1)
    here.load(MODEL, keep=True)
    other = another(here)
    with refused(ErrorCode.QUOTA):
        other.load(seed("relu"), keep=True)
    here.send(RESET_MODEL)
    other.load(seed("relu"), keep=True)
    assert state(here) is EMPTY


@pytest.mark.clause("TC-TML-11", "TC-TML-21")
def test_descriptors_have_a_quota_per_container() -> None:
    here = client()
    another(here)
    with refused(ErrorCode.QUOTA):
        another(here)
    another(here, b"stranger")
    here.close()
    another(here)


@pytest.mark.clause("TC-TML-11", "TC-TML-21")
def test_inferences_have_a_rate_of_device_time() -> None:
    here = client(inferences_per_second=2)
    here.load(MODEL)
    for time_us in (0, 500_000):
        here.context.time_us = time_us
        here.give([INPUT])
        here.send(COMPUTE)
    here.context.time_us = 999_999
    here.give([INPUT])
    with refused(ErrorCode.QUOTA):
        here.send(COMPUTE)
    assert state(here) is PRIMED
    here.context.time_us = 1_000_000
    here.send(COMPUTE)
    here.context.time_us = 1_400_000
    here.give([INPUT])
    with refused(ErrorCode.QUOTA):
        here.send(COMPUTE)


@pytest.mark.clause("TC-TML-11")
def test_a_timeout_beyond_the_quota_is_refused() -> None:
    here = in_state(PRIMED)
    with refused(ErrorCode.QUOTA):
        here.send(struct.pack("<BBH", 0x30, 0, 1001))


@pytest.mark.clause("TC-TML-07", "TC-TML-13")
def test_virtual_time_charges_models_by_the_byte_and_inferences_by_the_mac() -> None:
    setup = make_setup(cycles_per_mac=2.5, cycles_per_model_byte=0.5)
    here = Client(TinyML(setup, nursery=FakeNursery()))
    here.load(MODEL)
    here.give([INPUT])
    assert here.context.charged == [-(-len(MODEL) // 2)]
    here.send(COMPUTE)
    assert here.context.charged[1:] == [60]


@pytest.mark.clause("TC-TML-08")
def test_wall_time_charges_nothing_and_answers_busy_until_the_answer_is_there() -> None:
    nursery = FakeNursery()
    here = in_state(COMPUTING, nursery=nursery)
    for frame in (COMPUTE, next(input_frames(0, INPUT))):
        with refused(ErrorCode.BUSY):
            here.send(frame)
    with refused(ErrorCode.BUSY):
        here.read()
    nursery.workers[0].slow = False
    assert here.read() == INPUT[:16]
    assert here.context.charged == []


@pytest.mark.clause("TC-TML-08")
def test_in_wall_time_the_first_read_begins_the_inference() -> None:
    nursery = FakeNursery()
    here = client(virtual=False, nursery=nursery)
    here.load(MODEL)
    here.give([INPUT])
    with refused(ErrorCode.BUSY):
        here.read()
    assert here.read() == INPUT[:16]
    assert nursery.workers[0].timeouts_ms == [1000, 1000]


@pytest.mark.clause("TC-TML-07")
def test_in_virtual_time_no_answer_of_a_process_is_awaited_by_a_quota() -> None:
    """Neither a load, an inference nor that a model is dropped: a slow host changes nothing."""
    nursery = FakeNursery()
    setup = make_setup(quotas={"compute_ms": 1}, host_deadline_ms=20_000)
    here = Client(TinyML(setup, nursery=nursery))
    other = another(here)
    for each in (here, other):
        each.load(seed("svdf"))
        each.infer([bytes(20)])
    here.give([bytes(20)])
    here.send(struct.pack("<BBH", 0x30, 0, 1))
    here.send(RESET_MODEL)
    other.close()
    (worker,) = nursery.workers
    assert {Request.LOAD, Request.RUN, Request.DROP} == set(worker.asked)
    assert set(worker.timeouts_ms) == {20_000}


@pytest.mark.clause("TC-TML-22")
def test_another_context_of_the_container_waits_while_one_computes() -> None:
    nursery = FakeNursery()
    here = in_state(COMPUTING, nursery=nursery)
    other = another(here)
    frames = list(load_frames(MODEL))
    other.send(*frames[:-1])
    with refused(ErrorCode.BUSY):
        other.send(frames[-1])
    nursery.workers[0].slow = False
    here.read()
    other.send(frames[-1])
    assert state(other) is READY


@pytest.mark.clause("TC-TML-10")
def test_losses_and_refusals_of_the_interpreter_have_their_codes() -> None:
    for answer, code in (
        (Reply(Status.REFUSED, b""), ErrorCode.RUNTIME_ERROR),
        (Reply(Status.NO_MEMORY, b""), ErrorCode.MISSING_MEMORY),
        (WorkerLost("gone"), ErrorCode.RUNTIME_ERROR),
        (WorkerLost("late", in_time=False), ErrorCode.TIMEOUT),
    ):
        nursery = FakeNursery()
        here = in_state(PRIMED, nursery=nursery)
        nursery.script = lambda kind, answer=answer: answer if kind is Request.RUN else None  # type: ignore[misc]
        with refused(code):
            here.send(COMPUTE)
        assert state(here) is READY
        nursery.script = lambda _kind: None
        assert here.infer([INPUT]) == [INPUT[:16]]
