"""The shape of a token: the meaning of each item by its place."""

from typing import Final

from tinycontainer.text import show
from tinycontainer_tokens import Algorithm, Kind, cbor, envelope
from tinycontainer_tokens import claims as claims_codec
from tinycontainer_tokens.envelope import Envelope
from tinycontainer_tokens.kinds import SIGNING_ROLE
from tinycontainer_tokens.unverified import UnverifiedToken, read_unverified

from .labels import label_field
from .tree import Shape, fixed_meaning, plain_meaning, shape_of_nth

_TAGS: Final = {
    envelope.CWT_TAG: "CWT",
    envelope.TAG_OF[Algorithm.EDDSA]: "COSE_Sign1",
    envelope.TAG_OF[Algorithm.HMAC_256]: "COSE_Mac0",
}
_ALGORITHMS: Final = {number: algorithm for algorithm, number in envelope.COSE_NUMBER.items()}
_VOUCHED_FOR: Final = {
    Kind.MASK: "nothing, in a mask token",
    Kind.ENDPOINT: "this endpoint's entry without its token",
    Kind.DATA: "the data section",
    Kind.CODE: "the code section",
    Kind.METADATA: "the metadata before this token",
}


def token_in_place(kind: Kind) -> Shape:
    """The shape of a byte string that is a token of a kind."""
    return Shape(
        meaning=lambda value: token_meaning(value, kind) if isinstance(value, bytes) else "",
        inside=lambda token: message_shape(token, kind),
    )


def token_meaning(token: bytes, kind: Kind | None) -> str:
    """Which token this is, or why it is none. Nothing is verified.

    Args:
        token: untrusted bytes; empty for an absent token.
        kind: the place that it is in; None if it is a file of its own.
    """
    name = f"{kind.name.lower()} token" if kind is not None else "token"
    if not token:
        return f"{name}: absent"
    said = read_unverified(token, kind)
    if said.envelope is None:
        return f"{name} that cannot be read: {said.structure_error}"
    signer = f", signed by {SIGNING_ROLE[kind]}" if kind is not None else ""
    return f"{name}: {said.envelope.algorithm}, {said.envelope.profile}{signer}"


def kind_of(token: bytes) -> Kind | None:
    """The kind that a token says it is of; None if it does not say."""
    claims = read_unverified(token, None).claims
    return None if claims is None else claims.kind


def message_shape(token: bytes, kind: Kind | None) -> Shape:
    """The shape of a token's own CBOR, tags included, however malformed it is."""
    said = read_unverified(token, kind)
    untagged = said.envelope is not None and not said.envelope.tagged
    parts = (
        Shape(lambda value: _protected(value, said), inside=lambda _: Shape(child=_header_field)),
        Shape(_unprotected, child=_header_field),
        Shape(lambda value: _payload(value, said), inside=lambda _: _claims_shape(kind)),
        Shape(lambda value: _proof(value, said.envelope)),
    )
    return Shape(
        meaning=fixed_meaning("COSE_Sign1") if untagged else plain_meaning,
        tags=_TAGS,
        child=shape_of_nth(parts),
    )


def _protected(value: cbor.Value, said: UnverifiedToken) -> str:
    if value == b"":
        return "protected header: empty"
    if said.header_error is not None:
        return f"protected header: {said.header_error}"
    return "protected header"


def _unprotected(value: cbor.Value) -> str:
    return "unprotected header: empty" if value == {} else "unprotected header"


def _payload(value: cbor.Value, said: UnverifiedToken) -> str:
    if said.envelope is None or not isinstance(value, bytes):
        return "payload"
    return "claims" if said.claims_error is None else f"claims: {said.claims_error}"


def _proof(value: cbor.Value, parsed: Envelope | None) -> str:
    if not isinstance(value, bytes):
        return "signature or MAC: not a byte string"
    name = "signature or MAC"
    if parsed is not None:
        name = "MAC" if parsed.algorithm is Algorithm.HMAC_256 else "signature"
    return f"{name}, {len(value)} bytes"


def _header_field(label: int) -> Shape:
    if label == envelope.ALG_LABEL:
        return Shape(_algorithm)
    if label == envelope.KID_LABEL:
        return Shape(_kid)
    return Shape(fixed_meaning("unknown label"))


def _algorithm(value: cbor.Value) -> str:
    algorithm = _ALGORITHMS.get(value) if isinstance(value, int) else None
    return f"alg: {algorithm or 'none that tokens use'}"


def _kid(value: cbor.Value) -> str:
    return f"kid: {show(value) if isinstance(value, bytes) else 'not a byte string'}"


def _claims_shape(kind: Kind | None) -> Shape:
    subject = "what the token vouches for" if kind is None else _VOUCHED_FOR[kind]

    def claim(label: int) -> Shape:
        if label not in claims_codec.CLAIMS:
            return Shape(fixed_meaning("unknown claim"))
        attribute, name, check = claims_codec.CLAIMS[label]
        meaning = label_field(attribute, name, check)
        if attribute != "sha256":
            return Shape(meaning)
        return Shape(lambda value: f"sha256 of {subject}" if _is_sha256(value) else meaning(value))

    return Shape(child=claim)


def _is_sha256(value: cbor.Value) -> bool:
    return isinstance(value, bytes) and len(value) == claims_codec.SHA256_BYTES
