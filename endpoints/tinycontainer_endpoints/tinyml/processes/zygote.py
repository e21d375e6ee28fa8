"""The device's side of a zygote: workers are forked and ended by request."""

import socket
import subprocess
import weakref
from collections import deque
from contextlib import suppress
from threading import Lock
from typing import Final

from .starting import await_hello, start_program, stop_program
from .wire import ANSWER, CONTROL, Control, receive_exactly
from .worker import Worker

CONTROL_S: Final = 10.0
"""The longest that a zygote may take for a request."""
_GRACE_S: Final = 1.0
"""How long a zygote may take to end its workers before it is killed itself."""


class Zygote:
    """A process that has imported an interpreter and forks workers. It ends with this object.

    Its methods may be called from any thread.

    Args:
        backend: name of the interpreter.
    """

    def __init__(self, backend: str) -> None:
        self._lock = Lock()
        self._ready = False
        self._workers: set[int] = set()
        self._forgotten: deque[int] = deque()
        self._control, process = start_program("zygote_process", backend)
        self._finalizer = weakref.finalize(self, _end, self._control, process, self._workers)

    @property
    def stopped(self) -> bool:
        """Whether it was stopped, by `stop` or because it did not answer."""
        return not self._finalizer.alive

    def fork(self) -> Worker:
        """Make a worker; the first one waits for the interpreter's import.

        Raises:
            WorkersUnavailable: the interpreter cannot be imported.
            EOFError, OSError: the zygote does not answer; it is stopped.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                pid = self._fork(theirs.fileno())
        except BaseException:
            ours.close()
            raise
        return Worker(ours, pid, self)

    def _fork(self, descriptor: int) -> int:
        with self._lock:
            if not self._ready:
                self._await_hello()
            pid = self._request(CONTROL.pack(Control.FORK, 0), (descriptor,))
            self._workers.add(pid)
        self._end_forgotten()
        return pid

    def _await_hello(self) -> None:
        if self.stopped:
            raise EOFError("the zygote was stopped")
        try:
            await_hello(self._control)
        except BaseException:
            self._finalizer()
            raise
        self._ready = True

    def kill(self, pid: int) -> int:
        """See `worker.Origin.kill`. A zygote that does not answer is stopped."""
        with self._lock:
            status = self._kill(pid)
        self._end_forgotten()
        return status

    def forget(self, pid: int) -> None:
        """See `worker.Origin.forget`.

        A garbage collection calls this at any moment, even while this thread holds the lock. So
        nothing waits for the lock here: who holds it ends the worker afterwards.
        """
        self._forgotten.append(pid)
        self._end_forgotten()

    def stop(self) -> None:
        """End the zygote and its workers. Stopping twice is no error."""
        with self._lock:
            self._finalizer()

    def _end_forgotten(self) -> None:
        while self._forgotten and self._lock.acquire(blocking=False):
            try:
                with suppress(IndexError):  # another thread was faster
                    self._kill(self._forgotten.popleft())
            finally:
                self._lock.release()

    def _kill(self, pid: int) -> int:
        self._workers.discard(pid)
        try:
            return self._request(CONTROL.pack(Control.KILL, pid), ())
        except (EOFError, OSError):
            return 0

    def _request(self, message: bytes, descriptors: tuple[int, ...]) -> int:
        if self.stopped:
            raise EOFError("the zygote was stopped")
        try:
            self._control.settimeout(CONTROL_S)
            if descriptors:
                socket.send_fds(self._control, [message], descriptors)
            else:
                self._control.sendall(message)
            (answer,) = ANSWER.unpack(receive_exactly(self._control, ANSWER.size))
        except BaseException:
            # Also after an interrupt: the answer would be that to the next request.
            self._finalizer()
            raise
        return int(answer)


def _end(control: socket.socket, process: subprocess.Popen[bytes], workers: set[int]) -> None:
    """End a zygote, and let it end its workers first: they are no children of this process."""
    if workers:
        with suppress(OSError):
            control.settimeout(_GRACE_S)
            control.shutdown(socket.SHUT_WR)
            while control.recv(ANSWER.size):  # it closes its end when they are gone
                pass
    stop_program(control, process)
