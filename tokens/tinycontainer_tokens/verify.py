"""Verify one token in numbered steps; the numbers are repeated at the code.

 1. present    there is a token in the place
 2. structure  one COSE message in strict CBOR
 3. profile    the form is that of the profile asked for
 4. header     algorithm and key id, nothing else
 5. key        a key of the right role is known for profile, algorithm and uid
 6. signature  made by one of these keys
 7. claims     exactly those that kind and profile demand and allow
 8. kind       the token is meant for this place
 9. uid        ... of this container
10. audience   ... on this device
11. time       not before nbf, before exp
12. sequence   not older than what was accepted before
13. content    the hash is that of the bytes that the token vouches for

The first step that fails ends the verification. So nothing that a token says is read before its
signature has held. Clauses TC-TOK-04 to TC-TOK-21.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from . import claims as claims_codec
from .claims import Claims
from .envelope import Envelope, parse, proof_holds, read_protected
from .errors import SequenceOvertaken, SequenceStoreError, TokenError, TokenRefused
from .keys import KeyEntry, KeyStore
from .kinds import SIGNING_ROLE, Kind, Profile
from .sequences import Accepted, SequenceStore, SequenceSubject, require_not_overtaken


class StepOutcome(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """The profile does not know the check, or the caller did not give what it needs."""


class VerificationStep(NamedTuple):
    """One verification step.

    Attributes:
        number: counted from 1, the same for every token.
        check: name of the step.
        outcome: how it ended.
        detail: for a failure what was expected and found, for a skip the reason, else empty.
    """

    number: int
    check: str
    outcome: StepOutcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a token must fit to be accepted in its place.

    Attributes:
        kind: the place.
        profile: the one profile that is accepted here.
        uid: the container's uid.
        now_s: the device's time in Unix seconds.
        content_sha256: hash of the bytes that the token vouches for; None if they are not at
            hand, which skips the last step. A device always has them.
        audience: the device's id, if it has one.
        endpoint_id: which endpoint, for an endpoint token.
    """

    kind: Kind
    profile: Profile
    uid: bytes
    now_s: int
    content_sha256: bytes | None = None
    audience: str | None = None
    endpoint_id: int = 0

    @property
    def subject(self) -> SequenceSubject:
        """What the token's sequence counts versions of."""
        return SequenceSubject(self.uid, self.kind, self.endpoint_id)


@dataclass(frozen=True, slots=True)
class Verification:
    """All steps of a verification, and their result.

    Attributes:
        kind: the place of the token.
        profile: of the token's form; None if it is no COSE message.
        steps: the steps that were made, in order; only the last can have failed.
        claims: what the token says, once its signature held and its claims were read.
        accepted: what to record in the sequence store if everything else is accepted too.
    """

    kind: Kind
    profile: Profile | None
    steps: tuple[VerificationStep, ...]
    claims: Claims | None
    accepted: Accepted | None

    @property
    def valid(self) -> bool:
        """Whether no step failed."""
        return self.failure is None

    @property
    def failure(self) -> VerificationStep | None:
        """The failed step, if any."""
        last = self.steps[-1]
        return last if last.outcome is StepOutcome.FAILED else None

    def require(self) -> Claims:
        """The claims of a valid token.

        Raises:
            TokenRefused: naming the step that failed.
        """
        if self.failure is not None:
            raise TokenRefused(self.failure.number, self.failure.check, self.failure.detail)
        if self.claims is None:
            raise RuntimeError("a valid verification has read its claims")
        return self.claims


class _Skip(Exception):
    """A step that does not apply; its text says why."""


def verify(
    token: bytes, expected: Expectation, keys: KeyStore, sequences: SequenceStore | None = None
) -> Verification:
    """Verify a token in numbered steps; no bytes of a token make it raise.

    Args:
        token: untrusted bytes.
        expected: what a token in this place must fit.
        keys: the keys that are trusted.
        sequences: what was accepted before; None skips that step.

    Raises:
        SequenceStoreError: it cannot be looked up what was accepted before.
    """
    return _Verifier(token, expected, keys, sequences).run()


