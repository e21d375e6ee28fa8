"""Strict CBOR: what is accepted is deterministic; everything else is refused with its offset."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer_tokens import CborError, TokenError, cbor

LIMIT_BYTES = 4096
NATURALS = st.integers(0, (1 << 64) - 1)
INTEGERS = st.integers(-(1 << 64), (1 << 64) - 1)


def values(keys: st.SearchStrategy[int], levels: int) -> st.SearchStrategy[cbor.Value]:
    """Values of at most so many levels of arrays and maps."""
    leaves: st.SearchStrategy[cbor.Value] = st.one_of(
        INTEGERS, st.binary(max_size=40), st.text(max_size=30)
    )
    if levels == 0:
        return leaves
    inner = values(keys, levels - 1)
    return st.one_of(leaves, st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4))


def head(major: int, argument: int) -> bytes:
    """An item's head by RFC 8949, section 3, in shortest form."""
    if argument < 24:
        return bytes([major << 5 | argument])
    width = next(width for width in (1, 2, 4, 8) if argument < 1 << 8 * width)
    info = {1: 24, 2: 25, 4: 26, 8: 27}[width]
    return bytes([major << 5 | info]) + argument.to_bytes(width, "big")


def by_the_standard(value: cbor.Value) -> bytes:
    """The core deterministic encoding of RFC 8949, section 4.2.1, written down once more."""
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(by_the_standard(item) for item in value)
    pairs = sorted((by_the_standard(key), by_the_standard(item)) for key, item in value.items())
    return head(5, len(value)) + b"".join(key + item for key, item in pairs)


@given(values(INTEGERS, cbor.MAX_DEPTH))
def test_what_is_encoded_decodes_to_the_same_value(value: cbor.Value) -> None:
    assert cbor.decode(cbor.encode(value), LIMIT_BYTES * 100) == value


@given(values(NATURALS, cbor.MAX_DEPTH))
@pytest.mark.clause("TC-META-02")
def test_the_encoding_is_the_deterministic_one_of_the_standard(value: cbor.Value) -> None:
    assert cbor.encode(value) == by_the_standard(value)


def test_map_keys_are_in_the_order_of_their_bytes() -> None:
    value: cbor.Value = {24: 0, -1: 0}  # 18 18 comes before 20
    assert cbor.encode(value) == by_the_standard(value)


@given(st.data(), values(INTEGERS, 3))
def test_a_cut_encoding_is_refused(data: st.DataObject, value: cbor.Value) -> None:
    encoded = cbor.encode(value)
    length = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(CborError):
        cbor.decode(encoded[:length], LIMIT_BYTES * 10)


@given(values(INTEGERS, 3), st.binary(min_size=1, max_size=4))
def test_bytes_behind_the_value_are_refused_where_they_begin(
    value: cbor.Value, surplus: bytes
) -> None:
    encoded = cbor.encode(value)
    with pytest.raises(CborError, match="bytes follow the value") as refused:
        cbor.decode(encoded + surplus, LIMIT_BYTES * 10)
    assert refused.value.offset == len(encoded)


