"""Jobs without a network: their states, their bounds, their order, and what follows a kill."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.network.agent.requests.message import (
    CoapAnswer,
    CoapRequest,
    Code,
    Method,
    Option,
)
from tinycontainer.network.gateway.job import (
    TRANSITIONS,
    IllegalJobEvent,
    Job,
    JobEvent,
    JobState,
)

pytest.importorskip("aiocoap")

from tinycontainer.network.gateway.devices.answers import BadAnswer, NoAnswer
from tinycontainer.network.gateway.devices.devices import Answered
from tinycontainer.network.gateway.devices.doubts import MOST_OTHERS, Doubts
from tinycontainer.network.gateway.devices.jobs import JobLimits, Jobs, QueueFull
from tinycontainer.network.gateway.gateway import steady_clock
from tinycontainer.network.gateway.store import GatewayStore

CHANGE = CoapRequest(b"", Method.POST, ("tc", "c", "62"), ("start", "id=" + "0" * 16))
PUBLISHED = CoapRequest(b"", Method.PUT, ("container", ""), (), ((65001, b"\x02"),))
IDENTIFY = CoapRequest(b"", Method.POST, ("device-id", ""), (), (), b"desk 7")
PROTECTED = CoapRequest(b"", Method.POST, (), (), ((int(Option.OSCORE), b"\x09\x01k"),), b"sealed")
DONE = CoapAnswer(Code.CHANGED)


@dataclass
class ScriptedDevices:
    """Devices that answer as a test says.

    Attributes:
        awake: names of those that are awake.
        answers: what is answered next; then everything with 2.04.
        asked: what was asked, in order.
    """

    awake: set[str] = field(default_factory=lambda: {"a", "b"})
    answers: list[CoapAnswer | Exception] = field(default_factory=list)
    asked: list[tuple[str, CoapRequest]] = field(default_factory=list)
    doubts: Doubts = field(default_factory=Doubts)

    def is_awake(self, name: str) -> bool:
        """Whether a device is awake."""
        return name in self.awake

    async def ask(self, name: str, request: CoapRequest) -> Answered:
        """Ask a device."""
        self.asked.append((name, request))
        found = self.answers.pop(0) if self.answers else DONE
        if isinstance(found, Exception):
            raise found
        return Answered(found)


@dataclass
class Desk:
    """Jobs, their store and their devices; time is the test's."""

    path: Path
    devices: ScriptedDevices = field(default_factory=ScriptedDevices)
    now_s: float = 1000.0
    limits: JobLimits = field(default_factory=lambda: JobLimits(3, 10, 1000, 100.0))

    def begin(self) -> Jobs:
        """Begin, as after a start of the program."""
        self.store = GatewayStore(self.path, lambda _s, _call: None)
        return Jobs(
            self.store,
            self.devices,  # type: ignore[arg-type]
            self.limits,
            lambda: self.now_s,
            Random(str(self.path) + str(self.now_s)).randbytes,
        )

    def run(self, work: Callable[[Jobs], Awaitable[None]]) -> None:
        """Do something with jobs while they are delivered; then the program ends."""

        async def do() -> None:
            jobs = self.begin()
            running = asyncio.create_task(jobs.run(lambda job: job.owner != "gone"))
            try:
                await work(jobs)
            finally:
                running.cancel()
                self.store.close()

        asyncio.run(asyncio.wait_for(do(), 30))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "gateway.db")


@pytest.mark.clause("TC-GW-47")
@given(state=st.sampled_from(JobState), event=st.sampled_from(JobEvent))
def test_every_event_in_every_state_is_as_the_table_says(state: JobState, event: JobEvent) -> None:
    job = Job(1, "1", "a", "", CHANGE, state, 0.0, 1.0)
    after = TRANSITIONS.get((state, event))
    if after is None:
        with pytest.raises(IllegalJobEvent, match=f"that is {state} has no event {event}"):
            job.state_after(event)
    else:
        assert job.state_after(event) is after
        assert not state.has_ended


