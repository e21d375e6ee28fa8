"""Signed numbers in LEB128, whose last byte must repeat the sign."""

from ..reader import Reader


def read_signed(reader: Reader, bits: int) -> int:
    """A signed number.

    Args:
        reader: where it begins.
        bits: of the number; its bytes have no more meaning than they need.

    Raises:
        InadmissibleCode: it is cut short, too long, or too large.
    """
    start = reader.offset
    reader.skip_signed(-(-bits // 7))
    value = 0
    for place in range(start, reader.offset):
        value |= (reader.data[place] & 0x7F) << 7 * (place - start)
    read_bits = 7 * (reader.offset - start)
    if value >> read_bits - 1:
        value -= 1 << read_bits
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise reader.fail(f"the number has more than {bits} bits", start)
    return value
