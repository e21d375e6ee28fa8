"""A started container: what its calls are charged to, limited by, and watched by.

One `StartedContainer` exists for each start of a container. The service judges its calls, a driver
sees it through a `Context`. TC-SCHED-16 (the watchdog), TC-CALL-14 and TC-CALL-18 (rates of
records) are implemented here.
"""

from collections.abc import Callable

from tinycontainer.interfaces.clock import NS_PER_S, NS_PER_US, Clock
from tinycontainer.interfaces.meter import Meter

from ..containers.container import Container


class Watchdog:
    """Armed from the loop after the first granted heartbeat (in start: from the first loop)."""

    __slots__ = ("_armed", "_beaten", "_wanted")

    def __init__(self) -> None:
        self._wanted = False
        self._armed = False
        self._beaten = False

    def beat(self) -> None:
        """Note a granted heartbeat."""
        self._wanted = True
        self._beaten = True

    def begin_loop(self) -> None:
        """Watch the loop that begins, if there was a heartbeat before it."""
        self._armed = self._wanted
        self._beaten = False

    def missed(self) -> bool:
        """Whether the loop that has just completed should have sent a heartbeat and did not."""
        return self._armed and not self._beaten

    def disarm(self) -> None:
        """Stop watching: the right to send heartbeats was revoked."""
        self._wanted = False
        self._armed = False
        self._beaten = False


class RecordRate:
    """How many records of one kind a container may cause per second; the rest is counted.

    Args:
        per_second: records per second of device time. A second begins with the first record after
            the last one ended.
    """

    __slots__ = ("_began_ns", "_dropped", "_left", "_per_second")

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._left = per_second
        self._began_ns: int | None = None
        self._dropped = 0

    def admit_record(self, now_ns: int) -> bool:
        """Whether one more may be recorded now; if not, it is counted as dropped."""
        if self._began_ns is None or now_ns - self._began_ns >= NS_PER_S:
            self._began_ns = now_ns
            self._left = self._per_second
        if self._left > 0:
            self._left -= 1
            return True
        self._dropped += 1
        return False

    def collect_dropped(self) -> int:
        """How many were dropped since the last call of this method."""
        dropped, self._dropped = self._dropped, 0
        return dropped


class StartedContainer:
    """What one start of a container has, beside the container itself.

    Args:
        container: which container.
        meter: what its calls are charged to.
        records_per_second: log lines, and as many refusals, that are recorded of it.

    Attributes:
        container: see above.
        uid: its uid, which never changes.
        meter: see above.
        refusals: limits how many refusals are recorded.
        logs: limits how many log lines are recorded.
        watchdog: what its heartbeats feed.
    """

    __slots__ = ("container", "logs", "meter", "refusals", "uid", "watchdog")

    def __init__(self, container: Container, meter: Meter, records_per_second: int) -> None:
        self.container = container
        self.uid = container.uid
        self.meter = meter
        self.refusals = RecordRate(records_per_second)
        self.logs = RecordRate(records_per_second)
        self.watchdog = Watchdog()

    def loops_left(self) -> int | None:
        """Loop calls still to come in this start; None for no limit."""
        lifetime = self.container.timing.lifetime_loops
        return max(0, lifetime - self.container.loops_begun) if lifetime else None


class Context:
    """The `tinycontainer.interfaces.driver.CallContext` of one caller.

    Args:
        caller: who calls.
        clock: the device's clock.
        in_progress: the container whose call is in progress, or None.
    """

    def __init__(
        self,
        caller: StartedContainer,
        clock: Clock,
        in_progress: Callable[[], StartedContainer | None],
    ) -> None:
        self._caller = caller
        self._clock = clock
        self._in_progress = in_progress

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
        # A driver may ask during another container's call: that one's meter runs then.
        (self._in_progress() or self._caller).meter.settle()
        return self._clock.now_ns() // NS_PER_US

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
        return self._caller.loops_left()