@pytest.mark.clause("TC-GW-46")
def test_jobs_of_a_device_are_delivered_in_order_and_those_of_others_meanwhile(desk: Desk) -> None:
    desk.devices.awake = {"b"}
    requests = [replace(CHANGE, query=(f"id={number:016x}",)) for number in range(3)]

    async def work(jobs: Jobs) -> None:
        made = [jobs.accept("a", "me", request) for request in requests]
        other = await jobs.wait_for_end(jobs.accept("b", "me", CHANGE), 10)
        assert other.state is JobState.DONE
        assert {jobs.find(each.id) for each in made} == {*made}
        desk.devices.awake.add("a")
        jobs.wake("a")
        for each in made:
            assert (await jobs.wait_for_end(each, 10)).state is JobState.DONE

    desk.run(work)
    assert [request for name, request in desk.devices.asked if name == "a"] == requests


@pytest.mark.clause("TC-GW-48")
@pytest.mark.parametrize(
    ("request_", "state", "times"),
    [
        pytest.param(CHANGE, JobState.DONE, 2, id="a change of version 2"),
        pytest.param(PROTECTED, JobState.DONE, 2, id="what is protected"),
        pytest.param(PUBLISHED, JobState.UNKNOWN, 1, id="a change of version 1"),
        pytest.param(IDENTIFY, JobState.UNKNOWN, 1, id="an identifier of version 1"),
    ],
)
def test_what_was_not_answered_is_sent_again_only_if_its_device_sees_a_repetition(
    desk: Desk, request_: CoapRequest, state: JobState, times: int
) -> None:
    answer = CoapAnswer(Code.CHANGED, b"s", None, ((int(Option.OSCORE), b""),))
    desk.devices.answers = [NoAnswer(), answer if request_ is PROTECTED else DONE]

    async def work(jobs: Jobs) -> None:
        job = jobs.accept("a", "me", request_)
        assert (await jobs.wait_for_end(job, 10)).state is state

    desk.run(work)
    assert len(desk.devices.asked) == times


@pytest.mark.clause("TC-GW-48")
def test_what_was_being_sent_when_the_gateway_was_killed_is_sent_again_or_unknown(
    desk: Desk,
) -> None:
    desk.devices.awake = set()
    made: dict[str, str] = {}

    async def begin(jobs: Jobs) -> None:
        for name, request in (("a", CHANGE), ("b", PUBLISHED)):
            job = jobs.accept(name, "me", request)
            made[name] = job.id
            desk.store.change_job(job, JobEvent.SEND, desk.now_s)

    async def go_on(jobs: Jobs) -> None:
        found = {name: jobs.find(job_id) for name, job_id in made.items()}
        for name, job in found.items():
            assert job is not None
            ended = await jobs.wait_for_end(job, 10)
            assert ended.state is (JobState.DONE if name == "a" else JobState.UNKNOWN)
            assert ended.attempts == (2 if name == "a" else 1)

    desk.run(begin)
    desk.devices.awake = {"a", "b"}
    desk.run(go_on)
    assert [request for _, request in desk.devices.asked] == [CHANGE]


@pytest.mark.clause("TC-GW-51")
def test_what_nobody_may_ask_any_more_is_not_delivered_after_a_start(desk: Desk) -> None:
    desk.devices.awake = set()
    made: dict[str, str] = {}

    async def begin(jobs: Jobs) -> None:
        for owner in ("me", "gone"):
            made[owner] = jobs.accept("a", owner, CHANGE).id

    async def go_on(jobs: Jobs) -> None:
        kept = jobs.find(made["me"])
        assert kept is not None
        assert (await jobs.wait_for_end(kept, 10)).state is JobState.DONE
        withdrawn = jobs.find(made["gone"])
        assert withdrawn is not None
        assert withdrawn.state is JobState.CANCELLED

    desk.run(begin)
    desk.devices.awake = {"a"}
    desk.run(go_on)
    assert len(desk.devices.asked) == 1


@pytest.mark.clause("TC-GW-49")
@pytest.mark.parametrize(
    ("option", "state"),
    [(b"", JobState.DONE), (b"\x01\x05", JobState.CHALLENGED), (b"\x08k", JobState.DONE)],
)
def test_an_answer_with_a_number_of_its_own_is_a_challenge(
    desk: Desk, option: bytes, state: JobState
) -> None:
    answer = CoapAnswer(Code.CHANGED, b"sealed", None, ((int(Option.OSCORE), option),))
    desk.devices.answers = [answer]

    async def work(jobs: Jobs) -> None:
        ended = await jobs.wait_for_end(jobs.accept("a", "me", PROTECTED), 10)
        assert (ended.state, ended.answer) == (state, answer)

    desk.run(work)


