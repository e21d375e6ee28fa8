"""The meter: what is left of a turn, and what the clock is charged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.interfaces.meter import Meter


def metered() -> tuple[Meter, list[int]]:
    charged: list[int] = []
    return Meter(charged.append), charged


def test_a_new_meter_is_empty_and_charges_nothing() -> None:
    meter, charged = metered()
    meter.settle()
    assert (meter.left, charged) == (0, [])


def test_spending_lowers_what_is_left_and_charges_only_when_settled() -> None:
    meter, charged = metered()
    meter.refill(100)
    meter.spend(30)
    assert (meter.left, charged) == (70, [])
    meter.settle()
    assert (meter.left, charged) == (70, [30])


def test_settling_twice_charges_once() -> None:
    meter, charged = metered()
    meter.refill(10)
    meter.spend(4)
    meter.settle()
    meter.settle()
    assert charged == [4]


@pytest.mark.clause("TC-SCHED-13")
def test_an_atomic_unit_is_charged_in_full_beyond_what_is_left() -> None:
    meter, charged = metered()
    meter.refill(1)
    meter.spend(500)
    assert meter.left == -499
    meter.settle()
    assert charged == [500]


def test_an_overrun_is_no_debt_of_the_next_turn() -> None:
    meter, charged = metered()
    meter.refill(1)
    meter.spend(500)
    meter.refill(10)
    assert meter.left == 10
    assert charged == [500]


def test_refilling_charges_what_was_not_yet_settled() -> None:
    meter, charged = metered()
    meter.refill(100)
    meter.spend(60)
    meter.refill(100)
    assert charged == [60]


def test_what_is_left_at_the_end_of_a_turn_is_not_saved() -> None:
    meter, charged = metered()
    meter.refill(100)
    meter.refill(7)
    assert meter.left == 7
    assert charged == []


def test_a_runtime_may_lower_what_is_left_directly() -> None:
    meter, charged = metered()
    meter.refill(100)
    meter.left -= 25
    meter.settle()
    assert charged == [25]


def test_a_counter_of_an_engine_is_brought_up_to_date_before_settling() -> None:
    meter, charged = metered()
    engine_left = 100
    meter.refill(100)

    def probe() -> None:
        meter.left = engine_left

    meter.probe = probe
    engine_left = 58
    meter.settle()
    assert (meter.left, charged) == (58, [42])
    engine_left = 50
    meter.settle()
    assert charged == [42, 8]


actions = st.lists(
    st.one_of(
        st.tuples(st.just("refill"), st.integers(1, 10_000)),
        st.tuples(st.just("spend"), st.integers(0, 5_000)),
        st.tuples(st.just("settle"), st.just(0)),
    ),
    max_size=60,
)


@given(actions)
def test_all_that_is_spent_is_charged_exactly_once(steps: list[tuple[str, int]]) -> None:
    meter, charged = metered()
    spent = 0
    for action, amount in steps:
        if action == "refill":
            meter.refill(amount)
            assert meter.left == amount
        elif action == "spend":
            meter.spend(amount)
            spent += amount
        else:
            meter.settle()
            assert sum(charged) == spent
    meter.settle()
    assert sum(charged) == spent
    assert all(amount > 0 for amount in charged)


def test_extending_a_turn_charges_nothing_yet_and_nothing_twice() -> None:
    meter, charged = metered()
    meter.refill(10)
    meter.spend(14)
    meter.extend(10)
    assert (meter.left, charged) == (10, [])
    meter.spend(3)
    meter.settle()
    assert charged == [17]


@pytest.mark.parametrize("step", [0, -1, (1 << 16) + 1, True, 2.0, "32"])
def test_a_step_out_of_its_range_is_refused(step: Any) -> None:
    meter, _ = metered()
    with pytest.raises(ValueError, match="1 to 65536"):
        meter.set_step(step)


@pytest.mark.parametrize("step", [1, 1 << 16])
def test_a_step_within_its_range_is_taken(step: int) -> None:
    meter, _ = metered()
    meter.set_step(step)
    assert meter.step_instructions == step
