"""What a device can do to the gateway, and to other devices: nothing but to be away."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.gateways import Gateway, running_gateway, wait_until, write_gateway_file
from support.serving import HOST

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")

import aiocoap

from tinycontainer.network.gateway.devices.watching import CALM_S
from tinycontainer_tokens.cbor import encode


class Hostile:
    """A device that is a mere socket.

    Attributes:
        base: where it says that it is.
        asked: the requests that have come.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.settimeout(5)
        host, _, port = gateway.coap.removeprefix("coap://").partition(":")
        self._gateway = host, int(port)
        self._number = 0
        self.base = f"coap://{HOST}:{self._socket.getsockname()[1]}"
        self.asked: list[Any] = []

    def ask(self, path: tuple[str, ...], *query: str) -> Any:
        """Ask the gateway once, not to be acknowledged: its answer; None if there is none."""
        self._number += 1
        message = aiocoap.Message(
            code=aiocoap.POST, _mtype=aiocoap.NON, _mid=self._number, _token=b"%d" % self._number
        )
        message.opt.uri_path, message.opt.uri_query = path, query
        self._socket.sendto(message.encode(), self._gateway)
        end_s = time.monotonic() + 5
        while time.monotonic() < end_s:
            found = self.receive()
            if found is None or found.code.is_response():
                return found
            self.asked.append(found)
        return None

    def receive(self) -> Any:
        """The next message; None if none comes."""
        try:
            return aiocoap.Message.decode(self._socket.recv(1 << 16))
        except TimeoutError:
            return None

    def register(self, name: str, *query: str) -> tuple[str, ...]:
        """Register; the location."""
        answer = self.ask(("rd",), f"ep={name}", *query)
        assert answer.code == aiocoap.CREATED
        return tuple(answer.opt.location_path)

    def answer(self, request: Any, **parts: Any) -> None:
        """Answer a request of the gateway."""
        self._send(aiocoap.ACK, request.mid, request, parts)

    def notify(self, request: Any, **parts: Any) -> None:
        """Tell of a change, not to be acknowledged."""
        self._number += 1
        self._send(aiocoap.NON, self._number & 0xFFFF, request, parts)

    def confirm(self, request: Any, **parts: Any) -> None:
        """Tell of a change, to be acknowledged."""
        self._number += 1
        self._send(aiocoap.CON, self._number & 0xFFFF, request, parts)

    def silence(self, seconds: float) -> None:
        """Wait no longer than this for a message from now on."""
        self._socket.settimeout(seconds)

    def _send(self, kind: Any, number: int, request: Any, parts: dict[str, Any]) -> None:
        message = aiocoap.Message(
            _mtype=kind, _mid=number, _token=request.token, code=aiocoap.CONTENT, **parts
        )
        self._socket.sendto(message.encode(), self._gateway)

    def close(self) -> None:
        """Be gone."""
        self._socket.close()


@contextmanager
def devices(tmp_path: Path, count: int) -> Iterator[tuple[Gateway, list[Hostile]]]:
    """A gateway, and hostile devices."""
    with running_gateway(write_gateway_file(tmp_path)) as gateway:
        made = [Hostile(gateway) for _ in range(count)]
        try:
            yield gateway, made
        finally:
            for each in made:
                each.close()


@contextmanager
def asking(gateway: Gateway, path: str) -> Iterator[list[int]]:
    """Ask over HTTP meanwhile; the status."""
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(gateway.ask("GET", path).status_code))
    thread.start()
    yield found
    thread.join()


@pytest.mark.clause("TC-GW-08")
def test_a_device_that_comes_back_gets_its_answer_whatever_was_sent_to_it(tmp_path: Path) -> None:
    with devices(tmp_path, 1) as (gateway, [device]):
        location = device.register("sleeper", "sleep=5", "awake=1")
        with asking(gateway, "/devices/sleeper/tc") as found:
            time.sleep(1.5)
            assert device.ask(location, "lt=300").code == aiocoap.CHANGED
        assert found == [504]
        assert len(device.asked) == 1


def test_who_comes_back_at_the_base_of_another_does_not_end_what_that_one_is_asked(
    tmp_path: Path,
) -> None:
    with devices(tmp_path, 2) as (gateway, [victim, liar]):
        victim.register("victim")
        location = liar.register("liar", "sleep=5", "awake=1", f"base={victim.base}")
        time.sleep(1.2)
        with asking(gateway, "/devices/victim/tc") as found:
            request = victim.receive()
            assert liar.ask(location).code == aiocoap.CHANGED
            time.sleep(0.2)
            assert found == []
            victim.answer(request, payload=b"\xa0")
        assert found == [502]  # it has answered, though nothing that can be read
        wait_until(lambda: gateway.ask("GET", "/devices").status_code == 200)


