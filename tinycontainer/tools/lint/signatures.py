"""Tokens: what is missing, out of date, of the wrong profile, or not what the device believes.

What can be verified is verified by the device's own code, and only where the device's keys are
known; what tokens say of themselves is read without them.
"""

from collections.abc import Iterator
from typing import Final

from tinycontainer.device.containers.verification import verify_tokens
from tinycontainer_tokens import Kind, Profile

from .finding import Finding, Rule, Severity, found
from .subject import DAY_S, Audit, AuditSubject, TokenFacts

SOON_DAYS: Final = 30

NO_SECURITY = Rule(
    "TCL501",
    Severity.ERROR,
    "The metadata has no security array: no durations and no place for tokens.",
    "Assemble the metadata with a security array.",
)
UNSIGNED = Rule(
    "TCL502",
    Severity.WARNING,
    "A token is missing; a device refuses the container until it is there.",
    "Have the party that is responsible for the part sign it.",
)
UNREADABLE = Rule(
    "TCL503",
    Severity.ERROR,
    "A token cannot be read.",
    "Have the part signed again; verify and inspect show the token's form.",
)
EXPIRED = Rule(
    "TCL504",
    Severity.ERROR,
    "A token has expired.",
    "Have the part signed again with a later expiry.",
)
EXPIRES_SOON = Rule(
    "TCL505",
    Severity.WARNING,
    f"A token expires within {SOON_DAYS} days; from then on the container cannot be started.",
    "Have the part signed again before that.",
)
NOT_YET = Rule(
    "TCL506",
    Severity.WARNING,
    "A token is not valid yet.",
    "Wait with the load, or have the part signed with an earlier time.",
)
MIXED = Rule(
    "TCL507",
    Severity.ERROR,
    "The tokens are not all of one profile; the load is refused.",
    "Have all parts signed under one profile.",
)
REPLAYABLE = Rule(
    "TCL508",
    Severity.WARNING,
    "A mask token of riot-2024 names no container: it grants the same rights to any other.",
    "Sign under rfc9052 if the board verifies it; else sign no mask that others must not have.",
)
WRONG_PROFILE = Rule(
    "TCL509",
    Severity.ERROR,
    "The tokens are of a profile that is not the one asked for, or that the device does not take.",
    "Have the parts signed under the other profile, or audit for the right device.",
)
NOT_BELIEVED = Rule(
    "TCL510",
    Severity.ERROR,
    "The device does not accept a token with the keys that it has.",
    "Run verify with the same keys; it shows all checks of the token.",
)
FORGIVING = Rule(
    "TCL511",
    Severity.WARNING,
    "The device takes containers without any token.",
    "Take allow_unsigned out of the device file before the device leaves the bench.",
)

RULES: Final = (
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
)

_TOLD_OTHERWISE: Final = frozenset({"present", "structure", "profile", "claims", "time"})
"""Steps of a verification that have findings of their own."""


def check_signatures(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Judge the tokens of one container."""
    if not _is_forgiving(audit):
        yield from _missing(audit, subject)
    for token in subject.tokens:
        if token.problem:
            yield found(UNREADABLE, token.place, token.problem)
        yield from _validity(token, audit.now_s)
    yield from _profiles(audit, subject)
    yield from _verified(audit, subject)


def check_trust(audit: Audit) -> Iterator[Finding]:
    """Judge whom the device believes."""
    if _is_forgiving(audit):
        yield found(FORGIVING, "trust.allow_unsigned", "allow_unsigned is set")


def _is_forgiving(audit: Audit) -> bool:
    return audit.host.trust is not None and audit.host.trust.allow_unsigned


def _missing(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    if subject.metadata.security is None and not audit.is_riot(subject):
        yield found(NO_SECURITY, "security", "the security array (key 3) is missing")
    demanded = audit.host.trust is not None and audit.host.trust.require_endpoint_tokens
    for token in subject.tokens:
        if token.present or (token.kind is Kind.ENDPOINT and not demanded):
            continue
        if subject.metadata.security is None and token.kind not in (Kind.MASK, Kind.ENDPOINT):
            continue
        yield found(UNSIGNED, token.place, f"the {token.kind.name.lower()} token is missing")


def _validity(token: TokenFacts, now_s: int) -> Iterator[Finding]:
    if token.claims is None:
        return
    expires_s, not_before_s = token.claims.expires_s, token.claims.not_before_s
    if not_before_s is not None and now_s < not_before_s:
        yield found(
            NOT_YET, token.place, f"valid from {not_before_s}; it is {now_s} (Unix seconds)"
        )
    if expires_s is None:
        return
    if now_s >= expires_s:
        yield found(EXPIRED, token.place, f"expired at {expires_s}; it is {now_s} (Unix seconds)")
    elif expires_s - now_s <= SOON_DAYS * DAY_S:
        days = (expires_s - now_s) // DAY_S
        message = f"expires at {expires_s} (Unix seconds), {days} whole days from {now_s}"
        yield found(EXPIRES_SOON, token.place, message)


def _profiles(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    by_place = {token.place: token.profile for token in subject.tokens if token.profile}
    profiles = sorted(set(by_place.values()))
    if not profiles:
        return
    if len(profiles) > 1:
        listed = ", ".join(f"{place}: {profile}" for place, profile in by_place.items())
        yield found(MIXED, "tokens", listed)
    else:
        yield from _profile(audit, profiles[0])
    mask = subject.token(Kind.MASK)
    if mask is not None and mask.profile is Profile.RIOT_2024:
        yield found(REPLAYABLE, mask.place, "the mask token carries no uid")


def _profile(audit: Audit, profile: Profile) -> Iterator[Finding]:
    trust = audit.host.trust
    if audit.profile is not None and profile is not audit.profile:
        yield found(WRONG_PROFILE, "tokens", f"tokens of {profile}; {audit.profile} is asked for")
    elif trust is not None and profile not in trust.profiles:
        accepted = ", ".join(trust.profiles)
        yield found(WRONG_PROFILE, "tokens", f"tokens of {profile}; the device accepts {accepted}")


def _verified(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    trust = audit.host.trust
    if trust is None or subject.profile not in trust.profiles:
        return
    artefact = subject.artefact
    for report in verify_tokens(subject.metadata, artefact.code, artefact.data, trust, audit.now_s):
        failure = report.verification.failure if report.verification else None
        if failure is not None and failure.check not in _TOLD_OTHERWISE:
            message = f"step {failure.number} ({failure.check}): {failure.detail}"
            yield found(NOT_BELIEVED, report.place, message)
