"""The program of a worker: interprets the models of one container.

A zygote forks it, or the device spawns it where the system cannot fork. Its limits are set before
it reads a byte. It ends when the device closes its end of the socket, when it is killed, or by its
own timer, which matters when the device and the zygote are both gone.
"""

import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Final

from .backends import Backend, Session, load_backend
from .wire import HELLO, REPLY, REQUEST, Request, Status, receive_exactly

ADDRESS_SPACE_BYTES: Final = 256 << 20
DESCRIPTORS: Final = 16
SPARE_S: Final = 0.5
"""How long after the device's own deadline a worker ends itself."""


def limit_process() -> None:
    """Take away what a worker does not need: memory, files, core dumps, descriptors.

    Where the system does not know a limit, the others still hold.
    """
    try:
        import resource  # noqa: PLC0415, RUF100 - not on every system
    except ImportError:
        return
    for kind, amount in (
        (resource.RLIMIT_AS, ADDRESS_SPACE_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, DESCRIPTORS),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (amount, amount))


def silence_streams() -> None:
    """Let standard input, output and error lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    if nowhere > 2:
        os.close(nowhere)


def serve_requests(connection: socket.socket, backend: Backend) -> None:
    """Answer requests until the other side has gone."""
    sessions: dict[int, Session] = {}
    while True:
        try:
            header = receive_exactly(connection, REQUEST.size)
            kind, context, timeout_ms, length = REQUEST.unpack(header)
            payload = receive_exactly(connection, length)
        except (EOFError, OSError):
            return
        _set_timer(timeout_ms / 1000 + SPARE_S)
        status, answer = _answer_request(Request(kind), context, payload, sessions, backend)
        _set_timer(0)
        with suppress(OSError):  # the other side has gone; the next receive ends the loop
            connection.sendall(REPLY.pack(status, len(answer)) + answer)


def _answer_request(
    kind: Request, context: int, payload: bytes, sessions: dict[int, Session], backend: Backend
) -> tuple[Status, bytes]:
    try:
        if kind is Request.RUN:
            return Status.DONE, sessions[context].run(payload)
        sessions.pop(context, None)
        if kind is Request.LOAD:
            sessions[context] = backend.load(payload)
    except MemoryError:
        return Status.NO_MEMORY, b""
    except Exception:  # an interpreter can raise anything
        return Status.REFUSED, b""
    return Status.DONE, b""


def _set_timer(seconds: float) -> None:
    """Have the system end this process after so long; 0 for not at all."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def main(arguments: list[str]) -> None:
    """Run a worker that was spawned.

    Args:
        arguments: the number of its socket, and the name of its backend.
    """
    connection = socket.socket(fileno=int(arguments[0]))
    silence_streams()
    try:
        backend = load_backend(arguments[1])
    except Exception as error:  # an import of foreign code can raise anything
        connection.sendall(HELLO.pack(False, type(error).__name__.encode()))
        return
    connection.sendall(HELLO.pack(True, b""))
    limit_process()
    serve_requests(connection, backend)


if __name__ == "__main__":
    main(sys.argv[1:])
