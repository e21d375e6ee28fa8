"""Manifests and envelopes of our profile to bytes, and signatures put into them.

No private key comes in here: who signs asks for `signed_bytes`, and gives back the proof.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from tinycontainer_tokens import cbor
from tinycontainer_tokens.cbor import Encodable

from .decoder import decode_envelope
from .labels import ENVELOPE_TAG, SHA_256, CommonMember, EnvelopeMember, ManifestMember
from .model import (
    Argument,
    CommandSequence,
    ParameterValue,
    SuitDigest,
    Unknown,
    UpdateEnvelope,
    UpdateManifest,
)
from .reading import FORM
from .signatures import SIGN1_TAG

_CONTEXT: Final = "Signature1"
"""The first item of what a COSE_Sign1 covers (RFC 9052, section 4.4)."""


def encode_manifest(manifest: UpdateManifest) -> bytes:
    """Encode a manifest, without the head of the byte string that wraps it in an envelope.

    Severed members become their digests. What the decoder does not keep (unknown members, text that
    is not severed) cannot be encoded again.

    Args:
        manifest: of our profile.

    Raises:
        ValueError: it has a command or parameter whose value was not decoded.
    """
    common: dict[int, Encodable] = {CommonMember.COMPONENTS: manifest.components}
    if manifest.shared:
        common[CommonMember.SHARED_SEQUENCE] = encode_sequence(manifest.shared)
    members: dict[int, Encodable] = {
        ManifestMember.VERSION: manifest.version,
        ManifestMember.SEQUENCE_NUMBER: manifest.sequence_number,
        ManifestMember.COMMON: cbor.encode(common),
    }
    if manifest.reference_uri is not None:
        members[ManifestMember.REFERENCE_URI] = manifest.reference_uri
    for member, commands in manifest.sequences.items():
        members[member] = encode_sequence(commands)
    for member, digest in manifest.severed.items():
        members[member] = _digest(digest)
    return cbor.encode(members)


def encode_sequence(commands: CommandSequence) -> bytes:
    """Encode a command sequence, without the head of the byte string that wraps it.

    Raises:
        ValueError: it has a command or parameter whose value was not decoded.
    """
    items: list[Encodable] = []
    for command in commands:
        items += command.label, _argument(command.argument)
    return cbor.encode(items)


def digest_of(content: bytes) -> SuitDigest:
    """The SHA-256 of an image."""
    return SuitDigest(SHA_256, hashlib.sha256(content).digest())


def digest_of_wrapped(content: bytes) -> SuitDigest:
    """The SHA-256 of a manifest or a severed member: the head of its byte string counts.

    Args:
        content: what the byte string wraps.
    """
    return digest_of(cbor.encode(content))


def build_envelope(
    manifest: bytes, payloads: Mapping[str, bytes], severed: Mapping[int, bytes]
) -> bytes:
    """Make an envelope that nobody has signed yet.

    Args:
        manifest: as `encode_manifest` makes it.
        payloads: integrated payloads by their name, such as ``#0``.
        severed: encoded members whose digest is in the manifest, by their label.
    """
    digest = cbor.encode(_digest(digest_of_wrapped(manifest)))
    members: dict[int | str, Encodable] = {
        EnvelopeMember.AUTHENTICATION: cbor.encode([digest]),
        EnvelopeMember.MANIFEST: manifest,
    }
    for label, member in severed.items():
        members[label] = member
    for name, payload in payloads.items():
        members[name] = payload
    return cbor.with_tags((ENVELOPE_TAG,), cbor.encode(members))


def signed_bytes(envelope: UpdateEnvelope, protected: bytes) -> bytes:
    """What a signature over an envelope covers: COSE's Sig_structure (RFC 9052, section 4.4).

    Args:
        envelope: the signature covers its digest alone.
        protected: the protected header of the signature, as it is encoded.
    """
    return cbor.encode([_CONTEXT, protected, b"", envelope.signed_digest])


def with_signature(content: bytes, protected: bytes, proof: bytes) -> bytes:
    """Put a signature into an envelope, after those that it has.

    Args:
        content: an envelope.
        protected: the protected header, as it is encoded.
        proof: the signature over `signed_bytes`.

    Raises:
        EnvelopeError: ``content`` is no envelope, or the result would be none: it has 8 signatures
            already, or the header has other labels than alg and kid.
    """
    decode_envelope(content)
    signature = cbor.with_tags((SIGN1_TAG,), cbor.encode([protected, {}, None, proof]))
    wrapper = _wrapper_of(content)
    signed = cbor.encode(cbor.encode([*_byte_strings(wrapper.value), signature]))
    result = content[: wrapper.offset] + signed + content[wrapper.end :]
    decode_envelope(result)
    return result


def _wrapper_of(content: bytes) -> cbor.Item:
    """The byte string of the authentication wrapper of an envelope that was decoded."""
    whole = cbor.locate(content, len(content), FORM)
    members = (whole if whole.tag is None else whole.children[0]).children
    pairs = zip(members[::2], members[1::2], strict=True)
    return next(value for key, value in pairs if key.value == EnvelopeMember.AUTHENTICATION)


def _byte_strings(wrapper: cbor.Value) -> list[bytes]:
    """The digest and the signatures of a wrapper that was decoded."""
    encoded = wrapper if isinstance(wrapper, bytes) else b""
    items = cbor.decode(encoded, len(encoded))
    return [each for each in items if isinstance(each, bytes)] if isinstance(items, list) else []


def _argument(argument: Argument) -> Encodable:
    if isinstance(argument, Unknown):
        raise ValueError("a command whose argument was not decoded cannot be encoded")
    if isinstance(argument, Mapping):
        return {number: _parameter(value) for number, value in argument.items()}
    if isinstance(argument, tuple):
        return [encode_sequence(each) if isinstance(each, tuple) else each for each in argument]
    return argument


def _parameter(value: ParameterValue) -> Encodable:
    if isinstance(value, Unknown):
        raise ValueError("a parameter whose value was not decoded cannot be encoded")
    return cbor.encode(_digest(value)) if isinstance(value, SuitDigest) else value


def _digest(digest: SuitDigest) -> Encodable:
    return [digest.algorithm, digest.value]
