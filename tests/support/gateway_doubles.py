"""A gateway's double: what it is sent over HTTP it carries to a device over CoAP, or does not.

The honest one does what the contract says. Tests derive others from it.
"""

import base64
import json
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from support.serving import HOST

DEVICE_PATH: Final = "/devices/box1"
OSCORE_TYPE: Final = "application/oscore"
ASLEEP: Final = "urn:tinycontainer:problem:asleep"
_OSCORE: Final = 9
_CHANGED: Final = 0x44
_CONTENT: Final = 0x45


@dataclass(frozen=True)
class Asked:
    """A request of HTTP as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def option(self) -> bytes:
        """The value of the option OSCORE."""
        return decode_option(self.headers["oscore"])


@dataclass(frozen=True)
class Reply:
    """What is replied; raw bytes in place of all of it where it is no HTTP."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    raw: tuple[bytes, ...] | None = None
    repeats: bytes = b""  # after ``raw``, until the other side has had enough
    pause_s: float = 0.0  # before each repetition


def decode_option(text: str) -> bytes:
    """The value that a header OSCORE stands for."""
    return b"" if text == "AA" else base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode_option(value: bytes) -> str:
    """The header OSCORE of a value."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=") or "AA"


def protected(option: bytes, body: bytes) -> Reply:
    """A reply that carries a message of OSCORE."""
    return Reply(200, (("Content-Type", OSCORE_TYPE), ("OSCORE", encode_option(option))), body)


def problem(status: int, *headers: tuple[str, str], **members: object) -> Reply:
    """A reply that carries a problem document."""
    body = json.dumps({"status": status, **members}).encode()
    return Reply(status, (("Content-Type", "application/problem+json"), *headers), body)


def answer_json(status: int, value: object, *headers: tuple[str, str]) -> Reply:
    """A reply that carries JSON."""
    body = json.dumps(value).encode()
    return Reply(status, (("Content-Type", "application/json"), *headers), body)


def ask_device(port: int, option: bytes, body: bytes, timeout_s: float = 5.0) -> Any:
    """Send a protected message to a device over CoAP: the answer as a message; None without one."""
    import aiocoap  # noqa: PLC0415 - an optional part

    token, number = secrets.token_bytes(4), secrets.token_bytes(2)
    length = bytes([len(option)]) if len(option) < 13 else bytes([13, len(option) - 13])
    header = bytes([_OSCORE << 4 | length[0]]) + length[1:] + option
    datagram = b"\x44\x02" + number + token + header + (b"\xff" + body if body else b"")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(timeout_s)
        asker.connect((HOST, port))
        try:
            asker.send(datagram)
            while True:
                found: Any = aiocoap.Message.decode(asker.recv(65_536))
                if found.token == token and int(found.code):
                    if found.mtype is aiocoap.CON:
                        asker.send(b"\x60\0" + found.mid.to_bytes(2, "big"))
                    return found
        except (OSError, aiocoap.error.Error):
            return None


@dataclass
class Gateway:
    """The honest double.

    Attributes:
        port: of the device.
        asked: all requests, in their order.
        token: that it wants to see; empty for none.
        reply: replies to a request; by default `carry`.
        uri: of the device at this gateway.
        connections: how many were made.
        over: set when nobody is served any more.
    """

    port: int
    asked: list[Asked] = field(default_factory=list)
    token: str = ""
    reply: Callable[[Asked], Reply] | None = None
    uri: str = ""
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, asked: Asked) -> Reply:
        """What is replied to a request."""
        self.asked.append(asked)
        return (self.reply or self.carry)(asked)

    def carry(self, asked: Asked) -> Reply:
        """Carry a message to the device, and its answer back."""
        if self.token and asked.headers.get("authorization") != f"Bearer {self.token}":
            return problem(401, type="about:blank", title="Unauthorized", detail="no such token")
        if (asked.method, asked.path) != ("POST", DEVICE_PATH):
            return problem(404, type="about:blank", title="Not Found")
        if asked.headers.get("content-type") != OSCORE_TYPE:
            return problem(415, type="about:blank", title="Unsupported Media Type")
        return self.forward(asked.option, asked.body)

    def forward(self, option: bytes, body: bytes) -> Reply:
        """The device's answer to a message, as a gateway gives it back."""
        found = ask_device(self.port, option, body)
        if found is None:
            return problem(504, type="about:blank", title="Gateway Timeout")
        if found.opt.oscore is None or int(found.code) not in (_CHANGED, _CONTENT):
            code = f"{int(found.code) >> 5}.{int(found.code) & 31:02}"
            return problem(502, type="about:blank", title="Bad Gateway", code=code)
        return protected(found.opt.oscore, found.payload)


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, and writes what the double replies."""

    protocol_version = "HTTP/1.1"
    gateway: Gateway

    def setup(self) -> None:
        super().setup()
        self.gateway.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.gateway.answer(Asked(self.command, self.path, headers, body))
        if reply.raw is not None:
            self._write_raw(reply)
            return
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_DELETE = do_POST  # noqa: N815 - the library's names

    def _write_raw(self, reply: Reply) -> None:
        self.close_connection = True
        with suppress(OSError):
            for part in reply.raw or ():
                self.wfile.write(part)
            while reply.repeats and not self.gateway.over.wait(reply.pause_s):
                self.wfile.write(reply.repeats)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone away, or refused a certificate, is none."""


