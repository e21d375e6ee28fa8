"""ECDSA on P-256 with SHA-256, as COSE has it: raw signatures of r and s (RFC 9053, section 2.1).

The arithmetic is the library's. A public key is here its uncompressed point: 0x04, x and y.
"""

from functools import partial
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tinycontainer_tokens import KeyFileError
from tinycontainer_tokens.keys import Verifier

COORDINATE_BYTES: Final = 32
"""Of x and of y, of a private number, and of either half of a signature."""

POINT_BYTES: Final = 1 + 2 * COORDINATE_BYTES
_UNCOMPRESSED: Final = b"\x04"
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""How many points the group has; private numbers are 1 to one less."""


def point_of(x: bytes, y: bytes) -> bytes:
    """A point from its coordinates, which need not be one of the curve."""
    return _UNCOMPRESSED + x + y


def public_of(secret: bytes) -> bytes:
    """The public half of a private number.

    Args:
        secret: 32 bytes, the first one the highest.

    Raises:
        KeyFileError: of another length, or not from 1 to the order of the group less 1.
    """
    return encode_point(private_key_of(secret).public_key())


def encode_point(key: ec.EllipticCurvePublicKey) -> bytes:
    """A key of the library as its uncompressed point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def is_private(secret: bytes) -> bool:
    """Whether 32 bytes are a private number: from 1 to the order of the group less 1."""
    return 1 <= int.from_bytes(secret, "big") < _ORDER


def private_key_of(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """The library's key.

    Raises:
        KeyFileError: as `public_of`.
    """
    if len(secret) != COORDINATE_BYTES:
        raise KeyFileError(f"a P-256 private key has {COORDINATE_BYTES} bytes, not {len(secret)}")
    if not is_private(secret):
        raise KeyFileError("this P-256 private key is not from 1 to the order of the group less 1")
    return ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())


def public_key_of(public: bytes) -> ec.EllipticCurvePublicKey:
    """The library's key.

    The point at infinity has no uncompressed form. The group has no smaller one within it, so
    every other point is as good as any.

    Raises:
        KeyFileError: not 65 bytes, or no point of the curve.
    """
    if len(public) != POINT_BYTES or not public.startswith(_UNCOMPRESSED):
        raise KeyFileError(f"a P-256 public key is an uncompressed point of {POINT_BYTES} bytes")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    except ValueError:
        problem = "this P-256 key is no point of the curve: nobody can sign for it"
        raise KeyFileError(problem) from None


def make_verifier(public: bytes) -> Verifier:
    """What verifies with a public key.

    Of a signature (r, s) anybody can make (r, -s), which holds for the same bytes, as COSE allows:
    nothing may depend on which of them was sent.

    Raises:
        KeyFileError: as `public_key_of`.
    """
    return Verifier(partial(_check, public_key_of(public)))


def sign(secret: bytes, covered: bytes) -> bytes:
    """Sign bytes: 64 bytes, r and s.

    One key and content have one signature (RFC 6979), where the library's OpenSSL can make it: from
    version 3.2 on. Before, each signature is another one.
    """
    signature = private_key_of(secret).sign(covered, _signing_algorithm())
    numbers = utils.decode_dss_signature(signature)
    return b"".join(number.to_bytes(COORDINATE_BYTES, "big") for number in numbers)


def _signing_algorithm() -> ec.ECDSA:
    try:
        return ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:
        return ec.ECDSA(hashes.SHA256())


def _check(key: ec.EllipticCurvePublicKey, signature: bytes, covered: bytes) -> None:
    r = int.from_bytes(signature[:COORDINATE_BYTES], "big")
    s = int.from_bytes(signature[COORDINATE_BYTES:], "big")
    # Numbers out of the range of 1 to the order less 1 hold for nothing: the library looks.
    key.verify(utils.encode_dss_signature(r, s), covered, ec.ECDSA(hashes.SHA256()))
