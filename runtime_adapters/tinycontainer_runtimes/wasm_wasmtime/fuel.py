"""One container's budget: its meter and its store's fuel, kept in step.

Fuel is counted by the engine, native calls are charged to the meter. Before each poll the store is
filled up and the call is suspended when as much is used as the meter has left, before the line of
code at which the budget is gone. To set that again after each native call is dear: while much is
left, half of it is kept back for what native calls cost, and the call goes on with that half when
it is suspended too early (ADR 13).

A module that counts its calls uses fuel for it that is not charged (ADR 25). It too lets a call be
suspended too early, never too late.
"""

from typing import Final

from tinycontainer.interfaces.meter import Meter

from .call_counter import COUNTING_MASK, CallCounter
from .calls import Call
from .store import TANK, TenantStore

WHOLE_HOOK_FUEL: Final = 1_000_000
"""Where calls cannot be suspended, a hook runs as a whole, up to so many instructions, those that
count its calls included."""

_LONGEST_POLL: Final = 1 << 24
"""Fuel between two moments at which an operator's interrupt is seen; a few ms."""
_MUCH: Final = 1 << 12
"""With less than this left of a budget, all native calls are settled at once."""


class FuelAccount:
    """Charges a meter with the fuel that a store uses.

    Args:
        store: where the container lives.
        meter: what it may use.
        settling: fuel that the module uses after each native call and that is not charged; 0 if it
            was prepared without.

    Attributes:
        counter: where the module counts its calls; None if it does not.
    """

    def __init__(self, store: TenantStore, meter: Meter, settling: int) -> None:
        self._store = store
        self._meter = meter
        self._settling = settling
        self._suspends = store.suspends
        self._idle = meter.probe
        self._counted = TANK  # what the store held when the meter was last brought up to date
        self._settle_at = 0
        self.counter: CallCounter | None = None
        self._counting_fuel = 0  # what the counter held when the store was last filled up

    def begin(self) -> None:
        """A hook's function is going to be called."""
        if self.counter is not None:
            self.counter.begin()

    @property
    def nested_too_deep(self) -> bool:
        """Whether the call ended, or was suspended, where one too many was begun."""
        return self.counter is not None and self.counter.exceeded

    def advance(self, call: Call) -> bool:
        """Go on with a call until it ends or the budget is gone, and charge for it.

        While it runs, every reader of the meter brings it up to date first.

        Returns:
            Whether the call has ended.
        """
        self._arm()
        self._meter.probe = self._bring_up_to_date
        try:
            ended = call.advance()
            while not ended and self._was_suspended_too_early():
                ended = call.advance()
            return ended
        finally:
            self._meter.probe = self._idle
            self._bring_up_to_date()

    def _was_suspended_too_early(self) -> bool:
        """Whether to go on, in a module that counts its calls; then it is set until when."""
        if self.counter is None:
            return False
        self._bring_up_to_date()
        if self.counter.exceeded:
            return True  # it is going to trap; pywasm has no place to stop before that
        if self._meter.left <= 0:
            return False
        self._set_end(self._meter.left, 0)
        return True

    def settle_native_call(self) -> None:
        """After a native call: what it cost ends the turn sooner."""
        before = self._meter.left
        if not self._suspends or before > self._settle_at:
            self._counted -= self._settling
            return
        self._bring_up_to_date()
        # With nothing left, before and after, there is nothing to set, unless the settling fuel,
        # which the module uses next, has to be left out of the account.
        if self._settling or self._meter.left > 0 or before > 0:
            self._arm(self._settling)

    def _arm(self, settling: int = 0) -> None:
        """Let the call be suspended where the budget ends, or stopped if it cannot be suspended.

        Args:
            settling: fuel that is used next and is not charged.
        """
        if self.counter is not None:
            self._counting_fuel = self.counter.read_fuel()
        if not self._suspends:
            self._store.fill(WHOLE_HOOK_FUEL)
            self._counted = WHOLE_HOOK_FUEL
            return
        self._set_end(max(self._meter.left, 0), settling)
        self._store.fill(TANK)
        self._counted = TANK - settling

    def _set_end(self, left: int, settling: int) -> None:
        """Let the call be suspended when so much is used."""
        kept_back = left // 2 if left >= _MUCH else 0
        self._settle_at = left - kept_back
        until_yield = min(left - kept_back, _LONGEST_POLL) + settling
        # The interval cannot be 0: with nothing left, and no settling fuel to be used first, one
        # line more is executed than on pywasm (ADR 13).
        self._store.suspend_after(max(until_yield, 1))

    def _bring_up_to_date(self) -> None:
        """Bring the meter up to date with the engine's counter."""
        fuel = self._store.read_fuel()
        if self.counter is not None:
            fuel += self.counter.read_fuel() - self._counting_fuel & COUNTING_MASK
        # Settling fuel was subtracted beforehand, so the counter may still be above it.
        if fuel < self._counted:
            # One step: an interrupt must not let it be charged twice.
            self._meter.left, self._counted = self._meter.left - (self._counted - fuel), fuel
