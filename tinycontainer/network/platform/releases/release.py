"""A release: one version of a container, to which four parties add what is theirs, in any order.

What a party signs depends on its own content only; the metadata, which infrastructure signs, cover
the tokens of all others. A token stays as long as it says what is to be signed now.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tinycontainer.errors import MetadataError
from tinycontainer.interfaces.syscalls import mask_to_bytes
from tinycontainer.metadata import (
    Bundle,
    ContainerMap,
    ContainerType,
    Endpoint,
    Security,
    encode_endpoint,
)
from tinycontainer.tools.packing.packing import TokenOptions, complete_claims, metadata_to_seal
from tinycontainer_tokens import (
    Claims,
    ClaimsError,
    Expectation,
    KeyEntry,
    KeyMaterial,
    KeyStore,
    Kind,
    Profile,
    verify,
)
from tinycontainer_tokens.claims import SHA256_BYTES, encode
from tinycontainer_tokens.envelope import parse, parse_if_possible, proof_holds, read_protected

from .parts import CODE, DATA, MASK, METADATA, ReleasePart
from .unsigned import UnsignedToken


class PartState(StrEnum):
    """How far a part is."""

    MISSING = "missing"
    """Its content is not there yet."""
    WAITING = "waiting"
    """It covers the tokens of others, of which some are not there yet."""
    UNSIGNED = "unsigned"
    SIGNED = "signed"


class NotToBeSigned(Exception):
    """A part cannot be signed now, or not so; the text says why, and is fit to be shown."""


@dataclass(frozen=True, slots=True)
class ReleaseCode:
    """What the developer adds.

    Attributes:
        content: the code section.
        type: of the container.
        syscalls: mask of the calls that it asks for; no right yet.
    """

    content: bytes
    type: ContainerType
    syscalls: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What infrastructure adds.

    Attributes:
        container: the container map; its type is that of the code, and its mask token is not used.
        endpoints: all endpoints of the container, without tokens.
        security: durations, period and lifetime, without tokens.
    """

    container: ContainerMap
    endpoints: tuple[Endpoint, ...] = ()
    security: Security = field(default_factory=Security)


