"""A refused update with everything that experiments on it need."""

from collections.abc import Mapping
from dataclasses import dataclass

from tinycontainer.errors import UpdateRefused
from tinycontainer.suit.envelope.model import UpdateEnvelope, UpdateManifest
from tinycontainer.suit.verification import Examination

from ..known_device import KnownDevice


@dataclass(frozen=True, slots=True)
class RefusedUpdate:
    """A refused update.

    Attributes:
        content: its bytes, untrusted.
        examination: the steps that were made.
        refusal: why it is refused.
        device: as far as it is known.
        payloads: those that the envelope leaves out, as far as they were given.
    """

    content: bytes
    examination: Examination
    refusal: UpdateRefused
    device: KnownDevice
    payloads: Mapping[str, bytes]

    @property
    def envelope(self) -> UpdateEnvelope:
        """The envelope; not for one that was refused at step 1."""
        if self.examination.envelope is None:
            raise RuntimeError("an envelope that cannot be decoded")
        return self.examination.envelope

    @property
    def manifest(self) -> UpdateManifest:
        """Its manifest; not for one that was refused at steps 1 to 5."""
        if self.examination.manifest is None:
            raise RuntimeError("a manifest that cannot be decoded")
        return self.examination.manifest
