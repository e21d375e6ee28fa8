"""The converter: objects of clang become programs that run; what rBPF lacks is refused by name."""

import io
import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from support.errors import catch_error
from support.project import ROOT
from support.rbpf.assembling import LIMITS, assemble, create, rbf
from support.rbpf.tenant import Tenant
from support.rbpf.vectors import vectors
from support.wasm.modules import RecordingNatives, within

from tinycontainer.errors import BuildRefused, InadmissibleCode
from tinycontainer.interfaces.runtime import Completed, Hook
from tinycontainer_runtimes.rbpf.conversion import create_builder
from tinycontainer_runtimes.rbpf.conversion.object_file import (
    read_object,
)
from tinycontainer_runtimes.rbpf.decoding import decode_text
from tinycontainer_runtimes.rbpf.helpers import HELPERS
from tinycontainer_runtimes.rbpf.image import Image, read_image, write_image
from tinycontainer_runtimes.rbpf.program import load_program

OBJECTS = ROOT / "tests" / "vectors" / "rbpf" / "objects"
TEXT = (OBJECTS / "riot-text.bin").read_bytes()
FLETCHER32 = 0x5BAC8C3D
BUILDER = create_builder()


@dataclass
class Accepting(RecordingNatives):
    """Natives that accept all that is written."""

    written: list[bytes] = field(default_factory=list)

    def write(self, fd: int, data: bytes, /) -> int:
        self.written.append(bytes(data))
        super().write(fd, data)
        return len(data)


def built(name: str) -> bytes:
    return BUILDER.build((OBJECTS / f"{name}.o").read_bytes()).code


def build_error(name: str) -> BuildRefused:
    return catch_error(BuildRefused, built, name)


def marked_line(case: int) -> int:
    """The line of refused.c that a case has to be refused at."""
    lines = (OBJECTS / "refused.c").read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.endswith(f"if CASE == {case}"))
    return next(n for n, line in enumerate(lines[begin:], begin + 1) if line.startswith("/*!*/"))


def test_fletcher32_of_riots_text_from_own_c() -> None:
    assert len(TEXT) == 361
    tenant = Tenant(built("fletcher32"), TEXT)
    assert tenant.loop() & 0xFFFFFFFF == FLETCHER32


@pytest.mark.skipif(shutil.which("clang") is None, reason="needs clang")
def test_fletcher32_compiled_now_gives_the_same(tmp_path: Path) -> None:
    source = OBJECTS / "fletcher32.c"
    command = ["clang", "--target=bpfel", "-mcpu=v2", "-Os", "-c", str(source), "-o"]
    made = subprocess.run([*command, str(tmp_path / "f.o")], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("clang has no target bpfel")
    tenant = Tenant(BUILDER.build((tmp_path / "f.o").read_bytes()).code, TEXT)
    assert tenant.loop() & 0xFFFFFFFF == FLETCHER32


@pytest.mark.parametrize("name", ["everything", "everything-sections"])
def test_literals_constants_data_and_helpers_are_where_the_code_looks(name: str) -> None:
    tenant = Tenant(built(name), b"AbCdEf")
    tenant.natives.answers = {"open": 3, "write": 4}
    assert tenant.run(Hook.START) == Completed()
    assert tenant.loop() == 4 + 600 + ord("e")
    assert tenant.loop() == 4 + 700 + ord("e")
    assert tenant.run(Hook.STOP) == Completed()
    assert tenant.natives.calls == [
        ("open", 9),
        ("log", b"looping"),
        ("write", 3, b"aBcD"),
        ("log", b"looping"),
        ("write", 3, b"aBcD"),
        ("log", b"bye"),
    ]


def test_hooks_are_in_the_table_and_zeros_in_the_data() -> None:
    image = read_image(built("everything"))
    assert set(image.functions) == {"start", "loop", "stop"}
    assert len(image.data) == 24
    assert b"looping\0" in image.rodata
    assert b"hello there\0" in image.rodata


def test_a_single_function_of_another_name_is_the_loop_in_the_firmwares_form() -> None:
    image = read_image(built("fletcher32"))
    assert image.functions == {}
    assert load_program(built("fletcher32"), LIMITS).entries == {Hook.LOOP: 0}


def with_place(name: str, function: str, value: int) -> bytes:
    """An object whose symbol of a function says that it begins elsewhere in its section."""
    content = (OBJECTS / f"{name}.o").read_bytes()
    table = ELFFile(io.BytesIO(content)).get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    names = [each.name for each in table.iter_symbols()]
    place = table["sh_offset"] + names.index(function) * table["sh_entsize"] + 8
    return content[:place] + struct.pack("<Q", value) + content[place + 8 :]


def test_a_single_function_that_is_not_first_is_the_loop_at_its_own_place() -> None:
    assert read_image(built("before")).functions == {"loop": 16}
    assert Tenant(built("before")).loop() == 2


@pytest.mark.parametrize("value", [0, 16])
def test_the_loop_begins_where_its_symbol_says(value: int) -> None:
    tenant = Tenant(BUILDER.build(with_place("before", "step", value)).code)
    assert tenant.loop() == (2 if value else 1)


@pytest.mark.parametrize(
    ("name", "function", "value"),
    [
        ("before", "step", 3),
        ("before", "step", 24),  # the second half of a wide load
        ("before", "step", 48),  # the end of the text
        ("before", "step", 1 << 63),
        ("tables", "loop", 4),
        ("tables", "loop", 568),  # the same, where byte swaps become more code
        ("everything-sections", "start", 136),  # in another section's code
    ],
)
def test_a_function_that_begins_at_no_instruction_is_refused(
    name: str, function: str, value: int
) -> None:
    with pytest.raises(BuildRefused, match=r"where no instruction does|inside of a wide load"):
        BUILDER.build(with_place(name, function, value))


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (1, "the program uses the address of function loop"),
        (2, "atomic operation"),
        (3, "calls twice, a function of its own"),
        (4, "calls missing, which is no helper; there are: heartbeat, open, "),
        (5, "the variable elsewhere is defined nowhere"),
        (6, "steps has a pointer to function one; rBPF has no indirect calls"),
        (8, "indirect call"),
        (9, "no helper has the number 1"),
        (10, "shared has no section; compile with -fno-common"),
        (11, "32-bit comparison (JMP32)"),
        (13, "known has a pointer to elsewhere, which is defined nowhere"),
    ],
)
def test_what_rbpf_lacks_is_refused_by_name_and_source_line(case: int, words: str) -> None:
    error = build_error(f"refused-{case}")
    assert error.problem.startswith(words)
    assert error.place == f"refused.c:{marked_line(case)} in loop"


