"""Experiments on signatures that no key of the right role fits."""

from dataclasses import replace

from tinycontainer.device.containers.verification import TokenReport
from tinycontainer.text import show
from tinycontainer_tokens import (
    Algorithm,
    KeyEntry,
    Kind,
    Profile,
    Role,
    TokenError,
)
from tinycontainer_tokens import envelope as envelope_codec
from tinycontainer_tokens.envelope import Envelope, parse_if_possible, proof_holds
from tinycontainer_tokens.kinds import SIGNING_ROLE
from tinycontainer_tokens.unverified import claims_unverified

from ..explanation import name_of
from .refused_token import RefusedToken


def find_key_cause(refused: RefusedToken) -> str:
    """Find out why no key could be tried."""
    envelope = refused.envelope
    entries = [entry for entry in refused.keys if entry.role is refused.role]
    why = _why_none_fits(refused, entries, envelope)
    stranger = _signing_role(refused, envelope)
    if stranger is None:
        return why
    return f"{why}; its signature is made with the key of the role {stranger}"


def find_signature_cause(refused: RefusedToken) -> str:
    """Find out who made a signature, or over which bytes it was made."""
    envelope = refused.envelope
    return (
        _misplaced(refused, envelope)
        or _wrong_role(refused, envelope)
        or _other_coverage(refused, envelope)
        or "no key that is known fits in any role: made with another key, or changed since"
    )


def _why_none_fits(refused: RefusedToken, entries: list[KeyEntry], envelope: Envelope) -> str:
    """Which property of the role's keys rules all of them out, in the order of a key's search."""
    role = refused.role
    expected = refused.report.expected
    if not entries:
        return f"no key of the role {role} was given"
    fitting = [entry for entry in entries if entry.profile is expected.profile]
    if not fitting:
        profiles = ", ".join(sorted({entry.profile for entry in entries}))
        return f"the keys of the role {role} are for {profiles}, not for {expected.profile}"
    of_profile = fitting
    fitting = [
        entry for entry in fitting if entry.material.allows(envelope.algorithm, expected.profile)
    ]
    if not fitting:
        algorithms = ", ".join(sorted({entry.material.algorithm for entry in of_profile}))
        return (
            f"the token is made with {envelope.algorithm}, the keys of the role {role} are for"
            f" {algorithms}"
        )
    fitting = [entry for entry in fitting if entry.material.may_verify]
    if not fitting:
        return f"key_ops of the keys of the role {role} does not allow to verify with them"
    fitting = [entry for entry in fitting if entry.uids is None or expected.uid in entry.uids]
    if not fitting:
        return f"the keys of the role {role} may not sign for {show(expected.uid)}"
    kids = ", ".join(sorted({show(entry.material.kid or b"") for entry in fitting}))
    return f"the token names the key id {_kid_of(envelope)}, the keys of the role {role} are {kids}"


def _kid_of(envelope: Envelope) -> str:
    try:
        return show(envelope_codec.read_protected(envelope) or b"")
    except TokenError:
        return "none"


def _signing_role(refused: RefusedToken, envelope: Envelope) -> Role | None:
    """The first other role whose key made the signature."""
    for entry in refused.keys:
        if entry.role is not refused.role and proof_holds(envelope, entry.material):
            return entry.role
    return None


def _misplaced(refused: RefusedToken, envelope: Envelope) -> str | None:
    """Whether the token is that of another place."""
    for report in refused.others:
        if report.token == refused.report.token:
            return f"the very bytes of the {report.place} are here too: one of them is a copy"
    stranger = _signing_role(refused, envelope)
    for kind in Kind:
        if stranger is None or SIGNING_ROLE[kind] is not stranger:
            continue
        claims = claims_unverified(envelope.payload, kind, envelope.profile)
        if claims is not None and claims.kind is kind:
            return (
                f"this is a {name_of(kind)} token of the role {stranger}; it is in the place"
                f" of the {name_of(refused.kind)} token"
            )
    return None


def _wrong_role(refused: RefusedToken, envelope: Envelope) -> str | None:
    stranger = _signing_role(refused, envelope)
    if stranger is None:
        return None
    for report in refused.others:
        if _signed_by(refused, report, stranger):
            return (
                f"the public keys of the roles {refused.role} and {stranger} are exchanged: each"
                " fits the other's token"
            )
    return f"signed with the key of the role {stranger}; the role {refused.role} has to sign"


def _signed_by(refused: RefusedToken, report: TokenReport, stranger: Role) -> bool:
    """Whether a token of the stranger's was signed with what is known as this role's key."""
    envelope = parse_if_possible(report.token)
    if envelope is None or SIGNING_ROLE[report.expected.kind] is not stranger:
        return False
    return any(
        entry.role is refused.role and proof_holds(envelope, entry.material)
        for entry in refused.keys
    )


def _other_coverage(refused: RefusedToken, envelope: Envelope) -> str | None:
    """Whether a known key made the signature, but over other bytes than the profile demands."""
    for entry in refused.keys:
        for words, covered in _coverages(refused, envelope):
            # An envelope of riot-2024 covers its payload alone, so any bytes can be tried as one.
            if proof_holds(replace(envelope, protected=b"", payload=covered), entry.material):
                role = "" if entry.role is refused.role else f" by the role {entry.role}"
                return f"the signature was made{role} over {words}"
    return None


def _coverages(refused: RefusedToken, envelope: Envelope) -> list[tuple[str, bytes]]:
    structure = "MAC_structure" if envelope.algorithm is Algorithm.HMAC_256 else "Sig_structure"
    tried = [
        (
            f"COSE's {structure}; {Profile.RIOT_2024} covers the payload alone",
            envelope.structure,
        )
    ]
    if envelope.profile is Profile.RFC9052:
        rule = f"{Profile.RFC9052} covers COSE's {structure}"
        tried = [
            (f"the payload alone, as {Profile.RIOT_2024} does; {rule}", envelope.payload),
            (
                f"a {structure} with an empty protected header; {rule} with the header's bytes",
                replace(envelope, protected=b"").structure,
            ),
        ]
    content = refused.content_of(refused.kind)
    if content is not None:
        tried.append((f"the {name_of(refused.kind)} itself, not over the claims", content))
    return tried
