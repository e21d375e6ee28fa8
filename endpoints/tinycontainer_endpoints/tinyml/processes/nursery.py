"""Where workers come from: forked from a zygote, or spawned one by one.

A nursery holds nothing of any container, so all devices of an installation can share it, from any
thread. Its processes end when it is closed, when nothing refers to it or to one of its workers any
more, or with this process, whichever comes first.
"""

import os
import socket
import subprocess
import weakref
from threading import Lock
from typing import Protocol

from tinycontainer.interfaces.driver import SharedResources

from .starting import WorkersUnavailable, await_hello, start_program, stop_program
from .worker import Worker
from .zygote import Zygote

_CLOSED = "no worker can be started: the nursery is closed"


class Nursery(Protocol):
    """Makes workers and ends them."""

    def prepare(self) -> None:
        """Begin the import that the first worker needs; does not wait for it."""
        ...

    def fork(self) -> Worker:
        """Make a worker, which has seen no container's bytes.

        Raises:
            WorkersUnavailable: none can be made.
        """
        ...

    def end(self, worker: Worker) -> int:
        """Kill a worker and wait for it; its wait status. Ending one twice is no error."""
        ...


class ForkingNursery:
    """Forks workers from a zygote. A zygote that died is replaced.

    Args:
        backend: name of the interpreter.
    """

    def __init__(self, backend: str) -> None:
        self._backend = backend
        self._lock = Lock()
        self._zygote: Zygote | None = None
        self._closed = False

    def prepare(self) -> None:
        """See `Nursery.prepare`: starts the zygote."""
        if not self._closed:
            self._obtain_zygote()

    def fork(self) -> Worker:
        """See `Nursery.fork`."""
        try:
            return self._obtain_zygote().fork()
        except (EOFError, OSError):
            pass  # somebody ended the zygote; another one is started
        try:
            return self._obtain_zygote().fork()
        except (EOFError, OSError) as error:
            raise WorkersUnavailable(f"no worker can be started: {error}") from None

    def end(self, worker: Worker) -> int:
        """See `Nursery.end`."""
        return worker.end()

    def close(self) -> None:
        """End the zygote and all workers. Closing twice is no error."""
        with self._lock:
            self._closed = True
            if self._zygote is not None:
                self._zygote.stop()

    def _obtain_zygote(self) -> Zygote:
        with self._lock:
            if self._closed:
                raise WorkersUnavailable(_CLOSED)
            if self._zygote is None or self._zygote.stopped:
                self._zygote = Zygote(self._backend)
            return self._zygote


class SpawningNursery:
    """Starts every worker as a program: slower, for systems that cannot fork.

    Args:
        backend: name of the interpreter.
    """

    def __init__(self, backend: str) -> None:
        self._backend = backend
        self._lock = Lock()
        self._workers: weakref.WeakSet[Worker] = weakref.WeakSet()
        self._closed = False

    def prepare(self) -> None:
        """See `Nursery.prepare`: there is nothing to prepare."""

    def fork(self) -> Worker:
        """See `Nursery.fork`."""
        connection, process = start_program("worker_process", self._backend)
        try:
            await_hello(connection)
        except (EOFError, OSError) as error:
            stop_program(connection, process)
            raise WorkersUnavailable(f"no worker can be started: {error}") from None
        except WorkersUnavailable:
            stop_program(connection, process)
            raise
        worker = Worker(connection, process.pid, _SpawnedProgram(connection, process))
        with self._lock:
            if not self._closed:
                self._workers.add(worker)
                return worker
        worker.end()
        raise WorkersUnavailable(_CLOSED)

    def end(self, worker: Worker) -> int:
        """See `Nursery.end`."""
        return worker.end()

    def close(self) -> None:
        """End all workers. Closing twice is no error."""
        with self._lock:
            self._closed = True
            workers = list(self._workers)
        for worker in workers:
            worker.end()


class _SpawnedProgram:
    """What a spawned worker was started by: this process itself.

    Args:
        connection: the device's end of the worker's socket.
        process: of the worker.
    """

    def __init__(self, connection: socket.socket, process: subprocess.Popen[bytes]) -> None:
        self._connection = connection
        self._process = process

    def kill(self, pid: int) -> int:
        """See `worker.Origin.kill`."""
        code = stop_program(self._connection, self._process)
        return -code if code < 0 else code << 8  # an exit code as a wait status

    def forget(self, pid: int) -> None:
        """See `worker.Origin.forget`."""
        self.kill(pid)


def obtain_nursery(resources: SharedResources, backend: str, *, spawn: bool) -> Nursery:
    """The nursery of an installation: one for each interpreter and way of starting workers.

    Args:
        resources: what drivers of the installation share.
        backend: name of the interpreter.
        spawn: start each worker as a program even where the system can fork.

    Raises:
        RuntimeError: the installation is closed.
    """
    if spawn or not hasattr(os, "fork"):
        return resources.obtain(SpawningNursery, backend, lambda: SpawningNursery(backend))
    return resources.obtain(ForkingNursery, backend, lambda: ForkingNursery(backend))
