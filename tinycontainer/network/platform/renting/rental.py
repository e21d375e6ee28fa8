"""The states of a rental, in one table."""

from enum import StrEnum
from typing import Final


class RentalState(StrEnum):
    """What has become of a rental."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    TAKEN_BACK = "taken back"
    """Who has asked does not want it any more."""
    WITHDRAWN = "withdrawn"
    """The owner has taken the right back before its time was over."""
    ENDED = "ended"
    """Its time is over."""

    def after(self, event: "RentalEvent") -> "RentalState":
        """The state that an event leads to.

        Raises:
            IllegalRentalEvent: it cannot happen now.
        """
        after = TRANSITIONS.get((self, event))
        if after is None:
            raise IllegalRentalEvent(f"a rental that is {self} has no event {event}")
        return after

    def at(self, now_s: float, until_s: int) -> "RentalState":
        """The state at a time: nobody has to note that a rental has ended.

        Args:
            now_s: Unix time.
            until_s: Unix seconds from which on the rental is over.
        """
        is_over = now_s >= until_s and (self, RentalEvent.END) in TRANSITIONS
        return self.after(RentalEvent.END) if is_over else self


class RentalEvent(StrEnum):
    """What happens to a rental."""

    GRANT = "grant"
    REFUSE = "refuse"
    TAKE_BACK = "take back"
    WITHDRAW = "withdraw"
    END = "end"


TRANSITIONS: Final = {
    (RentalState.ASKED, RentalEvent.GRANT): RentalState.GRANTED,
    (RentalState.ASKED, RentalEvent.REFUSE): RentalState.REFUSED,
    (RentalState.ASKED, RentalEvent.TAKE_BACK): RentalState.TAKEN_BACK,
    # Nobody has decided in time.
    (RentalState.ASKED, RentalEvent.END): RentalState.ENDED,
    (RentalState.GRANTED, RentalEvent.WITHDRAW): RentalState.WITHDRAWN,
    (RentalState.GRANTED, RentalEvent.END): RentalState.ENDED,
}


class IllegalRentalEvent(ValueError):
    """An event that cannot happen in a state; nothing has changed."""
