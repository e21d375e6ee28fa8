"""``console``: shows what containers write on the operator's screen, one line per write."""

from typing import ClassVar

from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import CallContext, DriverSetup

from .descriptors import Descriptors
from .options import Options, read_options


class ConsoleOptions(Options):
    """Options of ``console``.

    Attributes:
        prefix: text before every line.
    """

    prefix: str = ""


class Console:
    """Accepts text, and gives nothing.

    Args:
        setup: options as in `ConsoleOptions`.

    Raises:
        ValueError: wrong options.
    """

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
        raise DriverError(problem="the console has no input: only write to it")

    def write(self, driver_fd: int, data: bytes) -> int:
        """Show a line with the container's uid; all of it is accepted."""
        container = self._open[driver_fd].container
        self._show(self._prefix + container + b": " + data)
        return len(data)

    def close(self, driver_fd: int) -> None:
        """Close the console."""
        self._open.close(driver_fd)