DEVIATIONS = {
    "nothing": ("", 0, "ends where an item should begin"),
    "head cut short": ("19 01", 0, "head is cut short"),
    "a second value": ("00 00", 1, "bytes follow the value"),
    "1 byte for 23": ("18 17", 0, "not in its shortest form"),
    "2 bytes for 255": ("19 00ff", 0, "not in its shortest form"),
    "4 bytes for 65535": ("1a 0000ffff", 0, "not in its shortest form"),
    "8 bytes for 2**32 - 1": ("1b 00000000ffffffff", 0, "not in its shortest form"),
    "long negative": ("38 17", 0, "not in its shortest form"),
    "long length of bytes": ("58 01 00", 0, "not in its shortest form"),
    "long length of text": ("78 01 61", 0, "not in its shortest form"),
    "long count of an array": ("98 01 00", 0, "not in its shortest form"),
    "long count of a map": ("b8 01 00 00", 0, "not in its shortest form"),
    "long integer inside": ("82 00 18 00", 2, "not in its shortest form"),
    "indefinite bytes": ("5f 41 00 ff", 0, "indefinite length"),
    "indefinite text": ("7f 61 61 ff", 0, "indefinite length"),
    "indefinite array": ("9f 00 ff", 0, "indefinite length"),
    "indefinite map": ("bf 00 00 ff", 0, "indefinite length"),
    "break": ("ff", 0, "indefinite length"),
    "reserved head": ("1c", 0, "reserved head"),
    "false": ("f4", 0, "float or simple value"),
    "true inside": ("81 f5", 1, "float or simple value"),
    "null": ("f6", 0, "float or simple value"),
    "undefined": ("f7", 0, "float or simple value"),
    "simple value 255": ("f8 ff", 0, "float or simple value"),
    "half float": ("f9 3c00", 0, "float or simple value"),
    "single float": ("fa 3f800000", 0, "float or simple value"),
    "double float": ("fb 3ff0000000000000", 0, "float or simple value"),
    "date": ("c0 60", 0, "tag 0 is not expected here"),
    "bignum": ("c2 41 01", 0, "tag 2 is not expected here"),
    "regular expression": ("d8 23 61 61", 0, "tag 35 is not expected here"),
    "tag inside": ("82 00 c1 00", 2, "tag 1 is not expected here"),
    "duplicate key": ("a2 01 00 01 00", 3, "deterministic form"),
    "keys in falling order": ("a2 02 00 01 00", 3, "deterministic form"),
    "duplicate key inside": ("81 a2 01 00 01 01", 4, "deterministic form"),
    "bool as a key": ("a2 01 00 f5 00", 3, "a map key is not an integer"),
    "text as a key": ("a1 61 61 00", 1, "a map key is not an integer"),
    "bytes as a key": ("a1 40 00", 1, "a map key is not an integer"),
    "array as a key": ("a1 80 00", 1, "a map key is not an integer"),
    "value missing": ("a1 01", 0, "more items announced than bytes remain"),
    "item missing": ("82 81 00", 3, "ends where an item should begin"),
    "vast array": ("9b ffffffffffffffff", 0, "more items announced than bytes remain"),
    "vast map": ("bb ffffffffffffffff", 0, "more items announced than bytes remain"),
    "vast bytes": ("5b ffffffffffffffff", 0, "is cut short"),
    "text cut short": ("62 61", 0, "is cut short"),
    "text that is not UTF-8": ("62 61 ff", 2, "text is not UTF-8"),
    "text with a surrogate": ("63 eda080", 1, "text is not UTF-8"),
    "text of overlong zero": ("62 c080", 1, "text is not UTF-8"),
}


@pytest.mark.parametrize(
    ("encoded", "offset", "problem"), DEVIATIONS.values(), ids=DEVIATIONS.keys()
)
def test_a_deviation_is_refused_with_its_offset(encoded: str, offset: int, problem: str) -> None:
    with pytest.raises(CborError, match=problem) as refused:
        cbor.decode(bytes.fromhex(encoded), LIMIT_BYTES)
    assert refused.value.offset == offset
    assert str(refused.value) == f"byte {offset}: {refused.value.problem}"


@pytest.mark.parametrize(
    "value",
    [
        0,
        23,
        24,
        255,
        256,
        65535,
        65536,
        (1 << 32) - 1,
        1 << 32,
        (1 << 64) - 1,
        -24,
        -25,
        -(1 << 64),
    ],
)
def test_integers_at_the_edges_of_their_forms_are_accepted(value: int) -> None:
    assert cbor.decode(by_the_standard(value), LIMIT_BYTES) == value


@pytest.mark.parametrize(
    ("opening", "middle"), [("81", "00"), ("a100", "00"), ("81", "80"), ("81", "a0")]
)
@pytest.mark.clause("TC-META-05")
def test_five_levels_are_accepted_and_six_refused(opening: str, middle: str) -> None:
    levels = cbor.MAX_DEPTH - (middle != "00")
    assert cbor.MAX_DEPTH == 5
    cbor.decode(bytes.fromhex(opening * levels + middle), LIMIT_BYTES)
    with pytest.raises(CborError, match="nested deeper than 5"):
        cbor.decode(bytes.fromhex(opening * (levels + 1) + middle), LIMIT_BYTES)


def test_depth_counts_levels_and_not_neighbours() -> None:
    siblings: cbor.Value = [[[[[]], []], []], [{1: [[]]}]]
    assert cbor.decode(cbor.encode(siblings), LIMIT_BYTES) == siblings


@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x00"])
@pytest.mark.clause("TC-META-05")
def test_a_million_levels_are_refused_without_exhausting_the_stack(opening: bytes) -> None:
    bomb = opening * 1_000_000
    with pytest.raises(CborError, match="nested deeper than 5"):
        cbor.decode(bomb, len(bomb))


