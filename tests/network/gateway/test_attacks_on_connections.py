"""What a client can do before anybody knows who it is: it ends, and costs next to nothing."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from support.gateways import Gateway, running_gateway, write_gateway_file

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")

import uvicorn
from uvicorn.server import ServerState

from tinycontainer.network.gateway.web import connection
from tinycontainer.network.gateway.web.connection import Connection

MOST_GROWTH_BYTES = 48 << 20
LONG = 1 << 24
HEAD = b"PUT / HTTP/1.1\r\nHost: localhost\r\n"


def connect(gateway: Gateway) -> socket.socket:
    host, _, port = gateway.web.removeprefix("http://").partition(":")
    found = socket.create_connection((host, int(port)))
    found.settimeout(2)
    return found


def is_cut_off(client: socket.socket, first: bytes, again: bytes) -> bool:
    """Whether a connection ends when this is sent, the second a thousand times."""
    try:
        client.sendall(first)
        for _ in range(1000):
            client.sendall(again)
    except OSError:
        return True
    return False


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    """What comes until a connection ends, however that ends."""
    came = bytearray()
    with suppress(ConnectionError):
        while piece := await reader.read(1 << 20):
            came += piece
    return bytes(came)


def memory_bytes(gateway: Gateway) -> int:
    pages = Path(f"/proc/{gateway.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


@pytest.mark.parametrize(
    ("first", "again"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n", b"X-A: " + b"a" * 60_000 + b"\r\n", id="fields"),
        pytest.param(b"GET / HTTP/1.1\r\nX-A: ", b"a" * 60_000, id="a field"),
        pytest.param(b"GET /", b"a" * 60_000, id="a path"),
        pytest.param(b"", b"GET /devices HTTP/1.1\r\nHost: x\r\n\r\n" * 2000, id="sent ahead"),
        pytest.param(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X-A: " + b"a" * 60_000 + b"\r\n",
            id="trailers",
        ),
        pytest.param(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"a" * 60_000, id="a chunk"
        ),
    ],
)
def test_what_has_no_end_is_cut_off(tmp_path: Path, first: bytes, again: bytes) -> None:
    with running_gateway(write_gateway_file(tmp_path)) as gateway:
        before = memory_bytes(gateway)
        with connect(gateway) as client:
            assert is_cut_off(client, first, again)
        assert memory_bytes(gateway) - before < MOST_GROWTH_BYTES
        assert gateway.ask("GET", "/devices").status_code == 200


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: +3\r\n\r\nabc",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    ],
)
def test_a_payload_of_two_lengths_is_refused(tmp_path: Path, head: bytes) -> None:
    with running_gateway(write_gateway_file(tmp_path)) as gateway, connect(gateway) as client:
        client.sendall(HEAD + head + b"GET /devices HTTP/1.1\r\nHost: localhost\r\n\r\n")
        came = b""
        while piece := client.recv(65536):
            came += piece
        assert came.startswith(b"HTTP/1.1 400 ")
        assert came.count(b"HTTP/1.1 ") == 1


def test_the_audit_says_what_was_asked_whatever_the_host_is_called(tmp_path: Path) -> None:
    file = write_gateway_file(tmp_path)
    file.write_text('audit = "audit.log"\n' + file.read_text())
    hosts = (b"a/devices/other?", b"[", b"[::1", b"x#", b"user@localhost")
    with running_gateway(file) as gateway:
        for host in hosts:
            with connect(gateway) as client:
                client.sendall(b"GET /devices/a%0d%0ab HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
                assert client.recv(65536).startswith(b"HTTP/1.1 403 ")
            with connect(gateway) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
                assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
    lines = (tmp_path / "audit.log").read_text().splitlines()
    assert len(lines) == len(hosts)
    assert all('"path": "/devices/a\\\\x0d\\\\x0ab"' in line for line in lines)


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """A small answer once all of the payload is there; a long one, if that is asked for."""
    size = LONG if scope["path"] == "/long" else 1
    while (await receive())["more_body"]:
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * size})


@asynccontextmanager
async def serving(
    monkeypatch: pytest.MonkeyPatch, limit_concurrency: int | None = None
) -> AsyncIterator[int]:
    """Serve in this process, with short times; the port."""
    for name, value in (("LOOK_S", 0.05), ("HEAD_S", 0.5), ("UNREAD_S", 0.5)):
        monkeypatch.setattr(connection, name, value)
    config = uvicorn.Config(
        answer, log_config=None, lifespan="off", limit_concurrency=limit_concurrency
    )
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(config, state, {}), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for each in [*state.connections]:
            each.transport.abort()


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def do() -> None:
        await asyncio.wait_for(work(), 30)

    asyncio.run(do())


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET / HTTP/1.1\r\nX", id="half a head"),
        pytest.param(b"PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\n1", id="half a payload"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\nGET / HT", id="half of a second head"),
    ],
)
def test_who_is_too_slow_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    async def work() -> None:
        async with serving(monkeypatch) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            began_s = time.monotonic()
            writer.write(sent)
            await read_to_end(reader)
            assert 0.4 < time.monotonic() - began_s < 5
            writer.close()

    run(work)


def test_who_sends_steadily_has_the_time_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        async with serving(monkeypatch) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"PUT / HTTP/1.1\r\nContent-Length: 4096\r\n\r\n")
            for _ in range(8):
                writer.write(b"x" * 512)
                await asyncio.sleep(0.2)
            assert (await reader.read(65536)).startswith(b"HTTP/1.1 200 ")
            writer.close()

    run(work)


def test_who_reads_nothing_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        async with serving(monkeypatch) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            writer.write(b"GET /long HTTP/1.1\r\n\r\n")
            await asyncio.sleep(2)
            assert len(await read_to_end(reader)) < LONG
            writer.close()

    run(work)


def test_there_are_no_more_connections_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        async with serving(monkeypatch, limit_concurrency=2) as port:
            held = [
                await asyncio.open_connection("127.0.0.1", port)
                for _ in range(2 + connection.MORE_CONNECTIONS)
            ]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await read_to_end(reader) == b""
            writer.close()
            held[0][1].write(b"GET / HTTP/1.1\r\n\r\n")
            assert (await held[0][0].read(65536)).startswith(b"HTTP/1.1 503 ")
            for _, writer in held:
                writer.close()

    run(work)
