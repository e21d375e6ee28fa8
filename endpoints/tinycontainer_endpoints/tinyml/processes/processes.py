"""The device's side of the processes in which models run.

A `Worker` belongs to one container. Whatever it sends is untrusted: an answer is read up to the
length that the model's own outputs have, and anything else costs the worker its life.
"""

import os
import select
import socket
import subprocess
import sys
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from tinycontainer.interfaces.driver import SharedResources

from .wire import ANSWER, CONTROL, HELLO, REPLY, REQUEST, Control, Request, Status, receive

_STATUSES: Final = frozenset(Status)
START_S: Final = 60.0
"""The longest that an interpreter's import may take."""
CONTROL_S: Final = 10.0
_PACKAGE: Final = __name__.rpartition(".")[0]


class WorkersUnavailable(Exception):
    """No worker can be had; the message says why."""


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
    """What a worker answered."""

    status: Status
    payload: bytes


class Worker:
    """A process that interprets the models of one container.

    Args:
        connection: the device's end of its socket.
        pid: its process id.
    """

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self._connection, self.pid = connection, pid
        self._deadline_s = 0.0
        self._most = 0
        weakref.finalize(self, connection.close)  # whoever forgets a worker ends it

    def ask(
        self, kind: Request, context: int, payload: bytes, timeout_ms: int, answer_bytes: int
    ) -> None:
        """Send a request; its answer is waited for by `wait`, or looked for by `poll`.

        Args:
            kind: what for.
            context: execution context, a number of the caller's choice.
            payload: the model, or all inputs.
            timeout_ms: real time until the answer must be there.
            answer_bytes: length of an answer that is no refusal.

        Raises:
            WorkerLost: it takes nothing any more.
        """
        self._deadline_s = time.monotonic() + timeout_ms / 1000
        self._most = answer_bytes
        self._connection.settimeout(timeout_ms / 1000)
        try:
            header = REQUEST.pack(kind, context, timeout_ms, len(payload))
            self._connection.sendall(header + payload)
        except OSError as error:
            raise _lost(error) from None

    def wait(self) -> Reply:
        """The answer.

        Raises:
            WorkerLost: there is none, or not by the deadline, or it is none of the possible ones.
        """
        try:
            status, length = REPLY.unpack(self._receive(REPLY.size))
            sound = status in _STATUSES
            sound = sound and length == (self._most if status == Status.DONE else 0)
            if not sound:
                raise WorkerLost("a worker answered nonsense")
            return Reply(Status(status), self._receive(length))
        except (EOFError, OSError) as error:
            raise _lost(error) from None

    def poll(self) -> Reply | None:
        """The answer if it is there; None while there is still time.

        Raises:
            WorkerLost: as `wait`.
        """
        readable, _, _ = select.select([self._connection], [], [], 0)
        if readable or time.monotonic() >= self._deadline_s:
            return self.wait()
        return None

    def close(self) -> None:
        """Close the device's end."""
        self._connection.close()

    def _receive(self, size: int) -> bytes:
        parts = []
        while size:
            left_s = self._deadline_s - time.monotonic()
            self._connection.settimeout(max(left_s, 0.001))
            part = self._connection.recv(size)
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _lost(error: Exception) -> WorkerLost:
    if isinstance(error, TimeoutError):
        return WorkerLost("a model did not answer in time", in_time=False)
    return WorkerLost("a model ended its process")


class Nursery(Protocol):
    """Where workers come from."""

    def prepare(self) -> None:
        """Begin what takes long before the first worker; does not wait for it."""
        ...

    def fork(self) -> Worker:
        """A new worker, which has seen no tenant's bytes.

        Raises:
            WorkersUnavailable: none can be had.
        """
        ...

    def end(self, worker: Worker) -> int:
        """Kill a worker and wait for it; its wait status. Ending one twice is no error."""
        ...


