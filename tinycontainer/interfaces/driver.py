"""The interface of drivers: the host's services for containers.

A third party adds a driver by an entry point in the group ``tinycontainer.drivers`` whose object is
a `DriverFactory`. `tinycontainer.testing` holds a check that any driver can be put through.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias


class CallContext(Protocol):
    """The call in progress, as a driver sees it.

    The context that `Driver.open` gets stays valid until the descriptor is closed, and always acts
    on the call in progress.
    """

    @property
    def container(self) -> bytes:
        """uid of the calling container."""
        ...

    @property
    def slot(self) -> int:
        """Number of the container's slot."""
        ...

    def now_us(self) -> int:
        """The device's time in microseconds."""
        ...

    def charge(self, instructions: int) -> None:
        """Charge the container for work done on its behalf, at least 0 instructions."""
        ...

    def loops_left(self) -> int | None:
        """Loop calls still to come in this start; None for no limit."""
        ...


class Channel(Protocol):
    """What can be done with an open endpoint. It never waits."""

    def read(self, driver_fd: int, size: int) -> bytes:
        """Up to ``size`` bytes (1 to 255).

        Raises:
            DriverError: refused.
        """
        ...

    def write(self, driver_fd: int, data: bytes) -> int:
        """Accept 1 to 255 bytes; how many were accepted.

        Raises:
            DriverError: refused.
        """
        ...

    def close(self, driver_fd: int) -> None:
        """Give the descriptor back."""
        ...


class Driver(Channel, Protocol):
    """A host service. It never waits: no data yet is ``b""``, nothing accepted is 0.

    Anything but `DriverError` that it raises, more bytes read than asked for, and more reported
    written than given count as a failure of the driver: the container gets -1, the device goes on.

    A driver may have an attribute ``steady`` that is True: its results depend on nothing but the
    calls of the container that it serves, not on time, chance or others. `compare` asks for it.
    """

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Open a descriptor of the driver's own, at least 1.

        Raises:
            DriverError: refused; the container sees the negated code.
        """
        ...


@dataclass(frozen=True, slots=True)
class BoardInfo:
    """What the device says about itself.

    Attributes:
        board: name of the board.
        vendor: name of its maker.
        device_id: the device's own id; empty if it has none.
    """

    board: str = "desk"
    vendor: str = "tinycontainer"
    device_id: str = ""


@dataclass(frozen=True, slots=True)
class DriverSetup:
    """What a driver is made from.

    Attributes:
        options: the ``options`` table of the device file, not yet checked.
        directory: where relative file names of the options begin.
        random_bytes: source of randomness; returns as many bytes as asked for.
        show: takes a line of untrusted bytes for the operator's screen.
        board: what the device says about itself.
        virtual_time: whether the device's time passes by what is charged; if not, it is real.
        common: what all instances made from this setup share, such as a pool of processes; a driver
            that puts tenants' data here breaks their separation.
    """

    options: Mapping[str, object]
    directory: Path
    random_bytes: Callable[[int], bytes]
    show: Callable[[bytes], None]
    board: BoardInfo
    virtual_time: bool = True
    common: dict[str, object] = field(default_factory=dict)


DriverFactory: TypeAlias = Callable[[DriverSetup], Driver]
"""Makes a driver; raises `ValueError` with one line if the options are wrong."""