@pytest.mark.clause("TC-GW-48")
@pytest.mark.parametrize(("attempts", "state"), [(0, JobState.DONE), (1, JobState.UNKNOWN)])
def test_a_replay_that_a_device_refuses_was_carried_out_perhaps(
    desk: Desk, attempts: int, state: JobState
) -> None:
    refusal = CoapAnswer(Code.UNAUTHORIZED, b"Replay detected")
    desk.devices.answers = [*[NoAnswer()] * attempts, refusal]

    async def work(jobs: Jobs) -> None:
        ended = await jobs.wait_for_end(jobs.accept("a", "me", PROTECTED), 10)
        assert ended.state is state

    desk.run(work)


def test_an_answer_that_cannot_be_used_ends_a_job_after_three_attempts(desk: Desk) -> None:
    desk.devices.answers = [BadAnswer("nonsense")] * 3

    async def work(jobs: Jobs) -> None:
        ended = await jobs.wait_for_end(jobs.accept("a", "me", CHANGE), 20)
        assert (ended.state, ended.attempts) == (JobState.UNKNOWN, 3)

    desk.run(work)


@pytest.mark.clause("TC-GW-50")
def test_a_job_waits_no_longer_than_its_client_says(desk: Desk) -> None:
    desk.devices.awake = set()

    async def work(jobs: Jobs) -> None:
        soon, late = jobs.accept("a", "me", CHANGE, 5.0), jobs.accept("a", "me", CHANGE)
        desk.now_s += 6
        assert (await jobs.wait(soon, 10)).state is JobState.EXPIRED
        assert jobs.find(late.id) == late
        assert jobs.waiting("a") == 1
        desk.devices.awake = {"a"}
        jobs.wake("a")
        assert (await jobs.wait_for_end(late, 10)).state is JobState.DONE

    desk.run(work)
    assert len(desk.devices.asked) == 1


@pytest.mark.clause("TC-GW-50")
def test_only_a_job_that_is_not_sent_can_be_cancelled(desk: Desk) -> None:
    desk.devices.awake = set()

    async def work(jobs: Jobs) -> None:
        job = jobs.accept("a", "me", CHANGE)
        assert jobs.cancel(job).state is JobState.CANCELLED
        for state in (JobState.SENDING, JobState.DONE, JobState.CANCELLED):
            with pytest.raises(IllegalJobEvent):
                jobs.cancel(replace(job, state=state))
        desk.devices.awake = {"a"}
        jobs.wake("a")

    desk.run(work)
    assert desk.devices.asked == []


def test_no_more_jobs_wait_than_fit(desk: Desk) -> None:
    desk.devices.awake = set()

    async def work(jobs: Jobs) -> None:
        for _ in range(3):
            jobs.accept("a", "me", CHANGE)
        with pytest.raises(QueueFull, match=r"^3 jobs wait for it; cancel some"):
            jobs.accept("a", "me", CHANGE)
        for number in range(7):
            jobs.accept(f"other {number}", "me", CHANGE)
        with pytest.raises(QueueFull, match=r"^10 jobs wait; cancel some"):
            jobs.accept("b", "me", CHANGE)

    desk.run(work)


def test_no_more_payload_waits_than_fits(desk: Desk) -> None:
    desk.devices.awake = set()

    async def work(jobs: Jobs) -> None:
        long = replace(CHANGE, payload=bytes(600))
        first = jobs.accept("a", "me", long)
        with pytest.raises(QueueFull, match=r"^1000 bytes wait; cancel some"):
            jobs.accept("b", "me", long)
        jobs.cancel(first)
        jobs.accept("b", "me", long)

    desk.run(work)
    desk.run(work_again)


async def work_again(jobs: Jobs) -> None:
    with pytest.raises(QueueFull, match=r"^1000 bytes wait"):
        jobs.accept("a", "me", replace(CHANGE, payload=bytes(600)))


