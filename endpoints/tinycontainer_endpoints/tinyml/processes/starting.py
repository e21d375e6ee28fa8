"""Starting the programs of workers and zygotes, and stopping them."""

import os
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Final

from .wire import HELLO, receive_exactly

IMPORT_S: Final = 60.0
"""The longest that an interpreter's import may take."""
_PACKAGE: Final = __name__.rpartition(".")[0]
_ONE_THREAD: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class WorkersUnavailable(Exception):
    """No worker can be made; the message says why."""


def start_program(module: str, backend: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start a module of this package as a process of its own, on one end of a socket.

    Args:
        module: name of the module, which has a ``main``.
        backend: name of the interpreter that it imports.

    Returns:
        The other end, and the process.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-P", "-s", "-m", f"{_PACKAGE}.{module}"]
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [*command, str(theirs.fileno()), backend],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env=_make_environment(),
            start_new_session=True,  # an interrupt at the terminal is the device's to handle
        )
    return ours, process


def await_hello(connection: socket.socket) -> None:
    """Wait until a program has imported its interpreter.

    Raises:
        WorkersUnavailable: it cannot.
        EOFError, OSError: it has gone, or takes too long.
    """
    connection.settimeout(IMPORT_S)
    works, problem = HELLO.unpack(receive_exactly(connection, HELLO.size))
    if not works:
        name = problem.rstrip(b"\0").decode("ascii", "replace")
        raise WorkersUnavailable(f"the inference runtime cannot be imported: {name}")


def stop_program(connection: socket.socket, process: subprocess.Popen[bytes]) -> int:
    """Kill a program and wait for it; its exit code, negative for a signal."""
    connection.close()
    with suppress(OSError):
        process.kill()
    return process.wait()


def _make_environment() -> dict[str, str]:
    """Nothing of the device's environment, such as secrets; one thread for every library."""
    return {
        "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C",
        **dict.fromkeys(_ONE_THREAD, "1"),
    }
