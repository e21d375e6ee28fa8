"""The states of a rental: each event in each state, and what the time does."""

import itertools

import pytest

from tinycontainer.network.platform.renting.rental import (
    IllegalRentalEvent,
    RentalEvent,
    RentalState,
)

LEGAL = {
    ("asked", "grant"): "granted",
    ("asked", "refuse"): "refused",
    ("asked", "take back"): "taken back",
    ("asked", "end"): "ended",
    ("granted", "withdraw"): "withdrawn",
    ("granted", "end"): "ended",
}


@pytest.mark.clause("TC-PLAT-50")
@pytest.mark.parametrize(("state", "event"), [*itertools.product(RentalState, RentalEvent)])
def test_a_rental_takes_the_events_of_its_state_and_no_others(
    state: RentalState, event: RentalEvent
) -> None:
    if (state, event) in LEGAL:
        assert state.after(event) == LEGAL[(state, event)]
        return
    with pytest.raises(IllegalRentalEvent) as caught:
        state.after(event)
    assert str(caught.value) == f"a rental that is {state} has no event {event}"


@pytest.mark.clause("TC-PLAT-50")
@pytest.mark.parametrize("state", RentalState)
def test_what_is_open_ends_by_itself_and_nothing_else_does(state: RentalState) -> None:
    is_open = state in (RentalState.ASKED, RentalState.GRANTED)
    assert state.at(99.9, 100) is state
    assert state.at(100.0, 100) is (RentalState.ENDED if is_open else state)