def calling(name: str) -> bytes:
    """An object that calls a function of at most seven letters, which is defined elsewhere."""
    content = (OBJECTS / "refused-4.o").read_bytes()
    return content.replace(b"missing\0", name.encode().ljust(8, b"\0"))


@pytest.mark.parametrize(
    ("name", "helper"),
    [
        ("logger", "logger"),
        ("tc_log", "logger"),
        ("open", "open"),
        ("tc_open", "open"),
        ("read", "read"),
        ("tc_read", "read"),
    ],
)
def test_a_helper_has_its_own_name_and_that_of_the_header(name: str, helper: str) -> None:
    lines = BUILDER.disassemble(calling(name))
    assert any(line.endswith(f"call {helper}") for line in lines)


@pytest.mark.parametrize("name", ["log", "tc_sin", "_read", "Read"])
def test_a_function_of_c_is_no_helper_though_its_name_is_like_one(name: str) -> None:
    with pytest.raises(BuildRefused) as caught:
        BUILDER.build(calling(name))
    assert caught.value.problem.startswith(f"calls {name}, which is no helper")


def test_older_debug_information_is_read_too() -> None:
    assert build_error("refused-dwarf4").place == f"refused.c:{marked_line(1)} in loop"


def test_without_debug_information_the_function_is_named() -> None:
    assert build_error("refused-no-debug").place == "in loop"


def test_version_3_instructions_are_refused() -> None:
    assert "JMP32" in build_error("everything-v3").problem


@pytest.mark.parametrize("name", ["tables", "tables-recipe"])
def test_tables_of_strings_and_swapped_bytes_work_by_either_recipe(name: str) -> None:
    words = 2, 1, 0x0102030405060708, 0x1122334455667788
    tenant = Tenant(built(name), struct.pack("<4Q", *words))
    assert tenant.loop() == 8
    assert tenant.loop() == 9
    logged = [each[1] for each in tenant.natives.calls if each[0] == "log"]
    assert logged == [b"gamma", b"second", b"two"] * 2
    swapped = [int.from_bytes((words[2] + each).to_bytes(8, "little"), "big") for each in (0, 1)]
    wanted = sum(swapped) % (1 << 64), swapped[0], 0x88776655, 0x8877
    _, _, written = next(each for each in tenant.natives.calls if each[0] == "write")
    assert isinstance(written, bytes)
    assert struct.unpack("<4Q", written) == wanted


@pytest.mark.parametrize(
    ("registers", "offset"),
    [(0x11, 0), (0xF1, 0), (0x01, 1), (0x01, -1), (0x0A, 0), (0x0B, 0), (0x0F, 0)],
)
def test_what_only_looks_like_a_byte_swap_is_refused_at_its_place(
    registers: int, offset: int
) -> None:
    """Fields that a swap does not use, the frame's register, and registers that there are not."""
    content = (OBJECTS / "tables.o").read_bytes()
    place = next(
        each
        for each in range(0, len(content), 8)
        if content[each] == 0xDC and content[each + 2 : each + 8] == struct.pack("<hi", 0, 32)
    )
    changed = struct.pack("<BBh", 0xDC, registers, offset)
    with pytest.raises(BuildRefused) as caught:
        BUILDER.build(content[:place] + changed + content[place + 4 :])
    assert caught.value.problem == "byte swap, opcode 0xdc"
    assert caught.value.place == "tables.c:47 in loop"


def test_several_functions_none_of_which_is_the_loop_are_refused() -> None:
    assert build_error("refused-12").problem == "has checksum and step, but no function loop"


