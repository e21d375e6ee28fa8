"""Experiments on signatures that no key of the right role fits."""

from dataclasses import replace
from typing import Final

from tinycontainer.device.containers.verification import TokenReport
from tinycontainer.text import show
from tinycontainer_tokens import Algorithm, KeyEntry, Kind, Profile, Role, TokenError, cbor
from tinycontainer_tokens import envelope as envelope_codec
from tinycontainer_tokens.envelope import Envelope
from tinycontainer_tokens.proofs import holds
from tinycontainer_tokens.unverified import claims_unverified, parse_unverified

from .experiment import Case
from .explanation import name_of

_CONTEXT: Final = {Algorithm.EDDSA: "Signature1", Algorithm.HMAC_256: "MAC0"}


def key_cause(case: Case) -> str:
    """Why no key could be tried."""
    envelope = case.envelope
    entries = [entry for entry in case.keys if entry.role is case.role]
    why = _why_none_fits(case, entries, envelope)
    stranger = _signing_role(case, envelope)
    if stranger is None:
        return why
    return f"{why}; its signature is made with the key of the role {stranger}"


def signature_cause(case: Case) -> str:
    """Who made a signature, and over what, if not the right role over the right bytes."""
    envelope = case.envelope
    return (
        _misplaced(case, envelope)
        or _wrong_role(case, envelope)
        or _other_coverage(case, envelope)
        or "no key that is known fits in any role: made with another key, or changed since"
    )


def _why_none_fits(case: Case, entries: list[KeyEntry], envelope: Envelope) -> str:
    """Which property of the role's keys rules all of them out, in the order of a key's search."""
    role, expected = case.role, case.report.expected
    if not entries:
        return f"no key of the role {role} was given"
    fitting = [entry for entry in entries if entry.profile is expected.profile]
    if not fitting:
        profiles = ", ".join(sorted({entry.profile for entry in entries}))
        return f"the keys of the role {role} are for {profiles}, not for {expected.profile}"
    entries, fitting = (
        fitting,
        [entry for entry in fitting if entry.material.algorithm is envelope.algorithm],
    )
    if not fitting:
        algorithms = ", ".join(sorted({entry.material.algorithm for entry in entries}))
        return (
            f"the token is made with {envelope.algorithm}, the keys of the role {role} are for"
            f" {algorithms}"
        )
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


def _signing_role(case: Case, envelope: Envelope) -> Role | None:
    """The first other role whose key made the signature."""
    for entry in case.keys:
        if entry.role is not case.role and holds(envelope, entry.material):
            return entry.role
    return None


def _misplaced(case: Case, envelope: Envelope) -> str | None:
    """Whether the token is that of another place."""
    for report in case.others:
        if report.token == case.report.token:
            return f"the very bytes of the {report.place} stand here too: one of them is a copy"
    stranger = _signing_role(case, envelope)
    for kind in Kind:
        if stranger is None or Role.signing(kind) is not stranger:
            continue
        claims = claims_unverified(envelope.payload, kind, envelope.profile)
        if claims is not None and claims.kind is kind:
            return (
                f"this is a {name_of(kind)} token of the role {stranger}; it stands in the place"
                f" of the {name_of(case.kind)} token"
            )
    return None


def _wrong_role(case: Case, envelope: Envelope) -> str | None:
    stranger = _signing_role(case, envelope)
    if stranger is None:
        return None
    for report in case.others:
        if _signed_by(case, report, stranger):
            return (
                f"the public keys of the roles {case.role} and {stranger} are exchanged: each"
                " fits the other's token"
            )
    return f"signed with the key of the role {stranger}; the role {case.role} has to sign"


def _signed_by(case: Case, report: TokenReport, stranger: Role) -> bool:
    """Whether a token of the stranger's was signed with what is known as this role's key."""
    envelope = parse_unverified(report.token)
    if envelope is None or Role.signing(report.expected.kind) is not stranger:
        return False
    return any(entry.role is case.role and holds(envelope, entry.material) for entry in case.keys)


def _other_coverage(case: Case, envelope: Envelope) -> str | None:
    """Whether a known key made the signature, but over other bytes than the profile demands."""
    for entry in case.keys:
        for words, covered in _coverages(case, envelope):
            # An envelope of riot-2024 covers its payload alone, so any bytes can be tried as one.
            if holds(replace(envelope, protected=b"", payload=covered), entry.material):
                role = "" if entry.role is case.role else f" by the role {entry.role}"
                return f"the signature was made{role} over {words}"
    return None


def _coverages(case: Case, envelope: Envelope) -> list[tuple[str, bytes]]:
    context = _CONTEXT[envelope.algorithm]
    structure = "MAC_structure" if envelope.algorithm is Algorithm.HMAC_256 else "Sig_structure"
    tried = [
        (
            f"COSE's {structure}; {Profile.RIOT_2024} covers the payload alone",
            cbor.encode([context, envelope.protected, b"", envelope.payload]),
        )
    ]
    if envelope.profile is Profile.RFC9052:
        rule = f"{Profile.RFC9052} covers COSE's {structure}"
        tried = [
            (f"the payload alone, as {Profile.RIOT_2024} does; {rule}", envelope.payload),
            (
                f"a {structure} with an empty protected header; {rule} with the header's bytes",
                cbor.encode([context, b"", b"", envelope.payload]),
            ),
        ]
    content = case.content_of(case.kind)
    if content is not None:
        tried.append((f"the {name_of(case.kind)} itself, not over the claims", content))
    return tried
