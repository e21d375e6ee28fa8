"""Which 32 bytes are a public key: the encoding of points of Ed25519 (RFC 8032, section 5.1.3).

The library takes any 32 bytes for a key. A key that is no point would only be noticed when a token
does not verify, and then the token would be blamed.
"""

from typing import Final

ED25519_BYTES: Final = 32
_P: Final = (1 << 255) - 19
"""The curve is over the integers modulo this prime."""
_D: Final = -121665 * pow(121666, -1, _P) % _P
"""The curve is -x^2 + y^2 = 1 + d x^2 y^2."""
_SIGN_BIT: Final = 1 << 255
_ORDER_8_Y: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_WEAK_Y: Final = frozenset({0, 1, _P - 1, _ORDER_8_Y, _P - _ORDER_8_Y})
"""Points of order 1, 2, 4 and 8: under such a public key anybody can sign (RFC 7748, section 7)."""


def find_point_problem(public: bytes) -> str | None:
    """Say why 32 bytes cannot be a public key of Ed25519; None if they can.

    Args:
        public: 32 bytes: y in little-endian order, and the sign of x in the highest bit.
    """
    y = int.from_bytes(public, "little") & ~_SIGN_BIT
    # Before the others: it is the worst that a key can be, in any encoding.
    if y % _P in _WEAK_Y:
        return "this Ed25519 key is of small order: anybody can sign for it"
    if y >= _P:
        return "this Ed25519 key is not in its canonical encoding: its y is not below 2^255 - 19"
    # x^2 = (y^2 - 1) / (d y^2 + 1). A quotient is a square exactly if the product is one, and the
    # divisor is never 0. x = 0 has y = 1 or -1, which was refused above, so the sign is free.
    x_squared = (y * y - 1) * (_D * y * y + 1) % _P
    if pow(x_squared, (_P - 1) // 2, _P) != 1:  # Euler's criterion
        return "this Ed25519 key is no point of the curve: nobody can sign for it"
    return None
