"""Whatever comes in: an envelope is decoded or refused with its own error, and soon."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.envelopes import (
    REMOVAL,
    SEVERED,
    SMALL,
    decode_both,
    envelope_members,
    installing,
    sequence,
    tagged,
)
from support.errors import catch_error
from support.hostile import inert

from tinycontainer.errors import EnvelopeError
from tinycontainer.suit.drafts import make_envelope
from tinycontainer.suit.envelope.decoder import MAX_ENVELOPE_BYTES

GENEROUS_SECONDS = 20
"""Far above what hostile input of 1 MiB takes: the items that are read of it are counted."""


def outcome(content: bytes) -> bool:
    """Whether it decodes; anything but an EnvelopeError fails the test."""
    try:
        decode_both(content)
    except EnvelopeError as refused:
        error = refused
    else:
        return True
    assert 0 <= error.offset <= len(content)
    assert inert(str(error))
    assert "\n" not in str(error)
    return False


@pytest.mark.parametrize("content", [SMALL, SEVERED, make_envelope(REMOVAL)])
def test_no_cut_decodes(content: bytes) -> None:
    assert not any(outcome(content[:length]) for length in range(len(content)))


def test_no_flipped_bit_raises_anything_else() -> None:
    for index, byte in enumerate(SMALL):
        for bit in range(8):
            outcome(SMALL[:index] + bytes([byte ^ 1 << bit]) + SMALL[index + 1 :])


@pytest.mark.parametrize("other", [b"\x00", b"\x5f", b"\x9b", b"\xbf", b"\xf6", b"\xff"])
def test_no_byte_that_begins_something_else_raises_anything_else(other: bytes) -> None:
    for index in range(len(SEVERED)):
        outcome(SEVERED[:index] + other + SEVERED[index + 1 :])


@pytest.mark.long
def test_no_changed_byte_at_all_raises_anything_else() -> None:
    for index in range(len(SMALL)):
        for other in range(256):
            outcome(SMALL[:index] + bytes([other]) + SMALL[index + 1 :])


@given(st.binary(max_size=200), st.integers(0, len(SEVERED)), st.integers(0, 8))
def test_no_inserted_bytes_raise_anything_else(inserted: bytes, start: int, removed: int) -> None:
    outcome(SEVERED[:start] + inserted + SEVERED[start + removed :])


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    outcome(content)
    outcome(b"\xd8\x6b" + content)
    outcome(tagged(envelope_members(content)))


def within_the_manifest(announced: bytes) -> bytes:
    return tagged(envelope_members(announced + bytes(MAX_ENVELOPE_BYTES - 100)))


_VAST = (MAX_ENVELOPE_BYTES - 200).to_bytes(4, "big")
FLOODS = {
    "zeroes": bytes(MAX_ENVELOPE_BYTES),
    "an array of zeroes": b"\xd8\x6b\x9a" + _VAST + bytes(MAX_ENVELOPE_BYTES - 7),
    "levels": b"\xd8\x6b" + b"\x81" * (MAX_ENVELOPE_BYTES - 2),
    "tags": b"\xd8\x6b" * (MAX_ENVELOPE_BYTES // 2),
    "byte strings": b"\xd8\x6b\x9a" + _VAST + b"\x40" * (MAX_ENVELOPE_BYTES - 7),
    "an array in the manifest": within_the_manifest(b"\x9a" + _VAST),
    "levels in the manifest": tagged(envelope_members(b"\x81" * (MAX_ENVELOPE_BYTES - 100))),
    "vast announced": b"\xd8\x6b\xbb" + b"\xff" * 8,
    "vast string announced": b"\xd8\x6b\x5b" + b"\xff" * 8,
    "alternatives": installing(15, [sequence(14, 15)] * 16_000),
    "unknown arguments": installing(15, [sequence(15, [sequence(-1, [0] * 16_000)] * 8)] * 8),
}


@pytest.mark.parametrize("content", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_of_nothing_is_over_soon(content: bytes) -> None:
    assert len(content) <= MAX_ENVELOPE_BYTES
    started = perf_counter()
    outcome(content)
    assert perf_counter() - started < GENEROUS_SECONDS


def test_items_of_all_pieces_of_a_manifest_are_counted_together() -> None:
    argument = sequence(-1, [0] * 4_000)
    assert outcome(installing(15, [argument] * 4))
    refused = catch_error(EnvelopeError, decode_both, installing(15, [argument] * 5))
    assert refused.problem == "more items than are allowed"
    assert refused.place == "install[0].try-each[4]"
