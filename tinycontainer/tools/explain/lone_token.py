"""A token file on its own, as one of the four parties makes it before there is a container."""

import hashlib
from collections.abc import Mapping

from tinycontainer.device.containers.verification import TokenReport, Trust
from tinycontainer.metadata import ContainerMap, ContainerType, Metadata, Security
from tinycontainer_tokens import Expectation, Kind, cbor, verify
from tinycontainer_tokens.envelope import CWT_TAG, parse_if_possible
from tinycontainer_tokens.errors import CborError
from tinycontainer_tokens.unverified import claims_unverified

from ..artefact.artefact import Artefact

_NO_UID = b"?"


def is_lone_token(content: bytes) -> bool:
    """Whether a file begins like a token: with the tag 61, or as an array of four."""
    if content[:1] == b"\x84":
        return True
    try:
        tags, _ = cbor.split_tags(content)
    except CborError:
        return False
    return tags[:1] == (CWT_TAG,)


def examine_lone(
    token: bytes,
    contents: Mapping[Kind, bytes],
    trust: Trust,
    now_s: int,
) -> tuple[Artefact, TokenReport]:
    """Verify a token that is in no container yet.

    Its kind is the one that it names; under ``riot-2024``, where it names none, the first for which
    it verifies. Any uid is accepted, for there is nothing to compare it with.

    Args:
        token: untrusted bytes.
        contents: the code and the data section, if they are at hand.
        trust: keys and rules; the first profile is the one to judge by.
        now_s: time in Unix seconds.

    Returns:
        The container as far as it is at hand, and the report.
    """
    uid = _uid(token)
    reports = [
        _report(token, kind, uid, contents.get(kind), trust, now_s)
        for kind in _kinds(token, contents)
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


def _kinds(token: bytes, contents: Mapping[Kind, bytes]) -> list[Kind]:
    """The kinds that a token can be of, by what it carries and what was given; never empty."""
    envelope = parse_if_possible(token)
    if envelope is None:
        return [Kind.CODE]
    readable = []
    for kind in (Kind.CODE, Kind.DATA, Kind.METADATA, Kind.ENDPOINT, Kind.MASK):
        claims = claims_unverified(envelope.payload, kind, envelope.profile)
        if claims is not None and claims.kind in (kind, None):
            readable.append(kind)
    return [kind for kind in readable if kind in contents] or readable or [Kind.CODE]


def _uid(token: bytes) -> bytes:
    envelope = parse_if_possible(token)
    for kind in Kind if envelope else ():
        claims = claims_unverified(envelope.payload, kind, envelope.profile) if envelope else None
        if claims is not None and claims.uid is not None:
            return claims.uid
    return _NO_UID


def _steps(report: TokenReport) -> int:
    return len(report.verification.steps) if report.verification else 0
