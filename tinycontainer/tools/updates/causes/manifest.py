"""Experiments on manifests: exchanged, changed, severed, or of another kind than ours."""

import hashlib

from tinycontainer.errors import EnvelopeError, SeveredMismatch
from tinycontainer.suit.envelope.components import parse_component
from tinycontainer.suit.envelope.decoder import decode_manifest
from tinycontainer.suit.envelope.labels import ManifestMember, name_of
from tinycontainer.suit.envelope.model import SuitDigest, UpdateEnvelope
from tinycontainer.suit.envelope.profile import objections
from tinycontainer.suit.envelope.reading import FORM
from tinycontainer.text import show
from tinycontainer_tokens import cbor

from ...explain.explanation import Explanation
from .changed_bytes import find_changed_byte
from .refused_update import RefusedUpdate


def explain_digest(refused: RefusedUpdate) -> Explanation:
    """Explain why a digest is not that of the manifest."""
    envelope = refused.envelope
    found = hashlib.sha256(envelope.manifest).digest()
    return Explanation(
        f"a manifest with sha256 {envelope.digest.value.hex()}, which is the one that is signed",
        f"a manifest with sha256 {found.hex()}",
        _find_digest_cause(envelope, found),
    )


def _find_digest_cause(envelope: UpdateEnvelope, found: bytes) -> str:
    signed = envelope.digest.value
    if envelope.digest.is_of(_inner(envelope.manifest)):
        return "the digest is of the manifest without the head of its byte string"
    pairs = enumerate(zip(signed, found, strict=False))
    differing = [place for place, (one, other) in pairs if one != other]
    if len(signed) == len(found) and len(differing) == 1:
        return f"byte {differing[0]} of the digest was changed; the manifest is the one it was of"
    changed = find_changed_byte(envelope.manifest, signed)
    if changed is not None:
        head_bytes = len(envelope.manifest) - len(_inner(envelope.manifest))
        offset = envelope.manifest_offset - head_bytes + changed.offset
        return f"byte {offset} of the file was changed: {changed.words}"
    return "the manifest was exchanged, or more than one byte of it was changed"


def explain_manifest(refused: RefusedUpdate) -> Explanation:
    """Explain why a manifest cannot be decoded, or a severed member is not the one it means."""
    problem = ": ".join(filter(None, (refused.refusal.place, refused.refusal.problem)))
    try:
        decode_manifest(refused.envelope)
    except SeveredMismatch as error:
        expected = f"the member {error.place} that the manifest has the digest of"
        return Explanation(expected, problem, _find_severed_cause(refused.envelope, error.place))
    except EnvelopeError:
        pass
    cause = "its maker follows other rules than the draft: what was signed is there unchanged"
    return Explanation("a manifest in the form of the draft", problem, cause)


def _find_severed_cause(envelope: UpdateEnvelope, name: str) -> str:
    label = next(each for each in ManifestMember if name_of(ManifestMember, each) == name)
    encoded, offset = envelope.severed[label]
    signed = _severed_digest(envelope, label)
    inner = _inner(encoded)
    if signed is None:
        return "it was exchanged or changed after signing"
    if signed.is_of(inner):
        return "the manifest has the digest of the member without the head of its byte string"
    changed = find_changed_byte(encoded, signed.value)
    if changed is not None:
        place = offset - (len(encoded) - len(inner)) + changed.offset
        return f"byte {place} of the file was changed: {changed.words}"
    return "it was exchanged, or more than one byte of it was changed after signing"


def _severed_digest(envelope: UpdateEnvelope, label: int) -> SuitDigest | None:
    """The digest that the manifest names for a member; the manifest is otherwise well-formed."""
    members = cbor.locate(_inner(envelope.manifest), len(envelope.manifest), FORM).value
    pair = members.get(label) if isinstance(members, dict) else None
    if not isinstance(pair, list) or len(pair) != 2:
        return None
    algorithm, value = pair
    if not isinstance(algorithm, int) or not isinstance(value, bytes):
        return None
    return SuitDigest(algorithm, value)


def explain_profile(refused: RefusedUpdate) -> Explanation:
    """Explain what an envelope has that our profile does not have."""
    found = list(objections(refused.envelope, refused.manifest))
    others = len({(each.place, each.problem) for each in found}) - 1
    more = f", and {others} more: see `suit inspect`" if others > 0 else ""
    return Explanation(
        "only what our profile of the draft has (specs/update.md)",
        f"{refused.refusal.place}: {refused.refusal.problem}{more}",
        _find_profile_cause(refused),
    )


def _find_profile_cause(refused: RefusedUpdate) -> str | None:
    manifest = refused.manifest
    missing = sorted(name_of(ManifestMember, each) for each in manifest.missing)
    if any(refused.refusal.place == name for name in missing):
        where = (
            f"; the whole one is at {show(manifest.reference_uri)}"
            if manifest.reference_uri
            else ""
        )
        return f"somebody has left out the severed member {', '.join(missing)} on the way{where}"
    if manifest.components and not any(_is_ours(each) for each in manifest.components):
        return "it is for devices of another kind: its components are no sections of containers"
    return None


def _is_ours(identifier: tuple[bytes, ...]) -> bool:
    try:
        parse_component(identifier)
    except ValueError:
        return False
    return True


def _inner(encoded: bytes) -> bytes:
    """What an encoded byte string holds."""
    return encoded[cbor.locate(encoded, len(encoded)).content :]
