"""One connection of HTTP that is kept, and whose other side is trusted with nothing.

The standard library bounds each read in time and not their sum, and neither trailers nor interim
answers in number. Here an exchange has one moment when it is over, and bytes that it may read.
"""

import http.client
import io
import select
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from tinycontainer.interfaces.network.coap_client import UNREACHABLE
from tinycontainer.interfaces.network.http_uri import HttpUri
from tinycontainer.text import flatten

from .answers import AnswerUnreadable
from .client import Unreachable

MAX_BODY_BYTES: Final = 1 << 16
"""No message of CoAP over UDP is longer."""
_MAX_READ_BYTES: Final = 2 * MAX_BODY_BYTES
"""With headers, lengths of chunks, trailers and interim answers."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What a server answered. All of it is untrusted.

    Attributes:
        status: three digits.
        headers: name in small letters and value, in their order.
        body: at most `MAX_BODY_BYTES`.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The value of a header; None if it is missing, or is there more than once."""
        found = [value for each, value in self.headers if each == name]
        return found[0].strip() if len(found) == 1 else None

    @property
    def media_type(self) -> str:
        """What the body is, without parameters; empty if that is not said, or said twice."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()


class _TooLong(Exception):
    """More came than may be read. It is no ValueError: the library takes those for its own."""


class _Bounds:
    """What is left of one exchange: a time and a number of bytes.

    Args:
        now_s: monotonic seconds.
        timeout_s: how long it may take.
    """

    def __init__(self, now_s: Callable[[], float], timeout_s: float) -> None:
        self._now_s = now_s
        self._until_s = now_s() + timeout_s
        self._left_bytes = _MAX_READ_BYTES

    def left_s(self) -> float:
        """Seconds that are left, more than 0.

        Raises:
            TimeoutError: there are none.
        """
        left_s = self._until_s - self._now_s()
        if left_s <= 0:
            raise TimeoutError
        return left_s

    def count(self, read_bytes: int) -> None:
        """Some bytes were read.

        Raises:
            _TooLong: they are too many.
        """
        self._left_bytes -= read_bytes
        if self._left_bytes < 0:
            raise _TooLong


class _BoundedFile(io.RawIOBase):
    """What comes out of a socket, within bounds. To close it closes nothing."""

    def __init__(self, wire: socket.socket, bounds: _Bounds) -> None:
        self._wire = wire
        self._bounds = bounds

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what has come, or wait for it as long as there is time."""
        self._wire.settimeout(self._bounds.left_s())
        count = self._wire.recv_into(buffer)
        self._bounds.count(count)
        return count


class _BoundedWire:
    """As much of a socket as `http.client` uses."""

    def __init__(self, wire: socket.socket, bounds: _Bounds) -> None:
        self._wire = wire
        self.bounds = bounds

    def sendall(self, content: bytes) -> None:
        """Send all of it."""
        self._wire.settimeout(self.bounds.left_s())
        self._wire.sendall(content)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What the answer is read from."""
        return io.BufferedReader(_BoundedFile(self._wire, self.bounds))

    def close(self) -> None:
        """The connection closes its socket itself: an answer may not have been read yet."""


class HttpConnection:
    """Sends requests to one server, one after the other.

    Args:
        server: a URI of it.
        tls: how its certificate is judged; None for a server without TLS.
        now_s: monotonic seconds.
    """

    def __init__(
        self, server: HttpUri, tls: ssl.SSLContext | None, now_s: Callable[[], float]
    ) -> None:
        self._server = server
        self._tls = tls
        self._now_s = now_s
        self._wire: socket.socket | None = None

    def exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> HttpReply:
        """Send a request and read its answer; no redirection is followed.

        Args:
            method: of HTTP.
            path: of the URI.
            headers: beside those that every request has.
            body: empty if there is none.
            timeout_s: how long all of it may take.

        Raises:
            TimeoutError: there was no answer in time, or not all of it came.
            AnswerUnreadable: it is no answer of HTTP, or too long.
            Unreachable: there is no connection.
        """
        bounds = _Bounds(self._now_s, timeout_s)
        wire = self._kept_wire() or self._connect(bounds)
        is_kept = False
        try:
            reply, is_kept = self._exchange(wire, bounds, method, path, headers, body)
        except _TooLong:
            raise AnswerUnreadable("it is too long") from None
        except (OSError, http.client.IncompleteRead):  # the answer is lost; the request may be not
            raise TimeoutError from None
        except Exception as error:  # foreign code reads what a stranger sends
            raise AnswerUnreadable(f"it is no answer of HTTP ({type(error).__name__})") from error
        finally:
            if not is_kept:
                self.close()
        return reply

    def close(self) -> None:
        """End the connection; the next request makes another one."""
        if self._wire is not None:
            with suppress(OSError):
                self._wire.close()
            self._wire = None

    def _kept_wire(self) -> socket.socket | None:
        """The socket of the last request; None if it has ended, or says what nobody asked."""
        if self._wire is not None:
            poll = select.poll()
            poll.register(self._wire, select.POLLIN)
            if poll.poll(0):
                self.close()
        return self._wire

    def _connect(self, bounds: _Bounds) -> socket.socket:
        server = self._server
        try:
            wire = socket.create_connection((server.host, server.port), bounds.left_s())
            self._wire = wire
            if self._tls is not None:
                wire.settimeout(bounds.left_s())
                self._wire = self._tls.wrap_socket(wire, server_hostname=server.host)
        except TimeoutError:
            self.close()
            raise
        except ssl.SSLCertVerificationError as error:
            self.close()
            problem = flatten(error.verify_message)[:200]
            raise Unreachable(f"its certificate does not hold: {problem}") from error
        except ssl.SSLError as error:
            self.close()
            raise Unreachable("no TLS connection could be made") from error
        except OSError as error:
            self.close()
            raise Unreachable(UNREACHABLE) from error
        return self._wire

    def _exchange(
        self,
        wire: socket.socket,
        bounds: _Bounds,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> tuple[HttpReply, bool]:
        """The answer to a request, and whether the connection can be used again."""
        connection = self._speak(wire, bounds)
        connection.request(method, path, body or None, dict(headers))
        response = connection.getresponse()
        found = b""
        while part := response.read(MAX_BODY_BYTES + 1 - len(found)):
            found += part
            if len(found) > MAX_BODY_BYTES:
                raise _TooLong
        if response.length:
            raise TimeoutError
        named = tuple((name.lower(), str(value)) for name, value in response.getheaders())
        is_kept = response.isclosed() and not response.will_close
        return HttpReply(response.status, named, found), is_kept

    def _speak(self, wire: socket.socket, bounds: _Bounds) -> http.client.HTTPConnection:
        """The library's connection over a socket; it makes none itself."""
        server = self._server
        connection: Any
        if self._tls is None:
            connection = http.client.HTTPConnection(server.host, server.port)
        else:
            connection = http.client.HTTPSConnection(server.host, server.port, context=self._tls)
        connection.auto_open = 0
        connection.sock = _BoundedWire(wire, bounds)
        speaking: http.client.HTTPConnection = connection
        return speaking