@contextmanager
def gateway(double: Gateway, certificate: Path | None = None) -> Iterator[Gateway]:
    """Serve a double on the loopback address, until the block is left.

    Args:
        double: what replies.
        certificate: file of a certificate with its key, to serve by TLS; None to do without.
    """
    handler = type("Handler", (_Handler,), {"gateway": double})
    with _Server((HOST, 0), handler) as server:
        if certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "http" if certificate is None else "https"
        double.uri = f"{scheme}://{HOST}:{server.server_port}{DEVICE_PATH}"
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05))
        thread.start()
        try:
            yield double
        finally:
            double.over.set()
            server.shutdown()
            thread.join()


class Sleepy(Gateway):
    """A gateway whose device sleeps: it keeps messages as jobs, and says how they go on.

    Attributes:
        wakes_after: after so many questions about a job its message is sent; None for never.
        ends_as: the state in which the next job ends; None for what its answer is like.
        cancelled: ids of the jobs that were cancelled.
    """

    wakes_after: int | None = 1
    ends_as: str | None = None
    retry_after: str = "30"

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.cancelled: list[str] = []
        self._jobs: dict[str, list[Any]] = {}

    def carry(self, asked: Asked) -> Reply:
        """Keep a message, or say what has become of it."""
        if asked.path.startswith("/jobs/"):
            return self._answer_job(asked, *asked.path.split("/")[2:])
        if asked.headers.get("prefer") != "respond-async":
            sleeps = "It sleeps until then."
            return problem(503, ("Retry-After", self.retry_after), type=ASLEEP, detail=sleeps)
        identity = f"j{len(self._jobs)}"
        self._jobs[identity] = [asked, 0, None]
        where = ("Location", f"/jobs/{identity}")
        return answer_json(202, {"id": identity, "state": "queued"}, where)

    def _answer_job(self, asked: Asked, identity: str, below: str = "") -> Reply:
        job = self._jobs[identity]
        if asked.method == "DELETE":
            self.cancelled.append(identity)
            return Reply(204)
        if below:
            found: Reply = job[2]
            return found
        job[1] += 1
        state = "queued"
        if self.wakes_after is not None and job[1] > self.wakes_after:
            state = self.ends_as or self._send(job)
        return answer_json(200, {"id": identity, "state": state})

    def _send(self, job: list[Any]) -> str:
        job[2] = job[2] or self.forward(job[0].option, job[0].body)
        # A challenge is protected and says so nowhere; it is the shortest of all answers.
        return "challenged" if len(job[2].body) < 32 else "done"
