"""Numbers of what containers use are short, exact where that is short, and have a unit."""

import pytest

from tinycontainer.cli.usage import format_count, format_fuel, format_share, format_size


@pytest.mark.parametrize(
    ("instructions", "text"),
    [
        (0, "0"),
        (999, "999"),
        (9_999_999, "9,999,999"),
        (10_000_000, "10 M"),
        (123_456_789, "123.5 M"),
        (1_234_567_890, "1.235 G"),
        (2 * 10**13, "20 T"),
        (10**18, "> 999 T"),
        (-5, "-5"),
    ],
)
def test_fuel_is_exact_up_to_ten_millions(instructions: int, text: str) -> None:
    assert format_fuel(instructions) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, ""),
        (592, "592 B"),
        (10_239, "10,239 B"),
        (10_240, "10 KiB"),
        (65_536, "64 KiB"),
        (100_000, "97.7 KiB"),
        (1 << 20, "1 MiB"),
        (64 << 20, "64 MiB"),
        ((64 << 20) + 1, "64.0 MiB"),
    ],
)
def test_a_size_of_memory_has_the_unit_that_fits(size_bytes: int, text: str) -> None:
    assert format_size(size_bytes) == text


def test_a_share_that_rounds_to_nothing_is_still_more_than_that() -> None:
    assert format_share(0.0, 0) == "0.00 %"
    assert format_share(0.0, 1) == "<0.01 %"
    assert format_share(0.01, 1) == "0.01 %"
    assert format_share(100.0, 1) == "100.00 %"


def test_counts_are_grouped() -> None:
    assert format_count(1_234_567) == "1,234,567"
