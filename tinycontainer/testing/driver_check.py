"""A check for drivers: whatever a driver does, it does it within its interface."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import Driver

from .contract import ContractBroken, require

Result = TypeVar("Result")
_SIZES = (1, 2, 16, 255)
_PAYLOADS = (b"\0", b"hello", bytes(range(255)))


@dataclass
class StillContext:
    """A call context whose time and loops are what the test says.

    Attributes:
        container: uid of the caller.
        slot: its slot.
        time_us: device time.
        loops: loops still to come.
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

    It is opened twice, read and written in several sizes, closed, and opened again. Refusing by
    `DriverError` is always right; that no call waits is for the caller's own time limit to show.

    Args:
        make: makes a fresh driver.
        peer_endpoint_id: what it is opened by.
        context: the call context; by default one whose time stands still.

    Raises:
        ContractBroken: with the first broken promise.
    """
    calls = context or StillContext()
    driver = make()
    first = _open(driver, peer_endpoint_id, calls)
    second = _open(driver, peer_endpoint_id, calls)
    require(first is None or first != second, "two open descriptors are different numbers")
    for driver_fd in (first, second):
        if driver_fd is not None:
            _transfer(driver, driver_fd)
            _within("close", partial(driver.close, driver_fd))
    reopened = _open(driver, peer_endpoint_id, calls)
    require(first is None or reopened is not None, "a closed driver can be opened again")
    require(all(charge >= 0 for charge in calls.charged), "charges are not negative")


def _open(driver: Driver, peer_endpoint_id: int, context: StillContext) -> int | None:
    driver_fd = _within("open", partial(driver.open, peer_endpoint_id, context))
    if driver_fd is not None:
        require(type(driver_fd) is int and driver_fd >= 1, "open gives an integer of at least 1")
    return driver_fd


def _transfer(driver: Driver, driver_fd: int) -> None:
    for size in _SIZES:
        content = _within("read", partial(driver.read, driver_fd, size))
        if content is not None:
            require(isinstance(content, bytes), "read gives bytes")
            require(len(content) <= size, "read gives no more than asked for")
    for payload in _PAYLOADS:
        taken = _within("write", partial(driver.write, driver_fd, payload))
        if taken is not None:
            fits = type(taken) is int and 0 <= taken <= len(payload)
            require(fits, "write takes between nothing and what was given")


def _within(name: str, call: Callable[[], Result]) -> Result | None:
    """The result of a call; None if the driver refused."""
    try:
        return call()
    except DriverError:
        return None
    except Exception as error:
        raise ContractBroken(
            f"{name} raises DriverError only, not {type(error).__name__}"
        ) from error
