"""A check that a driver keeps the promises of its interface."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Final, TypeVar

from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import Driver

from .contract import ContractBroken, require

_Result = TypeVar("_Result")
_SIZES = (1, 2, 16, 255)
_PAYLOADS = (b"\0", b"hello", bytes(range(255)))


class _Refused(Enum):
    """Stands for a refusal, which is no result: a driver that returns None has not refused."""

    REFUSED = "refused"


_REFUSED: Final = _Refused.REFUSED


@dataclass
class StillContext:
    """A call context whose time and loops a test sets.

    Attributes:
        container: uid of the caller.
        slot: its slot.
        time_us: device time.
        loops: how many loops it has left; None: any number.
        charged: instructions that the driver charged.
    """

    container: bytes = b"checker"
    slot: int = 0
    time_us: int = 0
    loops: int | None = None
    charged: list[int] = field(default_factory=list)

    def now_us(self) -> int:
        """See `CallContext.now_us`."""
        return self.time_us

    def charge(self, instructions: int) -> None:
        """See `CallContext.charge`."""
        self.charged.append(instructions)

    def loops_left(self) -> int | None:
        """See `CallContext.loops_left`."""
        return self.loops


def check_driver(
    make: Callable[[], Driver], *, peer_endpoint_id: int = 1, context: StillContext | None = None
) -> None:
    """Check that a driver keeps `tinycontainer.interfaces.driver.Driver`.

    The driver is opened twice, read and written in several sizes, closed, read and written once
    more, and opened again. It may refuse reads and writes by `DriverError`, and must refuse those
    on a descriptor that is not open. The check does not measure time: run it under a time limit to
    see that no call waits.

    Args:
        make: makes a new driver.
        peer_endpoint_id: the endpoint at which it is opened.
        context: the call context; by default one whose time does not pass.

    Raises:
        ContractBroken: a promise is broken, and it names the first one; or nothing can be
            checked, because the driver cannot be opened at this endpoint.
    """
    calls = context or StillContext()
    driver = make()
    first = _open(driver, peer_endpoint_id, calls)
    require(
        first is not _REFUSED,
        f"a new driver can be opened at endpoint {peer_endpoint_id}; or name the right one",
    )
    second = _open(driver, peer_endpoint_id, calls)
    require(first != second, "two open descriptors are different numbers")
    for driver_fd in (first, second):
        if isinstance(driver_fd, int):
            _check_transfers(driver, driver_fd)
            closed = _call("close", partial(driver.close, driver_fd))
            require(closed in (None, _REFUSED), "close returns nothing")
            _check_closed(driver, driver_fd)
    reopened = _open(driver, peer_endpoint_id, calls)
    require(reopened is not _REFUSED, "a closed driver can be opened again")
    require(all(charge >= 0 for charge in calls.charged), "charges are not negative")


def _open(driver: Driver, peer_endpoint_id: int, context: StillContext) -> int | _Refused:
    driver_fd = _call("open", partial(driver.open, peer_endpoint_id, context))
    sound = driver_fd is _REFUSED or (type(driver_fd) is int and driver_fd >= 1)
    require(sound, "open returns an integer of at least 1")
    return driver_fd


def _check_transfers(driver: Driver, driver_fd: int) -> None:
    for size in _SIZES:
        content = _call("read", partial(driver.read, driver_fd, size))
        if content is not _REFUSED:
            require(isinstance(content, bytes), "read returns bytes")
            require(len(content) <= size, "read returns no more bytes than asked for")
    for payload in _PAYLOADS:
        accepted = _call("write", partial(driver.write, driver_fd, payload))
        if accepted is not _REFUSED:
            fits = type(accepted) is int and 0 <= accepted <= len(payload)
            require(fits, "write accepts between 0 bytes and all of them")


def _check_closed(driver: Driver, driver_fd: int) -> None:
    for size in _SIZES:
        content = _call("read", partial(driver.read, driver_fd, size))
        require(content is _REFUSED, "a read after close is refused by DriverError")
    for payload in _PAYLOADS:
        accepted = _call("write", partial(driver.write, driver_fd, payload))
        require(accepted is _REFUSED, "a write after close is refused by DriverError")


def _call(name: str, call: Callable[[], _Result]) -> _Result | _Refused:
    """Make a call that may only return or refuse."""
    try:
        return call()
    except DriverError:
        return _REFUSED
    except Exception as error:
        raise ContractBroken(
            f"{name} raises DriverError only, not {type(error).__name__}"
        ) from error