def containers(change: int) -> bytes:
    """A list of one container."""
    return encode([{0: b"box", 1: 2, 2: change, 3: "", 4: change, 5: b"d" * 32, 6: 0}])


@contextmanager
def stream(gateway: Gateway, path: str, host: str = "localhost") -> Iterator[socket.socket]:
    """A stream of events, of which nothing was read yet."""
    where, _, port = gateway.web.removeprefix("http://").partition(":")
    with socket.create_connection((where, int(port))) as client:
        client.settimeout(10)
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n"
        client.sendall(head.encode())
        yield client


def memory_bytes(gateway: Gateway) -> int:
    return int(Path(f"/proc/{gateway.process.pid}/statm").read_text().split()[1]) * 4096


def test_a_storm_of_news_reaches_nobody_and_fills_nothing(tmp_path: Path) -> None:
    with devices(tmp_path, 1) as (gateway, [device]):
        device.register("storm")
        path = "/devices/storm/tc/c"
        with stream(gateway, path) as unread, stream(gateway, path) as read:
            request = device.receive()
            assert request.opt.observe == 0
            device.answer(request, observe=1, payload=containers(0))
            before = memory_bytes(gateway)
            began_s, count = time.monotonic(), 0
            while time.monotonic() - began_s < 2:
                count += 1
                device.notify(request, observe=1 + count, payload=containers(count))
                time.sleep(0.0002)
            assert gateway.ask("GET", "/devices/storm").status_code == 200
            took_s = time.monotonic() - began_s
            time.sleep(0.5)
            came = read.recv(1 << 22)
            assert count > 1000
            assert 2 <= came.count(b"event: state") <= took_s / CALM_S + 5
            assert memory_bytes(gateway) - before < 16 << 20
            assert unread.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        # Nobody looks any more: the next news is refused, so that the device stops.
        wait_until(lambda: is_refused(device, request, count))


def is_refused(device: Hostile, request: Any, number: int) -> bool:
    """Whether a confirmable notification is reset."""
    device.confirm(request, observe=number + 2, payload=containers(number))
    end_s = time.monotonic() + 0.5
    while time.monotonic() < end_s:
        found = device.receive()
        if found is not None and found.mtype == aiocoap.RST:
            return True
    return False


def test_a_resource_is_observed_once_however_it_is_written(tmp_path: Path) -> None:
    with devices(tmp_path, 1) as (gateway, [device]), ExitStack() as held:
        device.register("one")
        for digits in ("6a6b", "6A6b", "6a6B", "6A6B"):
            held.enter_context(stream(gateway, f"/devices/one/tc/c/{digits}"))
        request = device.receive()
        device.answer(request, observe=1, payload=containers(0))
        time.sleep(0.5)
        again = gateway.ask("GET", "/devices/one")
        assert again.status_code == 200
        device.silence(0.5)
        assert device.receive() is None


def test_events_beyond_a_page_are_not_kept(tmp_path: Path) -> None:
    with devices(tmp_path, 1) as (gateway, [device]):
        device.register("many")
        events = encode({0: 100, 1: [[number, b"x"] for number in range(1, 101)]})
        with stream(gateway, "/devices/many/tc/e") as client:
            device.answer(device.receive(), observe=1, payload=events)
            came = b""
            while b"\n\n" not in came.partition(b"\r\n\r\n")[2]:
                came += client.recv(1 << 16)
            assert b"event: unreadable" in came
            assert b"more than 32 events" in came


@pytest.mark.parametrize(
    "host",
    ["localhost.", "[::1].example.org", "[::1]x", "u@localhost", "localhost:1:2", "[::ffff:7f00:1]",
     "127.0.0.1.example.org", "localhost/", "", "127.1"],
)  # fmt: skip
def test_without_tokens_a_name_of_another_machine_is_refused(tmp_path: Path, host: str) -> None:
    with (
        running_gateway(write_gateway_file(tmp_path)) as gateway,
        stream(gateway, "/devices", host) as client,
    ):
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("host", ["LOCALHOST", "localhost:1", "127.0.0.1:8090", "[::1]:8090"])
def test_without_tokens_the_names_of_this_machine_are_let_in(tmp_path: Path, host: str) -> None:
    with (
        running_gateway(write_gateway_file(tmp_path)) as gateway,
        stream(gateway, "/devices", host) as client,
    ):
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
