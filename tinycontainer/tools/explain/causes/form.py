"""Experiments on tokens whose form is wrong: absent, not COSE, of the other profile."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tinycontainer.metadata.model import METADATA_TAG
from tinycontainer_tokens import Algorithm, CborError, Kind, Profile, Verification, cbor
from tinycontainer_tokens.envelope import (
    ALG_LABEL,
    COSE_NUMBER,
    CWT_TAG,
    MAX_TOKEN_BYTES,
    Envelope,
    parse_if_possible,
)
from tinycontainer_tokens.unverified import claims_unverified

from ...artefact.disguises import (
    WRITTEN_AS_TEXT,
    begins_like_token,
    count_missing,
    unwrap,
    without_crlf,
    without_line_feed,
)
from ..explanation import name_of
from .foreign import (
    name_foreign_claims,
    name_foreign_encoding,
    name_foreign_header,
    name_foreign_message,
)
from .refused_token import RefusedToken, verify_again

_SIGNATURE_STEP: Final = 6
"""Number of the step that checks the signature: a failure after it means that the key fits."""
_LONGEST_PROOF_BYTES: Final = 64
"""As long as an Ed25519 signature: so much can be missing while the token still has its parts."""


def find_present_cause(refused: RefusedToken) -> str | None:
    """Find out why there is no token."""
    if refused.artefact.metadata.security is None and refused.kind is not Kind.MASK:
        return "the metadata has no security array (key 3), where this token would be"
    if not any(report.token for report in refused.reports):
        return "no token is there at all: the container was packed without signing"
    return (
        f"the role {refused.role} has not signed, or its token was left out when it was assembled"
    )


def find_structure_cause(refused: RefusedToken) -> str | None:
    """Find the damage that made a token into other bytes, or what else these are."""
    token = refused.report.token
    found = undo_damage(token)
    if found is not None:
        return found[0]
    for missing in range(1, 1 + min(_LONGEST_PROOF_BYTES, MAX_TOKEN_BYTES - len(token))):
        if parse_if_possible(token + bytes(missing)) is not None:
            return f"the token is cut short: its last {_counted(missing)} missing"
    for surplus in range(1, len(token)):
        if parse_if_possible(token[:-surplus]) is not None:
            return f"the token is followed by {surplus} byte{'s' * (surplus > 1)} of something else"
    return _other_thing(token) or _name_cut(token) or name_foreign_message(token)


def _name_cut(token: bytes) -> str | None:
    missing = count_missing(token, MAX_TOKEN_BYTES) if begins_like_token(token) else 0
    return (
        f"the token is cut short: at least its last {_counted(missing)} missing"
        if missing
        else None
    )


def undo_damage(token: bytes) -> tuple[str, bytes] | None:
    """Undo what makes a token into other bytes as a whole.

    Returns:
        What happened to it, in words, and the token as it was; None if nothing known did.
    """
    for words, change in _DAMAGES:
        changed = change(token)
        if parse_if_possible(changed) is not None:
            return words, changed
    return None


def find_profile_cause(refused: RefusedToken) -> str | None:
    """Find out whether a token is right under the profile that it has."""
    envelope = refused.envelope
    wanted = refused.report.expected.profile
    if envelope.profile is wanted:
        return _untagged_cause(refused, envelope)
    best: Verification | None = None
    for entry in refused.keys:
        if entry.role is not refused.role:
            continue
        found = verify_again(refused.report, entry, envelope.profile)
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
    half = " its signature holds, but" if failure.number > _SIGNATURE_STEP else ""
    return (
        f"the token is made for {envelope.profile}; there{half}"
        f" step {failure.number} ({failure.check}) fails"
    )


def find_header_cause(refused: RefusedToken) -> str | None:
    """Find out whether a protected header is that of another algorithm."""
    envelope = refused.envelope
    try:
        header = cbor.decode(envelope.protected, MAX_TOKEN_BYTES)
    except CborError as error:
        return name_foreign_encoding(envelope.protected, error)
    number = header.get(ALG_LABEL) if isinstance(header, dict) else None
    for algorithm in Algorithm:
        if number == COSE_NUMBER[algorithm] and algorithm is not envelope.algorithm:
            return f"the header is that of {algorithm}, the tag that of {envelope.algorithm}"
    return name_foreign_header(envelope.protected)


def find_claims_cause(refused: RefusedToken) -> str | None:
    """Find the place or the profile for which the claims would be right."""
    envelope = refused.envelope
    for kind in Kind:
        if claims_unverified(envelope.payload, kind, envelope.profile) is not None:
            return f"these are the claims of a token for {name_of(kind)}: it is in the wrong place"
    for kind in (refused.kind, *Kind):
        for profile in Profile:
            if claims_unverified(envelope.payload, kind, profile) is not None:
                return (
                    f"these are the claims of a {name_of(kind)} token of {profile},"
                    f" in an envelope of {envelope.profile}"
                )
    return name_foreign_claims(envelope.payload)


def _untagged_cause(refused: RefusedToken, envelope: Envelope) -> str | None:
    tagged = replace(refused.report, token=replace(envelope, tagged=True).encode())
    for entry in refused.keys:
        if entry.role is refused.role and verify_again(tagged, entry, envelope.profile).valid:
            return "the token verifies with the tags 61 and 18 before it: they were cut off"
    return None


def _other_thing(token: bytes) -> str | None:
    """Which other thing the bytes are, in words; None if that cannot be said."""
    try:
        tags, _ = cbor.split_tags(token)
    except CborError:
        return None
    if METADATA_TAG in tags:
        return "this is metadata, not a token"
    return None


def _counted(count: int) -> str:
    return f"{count} bytes are" if count > 1 else "byte is"


_DAMAGES: Final[tuple[tuple[str, Callable[[bytes], bytes]], ...]] = (
    (
        "a line break was added at the token's end, as editors and echo do",
        without_line_feed,
    ),
    ("a line break was added at the token's end (CR LF)", without_crlf),
    *((f"the token is written as {form}, not as bytes", undo) for form, undo in WRITTEN_AS_TEXT),
    (
        "the tag 61 (CWT) before it is missing",
        lambda token: cbor.with_tags((CWT_TAG,), token),
    ),
    ("the token is wrapped in a byte string once too often", unwrap),
)
