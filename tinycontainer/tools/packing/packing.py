"""Make containers: sign each part with its role's key, seal the metadata, bundle it all.

Each of the four parties can do its part on a machine of its own: three make tokens with a `Signer`,
the infrastructure puts them together with `assemble_metadata`. `pack` does all of this in turn.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from tinycontainer.errors import MetadataError
from tinycontainer.interfaces.syscalls import mask_to_bytes
from tinycontainer.metadata import Bundle, ContainerMap, Endpoint, Security, encode, encode_endpoint
from tinycontainer_tokens import (
    Claims,
    ClaimsError,
    KeyFileError,
    KeyMaterial,
    Kind,
    Profile,
    Role,
    issue,
)
from tinycontainer_tokens.claims import SHA256_BYTES


@dataclass(frozen=True, slots=True)
class TokenOptions:
    """Claims of tokens besides the uid, the kind and what they vouch for (rfc9052 only).

    Attributes:
        sequence: version counter.
        audience: device id, if the container is for one device.
        not_before_s, expires_s, issued_s: Unix seconds.
    """

    sequence: int = 1
    audience: str | None = None
    not_before_s: int | None = None
    expires_s: int | None = None
    issued_s: int | None = None


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A container that is to be packed.

    Attributes:
        container: the container map, without its mask token.
        endpoints: the endpoints, as a rule without tokens.
        security: durations, period and lifetime, without tokens.
        mask: system calls that the owner allows.
        profile: layout of the tokens.
        sign_endpoints: whether the owner signs every endpoint too.
        options: further claims.
    """

    container: ContainerMap
    endpoints: tuple[Endpoint, ...] = ()
    security: Security = field(default_factory=Security)
    mask: int = 0
    profile: Profile = Profile.RFC9052
    sign_endpoints: bool = False
    options: TokenOptions = field(default_factory=TokenOptions)


@dataclass(frozen=True, slots=True)
class Signer:
    """One party's key, and how it signs for one container.

    Attributes:
        key: with its secret half.
        uid: for which container.
        profile: layout of the tokens.
        options: further claims.

    Every token raises MetadataError for a value that it cannot carry, and KeyFileError for a key
    that cannot sign.
    """

    key: KeyMaterial
    uid: bytes
    profile: Profile
    options: TokenOptions

    def sign_content(self, kind: Kind, content: bytes) -> bytes:
        """Make a token that vouches for bytes by their hash."""
        return self.sign_digest(kind, hashlib.sha256(content).digest())

    def sign_digest(self, kind: Kind, sha256: bytes) -> bytes:
        """Make a token that vouches for a hash."""
        return self._issue(kind, Claims(sha256=sha256))

    def sign_mask(self, mask: int) -> bytes:
        """Make a token that allows system calls."""
        if mask < 0:
            raise MetadataError("mask token", f"{mask} is no mask of system calls")
        return self.sign_mask_bytes(mask_to_bytes(mask))

    def sign_mask_bytes(self, mask: bytes) -> bytes:
        """Make the same token for a mask of 1 to 4 bytes, as the claim holds it."""
        return self._issue(Kind.MASK, Claims(mask=mask))

    def sign_endpoint(self, endpoint: Endpoint) -> bytes:
        """Make a token that allows one endpoint."""
        return self.sign_content(Kind.ENDPOINT, encode_endpoint(endpoint, with_token=False))

    def _issue(self, kind: Kind, claims: Claims) -> bytes:
        claims = complete_claims(claims, kind, self.uid, self.profile, self.options)
        try:
            return issue(claims, kind, self.key, self.profile)
        except ClaimsError as error:
            raise MetadataError(f"{kind.name.lower()} token", str(error)) from None


def complete_claims(
    claims: Claims, kind: Kind, uid: bytes, profile: Profile, options: TokenOptions
) -> Claims:
    """All that a token says.

    Args:
        claims: the hash or the mask that it vouches for.
        kind: of the token.
        uid: of the container.
        profile: layout of the token.
        options: further claims.

    Raises:
        MetadataError: the profile cannot carry the further claims.
    """
    if profile is Profile.RIOT_2024:
        _require_no_options(options)
        return claims
    return replace(
        claims,
        uid=uid,
        kind=kind,
        sequence=options.sequence,
        audience=options.audience,
        not_before_s=options.not_before_s,
        expires_s=options.expires_s,
        issued_s=options.issued_s,
    )


@dataclass(frozen=True, slots=True)
class PartyTokens:
    """The tokens of the three other parties, each made on a machine of its own.

    Attributes:
        code: token of the developer.
        data: token of the provider.
        mask: token of the owner.
        endpoints: tokens of the owner by endpoint id; other endpoints keep what they have.
    """

    code: bytes
    data: bytes
    mask: bytes
    endpoints: Mapping[int, bytes] = field(default_factory=dict)


