"""What a refused instruction is called, and what memory refuses to map."""

import struct

import pytest

from tinycontainer_runtimes.rbpf.codes import CodeRefused
from tinycontainer_runtimes.rbpf.decoding import decode_text
from tinycontainer_runtimes.rbpf.helpers import HELPERS
from tinycontainer_runtimes.rbpf.memory import PLACE_MASK, Memory, Region

EXIT = struct.pack("<BBhi", 0x95, 0, 0, 0)


@pytest.mark.clause("TC-BPF-04", "TC-BPF-06")
@pytest.mark.parametrize(
    ("opcode", "registers", "offset", "words"),
    [
        (0x37, 0, 1, "signed division"),
        (0x3F, 0x10, 1, "signed division"),
        (0x34, 0, 1, "signed division"),
        (0x97, 0, 1, "signed division (modulo)"),
        (0x9F, 0x10, 1, "signed division (modulo)"),
        (0x94, 0, 1, "signed division (modulo)"),
        (0x37, 0, 2, "div with an offset"),
        (0x97, 0, 2, "mod with an offset"),
        (0x94, 0, 2, "mod32 with an offset"),
        (0xBF, 0x10, 8, "sign-extending move (MOVSX)"),
        (0xBC, 0x10, 16, "sign-extending move (MOVSX)"),
        (0xBF, 0x10, 32, "sign-extending move (MOVSX)"),
        (0xBF, 0x10, 9, "mov with an offset"),
        (0x07, 0, 1, "add with an offset"),
        (0x95, 0, 1, "exit with an offset"),
        (0x85, 0x10, 0, "call of a function of the program's own"),
        (0x85, 0x20, 0, "call with a source register"),
        (0x18, 0x10, 0, "reference to a map or variable"),
        (0x18, 0x20, 0, "reference to a map or variable"),
        (0x07, 0x10, 0, "add with a source register"),
        (0xB8, 0x10, 0, "lddwd with a source register"),
        (0x95, 0x01, 0, "exit has no use for dst"),
    ],
)
def test_a_field_that_rbpf_does_not_use_is_named_for_what_it_would_be(
    opcode: int, registers: int, offset: int, words: str
) -> None:
    text = struct.pack("<BBhi", opcode, registers, offset, 1 if opcode != 0x95 else 0)
    if opcode in (0x18, 0xB8):
        text += bytes(8)
    with pytest.raises(CodeRefused) as caught:
        decode_text(text + EXIT, HELPERS)
    assert caught.value.problem == words


class Long(bytearray):
    """Says that it is one byte longer than a region, and takes none of them."""

    def __len__(self) -> int:
        return PLACE_MASK + 2


class Longest(bytearray):
    def __len__(self) -> int:
        return PLACE_MASK + 1


@pytest.mark.clause("TC-BPF-10")
def test_a_region_longer_than_its_addresses_is_refused() -> None:
    memory = Memory()
    with pytest.raises(ValueError, match="a region has at most 268435456 bytes"):
        memory.map(Region.DATA, Long())
    assert memory.readable[Region.DATA] == b""
    memory.map(Region.DATA, Longest())
    assert isinstance(memory.writable[Region.DATA], Longest)
