"""What a device can do to the gateway, and to other devices: nothing but to be away."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.gateways import Gateway, running_gateway, wait_until, write_gateway_file
from support.serving import HOST

pytest.importorskip("starlette")
aiocoap = pytest.importorskip("aiocoap")


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
        message = aiocoap.Message(
            _mtype=aiocoap.ACK, _mid=request.mid, _token=request.token, **parts
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
            victim.answer(request, code=aiocoap.CONTENT, payload=b"\xa0")
        assert found == [502]  # it has answered, though nothing that can be read
        wait_until(lambda: gateway.ask("GET", "/devices").status_code == 200)
