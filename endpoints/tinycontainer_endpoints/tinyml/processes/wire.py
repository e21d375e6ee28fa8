"""Messages between the device and the processes in which models run: fixed headers, no pickle.

Nothing of the device is imported here or by the other modules of those processes.
"""

import socket
import struct
from enum import IntEnum
from typing import Final

REQUEST: Final = struct.Struct("<BIII")
"""Kind, execution context, timeout in ms, length of what follows."""
REPLY: Final = struct.Struct("<BI")
"""Status, length of what follows."""
CONTROL: Final = struct.Struct("<Bi")
"""To the zygote: kind, process id."""
ANSWER: Final = struct.Struct("<i")
"""From the zygote: process id of a new worker, or how a worker ended."""
HELLO: Final = struct.Struct("<?63s")
"""From a zygote or a worker that was spawned: whether it can work, and if not, why not."""


class Request(IntEnum):
    """What a worker is asked for."""

    LOAD = 1
    """Interpret a model in an execution context; replaces the one that is there."""
    RUN = 2
    """All inputs, one after the other; the answer is all outputs."""
    DROP = 3
    """Forget a model."""


class Status(IntEnum):
    """How a request went."""

    DONE = 0
    REFUSED = 1
    """The interpreter refused it."""
    NO_MEMORY = 2


class Control(IntEnum):
    """What a zygote is asked for."""

    FORK = 1
    """A new worker, on the socket that comes with the message."""
    KILL = 2
    """End a worker; the answer is its wait status."""


def receive_exactly(connection: socket.socket, size: int) -> bytes:
    """Receive exactly ``size`` bytes.

    Raises:
        EOFError: the other side has gone.
        OSError: the socket's timeout passed, among others.
    """
    parts = []
    left = size
    while left:
        part = connection.recv(min(left, 1 << 16))
        if not part:
            raise EOFError("the other side has gone")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
