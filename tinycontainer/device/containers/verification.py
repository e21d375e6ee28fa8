"""The tokens of one container, judged together in numbered steps; the numbers are repeated below.

 1. profile  the tokens have a profile that the device accepts
 2. tokens   each token passes its own thirteen steps (`tinycontainer_tokens.verify`): that of the
             metadata first, then those of code, data, mask and endpoints
 3. form     the metadata has the form that the profile demands; only ``riot-2024`` demands one
 4. grant    mask, validity and sequences of all tokens together

A load and a reconfiguration end at the first refusal: `grant_rights` raises it. Tools want to see
all of them, and call the steps one by one. Clauses TC-TOK-08, TC-TOK-15 and TC-TOK-17.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tinycontainer.errors import (
    LoadError,
    LoadReason,
    ProfileNotAccepted,
    TokenNotAccepted,
    TokensNotValidNow,
)
from tinycontainer.interfaces.syscalls import mask_from_bytes
from tinycontainer.metadata import Metadata, encode_endpoint, token_places
from tinycontainer_tokens import (
    Accepted,
    Expectation,
    KeyStore,
    Kind,
    Profile,
    SequenceStore,
    SequenceSubject,
    Verification,
    verify,
)
from tinycontainer_tokens.envelope import parse_if_possible

from .riot_2024 import riot_objections


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a device believes.

    Attributes:
        keys: the keys of the roles.
        profiles: accepted profiles, the preferred one first.
        allow_unsigned: accept absent tokens, never wrong ones; for the bench only.
        unsigned_mask: the mask of a container without a mask token, where that is accepted.
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
    """The verification of one token.

    Attributes:
        place: where it is, such as ``code token`` or ``endpoints[2].endpoint-token``.
        expected: what a token in this place must fit.
        token: untrusted bytes; empty if it is absent.
        verification: its steps; None if the token is absent and the device accepts that.
    """

    place: str
    expected: Expectation
    token: bytes
    verification: Verification | None

    @property
    def subject(self) -> SequenceSubject:
        """What the token's sequence counts versions of."""
        return self.expected.subject

    @property
    def refusal(self) -> TokenNotAccepted | None:
        """The step that failed, as a load is refused for it; None if none failed."""
        failure = self.verification.failure if self.verification else None
        if failure is None:
            return None
        return TokenNotAccepted(self.place, failure.number, failure.check, failure.detail)

    @property
    def acceptable(self) -> bool:
        """Whether a container can be loaded in spite of this token."""
        return self.refusal is None


@dataclass(frozen=True, slots=True)
class Validity:
    """The time in which all tokens of a container are valid.

    Attributes:
        not_before_s: the latest nbf, in Unix seconds.
        expires_s: the earliest exp, in Unix seconds; None for never.
    """

    not_before_s: int = 0
    expires_s: int | None = None

    def check(self, now_s: int) -> None:
        """Refuse a time outside of it.

        Args:
            now_s: time in Unix seconds.

        Raises:
            TokensNotValidNow: a token is not yet or no longer valid.
        """
        expired = self.expires_s is not None and now_s >= self.expires_s
        if now_s < self.not_before_s or expired:
            raise TokensNotValidNow(now_s, self.not_before_s, self.expires_s)


@dataclass(frozen=True, slots=True, order=True)
class Expiry:
    """The end of one token; those of the same second are ordered by kind.

    Attributes:
        at_s: its exp, in Unix seconds.
        kind: kind of the token.
        endpoint_id: which endpoint, for an endpoint token; 0 otherwise.
    """

    at_s: int
    kind: Kind
    endpoint_id: int = 0


@dataclass(frozen=True, slots=True)
class Grant:
    """The rights of a container, by all its tokens together.

    Attributes:
        mask: allowed system calls.
        profile: profile of the tokens; None if it has none.
        validity: when all of them are valid.
        accepted: what to record in the sequence store.
        unsigned: places without a token, where the device accepts that.
        expiries: the tokens that have yet to expire, the earliest first.
        expired_endpoints: ids of the endpoints whose tokens have expired.
    """

    mask: int
    profile: Profile | None
    validity: Validity
    accepted: tuple[tuple[SequenceSubject, Accepted], ...]
    unsigned: tuple[str, ...] = ()
    expiries: tuple[Expiry, ...] = ()
    expired_endpoints: frozenset[int] = frozenset()

    def expire(self, now_s: int) -> tuple["Grant", tuple[Expiry, ...]]:
        """What is left of the rights at a time (TC-TOK-28, TC-TOK-29).

        Args:
            now_s: time in Unix seconds.

        Returns:
            The rights that are left, and the tokens that have expired since they were last asked.
        """
        expired = tuple(expiry for expiry in self.expiries if expiry.at_s <= now_s)
        lost_ids = {expiry.endpoint_id for expiry in expired if expiry.kind is Kind.ENDPOINT}
        left = replace(
            self,
            mask=0 if any(expiry.kind is Kind.MASK for expiry in expired) else self.mask,
            expiries=self.expiries[len(expired) :],
            expired_endpoints=self.expired_endpoints | lost_ids,
        )
        return left, expired


