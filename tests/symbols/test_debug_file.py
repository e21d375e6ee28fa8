"""Debug files: what is written is read again, and whatever else is read is refused in time."""

import hashlib
import random
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.wasm.modules import within

from tinycontainer.errors import DebugFileError
from tinycontainer.interfaces.debug_info import MAX_CHAIN, MAX_ROWS, DebugInfo, SourcePlace
from tinycontainer.symbols.debug_file import (
    HEAD_BYTES,
    MAX_DEBUG_FILE_BYTES,
    MAX_OFFSET,
    decode_debug_file,
    encode_debug_file,
    fit_debug_info,
    read_code_hash,
)
from tinycontainer_tokens import cbor

CODE = b"\0asm\1\0\0\0"

names = st.text(st.characters(codec="utf-8"), max_size=20)
sources = st.builds(SourcePlace, names, names, st.integers(0, 1 << 20))
chains = st.lists(sources, max_size=5).map(tuple)
rows = st.dictionaries(st.integers(0, MAX_OFFSET - 1), chains, max_size=30).map(
    lambda found: tuple(sorted(found.items()))
)


@pytest.mark.clause("TC-TOOL-22")
@given(rows=rows)
def test_what_is_written_is_read_again(
    rows: tuple[tuple[int, tuple[SourcePlace, ...]], ...],
) -> None:
    found = decode_debug_file(encode_debug_file(CODE, DebugInfo(rows)))
    assert found.debug.rows == rows
    assert found.code_sha256 == hashlib.sha256(CODE).digest()


def test_what_is_beyond_the_bounds_is_left_out_or_cut_and_the_file_is_good() -> None:
    long = SourcePlace("f" * 1000, "g" * 1000, 1 << 40)
    many = DebugInfo(((4, (long,) * 100), (0, (long,)), (4, (long,) * 99), (MAX_OFFSET, (long,))))
    found = decode_debug_file(encode_debug_file(CODE, fit_debug_info(many))).debug
    assert [offset for offset, _ in found.rows] == [0, 4]
    assert len(found.rows[1][1]) == MAX_CHAIN
    assert len(found.rows[1][1][0].function) == 255


@pytest.mark.parametrize("depth", [1, 8, MAX_CHAIN])
def test_what_does_not_fit_is_left_out_from_the_end(depth: int) -> None:
    rows = tuple(
        (4 * row, tuple(SourcePlace(f"f{row}", "a.c", row + each) for each in range(depth)))
        for row in range(MAX_ROWS // depth + 2000)
    )
    fitted = fit_debug_info(DebugInfo(rows))
    assert fitted.rows == rows[: len(fitted.rows)]
    content = encode_debug_file(CODE, fitted)
    assert MAX_DEBUG_FILE_BYTES // 3 < len(content) <= MAX_DEBUG_FILE_BYTES
    with within(5):
        assert decode_debug_file(content).debug == fitted


def test_what_fits_is_as_it_was() -> None:
    rows = ((0, (SourcePlace("f", "a.c", 1),)), (8, ()), (12, (SourcePlace("g"),)))
    assert fit_debug_info(DebugInfo(rows)).rows == rows


def test_the_hash_is_known_from_the_head_alone() -> None:
    content = encode_debug_file(CODE, DebugInfo())
    assert read_code_hash(content[:HEAD_BYTES]) == hashlib.sha256(CODE).digest()
    assert read_code_hash(content[: HEAD_BYTES - 1]) is None
    assert read_code_hash(b"\xa5\1\2" + content[3:]) is None


def good() -> dict[int, cbor.Value]:
    return {1: 1, 2: bytes(32), 3: ["", "f", "a.c"], 4: [[], [1, 2, 7]], 5: [0, 0, 8, 1]}


def test_the_format_is_the_documented_one() -> None:
    found = decode_debug_file(cbor.encode(good()))
    assert found.debug.rows == ((0, ()), (8, (SourcePlace("f", "a.c", 7),)))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (1, 2, "of version 1"),
        (2, bytes(31), "32 bytes"),
        (2, "x" * 32, "32 bytes"),
        (3, 5, "names"),
        (3, [""] * 3 + [7], "a name"),
        (3, ["g", "f", "a.c"], "the first name"),
        (3, [], "the first name"),
        (3, ["", "f" * 256, "a.c"], "a name"),
        (4, [[], [1, 2]], "a chain"),
        (4, [[], [1, 3, 7]], "a file"),
        (4, [[], [-1, 2, 7]], "a function"),
        (4, [[], [1, 2, 1 << 31]], "a line"),
        (4, [[], 7], "numbers of a chain"),
        (4, [[1, 2, 7] * 33], "a chain"),
        (5, [0, 0, 8], "a row"),
        (5, [0, 0, 8, 2], "a chain"),
        (5, [8, 0, 8, 1], "ascending"),
        (5, [MAX_OFFSET, 0], "an? offset"),
        (5, ["0", 0], "an? offset"),
        (6, 1, "other parts"),
    ],
)
def test_a_file_of_another_form_is_refused_with_the_place(
    key: int, value: cbor.Value, words: str
) -> None:
    with pytest.raises(DebugFileError, match=words):
        decode_debug_file(cbor.encode(good() | {key: value}))


@pytest.mark.parametrize("content", [b"", b"\0asm\1\0\0\0", b"\x7fELF", b"\xa0", b"\x9f" * 100])
def test_what_is_no_debug_file_is_refused(content: bytes) -> None:
    with pytest.raises(DebugFileError, match="is no debug file"):
        decode_debug_file(content)


@settings(max_examples=300)
@given(seed=st.integers(0, 1 << 32))
def test_damaged_files_are_read_or_refused(seed: int) -> None:
    dice = random.Random(seed)
    content = bytearray(cbor.encode(good()))
    for _ in range(dice.randint(1, 4)):
        content[dice.randrange(len(content))] = dice.randrange(256)
    with within(1), suppress(DebugFileError):
        decode_debug_file(bytes(content))


def test_a_file_that_is_too_long_is_refused_before_it_is_read() -> None:
    with within(1), pytest.raises(DebugFileError, match="bytes"):
        decode_debug_file(bytes(MAX_DEBUG_FILE_BYTES + 1))