@pytest.mark.clause("TC-GW-47")
@pytest.mark.parametrize("ends", ["cancel", "expire"])
def test_what_was_sent_before_its_end_may_be_done(desk: Desk, ends: str) -> None:
    desk.devices.answers = [NoAnswer()]

    async def work(jobs: Jobs) -> None:
        looks = jobs.accept("b", "me", replace(CHANGE, method=Method.GET), 50)
        job = jobs.accept("a", "me", CHANGE, 50)
        desk.devices.answers = [NoAnswer(), NoAnswer()]
        while (job := jobs.find(job.id) or job).attempts < 1 or job.state is not JobState.QUEUED:
            await asyncio.sleep(0)
        desk.devices.awake = set()
        while (looks := jobs.find(looks.id) or looks).state is JobState.SENDING:
            await asyncio.sleep(0)
        if ends == "expire":
            desk.now_s += 60
            ended = await jobs.wait_for_end(job, 10)
        else:
            ended = jobs.cancel(job)
        assert ended.state is JobState.UNKNOWN

    desk.run(work)


@pytest.mark.clause("TC-GW-50")
def test_ended_jobs_are_forgotten_in_time_and_their_payloads_at_once(desk: Desk) -> None:
    async def work(jobs: Jobs) -> None:
        job = await jobs.wait_for_end(jobs.accept("a", "me", replace(CHANGE, payload=b"x" * 9)), 10)
        kept = jobs.find(job.id)
        assert kept is not None
        assert (kept.request.payload, kept.state) == (b"", JobState.DONE)
        desk.store.forget_jobs(desk.now_s - 100, 10)
        assert jobs.find(job.id) == kept
        desk.store.forget_jobs(desk.now_s + 1, 10)
        assert jobs.find(job.id) is None

    desk.run(work)


@pytest.mark.clause("TC-GW-48")
def test_while_a_change_can_be_repeated_few_others_are_sent() -> None:
    doubts = Doubts()
    others = [replace(CHANGE, query=("stop", f"id={number:016x}")) for number in range(1, 40)]
    assert all(doubts.admit("a", each) for each in others)
    doubts.begin("a", CHANGE)
    doubts.begin("a", CHANGE)
    admitted = [each for each in others if doubts.admit("a", each)]
    assert admitted == others[:MOST_OTHERS]
    doubts.begin("a", CHANGE)
    assert not doubts.admit("a", others[0])
    assert doubts.admit("a", CHANGE)
    assert doubts.admit("a", replace(CHANGE, method=Method.GET))
    assert doubts.admit("a", PROTECTED)
    assert doubts.admit("b", others[0])
    doubts.end("a")
    assert doubts.admit("a", others[0])


def test_a_job_is_delivered_when_the_state_can_be_used_again(desk: Desk) -> None:
    async def work(jobs: Jobs) -> None:
        desk.devices.awake = set()
        job = jobs.accept("a", "me", CHANGE)
        away = desk.path.with_name("away.db")
        desk.path.rename(away)
        desk.devices.awake = {"a"}
        jobs.wake("a")
        await asyncio.sleep(0.1)
        assert desk.devices.asked == []
        away.rename(desk.path)
        assert (await jobs.wait_for_end(job, 10)).state is JobState.DONE

    desk.run(work)
    assert len(desk.devices.asked) == 1


def test_how_long_a_client_waits_is_no_matter_of_the_clock(desk: Desk) -> None:
    desk.devices.awake = set()

    async def work(jobs: Jobs) -> None:
        job = jobs.accept("a", "me", CHANGE)
        desk.now_s -= 3600
        assert (await jobs.wait_for_end(job, 0.2)).state is JobState.QUEUED
        waiting = asyncio.create_task(jobs.wait_for_end(job, 1.0))
        await asyncio.sleep(0)
        desk.now_s -= 3600
        assert (await asyncio.wait_for(waiting, 5)).state is JobState.QUEUED

    desk.run(work)


def test_time_goes_on_evenly_when_the_clock_is_set() -> None:
    wall, monotonic = [5000.0], [10.0]
    now_s = steady_clock(lambda: wall[0], lambda: monotonic[0])
    assert now_s() == 5000.0
    wall[0] -= 3600
    monotonic[0] += 2
    assert now_s() == 5002.0
