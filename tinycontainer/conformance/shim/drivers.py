"""The drivers of the suite: few, small, and the same on every implementation.

They belong to the protocol and not to an installation: a port writes them in its own language. Only
``tinyml`` is the driver that is installed.
"""

import os
from collections.abc import Callable
from pathlib import Path

from tinycontainer.assembly import Installation
from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import (
    BoardInfo,
    CallContext,
    Driver,
    DriverSetup,
)

from ..description import DriverDescription


class BufferDriver:
    """``buffer``: what was written can be read again, first in, first out."""

    def __init__(self, description: DriverDescription) -> None:
        self._capacity_bytes = description.capacity_bytes
        self._content = bytearray()

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Opens; the content of earlier opens is still there."""
        return 1

    def read(self, driver_fd: int, size: int) -> bytes:
        """Gives the oldest bytes."""
        oldest = bytes(self._content[:size])
        del self._content[:size]
        return oldest

    def write(self, driver_fd: int, data: bytes) -> int:
        """Accepts what fits."""
        fitting = data[: self._capacity_bytes - len(self._content)]
        self._content += fitting
        return len(fitting)

    def close(self, driver_fd: int) -> None:
        """Keeps the content."""


class SourceDriver:
    """``source``: every read gives the beginning of one text; a write is refused with a code."""

    def __init__(self, description: DriverDescription) -> None:
        self._text = description.text.encode()
        self._code = description.code

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Opens."""
        return 1

    def read(self, driver_fd: int, size: int) -> bytes:
        """Gives the text's first bytes."""
        return self._text[:size]

    def write(self, driver_fd: int, data: bytes) -> int:
        """Refused."""
        raise DriverError(self._code, "a source accepts nothing")

    def close(self, driver_fd: int) -> None:
        """Closes."""


class RefusingDriver(SourceDriver):
    """``refuser``: refuses to be opened, with a code."""

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Refused."""
        raise DriverError(self._code, "a refuser is never open")


class LyingDriver(SourceDriver):
    """``liar``: gives a byte more than asked for, says it took a byte more than given."""

    def read(self, driver_fd: int, size: int) -> bytes:
        """One byte too many."""
        return b"!" * (size + 1)

    def write(self, driver_fd: int, data: bytes) -> int:
        """One byte too many."""
        return len(data) + 1


class SuiteDrivers:
    """Makes the drivers of the suite.

    Args:
        installation: where ``tinyml`` is found, if it is installed.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        # One setup for all devices: they share the processes in which models are interpreted.
        self._host = DriverSetup(
            options={},
            directory=Path(),
            random_bytes=os.urandom,
            show=lambda _line: None,
            board=BoardInfo(),
            resources=installation.resources,
        )

    def factory(self, description: DriverDescription) -> Callable[[], Driver]:
        """What makes instances of a described driver."""
        return lambda: self._make(description)

    def can_infer(self) -> bool:
        """Whether ``tinyml`` is installed and has something to interpret models with."""
        try:
            self._make_tinyml()
        except ValueError:
            return False
        return True

    def _make(self, description: DriverDescription) -> Driver:
        match description.driver:
            case "buffer":
                return BufferDriver(description)
            case "source":
                return SourceDriver(description)
            case "refuser":
                return RefusingDriver(description)
            case "liar":
                return LyingDriver(description)
            case "tinyml":
                return self._make_tinyml()

    def _make_tinyml(self) -> Driver:
        """The driver that is installed. Raises ValueError if there is none, or it cannot work."""
        try:
            factory = self._installation.driver_factory("tinyml")
        except KeyError:
            raise ValueError("the driver tinyml is not installed") from None
        return factory(self._host)
