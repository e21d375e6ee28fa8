"""The builder of WebAssembly: the code without custom sections, and where it comes from."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.debugging import VECTORS, custom_sections, places
from support.wasm import modules as wasm

from tinycontainer.errors import BuildRefused
from tinycontainer.interfaces.debug_info import DebugInfo
from tinycontainer_runtimes.wasm.building.builder import create_builder
from tinycontainer_runtimes.wasm.building.sections import CODE, read_sections
from tinycontainer_runtimes.wasm.building.shrinking import shrink_code
from tinycontainer_runtimes.wasm.building.source_map import read_source_map

BUILDER = create_builder()
NESTED = (VECTORS / "nested-dwarf5.wasm").read_bytes()


def custom(name: str, content: bytes) -> bytes:
    """A custom section."""
    return wasm.section(0, wasm.name(name) + content)


def spread(module: bytes, sections: list[bytes]) -> bytes:
    """The module with further custom sections between its own, from the first gap on."""
    pieces = [module[each.begin : each.end] for each in read_sections(module)]
    out = module[:8]
    for number in range(max(len(pieces), len(sections))):
        out += b"".join(sections[number : number + 1]) + b"".join(pieces[number : number + 1])
    return out


@pytest.mark.clause("TC-TOOL-21")
def test_no_custom_section_is_left_and_all_others_are_as_they_were() -> None:
    built = BUILDER.build(NESTED)
    assert custom_sections(built.code) == {}
    kept = [NESTED[each.begin : each.end] for each in read_sections(NESTED) if each.number]
    sections = [built.code[each.begin : each.end] for each in read_sections(built.code)]
    assert [each for each in sections if each[0] != CODE] == [
        each for each in kept if each[0] != CODE
    ]


@pytest.mark.clause("TC-TOOL-21")
def test_the_code_is_as_short_as_the_linker_makes_it_without_debug_information() -> None:
    assert BUILDER.build(NESTED).code == (VECTORS / "shortest.wasm").read_bytes()


@given(st.lists(st.integers(-(1 << 31), (1 << 31) - 1), max_size=20))
def test_numbers_with_all_their_bytes_become_the_same_in_few(numbers: list[int]) -> None:
    padded, short = bytearray(b"\0"), bytearray(b"\0")  # no locals
    for number in numbers:
        bits = [number >> 7 * place & 0x7F for place in range(5)]
        padded += b"\x41" + bytes([*(each | 0x80 for each in bits[:4]), bits[4]]) + b"\x1a"
        short += b"\x41" + encode_signed(number) + b"\x1a"
        padded += b"\x10" + bytes([number & 0x7F | 0x80, 0x80, 0x80, 0x80, 0])
        short += b"\x10" + bytes([number & 0x7F])
    shrunk = shrink_code(section_of(bytes(padded + b"\x0b")))
    assert shrunk.content == section_of(bytes(short + b"\x0b"))
    # A number that got shorter ends where the next instruction begins.
    assert all(
        shrunk.find(before) == after
        for before, after in zip(shrunk.befores, shrunk.afters, strict=True)
    )
    assert shrink_code(shrunk.content).content == shrunk.content


def test_code_that_no_device_admits_is_left_as_it_is() -> None:
    simd = section_of(b"\0\x41\x80\x80\x80\x80\0\xfd\x0c" + bytes(16) + b"\x1a\x0b")
    assert shrink_code(simd).content == simd


def section_of(body: bytes) -> bytes:
    """The content of a code section of one body."""
    return b"\1" + wasm.leb(len(body)) + body


def encode_signed(number: int) -> bytes:
    out = bytearray()
    while not -64 <= number < 64:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number & 0x7F)
    return bytes(out)


def test_what_is_stripped_once_stays_as_it_is() -> None:
    code = BUILDER.build(NESTED).code
    again = BUILDER.build(code)
    assert again.code == code
    assert again.debug.rows
    assert not any(chain for _, chain in again.debug.rows)


@pytest.mark.clause("TC-TOOL-22")
@given(st.lists(st.binary(max_size=200).map(lambda content: custom("x", content)), max_size=8))
def test_offsets_are_those_of_the_stripped_code(sections: list[bytes]) -> None:
    plain = BUILDER.build(NESTED)
    crowded = BUILDER.build(spread(NESTED, sections))
    assert crowded == plain


def test_functions_without_debug_information_have_their_names() -> None:
    module = wasm.wat(
        f'(module {wasm.imports("open")} (memory (export "memory") 1)'
        ' (func $first) (func $second (export "loop") (result i32) i32.const 0))'
    )
    rows = BUILDER.build(module).debug.rows
    assert [places(chain) for _, chain in rows] == [[("first", "", 0)], [("second", "", 0)]]


def encode_vlq(number: int) -> str:
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    value = -number << 1 | 1 if number < 0 else number << 1
    out = ""
    while True:
        digit, value = value & 31, value >> 5
        out += digits[digit | (32 if value else 0)]
        if not value:
            return out


@given(
    st.lists(
        st.tuples(st.integers(0, 1 << 20), st.integers(0, 3), st.integers(0, 1 << 20)), max_size=20
    )
)
def test_a_source_map_is_read_as_it_was_written(rows: list[tuple[int, int, int]]) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    segments, before = [], (0, 0, 0)
    for row in rows:
        offset, source, line = (now - last for now, last in zip(row, before, strict=True))
        segments.append("".join(map(encode_vlq, (offset, source, line, 0))))
        before = row
    content = {"version": 3, "sources": list("abcd"), "mappings": ",".join(segments)}
    found = read_source_map(json.dumps(content).encode())
    assert found == [(offset, "abcd"[source], line + 1) for offset, source, line in rows]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"sources": 1, "mappings": ""}',
        b'{"sources": [], "mappings": "!"}',
        b'{"sources": ["a"], "mappings": "gggggggggggggggB"}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_source_map_says_nothing(content: bytes) -> None:
    assert read_source_map(content) == []


def test_lines_of_a_source_map_get_the_names_of_functions() -> None:
    module = wasm.wat(
        '(module (memory (export "memory") 1)'
        ' (func $step (export "loop") (result i32) i32.const 0))'
    )
    begin, _ = BUILDER.build(module).debug.rows[0]
    offset = module.index(BUILDER.build(module).code[begin:][:4]) + 1
    content = {"sources": ["a.ts"], "mappings": encode_vlq(offset) + "AMA"}
    rows = BUILDER.build(module, json.dumps(content).encode()).debug.rows
    assert places(rows[-1][1]) == [("step", "a.ts", 7)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\x7fELF", "an ELF file"),
        (b"(module)", "text form"),
        (NESTED[:-1], "too early"),
        (NESTED + b"\0", "too early"),
    ],
)
def test_what_is_no_module_is_refused_by_its_name(content: bytes, words: str) -> None:
    with pytest.raises(BuildRefused, match=words):
        BUILDER.build(content)


def test_names_that_are_damaged_cost_the_names_only() -> None:
    module = spread(BUILDER.build(NESTED).code, [custom("name", b"\1\xff\xff\xff\xff\x0f")])
    built = BUILDER.build(module)
    assert built.code == BUILDER.build(NESTED).code
    assert built.debug == DebugInfo()
