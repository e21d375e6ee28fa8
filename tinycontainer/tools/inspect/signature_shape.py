"""The shapes of what is signed in a SUIT envelope: digests and COSE structures."""

from typing import Final

from tinycontainer.suit.envelope.labels import SHA_256
from tinycontainer.suit.envelope.signatures import ALGORITHM_LABEL, KID_LABEL
from tinycontainer.suit.keys.keys import UpdateAlgorithm
from tinycontainer.text import show

from .tree import Shape, fixed_meaning, plain_meaning, shape_of_nth

_STRUCTURES: Final = {
    17: "COSE_Mac0",
    18: "COSE_Sign1",
    96: "COSE_Encrypt",
    97: "COSE_Mac",
    98: "COSE_Sign",
}


def wrapping_shape(name: str, inner: Shape) -> Shape:
    """The shape of a byte string that wraps something.

    Args:
        name: what it is.
        inner: the shape of what it wraps.
    """

    def meaning(value: object) -> str:
        if not isinstance(value, bytes):
            return f"{name}: not a byte string"
        return f"{name}: {len(value)} bytes"

    return Shape(meaning, inside=lambda _: inner)


def digest_shape() -> Shape:
    """The shape of an algorithm and a hash."""
    parts = (
        Shape(lambda value: "SHA-256" if value == SHA_256 else "not SHA-256"),
        Shape(lambda value: f"hash of {len(value)} bytes" if isinstance(value, bytes) else ""),
    )
    return Shape(
        fixed_meaning("digest"),
        child=shape_of_nth(parts),
    )


def signature_shape() -> Shape:
    """The shape of a COSE structure with its tag."""
    parts = (
        wrapping_shape("protected header", Shape(child=_header_field)),
        Shape(fixed_meaning("unprotected header"), child=_header_field),
        Shape(lambda value: "payload: detached" if value is None else "payload"),
        Shape(lambda value: f"signature of {len(value)} bytes" if isinstance(value, bytes) else ""),
    )
    return Shape(
        plain_meaning,
        tags=_STRUCTURES,
        child=shape_of_nth(parts),
    )


def _header_field(label: object) -> Shape:
    if label == ALGORITHM_LABEL:
        return Shape(lambda value: f"alg: {algorithm_name(value)}")
    if label == KID_LABEL:
        return Shape(lambda value: f"kid: {show(value)}" if isinstance(value, bytes) else "kid")
    return Shape(fixed_meaning("unknown label"))


def algorithm_name(number: object) -> str:
    """The algorithm of a signature, in words.

    Args:
        number: alg of its header; None if it has none.
    """
    if not isinstance(number, int):
        return "none"
    found = UpdateAlgorithm.of_number(number)
    return str(found) if found is not None else f"{number}, which no update here is signed with"
