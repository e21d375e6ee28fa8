"""The tokens of one container, judged together: metadata, code, data, mask, endpoints.

Used by the device at a load and a reconfiguration, and by the tools, which want to see all results.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from tinycontainer.errors import LoadError, LoadReason, TokenNotAccepted, TokensNotValidNow
from tinycontainer.interfaces.syscalls import mask_from_bytes
from tinycontainer.metadata import Endpoint, Metadata, encode_endpoint
from tinycontainer_tokens import (
    Accepted,
    Claims,
    Expectation,
    KeyStore,
    Kind,
    Profile,
    SequenceStore,
    Subject,
    Verification,
    verify,
)
from tinycontainer_tokens.unverified import parse_unverified

from .token_places import TokenPlace, token_places

RIOT_METADATA_TOKEN_BYTES = 111
RIOT_MAX_ENDPOINT_ID = 127
_RIOT_UNKNOWN_KEYS = {
    "exec_time_ms": "exec-time (key 4)",
    "period_ms": "period (key 5)",
    "period_max_ms": "period-max (key 6)",
    "lifetime_loops": "lifetime (key 7)",
    "priority": "priority (key 8)",
}


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a device believes.

    Attributes:
        keys: the keys of the roles.
        profiles: accepted profiles, the preferred one first.
        allow_unsigned: forgive absent tokens, never wrong ones; for the bench only.
        unsigned_mask: the mask of a container without a mask token, if that is forgiven.
        require_endpoint_tokens: demand the owner's token for every endpoint.
        device_id: what an ``aud`` claim must name.
    """

    keys: KeyStore = field(default_factory=KeyStore)
    profiles: tuple[Profile, ...] = (Profile.RFC9052,)
    allow_unsigned: bool = False
    unsigned_mask: int = 0
    require_endpoint_tokens: bool = False
    device_id: str | None = None


@dataclass(frozen=True, slots=True)
class TokenReport:
    """What became of one token's place.

    Attributes:
        place: such as ``code token`` or ``endpoints[2].endpoint-token``.
        expected: what a token must fit to stand there.
        token: what stands there; empty if it is absent.
        verification: the steps; None if the token is absent and that is forgiven.
    """

    place: str
    expected: Expectation
    token: bytes
    verification: Verification | None

    @property
    def subject(self) -> Subject:
        """What its sequence counts."""
        return self.expected.subject

    @property
    def acceptable(self) -> bool:
        """Whether the place keeps nobody from loading."""
        return self.verification is None or self.verification.valid


@dataclass(frozen=True, slots=True)
class Validity:
    """When the tokens of a container are valid, together.

    Attributes:
        not_before_s: the latest nbf, in Unix seconds.
        expires_s: the earliest exp, in Unix seconds; None for never.
    """

    not_before_s: int = 0
    expires_s: int | None = None

    def check(self, now_s: int) -> None:
        """Refuse a time outside.

        Raises:
            TokensNotValidNow: a token is not yet or no longer valid.
        """
        if now_s < self.not_before_s or (self.expires_s is not None and now_s >= self.expires_s):
            raise TokensNotValidNow(now_s, self.not_before_s, self.expires_s)


@dataclass(frozen=True, slots=True)
class Grant:
    """What verified tokens add up to.

    Attributes:
        mask: allowed system calls.
        profile: profile of the tokens; None if there is none.
        validity: when all of them are valid.
        accepted: what to record in the sequence store.
        unsigned: places whose tokens were absent, and forgiven.
    """

    mask: int
    profile: Profile | None
    validity: Validity
    accepted: tuple[tuple[Subject, Accepted], ...]
    unsigned: tuple[str, ...] = ()


def examine(
    metadata: Metadata,
    code: bytes | None,
    data: bytes | None,
    trust: Trust,
    now_s: int,
    sequences: SequenceStore | None = None,
    profile: Profile | None = None,
) -> tuple[TokenReport, ...]:
    """Verify every token and report on all, in the order in which a device looks at them.

    Args:
        metadata: decoded metadata.
        code: the code section; None if it is not at hand (tools only).
        data: the data section; None if it is not at hand (tools only).
        trust: keys and rules.
        now_s: time in Unix seconds.
        sequences: what was accepted before.
        profile: the profile to judge by; by default that of the tokens themselves, or the
            preferred one.
    """
    if profile is None:
        profile = profile_of(metadata) or trust.profiles[0]
    return tuple(
        _examine_one(place, expected, trust, sequences)
        for place, expected in _expectations(metadata, code, data, trust, now_s, profile)
    )