def grant_rights(
    metadata: Metadata,
    reports: tuple[TokenReport, ...],
    trust: Trust,
    sequences: SequenceStore | None = None,
) -> Grant:
    """Grant what the tokens of a container allow, or refuse the container.

    Args:
        metadata: decoded metadata.
        reports: all of `verify_tokens` for the same metadata and trust.
        trust: keys and rules.
        sequences: what was accepted before.

    Raises:
        LoadError: the first refusal of steps 1 to 3.
    """
    # That of the first token that can be taken apart, as `profile_of` finds it.
    verifications = [report.verification for report in reports if report.verification]
    profile = next((each.profile for each in verifications if each.profile), None)
    refusal = profile_refusal(profile, trust)  # 1
    if refusal is not None:
        raise refusal
    for report in reports:  # 2
        if report.refusal is not None:
            raise report.refusal
    for objection in form_refusals(metadata, profile, sequences):  # 3
        raise objection
    return add_up(reports, profile, trust)  # 4


def profile_of(metadata: Metadata) -> Profile | None:
    """The profile of the first token that can be taken apart; None if there is none."""
    for place in token_places(metadata):
        envelope = parse_if_possible(place.token or b"")
        if envelope is not None:
            return envelope.profile
    return None


def profile_refusal(profile: Profile | None, trust: Trust) -> ProfileNotAccepted | None:  # 1
    """Why a device does not accept tokens of a profile; None if it does, or if there are none."""
    if profile is None or profile in trust.profiles:
        return None
    return ProfileNotAccepted(profile, trust.profiles)


def verify_tokens(
    metadata: Metadata,
    code: bytes | None,
    data: bytes | None,
    trust: Trust,
    now_s: int,
    sequences: SequenceStore | None = None,
    profile: Profile | None = None,
) -> tuple[TokenReport, ...]:  # 2
    """Verify every token and report on all, in the order in which a device looks at them.

    Args:
        metadata: decoded metadata.
        code: the code section; None if it is not at hand (tools only).
        data: the data section; None if it is not at hand (tools only).
        trust: keys and rules.
        now_s: time in Unix seconds.
        sequences: what was accepted before; None skips that step.
        profile: the profile that every token must have; by default that of the first token, or
            the device's preferred one if none can be taken apart.
    """
    if profile is None:
        profile = profile_of(metadata) or trust.profiles[0]
    contents = {Kind.METADATA: metadata.signed_prefix, Kind.CODE: code, Kind.DATA: data}
    reports = []
    for place in token_places(metadata):
        content = contents.get(place.kind)
        if place.endpoint is not None:
            if place.token is None and not trust.require_endpoint_tokens:
                continue
            content = encode_endpoint(place.endpoint, with_token=False)
        expected = Expectation(
            kind=place.kind,
            profile=profile,
            uid=metadata.uid,
            now_s=now_s,
            content_sha256=None if content is None else hashlib.sha256(content).digest(),
            audience=trust.device_id,
            endpoint_id=place.endpoint_id,
        )
        token = place.token or b""
        verification = None
        if token or not trust.allow_unsigned:
            verification = verify(token, expected, trust.keys, sequences)
        reports.append(TokenReport(place.name, expected, token, verification))
    return tuple(reports)


def form_refusals(
    metadata: Metadata, profile: Profile | None, sequences: SequenceStore | None
) -> Iterator[LoadError]:  # 3
    """Everything in which a container's form is not that of its profile.

    Args:
        metadata: decoded metadata.
        profile: of its tokens; None if it has none.
        sequences: what was accepted before.
    """
    if profile is Profile.RIOT_2024:
        for objection in riot_objections(metadata, sequences):
            yield LoadError(LoadReason.PROFILE, objection)


def add_up(reports: tuple[TokenReport, ...], profile: Profile | None, trust: Trust) -> Grant:  # 4
    """What all tokens of a container allow together.

    Args:
        reports: of tokens that are all acceptable.
        profile: theirs; None if there are none.
        trust: keys and rules.
    """
    claimed = [(report, report.verification.require()) for report in reports if report.verification]
    claims = [each for _, each in claimed]
    masks = [claim.mask for claim in claims if claim.mask is not None]
    validity = Validity(
        max((claim.not_before_s or 0 for claim in claims), default=0),
        min((claim.expires_s for claim in claims if claim.expires_s is not None), default=None),
    )
    return Grant(
        mask=mask_from_bytes(masks[0]) if masks else trust.unsigned_mask,
        profile=profile,
        validity=validity,
        accepted=tuple(
            (report.subject, report.verification.accepted)
            for report in reports
            if report.verification and report.verification.accepted
        ),
        unsigned=tuple(report.place for report in reports if report.verification is None),
        expiries=tuple(
            sorted(
                Expiry(claim.expires_s, report.expected.kind, report.subject.endpoint_id)
                for report, claim in claimed
                if claim.expires_s is not None
            )
        ),
    )
