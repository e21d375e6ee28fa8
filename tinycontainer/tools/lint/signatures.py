"""Tokens: what is missing, out of date, of the wrong profile, or not accepted by the device.

Tokens are verified by the device's own code, and only where the device's keys are known. What they
say of themselves is read without keys.
"""

from collections.abc import Iterator
from typing import Final

from tinycontainer.device.containers.verification import verify_tokens
from tinycontainer_tokens import Kind, Profile

from .rule import Chapter, Finding, OwnedFinding, Rule, Severity
from .subject import Audit, AuditSubject, TokenFacts

SOON_DAYS: Final = 30
_DAY_S: Final = 24 * 60 * 60

NO_SECURITY: Final = Rule(
    "TCL501",
    Severity.ERROR,
    "The metadata has no security array: no durations and no place for tokens.",
    "Assemble the metadata with a security array.",
)
UNSIGNED: Final = Rule(
    "TCL502",
    Severity.WARNING,
    "A token is missing; a device refuses the container until it is there.",
    "Have the party that is responsible for the part sign it.",
)
UNREADABLE: Final = Rule(
    "TCL503",
    Severity.ERROR,
    "A token cannot be read.",
    "Have the part signed again; verify and inspect show the token's form.",
)
EXPIRED: Final = Rule(
    "TCL504",
    Severity.ERROR,
    "A token has expired.",
    "Have the part signed again with a later expiry.",
)
EXPIRES_SOON: Final = Rule(
    "TCL505",
    Severity.WARNING,
    f"A token expires within {SOON_DAYS} days; then a running container loses what it allows.",
    "Have the part signed again before that.",
)
NOT_YET: Final = Rule(
    "TCL506",
    Severity.WARNING,
    "A token is not valid yet.",
    "Wait with the load, or have the part signed with an earlier time.",
)
MIXED: Final = Rule(
    "TCL507",
    Severity.ERROR,
    "The tokens are not all of one profile; the load is refused.",
    "Have all parts signed under one profile.",
)
REPLAYABLE: Final = Rule(
    "TCL508",
    Severity.WARNING,
    "A mask token of riot-2024 names no container: it grants the same rights to any other.",
    "Sign under rfc9052 if the board verifies it; else sign no mask that others must not have.",
)
WRONG_PROFILE: Final = Rule(
    "TCL509",
    Severity.ERROR,
    "The tokens are of a profile that is not the one asked for, or that the device does not take.",
    "Have the parts signed under the other profile, or audit for the right device.",
)
NOT_BELIEVED: Final = Rule(
    "TCL510",
    Severity.ERROR,
    "The device does not accept a token with the keys that it has.",
    "Run verify with the same keys; it shows all checks of the token.",
)
FORGIVING: Final = Rule(
    "TCL511",
    Severity.WARNING,
    "The device takes containers without any token.",
    "Take allow_unsigned out of the device file before the device leaves the bench.",
)

_FOUND_BEFORE: Final = frozenset({"present", "structure", "profile", "claims", "time"})
"""Steps of a verification whose failures have rules of their own."""


def check_signatures(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Judge the tokens of one container."""
    if not _allows_unsigned(audit):
        yield from _check_presence(audit, subject)
    for token in subject.tokens:
        if token.problem:
            yield UNREADABLE.finding(token.place, token.problem)
        yield from _check_validity(token, audit.now_s)
    yield from _check_profiles(audit, subject)
    yield from _verify_tokens(audit, subject)


def check_trust(audit: Audit) -> Iterator[OwnedFinding]:
    """Judge what the device accepts."""
    if _allows_unsigned(audit):
        yield None, FORGIVING.finding("trust.allow_unsigned", "allow_unsigned is set")


def _allows_unsigned(audit: Audit) -> bool:
    return audit.host.trust is not None and audit.host.trust.allow_unsigned


def _check_presence(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    has_security = subject.metadata.security is not None
    if not has_security and not audit.is_riot(subject):
        yield NO_SECURITY.finding("security", "the security array (key 3) is missing")
    trust = audit.host.trust
    endpoints_demanded = trust is not None and trust.require_endpoint_tokens
    for token in subject.tokens:
        if token.present or (token.kind is Kind.ENDPOINT and not endpoints_demanded):
            continue
        if not has_security and token.kind not in (Kind.MASK, Kind.ENDPOINT):
            continue  # its place is missing too, which is a finding of its own
        yield UNSIGNED.finding(token.place, f"the {token.kind.name.lower()} token is missing")


def _check_validity(token: TokenFacts, now_s: int) -> Iterator[Finding]:
    if token.claims is None:
        return
    expires_s = token.claims.expires_s
    not_before_s = token.claims.not_before_s
    if not_before_s is not None and now_s < not_before_s:
        message = f"valid from {not_before_s}; it is {now_s} (Unix seconds)"
        yield NOT_YET.finding(token.place, message)
    if expires_s is None:
        return
    if now_s >= expires_s:
        message = f"expired at {expires_s}; it is {now_s} (Unix seconds)"
        yield EXPIRED.finding(token.place, message)
    elif expires_s - now_s <= SOON_DAYS * _DAY_S:
        days = (expires_s - now_s) // _DAY_S
        message = f"expires at {expires_s} (Unix seconds), {days} whole days from {now_s}"
        yield EXPIRES_SOON.finding(token.place, message)


def _check_profiles(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    by_place = {token.place: token.profile for token in subject.tokens if token.profile}
    profiles = sorted(set(by_place.values()))
    if not profiles:
        return
    if len(profiles) > 1:
        listed = ", ".join(f"{place}: {profile}" for place, profile in by_place.items())
        yield MIXED.finding("tokens", listed)
    else:
        yield from _check_profile(audit, profiles[0])
    mask = subject.token(Kind.MASK)
    if mask is not None and mask.profile is Profile.RIOT_2024:
        yield REPLAYABLE.finding(mask.place, "the mask token carries no uid")


def _check_profile(audit: Audit, profile: Profile) -> Iterator[Finding]:
    trust = audit.host.trust
    shown = f"tokens of {profile}"
    if audit.profile is not None and profile is not audit.profile:
        yield WRONG_PROFILE.finding("tokens", f"{shown}; {audit.profile} is asked for")
    elif trust is not None and profile not in trust.profiles:
        accepted = ", ".join(trust.profiles)
        yield WRONG_PROFILE.finding("tokens", f"{shown}; the device accepts {accepted}")


def _verify_tokens(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Verify as the device does, where its keys are known."""
    trust = audit.host.trust
    if trust is None or subject.profile not in trust.profiles:
        return
    artefact = subject.artefact
    for report in verify_tokens(subject.metadata, artefact.code, artefact.data, trust, audit.now_s):
        failure = report.verification.failure if report.verification else None
        if failure is not None and failure.check not in _FOUND_BEFORE:
            message = f"step {failure.number} ({failure.check}): {failure.detail}"
            yield NOT_BELIEVED.finding(report.place, message)


CHAPTER: Final = Chapter(
    (
        NO_SECURITY,
        UNSIGNED,
        UNREADABLE,
        EXPIRED,
        EXPIRES_SOON,
        NOT_YET,
        MIXED,
        REPLAYABLE,
        WRONG_PROFILE,
        NOT_BELIEVED,
        FORGIVING,
    ),
    check_signatures,
    check_trust,
)
