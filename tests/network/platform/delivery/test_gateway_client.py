"""A gateway is trusted with nothing, and what it does instead is told in one line."""

import itertools
import socket
from collections.abc import Callable
from typing import Any

import pytest
from support.deliveries import (
    NEW,
    TOKEN,
    Answer,
    DeviceDouble,
    GatewayDouble,
    as_json,
    client_of,
    digest,
    problem,
    served,
    served_at,
    task,
)

from tinycontainer.interfaces.network.http_uri import parse_http_uri
from tinycontainer.network.gateway.directory.presence import Presence
from tinycontainer.network.gateway.job import JobState
from tinycontainer.network.platform.delivery.delivering import advance
from tinycontainer.network.platform.delivery.gateway_answers import GatewayFailed, ListedDevice
from tinycontainer.network.platform.delivery.gateway_client import DeviceReply, GatewayClient
from tinycontainer.network.platform.delivery.progress import DeliveryLost, DeliveryProgress
from tinycontainer.network.platform.exchange import Server

JOB = "/jobs/" + "0" * 31 + "1"
LISTED = {"name": "box1", "presence": "asleep", "back_s": 3.5, "heard_s": 9, "groups": ["north"]}
CALLS: dict[str, Callable[[GatewayClient], object]] = {
    "devices": lambda client: client.devices(),
    "presence": lambda client: client.presence("box1"),
    "keep": lambda client: client.keep_blob(digest(NEW), lambda: NEW),
    "submit": lambda client: client.submit("GET", "/devices/box1/tc", {}, deadline_s=5),
    "look": lambda client: client.look_at(JOB),
    "result": lambda client: client.result(JOB),
    "cancel": lambda client: client.cancel(JOB),
}


def told(answer: Answer) -> GatewayDouble:
    return GatewayDouble(DeviceDouble(), lies=lambda _method, _target: answer)


def failure_of(answer: Answer, call: str) -> GatewayFailed:
    with served(told(answer)) as client, pytest.raises(GatewayFailed) as caught:
        CALLS[call](client)
    text = str(caught.value)
    assert text.startswith("the gateway: ")
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 700
    assert TOKEN not in text
    return caught.value


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_not_good_is_told_apart(call: str, status: int) -> None:
    failure = failure_of(problem(status, "forbidden", detail="no right to load"), call)
    assert failure.refuses_token


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_not_followed(call: str, status: int) -> None:
    gateway = told(Answer(status, headers=(("Location", "/elsewhere"),)))
    with served(gateway) as client, pytest.raises(GatewayFailed, match="leads elsewhere"):
        CALLS[call](client)
    assert len(gateway.asked) == 1


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "answer",
    [
        Answer(0),
        Answer(500, b"\x1b[2J", "text/html"),
        Answer(418),
        problem(429, "too-many-requests", Retry_After="7"),
        problem(503, "\x1b", detail="\x1b[2J\r\n" * 1000),
        Answer(503, b"[" * 60_000, "application/problem+json"),
    ],
)
def test_whatever_is_no_answer_is_one_line(call: str, answer: Answer) -> None:
    failure = failure_of(answer, call)
    assert not failure.refuses_token
    assert failure.after_s == (7 if answer.status == 429 else None)


@pytest.mark.parametrize("call", [each for each in CALLS if each != "keep"])
def test_an_endless_answer_is_not_read_to_its_end(call: str) -> None:
    status = 202 if call == "submit" else 200
    assert "too long" in str(failure_of(Answer(status, b" " * (5 << 20)), call))


@pytest.mark.parametrize(
    "location",
    [
        "",
        "/jobs/",
        "/jobs/" + "0" * 31,
        "/jobs/" + "0" * 33,
        "/jobs/" + "G" * 32,
        "//elsewhere/jobs/" + "0" * 32,
        "https://elsewhere/jobs/" + "0" * 32,
        "/jobs/" + "0" * 32 + "/result",
        "/jobs/" + "0" * 32 + "?a",
    ],
)
def test_a_job_that_is_elsewhere_is_not_followed(location: str) -> None:
    failure_of(as_json({}, 202, location=location), "submit")
    twice = as_json({}, 202, location=JOB).headers * 2
    failure_of(Answer(202, headers=twice), "submit")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"7",
        b"\xff",
        b"[[[[" * 10_000,
        b'{"state": 7}',
        b'{"state": "happy"}',
        b'{"state": ["done"]}',
        b'{"state": NaN}',
    ],
)
def test_the_state_of_a_job_is_read_strictly(body: bytes) -> None:
    assert "cannot be used" in str(failure_of(Answer(200, body), "look"))


@pytest.mark.parametrize(
    "value",
    [
        {**LISTED, "name": "a/b"},
        {**LISTED, "name": None},
        {**LISTED, "presence": "happy"},
        {**LISTED, "presence": ["awake"]},
        {**LISTED, "back_s": -1},
        {**LISTED, "back_s": True},
        {**LISTED, "back_s": "3"},
        {**LISTED, "back_s": 10**400},
        {**LISTED, "heard_s": None},
        [],
        7,
    ],
)
def test_the_directory_is_read_strictly(value: Any) -> None:
    failure_of(as_json([value]), "devices")
    failure_of(as_json(value), "presence")


def test_a_directory_with_one_name_twice_or_too_many_is_refused() -> None:
    failure_of(as_json([LISTED, LISTED]), "devices")
    failure_of(Answer(200, b"[" + b"{}," * 20_001 + b"{}]"), "devices")
    failure_of(Answer(200, b"[1e999]"), "devices")
    failure_of(as_json({**LISTED, "name": "box2"}), "presence")


