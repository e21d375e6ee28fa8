"""The .rbf file: what the loader takes, and each thing that it refuses."""

import struct

import pytest
from support.rbpf.assembling import EXIT, HEADER_BYTES, LIMITS, assemble, hooks, rbf, slot
from support.wasm.modules import within

from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.runtime import Hook, RuntimeLimits
from tinycontainer_runtimes.rbpf.codes import CodeRefused, RbpfCode
from tinycontainer_runtimes.rbpf.image import Image, read_image, write_image
from tinycontainer_runtimes.rbpf.program import load

GOOD = rbf("mov r0, 1\nlddw r1, 5\nexit", b"data", b"rodata\0", loop=0, stop=3)


def header(
    magic: bytes = b"rBPF",
    version: int = 0,
    flags: int = 0,
    data: int = 0,
    rodata: int = 0,
    text: int = 8,
    functions: int = 0,
) -> bytes:
    return struct.pack("<4s6I", magic, version, flags, data, rodata, text, functions)


def code_of(content: bytes, limits: RuntimeLimits = LIMITS) -> RbpfCode:
    with pytest.raises(InadmissibleCode) as refused:
        load(content, limits)
    assert isinstance(refused.value, CodeRefused)
    return refused.value.code


@pytest.mark.clause("TC-BPF-01")
def test_a_file_is_read_as_it_was_written() -> None:
    image = read_image(GOOD)
    assert image.data == b"data\0\0\0\0"
    assert image.rodata == b"rodata\0loop\0stop\0".ljust(24, b"\0")
    assert image.text == assemble("mov r0, 1\nlddw r1, 5\nexit")
    assert image.functions == {"loop": 0, "stop": 24}
    assert len(GOOD) == HEADER_BYTES + 8 + 24 + 32 + 2 * 6


def test_the_smallest_file_is_a_header_and_exit() -> None:
    program = load(header() + EXIT, LIMITS)
    assert program.entries == {Hook.LOOP: 0}


def test_the_version_is_the_applications() -> None:
    assert read_image(header(version=7) + EXIT).version == 7


def test_hooks_begin_where_the_table_says() -> None:
    program = load(hooks(stop="exit", loop="mov r0, 1\nexit", start="exit"), LIMITS)
    assert program.entries == {Hook.STOP: 0, Hook.LOOP: 1, Hook.START: 3}


@pytest.mark.clause("TC-BPF-12")
def test_without_a_loop_in_the_table_it_begins_with_the_text() -> None:
    program = load(rbf("mov r0, 1\nexit\nexit", helper=1, start=2), LIMITS)
    assert program.entries == {Hook.LOOP: 0, Hook.START: 2}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", RbpfCode.ILLEGAL_LENGTH),
        (GOOD[: HEADER_BYTES - 1], RbpfCode.ILLEGAL_LENGTH),
        (header(magic=b"rBPG") + EXIT, RbpfCode.ILLEGAL_INSTRUCTION),
        (header(magic=b"FPBr") + EXIT, RbpfCode.ILLEGAL_INSTRUCTION),
        (header(flags=1) + EXIT, RbpfCode.ILLEGAL_INSTRUCTION),
        (header(flags=1 << 31) + EXIT, RbpfCode.ILLEGAL_INSTRUCTION),
        (header(text=0), RbpfCode.ILLEGAL_LENGTH),
        (header(text=16) + EXIT, RbpfCode.ILLEGAL_LENGTH),
        (header() + EXIT + b"\0", RbpfCode.ILLEGAL_LENGTH),
        (GOOD[:-1], RbpfCode.ILLEGAL_LENGTH),
        (header(data=4) + bytes(4) + EXIT, RbpfCode.ILLEGAL_LENGTH),
        (header(rodata=12) + bytes(12) + EXIT, RbpfCode.ILLEGAL_LENGTH),
        (header(text=12) + EXIT + bytes(4), RbpfCode.ILLEGAL_LENGTH),
        (header(data=8) + EXIT, RbpfCode.ILLEGAL_LENGTH),
        (header(data=0xFFFFFFF8) + EXIT, RbpfCode.ILLEGAL_LENGTH),
        (header(functions=0xFFFFFFFF) + EXIT, RbpfCode.ILLEGAL_LENGTH),
        (header(functions=1) + EXIT, RbpfCode.ILLEGAL_LENGTH),
    ],
)
@pytest.mark.clause("TC-BPF-02")
def test_a_header_that_does_not_fit_is_refused(content: bytes, code: RbpfCode) -> None:
    assert code_of(content) == code


