"""Names for what other implementations of COSE and CWT write, and tokens here do not have.

Each of these is right by some standard, so whoever made it needs its name, not its offset.
"""

from typing import Final

from tinycontainer_tokens import CborError, cbor
from tinycontainer_tokens.claims import CLAIMS
from tinycontainer_tokens.envelope import ALG_LABEL, KID_LABEL, MAX_TOKEN_BYTES
from tinycontainer_tokens.errors import ClaimsError
from tinycontainer_tokens.keys import MAX_KID_BYTES

from ...artefact.disguises import is_json_web_token

_NIL: Final = 0xF6
_EMPTY: Final = b"\x40"
_MESSAGE_ITEMS: Final = 4
_MESSAGES: Final = {
    16: "an encrypted message (COSE_Encrypt0)",
    96: "an encrypted message (COSE_Encrypt)",
    97: "a MAC for several recipients (COSE_Mac)",
    98: "a message of several signers (COSE_Sign)",
}
_HEADERS: Final = {
    1: "alg",
    2: "crit",
    3: "content type",
    4: "kid",
    5: "IV",
    6: "Partial IV",
    10: "kid context",
    15: "CWT claims",
    16: "typ",
    32: "x5bag",
    33: "x5chain",
    34: "x5t",
    35: "x5u",
}
_ALGORITHMS: Final = {
    -7: "ES256",
    -8: "EdDSA",
    -9: "ESP256",
    -19: "Ed25519",
    -35: "ES384",
    -36: "ES512",
    -37: "PS256",
    -53: "Ed448",
    -257: "RS256",
    4: "HMAC 256/64",
    5: "HMAC 256/256",
    6: "HMAC 384/384",
    7: "HMAC 512/512",
}
_FOREIGN_CLAIMS: Final = {1: "iss", 2: "sub", 7: "cti", 8: "cnf"}


def name_foreign_message(token: bytes) -> str | None:
    """Say what a message has that a token has not, in words; None if that cannot be said."""
    if is_json_web_token(token):
        return "this is a JSON Web Token; a token here is a CWT, in CBOR"
    filled = token
    try:
        tags, message = cbor.decode_tagged(token, MAX_TOKEN_BYTES)
    except CborError as error:
        if token[error.offset : error.offset + 1] != bytes([_NIL]):
            return name_foreign_encoding(token, error)
        filled = token[: error.offset] + _EMPTY + token[error.offset + 1 :]
        try:
            tags, message = cbor.decode_tagged(filled, MAX_TOKEN_BYTES)
        except CborError as second:
            return name_foreign_encoding(filled, second)
    for tag in tags:
        if tag in _MESSAGES:
            return f"this is {_MESSAGES[tag]}; accepted are COSE_Sign1 and COSE_Mac0"
    if not isinstance(message, list) or len(message) != _MESSAGE_ITEMS:
        return None
    return _name_foreign_part(message, detached=filled is not token)


def _name_foreign_part(message: list[cbor.Value], *, detached: bool) -> str | None:
    protected, unprotected, payload, proof = message
    if isinstance(protected, dict):
        return "the protected header is a map; it has to be encoded in a byte string"
    if isinstance(unprotected, dict) and unprotected:
        return (
            f"the unprotected header holds {_named(unprotected)}; it has to be empty, and alg and"
            " kid belong into the protected one"
        )
    if detached and payload == b"":
        return "the payload is detached (nil); the token has to carry its claims"
    if isinstance(payload, dict):
        return "the payload is a map; it has to be encoded in a byte string"
    if isinstance(proof, bytes):
        return (
            f"the proof has {len(proof)} bytes: EdDSA with Ed25519 makes 64, HMAC 256/256 32,"
            " under the tags 61 and 18, or 61 and 17"
        )
    return None


