"""The drivers of the suite: few, small, and the same on every implementation.

They belong to the protocol, not to what is installed: a port writes them in its own language. Only
``tinyml`` is the driver that is installed, if it is and has something to interpret models with.
"""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from tinycontainer.assembly import Installation
from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import (
    BoardInfo,
    CallContext,
    Driver,
    DriverSetup,
)

from .description import DriverDescription


class Buffer:
    """``buffer``: bytes written can be read again, first in, first out; takes what fits."""

    def __init__(self, description: DriverDescription) -> None:
        self._capacity_bytes = description.capacity_bytes
        self._content = bytearray()

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Open it; its content stays."""
        return 1

    def read(self, driver_fd: int, size: int) -> bytes:
        """The oldest bytes."""
        taken = bytes(self._content[:size])
        del self._content[:size]
        return taken

    def write(self, driver_fd: int, data: bytes) -> int:
        """What fits."""
        taken = data[: self._capacity_bytes - len(self._content)]
        self._content += taken
        return len(taken)

    def close(self, driver_fd: int) -> None:
        """Nothing is lost."""


class Source:
    """``source``: every read gives the beginning of one text; a write is refused with a code."""

    def __init__(self, description: DriverDescription) -> None:
        self._text, self._code = description.text.encode(), description.code

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Open it."""
        return 1

    def read(self, driver_fd: int, size: int) -> bytes:
        """The text's first bytes."""
        return self._text[:size]

    def write(self, driver_fd: int, data: bytes) -> int:
        """Refused."""
        raise DriverError(self._code, "a source takes nothing")

    def close(self, driver_fd: int) -> None:
        """Nothing to do."""


class Refuser(Source):
    """``refuser``: refuses to be opened, with a code."""

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Refused."""
        raise DriverError(self._code, "a refuser is never open")


class Liar(Source):
    """``liar``: gives a byte more than asked for, says it took a byte more than given."""

    def read(self, driver_fd: int, size: int) -> bytes:
        """One byte too many."""
        return b"!" * (size + 1)

    def write(self, driver_fd: int, data: bytes) -> int:
        """One byte too many."""
        return len(data) + 1


@cache
def _host() -> DriverSetup:
    """What a driver that is installed is made from: the same for all devices of the suite."""
    return DriverSetup({}, Path(), os.urandom, lambda _line: None, BoardInfo())


@cache
def _installation() -> Installation:
    return Installation()


def _tinyml(_description: DriverDescription | None = None) -> Driver:
    """The driver that is installed. Raises ValueError if it cannot work."""
    try:
        factory = _installation().driver_factory("tinyml")
    except KeyError:
        raise ValueError("the driver tinyml is not installed") from None
    return factory(_host())


def can_infer() -> bool:
    """Whether ``tinyml`` can be had here."""
    try:
        _tinyml()
    except ValueError:
        return False
    return True


_KINDS: Final[dict[str, Callable[[DriverDescription], Driver]]] = {
    "buffer": Buffer,
    "source": Source,
    "refuser": Refuser,
    "liar": Liar,
    "tinyml": _tinyml,
}


def maker(description: DriverDescription) -> Callable[[], Driver]:
    """What makes instances of a described driver."""
    return lambda: _KINDS[description.driver](description)
