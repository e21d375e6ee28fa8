"""``actuator``: records the commands that containers write, for the host to look at."""

from collections import deque
from dataclasses import dataclass

from pydantic import Field

from tinycontainer.interfaces.driver import CallContext, DriverSetup

from .descriptors import Descriptors
from .options import Options, read_options


class ActuatorOptions(Options):
    """Options of ``actuator``.

    Attributes:
        keep: how many commands are remembered; the oldest are forgotten first.
    """

    keep: int = Field(default=1000, ge=1, le=100_000)


@dataclass(frozen=True, slots=True)
class Command:
    """One write.

    Attributes:
        at_us: device time.
        container: uid of the container that wrote.
        data: the bytes that it wrote.
    """

    at_us: int
    container: bytes
    data: bytes


class Actuator:
    """Accepts commands, and gives the last one back, so that a container can see what it did.

    Args:
        setup: options as in `ActuatorOptions`.

    Attributes:
        commands: the commands of all descriptors, the oldest first.

    Raises:
        ValueError: wrong options.
    """

    def __init__(self, setup: DriverSetup) -> None:
        keep = read_options(ActuatorOptions, setup).keep
        self.commands: deque[Command] = deque(maxlen=keep)
        self._open: Descriptors[CallContext] = Descriptors()

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Open the actuator."""
        return self._open.open(context)

    def read(self, driver_fd: int, size: int) -> bytes:
        """The last command, cut to ``size`` bytes; nothing before the first."""
        _ = self._open[driver_fd]  # refuses a descriptor that is not open
        return self.commands[-1].data[:size] if self.commands else b""

    def write(self, driver_fd: int, data: bytes) -> int:
        """Record a command; all of it is accepted."""
        context = self._open[driver_fd]
        self.commands.append(Command(context.now_us(), context.container, data))
        return len(data)

    def close(self, driver_fd: int) -> None:
        """Close the actuator."""
        self._open.close(driver_fd)