class _Verifier:
    def __init__(
        self, token: bytes, expected: Expectation, keys: KeyStore, sequences: SequenceStore | None
    ) -> None:
        self._token = token
        self._expected = expected
        self._keys = keys
        self._sequences = sequences
        # Set by the steps 2 and 5, and read only by later ones.
        self._envelope: Envelope
        self._profile: Profile | None = None
        self._candidates: tuple[KeyEntry, ...]
        self._kid: bytes | None = None
        self._claims: Claims | None = None

    def run(self) -> Verification:
        steps: list[VerificationStep] = []
        for passed, check in _STEPS:
            try:
                check(self)
            except _Skip as skip:
                steps.append(passed._replace(outcome=StepOutcome.SKIPPED, detail=str(skip)))
            except SequenceStoreError:
                raise
            except TokenError as error:
                steps.append(passed._replace(outcome=StepOutcome.FAILED, detail=str(error)))
                break
            else:
                steps.append(passed)
        return Verification(
            self._expected.kind, self._profile, tuple(steps), self._claims, self._acceptance()
        )

    def _acceptance(self) -> Accepted | None:
        if self._claims is None or self._claims.sequence is None:
            return None
        return Accepted(self._claims.sequence, self._token_sha256())

    def _token_sha256(self) -> bytes:
        return hashlib.sha256(self._token).digest()

    def present(self) -> None:  # 1
        if not self._token:
            raise TokenError(f"the {self._expected.kind.name.lower()} token is missing")

    def structure(self) -> None:  # 2
        self._envelope = parse(self._token)
        self._profile = self._envelope.profile

    def profile(self) -> None:  # 3
        found = self._profile
        if found is not self._expected.profile:
            raise TokenError(f"wrong profile: expected {self._expected.profile}, found {found}")
        if found is Profile.RFC9052 and not self._envelope.tagged:
            raise TokenError("a token of rfc9052 begins with the tags 61 and 18 or 17")

    def header(self) -> None:  # 4
        if self._expected.profile is Profile.RIOT_2024:
            raise _Skip("headers are empty in riot-2024")
        self._kid = read_protected(self._envelope)

    def key(self) -> None:  # 5
        role = SIGNING_ROLE[self._expected.kind]
        algorithm = self._envelope.algorithm
        self._candidates = self._keys.candidates(
            role, self._expected.profile, algorithm, self._expected.uid, self._kid
        )
        if not self._candidates:
            raise TokenError(
                f"no key of the role {role} that may sign {algorithm} tokens of"
                f" {self._expected.profile} for this container"
                + (" and has the token's key id" if self._kid else "")
            )

    def signature(self) -> None:  # 6
        for entry in self._candidates:
            if proof_holds(self._envelope, entry.material):
                return
        role = SIGNING_ROLE[self._expected.kind]
        raise TokenError(f"not made with a key of the role {role}, or changed since")

    def claims(self) -> None:  # 7
        self._claims = claims_codec.decode(
            self._envelope.payload, self._expected.kind, self._expected.profile
        )

    def kind(self) -> None:  # 8
        found = self._bound_claims().kind
        if found is not self._expected.kind:
            place = self._expected.kind.name.lower()
            name = found.name.lower() if found else "nameless"
            raise TokenError(f"a {name} token is in the place of the {place} token")

    def uid(self) -> None:  # 9
        if self._bound_claims().uid != self._expected.uid:
            raise TokenError("the token was made for another container")

    def audience(self) -> None:  # 10
        audience = self._bound_claims().audience
        if audience is None:
            raise _Skip("the token names no device")
        if self._expected.audience is None:
            raise TokenError("the token is for one device, and this device has no id")
        if audience != self._expected.audience:
            raise TokenError("the token was made for another device")

    def time(self) -> None:  # 11
        claims = self._bound_claims()
        now_s = self._expected.now_s
        if claims.not_before_s is None and claims.expires_s is None:
            raise _Skip("the token is valid at all times")
        if claims.not_before_s is not None and now_s < claims.not_before_s:
            raise TokenError(f"valid from {claims.not_before_s}; it is {now_s} (Unix seconds)")
        if claims.expires_s is not None and now_s >= claims.expires_s:
            raise TokenError(f"expired at {claims.expires_s}; it is {now_s} (Unix seconds)")

    def sequence(self) -> None:  # 12
        found = self._bound_claims().sequence
        if self._sequences is None:
            raise _Skip("no record of accepted sequences was given")
        newest = self._sequences.newest(self._expected.subject)
        if found is None:
            self._require_uncounted(newest)
            return
        try:
            require_not_overtaken(newest, Accepted(found, self._token_sha256()))
        except SequenceOvertaken as error:  # the token's fault, unlike that of a store that fails
            raise TokenError(str(error)) from None

    def _require_uncounted(self, newest: Accepted | None) -> None:
        if newest is None:
            raise _Skip("the token counts no versions")
        raise TokenError(
            f"the token counts no versions, but sequence {newest.sequence} was accepted before"
        )

    def content(self) -> None:  # 13
        found = self._read_claims().sha256
        expected = self._expected.content_sha256
        if found is None:
            raise _Skip("a mask token carries its content itself")
        if expected is None:
            raise _Skip("what the token vouches for was not given")
        if found == expected:
            return
        if self._expected.kind is Kind.METADATA:
            # Its hashes cover signatures: a trace that shows them would differ from key to key.
            raise TokenError("the metadata is not what the token vouches for")
        raise TokenError(
            f"the token vouches for sha256 {found.hex()},"
            f" the {self._expected.kind.name.lower()} has {expected.hex()}"
        )

    def _bound_claims(self) -> Claims:
        if self._expected.profile is Profile.RIOT_2024:
            raise _Skip("riot-2024 does not carry this claim")
        return self._read_claims()

    def _read_claims(self) -> Claims:
        if self._claims is None:
            raise RuntimeError("step 7 comes before this one")
        return self._claims


_CHECKS: Final[tuple[Callable[[_Verifier], None], ...]] = (
    _Verifier.present,
    _Verifier.structure,
    _Verifier.profile,
    _Verifier.header,
    _Verifier.key,
    _Verifier.signature,
    _Verifier.claims,
    _Verifier.kind,
    _Verifier.uid,
    _Verifier.audience,
    _Verifier.time,
    _Verifier.sequence,
    _Verifier.content,
)
_STEPS: Final = tuple(
    (VerificationStep(number, check.__name__, StepOutcome.PASSED), check)
    for number, check in enumerate(_CHECKS, start=1)
)
