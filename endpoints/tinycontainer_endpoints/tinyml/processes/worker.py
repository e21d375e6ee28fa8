"""The device's side of a worker: requests, answers, and the end of its process.

What a worker sends is untrusted: an answer is read up to the length that the model's own outputs
have. Anything else costs the worker its life.
"""

import select
import socket
import time
import weakref
from dataclasses import dataclass
from typing import Final, Protocol

from .wire import REPLY, REQUEST, Request, Status

_STATUSES: Final = frozenset(Status)
_SHORTEST_WAIT_S: Final = 0.001
"""A timeout of 0 would make the socket one that does not block."""


class WorkerLost(Exception):
    """A worker died, sent nonsense, or did not answer in time.

    Attributes:
        in_time: False if its time had passed.
    """

    def __init__(self, problem: str, *, in_time: bool = True) -> None:
        super().__init__(problem)
        self.in_time = in_time


@dataclass(frozen=True, slots=True)
class Reply:
    """What a worker answered.

    Attributes:
        status: how the request went.
        payload: all outputs if an inference is done; otherwise nothing.
    """

    status: Status
    payload: bytes


class Origin(Protocol):
    """What a worker's process was started by, which alone can end it for certain."""

    def kill(self, pid: int) -> int:
        """Kill a process and wait for it; its wait status, 0 if that is not known."""
        ...

    def forget(self, pid: int) -> None:
        """Do the same for a worker that nothing refers to any more; never waits for a lock."""
        ...


class Worker:
    """A process that interprets the models of one container.

    The process ends with this object at the latest.

    Args:
        connection: the device's end of its socket.
        pid: its process id.
        origin: what started it.
    """

    def __init__(self, connection: socket.socket, pid: int, origin: Origin) -> None:
        self.pid = pid
        self._connection = connection
        self._origin = origin
        self._deadline_s = 0.0
        self._answer_bytes = 0
        self._finalizer = weakref.finalize(self, _forget_worker, connection, pid, origin)

    def ask(
        self, kind: Request, context: int, payload: bytes, timeout_ms: int, answer_bytes: int
    ) -> None:
        """Send a request; `wait` waits for its answer, `poll` looks for it.

        Args:
            kind: what for.
            context: number of an execution context.
            payload: the model, or all inputs.
            timeout_ms: real time until the answer must be there.
            answer_bytes: length of an answer that is no refusal.

        Raises:
            WorkerLost: it does not accept anything any more.
        """
        self._require_present()
        self._deadline_s = time.monotonic() + timeout_ms / 1000
        self._answer_bytes = answer_bytes
        self._connection.settimeout(timeout_ms / 1000)
        try:
            header = REQUEST.pack(kind, context, timeout_ms, len(payload))
            self._connection.sendall(header + payload)
        except OSError as error:
            raise _explain_loss(error) from None

    def wait(self) -> Reply:
        """Wait for the answer.

        Raises:
            WorkerLost: there is none, or not by the deadline, or it is none of the possible ones.
        """
        self._require_present()
        try:
            status, length = REPLY.unpack(self._receive(REPLY.size))
            possible = self._answer_bytes if status == Status.DONE else 0
            if status not in _STATUSES or length != possible:
                raise WorkerLost("the process of the model answered nonsense")
            return Reply(Status(status), self._receive(length))
        except (EOFError, OSError) as error:
            raise _explain_loss(error) from None

    def poll(self) -> Reply | None:
        """Look for the answer; None while there is still time.

        Raises:
            WorkerLost: as `wait`.
        """
        self._require_present()
        readable, _, _ = select.select([self._connection], [], [], 0)
        if readable or time.monotonic() >= self._deadline_s:
            return self.wait()
        return None

    def end(self) -> int:
        """Kill the process and wait for it.

        Returns:
            Its wait status; 0 if that is not known, or if the worker was ended before.
        """
        if self._finalizer.detach() is None:
            return 0
        self._connection.close()
        return self._origin.kill(self.pid)

    def _require_present(self) -> None:
        """The nursery can end a worker that its tenant still has, when it is closed."""
        if not self._finalizer.alive:
            raise WorkerLost("the process of the model was ended")

    def _receive(self, size: int) -> bytes:
        """Exactly so many bytes, all of them by the deadline."""
        parts = []
        while size:
            left_s = self._deadline_s - time.monotonic()
            self._connection.settimeout(max(left_s, _SHORTEST_WAIT_S))
            part = self._connection.recv(size)
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _forget_worker(connection: socket.socket, pid: int, origin: Origin) -> None:
    connection.close()
    origin.forget(pid)


def _explain_loss(error: Exception) -> WorkerLost:
    if isinstance(error, TimeoutError):
        return WorkerLost("the model did not answer in time", in_time=False)
    return WorkerLost("the model ended its process")
