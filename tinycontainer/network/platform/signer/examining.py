"""All that must hold before anything is shown or signed."""

import hashlib
from dataclasses import dataclass
from typing import NoReturn

from tinycontainer.metadata import Endpoint, Metadata
from tinycontainer.text import show
from tinycontainer_tokens import Claims, ClaimsError, Kind, Profile
from tinycontainer_tokens import claims as claims_codec

from ..releases.parts import ReleasePart
from .contents import read_endpoint, read_metadata
from .refusal import RefusalReason, SigningRefused
from .request import SigningRequest
from .signed import Signed
from .tokens import draft_token


@dataclass(frozen=True, slots=True)
class Order:
    """What the signer wants to sign. It comes from the signer, never from a platform.

    Attributes:
        uid: of the container.
        number: of the release.
        part: which part of it.
        profile: the one layout of tokens that is allowed.
        allows_older: whether an older version than the last may be signed.
    """

    uid: bytes
    number: int
    part: ReleasePart
    profile: Profile = Profile.RFC9052
    allows_older: bool = False


@dataclass(frozen=True, slots=True)
class ExaminedRequest:
    """What passed all checks. Everything that is shown comes from here.

    Attributes:
        order: what the signer wants to sign.
        header: the protected header that the token will have.
        payload: the bytes that are to be signed, as claims.
        claims: the same, decoded.
        covered: the bytes that the token vouches for; None for a mask, and where only their hash
            is looked at.
        endpoint: the same, decoded, for an endpoint.
        metadata: the same, decoded, for metadata, with a draft of their token.
    """

    order: Order
    header: bytes
    payload: bytes
    claims: Claims
    covered: bytes | None
    endpoint: Endpoint | None = None
    metadata: Metadata | None = None

    @property
    def part(self) -> ReleasePart:
        """Which part it is."""
        return self.order.part

    @property
    def version(self) -> int:
        """By which people call it: its sequence, or the number of the release if it has none."""
        return self.order.number if self.claims.sequence is None else self.claims.sequence

    def as_signed(self, last: Signed | None, signed_s: int, key_sha256: bytes) -> Signed:
        """What is remembered once it is signed.

        Args:
            last: what was signed here before for this part.
            signed_s: when, in Unix seconds.
            key_sha256: hash of the public key.
        """
        counted = (self.claims.sequence, None if last is None else last.highest_sequence)
        return Signed(
            uid=self.order.uid,
            part=self.part,
            number=self.order.number,
            header=self.header,
            payload=self.payload,
            covered=self.covered,
            covered_bytes=len(self.covered or b""),
            signed_s=signed_s,
            key_sha256=key_sha256,
            highest_sequence=max((each for each in counted if each is not None), default=None),
        )


def examine(
    request: SigningRequest, order: Order, header: bytes, last: Signed | None
) -> ExaminedRequest:
    """Check what a platform asks to have signed.

    Args:
        request: untrusted.
        order: what the signer wants to sign.
        header: the protected header of tokens of the signer's key.
        last: what was signed here before for this part; None if nothing was.

    Raises:
        SigningRefused: the first check that fails.
    """
    _require_ordered(request, order)
    claims = _read_claims(request.payload, order)
    _require_not_older(claims, order, last)
    covered = _require_covered(request.covered, claims, order.part)
    endpoint = metadata = None
    if order.part.kind is Kind.ENDPOINT:
        endpoint = read_endpoint(covered, order.part.endpoint_id)
    if order.part.kind is Kind.METADATA:
        draft = draft_token(request.payload, header)
        metadata = read_metadata(covered, order.uid, draft)
    kept = None if order.part.kind is Kind.MASK else covered
    return ExaminedRequest(order, header, request.payload, claims, kept, endpoint, metadata)


def _require_ordered(request: SigningRequest, order: Order) -> None:
    if request.uid != order.uid:
        text = f"the platform answers for the container {show(request.uid)}"
        _refuse(RefusalReason.UID, f"{text}, not for {show(order.uid)}")
    if request.number != order.number:
        text = f"the platform answers for the release {request.number}"
        _refuse(RefusalReason.NUMBER, f"{text}, not for {order.number}")
    if request.part != order.part:
        text = f"the platform answers for the part {request.part.name}"
        _refuse(RefusalReason.PART, f"{text}, not for {order.part.name}")
    if request.profile is not order.profile:
        text = f"the platform wants a token of {request.profile}"
        _refuse(RefusalReason.PROFILE, f"{text}; --profile allows {order.profile}")
    if order.profile is Profile.RIOT_2024 and order.part.kind is Kind.ENDPOINT:
        _refuse(RefusalReason.PROFILE, "riot-2024 knows no tokens of endpoints")


def _read_claims(payload: bytes, order: Order) -> Claims:
    kind = order.part.kind
    try:
        claims = claims_codec.decode(payload, kind, order.profile)
        again = claims_codec.encode(claims, kind, order.profile)
    except ClaimsError as error:
        _refuse(RefusalReason.CLAIMS, f"what is to be signed is no token of this part: {error}")
    if again != payload:
        _refuse(RefusalReason.CLAIMS, "what is to be signed is not encoded as claims are")
    if order.profile is Profile.RIOT_2024:  # it carries neither kind nor uid
        return claims
    if claims.kind is not kind:
        named = "none" if claims.kind is None else claims.kind.name.lower()
        text = f"what is to be signed is a token of the kind {named}"
        _refuse(RefusalReason.CLAIMS, f"{text}, not {kind.name.lower()}")
    if claims.uid != order.uid:
        text = f"what is to be signed is a token of the container {show(claims.uid or b'')}"
        _refuse(RefusalReason.UID, f"{text}, not of {show(order.uid)}")
    return claims


def _require_not_older(claims: Claims, order: Order, last: Signed | None) -> None:
    highest = None if last is None else last.highest_sequence
    if highest is None or order.allows_older:
        return
    if claims.sequence is None:
        text = f"the token counts no versions, and version {highest} was signed here before"
        _refuse(RefusalReason.SEQUENCE, f"{text}; --older allows it")
    if claims.sequence < highest:
        text = f"version {claims.sequence} is older than version {highest}, signed here before"
        _refuse(RefusalReason.SEQUENCE, f"{text}; --older allows it")


def _require_covered(covered: bytes | None, claims: Claims, part: ReleasePart) -> bytes:
    """The bytes that the token vouches for; empty for a mask, which vouches for none."""
    if part.kind is Kind.MASK:
        if covered is not None:
            _refuse(RefusalReason.CONTENT, "a mask covers no bytes, but the platform sends some")
        return b""
    if covered is None:
        text = f"the platform does not send what a token of {part.name} covers"
        _refuse(RefusalReason.CONTENT, text)
    if hashlib.sha256(covered).digest() != claims.sha256:
        text = "the token would vouch for other bytes than those that the platform sends"
        _refuse(RefusalReason.CONTENT, text)
    return covered


def _refuse(reason: RefusalReason, text: str) -> NoReturn:
    raise SigningRefused(reason, text)
