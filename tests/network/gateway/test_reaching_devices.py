"""Devices that are silent, gone, or were never there."""

import time
from pathlib import Path

import pytest
from support.fake_device import FakeDevice, Reply
from support.gateways import (
    Gateway,
    register,
    wait_until,
)
from support.remote_resource import raw_server
from support.remote_resource import reply as raw_reply
from support.serving import HOST, free_port

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
METADATA = "/tc/c/00/m"


@pytest.fixture(scope="module")
def limits() -> str:
    return "cache_ms = 0\nanswer_s = 0.7\n"


@pytest.mark.clause("TC-GW-41")
def test_a_silent_device_is_awaited_for_its_time(gateway: Gateway, fake: FakeDevice) -> None:
    fake.answers(None)
    began_s = time.monotonic()
    found = gateway.ask("GET", f"/devices/fake{METADATA}")
    assert (found.status_code, found.json()["title"]) == (504, "no answer")
    assert 0.6 < time.monotonic() - began_s < 10
    fake.answers(Reply(payload=b"x", delay_s=0.2))
    assert gateway.ask("GET", f"/devices/fake{METADATA}").content == b"x"


@pytest.mark.clause("TC-GW-41")
def test_a_port_without_a_device_is_known_at_once(gateway: Gateway) -> None:
    register(gateway, "closed", f"coap://{HOST}:{free_port()}")
    found = gateway.ask("GET", f"/devices/closed{METADATA}")
    assert (found.status_code, found.json()["title"]) == (504, "no answer")


@pytest.mark.clause("TC-GW-41")
@pytest.mark.parametrize("code", [0x20, 0x45, 0xC0, 0xE1])
@pytest.mark.parametrize("rest", [b"", b"\xf0", b"\xe1\x00", b"\x1f\x00", b"\xd1\x01"])
def test_what_is_no_message_is_no_answer(gateway: Gateway, code: int, rest: bytes) -> None:
    if (code, rest) == (0x45, b""):
        return
    with raw_server(lambda asked: raw_reply(asked, code, rest)) as (base, _):
        register(gateway, "raw", base)
        found = gateway.ask("GET", f"/devices/raw{METADATA}")
    assert found.status_code in (502, 504)
    assert found.headers["content-type"] == "application/problem+json"


@pytest.mark.clause("TC-GW-41")
def test_an_unknown_device_is_not_found_and_one_that_is_gone_is_awaited_in_vain(
    tmp_path: Path, gateway: Gateway
) -> None:
    assert gateway.ask("GET", f"/devices/nobody{METADATA}").status_code == 404
    register(gateway, "short", f"coap://{HOST}:{free_port()}", lt=1)

    def is_over() -> bool:
        found = gateway.ask("GET", f"/devices/short{METADATA}")
        return (found.status_code, found.json()["title"]) == (504, "not registered")

    wait_until(is_over)