def run_header(name: str, data: bytes = b"") -> tuple[int, list[bytes]]:
    """What a container that uses the C header's functions returns, and what it has written."""
    tenant = Tenant(built(name), data)
    natives = Accepting(tenant.meter, data=data, answers={"open": 3}, incoming=b"\7" * 255)
    tenant.instance = create(tenant.code, data, natives, tenant.meter, LIMITS)
    return tenant.loop(), natives.written


@pytest.mark.clause("TC-BPF-08", "TC-TML-11")
def test_the_header_sends_an_input_of_the_quotas_16_kib_within_the_branches() -> None:
    value, frames = run_header("tinyml-input")
    assert value == 0
    assert frames[0][:8] == struct.pack("<BBBBI", 0x20, 0, 255, 0, 16384)
    assert all(each[0] == 0x21 for each in frames[1:])
    data = frames[0][8:] + b"".join(each[1:] for each in frames[1:])
    assert data == b"\1" + bytes(16382) + b"\2"


@pytest.mark.clause("TC-BPF-08", "TC-TML-11", "TC-TML-26")
@pytest.mark.parametrize("size", [64 * 1024, 512 * 1024])
def test_the_header_sends_the_longest_model_within_the_branches(size: int) -> None:
    data = bytes(range(256)) * (size // 256)
    value, frames = run_header("tinyml-model", data)
    assert value == 0
    assert frames[0] == struct.pack("<BBBBI", 0x10, 4, 0, 0, size)
    assert b"".join(each[1:] for each in frames[1:]) == data


@pytest.mark.clause("TC-BPF-08", "TC-TML-11")
def test_the_header_reads_an_output_of_16_kib_within_the_branches() -> None:
    assert run_header("tinyml-output") == (7, [struct.pack("<BBBBI", 0x40, 0, 0, 0, 0)])


def test_hooks_without_a_loop_are_refused() -> None:
    assert build_error("refused-7").problem == "has start, but no function loop"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no ELF object"),
        (b"\x7fELF" + bytes(60), "is no ELF object"),
        (b"rBPF" + bytes(24), "is no ELF object"),
        (bytes((1 << 20) + 1), "has more than 1048576 bytes"),
    ],
)
def test_what_is_no_object_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(BuildRefused, match=words):
        BUILDER.build(content)


@pytest.mark.parametrize("size", [64, 1 << 20, 1 << 62])
def test_sections_that_claim_to_be_huge_take_no_memory(size: int) -> None:
    content = (OBJECTS / "everything.o").read_bytes()
    headers = int.from_bytes(content[40:48], "little")
    for number in range(int.from_bytes(content[60:62], "little")):
        place = headers + number * 64 + 32
        changed = content[:place] + size.to_bytes(8, "little") + content[place + 8 :]
        try:
            assert len(BUILDER.build(changed).code) < 1 << 21
        except BuildRefused:
            continue


def test_names_without_an_end_are_not_searched_again_and_again() -> None:
    content = (OBJECTS / "everything.o").read_bytes().ljust(1 << 20, b"x")
    with within(5), pytest.raises(BuildRefused, match="without a zero"):
        BUILDER.build(content)


@pytest.mark.parametrize("filler", [b"\1", b"\x20", b"\xff", b"\x0d"])
def test_a_hostile_line_table_costs_little_and_hides_nothing(filler: bytes) -> None:
    """The table of lines is overwritten from each of its first bytes on."""
    content = (OBJECTS / "refused-1.o").read_bytes()
    sections = read_object(content).sections.values()
    table = next(each for each in sections if each.name == ".debug_line")
    place, size = content.index(table.content), len(table.content)
    with within(5):
        for start in range(0, size, 3):
            damage = table.content[:start] + filler * (size - start)
            with pytest.raises(BuildRefused, match="the address of function"):
                BUILDER.build(content[:place] + damage + content[place + size :])


# The disassembly.


def test_the_disassembly_can_be_assembled_again() -> None:
    for vector in vectors():
        try:
            text = decode_text(vector.text, HELPERS)
        except InadmissibleCode:
            continue
        code = rbf(vector.text, vector.data, vector.rodata)
        lines = [line.split("#")[0] for line in BUILDER.disassemble(code)]
        plain = [line if line.endswith(":") else line[8:] for line in lines[1:]]
        assert assemble("\n".join(plain)) == vector.text, vector.name
        assert text


def test_the_disassembly_names_functions_helpers_and_strings() -> None:
    lines = list(BUILDER.disassemble((OBJECTS / "everything.o").read_bytes()))
    assert lines[0].startswith("# data 24 bytes, rodata ")
    assert lines[1] == "start:"
    assert "loop:" in lines
    assert any(line.endswith('# "looping"') for line in lines)
    assert any(line.endswith("call logger") for line in lines)


def test_names_of_functions_are_shown_escaped() -> None:
    code = write_image(Image(b"", b"", assemble("exit"), {"\x1b[2J": 0}))
    assert list(BUILDER.disassemble(code))[1] == "\\x1b[2J:"
