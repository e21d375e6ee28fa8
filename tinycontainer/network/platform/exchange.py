"""One request of HTTP and its answer, whose other side is trusted with nothing.

All that comes is read first, within a time and a number of bytes; only then is it parsed. So there
is one bound for headers, lengths of chunks, trailers and interim answers together.
"""

import http.client
import io
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Final

from tinycontainer.interfaces.network.http_uri import HttpUri
from tinycontainer.text import flatten

_READ_BYTES: Final = 1 << 16
_MAX_HEAD_BYTES: Final = 1 << 16
_SHOWN_CHARACTERS: Final = 200
_HEADERS: Final = ("Content-Type", "Location", "Retry-After", "Set-Cookie")
_SECONDS: Final = re.compile(r"[0-9]{1,7}")


class ServerSilent(Exception):
    """There is no answer that can be used; the text says why, and is fit to be shown."""


@dataclass(frozen=True, slots=True)
class ServerReply:
    """An answer. All of it is untrusted.

    Attributes:
        status: three digits.
        media_type: in small letters, without parameters; empty if it is not said, or said twice.
        body: at most as long as was allowed.
        location: of the header field of this name; empty if it is not said, or said twice.
        retry_after_s: of the header field ``Retry-After``; None if it is no number of seconds.
        set_cookie: of the header field ``Set-Cookie``; empty if it is not said, or said twice.
    """

    status: int
    media_type: str
    body: bytes
    location: str = ""
    retry_after_s: int | None = None
    set_cookie: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """Where requests go.

    Attributes:
        uri: of the server; its path is not used.
        tls: how its certificate is judged; None for a server without TLS.
        now_s: monotonic seconds.
        timeout_s: how long a request and its answer may take together.
    """

    uri: HttpUri
    tls: ssl.SSLContext | None
    now_s: Callable[[], float]
    timeout_s: float

    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, limit_bytes: int
    ) -> ServerReply:
        """Send a request and read its answer; no redirection is followed.

        Args:
            method: of HTTP.
            target: path and query.
            headers: beside those that every request has.
            body: empty if there is none.
            limit_bytes: longest body of an answer.

        Raises:
            ServerSilent: there is none in time, it is too long, or it is none of HTTP.
        """
        sent = self._compose(method, target, headers, body)
        try:
            came = self._send(sent, limit_bytes + _MAX_HEAD_BYTES)
        except TimeoutError:
            raise ServerSilent("there was no whole answer in time") from None
        except ssl.SSLCertVerificationError as error:
            problem = flatten(error.verify_message)[:_SHOWN_CHARACTERS]
            raise ServerSilent(f"its certificate does not hold: {problem}") from None
        except ssl.SSLError:
            raise ServerSilent("no TLS connection could be made, or it broke") from None
        except OSError as error:
            problem = flatten(error.strerror or "no such host")[:_SHOWN_CHARACTERS]
            raise ServerSilent(f"it cannot be reached: {problem}") from None
        return _parse(came, method, limit_bytes)

    def _compose(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        host = f"[{self.uri.host}]" if ":" in self.uri.host else self.uri.host
        named = {"Host": f"{host}:{self.uri.port}", "Connection": "close", **headers}
        if body:
            named["Content-Length"] = str(len(body))
        lines = [f"{method} {target} HTTP/1.1", *(f"{n}: {value}" for n, value in named.items())]
        return "\r\n".join([*lines, "", ""]).encode("ascii") + body

    def _send(self, sent: bytes, limit_bytes: int) -> bytes:
        until_s = self.now_s() + self.timeout_s
        with closing(self._connect(until_s)) as wire:
            wire.settimeout(self._left_s(until_s))
            # Who refuses a long body may answer and hang up before all of it has come.
            with suppress(BrokenPipeError, ConnectionResetError):
                wire.sendall(sent)
            came = bytearray()
            while True:
                wire.settimeout(self._left_s(until_s))
                piece = wire.recv(_READ_BYTES)
                if not piece:
                    return bytes(came)
                came += piece
                if len(came) > limit_bytes:
                    raise ServerSilent("its answer is too long")

    def _connect(self, until_s: float) -> socket.socket:
        wire = socket.create_connection((self.uri.host, self.uri.port), self._left_s(until_s))
        if self.tls is None:
            return wire
        try:
            wire.settimeout(self._left_s(until_s))
            return self.tls.wrap_socket(wire, server_hostname=self.uri.host)
        except BaseException:
            wire.close()
            raise

    def _left_s(self, until_s: float) -> float:
        left_s = until_s - self.now_s()
        if left_s <= 0:
            raise TimeoutError
        return left_s


class _Came:
    """As much of a socket as `http.client.HTTPResponse` uses, over bytes that have come."""

    def __init__(self, came: bytes) -> None:
        self._came = came

    def makefile(self, _mode: str) -> io.BytesIO:
        """What the answer is read from."""
        return io.BytesIO(self._came)


def _parse(came: bytes, method: str, limit_bytes: int) -> ServerReply:
    wire: Any = _Came(came)
    response = http.client.HTTPResponse(wire, method=method)
    try:
        response.begin()
        body = response.read()
        kind, location, after, cookie = (_said_once(response, name) for name in _HEADERS)
    except Exception as error:  # foreign code reads what a stranger sends
        problem = f"its answer is none of HTTP ({type(error).__name__})"
        raise ServerSilent(problem) from None
    if len(body) > limit_bytes:
        raise ServerSilent("its answer is too long")
    media_type = kind.partition(";")[0].strip().lower()
    after_s = int(after) if _SECONDS.fullmatch(after) else None
    return ServerReply(response.status, media_type, body, location, after_s, cookie)


def _said_once(response: http.client.HTTPResponse, name: str) -> str:
    values = response.headers.get_all(name) or []
    return str(values[0]) if len(values) == 1 else ""
