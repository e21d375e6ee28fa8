"""How the device of a test goes on: until something holds, a container faults, or time is over."""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.text import flatten, show

from .budget import Budget
from .errors import StepNotMet, hides_frames
from .rig import Rig

Item = TypeVar("Item")
__tracebackhide__ = hides_frames


class Stepper:
    """Lets a device go on in pieces of a millisecond, and skips time in which nothing is due.

    A run in pieces has the same events as one in a whole.

    Args:
        rig: the device, and what belongs to it.
        budget: what the test may cost.
    """

    def __init__(self, rig: Rig, budget: Budget) -> None:
        self._rig = rig
        self._budget = budget
        self._taken: dict[Hashable, int] = {}
        self._faults_known: dict[bytes, int] = {}

    def advance(self, step: str, within_ms: int, holds: Callable[[], bool]) -> bool:
        """Run until something holds.

        Args:
            step: what the test asks for, in words.
            within_ms: for how long at most, to a whole millisecond of device time.
            holds: is asked before the first piece and after each.

        Returns:
            Whether it holds.

        Raises:
            StepNotMet: a container under test has faulted, or the budget is spent.
            ValueError: a negative time.
        """
        if not isinstance(within_ms, int) or within_ms < 0:
            raise ValueError(f"{step}: a device cannot run for {within_ms!r} ms")
        begun = self._budget.monotonic()
        end_ms = self._rig.device.now_ns // NS_PER_MS + within_ms
        while True:
            for end in self._rig.ends:
                end.drain()
            # A fault counts also if it comes in the same moment as what the test waits for.
            self.raise_fault(step)
            if holds():
                return True
            if self._rig.device.now_ns >= end_ms * NS_PER_MS:
                return False
            self._budget.check(self._rig.clock.instructions, begun, step)
            self._take_piece(end_ms)

    def await_next(
        self,
        step: str,
        within_ms: int,
        items: Callable[[], Sequence[Item]],
        fits: Callable[[Item], bool],
        whose: Hashable,
    ) -> Item | None:
        """Run until there is one more item of a kind.

        Args:
            step: see `advance`.
            within_ms: see `advance`.
            items: all that there are.
            fits: whether an item is wanted.
            whose: what distinguishes these items from others; those up to the one that was found
                last do not count again.

        Returns:
            The item; None if there is none within that time.
        """

        def find() -> int | None:
            present = items()
            begin = self._taken.get(whose, 0)
            return next((n for n in range(begin, len(present)) if fits(present[n])), None)

        self.advance(step, within_ms, lambda: find() is not None)
        place = find()
        if place is None:
            return None
        self._taken[whose] = place + 1
        return items()[place]

    def forgive_faults(self, uid: bytes) -> None:
        """A fault of this container is expected from now on, until `know_faults`."""
        self._faults_known[uid] = 1 << 30

    def know_faults(self, uid: bytes) -> None:
        """The container's faults until now were expected; later ones are not."""
        self._faults_known[uid] = len(self._rig.observations.of(uid).faults)

    def unmet(self, step: str, problem: str, uid: bytes) -> StepNotMet:
        """The failure of a step that was not met in time.

        Args:
            step: what the test asked for.
            problem: what there is instead.
            uid: the container that it is about.
        """
        view = self._rig.device[uid]
        now = f"{self._rig.device.now_ns / NS_PER_MS:.3f} ms"
        seen = self._rig.observations.of(uid)
        hint = f", {seen.in_progress}" if seen.in_progress else ""
        if view.state is State.READY and view.statistics.starts == 0:
            hint = "; nobody has started it: call start()"
        elif view.state is State.READY and view.last_exit is not None:
            hint = f"; its last start ended: {flatten(str(view.last_exit))}"
        if seen.dropped:
            hint += f"; {seen.dropped} log lines and refusals were beyond the device's rate"
        return StepNotMet(f"{step}: {problem}; at {now} {show(uid)} is {view.state}{hint}")

    def _take_piece(self, end_ms: int) -> None:
        device, clock = self._rig.device, self._rig.clock
        if end_ms * NS_PER_MS - device.now_ns <= NS_PER_MS:
            device.run_until(end_ms)
            return
        events = self._rig.observations.count
        due_ns = device.run_due(1)
        if self._rig.observations.count > events:
            return  # first the test looks at what has happened
        if due_ns is None:
            device.run_until(end_ms)
        else:
            clock.sleep_until(min(due_ns, end_ms * NS_PER_MS))

    def raise_fault(self, step: str) -> None:
        """Fail if a container under test has ended by a fault that no step has wanted.

        Raises:
            StepNotMet: one has.
        """
        for uid in self._rig.uids:
            faults = self._rig.observations.of(uid).faults
            if len(faults) > self._faults_known.get(uid, 0):
                at_ms, reason = faults[-1]
                self._faults_known[uid] = len(faults)
                raise StepNotMet(
                    f"{step}: {show(uid)} ended by a fault at {at_ms:.3f} ms: {flatten(reason)};"
                    " expect_exit() is for faults that a test wants"
                )
