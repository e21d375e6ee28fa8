"""Claims of a token, and their strict CBOR codec (RFC 8392)."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from . import cbor
from .errors import CborError, ClaimsError
from .kinds import Kind, Profile

MAX_MASK_BYTES = 4
SHA256_BYTES = 32
MAX_UID_BYTES = 63
MAX_AUDIENCE_BYTES = 64
MAX_CLAIMS_BYTES = 512
_MAX_UINT = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. A claim that is None is absent.

    Attributes:
        mask: system-call mask, bit ``id - 1`` allows call ``id``; claim -65536, 1 to 4 bytes.
        sha256: hash of the bytes that the token vouches for, 32 bytes; claim -65537.
        uid: uid of the container, 1 to 63 bytes; claim -65539.
        sequence: version counter, 0 to 2**64 - 1; claim -65540.
        kind: what the token vouches for; claim -65541.
        audience: device id; claim 3 (aud).
        expires_s: Unix seconds from which on the token is void; claim 4 (exp).
        not_before_s: Unix seconds before which the token is void; claim 5 (nbf).
        issued_s: Unix seconds, information only; claim 6 (iat).
    """

    mask: bytes | None = None
    sha256: bytes | None = None
    uid: bytes | None = None
    sequence: int | None = None
    kind: Kind | None = None
    audience: str | None = None
    expires_s: int | None = None
    not_before_s: int | None = None
    issued_s: int | None = None


def _bytes(minimum: int, maximum: int) -> Callable[[str, cbor.Value], bytes]:
    def check(name: str, value: cbor.Value) -> bytes:
        if not isinstance(value, bytes):
            raise ClaimsError(f"{name}: not a byte string")
        if not minimum <= len(value) <= maximum:
            span = f"{minimum}" if minimum == maximum else f"{minimum} to {maximum}"
            raise ClaimsError(f"{name}: {len(value)} bytes where {span} are allowed")
        return value

    return check


def _uint(name: str, value: cbor.Value) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_UINT:
        raise ClaimsError(f"{name}: not an unsigned integer of 64 bits")
    return value


def _kind(name: str, value: cbor.Value) -> Kind:
    if type(value) is not int or value not in set(Kind):
        raise ClaimsError(
            f"{name}: not one of {', '.join(f'{k} ({k.name.lower()})' for k in Kind)}"
        )
    return Kind(value)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in text)


def _text(name: str, value: cbor.Value) -> str:
    size = len(value.encode("utf-8", "replace")) if isinstance(value, str) else 0
    if not isinstance(value, str) or not 1 <= size <= MAX_AUDIENCE_BYTES or not _is_utf8(value):
        raise ClaimsError(f"{name}: not a text of 1 to {MAX_AUDIENCE_BYTES} bytes")
    return value


CLAIMS: Final[dict[int, tuple[str, str, Callable[[str, cbor.Value], Any]]]] = {
    3: ("audience", "aud", _text),
    4: ("expires_s", "exp", _uint),
    5: ("not_before_s", "nbf", _uint),
    6: ("issued_s", "iat", _uint),
    -65536: ("mask", "bitmask", _bytes(1, MAX_MASK_BYTES)),
    -65537: ("sha256", "sha256", _bytes(SHA256_BYTES, SHA256_BYTES)),
    -65539: ("uid", "uid", _bytes(1, MAX_UID_BYTES)),
    -65540: ("sequence", "sequence", _uint),
    -65541: ("kind", "kind", _kind),
}
"""Attribute, name and check of each claim, by its label."""

_NAMES: Final = {attribute: name for attribute, name, _ in CLAIMS.values()}
_CONTENTS: Final = frozenset({"mask", "sha256"})
_CONTENT = {kind: "mask" if kind is Kind.MASK else "sha256" for kind in Kind}
_REQUIRED = {
    kind: {_CONTENT[kind], "uid", "kind"}
    | ({"sequence"} if kind in (Kind.MASK, Kind.METADATA) else set())
    for kind in Kind
}


def encode(claims: Claims, kind: Kind, profile: Profile) -> bytes:
    """Encode the claims of a token of this kind.

    Raises:
        ClaimsError: a claim is missing, out of range, or not part of this kind or profile.
    """
    content: dict[int, cbor.Value] = {}
    for label, (attribute, name, check) in CLAIMS.items():
        value = getattr(claims, attribute)
        if value is not None:
            content[label] = int(value) if isinstance(value, Kind) else value
            check(name, content[label])
    _require_fitting(claims, kind, profile)
    return cbor.encode(content)


def decode(payload: bytes, kind: Kind, profile: Profile) -> Claims:
    """Decode the payload of a token in the place of this kind.

    Raises:
        ClaimsError: a claim is malformed, unknown, missing, or not part of this kind or profile.
    """
    try:
        content = cbor.decode(payload, MAX_CLAIMS_BYTES)
    except CborError as error:
        raise ClaimsError(f"payload {error}") from None
    if not isinstance(content, dict):
        raise ClaimsError("payload is not a map of claims")
    fields: dict[str, Any] = {}
    for label, value in content.items():
        if label not in CLAIMS:
            raise ClaimsError(f"unknown claim {label}")
        attribute, name, check = CLAIMS[label]
        fields[attribute] = check(name, value)
    claims = Claims(**fields)
    _require_fitting(claims, kind, profile)
    return claims


def _require_fitting(claims: Claims, kind: Kind, profile: Profile) -> None:
    present = {attribute for attribute in _NAMES if getattr(claims, attribute) is not None}
    content = _CONTENT[kind]
    riot = profile is Profile.RIOT_2024
    missing = ({content} if riot else _REQUIRED[kind]) - present
    if missing:
        raise ClaimsError(f"{kind.name.lower()} token lacks {_listed(missing)}")
    surplus = present - {content} if riot else present & _CONTENTS - {content}
    if surplus:
        raise ClaimsError(f"{kind.name.lower()} token of {profile} cannot carry {_listed(surplus)}")


def _listed(attributes: AbstractSet[str]) -> str:
    return ", ".join(sorted(_NAMES[attribute] for attribute in attributes))