def test_the_directory_says_who_is_there() -> None:
    found = ListedDevice("box1", Presence.ASLEEP, 3.5, 9.0)
    gone = {"name": "far", "presence": "gone", "back_s": None, "heard_s": 0.0}
    with served(told(as_json([LISTED, gone]))) as client:
        assert client.devices() == {
            "box1": found,
            "far": ListedDevice("far", Presence.GONE, None, 0.0),
        }
    with served(told(as_json(LISTED))) as client:
        assert client.presence("box1") == found
    with served(GatewayDouble(DeviceDouble())) as client:
        assert client.presence("nobody") is None


def test_a_job_is_made_looked_at_cancelled_and_forgotten() -> None:
    gateway = GatewayDouble(DeviceDouble(), presence="asleep")
    with served(gateway) as client:
        job = client.submit("GET", "/devices/box1/tc/c/626f78", {}, deadline_s=5)
        assert client.look_at(job, 2) is JobState.QUEUED
        assert client.result(job) is None
        assert client.cancel(job)
        assert client.look_at(job) is JobState.CANCELLED
        assert not client.cancel(job)
        gateway.forget_jobs()
        assert client.look_at(job) is None
        assert client.result(job) is None
        assert not client.cancel(job)


def test_a_refusal_of_a_device_is_a_result() -> None:
    refusal = problem(503, "no-slot", "5.03", "all are full", Retry_After="5")
    with served(told(refusal)) as client:
        reply = client.result(JOB)
    assert reply is not None
    assert reply.problem is not None
    assert (reply.status, reply.after_s) == (503, 5)
    assert (reply.problem.reason, reply.problem.code) == ("no-slot", "5.03")
    assert reply.problem.detail == "all are full"


def test_a_result_of_one_that_has_no_right_is_not_that_of_the_token() -> None:
    with served(told(problem(403, "forbidden", "4.03"))) as client:
        reply = client.result(JOB)
    assert reply is not None
    assert reply.status == 403


def test_a_result_has_its_value() -> None:
    with served(told(as_json({"state": "READY"}))) as client:
        assert client.result(JOB) == DeviceReply(200, {"state": "READY"})
    failure_of(Answer(200, b'{"a"'), "result")


def test_a_gateway_that_is_not_there_is_said_to_be_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    client = client_of(f"http://127.0.0.1:{port}")
    with pytest.raises(GatewayFailed, match="the gateway: it cannot be reached"):
        client.devices()
    outcome = advance(task(), DeliveryProgress(), client)
    assert isinstance(outcome, DeliveryLost)
    assert (outcome.after_s, outcome.refuses_token) == (30, False)


def test_a_gateway_that_is_too_slow_is_not_waited_for() -> None:
    ticks = itertools.chain([0.0] * 3, itertools.repeat(99.0))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        uri = parse_http_uri(f"http://127.0.0.1:{listening.getsockname()[1]}")
        client = GatewayClient(Server(uri, None, lambda: next(ticks), 20), TOKEN, 20)
        with pytest.raises(GatewayFailed, match="no whole answer in time"):
            client.devices()


def test_a_delivery_tells_that_the_token_is_not_good() -> None:
    with served(told(problem(401, "unauthorized"))) as client:
        outcome = advance(task(), DeliveryProgress(), client)
    assert isinstance(outcome, DeliveryLost)
    assert outcome.refuses_token
    assert outcome.after_s == 600


def test_a_delivery_waits_as_long_as_the_gateway_wants() -> None:
    with served(told(problem(503, "queue-full", Retry_After="44"))) as client:
        outcome = advance(task(), DeliveryProgress(), client)
    assert isinstance(outcome, DeliveryLost)
    assert outcome.after_s == 44
    with served(told(problem(503, "queue-full", Retry_After="9999999"))) as client:
        outcome = advance(task(), DeliveryProgress(), client)
    assert isinstance(outcome, DeliveryLost)
    assert outcome.after_s == 3600


def test_the_path_of_the_uri_comes_before_all_others() -> None:
    gateway = told(as_json([]))
    with served_at(gateway) as uri:
        assert client_of(f"{uri}/site/").devices() == {}
    assert gateway.asked == [("GET", "/site/devices")]


def test_the_content_of_a_blob_is_sent_once() -> None:
    gateway = GatewayDouble(DeviceDouble())
    with served(gateway) as client:
        client.keep_blob(digest(NEW), lambda: NEW)
        client.keep_blob(digest(NEW), lambda: NEW)
        with pytest.raises(GatewayFailed, match="wrong-hash"):
            client.keep_blob("0" * 64, lambda: NEW)
    assert gateway.blobs == {digest(NEW): NEW}
    assert [method for method, _ in gateway.asked] == ["HEAD", "PUT", "HEAD", "HEAD", "PUT"]


@pytest.mark.parametrize("token", ["a b", "a\r\nX: y", "\u00e4", "=", "a" * 5000])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="no bearer token") as caught:
        client_of("http://127.0.0.1:9", token)
    assert token not in str(caught.value)


def test_the_token_never_shows() -> None:
    assert "none of ..." in str(failure_of(problem(400, "bad", detail=f"none of {TOKEN}"), "look"))
    assert TOKEN not in repr(client_of("http://127.0.0.1:9"))
