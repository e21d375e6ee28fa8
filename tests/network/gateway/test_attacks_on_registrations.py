"""Nobody registers over, renews or deletes a registration of another: not by replay either."""

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from support.gateways import Gateway, running_gateway, write_gateway_file
from support.project import Program
from support.serving import HOST, asking
from support.yards import RIGHTS, make_yard, wait_for

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")

import aiocoap

from tinycontainer.network.agent.requests.message import Code, Method

TEMPLATE = """
[http]
bind = "{http}"
insecure = true
[coap]
bind = "{coap}"
"""
DEVICE = """
[[devices]]
name = "{name}"
context = "{name}-context"
"""


@contextmanager
def relay(gateway: Gateway) -> Iterator[tuple[str, list[bytes]]]:
    """Somebody between device and gateway who keeps all that the device sends: its URI."""
    host, _, port = gateway.coap.removeprefix("coap://").partition(":")
    inside, outside = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    inside.bind((HOST, 0))
    outside.connect((host, int(port)))
    peers: list[Any] = []
    kept: list[bytes] = []

    def forward() -> None:
        with suppress(OSError):
            while True:
                datagram, peer = inside.recvfrom(1 << 16)
                peers[:] = [peer]
                kept.append(datagram)
                outside.send(datagram)

    def back() -> None:
        with suppress(OSError):
            while True:
                inside.sendto(outside.recv(1 << 16), peers[0])

    threads = [threading.Thread(target=work, daemon=True) for work in (forward, back)]
    for each in threads:
        each.start()
    with inside, outside:
        yield f"coap://{HOST}:{inside.getsockname()[1]}", kept


