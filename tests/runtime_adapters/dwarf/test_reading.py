"""Debug information of compilers becomes one table, as llvm-symbolizer would read it."""

import random
import shutil
import struct
from pathlib import Path

import pytest
from support.debugging import VECTORS, code_bytes, custom_sections, places, symbolize
from support.wasm.modules import below, within

from tinycontainer.interfaces.debug_info import DebugInfo, SourcePlace
from tinycontainer_runtimes.dwarf.lines import read_line_table
from tinycontainer_runtimes.dwarf.naming import NamedRange, name_functions
from tinycontainer_runtimes.dwarf.reading import read_dwarf

MODULES = sorted(VECTORS.glob("nested-*.wasm"))


def read(module: bytes) -> DebugInfo:
    return read_dwarf(custom_sections(module), 4, 1)


@pytest.mark.clause("TC-TOOL-22")
@pytest.mark.skipif(shutil.which("llvm-symbolizer") is None, reason="needs llvm-symbolizer")
def test_over_two_hundred_addresses_are_what_llvm_symbolizer_says() -> None:
    compared = 0
    for path in MODULES:
        module = path.read_bytes()
        debug = read(module)
        for address, said in symbolize(path, range(code_bytes(module))).items():
            assert places(debug.find(address)) == said, (path.name, hex(address))
            compared += bool(said)
    assert compared > 200


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_function_that_was_inlined_is_named_with_the_line_that_calls_it(path: Path) -> None:
    module = path.read_bytes()
    chains = [chain for _, chain in read(module).rows]
    assert (
        SourcePlace("divide", "nested.c", 14),
        SourcePlace("shorten", "nested.c", 31),
    ) in chains
    assert {each.file for chain in chains for each in chain} == {"nested.c"}


def test_paths_are_relative_to_where_the_compiler_ran_and_no_others_are_whole() -> None:
    module = MODULES[0].read_bytes()
    sections = custom_sections(module)
    elsewhere = {
        name: content.replace(b"nested.c\0", b"/a/b/c.c\0") for name, content in sections.items()
    }
    files = {each.file for _, chain in read_dwarf(elsewhere, 4, 1).rows for each in chain}
    assert files == {"b/c.c"}


def test_names_come_from_elsewhere_where_debug_information_has_none() -> None:
    known = DebugInfo(((4, (SourcePlace("", "a.c", 1),)), (8, (SourcePlace("g", "a.c", 2),))))
    functions = [NamedRange(2, 8, "f"), NamedRange(8, 12, "other"), NamedRange(20, 24, "h")]
    named = name_functions(functions, known)
    assert [(at, [str(each) for each in chain]) for at, chain in named.rows] == [
        (2, ["f"]),
        (4, ["f (a.c:1)"]),
        (8, ["g (a.c:2)"]),
        (20, ["g (a.c:2)"]),
    ]


# Hostile debug information.


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_damaged_debug_information_costs_little_and_raises_nothing(path: Path) -> None:
    sections = custom_sections(path.read_bytes())
    names = sorted(name for name in sections if name.startswith(".debug_"))
    dice = random.Random(16)
    for _ in range(150):
        damaged = dict(sections)
        for _ in range(dice.randint(1, 4)):
            name = dice.choice(names)
            content = bytearray(damaged[name])
            content[dice.randrange(len(content))] = dice.choice([0, 1, 0x7F, 0x80, 0xFF])
            damaged[name] = bytes(content)
        with within(2):
            read_dwarf(damaged, 4, 1)


@pytest.mark.long
def test_much_damaged_debug_information_costs_little() -> None:
    dice = random.Random(17)
    for _ in range(20_000):
        sections = custom_sections(dice.choice(MODULES).read_bytes())
        name = dice.choice(sorted(each for each in sections if each.startswith(".debug_")))
        content = bytearray(sections[name])
        for _ in range(dice.randint(1, 8)):
            content[dice.randrange(len(content))] = dice.randrange(256)
        with within(2):
            read_dwarf(sections | {name: bytes(content)}, 4, 1)


def test_many_small_line_tables_are_read_in_proportion() -> None:
    unit = b"\x10\0\0\0" + b"\4\0" + b"\4\0\0\0" + bytes(10)
    with within(5):
        assert read_line_table(unit * (1 << 15), b"", b"").sequences == []


def test_a_table_of_entries_without_fields_is_not_counted_through() -> None:
    head = bytes([1, 1, 1, 0xFB, 14, 1]) + b"\0" + b"\xff" * 8 + b"\x7f"
    body = b"\5\0" + b"\4\0" + struct.pack("<I", len(head)) + head
    with within(1):
        assert read_line_table(struct.pack("<I", len(body)) + body, b"", b"").files == {}


def unit(content: bytes, abbreviations: int = 0) -> bytes:
    """A unit of the tree, version 4, whose entries are ``content``."""
    head = struct.pack("<HIB", 4, abbreviations, 4)
    return struct.pack("<I", len(head) + len(content)) + head + content


SIBLING = 0x01
REF4 = 0x13
FLAG_PRESENT = 0x19
COMPILE_UNIT = 0x11
SUBPROGRAM = 0x2E


