"""Diagnostic notation: that of RFC 8949, section 8, checked against its appendix A."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.tools.inspect.diagnostic import CborItem
from tinycontainer.tools.inspect.tree import Shape, build_tree
from tinycontainer_tokens import CborError, cbor

EMBEDDED = Shape(inside=lambda _: Shape(inside=lambda _: Shape()))
APPENDIX_A = {
    "00": "0",
    "01": "1",
    "0a": "10",
    "17": "23",
    "1818": "24",
    "1819": "25",
    "1864": "100",
    "1903e8": "1000",
    "1a000f4240": "1000000",
    "1b000000e8d4a51000": "1000000000000",
    "1bffffffffffffffff": "18446744073709551615",
    "3bffffffffffffffff": "-18446744073709551616",
    "20": "-1",
    "29": "-10",
    "3863": "-100",
    "3903e7": "-1000",
    "40": "h''",
    "4401020304": "h'01020304'",
    "60": '""',
    "6161": '"a"',
    "6449455446": '"IETF"',
    "62225c": r'"\"\\"',
    "62c3bc": r'"\u00fc"',
    "63e6b0b4": r'"\u6c34"',
    "64f0908591": r'"\ud800\udd51"',
    "80": "[]",
    "83010203": "[1, 2, 3]",
    "8301820203820405": "[1, [2, 3], [4, 5]]",
    "98190102030405060708090a0b0c0d0e0f101112131415161718181819": (
        f"[{', '.join(str(number) for number in range(1, 26))}]"
    ),
    "a0": "{}",
    "a201020304": "{1: 2, 3: 4}",
    "c11a514b67b0": "1(1363896240)",
    "d74401020304": "23(h'01020304')",
    "d818456449455446": "24(h'6449455446')",
    "d82076687474703a2f2f7777772e6578616d706c652e636f6d": '32("http://www.example.com")',
}
OURS = {
    "d83dd28440a04101420203": "61(18([h'', {}, h'01', h'0203']))",
    "a13a0001000041ff": "{-65537: h'ff'}",
    "dbffffffffffffffff80": "18446744073709551615([])",
    "617f": r'"\u007f"',
    "63e280ae": r'"\u202e"',
    "641b5b324a": r'"\u001b[2J"',
    "820c811bffffffffffffffff": "[12, [18446744073709551615]]",
}
NOT_READ = ["f4", "f6", "f93c00", "9f01ff", "5f4101ff", "a1616101", "1801", "8301", "", "0000"]


def notation(encoded: str, shape: Shape | None = None) -> str:
    return build_tree(bytes.fromhex(encoded), shape or Shape(), 4096).diagnostic


@pytest.mark.parametrize(("encoded", "expected"), {**APPENDIX_A, **OURS}.items())
def test_the_notation_is_that_of_the_standard(encoded: str, expected: str) -> None:
    assert notation(encoded) == expected


@pytest.mark.parametrize(
    ("encoded", "opened"),
    [
        ("4101", "<<1>>"),
        ("43420102", "<<h'0102'>>"),
        ("424101", "<<<<1>>>>"),
        ("4483010203", "<<[1, 2, 3]>>"),
        ("43a10126", "<<{1: -7}>>"),
        ("40", "h''"),
        ("42ffff", "h'ffff'"),
        ("420101", "h'0101'"),
        ("438301ff", "h'8301ff'"),
    ],
)
def test_a_byte_string_is_opened_where_cbor_is_expected_and_found(
    encoded: str, opened: str
) -> None:
    assert notation(encoded, EMBEDDED) == opened
    assert notation(encoded) == f"h'{encoded[2:]}'"


def test_a_tag_hands_its_place_on_to_what_follows_it() -> None:
    assert notation("d8184101", EMBEDDED) == "24(<<1>>)"


@pytest.mark.parametrize("encoded", NOT_READ)
def test_what_is_not_strict_is_refused(encoded: str) -> None:
    with pytest.raises(CborError):
        notation(encoded)


@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x00"])
def test_deep_nesting_is_refused_without_exhausting_the_stack(opening: bytes) -> None:
    bomb = opening * 100_000
    with pytest.raises(CborError, match="nested deeper"):
        build_tree(bomb, Shape(), len(bomb))


def test_long_strings_are_cut_and_marked() -> None:
    short = Shape(shown_bytes=3)
    assert notation("4401020304", short) == "h'010203...'"
    assert notation("43010203", short) == "h'010203'"
    assert notation("6449455446", short) == '"IET..."'
    assert notation("64f0908591", short) == '"..."'
    node = build_tree(bytes.fromhex("4401020304"), short, 99)
    assert (node.hex(), node.hex(" ")) == ("44010203...", "44 010203...")


@given(st.text(max_size=50))
def test_text_is_printable_ascii(text: str) -> None:
    shown = build_tree(cbor.encode(text), Shape(), 4096).diagnostic
    assert shown.isascii()
    assert shown.isprintable()


@given(st.integers(-(1 << 64), (1 << 64) - 1))
def test_an_integer_is_written_in_decimals(number: int) -> None:
    assert build_tree(cbor.encode(number), Shape(), 99).diagnostic == str(number)


@given(st.binary(max_size=300))
def test_bytes_are_written_in_lower_case_hexadecimal(content: bytes) -> None:
    assert build_tree(cbor.encode(content), Shape(), 999).diagnostic == f"h'{content.hex()}'"


def test_a_tree_in_plain_values_has_all_of_it() -> None:
    tree = build_tree(bytes.fromhex("a10182024103"), Shape(), 99)
    leaf = {"length": 1, "hex": "02", "diagnostic": "2", "meaning": "", "children": []}
    last = {"length": 2, "hex": "4103", "diagnostic": "h'03'", "meaning": "", "children": []}
    entry = {
        "offset": 1,
        "length": 5,
        "hex": "0182",
        "diagnostic": "1: [2, h'03']",
        "meaning": "array of 2",
        "children": [{"offset": 3, **leaf}, {"offset": 4, **last}],
    }
    assert tree.as_dict() == {
        "offset": 0,
        "length": 6,
        "hex": "a1",
        "diagnostic": "{1: [2, h'03']}",
        "meaning": "map of 1",
        "children": [entry],
    }


def test_an_empty_node_has_no_notation() -> None:
    assert CborItem(0, 0, (), "").diagnostic == ""
