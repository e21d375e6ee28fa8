"""The interface of drivers: the host's services for containers.

A third party adds a driver by an entry point in the group ``tinycontainer.drivers`` whose object is
a `DriverFactory`. `tinycontainer.testing` holds a check that any driver can be put through.
"""

from collections.abc import Callable, Hashable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Protocol, TypeAlias, TypeVar

Shared = TypeVar("Shared")


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

    It refuses reads and writes on a descriptor that is not open; a device never asks for them.

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


class SharedResources:
    """What the drivers of one installation share, such as a pool of processes.

    Devices of one installation share it as well. Nothing that belongs to a container, or to one
    device, may lie here: it would be visible to others. Every method may be called from any thread.
    """

    def __init__(self) -> None:
        # Reentrant: a resource may obtain another one while it is made.
        self._lock = RLock()
        self._made: dict[tuple[type, Hashable], object] = {}
        self._closing = ExitStack()
        self._closed = False

    def obtain(self, kind: type[Shared], key: Hashable, make: Callable[[], Shared]) -> Shared:
        """The one resource of a kind and key; the first call makes it.

        Args:
            kind: class of the resource. A driver uses a class of its own, and so meets no other's.
            key: what distinguishes resources of this kind, such as the options they are made from.
            make: makes the resource. Other threads wait meanwhile, so it should be quick. If it
                raises, nothing is kept.

        Raises:
            RuntimeError: `close` was called.
            TypeError: ``make`` gave something that is not of this kind.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("these shared resources are closed: make drivers before that")
            place = (kind, key)
            found = self._made[place] if place in self._made else make()
            if not isinstance(found, kind):
                raise TypeError(f"a {type(found).__name__} was made, not a {kind.__name__}")
            if place not in self._made:
                self._made[place] = found
                close = getattr(found, "close", None)
                if callable(close):
                    self._closing.callback(close)
            return found

    def close(self) -> None:
        """Close each resource that has a ``close``, the newest first. Closing twice is no error.

        Raises:
            Exception: what a resource raises; the others are closed all the same.
        """
        with self._lock:
            self._closed = True
            self._made.clear()
            self._closing.close()


@dataclass(frozen=True, slots=True)
class DriverSetup:
    """What a driver is made from: one entry of a device file, for all instances made for it.

    Attributes:
        options: the ``options`` table of the device file, not yet checked.
        directory: where relative file names of the options begin; links are resolved.
        random_bytes: source of randomness; returns as many bytes as asked for.
        show: takes a line of untrusted bytes for the operator's screen.
        board: what the device says about itself.
        virtual_time: whether the device's time passes by what is charged; if not, it is real.
        resources: what drivers of one installation share; by default this setup has its own.
        capacities: name of the board whose capacities the device begins with.
    """

    options: Mapping[str, object]
    directory: Path
    random_bytes: Callable[[int], bytes]
    show: Callable[[bytes], None]
    board: BoardInfo
    virtual_time: bool = True
    resources: SharedResources = field(default_factory=SharedResources)
    capacities: str = "default"
    _shown: set[bytes] = field(default_factory=set, init=False, repr=False, compare=False)

    def show_once(self, line: bytes) -> None:
        """Show a line that concerns the entry: once, however many instances are made for it.

        Args:
            line: as for ``show``.
        """
        if line not in self._shown:
            self._shown.add(line)
            self.show(line)


DriverFactory: TypeAlias = Callable[[DriverSetup], Driver]
"""Makes a driver; raises `ValueError` with one line if the options are wrong."""