def replay(gateway: Gateway, datagram: bytes, number: int) -> Any:
    """Send a datagram again, as another message from another port: its answer."""
    host, _, port = gateway.coap.removeprefix("coap://").partition(":")
    changed = datagram[:2] + number.to_bytes(2, "big") + datagram[4:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.sendto(changed, (host, int(port)))
        try:
            return aiocoap.Message.decode(client.recv(1 << 16))
        except TimeoutError:
            return None


@pytest.fixture
def file(tmp_path: Path, program: Program) -> Path:
    """A file of a gateway with two protected devices, whose sides are in NAME/device."""
    more = ""
    for name in ("victim", "rogue"):
        program.good("keygen", "--oscore", tmp_path / name)
        shutil.move(tmp_path / name / "operator", tmp_path / f"{name}-context")
        more += DEVICE.format(name=name)
    return write_gateway_file(tmp_path, more, template=TEMPLATE)


def seen(gateway: Gateway, name: str) -> Any:
    """What the gateway knows of a device, without what grows by itself."""
    found = gateway.ask("GET", f"/devices/{name}").json()
    return {key: found.get(key) for key in ("base", "registered_s", "sleep_s", "presence")}


@pytest.mark.clause("TC-GW-03", "TC-GW-04")
def test_a_device_with_a_proof_touches_its_own_registration_only(
    tmp_path: Path, file: Path
) -> None:
    with running_gateway(file) as gateway:
        with asking(gateway.coap, tmp_path / "victim" / "device") as ask:
            made = ask(Method.POST, "/rd?ep=victim&lt=300")
            location = [value.decode() for key, value in made.options if key == 8][-1]
        before = seen(gateway, "victim")
        with asking(gateway.coap, tmp_path / "rogue" / "device") as ask:
            assert ask(Method.POST, "/rd?ep=victim&lt=300").code is Code.FORBIDDEN
            assert ask(Method.POST, "/rd?ep=new&lt=300").code is Code.FORBIDDEN
            for guess in (location, "0" * 16, location.upper(), f"{location}/"):
                for method, query in ((Method.POST, "?lt=1"), (Method.DELETE, "")):
                    answer = ask(method, f"/rd/{guess}{query}")
                    assert answer.code is Code.NOT_FOUND, guess
            assert location.encode() not in ask(Method.GET, "/rd-lookup/ep").payload
        with asking(gateway.coap) as ask:
            for path in ("/rd?ep=victim", f"/rd/{location}", "/rd-lookup/ep", "/.well-known/core"):
                assert ask(Method.POST, path).code is Code.UNAUTHORIZED
        assert seen(gateway, "victim") == before


@pytest.mark.clause("TC-GW-03")
def test_what_a_device_has_sent_changes_nothing_when_it_comes_again(
    tmp_path: Path, file: Path
) -> None:
    context = tmp_path / "victim" / "device"
    with running_gateway(file) as gateway:
        with relay(gateway) as (uri, kept), asking(uri, context) as ask:
            made = ask(Method.POST, "/rd?ep=victim&lt=300&sleep=50&awake=5")
            location = [value.decode() for key, value in made.options if key == 8][-1]
            assert ask(Method.POST, f"/rd/{location}").code is Code.CHANGED
            assert ask(Method.DELETE, f"/rd/{location}").code is Code.DELETED
            again = ask(Method.POST, "/rd?ep=victim&lt=300&sleep=60&awake=5")
            assert again.code is Code.CREATED
        captured = [each for each in kept if aiocoap.Message.decode(each).code.is_request()]
        assert len(captured) >= 4
        before = seen(gateway, "victim")
        for number, datagram in enumerate(captured):
            answer = replay(gateway, datagram, 50_000 + number)
            assert answer.code == aiocoap.UNAUTHORIZED
        last = captured[-1]
        for at in range(4, len(last)):  # forged in each of its bytes
            forged = last[:at] + bytes([last[at] ^ 0x01]) + last[at + 1 :]
            replay_quickly(gateway, forged, 51_000 + at)
        assert seen(gateway, "victim") == before
        gateway.process.kill()
        gateway.process.wait()
    with running_gateway(file) as gateway:
        before = seen(gateway, "victim")
        for number, datagram in enumerate(captured):
            answer = replay(gateway, datagram, 52_000 + number)
            assert answer is None or answer.code != aiocoap.CREATED
        assert seen(gateway, "victim") == before
        with asking(gateway.coap, context) as ask:
            assert ask(Method.POST, "/rd?ep=victim&lt=300").code is Code.CREATED


def replay_quickly(gateway: Gateway, datagram: bytes, number: int) -> None:
    """Send a datagram, whatever is answered."""
    host, _, port = gateway.coap.removeprefix("coap://").partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(datagram[:2] + number.to_bytes(2, "big") + datagram[4:], (host, int(port)))


def test_the_gateway_has_the_rights_of_the_device_file_and_lends_them_to_nobody(
    tmp_path: Path, program: Program
) -> None:
    yard = make_yard(tmp_path, program, ("box",))
    device = tmp_path / "box" / "device.toml"
    text = device.read_text()
    device.write_text(text.replace(str(RIGHTS).replace("'", '"'), '["read"]'))
    assert device.read_text() != text
    octets = {"Content-Type": "application/octet-stream"}
    path = "/devices/box/tc/c/626f78"
    with yard.gateway() as gateway, yard.device("box"):
        wait_for(gateway, "box")
        assert gateway.ask("GET", "/devices/box/tc").status_code == 200
        put = gateway.ask("PUT", path, content=yard.bundle, headers=octets)
        assert (put.status_code, put.json()["code"]) == (403, "4.03")
        for value in ("CQA", "CQE", "GQEBZQ", "AA", "_w"):  # of nobody, and of the gateway itself
            headers = {"Content-Type": "application/oscore", "OSCORE": value}
            sent = gateway.ask("POST", "/devices/box", content=b"sealed" * 4, headers=headers)
            assert sent.status_code in (400, 403), sent.text
        assert gateway.ask("GET", "/devices/box/tc/c").json() == []


def test_a_message_that_only_looks_protected_is_refused(file: Path) -> None:
    with running_gateway(file) as gateway:
        for option in (b"", b"\x09", b"\x09\x01", b"\x0f" * 255, b"\x19\x01\x05abcdekid"):
            message = aiocoap.Message(
                code=aiocoap.POST, _mtype=aiocoap.CON, _mid=1, _token=b"1", payload=b"x" * 20
            )
            message.opt.oscore = option
            answer = replay(gateway, message.encode(), len(option) + 100)
            assert answer is not None
            assert 128 <= int(answer.code) < 136
        assert seen(gateway, "victim")["presence"] == "gone"