def name_foreign_header(protected: bytes) -> str | None:
    """Say what a protected header has that no token has; None if that cannot be said."""
    try:
        header = cbor.decode(protected, MAX_TOKEN_BYTES)
    except CborError as error:
        return name_foreign_encoding(protected, error)
    if not isinstance(header, dict):
        return "the protected header is no map of labels"
    surplus = [label for label in header if label not in (ALG_LABEL, KID_LABEL)]
    if surplus:
        return f"the protected header holds {_named(surplus)}; alg and kid alone are accepted"
    if ALG_LABEL not in header:
        return "the protected header names no alg"
    kid = header.get(KID_LABEL, b"k")
    if not isinstance(kid, bytes) or not 1 <= len(kid) <= MAX_KID_BYTES:
        return f"kid has to be a byte string of 1 to {MAX_KID_BYTES} bytes"
    number = header[ALG_LABEL]
    if not isinstance(number, int):
        return "alg is written as text; it has to be its number in the COSE registry"
    name = _ALGORITHMS.get(number)
    return f"alg {number}{f' is {name}' if name else ' is unknown'}, which the tag does not allow"


def name_foreign_claims(payload: bytes) -> str | None:
    """Say what a payload has that no token has; None if that cannot be said."""
    if payload[:1] == b"{":
        return "the claims are JSON; they have to be a CBOR map"
    try:
        claims = cbor.decode(payload, MAX_TOKEN_BYTES)
    except CborError as error:
        return name_foreign_encoding(payload, error)
    if not isinstance(claims, dict):
        return None
    surplus = [label for label in claims if label not in CLAIMS]
    if surplus:
        names = ", ".join(_FOREIGN_CLAIMS.get(label, f"the claim {label}") for label in surplus)
        return f"{names}: not accepted, because nobody here judges it; sign again without it"
    for label, value in claims.items():
        _, name, check = CLAIMS[label]
        try:
            check(name, value)
        except ClaimsError:
            return f"{name} (claim {label}) is {_type_of(value)}, and does not have this form here"
    return None


def name_foreign_encoding(content: bytes, error: CborError) -> str | None:
    """Say which freedom of CBOR was used at the place of an error; None if it was none.

    Args:
        content: what was decoded.
        error: where it is refused.
    """
    try:
        cbor.locate(content, len(content))
    except CborError:
        pass
    else:  # only the form of a map was wrong
        return "a map has a key twice, or its keys are not in the order of their encoded bytes"
    head = content[error.offset] if error.offset < len(content) else 0
    major = head >> 5
    if head & 0x1F == 0x1F and major in (2, 3, 4, 5):
        return "a string, array or map has an indefinite length; it has to have a definite one"
    if major == 3:
        return "a map has a text as key; its keys have to be numbers"
    if major == 6:
        return "a tag is inside; values have to be without tags, times as Unix seconds"
    if head in (0xF9, 0xFA, 0xFB):
        return "a number is a float; it has to be an integer"
    if head in (0xF4, 0xF5, _NIL, 0xF7):
        return "a value is true, false, nil or undefined, which tokens do not have"
    if major in (0, 1, 2, 4, 5) and _is_longer_than_needed(content[error.offset :]):
        return "a number or length is not in its shortest form"
    return None


def _is_longer_than_needed(item: bytes) -> bool:
    """Whether the number of a head would fit into fewer bytes (RFC 8949, 4.2.1)."""
    width = {24: 1, 25: 2, 26: 4, 27: 8}.get(item[0] & 0x1F, 0) if item else 0
    number = int.from_bytes(item[1 : 1 + width])
    return 0 < width < len(item) and number < (24 if width == 1 else 1 << 4 * width)


def _named(labels: "dict[int, cbor.Value] | list[int]") -> str:
    return ", ".join(f"{_HEADERS.get(label, 'an unknown header')} ({label})" for label in labels)


def _type_of(value: cbor.Value) -> str:
    names = {bytes: "a byte string", str: "a text", int: "an integer", list: "an array"}
    return names.get(type(value), "a map")
