"""Many simulated devices in one event loop: a socket each, and no more of CoAP than they need."""

import asyncio
import itertools
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import cbor2

DEVICES_PER_HOST = 50
"""Without protection, a gateway lets 64 of one host register."""
_CON, _NON, _ACK, _RST = range(4)
_GET, _POST, _CREATED, _CONTENT = 1, 2, 65, 69
_OBSERVE, _PATH, _FORMAT, _QUERY = 6, 11, 12, 15
_CBOR = b"\x3c"


class SimulatedDevice(asyncio.DatagramProtocol):
    """A device that registers, and answers every GET with its events; there is one of them.

    Args:
        name: under which it registers.

    Attributes:
        number: of its event.
        asked: how often it was asked.
        observers: remote address and token of those who observe it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = 1
        self.asked = 0
        self.observers: dict[Any, bytes] = {}
        self.registered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._messages = itertools.count(1)

    @property
    def base(self) -> str:
        """Where it is asked."""
        host, port = self.transport.get_extra_info("sockname")
        return f"coap://{host}:{port}"

    @property
    def content(self) -> bytes:
        """What it answers."""
        event = json.dumps({"event": "loop", "number": self.number})
        return cbor2.dumps({0: self.number, 1: [[self.number, event.encode()]]})

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def register(self, gateway: tuple[str, int], *parameters: str) -> None:
        """Ask a gateway to register it."""
        query = (f"ep={self.name}", "lt=3600", *parameters)
        parts = [(_PATH, b"rd"), *((_QUERY, part.encode()) for part in query)]
        self._send(gateway, _CON, _POST, b"r", _encode(parts))

    def happen(self) -> None:
        """The next event: all who observe it are told."""
        self.number += 1
        for remote, token in self.observers.items():
            self._send(remote, _NON, _CONTENT, token, self._body(is_observed=True))

    def datagram_received(self, data: bytes, addr: Any) -> None:
        kind, code, number = data[0] >> 4 & 3, data[1], data[2:4]
        end = 4 + (data[0] & 15)
        token = data[4:end]
        if code == _GET:
            self.asked += 1
            is_observed = (
                data[end : end + 1] == b"\x60"
            )  # the least option of a request comes first
            if is_observed:
                self.observers[addr] = token
            self._send(addr, _ACK, _CONTENT, token, self._body(is_observed=is_observed), number)
        elif code and not self.registered.done():
            self.registered.set_result(code)
        elif kind == _RST:
            self.observers.pop(addr, None)

    def _body(self, *, is_observed: bool) -> bytes:
        observe = [(_OBSERVE, self.number.to_bytes(3, "big"))] if is_observed else []
        return _encode([*observe, (_FORMAT, _CBOR)]) + b"\xff" + self.content

    def _send(
        self, to: Any, kind: int, code: int, token: bytes, rest: bytes, number: bytes = b""
    ) -> None:
        number = number or (next(self._messages) & 0xFFFF).to_bytes(2, "big")
        head = bytes([0x40 | kind << 4 | len(token), code])
        self.transport.sendto(head + number + token + rest, to)


def _encode(options: Sequence[tuple[int, bytes]]) -> bytes:
    """Options in rising order, each of at most 268 bytes, and less than 13 from the one before."""
    found, before = b"", 0
    for number, value in options:
        length = len(value)
        short, more = (length, b"") if length < 13 else (13, bytes([length - 13]))
        found += bytes([number - before << 4 | short]) + more + value
        before = number
    return found


async def make_crowd(count: int, gateway: str, *parameters: str) -> list[SimulatedDevice]:
    """Make so many devices, and register each at a gateway.

    Args:
        count: how many.
        gateway: where it answers CoAP.
        parameters: more of each registration.
    """
    host, _, port = gateway.removeprefix("coap://").rpartition(":")
    loop = asyncio.get_running_loop()
    crowd: list[SimulatedDevice] = []
    for number in range(count):
        name, own = f"box{number:04}", f"127.0.1.{1 + number // DEVICES_PER_HOST}"
        _, device = await loop.create_datagram_endpoint(
            partial(SimulatedDevice, name), local_addr=(own, 0)
        )
        crowd.append(device)
        device.register((host, int(port)), *parameters)
        code = await asyncio.wait_for(device.registered, 10)
        if code != _CREATED:
            raise RuntimeError(f"{name} was answered {code}")
    return crowd


def close_crowd(crowd: Sequence[SimulatedDevice]) -> None:
    """Close all sockets."""
    for device in crowd:
        device.transport.close()
