"""The zygote: imports an interpreter once, and forks a worker whenever the device asks for one.

It is a process of its own, started afresh, so that no worker inherits anything of the device's
memory. It has one thread, reads nothing that a tenant wrote, and hands each worker a socket of its
own. It alone ends workers, so that a process id can never name a stranger.
"""

import gc
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Final

from .backends import Backend, load_backend
from .wire import ANSWER, CONTROL, HELLO, Control
from .worker import limit_process, serve, silence

_WORKERS_SOCKET: Final = 3


def main(arguments: list[str]) -> None:
    """Run a zygote.

    Args:
        arguments: the number of its socket, and the name of the backend.
    """
    control = socket.socket(fileno=int(arguments[0]))
    silence()
    try:
        backend = load_backend(arguments[1])
    except Exception as error:  # whatever an import of foreign code can raise
        control.sendall(HELLO.pack(False, type(error).__name__.encode()))
        return
    gc.collect()
    gc.freeze()  # what all workers share is never written to by a collection
    control.sendall(HELLO.pack(True, b""))
    with suppress(OSError):
        _serve(control, backend)


def _serve(control: socket.socket, backend: Backend) -> None:
    workers: set[int] = set()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, CONTROL.size, 1)
        if len(message) < CONTROL.size:
            break
        kind, number = CONTROL.unpack(message)
        if kind == Control.FORK and descriptors:
            answer = _fork(descriptors[0], backend)
            workers.add(answer)
            os.close(descriptors[0])
        else:
            answer = _end(number, workers)
        control.sendall(ANSWER.pack(answer))
    for worker in list(workers):
        _end(worker, workers)


def _fork(descriptor: int, backend: Backend) -> int:
    worker = os.fork()
    if worker:
        return worker
    try:
        os.dup2(descriptor, _WORKERS_SOCKET)
        os.closerange(_WORKERS_SOCKET + 1, os.sysconf("SC_OPEN_MAX"))
        limit_process()
        serve(socket.socket(fileno=_WORKERS_SOCKET), backend)
    finally:
        os._exit(0)


def _end(worker: int, workers: set[int]) -> int:
    """Kill one of the workers and wait for it; how it ended."""
    if worker not in workers:
        return 0
    workers.remove(worker)
    ended, status = os.waitpid(worker, os.WNOHANG)
    if not ended:
        os.kill(worker, signal.SIGKILL)
        _, status = os.waitpid(worker, 0)
    return status


if __name__ == "__main__":
    main(sys.argv[1:])
