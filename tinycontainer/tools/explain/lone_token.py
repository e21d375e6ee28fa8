"""A token file on its own, as one of the four parties makes it before there is a container."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tinycontainer.device.containers.verification import TokenReport, Trust
from tinycontainer.metadata import ContainerMap, ContainerType, Metadata, Security
from tinycontainer_tokens import Expectation, Kind, cbor, verify
from tinycontainer_tokens.claims import CLAIMS, MAX_CLAIMS_BYTES, MAX_UID_BYTES
from tinycontainer_tokens.envelope import MAX_TOKEN_BYTES, Envelope, parse_if_possible
from tinycontainer_tokens.errors import CborError
from tinycontainer_tokens.unverified import claims_unverified

from ..artefact.artefact import Artefact
from .causes.form import undo_damage

_NO_UID: Final = b"?"
_PAYLOAD: Final = 2
"""The place of the payload in every signed or MACed message of COSE."""
_LABELS: Final = {attribute: label for label, (attribute, _, _) in CLAIMS.items()}


@dataclass(frozen=True, slots=True)
class _Said:
    """What a token says of itself; nothing of it is verified."""

    envelope: Envelope | None
    kind: Kind | None
    uid: bytes
    has_mask: bool


def examine_lone(
    token: bytes,
    contents: Mapping[Kind, bytes],
    trust: Trust,
    now_s: int,
) -> tuple[Artefact, TokenReport]:
    """Verify a token that is in no container yet.

    Its kind is the one that it names, even if its form or another claim is wrong. Under
    ``riot-2024``, where it names none, it is the first for which it verifies. Any uid is accepted,
    for there is nothing to compare it with.

    Args:
        token: untrusted bytes.
        contents: the code and the data section, if they are at hand.
        trust: keys and rules; the first profile is the one to judge by.
        now_s: time in Unix seconds.

    Returns:
        The container as far as it is at hand, and the report.
    """
    said = _listen(token)
    uid = said.uid
    reports = [
        _report(token, kind, uid, contents.get(kind), trust, now_s)
        for kind in _kinds(said, contents)
    ]
    best = max(reports, key=lambda report: (report.acceptable, _steps(report)))
    empty = Metadata(ContainerMap(uid, ContainerType.UNDEFINED), None, Security(), b"")
    return Artefact("token", empty, contents.get(Kind.CODE), contents.get(Kind.DATA)), best


def _report(
    token: bytes, kind: Kind, uid: bytes, content: bytes | None, trust: Trust, now_s: int
) -> TokenReport:
    expected = Expectation(
        kind=kind,
        profile=trust.profiles[0],
        uid=uid,
        now_s=now_s,
        content_sha256=None if content is None else hashlib.sha256(content).digest(),
        audience=trust.device_id,
    )
    place = f"{kind.name.lower()} token"
    return TokenReport(place, expected, token, verify(token, expected, trust.keys))


def _kinds(said: _Said, contents: Mapping[Kind, bytes]) -> list[Kind]:
    """The kinds that a token can be of, by what it names, carries and was given; never empty."""
    if said.kind is not None:
        return [said.kind]
    if said.envelope is None:
        return [Kind.CODE]
    readable = []
    for kind in (Kind.CODE, Kind.DATA, Kind.METADATA, Kind.ENDPOINT, Kind.MASK):
        claims = claims_unverified(said.envelope.payload, kind, said.envelope.profile)
        if claims is not None:
            readable.append(kind)
    readable = readable or ([Kind.MASK] if said.has_mask else [])
    return [kind for kind in readable if kind in contents] or readable or [Kind.CODE]


def _listen(token: bytes) -> _Said:
    """What a token says of itself, though it may be refused for its form or its other claims."""
    undone = undo_damage(token)
    envelope = parse_if_possible(token if undone is None else undone[1])
    claims = _claims_in(token) if envelope is None else _map_in(envelope.payload)
    number = claims.get(_LABELS["kind"])
    uid = claims.get(_LABELS["uid"])
    return _Said(
        envelope,
        Kind(number) if type(number) is int and number in set(Kind) else None,
        uid if isinstance(uid, bytes) and 1 <= len(uid) <= MAX_UID_BYTES else _NO_UID,
        _LABELS["mask"] in claims,
    )


def _claims_in(token: bytes) -> Mapping[int, cbor.Value]:
    """The claims of a message that is no token: with another header, tag or proof."""
    try:
        message = cbor.locate(token, MAX_TOKEN_BYTES).value
    except CborError:
        return {}
    payload = message[_PAYLOAD] if isinstance(message, list) and len(message) > _PAYLOAD else None
    return _map_in(payload) if isinstance(payload, bytes) else {}


def _map_in(payload: bytes) -> Mapping[int, cbor.Value]:
    try:
        claims = cbor.locate(payload, MAX_CLAIMS_BYTES).value
    except CborError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _steps(report: TokenReport) -> int:
    return len(report.verification.steps) if report.verification else 0