@pytest.mark.parametrize(
    ("rodata", "entries", "code"),
    [
        (b"loop\0\0\0\0", [(0, 0, 0)], None),
        (b"loop\0\0\0\0", [(7, 0, 16)], None),
        (b"loop\0\0\0\0", [(8, 0, 0)], RbpfCode.ILLEGAL_LENGTH),
        (b"loop\0\0\0\0", [(0xFFFF, 0, 0)], RbpfCode.ILLEGAL_LENGTH),
        (b"loopstop", [(0, 0, 0)], RbpfCode.ILLEGAL_LENGTH),
        (b"a" * 72 + bytes(8), [(0, 0, 0)], RbpfCode.ILLEGAL_LENGTH),
        (b"loop\0\0\0\0", [(0, 1, 0)], RbpfCode.ILLEGAL_INSTRUCTION),
        (b"loop\0\0\0\0", [(0, 0, 4)], RbpfCode.ILLEGAL_JUMP),
        (b"loop\0\0\0\0", [(0, 0, 24)], RbpfCode.ILLEGAL_JUMP),
        (b"loop\0\0\0\0", [(0, 0, 8)], RbpfCode.ILLEGAL_JUMP),
        (b"loop\0\0\0\0", [(0, 0, 0), (0, 0, 16)], RbpfCode.ILLEGAL_JUMP),
    ],
)
@pytest.mark.clause("TC-BPF-02")
def test_a_function_table_that_does_not_fit_is_refused(
    rodata: bytes, entries: list[tuple[int, int, int]], code: RbpfCode | None
) -> None:
    text = slot(0x18) + slot(0) + EXIT
    table = b"".join(struct.pack("<3H", *entry) for entry in entries)
    content = header(rodata=len(rodata), text=len(text), functions=len(entries))
    content += rodata + text + table
    if code is None:
        assert load(content, LIMITS)
    else:
        assert code_of(content) == code


@pytest.mark.clause("TC-BPF-02")
def test_code_beyond_the_devices_limits_is_refused() -> None:
    limits = RuntimeLimits(code_bytes=len(GOOD) - 1)
    assert code_of(GOOD, limits) == RbpfCode.ILLEGAL_LENGTH
    big = rbf("exit", bytes((1 << 16) - 504))
    assert code_of(big, RuntimeLimits(code_bytes=1 << 20)) == RbpfCode.ILLEGAL_LENGTH
    assert load(rbf("exit", bytes((1 << 16) - 512)), RuntimeLimits(code_bytes=1 << 20))


def test_the_longest_text_is_judged_in_bounded_time() -> None:
    limits = RuntimeLimits(code_bytes=1 << 24)
    with within(5):
        assert load(rbf(slot(0xB7) * 0xFFFF + EXIT), limits)
        assert code_of(rbf(slot(0xB7) * 0x10000 + EXIT), limits) == RbpfCode.ILLEGAL_LENGTH
        assert code_of(rbf(slot(0x1D, offset=-1) * 0x10000), limits) == RbpfCode.NO_RETURN


def test_a_refusal_names_place_reason_and_code() -> None:
    content = rbf(slot(0xB7) + slot(0xD4, imm=16) + EXIT)
    with pytest.raises(CodeRefused) as refused:
        load(content, LIMITS)
    text = "instruction 1: byte swap, opcode 0xd4 (-1, illegal-instruction)"
    assert str(refused.value) == text
    assert refused.value.slot == 1


def test_a_name_too_far_behind_is_refused_when_written() -> None:
    with pytest.raises(CodeRefused):
        write_image(Image(b"", bytes(1 << 16), EXIT, {"loop": 0}))
