"""Experiments on tokens whose form is wrong: absent, not COSE, of the other profile."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tinycontainer.metadata.model import METADATA_TAG
from tinycontainer_tokens import Algorithm, CborError, Kind, Profile, Verification, cbor
from tinycontainer_tokens.envelope import COSE_NUMBER, CWT_TAG, MAX_TOKEN_BYTES, Envelope
from tinycontainer_tokens.unverified import claims_unverified, parse_unverified

from .experiment import Case, retry
from .explanation import name_of

_ALG_LABEL: Final = 1
_TAG_ENCRYPT0: Final = 16
_STEPS_TO_SIGNATURE: Final = 6


def present_cause(case: Case) -> str | None:
    """Why there is no token."""
    if case.artefact.metadata.security is None and case.kind is not Kind.MASK:
        return "the metadata has no security array (key 3), where this token would stand"
    if not any(report.token for report in case.reports):
        return "no token is there at all: the container was packed without signing"
    return f"the role {case.role} has not signed, or its token was left out when it was assembled"


def structure_cause(case: Case) -> str | None:
    """Why bytes are no token."""
    token = case.report.token
    for words, change in _DAMAGES:
        if parse_unverified(change(token)) is not None:
            return words
    for missing in range(1, 1 + min(128, MAX_TOKEN_BYTES - len(token))):
        if parse_unverified(token + bytes(missing)) is not None:
            return f"the token is cut short: its last {_counted(missing)} missing"
    for surplus in range(1, len(token)):
        if parse_unverified(token[:-surplus]) is not None:
            return f"the token is followed by {surplus} byte{'s' * (surplus > 1)} of something else"
    return _other_thing(token)


def profile_cause(case: Case) -> str | None:
    """Whether a token is right under the profile that it has."""
    envelope, wanted = case.envelope, case.report.expected.profile
    if envelope.profile is wanted:
        return _untagged_cause(case, envelope)
    best: Verification | None = None
    for entry in case.keys:
        if entry.role is not case.role:
            continue
        found = retry(case.report, entry, envelope.profile)
        if found.valid:
            return (
                f"the token verifies under {envelope.profile}: verify with --profile"
                f" {envelope.profile}, or sign it again for {wanted}"
            )
        if best is None or len(found.steps) > len(best.steps):
            best = found
    if best is None or best.failure is None:
        return f"the token is made for {envelope.profile}; no key was given to try it with"
    failure = best.failure
    half = " its signature holds, but" if failure.number > _STEPS_TO_SIGNATURE else ""
    return (
        f"the token is made for {envelope.profile}; there{half}"
        f" step {failure.number} ({failure.check}) fails"
    )


def header_cause(case: Case) -> str | None:
    """Why a protected header is not taken."""
    envelope = case.envelope
    try:
        header = cbor.decode(envelope.protected, MAX_TOKEN_BYTES)
    except CborError:
        return None
    number = header.get(_ALG_LABEL) if isinstance(header, dict) else None
    for algorithm in Algorithm:
        if number == COSE_NUMBER[algorithm] and algorithm is not envelope.algorithm:
            return f"the header is that of {algorithm}, the tag that of {envelope.algorithm}"
    return None


def claims_cause(case: Case) -> str | None:
    """Whether the claims would be right elsewhere."""
    envelope = case.envelope
    for kind in Kind:
        if claims_unverified(envelope.payload, kind, envelope.profile) is not None:
            return f"these are the claims of a token for {name_of(kind)}: it is in the wrong place"
    for kind in (case.kind, *Kind):
        for profile in Profile:
            if claims_unverified(envelope.payload, kind, profile) is not None:
                return (
                    f"these are the claims of a {name_of(kind)} token of {profile},"
                    f" in an envelope of {envelope.profile}"
                )
    return None


def _untagged_cause(case: Case, envelope: Envelope) -> str | None:
    tagged = replace(case.report, token=replace(envelope, tagged=True).encode())
    for entry in case.keys:
        if entry.role is case.role and retry(tagged, entry, envelope.profile).valid:
            return "the token verifies with the tags 61 and 18 in front: they were cut off"
    return None


def _other_thing(token: bytes) -> str | None:
    """What else the bytes are, if that can be told."""
    try:
        tags, _ = cbor.split_tags(token)
    except CborError:
        return None
    if METADATA_TAG in tags:
        return "this is metadata, not a token"
    if _TAG_ENCRYPT0 in tags:
        return "this is an encrypted message (COSE_Encrypt0); only signed ones and MACs are taken"
    return None


def _counted(count: int) -> str:
    return f"{count} bytes are" if count > 1 else "byte is"


def _from_text(decode: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def change(token: bytes) -> bytes:
        try:
            return decode(b"".join(token.split()))
        except (binascii.Error, ValueError):
            return b""

    return change


def _unwrapped(token: bytes) -> bytes:
    try:
        inner = cbor.decode(token, MAX_TOKEN_BYTES)
    except CborError:
        return b""
    return inner if isinstance(inner, bytes) else b""


_DAMAGES: Final[tuple[tuple[str, Callable[[bytes], bytes]], ...]] = (
    (
        "a line break was added at the token's end, as editors and echo do",
        lambda token: token.removesuffix(b"\n").removesuffix(b"\r"),
    ),
    ("the token is written as hexadecimal text, not as bytes", _from_text(binascii.unhexlify)),
    ("the token is written as base64 text, not as bytes", _from_text(base64.b64decode)),
    (
        "the tag 61 (CWT) in front is missing",
        lambda token: cbor.with_tags((CWT_TAG,), token),
    ),
    ("the token is wrapped in a byte string once too often", _unwrapped),
)
