"""Events and statements come through a gateway that is trusted with nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from support.deliveries import Answer, DeviceDouble, GatewayDouble, problem, served

from tinycontainer.network.platform.delivery.evidence_answers import EventPage, read_event_page
from tinycontainer.network.platform.delivery.gateway_answers import GatewayFailed
from tinycontainer.network.platform.delivery.gateway_client import GatewayClient
from tinycontainer.state import StoredEvent
from tinycontainer_tokens.cbor import encode

CHAIN = bytes(range(32))
NONCE = bytes(16)
CALLS: dict[str, Callable[[GatewayClient], object]] = {
    "events": lambda client: client.events("box1", 7),
    "evidence": lambda client: client.evidence("box1", NONCE),
}


class Saying(GatewayDouble):
    """A gateway that always says the same."""

    def __init__(self, said: Answer) -> None:
        super().__init__(DeviceDouble())
        self.said = said
        self.headers: list[dict[str, str]] = []

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        self.asked.append((method, target))
        self.headers.append(headers)
        return self.said


def page(*rows: Any, newest: Any = 9, chain: Any = CHAIN) -> bytes:
    return encode({0: newest, 1: [*rows], 2: chain})


def test_events_are_read_as_the_device_has_them_and_never_used_again() -> None:
    gateway = Saying(Answer(200, page([8, b"x"], [9, b"\xff"]), "application/cbor"))
    with served(gateway) as client:
        found = client.events("box1", 7)
    assert found == EventPage(9, (StoredEvent(8, b"x"), StoredEvent(9, b"\xff")), CHAIN)
    assert gateway.asked == [("GET", "/devices/box1/tc/e?since=7")]
    (headers,) = gateway.headers
    assert (headers["accept"], headers["if-none-match"]) == ("application/cbor", '"00"')


def test_a_statement_is_passed_on_as_it_is() -> None:
    gateway = Saying(Answer(200, b"signed", 'application/cose; cose-type="cose-sign1"'))
    with served(gateway) as client:
        assert client.evidence("box1", NONCE) == b"signed"
    assert gateway.asked == [("GET", f"/devices/box1/tc/ev?nonce={NONCE.hex()}")]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "said",
    [problem(429, "too-many-requests"), problem(503, "asleep"), problem(504, "no-answer"),
     problem(404, "unknown-device")],
)  # fmt: skip
def test_a_device_that_does_not_answer_now_has_said_nothing(call: str, said: Answer) -> None:
    with served(Saying(said)) as client:
        assert CALLS[call](client) is None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "said",
    [
        Answer(0), Answer(302, headers=(("Location", "/elsewhere"),)), Answer(500, b"\x1b[2J"),
        problem(404, "not-found"), problem(403, "forbidden", detail="\x1b[2J\r\n" * 99),
        Answer(200, b" " * (1 << 20)),
    ],
)  # fmt: skip
def test_whatever_is_no_answer_is_one_line(call: str, said: Answer) -> None:
    with served(Saying(said)) as client, pytest.raises(GatewayFailed) as caught:
        CALLS[call](client)
    text = str(caught.value)
    assert text.startswith("the gateway: ")
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 700


@pytest.mark.clause("TC-PLAT-58")
@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff", encode([]), encode({}), encode({0: 9, 1: {}, 2: CHAIN}), page(7), page([8]),
        encode({0: 9, 1: []}), page(chain=CHAIN[:31]), page(chain=None), page(newest=-1),
        page(newest=1 << 63), page([1 << 63, b""]), page([8, "x"]), page([-8, b"x"]),
        page([7, b"x"]), page([9, b"x"], [8, b"x"]), page([8, b"x"], [8, b"x"]),
        page([8, bytes(1025)]), page(*([number, b""] for number in range(8, 41))),
    ],
)  # fmt: skip
def test_what_are_no_events_is_refused(body: bytes) -> None:
    with pytest.raises(GatewayFailed, match="its answer cannot be used"):
        read_event_page(body, 7)
