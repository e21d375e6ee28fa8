"""An envelope opened on a desk, as if every device were the one that it is for.

Its digests are compared and its commands carried out by the device's own processor, so what comes
out is what a device would install. Signatures are not looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.errors import EnvelopeError, TinyContainerError
from tinycontainer.interfaces.updating import (
    IDENTIFIER_BYTES,
    ContainerChange,
    UpdateIdentity,
    UpdateSection,
)
from tinycontainer.metadata import Bundle
from tinycontainer.suit.envelope.components import uids_of
from tinycontainer.suit.envelope.decoder import decode_envelope, decode_manifest
from tinycontainer.suit.envelope.labels import Parameter
from tinycontainer.suit.envelope.model import UpdateManifest
from tinycontainer.suit.envelope.profile import objections
from tinycontainer.suit.keys.keys import UpdateKeys
from tinycontainer.suit.processor import Processing, process
from tinycontainer.suit.rules import UpdateRules
from tinycontainer.suit.verification import Examined
from tinycontainer.text import show

from ..inspect.envelope_components import values_of
from .onlooker import Onlooker

Payloads = Mapping[str, bytes]
"""Payloads that an envelope leaves out, by their URI."""


@dataclass(frozen=True, slots=True)
class OpenRules(UpdateRules):
    """Rules for a desk, where payloads come from files."""

    def allow_fetch(self, uri: str) -> bool:
        """See `UpdateRules.allow_fetch`; here everything may be fetched."""
        return True


class PayloadNotGiven(TinyContainerError):
    """A payload that the envelope leaves out is not at hand.

    Attributes:
        uri: where a device would fetch it.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(f"the payload of {show(uri)} is not at hand; give it with --payload")
        self.uri = uri


def open_envelope(content: bytes) -> Examined:
    """Decode an envelope of our profile whose digests hold; nobody asks who has signed it.

    Args:
        content: untrusted bytes.

    Raises:
        EnvelopeError: it is none, has something that our profile does not have, or its digest is
            not that of its manifest.
    """
    envelope = decode_envelope(content)
    if not envelope.digest.is_of(envelope.manifest):
        problem = "the manifest is not the one that the digest is of"
        raise EnvelopeError("manifest", envelope.manifest_offset, problem)
    manifest = decode_manifest(envelope)
    for objection in objections(envelope, manifest):
        raise EnvelopeError(objection.place, objection.offset, objection.problem)
    return Examined(envelope, manifest, uids_of(manifest.components))


def extract_changes(examined: Examined, payloads: Payloads) -> tuple[ContainerChange, ...]:
    """What the envelope makes of each container, with all images matched.

    Args:
        examined: the envelope.
        payloads: those that it leaves out.

    Raises:
        UpdateRefused: a command fails: a payload has another digest than announced, for example.
        PayloadNotGiven: a payload is left out, and not given.
    """
    rules = OpenRules(identity_of(examined.manifest), UpdateKeys())
    return run(process(examined, rules, Onlooker.of_nothing(MAX_BUNDLE_BYTES)), payloads)


def run(processing: Processing, payloads: Payloads) -> tuple[ContainerChange, ...]:
    """Let a processor run to its end.

    Args:
        processing: what it does.
        payloads: what it can fetch.

    Raises:
        UpdateRefused: a command fails.
        PayloadNotGiven: a payload is left out, and not given.
    """
    try:
        request = next(processing)
        while True:
            if request.uri not in payloads:
                raise PayloadNotGiven(request.uri)
            request = processing.send(payloads[request.uri])
    except StopIteration as end:
        changes: tuple[ContainerChange, ...] = end.value
        return changes


def identity_of(manifest: UpdateManifest) -> UpdateIdentity:
    """The device that a manifest is for: the identifiers that it sets first, else zeros."""

    def first(parameter: Parameter) -> bytes | None:
        found = (value for value in values_of(manifest, parameter) if isinstance(value, bytes))
        return next(found, None)

    nobody = bytes(IDENTIFIER_BYTES)
    vendor_id = first(Parameter.VENDOR_IDENTIFIER) or nobody
    class_id = first(Parameter.CLASS_IDENTIFIER) or nobody
    return UpdateIdentity(vendor_id, class_id, first(Parameter.DEVICE_IDENTIFIER))


def bundle_of(change: ContainerChange) -> Bundle:
    """The bundle that a change brings.

    Args:
        change: not a deletion.
    """
    return Bundle(
        change.sections[UpdateSection.METADATA],
        change.sections[UpdateSection.DATA],
        change.sections[UpdateSection.CODE],
    )
