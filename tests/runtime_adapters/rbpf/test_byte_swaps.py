"""Byte swaps become shifts: the same values and jumps, and no register that somebody reads."""

import random
import struct
from collections.abc import Callable
from contextlib import suppress

import pytest
from support.rbpf.assembling import assemble
from support.wasm.modules import within

from tinycontainer_runtimes.rbpf.conversion.byte_swaps import SwapRefused, lower_byte_swaps
from tinycontainer_runtimes.rbpf.plugin import run_program

BIG, LITTLE, ALWAYS = 0xDC, 0xD4, 0xD7
VALUES = (0, 1, 0x0102030405060708, 0xFFFFFFFFFFFFFFFF, 0x8000000000000080, 0x00FF00FF00FF00FF)


def swap(dst: int, bits: int, opcode: int = BIG) -> bytes:
    return struct.pack("<BBhi", opcode, dst, 0, bits)


def swapped(value: int, bits: int, opcode: int) -> int:
    kept = (value % (1 << bits)).to_bytes(bits // 8, "little")
    return int.from_bytes(kept, "little" if opcode == LITTLE else "big")


def run(text: bytes, memory: bytes = b"") -> int:
    return run_program(lower_byte_swaps(text).content, bytearray(memory)) % (1 << 64)


@pytest.mark.parametrize("opcode", [BIG, LITTLE, ALWAYS])
@pytest.mark.parametrize("bits", [16, 32, 64])
@pytest.mark.parametrize("value", VALUES)
def test_a_swap_gives_what_it_did(value: int, bits: int, opcode: int) -> None:
    text = assemble(f"lddw r0, {value:#x}") + swap(0, bits, opcode) + assemble("exit")
    assert run(text) == swapped(value, bits, opcode)


@pytest.mark.parametrize("bits", [16, 32, 64])
def test_every_other_register_that_is_read_keeps_its_value(bits: int) -> None:
    """Seven values are alive over the swap; what remains is enough."""
    lines = [f"mov r{each}, {each * 11}" for each in range(1, 8)]
    text = assemble("\n".join(["lddw r0, 0x1122334455667788", *lines]))
    text += swap(0, bits)
    text += assemble("\n".join([*(f"add r0, r{each}" for each in range(1, 8)), "exit"]))
    wanted = swapped(0x1122334455667788, bits, BIG) + sum(each * 11 for each in range(1, 8))
    assert run(text) == wanted


def test_without_a_register_to_spare_a_swap_is_refused_at_its_place() -> None:
    lines = ["lddw r0, 0x1122334455667788", *(f"mov r{each}, {each}" for each in range(1, 10))]
    text = assemble("\n".join(lines))
    after = assemble("\n".join([*(f"add r0, r{each}" for each in range(1, 10)), "exit"]))
    assert run(text + swap(0, 16) + after) == 0x8877 + 45
    with pytest.raises(SwapRefused, match="byte swap of 32 bits") as caught:
        lower_byte_swaps(text + swap(0, 32) + after)
    assert caught.value.slot == len(text) // 8


def test_jumps_over_and_back_to_swaps_lead_where_they_did() -> None:
    text = assemble("mov r0, 1\nmov r1, 0\nmov r6, 3")
    # The loop swaps twice, so r0 is as before but for the 1 that is added in between.
    loop = swap(0, 64) + assemble("add r0, 1") + swap(0, 64) + assemble("add r6, -1")
    back = struct.pack("<BBhi", 0x55, 6, -5, 0)  # jne r6, 0, the loop's first instruction
    over = struct.pack("<BBhi", 0x15, 1, 1, 0)  # jeq r1, 0, over the next swap
    text += loop + back + over + swap(0, 16) + assemble("exit")
    value = 1
    for _ in range(3):
        value = swapped((swapped(value, 64, BIG) + 1) % (1 << 64), 64, BIG)
    assert run(text) == value


def test_places_lead_back_to_the_text_as_it_was() -> None:
    text = assemble("mov r0, 1") + swap(0, 32) + assemble("exit")
    lowered = lower_byte_swaps(text)
    assert lowered.places[0] == 0
    assert set(lowered.places[1:-1]) == {1}
    assert lowered.places[-1] == 2
    assert lowered.slots == (0, 1, len(lowered.places) - 1)


def test_a_text_without_swaps_stays_as_it_is() -> None:
    text = assemble("mov r0, 1\nexit")
    assert lower_byte_swaps(text).content == text


def test_random_straight_lines_compute_the_same() -> None:
    chance = random.Random(7)
    for _ in range(300):
        registers = [chance.getrandbits(64) for _ in range(6)]
        text = assemble("\n".join(f"lddw r{n}, {v:#x}" for n, v in enumerate(registers)))
        for _ in range(12):
            dst, src = chance.randrange(6), chance.randrange(6)
            if chance.random() < 0.5:
                bits, opcode = chance.choice((16, 32, 64)), chance.choice((BIG, LITTLE, ALWAYS))
                text += swap(dst, bits, opcode)
                registers[dst] = swapped(registers[dst], bits, opcode)
            else:
                text += assemble(f"xor r{dst}, r{src}")
                registers[dst] ^= registers[src]
        for each in range(1, 6):
            text += assemble(f"xor r0, r{each}")
            registers[0] ^= registers[each]
        assert run(text + assemble("exit")) == registers[0]


def nested(count: int) -> bytes:
    """Jumps that lead back one further each, the dearest text for whoever goes round and round."""
    jumps = b"".join(
        struct.pack("<BBhi", 0x55, each % 10, -1 - min(each, 30_000), 0) for each in range(count)
    )
    return swap(0, 64) + jumps + assemble("exit")


@pytest.mark.parametrize("make", [nested, lambda count: swap(0, 16) * count])
def test_a_long_text_is_lowered_in_time(make: Callable[[int], bytes]) -> None:
    with within(20), suppress(SwapRefused):
        lower_byte_swaps(make(20_000))
