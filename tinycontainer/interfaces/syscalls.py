"""The system calls, their numbers, and the mask that allows them."""

from collections.abc import Iterable
from enum import IntEnum


class Syscall(IntEnum):
    """A masked system call; bit ``number - 1`` of the mask allows it."""

    HEARTBEAT = 1
    OPEN = 2
    CLOSE = 3
    READ = 4
    WRITE = 5

    @property
    def bit(self) -> int:
        """The bit of the mask that allows the call."""
        return 1 << (self - 1)


def mask_of(calls: Iterable[Syscall]) -> int:
    """The mask that allows these calls."""
    mask = 0
    for call in calls:
        mask |= call.bit
    return mask


def mask_from_bytes(encoded: bytes) -> int:
    """A mask from its claim: bit 0 is the lowest bit of the last byte."""
    return int.from_bytes(encoded, "big")


def mask_to_bytes(mask: int) -> bytes:
    """A mask as a claim, in as few bytes as hold it but at least one."""
    return mask.to_bytes(max(1, (mask.bit_length() + 7) // 8), "big")


def allowed(mask: int) -> tuple[Syscall, ...]:
    """The calls that a mask allows; bits without a call are ignored."""
    return tuple(call for call in Syscall if mask & call.bit)


def describe_unknown_bits(mask: int) -> str:
    """The bits of a mask that no call has, in words; empty if there are none.

    Args:
        mask: at least 0, of any length.
    """
    unknown = mask & ~mask_of(Syscall)
    bits = ", ".join(str(bit) for bit in range(unknown.bit_length()) if unknown >> bit & 1)
    return f"bits that allow no call: {bits}" if bits else ""
