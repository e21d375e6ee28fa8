"""What an envelope says, as frozen values. Every byte of it is untrusted until `verification`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from .labels import SHA_256, ManifestMember

ComponentId: TypeAlias = tuple[bytes, ...]
"""The byte strings of a component identifier, as they are encoded."""

COMMAND_MEMBERS: Final = (
    ManifestMember.PAYLOAD_FETCH,
    ManifestMember.INSTALL,
    ManifestMember.VALIDATE,
    ManifestMember.LOAD,
    ManifestMember.INVOKE,
    ManifestMember.UNINSTALL,
    ManifestMember.DEPENDENCY_RESOLUTION,
    ManifestMember.CANDIDATE_VERIFICATION,
)
"""The members of a manifest that are sequences of commands."""

SEVERABLE_MEMBERS: Final = (
    ManifestMember.COSWID,
    ManifestMember.DEPENDENCY_RESOLUTION,
    ManifestMember.PAYLOAD_FETCH,
    ManifestMember.CANDIDATE_VERIFICATION,
    ManifestMember.INSTALL,
    ManifestMember.TEXT,
)
"""The members that a manifest may hold as a digest alone, while the envelope carries them."""


@dataclass(frozen=True, slots=True)
class SuitDigest:
    """A digest with its algorithm.

    Attributes:
        algorithm: -16 is SHA-256, the only one that is accepted.
        value: the hash.
    """

    algorithm: int
    value: bytes

    def is_of(self, content: bytes) -> bool:
        """Whether it is the SHA-256 of these bytes."""
        return self.algorithm == SHA_256 and hashlib.sha256(content).digest() == self.value


@dataclass(frozen=True, slots=True)
class Signature:
    """One COSE structure of the authentication wrapper.

    Attributes:
        tag: the kind of structure; 18 is COSE_Sign1, the only one that can be verified here.
        algorithm: alg of the protected header; None if it has none, or the structure is no Sign1.
        kid: key id of either header; a hint and nothing more.
        protected: the protected header, as it is encoded.
        proof: the signature.
    """

    tag: int
    algorithm: int | None = None
    kid: bytes | None = None
    protected: bytes = b""
    proof: bytes = b""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that the profile has no use for, as it is encoded."""

    encoded: bytes


ParameterValue: TypeAlias = "int | bytes | str | bool | SuitDigest | Unknown"
Argument: TypeAlias = (
    "int | bool | tuple[int, ...] | Mapping[int, ParameterValue]"
    " | tuple[CommandSequence | None, ...] | Unknown"
)


@dataclass(frozen=True, slots=True)
class UpdateCommand:
    """One condition or directive. Two that say the same are equal, wherever they are.

    Attributes:
        label: which; see `labels.Label`.
        argument: set-component-index: an index, True for all, or several indices;
            override-parameters: values by parameter; try-each: sequences, the last may be None;
            other known ones: the reporting policy; unknown ones: `Unknown`.
        place: where it is, such as ``install[3]`` or ``install[2].try-each[0][1]``.
        offset: of its label, in bytes from the beginning of the envelope.
    """

    label: int
    argument: Argument
    place: str = field(default="", compare=False)
    offset: int = field(default=0, compare=False)


CommandSequence: TypeAlias = tuple[UpdateCommand, ...]


@dataclass(frozen=True, slots=True)
class UnknownMember:
    """A member of a map that the decoder has no use for.

    Attributes:
        label: its key.
        place: which map, such as ``envelope``, ``manifest`` or ``common``.
        offset: of the key, in bytes from the beginning of the envelope.
    """

    label: int
    place: str
    offset: int


@dataclass(frozen=True, slots=True)
class UpdateManifest:
    """A manifest, with its severed members put back.

    Attributes:
        version: 1.
        sequence_number: 0 to 2^64 - 1.
        components: their identifiers, in order of their index.
        shared: the shared sequence; empty if there is none.
        sequences: the other command sequences, those that are there.
        reference_uri: where a full manifest can be found; information only.
        severed: digests of the members that are not in the manifest itself.
        missing: severed members that the envelope does not carry either.
        unknown: members that the decoder has no use for.
        offsets: where its parts are, in bytes from the beginning of the envelope, by place, such as
            ``install`` or ``common.components[2]``.
    """

    version: int
    sequence_number: int
    components: tuple[ComponentId, ...]
    shared: CommandSequence = ()
    sequences: Mapping[ManifestMember, CommandSequence] = field(default_factory=dict)
    reference_uri: str | None = None
    severed: Mapping[ManifestMember, SuitDigest] = field(default_factory=dict)
    missing: frozenset[ManifestMember] = frozenset()
    unknown: tuple[UnknownMember, ...] = ()
    offsets: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class UpdateEnvelope:
    """An envelope taken apart; its manifest is not decoded yet.

    Attributes:
        digest: of the manifest, which the signatures cover.
        signed_digest: the digest as it is encoded: what each signature covers.
        signatures: at most 8.
        manifest: the encoded byte string that holds the manifest, its head included: what the
            digest covers.
        manifest_offset: of the manifest's first byte (after that head) in the envelope.
        severed: byte strings of members that lie outside of the manifest, as they are encoded,
            with their heads; and where the content of each begins.
        payloads: integrated payloads by their name, such as ``#code``.
        unknown: members that the decoder has no use for.
        digest_offset: of the encoded digest, in bytes from the beginning of the envelope.
        is_tagged: whether the tag 107 is before it.
    """

    digest: SuitDigest
    signed_digest: bytes
    signatures: tuple[Signature, ...]
    manifest: bytes
    manifest_offset: int
    severed: Mapping[int, tuple[bytes, int]] = field(default_factory=dict)
    payloads: Mapping[str, bytes] = field(default_factory=dict)
    unknown: tuple[UnknownMember, ...] = ()
    digest_offset: int = 0
    is_tagged: bool = True
