"""Each answer of a device as an answer of HTTP."""

from collections.abc import Callable

import cbor2
import httpx
import pytest
from support.fake_device import FakeDevice, Reply, cbor, cut, problem, reply

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
from tinycontainer.network.agent.requests.message import Option, to_uint
from tinycontainer.network.gateway.web.answering import STATUS

Ask = Callable[..., httpx.Response]
METADATA = "/tc/c/00/m"
OCTETS = {"Content-Type": "application/octet-stream"}
FORMAT = int(Option.CONTENT_FORMAT)
SUCCESSES = {"2.01": (201, 201), "2.02": (204, 200), "2.04": (204, 200), "2.05": (200, 200)}
"""Without and with a payload."""
ERRORS = {
    "4.00": 400,
    "4.01": 403,
    "4.02": 400,
    "4.03": 403,
    "4.04": 404,
    "4.05": 405,
    "4.06": 406,
    "4.08": 400,
    "4.09": 409,
    "4.12": 412,
    "4.13": 413,
    "4.15": 415,
    "4.22": 422,
    "4.29": 429,
    "5.00": 500,
    "5.01": 501,
    "5.02": 502,
    "5.03": 503,
    "5.04": 504,
    "5.05": 502,
}
UNKNOWN = {"4.30": ("4.00", 400), "4.18": ("4.00", 400), "5.20": ("5.00", 500)}


def test_the_tables_have_every_code() -> None:
    known = {*SUCCESSES, *ERRORS, "2.03"}
    assert {each.dotted for each in STATUS} == known


@pytest.mark.clause("TC-GW-40")
@pytest.mark.parametrize("code", SUCCESSES)
def test_a_success_has_its_status_with_and_without_a_payload(
    ask: Ask, fake: FakeDevice, code: str
) -> None:
    fake.answers(reply(code), reply(code, b"done", (FORMAT, b"")))
    bare, full = (ask("PUT", METADATA, content=b"x") for _ in range(2))
    assert (bare.status_code, full.status_code) == SUCCESSES[code]
    assert bare.content == b""
    assert full.content == b"done"
    assert full.headers["content-type"] == "text/plain; charset=utf-8"
    assert full.headers["cache-control"] == "no-store"


@pytest.mark.clause("TC-GW-40", "TC-GW-42")
@pytest.mark.parametrize("code", ERRORS)
def test_an_error_has_its_status_and_is_a_problem(ask: Ask, fake: FakeDevice, code: str) -> None:
    fake.answers(reply(code), problem(code, "wrong-state", "it runs"))
    bare, told = (ask("GET", METADATA) for _ in range(2))
    assert bare.status_code == told.status_code == ERRORS[code]
    assert bare.headers["content-type"] == "application/problem+json"
    assert bare.json() == {
        "type": "urn:tinycontainer:problem:refused",
        "title": "refused",
        "status": ERRORS[code],
        "detail": "the device refused it, without a reason",
        "code": code,
    }
    assert told.json() == {
        "type": "urn:tinycontainer:problem:wrong-state",
        "title": "wrong state",
        "status": ERRORS[code],
        "detail": "it runs",
        "code": code,
    }
    assert told.headers["cache-control"] == "no-store"


@pytest.mark.clause("TC-GW-41")
@pytest.mark.parametrize("code", UNKNOWN)
def test_an_unknown_error_counts_as_the_first_of_its_class(
    ask: Ask, fake: FakeDevice, code: str
) -> None:
    fake.answers(reply(code))
    found = ask("GET", METADATA)
    assert (found.json()["code"], found.status_code) == UNKNOWN[code]


@pytest.mark.clause("TC-GW-41")
@pytest.mark.parametrize("code", ["2.00", "2.30", "2.31", "3.00", "3.31"])
def test_what_is_no_answer_of_a_device_is_a_bad_gateway(
    ask: Ask, fake: FakeDevice, code: str
) -> None:
    fake.answers(reply(code, b"secret"))
    found = ask("GET", METADATA)
    assert found.status_code == 502
    assert found.json()["type"].endswith(":bad-answer")
    assert "secret" not in found.text


@pytest.mark.clause("TC-GW-42")
@pytest.mark.parametrize(
    ("payload", "reason", "detail"),
    [
        (b"\xff", "refused", "with a reason that cannot be read"),
        (b"", "refused", "with a reason that cannot be read"),
        (cbor2.dumps([]), "refused", "with a reason that cannot be read"),
        (cbor2.dumps({-1: 7}), "refused", "with a reason that cannot be read"),
        (cbor2.dumps({-2: "lone"}), "refused", "with a reason that cannot be read"),
        (cbor2.dumps({-1: "short"}), "short", ""),
        (cbor2.dumps({-1: "a\x1b[31m", -2: "b\x1b]0;x\x07\u202e"}), "refused", "b\\x1b]0;x\\x07"),
        (cbor2.dumps({-1: "No Such/Thing?", -2: "c"}), "refused", "c"),
        (cbor2.dumps({-1: "a" * 65, -2: "d"}), "refused", "d"),
        (cbor2.dumps({-1: "long", -2: "e" * 700}), "long", "e" * 512),
    ],
)
def test_a_problem_detail_is_read_with_care(
    ask: Ask, fake: FakeDevice, payload: bytes, reason: str, detail: str
) -> None:
    fake.answers(reply("4.09", payload, (FORMAT, to_uint(257))))
    found = ask("GET", METADATA)
    assert found.status_code == 409
    assert found.json()["type"] == f"urn:tinycontainer:problem:{reason}"
    assert detail in found.json()["detail"]
    assert len(found.json()["detail"]) <= 512
    assert found.text.rstrip("\n").isprintable()


