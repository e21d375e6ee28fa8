"""Waiting for a sleeping device, in virtual time and over scripted replies."""

import json
from collections.abc import Mapping

import pytest

pytest.importorskip("aiocoap")

from tinycontainer.interfaces.network.http_uri import parse_http_uri
from tinycontainer.network.agent.operator.client import Asleep, DeviceRefused
from tinycontainer.network.agent.operator.gateway_carrier import (
    Bearer,
    GatewayCarrier,
    OperatorTime,
    Patience,
)
from tinycontainer.network.agent.operator.gateway_replies import ProtectedMessage
from tinycontainer.network.agent.operator.http_connection import HttpConnection, HttpReply

DEVICE = parse_http_uri("https://gateway/devices/box1")
MESSAGE = ProtectedMessage(b"\x01", b"request")
KIND = ("content-type", "application/problem+json")
ASLEEP = HttpReply(503, (KIND,), b'{"type": "urn:tinycontainer:problem:asleep"}')
ACCEPTED = HttpReply(202, (("location", "/jobs/1"),))
DONE = HttpReply(200, (("content-type", "application/oscore"), ("oscore", "AA")), b"answer")


def job(state: str) -> HttpReply:
    return HttpReply(200, (), json.dumps({"id": "1", "state": state}).encode())


class World(HttpConnection):
    """A gateway that replies by a script, and a clock; what is raised stands for no reply.

    Attributes:
        replies: the next ones; each takes ``takes_s``.
        asked: method and path of each request, and when it came.
        timeouts_s: how long each of them was waited for at most.
    """

    def __init__(self, *replies: HttpReply | BaseException, takes_s: float = 0.0) -> None:
        super().__init__(DEVICE, None, lambda: self.at_s)
        self.at_s = 0.0
        self.replies = list(replies)
        self.takes_s = takes_s
        self.asked: list[tuple[str, str, float]] = []
        self.timeouts_s: list[float] = []

    def exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> HttpReply:
        self.asked.append((method, path, self.at_s))
        self.timeouts_s.append(timeout_s)
        self.at_s += self.takes_s
        reply = self.replies.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        return reply

    def pass_by(self, seconds: float) -> None:
        self.at_s += seconds

    def carrier(self, sleep_s: float) -> GatewayCarrier:
        timing = OperatorTime(lambda: self.at_s, self.pass_by)
        return GatewayCarrier(self, DEVICE, Bearer(), Patience(10, sleep_s), timing)


@pytest.mark.clause("TC-GW-57")
def test_a_job_is_asked_about_once_a_second_at_most_until_it_has_an_answer() -> None:
    polls = (job("queued"), TimeoutError(), job("sending"), job("done"))
    world = World(ASLEEP, ACCEPTED, *polls, TimeoutError(), DONE)
    assert world.carrier(60).carry(MESSAGE) == ProtectedMessage(b"", b"answer")
    times_s = [at_s for method, path, at_s in world.asked if path == "/jobs/1"]
    assert times_s == [0, 1, 2, 3]
    assert [path for _, path, _ in world.asked[-2:]] == ["/jobs/1/result"] * 2
    assert world.timeouts_s == [10, 10, 30, 30, 30, 30, 10, 10]


@pytest.mark.clause("TC-GW-57")
@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (HttpReply(204), "the gateway says that it has dropped the request"),
        (HttpReply(409), "did not drop the request, so it may yet be carried out"),
        (TimeoutError(), "did not drop the request, so it may yet be carried out"),
    ],
)
def test_when_the_time_is_over_the_job_is_cancelled(
    reply: HttpReply | BaseException, line: str
) -> None:
    world = World(ASLEEP, ACCEPTED, *[job("queued")] * 3, reply, takes_s=1)
    with pytest.raises(Asleep, match=f"^box1 still sleeps; .*{line}$"):
        world.carrier(3.5).carry(MESSAGE)
    assert world.asked[-1][:2] == ("DELETE", "/jobs/1")
    assert world.timeouts_s[-1] == 2


@pytest.mark.clause("TC-GW-57")
def test_who_gives_up_takes_the_request_back() -> None:
    world = World(ASLEEP, ACCEPTED, job("queued"), KeyboardInterrupt(), HttpReply(204))
    with pytest.raises(KeyboardInterrupt):
        world.carrier(60).carry(MESSAGE)
    assert world.asked[-1][:2] == ("DELETE", "/jobs/1")
    world = World(ASLEEP, ACCEPTED, HttpReply(500), HttpReply(204))
    with pytest.raises(DeviceRefused, match="500"):
        world.carrier(60).carry(MESSAGE)
    assert world.asked[-1][:2] == ("DELETE", "/jobs/1")


@pytest.mark.clause("TC-GW-57")
def test_the_time_to_wait_begins_anew_when_the_device_has_answered() -> None:
    sleep = [ASLEEP, ACCEPTED, job("queued"), job("done"), DONE]
    world = World(*sleep, *sleep, ASLEEP, takes_s=1)
    carrier = world.carrier(5)
    carrier.carry(MESSAGE)
    carrier.has_answered()
    carrier.carry(MESSAGE)
    with pytest.raises(Asleep, match=r"^box1 still sleeps$"):
        carrier.carry(MESSAGE)


@pytest.mark.clause("TC-GW-57")
def test_a_device_that_wakes_up_in_between_answers_at_once() -> None:
    world = World(ASLEEP, DONE)
    assert world.carrier(60).carry(MESSAGE).payload == b"answer"
    with pytest.raises(TimeoutError):
        World(ASLEEP, HttpReply(504)).carrier(60).carry(MESSAGE)
