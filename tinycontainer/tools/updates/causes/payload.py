"""Experiments on payloads: missing, changed, or exchanged for each other."""

from collections.abc import Iterator
from dataclasses import dataclass

from tinycontainer import metadata as metadata_codec
from tinycontainer.errors import MetadataError
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.suit.envelope.components import parse_component
from tinycontainer.suit.envelope.model import SuitDigest
from tinycontainer.text import show

from ...explain.causes.variants import find_accident
from ...explain.explanation import Explanation
from ...inspect.envelope_components import name_component, read_uses
from .changed_bytes import find_changed_byte
from .refused_update import RefusedUpdate


@dataclass(frozen=True, slots=True)
class _Image:
    """A component whose payload is at hand, and what it is compared with."""

    name: str
    uid: bytes
    section: UpdateSection
    content: bytes
    digest: SuitDigest


def explain_payload(refused: RefusedUpdate) -> Explanation:
    """Explain why a payload cannot be had."""
    envelope = refused.envelope
    rules = refused.device.rules
    uris = dict.fromkeys(uri for use in read_uses(refused.manifest) for uri in use.uris)
    lost = [uri for uri in uris if uri.startswith("#") and uri not in envelope.payloads]
    if lost:
        carried = ", ".join(map(show, envelope.payloads)) or "none"
        cause = "somebody has left it out on the way, or its maker has forgotten it"
        return Explanation(f"the payload {show(lost[0])} in the envelope", carried, cause)
    outside = [uri for uri in uris if uri not in envelope.payloads]
    strange = [uri for uri in outside if rules is not None and not rules.allow_fetch(uri)]
    if strange and rules is not None:
        origins = ", ".join(rules.origins) or "no server"
        cause = "its server is not in `fetch` of [update] in the device file"
        return Explanation(f"a URI at: {origins}", show(strange[0]), cause)
    return Explanation("payloads that are there", refused.refusal.problem)


def explain_image(refused: RefusedUpdate) -> Explanation:
    """Explain why a payload is not the one that the manifest announces."""
    images = list(_images(refused))
    wrong = [each for each in images if not each.digest.is_of(each.content)]
    wrong = [each for each in wrong if each.uid == refused.refusal.uid] or wrong
    if not wrong:
        return Explanation("the image that the manifest announces", refused.refusal.problem)
    image = wrong[0]
    expected = f"{image.name} with sha256 {image.digest.value.hex()}"
    return Explanation(expected, refused.refusal.problem, _find_image_cause(image, images))


def _find_image_cause(image: _Image, images: list[_Image]) -> str:
    for other in images:
        if other.digest.is_of(image.content):
            return f"this is the payload of {other.name}: they are exchanged, or one was copied"
    accident = find_accident(image.digest.value, image.content)
    if accident is not None:
        return f"it would be right {accident.words}"
    changed = find_changed_byte(image.content, image.digest.value)
    if changed is not None:
        return f"byte {changed.offset} of the payload was changed: {changed.words}"
    return "the payload was exchanged after the manifest was made; integrated ones are not signed"


def explain_unmatched(refused: RefusedUpdate) -> Explanation:
    """Explain why a component is not taken though nothing is wrong with it."""
    for identifier, use in zip(
        refused.manifest.components, read_uses(refused.manifest), strict=True
    ):
        if not use.digests:
            name = name_component(identifier)
            cause = f"the manifest never compares {name}, so anybody could exchange its payload"
            return Explanation("an image-match after each fetch", refused.refusal.problem, cause)
    cause = (
        "the manifest compares it before the last fetch, or in a sequence that is not carried out"
    )
    return Explanation("an image-match after each fetch", refused.refusal.problem, cause)


def explain_uid(refused: RefusedUpdate) -> Explanation:
    """Explain why metadata is of another container than its component."""
    uid = refused.refusal.uid
    expected = f"metadata of {show(uid)}"
    images = [each for each in _images(refused) if each.section is UpdateSection.METADATA]
    for image in images:
        found = _uid_in(image.content)
        if image.uid == uid and found is not None and found != uid:
            swapped = any(other.uid == found and _uid_in(other.content) == uid for other in images)
            cause = (
                f"the metadata of {show(uid)} and {show(found)} is exchanged"
                if swapped
                else "the update was made of another container's bundle"
            )
            return Explanation(expected, f"metadata of {show(found)}", cause)
    return Explanation(expected, refused.refusal.problem)


def _uid_in(metadata: bytes) -> bytes | None:
    try:
        return metadata_codec.decode(metadata, max(len(metadata), 1)).uid
    except MetadataError:
        return None


def _images(refused: RefusedUpdate) -> Iterator[_Image]:
    """The components of which a payload is at hand, with the digest that it is compared with."""
    payloads = {**refused.payloads, **refused.envelope.payloads}
    for identifier, use in zip(
        refused.manifest.components, read_uses(refused.manifest), strict=True
    ):
        uid, section = parse_component(identifier)
        at_hand = [payloads[uri] for uri in use.uris if uri in payloads]
        if at_hand and use.digests:
            name = name_component(identifier)
            yield _Image(name, uid, section, at_hand[-1], use.digests[-1])