def test_an_entry_that_is_its_own_sibling_ends_the_reading() -> None:
    abbreviations = bytes([1, COMPILE_UNIT, 1, 0, 0, 2, SUBPROGRAM, 1, SIBLING, REF4, 0, 0, 0])
    looping = b"\1" + b"\2" + struct.pack("<I", 12) + b"\0\0"
    sections = {".debug_info": unit(looping), ".debug_abbrev": abbreviations}
    with within(5):
        assert read_dwarf(sections, 4) == DebugInfo()


def test_entries_of_many_attributes_without_bytes_are_bounded() -> None:
    attributes = bytes([0x3F, FLAG_PRESENT]) * 20_000
    abbreviations = (
        bytes([1, COMPILE_UNIT, 1, 0, 0, 2, SUBPROGRAM, 0]) + attributes + bytes([0, 0, 0])
    )
    sections = {
        ".debug_info": unit(b"\1" + b"\2" * 60_000 + b"\0"),
        ".debug_abbrev": abbreviations,
    }
    with within(10):
        assert read_dwarf(sections, 4) == DebugInfo()


FORMS = {
    "addr": (0x01, struct.pack("<I", 4)),
    "string": (0x08, b"4\0"),
    "block1": (0x0A, b"\1\4"),
    "flag": (0x0C, b"\1"),
    "sdata": (0x0D, b"\x7c"),
    "data16": (0x1E, bytes(16)),
    "strx": (0x1A, b"\1"),
}


@pytest.mark.parametrize("high", FORMS)
@pytest.mark.parametrize("low", FORMS)
def test_attributes_of_other_kinds_than_they_should_be_are_damage(low: str, high: str) -> None:
    (low_form, low_value), (high_form, high_value) = FORMS[low], FORMS[high]
    bounds = bytes([0x11, low_form, 0x12, high_form, 0x58, low_form, 0x59, high_form])
    abbreviations = bytes([1, COMPILE_UNIT, 1, 0x10, low_form, 0x1B, high_form, 0, 0])
    abbreviations += bytes([2, SUBPROGRAM, 0]) + bounds + bytes(3)
    entries = b"\1" + low_value + high_value + b"\2" + (low_value + high_value) * 2 + b"\0"
    sections = {".debug_info": unit(entries), ".debug_abbrev": abbreviations}
    rows = read_dwarf(sections, 4).rows
    numbers = [at for at, _ in rows] + [each.line for _, chain in rows for each in chain]
    assert {type(each) for each in numbers} <= {int}


def test_many_units_with_one_long_table_of_abbreviations_are_bounded() -> None:
    long = bytes([1, COMPILE_UNIT, 0]) + bytes([0x3F, FLAG_PRESENT]) * 30_000 + bytes([0, 0, 0])
    units = b"".join(unit(b"\1", offset % 2) for offset in range(20_000))
    with within(10):
        read_dwarf({".debug_info": units, ".debug_abbrev": b"\0" + long + long}, 4)


def test_a_name_without_an_end_is_not_read_again_and_again() -> None:
    abbreviations = bytes([1, COMPILE_UNIT, 1, 0, 0, 2, SUBPROGRAM, 0, 3, 0x0E, 0, 0, 0])
    entries = b"\1" + (b"\2" + bytes(4)) * 50_000 + b"\0"
    sections = {
        ".debug_info": unit(entries),
        ".debug_abbrev": abbreviations,
        ".debug_str": b"a" * (1 << 22),
    }
    with within(2):
        assert read_dwarf(sections, 4) == DebugInfo()


def test_many_lines_in_many_inlined_functions_are_bounded_in_time_and_memory() -> None:
    """31 functions, each inlined into the one before, over 60,000 lines of a long file name."""
    sections = inlined(depth=31, lines=60_000, name=b"d/" * 1900 + b"a.c")
    with within(20), below(200_000_000):
        rows = read_dwarf(sections, 4).rows
    assert 10_000 < len(rows) < 60_000
    assert len(rows[100][1]) == 32


def inlined(depth: int, lines: int, name: bytes) -> dict[str, bytes]:
    """Sections of one function with others inlined into it, all over the same addresses."""
    end = lines + 10
    about = bytes([0x08, 0x08, 0x11, 0x01, 0x12, 0x06])  # name: string, low_pc, high_pc: data4
    abbreviations = (
        bytes([1, COMPILE_UNIT, 1, 0x10, 0x17, 0, 0])
        + bytes([2, SUBPROGRAM, 1])
        + about[2:]
        + bytes([0x03, 0x08, 0, 0])
        + bytes([3, 0x1D, 1])
        + about[2:]
        + bytes([0x03, 0x08, 0x58, 0x0B, 0x59, 0x0B, 0, 0, 0])
    )
    place = struct.pack("<II", 1, end)
    entries = b"\1" + struct.pack("<I", 0) + b"\2" + place + b"f\0"
    entries += (b"\3" + place + b"g\0" + b"\1\7") * depth + bytes(depth + 2)
    program = b"\0\5\2" + struct.pack("<I", 1)
    program += bytes([13 + 14 + 1 + 5]) * lines  # a byte further and a line further
    program += b"\0\1\1"
    head = bytes([1, 1, 1, 0xFB, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
    head += b"\0" + name + b"\0\0\0\0" + b"\0"
    table = struct.pack("<HI", 4, len(head)) + head + program
    return {
        ".debug_info": unit(entries),
        ".debug_abbrev": abbreviations,
        ".debug_line": struct.pack("<I", len(table)) + table,
    }
