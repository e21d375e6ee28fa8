"""Dialects of strict CBOR: what formats of others need, and nothing else."""

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.errors import catch_error

from tinycontainer_tokens import CborError, cbor

WIDE = cbor.Dialect(text_keys=True, simple_values=True)
SHOWN = cbor.Dialect(text_keys=True, simple_values=True, any_order=True, array_keys=True)

KEYS = st.one_of(st.integers(-(1 << 64), (1 << 64) - 1), st.text(max_size=30))
LEAVES = st.one_of(
    KEYS, st.binary(max_size=30), st.booleans(), st.none(), st.integers(-30, (1 << 64) - 1)
)


def values(levels: int) -> st.SearchStrategy[Any]:
    """Values of at most so many levels, with text keys, false, true and null."""
    if levels == 0:
        return LEAVES
    inner = values(levels - 1)
    return st.one_of(LEAVES, st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4))


def rebuilt(item: cbor.Item) -> Any:
    """The value of an item, put together from its children alone."""
    if isinstance(item.value, list):
        return [rebuilt(child) for child in item.children]
    if isinstance(item.value, dict):
        pairs = zip(item.children[::2], item.children[1::2], strict=True)
        return {rebuilt(key): rebuilt(value) for key, value in pairs}
    return item.value


def located(encoded: str, dialect: cbor.Dialect) -> cbor.Item:
    return cbor.locate(bytes.fromhex(encoded), 4096, dialect)


def refusal(encoded: str, dialect: cbor.Dialect) -> CborError:
    return catch_error(CborError, located, encoded, dialect)


@given(values(cbor.MAX_DEPTH))
def test_what_is_encoded_is_located_and_read_alike_by_a_plain_decoder(value: Any) -> None:
    encoded = cbor.encode(value)
    item = cbor.locate(encoded, len(encoded), WIDE)
    assert rebuilt(item) == cbor2.loads(encoded) == value
    assert repr(rebuilt(item)) == repr(cbor2.loads(encoded))  # true is not 1


@given(st.dictionaries(KEYS, st.none(), min_size=1, max_size=8))
def test_keys_are_in_the_order_of_their_encoded_bytes(value: dict[int | str, None]) -> None:
    encoded = cbor.encode(value)
    keys = [cbor2.dumps(key) for key in cbor2.loads(encoded)]
    assert keys == sorted(keys)


@given(st.dictionaries(KEYS, st.integers(0, 9), min_size=2, max_size=6), st.randoms())
def test_keys_in_another_order_are_shown_and_not_judged_well(
    value: dict[int | str, int], order: Any
) -> None:
    pairs = [cbor2.dumps(key) + cbor2.dumps(each) for key, each in value.items()]
    order.shuffle(pairs)
    encoded = bytes([0xA0 + len(pairs)]) + b"".join(pairs)
    assert rebuilt(cbor.locate(encoded, 4096, SHOWN)) == value
    if encoded == cbor.encode(value):
        assert rebuilt(cbor.locate(encoded, 4096, WIDE)) == value
    else:
        with pytest.raises(CborError, match="deterministic form"):
            cbor.locate(encoded, 4096, WIDE)


@given(st.binary(max_size=60))
def test_of_any_bytes_only_what_encodes_to_them_again_is_accepted(content: bytes) -> None:
    try:
        item = cbor.locate(content, len(content), WIDE)
    except CborError:
        return
    if item.tag is None:
        assert cbor.encode(rebuilt(item)) == content


def test_a_map_has_the_value_of_its_integer_keys() -> None:
    item = located("a2 01 f5 61 61 f6", WIDE)
    assert item.value == {1: True}
    assert [child.value for child in item.children] == [1, True, "a", None]


REFUSED = {
    "a text key twice": ("a2 6161 00 6161 00", 4, "deterministic form"),
    "text keys in falling order": ("a2 6162 00 6161 00", 4, "deterministic form"),
    "the longer text first": ("a2 626161 00 6162 00", 5, "deterministic form"),
    "text before an integer": ("a2 6161 00 01 00", 4, "deterministic form"),
    "a byte string as a key": ("a1 40 00", 1, "a map key is not an integer or text"),
    "true as a key": ("a1 f5 00", 1, "a map key is not an integer or text"),
    "an array as a key": ("a1 80 00", 1, "a map key is not an integer or text"),
    "a map as a key": ("a1 a0 00", 1, "a map key is not an integer or text"),
    "undefined": ("f7", 0, "float or simple value"),
    "simple value 19": ("f3", 0, "float or simple value"),
    "false in two bytes": ("81 f814", 1, "float or simple value"),
    "half float": ("f9 3c00", 0, "float or simple value"),
    "double float": ("fb 3ff0000000000000", 0, "float or simple value"),
    "float with the number of true": ("f9 0015", 0, "float or simple value"),
    "break": ("81 ff", 1, "indefinite length"),
    "tag inside": ("81 c1 00", 1, "tag 1 is not expected here"),
    "tagged key": ("a1 c1 00 00", 1, "a map key is not"),
    "text key that is no UTF-8": ("a1 61 ff 00", 2, "text is not UTF-8"),
    "text key cut short": ("a1 64 61", 1, "is cut short"),
    "six levels": ("a1616181" * 3 + "00", 11, "nested deeper than 5"),
}


@pytest.mark.parametrize(("encoded", "offset", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_a_dialect_accepts_no_more_than_it_says(encoded: str, offset: int, problem: str) -> None:
    error = refusal(encoded, WIDE)
    assert problem in error.problem
    assert error.offset == offset


@pytest.mark.parametrize(
    ("encoded", "dialect", "other"),
    [
        ("f4", cbor.Dialect(simple_values=True), cbor.Dialect(text_keys=True)),
        ("f5", cbor.Dialect(simple_values=True), cbor.Dialect(text_keys=True)),
        ("f6", cbor.Dialect(simple_values=True), cbor.Dialect(text_keys=True)),
        ("a1 6161 00", cbor.Dialect(text_keys=True), cbor.Dialect(simple_values=True)),
    ],
)
def test_each_addition_is_asked_for_on_its_own(
    encoded: str, dialect: cbor.Dialect, other: cbor.Dialect
) -> None:
    assert located(encoded, dialect).offset == 0
    assert refusal(encoded, other).problem
    assert refusal(encoded, cbor.SHOWN).problem


def test_array_keys_are_shown_in_any_order_only() -> None:
    item = located("a3 81 4102 00 6161 00 81 4101 00", SHOWN)
    assert [rebuilt(key) for key in item.children[::2]] == [[b"\x02"], "a", [b"\x01"]]
    assert item.value == {}
    assert refusal("a1 81 4102 00", cbor.Dialect(array_keys=True)).offset == 1


def test_an_array_key_counts_as_a_level() -> None:
    assert "nested deeper" in refusal("a1 81 81 81 81 81 00 00", SHOWN).problem


@pytest.mark.parametrize(("encoded", "items"), [("00", 1), ("82 00 00", 3), ("a1 01 81 00", 4)])
def test_items_are_counted_before_any_is_built(encoded: str, items: int) -> None:
    assert located(encoded, cbor.Dialect(max_items=items))
    if items > 1:
        error = refusal(encoded, cbor.Dialect(max_items=items - 1))
        assert error.problem == "more items than are allowed"
