"""A started container as the service sees it, and as its drivers see it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tinycontainer.interfaces.clock import Clock
from tinycontainer.interfaces.meter import Meter

from ..containers.container import Container
from .allowance import Allowance
from .watchdog import Watchdog


@dataclass(slots=True, eq=False)
class Caller:
    """What a start of a container has beside the container itself.

    Attributes:
        container: which container.
        uid: its uid, which never changes.
        meter: what its calls are charged to.
        refusals: how many refusals are still recorded.
        logs: how many log lines are still recorded.
        watchdog: what its heartbeats feed.
        loops_begun: loops of this start so far.
    """

    container: Container
    uid: bytes = field(init=False)
    meter: Meter
    refusals: Allowance
    logs: Allowance
    watchdog: Watchdog = field(default_factory=Watchdog)
    loops_begun: int = 0

    def __post_init__(self) -> None:
        self.uid = self.container.uid


class Context:
    """The `tinycontainer.interfaces.driver.CallContext` of one caller.

    Args:
        caller: who calls.
        clock: the device's clock.
        in_progress: the caller whose call is in progress, or None.
    """

    def __init__(
        self, caller: Caller, clock: Clock, in_progress: Callable[[], Caller | None]
    ) -> None:
        self._caller, self._clock, self._in_progress = caller, clock, in_progress

    @property
    def container(self) -> bytes:
        """See `CallContext.container`."""
        return self._caller.uid

    @property
    def slot(self) -> int:
        """See `CallContext.slot`."""
        return self._caller.container.slot.number

    def now_us(self) -> int:
        """See `CallContext.now_us`."""
        (self._in_progress() or self._caller).meter.settle()
        return self._clock.now_ns() // 1000

    def charge(self, instructions: int) -> None:
        """See `CallContext.charge`.

        Raises:
            ValueError: not a whole number, or a negative one.
            RuntimeError: no call of this container is in progress.
        """
        if type(instructions) is not int or instructions < 0:
            raise ValueError("what is charged is a whole number of instructions, at least 0")
        if self._in_progress() is not self._caller:
            raise RuntimeError("no call of this container is in progress")
        self._caller.meter.spend(instructions)

    def loops_left(self) -> int | None:
        """See `CallContext.loops_left`."""
        lifetime = self._caller.container.timing.lifetime_loops
        return max(0, lifetime - self._caller.loops_begun) if lifetime else None