def grant(
    metadata: Metadata,
    reports: tuple[TokenReport, ...],
    trust: Trust,
    sequences: SequenceStore | None = None,
) -> Grant:
    """Add up the reports of a container that is to be loaded.

    Args:
        metadata: decoded metadata.
        reports: what `examine` found.
        trust: the rules that it was examined by.
        sequences: what was accepted before.

    Raises:
        LoadError: with the profile's objection, or the first place and step that failed.
    """
    verifications = [report.verification for report in reports if report.verification]
    profile = next((each.profile for each in verifications if each.profile), None)
    not_accepted = unaccepted_profile(profile, trust)
    if not_accepted is not None:
        raise LoadError(LoadReason.PROFILE, not_accepted)
    for report in reports:
        failure = report.verification.failure if report.verification else None
        if failure is not None:
            raise TokenNotAccepted(report.place, failure.number, failure.check, failure.detail)
    for objection in riot_objections(metadata, profile, sequences):
        raise LoadError(LoadReason.PROFILE, objection)
    claims = [verification.require() for verification in verifications]
    masks = [claim.mask for claim in claims if claim.mask is not None]
    return Grant(
        mask=mask_from_bytes(masks[0]) if masks else trust.unsigned_mask,
        profile=profile,
        validity=_together(claims),
        accepted=tuple(
            (report.subject, report.verification.accepted)
            for report in reports
            if report.verification and report.verification.accepted
        ),
        unsigned=tuple(report.place for report in reports if report.verification is None),
    )


def _together(claims: list[Claims]) -> Validity:
    """When all tokens are valid."""
    return Validity(
        max((claim.not_before_s or 0 for claim in claims), default=0),
        min((claim.expires_s for claim in claims if claim.expires_s is not None), default=None),
    )


def unaccepted_profile(profile: Profile | None, trust: Trust) -> str | None:
    """Why a device takes no tokens of a container's profile, or None."""
    if profile is None or profile in trust.profiles:
        return None
    return f"this device does not accept {profile} tokens"


def riot_objections(
    metadata: Metadata, profile: Profile | None, sequences: SequenceStore | None
) -> Iterator[str]:
    """Everything that speaks against ``riot-2024`` tokens of a container, if it has such.

    Args:
        metadata: decoded metadata.
        profile: of its tokens.
        sequences: what was accepted before.
    """
    if profile is not Profile.RIOT_2024:
        return
    objection = riot_objection(metadata)
    if objection is not None:
        yield objection
    # Only tokens of rfc9052 have a sequence, so a record of one is a record of that profile.
    if sequences and any(sequences.newest(Subject(metadata.uid, kind)) for kind in Kind):
        yield "this uid was accepted under rfc9052; riot-2024 is a step back"


def profile_of(metadata: Metadata) -> Profile | None:
    """The profile of the first token that can be taken apart; None if there is none."""
    for place in token_places(metadata):
        envelope = parse_unverified(place.token or b"")
        if envelope is not None:
            return envelope.profile
    return None


def _expectations(
    metadata: Metadata,
    code: bytes | None,
    data: bytes | None,
    trust: Trust,
    now_s: int,
    profile: Profile,
) -> Iterator[tuple[TokenPlace, Expectation]]:
    """The places that a device looks at, and what a token has to fit in each."""
    contents = {Kind.METADATA: metadata.signed_prefix, Kind.CODE: code, Kind.DATA: data}
    for place in token_places(metadata):
        content = contents.get(place.kind)
        if place.endpoint is not None:
            if place.token is None and not trust.require_endpoint_tokens:
                continue
            content = encode_endpoint(place.endpoint, with_token=False)
        yield (
            place,
            Expectation(
                kind=place.kind,
                profile=profile,
                uid=metadata.uid,
                now_s=now_s,
                content_sha256=None if content is None else hashlib.sha256(content).digest(),
                audience=trust.device_id,
                endpoint_id=place.endpoint_id,
            ),
        )


def _examine_one(
    place: TokenPlace, expected: Expectation, trust: Trust, sequences: SequenceStore | None
) -> TokenReport:
    token = place.token or b""
    if not token and trust.allow_unsigned:
        return TokenReport(place.name, expected, token, None)
    return TokenReport(place.name, expected, token, verify(token, expected, trust.keys, sequences))


def riot_objection(metadata: Metadata) -> str | None:
    """Why the C firmware would not take this metadata, or None.

    The firmware reads keys 1, 2 and 3 always and container keys 1 to 3 only, passes endpoint ids in
    8 signed bits, knows no endpoint tokens, and hashes all but the last 111 bytes.
    """
    for attribute, name in _RIOT_UNKNOWN_KEYS.items():
        if getattr(metadata.container, attribute) is not None:
            return f"container.{name} is unknown to riot-2024"
    if metadata.endpoints is None or metadata.security is None:
        missing = "endpoints (key 2)" if metadata.endpoints is None else "security (key 3)"
        return f"{missing} is missing; riot-2024 always has it"
    for i, endpoint in enumerate(metadata.endpoints):
        objection = _riot_endpoint_objection(endpoint)
        if objection is not None:
            return f"endpoints[{i}].{objection}"
    token = metadata.security.metadata_token
    if token and len(token) != RIOT_METADATA_TOKEN_BYTES:
        return (
            f"security.metadata-token has {len(token)} bytes; riot-2024 hashes all but the last"
            f" {RIOT_METADATA_TOKEN_BYTES}"
        )
    return None


def _riot_endpoint_objection(endpoint: Endpoint) -> str | None:
    if endpoint.token is not None:
        return "endpoint-token (key 6) is unknown to riot-2024"
    if endpoint.endpoint_id > RIOT_MAX_ENDPOINT_ID:
        return f"endpoint-id {endpoint.endpoint_id} is above {RIOT_MAX_ENDPOINT_ID}"
    return None