@dataclass(frozen=True, slots=True)
class Release:
    """A release, as far as it is there.

    Attributes:
        uid: of the container.
        number: of the version; what its tokens count, unless `terms` say otherwise.
        profile: layout of its tokens.
        code: of the developer.
        data: the data section, of the provider; it can be empty.
        plan: of infrastructure.
        mask: the system calls that the owner allows.
        signs_endpoints: whether the owner signs each endpoint too.
        terms: further claims of the tokens of each party, where they are others than the number.
        tokens: that are there.
    """

    uid: bytes
    number: int
    profile: Profile = Profile.RFC9052
    code: ReleaseCode | None = None
    data: bytes | None = None
    plan: Plan | None = None
    mask: int | None = None
    signs_endpoints: bool = True
    terms: Mapping[Kind, TokenOptions] = field(default_factory=dict)
    tokens: Mapping[ReleasePart, bytes] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[ReleasePart, ...]:
        """All that is to be signed, as far as it is known; the metadata last."""
        endpoints = self.plan.endpoints if self.plan is not None and self.signs_endpoints else ()
        granted = (ReleasePart(Kind.ENDPOINT, each.endpoint_id) for each in endpoints)
        return (CODE, DATA, MASK, *granted, METADATA)

    @property
    def is_complete(self) -> bool:
        """Whether all is signed."""
        return all(part in self.tokens for part in self.parts)

    def state(self, part: ReleasePart) -> PartState:
        """How far one of its parts is.

        Raises:
            ValueError: it has no such part.
        """
        if part not in self.parts:
            raise ValueError(f"this release has no part {part.name}")
        if part in self.tokens:
            return PartState.SIGNED
        if not self._has_content(part):
            return PartState.MISSING
        return PartState.WAITING if self.waits_for(part) else PartState.UNSIGNED

    def waits_for(self, part: ReleasePart) -> tuple[ReleasePart, ...]:
        """The parts that must be signed before a part can be."""
        if part != METADATA:
            return ()
        return tuple(each for each in self.parts if each != METADATA and each not in self.tokens)

    def _has_content(self, part: ReleasePart) -> bool:
        if part == CODE:
            return self.code is not None
        if part == DATA:
            return self.data is not None
        return self.mask is not None if part == MASK else self.plan is not None

    def terms_of(self, kind: Kind) -> TokenOptions:
        """The further claims of tokens of a kind."""
        if self.profile is Profile.RIOT_2024:
            return TokenOptions()
        return self.terms.get(kind, TokenOptions(sequence=self.number))

    def covered(self, part: ReleasePart, key: KeyMaterial) -> bytes | None:
        """The bytes that a part's token vouches for by their hash; None for a mask.

        Args:
            part: of this release.
            key: that is to sign. The metadata state how long their own token is.

        Raises:
            NotToBeSigned: something is missing before it can be signed.
        """
        self._require_signable(part)
        draft = _encode(self._claims(part, None), part, self.profile)
        return self._covered(part, UnsignedToken.of(draft, self.profile, key).token_bytes)

    def payload(self, part: ReleasePart, key: KeyMaterial) -> bytes:
        """The claims that a part's token is to have, as they are signed.

        Raises:
            NotToBeSigned: something is missing, or a token cannot say so.
        """
        return _encode(self._claims(part, self.covered(part, key)), part, self.profile)

    def with_token(
        self, part: ReleasePart, token: bytes, keys: tuple[KeyMaterial, ...]
    ) -> "Release":
        """The release with a token.

        Args:
            part: that it is for.
            token: untrusted bytes.
            keys: public keys of the party.

        Raises:
            NotToBeSigned: the part cannot be signed now, or the token says something else.
            TokenRefused: it is no token of one of these keys.
        """
        self._require_signable(part)
        covered = self._covered(part, len(token))
        terms = self.terms_of(part.kind)
        expected = Expectation(
            kind=part.kind,
            profile=self.profile,
            uid=self.uid,
            now_s=terms.not_before_s or 0,  # it can be meant for later
            content_sha256=None if covered is None else hashlib.sha256(covered).digest(),
            audience=terms.audience,
            endpoint_id=part.endpoint_id,
        )
        entries = [KeyEntry(part.role, self.profile, each) for each in keys]
        verify(token, expected, KeyStore(entries)).require()
        if not (self._is_said_by(part, token) and _names_its_key(token, keys)):
            raise NotToBeSigned(f"{part.name}: the token says something else than is to be signed")
        return replace(self, tokens={**self.tokens, part: token}).settled()

    def settled(self) -> "Release":
        """The release without tokens that say something else than is to be signed now."""
        kept: dict[ReleasePart, bytes] = {}
        for part in self.parts:
            token = self.tokens.get(part)
            found = replace(self, tokens=kept)
            if token is not None and found._is_said_by(part, token):
                kept[part] = token
        return replace(self, tokens=kept)

    def bundle(self) -> Bundle:
        """The container.

        Raises:
            NotToBeSigned: it is not complete.
        """
        token = self.tokens.get(METADATA)
        if token is None or not self.is_complete or self.code is None or self.data is None:
            missing = ", ".join(each.name for each in self.parts if each not in self.tokens)
            raise NotToBeSigned(f"not signed yet: {missing}")
        covered = self._covered(METADATA, len(token)) or b""
        return Bundle(covered + token, self.data, self.code.content)

    def _require_signable(self, part: ReleasePart) -> None:
        if part not in self.parts:
            raise NotToBeSigned(f"{part.name}: this release has no such part")
        if not self._has_content(part):
            raise NotToBeSigned(f"{part.name}: its content is missing; the {part.role} adds it")
        waits_for = self.waits_for(part)
        if waits_for:
            missing = ", ".join(f"{each.name} ({each.role})" for each in waits_for)
            raise NotToBeSigned(f"{part.name}: covers tokens that are missing: {missing}")

    def _is_said_by(self, part: ReleasePart, token: bytes) -> bool:
        envelope = parse_if_possible(token)
        if envelope is None or envelope.profile is not self.profile:
            return False
        if not self._has_content(part) or self.waits_for(part):
            return False
        try:
            claims = self._claims(part, self._covered(part, len(token)))
            return envelope.payload == _encode(claims, part, self.profile)
        except NotToBeSigned:
            return False

    def _claims(self, part: ReleasePart, covered: bytes | None) -> Claims:
        """The claims; over any hash, where what is covered is not known yet."""
        if part == MASK:
            said = Claims(mask=mask_to_bytes(self.mask or 0))
        elif covered is None:
            said = Claims(sha256=bytes(SHA256_BYTES))
        else:
            said = Claims(sha256=hashlib.sha256(covered).digest())
        try:
            return complete_claims(
                said, part.kind, self.uid, self.profile, self.terms_of(part.kind)
            )
        except MetadataError as error:
            raise NotToBeSigned(str(error)) from None

    def _covered(self, part: ReleasePart, token_bytes: int) -> bytes | None:
        if part == MASK:
            return None
        if part == CODE:
            return b"" if self.code is None else self.code.content
        if part == DATA:
            return self.data or b""
        plan = self.plan or Plan(ContainerMap(self.uid, ContainerType.UNDEFINED))
        try:
            if part != METADATA:
                return encode_endpoint(_endpoint(plan, part), with_token=False)
            return self._metadata_to_seal(plan, token_bytes)
        except MetadataError as error:
            raise NotToBeSigned(f"{part.name}: {error}") from None

    def _metadata_to_seal(self, plan: Plan, token_bytes: int) -> bytes:
        container = replace(
            plan.container,
            uid=self.uid,
            type=ContainerType.UNDEFINED if self.code is None else self.code.type,
            syscall_mask_token=self.tokens[MASK],
        )
        endpoints = tuple(
            replace(each, token=self.tokens.get(ReleasePart(Kind.ENDPOINT, each.endpoint_id)))
            for each in plan.endpoints
        )
        security = replace(
            plan.security, code_token=self.tokens[CODE], data_token=self.tokens[DATA]
        )
        return metadata_to_seal(container, endpoints, security, bytes(token_bytes))


def _endpoint(plan: Plan, part: ReleasePart) -> Endpoint:
    return next(each for each in plan.endpoints if each.endpoint_id == part.endpoint_id)


def _names_its_key(token: bytes, keys: tuple[KeyMaterial, ...]) -> bool:
    """Whether the key id in a token that was verified is that of the key that made it."""
    envelope = parse(token)
    if envelope.profile is Profile.RIOT_2024:  # it has no header
        return True
    kid = read_protected(envelope)
    return any(each.kid == kid and proof_holds(envelope, each) for each in keys)


def _encode(claims: Claims, part: ReleasePart, profile: Profile) -> bytes:
    try:
        return encode(claims, part.kind, profile)
    except ClaimsError as error:
        raise NotToBeSigned(f"{part.name} token: {error}") from None
