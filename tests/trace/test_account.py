"""Shares of the processor add up to all of the time, and each is right to a hundredth."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.trace import Account
from tinycontainer.trace.account import WHOLE, divide_whole

lengths = st.integers(0, 10**19) | st.sampled_from([0, 1, 2, 3])


@given(st.lists(lengths, min_size=1, max_size=30))
@pytest.mark.clause("TC-TOOL-14")
def test_shares_add_up_and_each_is_right_to_a_hundredth(parts: list[int]) -> None:
    shares = divide_whole(parts)
    assert sum(shares) == WHOLE
    if not any(parts):
        assert shares == [0] * (len(parts) - 1) + [WHOLE]
        return
    for part, share in zip(parts, shares, strict=True):
        exact = Fraction(part * WHOLE, sum(parts))
        assert abs(share - exact) < 1
        assert part or not share


def test_what_is_lost_by_rounding_goes_to_those_that_lose_most() -> None:
    assert divide_whole([1, 1, 1]) == [3334, 3333, 3333]
    assert divide_whole([1, 1, 4]) == [1667, 1667, 6666]
    assert divide_whole([2, 1, 0]) == [6667, 3333, 0]


@pytest.mark.clause("TC-TOOL-14")
def test_time_in_which_nobody_ran_is_idle() -> None:
    account = Account.of(1000, {b"one": 250, b"two": 0}, gone_ns=50)
    assert (account.observed_ns, account.idle_ns, account.gone_ns) == (1000, 700, 50)
    assert account.shares == {b"one": 2500, b"two": 0}
    assert (account.idle_share, account.gone_share) == (7000, 500)


def test_nothing_observed_is_idle() -> None:
    account = Account.of(0, {b"one": 0})
    assert (account.idle_share, account.shares) == (WHOLE, {b"one": 0})


def test_a_made_up_trace_still_has_shares_of_one_whole() -> None:
    account = Account.of(10, {b"one": 30, b"two": 10, b"three": -40})
    assert (account.observed_ns, account.idle_ns) == (40, 0)
    assert account.shares == {b"one": 7500, b"two": 2500, b"three": 0}
