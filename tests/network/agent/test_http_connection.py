"""One connection of HTTP: kept while it can be, and bounded whatever the other side does."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.gateway_doubles import DEVICE_PATH, Gateway, Reply, gateway
from support.serving import HOST

from tinycontainer.interfaces.network.http_uri import parse_http_uri

pytest.importorskip("aiocoap")

from tinycontainer.network.agent.operator.answers import AnswerUnreadable
from tinycontainer.network.agent.operator.http_connection import (
    MAX_BODY_BYTES,
    HttpConnection,
    HttpReply,
)

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@contextmanager
def connected(reply: Reply) -> Iterator[tuple[HttpConnection, Gateway]]:
    """A connection to a double that gives this reply to everything."""
    with gateway(Gateway(9, reply=lambda _asked: reply)) as double:
        connection = HttpConnection(parse_http_uri(double.uri), None, time.monotonic)
        try:
            yield connection, double
        finally:
            connection.close()


def get(connection: HttpConnection, timeout_s: float = 5.0) -> HttpReply:
    return connection.exchange("GET", DEVICE_PATH, {}, b"", timeout_s)


def test_a_connection_is_kept_unless_the_server_ends_it() -> None:
    for headers, count in (((), 1), ((("Connection", "close"),), 3)):
        with connected(Reply(200, headers, b"body")) as (connection, double):
            assert [get(connection).body for _ in range(3)] == [b"body"] * 3
            assert double.connections == count


def test_a_connection_that_has_ended_meanwhile_is_made_anew() -> None:
    ended = threading.Event()
    with socket.create_server((HOST, 0)) as server:

        def serve() -> None:
            for _ in range(2):
                client, _address = server.accept()
                with client:
                    client.recv(4096)
                    client.sendall(OK + b"Content-Length: 1\r\n\r\nx")
                ended.set()

        serving = threading.Thread(target=serve)
        serving.start()
        uri = f"http://{HOST}:{server.getsockname()[1]}{DEVICE_PATH}"
        connection = HttpConnection(parse_http_uri(uri), None, time.monotonic)
        assert get(connection).body == b"x"
        assert ended.wait(10)
        assert get(connection).body == b"x"
        serving.join()
        connection.close()


def test_a_header_counts_if_it_is_there_once() -> None:
    reply = HttpReply(200, (("a", " 1 "), ("b", "1"), ("b", "1"), ("content-type", "A/B ; c")))
    assert [reply.header(name) for name in "abc"] == ["1", None, None]
    assert reply.media_type == "a/b"


@pytest.mark.clause("TC-GW-60")
def test_the_longest_body_is_read_and_a_longer_one_is_refused() -> None:
    with connected(Reply(200, (), bytes(MAX_BODY_BYTES))) as (connection, _):
        assert len(get(connection).body) == MAX_BODY_BYTES
    with (
        connected(Reply(200, (), bytes(MAX_BODY_BYTES + 1))) as (connection, _),
        pytest.raises(AnswerUnreadable, match="it is too long"),
    ):
        get(connection)


@pytest.mark.clause("TC-GW-60")
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(raw=(OK,), repeats=b"a: b\r\n"), id="headers"),
        pytest.param(Reply(raw=(OK, b"a: "), repeats=b"b" * 999), id="one header"),
        pytest.param(Reply(raw=(), repeats=b"HTTP/1.1 100 Continue\r\n\r\n"), id="continue"),
        pytest.param(Reply(raw=(), repeats=b"x" * 999), id="status line"),
        pytest.param(Reply(raw=(CHUNKED,), repeats=b"1\r\nx\r\n"), id="chunks"),
        pytest.param(Reply(raw=(CHUNKED, b"0\r\n"), repeats=b"a: b\r\n"), id="trailers"),
        pytest.param(Reply(raw=(CHUNKED,), repeats=b"1;x=" + b"y" * 999), id="chunk extension"),
        pytest.param(Reply(raw=(OK, b"\r\n"), repeats=b"x" * 999), id="body without a length"),
        pytest.param(
            Reply(raw=(OK, b"Content-Length: 999999999999\r\n\r\n"), repeats=b"x" * 999), id="body"
        ),
    ],
)
def test_a_reply_without_an_end_is_refused(reply: Reply) -> None:
    with connected(reply) as (connection, _), pytest.raises(AnswerUnreadable, match="it is "):
        get(connection, timeout_s=30)


@pytest.mark.clause("TC-GW-60")
@pytest.mark.parametrize(
    "begin",
    [
        pytest.param((), id="nothing at all"),
        pytest.param((OK,), id="headers"),
        pytest.param((OK, b"Content-Length: 9000\r\n\r\n"), id="body"),
        pytest.param((CHUNKED, b"2000\r\n"), id="chunk"),
    ],
)
def test_a_reply_byte_by_byte_is_over_when_its_time_is(begin: tuple[bytes, ...]) -> None:
    began_s = time.monotonic()
    slow = Reply(raw=begin, repeats=b"x", pause_s=0.02)
    with connected(slow) as (connection, _), pytest.raises(TimeoutError):
        get(connection, timeout_s=0.3)
    assert time.monotonic() - began_s < 10


@pytest.mark.parametrize(
    "raw",
    [
        (b"",),
        (OK, b"Content-Length: 9\r\n\r\nx"),
        (CHUNKED, b"5\r\nab"),
    ],
)
def test_a_reply_that_is_cut_short_is_lost(raw: tuple[bytes, ...]) -> None:
    with connected(Reply(raw=raw)) as (connection, _), pytest.raises(TimeoutError):
        get(connection)
