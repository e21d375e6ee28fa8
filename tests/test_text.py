"""Untrusted text is shown so that it can do nothing but be read."""

import codecs
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.text import flatten, show

HARMLESS = {chr(code) for code in range(0x20, 0x7F)}


def hidden(shown: str) -> bytes:
    """The bytes behind an escaped text, by Python's own rules for escapes."""
    return codecs.decode(shown, "unicode_escape").encode("latin-1")


@given(st.binary(max_size=200))
@pytest.mark.clause("TC-RT-16")
def test_bytes_are_shown_in_printable_ascii_and_lose_nothing(untrusted: bytes) -> None:
    shown = show(untrusted)
    assert set(shown) <= HARMLESS
    assert hidden(shown) == untrusted


@given(st.text(st.characters(), max_size=100))
def test_text_is_shown_by_its_utf8_bytes(untrusted: str) -> None:
    raw = untrusted.encode("utf-8", "surrogatepass")
    assert show(untrusted) == show(raw)
    assert hidden(show(untrusted)).decode("utf-8", "surrogatepass") == untrusted


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_different_bytes_never_look_alike(one: bytes, two: bytes) -> None:
    assert (show(one) == show(two)) == (one == two)


def test_printable_ascii_is_shown_as_it_is() -> None:
    printable = string.ascii_letters + string.digits + string.punctuation.replace("\\", "") + " "
    assert show(printable) == show(printable.encode()) == printable


@pytest.mark.clause("TC-RT-16")
def test_a_backslash_is_doubled() -> None:
    assert show("\\") == r"\\"
    assert show(r"\x1b") == r"\\x1b"


@pytest.mark.parametrize(
    ("untrusted", "shown"),
    [
        (b"", ""),
        (b"\x00", r"\x00"),
        ("line\nline\r\n", r"line\x0aline\x0d\x0a"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x07\x08\t", r"\x07\x08\x09"),
        (b"\x7f\x80\xff", r"\x7f\x80\xff"),
        ("\x9b31m", r"\xc2\x9b31m"),
        ("\u202e", r"\xe2\x80\xae"),
        ("\u2066", r"\xe2\x81\xa6"),
        ("\u0430", r"\xd0\xb0"),
        ("e\u0301", r"e\xcc\x81"),
        ("\u2028", r"\xe2\x80\xa8"),
        ("\ud800", r"\xed\xa0\x80"),
        ("\U0001f600", r"\xf0\x9f\x98\x80"),
    ],
)
@pytest.mark.clause("TC-RT-16")
def test_everything_else_is_shown_by_number(untrusted: bytes | str, shown: str) -> None:
    assert show(untrusted) == shown


@given(st.binary(max_size=40), st.integers(0, 40))
def test_longer_input_is_cut_between_bytes_and_marked(untrusted: bytes, limit_bytes: int) -> None:
    shown = show(untrusted, limit_bytes)
    if len(untrusted) <= limit_bytes:
        assert shown == show(untrusted)
    else:
        assert shown == show(untrusted[:limit_bytes]) + "..."


def test_a_limit_counts_bytes_and_not_what_is_shown() -> None:
    assert show(bytes(4), 4) == r"\x00\x00\x00\x00"
    assert show("éé", 3) == r"\xc3\xa9\xc3..."
    assert show("text", 0) == "..."
    assert show("", 0) == ""


@given(st.text(st.characters(), max_size=100))
def test_a_flattened_line_is_printable_ascii_and_stays_as_it_is(line: str) -> None:
    flat = flatten(line)
    assert set(flat) <= HARMLESS
    assert flatten(flat) == flat


@given(st.binary(max_size=100))
def test_what_was_shown_before_is_not_escaped_twice(untrusted: bytes) -> None:
    assert flatten(f"uid {show(untrusted)}") == f"uid {show(untrusted)}"


def test_what_slipped_into_a_line_is_escaped_after_all() -> None:
    assert flatten("a\nb\x1b[2Jé") == r"a\x0ab\x1b[2J\xc3\xa9"
    assert flatten("a\\b") == "a\\b"