def seal_metadata(
    container: ContainerMap,
    endpoints: tuple[Endpoint, ...],
    security: Security,
    signer: Signer,
) -> bytes:
    """Encode metadata and end it with the metadata token, which covers all that comes before it.

    Args:
        container: with its mask token.
        endpoints: with their tokens, if they have any.
        security: with code and data token.
        signer: the infrastructure.

    Raises:
        MetadataError: a value is out of its range.
    """
    draft_token = signer.sign_digest(Kind.METADATA, bytes(SHA256_BYTES))
    prefix = metadata_to_seal(container, endpoints, security, draft_token)
    return prefix + signer.sign_content(Kind.METADATA, prefix)


def metadata_to_seal(
    container: ContainerMap,
    endpoints: tuple[Endpoint, ...],
    security: Security,
    draft_token: bytes,
) -> bytes:
    """What a metadata token covers: all of the metadata but the token itself.

    The token ends the metadata, after a head that states its length and that it covers. A token
    over any other hash is as long, so a draft with one begins with the bytes to be signed.

    Args:
        container: with its mask token.
        endpoints: with their tokens, if they have any.
        security: with code and data token.
        draft_token: any bytes as long as the token.

    Raises:
        MetadataError: a value is out of its range.
    """
    draft = encode(container, endpoints, replace(security, metadata_token=draft_token))
    return draft[: len(draft) - len(draft_token)]


def assemble_metadata(
    blueprint: Blueprint, tokens: PartyTokens, infrastructure: KeyMaterial
) -> bytes:
    """Put the parties' tokens into the metadata, and seal it.

    Whether the tokens fit is not checked here: `tinycontainer.device.containers.verification` does
    that, with public keys.

    Args:
        blueprint: what is to be packed.
        tokens: those of developer, provider and owner.
        infrastructure: the private key that seals the metadata.

    Raises:
        MetadataError: a value is out of its range, or a token is for an endpoint not declared.
        KeyFileError: the key cannot sign.
    """
    undeclared = set(tokens.endpoints) - {e.endpoint_id for e in blueprint.endpoints}
    if undeclared:
        raise MetadataError("endpoints", f"a token is for {min(undeclared)}, which is not declared")
    endpoints = tuple(
        replace(endpoint, token=tokens.endpoints.get(endpoint.endpoint_id, endpoint.token))
        for endpoint in blueprint.endpoints
    )
    return seal_metadata(
        replace(blueprint.container, syscall_mask_token=tokens.mask),
        endpoints,
        replace(blueprint.security, code_token=tokens.code, data_token=tokens.data),
        _make_signer(blueprint, infrastructure),
    )


def pack(
    blueprint: Blueprint,
    code: bytes,
    data: bytes,
    keys: Mapping[Role, KeyMaterial],
    mask_token: bytes | None = None,
) -> Bundle:
    """Sign as all four parties, and assemble.

    Args:
        blueprint: what is to be packed.
        code: the code section.
        data: the data section.
        keys: the private key of each role.
        mask_token: a mask token that the owner has made before, in place of a new one.

    Raises:
        MetadataError: a value of the blueprint is out of its range.
        KeyFileError: a role's key is missing or cannot sign.
    """
    missing = set(Role) - set(keys)
    if missing:
        raise KeyFileError(f"the key of the role {min(missing)} is missing")
    owner = _make_signer(blueprint, keys[Role.OWNER])
    signed = blueprint.endpoints if blueprint.sign_endpoints else ()
    tokens = PartyTokens(
        code=_make_signer(blueprint, keys[Role.DEVELOPER]).sign_content(Kind.CODE, code),
        data=_make_signer(blueprint, keys[Role.PROVIDER]).sign_content(Kind.DATA, data),
        mask=owner.sign_mask(blueprint.mask) if mask_token is None else mask_token,
        endpoints={endpoint.endpoint_id: owner.sign_endpoint(endpoint) for endpoint in signed},
    )
    return Bundle(assemble_metadata(blueprint, tokens, keys[Role.INFRASTRUCTURE]), data, code)


def pack_unsigned(blueprint: Blueprint, code: bytes, data: bytes) -> Bundle:
    """Bundle a container without any token, for a device that allows it.

    Raises:
        MetadataError: a value of the blueprint is out of its range.
    """
    metadata = encode(blueprint.container, blueprint.endpoints, blueprint.security)
    return Bundle(metadata, data, code)


def _require_no_options(options: TokenOptions) -> None:
    for option in fields(TokenOptions):
        if getattr(options, option.name) != option.default:
            raise MetadataError("tokens", f"riot-2024 tokens cannot carry {option.name}")


def _make_signer(blueprint: Blueprint, key: KeyMaterial) -> Signer:
    return Signer(key, blueprint.container.uid, blueprint.profile, blueprint.options)