def test_bytes_up_to_the_limit_are_looked_at_and_no_more() -> None:
    encoded = cbor.encode(bytes(98))
    assert cbor.decode(encoded, 100) == bytes(98)
    with pytest.raises(CborError, match="100 bytes where at most 99 are allowed") as refused:
        cbor.decode(encoded, 99)
    assert refused.value.offset == 99


def test_a_refusal_belongs_to_both_families_of_errors() -> None:
    assert issubclass(CborError, TokenError)
    assert issubclass(CborError, ValueError)


@given(st.lists(NATURALS, max_size=2), st.binary(max_size=20))
def test_tags_are_split_from_the_bytes_behind_them(tags: list[int], rest: bytes) -> None:
    behind = b"\x40" + rest
    tagged = cbor.with_tags(tuple(tags), behind)
    assert tagged == b"".join(head(6, tag) for tag in tags) + behind
    assert cbor.split_tags(tagged) == (tuple(tags), len(tagged) - len(behind))


def test_bytes_without_a_tag_are_left_alone() -> None:
    assert cbor.split_tags(b"") == ((), 0)
    assert cbor.split_tags(b"\x00") == ((), 0)


@pytest.mark.parametrize(
    ("encoded", "offset", "problem"),
    [
        ("c0 c0 c0 00", 2, "more than 2 tags"),
        ("d8 00 00", 0, "shortest form"),
        ("d8 3d d9 0012 00", 2, "shortest form"),
        ("d9 00", 0, "cut short"),
        ("df 00", 0, "indefinite length or reserved head"),
    ],
)
def test_malformed_tags_are_refused(encoded: str, offset: int, problem: str) -> None:
    with pytest.raises(CborError, match=problem) as refused:
        cbor.split_tags(bytes.fromhex(encoded))
    assert refused.value.offset == offset


def require_tiling(item: cbor.Item) -> None:
    at = item.content
    for child in item.children:
        assert child.offset == at
        require_tiling(child)
        at = child.end
    assert item.offset < item.content <= item.end
    assert not item.children or at == item.end


@given(values(INTEGERS, cbor.MAX_DEPTH), st.lists(NATURALS, max_size=2))
def test_items_are_located_without_a_gap(value: cbor.Value, tags: list[int]) -> None:
    encoded = cbor.with_tags(tuple(tags), cbor.encode(value))
    item = cbor.locate(encoded, len(encoded))
    assert (item.offset, item.end, item.value) == (0, len(encoded), value)
    assert item.tag == (tags[0] if tags else None)
    require_tiling(item)


@pytest.mark.parametrize(
    ("encoded", "offset", "problem"),
    [
        each
        for name, each in DEVIATIONS.items()
        if each[2] != "deterministic form" and name not in ("date", "bignum", "regular expression")
    ],
)
def test_what_is_not_well_formed_cannot_be_located(encoded: str, offset: int, problem: str) -> None:
    with pytest.raises(CborError, match=problem) as refused:
        cbor.locate(bytes.fromhex(encoded), LIMIT_BYTES)
    assert refused.value.offset == offset


def test_items_of_a_map_are_located_in_whatever_order_they_stand() -> None:
    item = cbor.locate(bytes.fromhex("a3 02 00 01 00 02 05"), LIMIT_BYTES)
    assert [child.value for child in item.children] == [2, 0, 1, 0, 2, 5]
    assert item.value == {2: 5, 1: 0}


def test_offsets_count_from_the_tags_in_front() -> None:
    with pytest.raises(CborError, match="cut short") as refused:
        cbor.locate(bytes.fromhex("d83dd2 82 00 42ff"), LIMIT_BYTES)
    assert refused.value.offset == 5
    with pytest.raises(CborError, match="at most 3 are allowed"):
        cbor.locate(bytes(4), 3)


@pytest.mark.parametrize("count", [300, pytest.param(50_000, marks=pytest.mark.long)])
def test_of_any_bytes_only_deterministic_ones_are_accepted(count: int) -> None:
    rng = Random(1)
    original = cbor.encode({1: b"uid", 2: [0, 300, "text", {-1: -70000}], 3: [[b""], {}]})
    accepted = 0
    for _ in range(count):
        start = rng.randrange(len(original))
        end = start + rng.randrange(4)
        mutated = original[:start] + rng.randbytes(rng.randrange(4)) + original[end:]
        candidate = mutated if rng.random() < 0.8 else rng.randbytes(rng.randrange(40))
        try:
            value = cbor.decode(candidate, LIMIT_BYTES)
        except CborError:
            continue
        accepted += 1
        assert cbor.encode(value) == candidate
    assert 0 < accepted < count
