"""Numbers of 32 bits, as programs on every runtime hand them to the device."""

from typing import Final

UINT32_MASK: Final = 0xFFFF_FFFF
"""What remains of a register or an i32 where C declares an unsigned number of 32 bits."""
INT32_MIN: Final = -(1 << 31)
INT32_MAX: Final = (1 << 31) - 1

_SIGN: Final = 1 << 31


def to_int32(value: int) -> int:
    """The low 32 bits of a number as a signed one."""
    return (value & UINT32_MASK ^ _SIGN) - _SIGN
