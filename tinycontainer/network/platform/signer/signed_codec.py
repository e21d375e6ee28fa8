"""What was signed, as bytes of a file and back. A file that was damaged is refused."""

import hashlib
from typing import Any, Final

from tinycontainer.errors import MetadataError
from tinycontainer.metadata import decode
from tinycontainer_tokens import CborError, ClaimsError, Kind, cbor

from ..releases.parts import ReleasePart
from .contents import read_endpoint
from .refusal import SigningRefused
from .signed import Signed
from .tokens import draft_token

MAX_KEPT_BYTES: Final = 1 << 20
"""Covered bytes that are longer are not kept; their number and their hash are."""
MAX_FILE_BYTES: Final = MAX_KEPT_BYTES + 4096

_VERSION: Final = 1
_MAX_UINT: Final = (1 << 64) - 1
_MAX_HEADER_BYTES: Final = 128
_SHA256_BYTES: Final = 32
(
    _LAYOUT,
    _UID,
    _PART,
    _NUMBER,
    _HEADER,
    _PAYLOAD,
    _COVERED_BYTES,
    _SIGNED_S,
    _KEY,
    _COVERED,
    _HIGHEST,
) = range(11)
_OPTIONAL: Final = frozenset({_COVERED, _HIGHEST})
_TYPES: Final = {
    _LAYOUT: int,
    _UID: bytes,
    _PART: str,
    _NUMBER: int,
    _HEADER: bytes,
    _PAYLOAD: bytes,
    _COVERED_BYTES: int,
    _SIGNED_S: int,
    _KEY: bytes,
    _COVERED: bytes,
    _HIGHEST: int,
}


class DamagedRecord(ValueError):
    """Bytes that are no record of what was signed."""


def encode_signed(signed: Signed) -> bytes:
    """A record as bytes; covered bytes that are too long are left out."""
    values: dict[int, cbor.Value] = {
        _LAYOUT: _VERSION,
        _UID: signed.uid,
        _PART: signed.part.name,
        _NUMBER: signed.number,
        _HEADER: signed.header,
        _PAYLOAD: signed.payload,
        _COVERED_BYTES: signed.covered_bytes,
        _SIGNED_S: signed.signed_s,
        _KEY: signed.key_sha256,
    }
    if signed.covered is not None and len(signed.covered) <= MAX_KEPT_BYTES:
        values[_COVERED] = signed.covered
    if signed.highest_sequence is not None:
        values[_HIGHEST] = signed.highest_sequence
    return cbor.encode(values)


def decode_signed(content: bytes, uid: bytes, part: ReleasePart) -> Signed:
    """A record from bytes.

    Args:
        content: of a file.
        uid: of the container that it has to be about.
        part: that it has to be about.

    Raises:
        DamagedRecord: it is none, or is about something else.
    """
    values = _read_values(content)
    if (values[_UID], values[_PART]) != (uid, part.name):
        raise DamagedRecord("it is about something else")
    found = Signed(
        uid=uid,
        part=part,
        number=values[_NUMBER],
        header=values[_HEADER],
        payload=values[_PAYLOAD],
        covered=values.get(_COVERED),
        covered_bytes=values[_COVERED_BYTES],
        signed_s=values[_SIGNED_S],
        key_sha256=values[_KEY],
        highest_sequence=values.get(_HIGHEST),
    )
    _require_sound(found)
    return found


def _read_values(content: bytes) -> dict[int, Any]:
    try:
        values = cbor.decode(content, MAX_FILE_BYTES)
    except CborError as error:
        raise DamagedRecord(str(error)) from None
    if not isinstance(values, dict) or values.get(_LAYOUT) != _VERSION:
        raise DamagedRecord("it is no record of version 1")
    if not _TYPES.keys() - _OPTIONAL <= values.keys() <= _TYPES.keys():
        raise DamagedRecord("a value is missing, or is unknown")
    for label, value in values.items():
        if type(value) is not _TYPES[label]:
            raise DamagedRecord(f"value {label} has another type")
        if isinstance(value, int) and not 0 <= value <= _MAX_UINT:
            raise DamagedRecord(f"value {label} is out of its range")
    return values


def _require_sound(found: Signed) -> None:
    """Refuse a record whose values do not fit together: comparing takes that for granted."""
    try:
        claims = found.claims
    except ClaimsError as error:
        raise DamagedRecord(str(error)) from None
    if len(found.key_sha256) != _SHA256_BYTES or len(found.header) > _MAX_HEADER_BYTES:
        raise DamagedRecord("key or header have another length")
    if claims.sequence is not None and claims.sequence > (found.highest_sequence or 0):
        raise DamagedRecord("its version is higher than the highest")
    if found.covered is None:
        return
    if hashlib.sha256(found.covered).digest() != claims.sha256:
        raise DamagedRecord("it covers other bytes")
    if len(found.covered) != found.covered_bytes:
        raise DamagedRecord("it covers another number of bytes")
    _require_decodable(found, found.covered)


def _require_decodable(found: Signed, covered: bytes) -> None:
    try:
        if found.part.kind is Kind.ENDPOINT:
            read_endpoint(covered, found.part.endpoint_id)
        if found.part.kind is Kind.METADATA:
            whole = covered + draft_token(found.payload, found.header)
            decode(whole, len(whole))
    except (MetadataError, SigningRefused) as error:
        raise DamagedRecord(str(error)) from None
