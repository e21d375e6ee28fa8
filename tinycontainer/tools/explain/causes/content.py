"""Experiments on a token's hash: which bytes does it cover instead of these?"""

import hashlib
from dataclasses import replace
from typing import Final

from tinycontainer.metadata import Direction, Endpoint, PeerType, encode_endpoint
from tinycontainer_tokens import Kind
from tinycontainer_tokens.unverified import read_unverified

from ..explanation import name_of
from .refused_token import RefusedToken
from .variants import find_accident, find_draft, find_truncation

_STALE: Final = (
    "fits no truncation of this file: stale, the metadata was changed after it was signed"
)


def find_content_cause(refused: RefusedToken) -> str | None:
    """Find out which bytes a token's hash was taken of."""
    claims = refused.report.verification.claims if refused.report.verification else None
    if claims is None or claims.sha256 is None:
        return None
    if refused.kind is Kind.METADATA:
        return _of_metadata(refused, claims.sha256)
    if refused.kind is Kind.ENDPOINT:
        return _of_endpoint(refused, claims.sha256)
    return _of_section(refused, claims.sha256)


def _of_metadata(refused: RefusedToken, sha256: bytes) -> str:
    part = find_truncation(sha256, refused.artefact.metadata)
    if part is not None:
        return f"the hash is that of {part}; it has to be that of every byte before the token"
    before = find_draft(sha256, refused.artefact.metadata)
    if before is not None:
        return f"fits no truncation of this file: the hash is that of {before}"
    other = _another_section(refused, sha256)
    return _STALE if other is None else f"fits no truncation of this file: {other}"


def _of_section(refused: RefusedToken, sha256: bytes) -> str:
    name = name_of(refused.kind)
    swapped = _another_section(refused, sha256)
    if swapped is not None:
        return swapped
    variant = find_accident(sha256, refused.content_of(refused.kind) or b"")
    if variant is not None:
        return f"the hash is that of this {name} {variant.words}"
    return (
        f"fits this {name} under no change of line breaks or ending: stale, the {name} was changed"
        " after it was signed, or it is another file"
    )


def _another_section(refused: RefusedToken, sha256: bytes) -> str | None:
    """The other section that the hash is that of, in words; None if there is none."""
    for kind in (Kind.CODE, Kind.DATA, Kind.METADATA):
        content = refused.content_of(kind)
        if kind is refused.kind or content is None or not content:
            continue
        if hashlib.sha256(content).digest() != sha256:
            continue
        if _vouches_for(refused, kind, refused.content_of(refused.kind)):
            return (
                f"{name_of(refused.kind)} and {name_of(kind)} are exchanged: each fits the other's"
            )
        return f"the hash is that of the {name_of(kind)}"
    return None


def _vouches_for(refused: RefusedToken, kind: Kind, content: bytes | None) -> bool:
    """Whether the token in the place of a kind carries the hash of some bytes."""
    if content is None:
        return False
    digest = hashlib.sha256(content).digest()
    for report in refused.others:
        if report.expected.kind is not kind:
            continue
        said = read_unverified(report.token, kind)
        if said.is_well_formed and said.claims is not None and said.claims.sha256 == digest:
            return True
    return False


def _of_endpoint(refused: RefusedToken, sha256: bytes) -> str:
    entries = refused.artefact.metadata.endpoints or ()
    wanted = refused.report.expected.endpoint_id
    for entry in entries:
        if entry.endpoint_id == wanted:
            words = _of_changed_entry(entry, sha256)
            if words is not None:
                return words
        elif _covers(sha256, entry):
            return f"the hash is that of the entry of endpoint {entry.endpoint_id}"
    return "fits no variation of this entry: it was changed after the owner signed it"


def _of_changed_entry(entry: Endpoint, sha256: bytes) -> str | None:
    unfilled = encode_endpoint(replace(entry, token=b""), with_token=True)
    if hashlib.sha256(unfilled).digest() == sha256:
        return "the hash covers an empty key 6; it has to be that of the entry without key 6"
    for direction in Direction:
        if _covers(sha256, replace(entry, direction=direction)):
            return (
                f"the owner signed the direction {direction.name.lower()}, the entry says"
                f" {entry.direction.name.lower()}"
            )
    if entry.peer_type is not PeerType.CONTAINER:
        other = PeerType.REMOTE if entry.peer_type is PeerType.LOCAL else PeerType.LOCAL
        if _covers(sha256, replace(entry, peer_type=other)):
            return (
                f"the owner signed a {other.name.lower()} peer, the entry says"
                f" {entry.peer_type.name.lower()}"
            )
    return None


def _covers(sha256: bytes, entry: Endpoint) -> bool:
    return hashlib.sha256(encode_endpoint(entry, with_token=False)).digest() == sha256
