"""The program of a zygote: imports an interpreter once, and forks a worker for each request.

It is a process that was not forked from the device, so no worker inherits anything of the device's
memory. It has one thread, reads nothing that a tenant wrote, and gives each worker a socket of its
own. It alone ends workers: only a parent knows that a process id still means its child (ADR 14).
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
from .worker_process import limit_process, serve_requests, silence_streams

_WORKERS_SOCKET: Final = 3


def main(arguments: list[str]) -> None:
    """Run a zygote.

    Args:
        arguments: the number of its socket, and the name of the backend.
    """
    control = socket.socket(fileno=int(arguments[0]))
    silence_streams()
    try:
        backend = load_backend(arguments[1])
    except Exception as error:  # an import of foreign code can raise anything
        control.sendall(HELLO.pack(False, type(error).__name__.encode()))
        return
    gc.collect()
    gc.freeze()  # else the first collection in a worker copies all pages that it shares
    control.sendall(HELLO.pack(True, b""))
    with control, suppress(OSError):
        _serve_requests(control, backend)


def _serve_requests(control: socket.socket, backend: Backend) -> None:
    workers: set[int] = set()
    try:
        while True:
            message, descriptors, _, _ = socket.recv_fds(control, CONTROL.size, 1)
            if len(message) < CONTROL.size:
                return
            kind, number = CONTROL.unpack(message)
            if kind == Control.FORK and descriptors:
                answer = _fork_worker(descriptors[0], backend)
                workers.add(answer)
                os.close(descriptors[0])
            else:
                answer = _end_worker(number, workers)
            control.sendall(ANSWER.pack(answer))
    finally:
        for worker in list(workers):
            _end_worker(worker, workers)


def _fork_worker(descriptor: int, backend: Backend) -> int:
    worker = os.fork()
    if worker:
        return worker
    try:
        os.dup2(descriptor, _WORKERS_SOCKET)
        os.closerange(_WORKERS_SOCKET + 1, os.sysconf("SC_OPEN_MAX"))
        limit_process()
        serve_requests(socket.socket(fileno=_WORKERS_SOCKET), backend)
    finally:
        os._exit(0)


def _end_worker(worker: int, workers: set[int]) -> int:
    """Kill one of the workers and wait for it; its wait status, 0 if it is none of them."""
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
