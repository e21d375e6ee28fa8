"""A rental as the steps that it takes: those that are done, and those that are to come."""

from dataclasses import dataclass
from enum import StrEnum

from ...renting.rental import RentalState
from ..renting_bodies import RentalShown


class StepState(StrEnum):
    """How far a step is."""

    DONE = "done"
    NEXT = "next"
    NEVER = "never"
    """Another one has taken its place."""


@dataclass(frozen=True, slots=True)
class RentalStep:
    """A step of a rental.

    Attributes:
        words: what it is.
        state: how far it is.
        at_s: Unix time at which it was done, or will be; None if that is not known.
        by: name of who has done it; empty if nobody has.
    """

    words: str
    state: StepState
    at_s: float | None = None
    by: str = ""


def make_timeline(rental: RentalShown, now_s: float) -> list[RentalStep]:
    """The steps of a rental, in the order of time.

    Args:
        rental: as it is now.
        now_s: Unix time.
    """
    asked = RentalStep("asked for", StepState.DONE, rental.asked_s, rental.asked_by)
    state = RentalState(rental.state)
    if state is RentalState.ASKED:
        return [asked, RentalStep("granted or refused", StepState.NEXT), *_use(rental, now_s)]
    was_decided = rental.decided_s is not None
    if state is RentalState.ENDED and not was_decided:
        over = RentalStep("over, and nobody has decided", StepState.DONE, rental.until_s)
        return [asked, over]
    decided = RentalStep(state.value, StepState.DONE, rental.decided_s, rental.decided_by or "")
    if state in (RentalState.REFUSED, RentalState.TAKEN_BACK):
        return [asked, decided]
    if state is RentalState.WITHDRAWN:
        end = RentalStep("would have ended", StepState.NEVER, rental.until_s)
        return [asked, RentalStep("granted", StepState.DONE), decided, end]
    granted = RentalStep("granted", StepState.DONE, rental.decided_s, rental.decided_by or "")
    return [asked, granted, *_use(rental, now_s)]


def _use(rental: RentalShown, now_s: float) -> list[RentalStep]:
    begun, over = now_s >= rental.from_s, now_s >= rental.until_s
    is_granted = rental.decided_s is not None
    done = StepState.DONE if is_granted and begun else StepState.NEXT
    return [
        RentalStep("runs from" if is_granted else "would run from", done, rental.from_s),
        RentalStep(
            "ended" if over else "ends", StepState.DONE if over else StepState.NEXT, rental.until_s
        ),
    ]