@pytest.mark.clause("TC-GW-43")
def test_a_time_to_wait_and_a_size_are_told(ask: Ask, fake: FakeDevice) -> None:
    waits, size = (Option.MAX_AGE, to_uint(300)), (Option.SIZE1, to_uint(4096))
    fake.answers(reply("5.03", b"", waits), reply("4.29", b"", waits), reply("4.04", b"", waits))
    assert ask("GET", METADATA).headers["retry-after"] == "300"
    assert ask("GET", METADATA).headers["retry-after"] == "300"
    assert "retry-after" not in ask("GET", METADATA).headers
    fake.answers(problem("4.13", "too-large", "no room", size), reply("4.00", b"", size))
    assert ask("PUT", METADATA, content=b"x").json()["detail"] == "no room (at most 4096 bytes)"
    assert "4096" not in ask("PUT", METADATA, content=b"x").text


@pytest.mark.clause("TC-GW-43")
def test_a_method_that_the_device_refuses_is_told_with_those_that_there_are(
    ask: Ask, fake: FakeDevice
) -> None:
    fake.answers(reply("4.05"))
    found = ask("PUT", METADATA, content=b"x")
    assert (found.status_code, found.headers["allow"]) == (405, "GET, HEAD, PUT")


CONTAINER = {0: b"box", 1: 2, 2: 7, 3: "", 4: 1, 5: bytes(32), 6: 0}


@pytest.mark.clause("TC-GW-44")
def test_what_is_known_is_json(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(cbor(CONTAINER), cbor([CONTAINER]))
    assert ask("GET", "/tc/c/626f78").json()["state"] == "RUNNING"
    assert [each["uid"] for each in ask("GET", "/tc/c").json()] == ["box"]
    fake.answers(cbor({0: 1, 1: [[1, b'{"event": "loaded"}'], [2, b"not json"]]}))
    assert ask("GET", "/tc/e").json()["events"] == [
        {"number": 1, "event": {"event": "loaded"}},
        {"number": 2, "event": "not json"},
    ]
    fake.answers(cbor([["signature", 1, ""], ["room", 2, "later"]]))
    assert ask("POST", "/tc/j", content=b"x", headers=OCTETS).json() == [
        {"check": "signature", "holds": True, "problem": ""},
        {"check": "room", "holds": None, "problem": "later"},
    ]


@pytest.mark.clause("TC-GW-44")
@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x80" * 2, b"\xa1\x00\x00", b"secret"])
@pytest.mark.parametrize("path", ["/tc", "/tc/c", "/tc/c/00", "/tc/e", "/tc/su"])
def test_what_should_be_known_and_is_not_is_a_bad_gateway(
    ask: Ask, fake: FakeDevice, path: str, payload: bytes
) -> None:
    fake.answers(reply("2.05", payload, (FORMAT, b"\x3c")))
    found = ask("GET", path)
    assert (found.status_code, found.json()["title"]) == (502, "bad answer")
    assert "secret" not in found.text


@pytest.mark.clause("TC-GW-44")
def test_events_can_be_deeply_nested_or_have_other_characters(ask: Ask, fake: FakeDevice) -> None:
    deep = b"[" * 2000 + b"]" * 2000
    rows = [[1, b"\xff\x1b[2J"], [2, b"NaN"], [3, deep]]
    fake.does(lambda asked: cut(asked, cbor2.dumps({0: 3, 1: rows})))
    found = ask("GET", "/tc/e")
    assert found.status_code == 200
    assert "\x1b" not in found.text


@pytest.mark.clause("TC-GW-40")
def test_a_head_has_the_header_and_no_payload(ask: Ask, fake: FakeDevice) -> None:
    fake.answers(reply("2.05", b"twelve bytes", (FORMAT, b"\x2a")))
    found = ask("HEAD", METADATA)
    assert (found.status_code, found.content) == (200, b"")
    assert found.headers["content-length"] == "12"
    assert [each.code for each in fake.asked] == [1]
    fake.does(lambda asked: cut(asked, bytes(40_000)))
    assert ask("HEAD", METADATA).status_code == 200
    assert len(fake.asked) == 1


@pytest.mark.clause("TC-GW-41")
def test_a_device_that_says_nothing_is_awaited_within_its_time(fake: FakeDevice, ask: Ask) -> None:
    fake.answers(Reply(payload=b"late", delay_s=1.5))
    assert ask("GET", METADATA).content == b"late"
