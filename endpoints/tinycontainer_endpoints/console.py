"""``console``: what a container writes appears on the operator's screen, one line per write."""

from typing import ClassVar

from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import CallContext, DriverSetup

from .descriptors import Descriptors
from .options import Options, read_options


class ConsoleOptions(Options):
    """Options of ``console``.

    Attributes:
        prefix: stands in front of every line.
    """

    prefix: str = ""


class Console:
    """Takes text; gives nothing."""

    steady: ClassVar[bool] = True

    def __init__(self, setup: DriverSetup) -> None:
        self._prefix = read_options(ConsoleOptions, setup).prefix.encode()
        self._show = setup.show
        self._open: Descriptors[CallContext] = Descriptors()

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Open the console."""
        return self._open.open(context)

    def read(self, driver_fd: int, size: int) -> bytes:
        """Refused: there is no keyboard."""
        raise DriverError(problem="the console gives no input")

    def write(self, driver_fd: int, data: bytes) -> int:
        """Show a line; all of it is taken."""
        self._show(self._prefix + self._open[driver_fd].container + b": " + data)
        return len(data)

    def close(self, driver_fd: int) -> None:
        """Close the console."""
        self._open.close(driver_fd)
