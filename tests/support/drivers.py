"""A driver whose methods do what a test passes to it, and which records every call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from tinycontainer.device.calls.driver_table import DriverEntry
from tinycontainer.interfaces.driver import CallContext, Driver
from tinycontainer.metadata import Direction, PeerType


@dataclass
class Puppet:
    """A driver. By default it opens, returns as many bytes as asked for, and accepts all."""

    on_open: Callable[[int, CallContext], int] | None = None
    on_read: Callable[[int, int], bytes] | None = None
    on_write: Callable[[int, bytes], int] | None = None
    on_close: Callable[[int], None] | None = None
    calls: list[tuple[object, ...]] = field(default_factory=list)
    contexts: dict[int, CallContext] = field(default_factory=dict)

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        self.calls.append(("open", peer_endpoint_id, context.container))
        driver_fd = len(self.contexts) + 1
        self.contexts[driver_fd] = context
        return driver_fd if self.on_open is None else self.on_open(peer_endpoint_id, context)

    def read(self, driver_fd: int, size: int) -> bytes:
        self.calls.append(("read", driver_fd, size))
        return b"r" * size if self.on_read is None else self.on_read(driver_fd, size)

    def write(self, driver_fd: int, data: bytes) -> int:
        self.calls.append(("write", driver_fd, data))
        return len(data) if self.on_write is None else self.on_write(driver_fd, data)

    def close(self, driver_fd: int) -> None:
        self.calls.append(("close", driver_fd))
        if self.on_close is not None:
            self.on_close(driver_fd)


def raising(error: BaseException) -> Callable[..., NoReturn]:
    """Make a method of a `Puppet` that raises an error."""

    def raise_error(*_: object) -> NoReturn:
        raise error

    return raise_error


def served_by(
    driver: Driver | Callable[[], Driver],
    peer: int = 1,
    *,
    shared: bool = True,
    uids: frozenset[bytes] | None = None,
    directions: frozenset[Direction] = frozenset(Direction),
) -> DriverEntry:
    """A local driver entry for one instance, or (a callable) for instances made when needed."""
    make = driver if callable(driver) else lambda: driver
    return DriverEntry(PeerType.LOCAL, peer, f"driver {peer}", make, shared, uids, directions)
