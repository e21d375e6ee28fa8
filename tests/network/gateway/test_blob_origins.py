"""Blobs that are fetched from elsewhere: whatever that place does, it costs little, and ends."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import pytest
from support.gateways import running_gateway, write_gateway_file

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")

from tinycontainer.network.gateway import blobs as module
from tinycontainer.network.gateway.blobs import FETCHES, Blobs, BlobsBusy
from tinycontainer.network.gateway.store import GatewayStore

BLOB = b"signed already" * 100
HEAD = b"HTTP/1.1 200 OK\r\n"


def drip(client: socket.socket) -> None:
    """A body that has no end, and comes slowly."""
    client.sendall(HEAD + b"\r\n")
    while True:
        client.sendall(b"x")
        time.sleep(0.02)


def drip_a_head(client: socket.socket) -> None:
    """A head that has no end, and comes slowly."""
    client.sendall(HEAD + b"X-A: ")
    while True:
        client.sendall(b"x")
        time.sleep(0.02)


def flood(client: socket.socket) -> None:
    """A body that has no end, and comes fast."""
    client.sendall(HEAD + b"\r\n")
    while True:
        client.sendall(b"x" * 65536)


def be_silent(client: socket.socket) -> None:
    """No answer."""
    client.recv(65536)
    time.sleep(60)


def lead_away(client: socket.socket) -> None:
    """A redirection to a file of this machine."""
    client.sendall(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n")


def lie(client: socket.socket) -> None:
    """Less than was promised."""
    client.sendall(HEAD + b"Content-Length: 99999\r\n\r\n" + BLOB)


def give(client: socket.socket) -> None:
    """The blob."""
    client.recv(65536)
    client.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(BLOB) + BLOB)


@contextmanager
def origin(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that behaves so to each connection; its URL."""

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError):
            behave(client)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GatewayStore]:
    """An empty file."""
    found = GatewayStore(tmp_path / "gateway.db", lambda _s, _call: None)
    yield found
    found.close()


@pytest.mark.parametrize(
    ("behave", "is_found"),
    [(drip, 0), (drip_a_head, 0), (flood, 0), (be_silent, 0), (lead_away, 0), (lie, 0), (give, 1)],
)
def test_a_fetch_ends_whatever_comes(
    store: GatewayStore,
    monkeypatch: pytest.MonkeyPatch,
    behave: Callable[[socket.socket], None],
    is_found: bool,
) -> None:
    monkeypatch.setattr(module, "FETCH_S", 0.5)
    monkeypatch.setattr(module, "SILENT_S", 0.5)
    digest = sha256(BLOB).digest()

    async def fetch(url: str) -> None:
        blobs = Blobs(store, 1 << 20, 1 << 24, url, time.time)
        began_s = time.monotonic()
        found = await blobs.find(digest)
        assert time.monotonic() - began_s < 5
        assert found == (BLOB if is_found else None)
        assert await blobs.find(digest, lambda: False) == found

    with origin(behave) as url:
        asyncio.run(fetch(url))


def test_few_blobs_are_fetched_at_a_time(store: GatewayStore) -> None:
    async def fetch(url: str) -> None:
        blobs = Blobs(store, 1 << 20, 1 << 24, url, time.time)
        waiting = [
            asyncio.create_task(blobs.find(bytes([number]) * 32)) for number in range(FETCHES)
        ]
        waiting.append(asyncio.create_task(blobs.find(bytes(32))))
        await asyncio.sleep(0.1)
        with pytest.raises(BlobsBusy):
            await blobs.find(b"x" * 32)
        for each in waiting:
            each.cancel()

    with origin(be_silent) as url:
        began_s = time.monotonic()
        asyncio.run(fetch(url))
        assert time.monotonic() - began_s < 4


def test_the_gateway_ends_while_it_fetches(tmp_path: Path) -> None:
    with origin(be_silent) as url:
        file = write_gateway_file(tmp_path)
        file.write_text(f'blobs_from = "{url}"\n' + file.read_text())
        with running_gateway(file) as gateway:
            path = f"/blobs/{'0' * 64}"
            thread = threading.Thread(target=lambda: suppressed(gateway.ask, path), daemon=True)
            thread.start()
            time.sleep(0.5)
            began_s = time.monotonic()
            assert gateway.end() == 0
            assert time.monotonic() - began_s < 4.5


def suppressed(ask: Callable[[str, str], object], path: str) -> None:
    """Ask, whatever comes of it."""
    with suppress(Exception):
        ask("GET", path)