class Zygote:
    """Forks workers from a process that has imported the interpreter.

    The process is started by `prepare`, and waited for when its first worker is needed. One that
    died is replaced.

    Args:
        backend: name of the interpreter.
    """

    def __init__(self, backend: str) -> None:
        self._backend = backend
        self._greeted = False
        self._control: socket.socket | None = None

    def prepare(self) -> None:
        """See `Nursery.prepare`."""
        if self._control is None:
            self._start()

    def fork(self) -> Worker:
        """See `Nursery.fork`."""
        self.prepare()
        try:
            return self._fork()
        except (EOFError, OSError):
            self._end_all()
            self._start()
        try:
            return self._fork()
        except (EOFError, OSError) as error:
            raise WorkersUnavailable(f"no worker can be started: {error}") from None

    def end(self, worker: Worker) -> int:
        """See `Nursery.end`; a zygote that does not answer takes its workers with it."""
        worker.close()
        try:
            return self._ask(CONTROL.pack(Control.KILL, worker.pid), ())
        except (EOFError, OSError):
            self._end_all()
            return 0

    def _end_all(self) -> None:
        self._finalizer()
        self._control = None

    def _start(self) -> None:
        control, process = _spawn("zygote", self._backend)
        self._control, self._greeted = control, False
        self._finalizer = weakref.finalize(self, _stop, control, process)

    def _fork(self) -> Worker:
        if not self._greeted:
            greet(self._socket())
            self._greeted = True
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                pid = self._ask(CONTROL.pack(Control.FORK, 0), (theirs.fileno(),))
        except (EOFError, OSError):
            ours.close()
            raise
        return Worker(ours, pid)

    def _socket(self) -> socket.socket:
        if self._control is None:
            raise EOFError("there is no zygote")
        return self._control

    def _ask(self, message: bytes, descriptors: tuple[int, ...]) -> int:
        control = self._socket()
        control.settimeout(CONTROL_S)
        if descriptors:
            socket.send_fds(control, [message], descriptors)
        else:
            control.sendall(message)
        (answer,) = ANSWER.unpack(receive(control, ANSWER.size))
        return int(answer)


class Spawner:
    """Starts every worker afresh: slower, for systems on which forking is not to be had.

    Args:
        backend: name of the interpreter.
    """

    def __init__(self, backend: str) -> None:
        self._backend = backend
        self._finalizers: dict[int, weakref.finalize[..., Worker]] = {}

    def prepare(self) -> None:
        """See `Nursery.prepare`: there is nothing to prepare."""

    def fork(self) -> Worker:
        """See `Nursery.fork`."""
        connection, process = _spawn("worker", self._backend)
        try:
            greet(connection)
        except (EOFError, OSError) as error:
            _stop(connection, process)
            raise WorkersUnavailable(f"no worker can be started: {error}") from None
        except WorkersUnavailable:
            _stop(connection, process)
            raise
        worker = Worker(connection, process.pid)
        self._finalizers[worker.pid] = weakref.finalize(worker, _stop, connection, process)
        return worker

    def end(self, worker: Worker) -> int:
        """See `Nursery.end`."""
        finalizer = self._finalizers.pop(worker.pid, None)
        if finalizer is not None:
            finalizer()
        return 0


def greet(connection: socket.socket) -> None:
    """Wait until a process has imported its interpreter.

    Raises:
        WorkersUnavailable: it cannot.
        EOFError, OSError: it has gone, or takes too long.
    """
    connection.settimeout(START_S)
    works, problem = HELLO.unpack(receive(connection, HELLO.size))
    if not works:
        name = problem.rstrip(b"\0").decode("ascii", "replace")
        raise WorkersUnavailable(f"the inference runtime cannot be imported: {name}")


def _spawn(module: str, backend: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start a module of this package as a process of its own, on one end of a socket."""
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-P", "-s", "-m", f"{_PACKAGE}.{module}"]
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [*command, str(theirs.fileno()), backend],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env=_environment(),
            start_new_session=True,  # an interrupt at the terminal is the device's to handle
        )
    return ours, process


def _environment() -> dict[str, str]:
    """Nothing of the device's environment, such as secrets; one thread for every library."""
    one_thread = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
        "1",
    )
    path = os.pathsep.join(each for each in sys.path if each)
    return {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C", **one_thread}


def _stop(connection: socket.socket, process: subprocess.Popen[bytes]) -> None:
    connection.close()
    with suppress(OSError):
        process.kill()
    process.wait()


def obtain_nursery(resources: SharedResources, backend: str, *, spawn: bool) -> Nursery:
    """Where workers come from on this system: one nursery for all that ask for the same.

    A nursery holds nothing of any tenant, so that devices can share it.

    Args:
        resources: where the nursery is kept.
        backend: name of the interpreter.
        spawn: start each worker afresh even where forking is to be had.
    """
    if spawn or not hasattr(os, "fork"):
        return resources.obtain(Spawner, backend, lambda: Spawner(backend))
    return resources.obtain(Zygote, backend, lambda: Zygote(backend))
