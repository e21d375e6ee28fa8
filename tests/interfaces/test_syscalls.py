"""System calls, their numbers and the masks that allow them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.interfaces.syscalls import (
    Syscall,
    allowed,
    describe_unknown_bits,
    mask_from_bytes,
    mask_of,
    mask_to_bytes,
)


@pytest.mark.clause("TC-CALL-01")
def test_the_numbers_of_the_calls_are_the_firmwares() -> None:
    assert [(call.name.lower(), call.value, call.bit) for call in Syscall] == [
        ("heartbeat", 1, 0b00001),
        ("open", 2, 0b00010),
        ("close", 3, 0b00100),
        ("read", 4, 0b01000),
        ("write", 5, 0b10000),
    ]


@given(st.sets(st.sampled_from(list(Syscall))))
def test_a_mask_allows_the_calls_that_it_was_made_of(calls: set[Syscall]) -> None:
    assert set(allowed(mask_of(calls))) == calls


def test_bits_without_a_call_are_ignored() -> None:
    assert allowed(0xFFFFFF00) == ()
    assert allowed(0xFFFFFFFF) == tuple(Syscall)


@pytest.mark.parametrize(
    ("encoded", "mask"),
    [
        (b"\x00", 0),
        (b"\x1f", 0x1F),
        (b"\x01\x00", 0x100),
        (b"\x00\x00\x00\x05", 5),
        (b"\xff" * 4, 2**32 - 1),
    ],
)
@pytest.mark.clause("TC-TOK-10")
def test_bit_zero_is_the_lowest_bit_of_the_last_byte(encoded: bytes, mask: int) -> None:
    assert mask_from_bytes(encoded) == mask


@given(st.integers(0, 2**32 - 1))
def test_a_mask_is_encoded_in_as_few_bytes_as_hold_it(mask: int) -> None:
    encoded = mask_to_bytes(mask)
    assert mask_from_bytes(encoded) == mask
    assert len(encoded) == 1 or encoded[0]


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (0, ""),
        (0b11111, ""),
        (0b100001, "bits that allow no call: 5"),
        (0xFF, "bits that allow no call: 5, 6, 7"),
    ],
)
def test_bits_that_no_call_has_are_named_by_their_numbers(mask: int, words: str) -> None:
    assert describe_unknown_bits(mask) == words
