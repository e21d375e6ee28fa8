"""The answers of `suit`: secure updates."""

from typing import Literal

from .base import AnswerTable
from .inspection import CborNode
from .judging import ExplainedStep
from .making import SectionSizes
from .tokens import ExplainedFault


class BroughtContainer(AnswerTable):
    """A container that an update brings."""

    uid: str
    """Escaped."""
    uid_hex: str
    """The same bytes in hexadecimal digits."""
    source: str
    """The file that it was read from."""
    bytes: SectionSizes


class SuitCreateAnswer(AnswerTable):
    """The envelope that was made."""

    file: str
    """Where it is."""
    bytes: int
    """Its length."""
    sequence: int
    """The number of the update."""
    digest: str
    """SHA-256 of its manifest, which signatures cover, in hexadecimal digits."""
    vendor_id: str
    """Of the devices that it is for, in hexadecimal digits."""
    class_id: str
    """The same of their class."""
    device_id: str | None
    """The same of the only device that it is for; null for all of the class."""
    containers: list[BroughtContainer]
    removed: list[str]
    """The uids of containers that it deletes, escaped."""
    added_bytes: int
    """How much longer it is, with its payloads, than the bundles."""
    payload_files: list[str]
    """What a server has to offer: payloads that are not in the envelope."""
    remarks: list[str]
    """What the device of the device file would refuse, as its file is now."""


class SuitSignAnswer(AnswerTable):
    """The envelope with one signature more."""

    file: str
    """Where it is."""
    bytes: int
    """Its length."""
    algorithm: str
    """`ES256`, `ESP256`, `EdDSA` or `Ed25519`."""
    kid: str | None
    """The key id that the signature names, escaped."""
    signatures: int
    """How many there are now."""


class UpdatedContainer(AnswerTable):
    """A container that an update changes, judged as by `explain`."""

    uid: str
    """Escaped."""
    uid_hex: str
    """The same bytes in hexadecimal digits."""
    deleted: bool
    """Whether the update deletes it."""
    refused: bool
    """Whether the device would refuse it."""
    checks: list[ExplainedStep]


class JudgedUpdateStep(ExplainedFault):
    """A step of the judgement of an update."""

    number: int
    """From 1, as in the specification."""
    check: str
    """Its name."""
    outcome: str
    """`passed`, `failed` or `skipped`."""
    detail: str
    """More about it; may be empty."""
    containers: list[UpdatedContainer]
    """Of the last step: the containers that the update changes."""


class SuitVerifyAnswer(AnswerTable):
    """Whether a device would take an update."""

    file: str
    device: str | None
    """The device file; null if only keys were given."""
    refused: bool
    """Whether a step has failed."""
    complete: bool
    """Whether all steps were made, and none has failed."""
    reason: str | None
    """The reason of the refusal, as in the specification."""
    verdict: str
    """The same in words."""
    sequence: int | None
    """The number of the update; null if steps 1 to 8 have refused it."""
    digest: str | None
    """SHA-256 of its manifest, in hexadecimal digits; null as above."""
    uids: list[str]
    """The containers that it is about, escaped; none as above."""
    signers: list[str]
    """The keys that have signed it."""
    is_repetition: bool
    """Whether the device has taken it before, so that nothing would change."""
    steps: list[JudgedUpdateStep]
    """In order, up to the first that has failed."""


class ExtractedFile(AnswerTable):
    """A file that was written."""

    file: str
    """Where it is."""
    kind: Literal["bundle", "payload"]
    name: str
    """The uid, or the name of the payload, escaped."""
    bytes: int
    """Its length."""


class SuitExtractAnswer(AnswerTable):
    """What an envelope holds, as files."""

    file: str
    files: list[ExtractedFile]
    removed: list[str]
    """The uids of containers that the update deletes, escaped."""
    digests_compared: bool
    """Whether the manifest and every section have the digest that is named for them."""
    signatures_verified: Literal[False]


class ShownDigest(AnswerTable):
    """The digest of a manifest."""

    algorithm: int
    """-16 is SHA-256."""
    value: str
    """In hexadecimal digits."""
    matches: bool
    """Whether it is that of the manifest."""


class ShownSignature(AnswerTable):
    """A signature, which nobody has verified."""

    verifiable: bool
    """Whether it is a COSE_Sign1."""
    algorithm: str
    """`ES256`, `ESP256`, `EdDSA`, `Ed25519`, a number, or `none`."""
    kid: str | None
    """The key id that it names, escaped."""


class ShownComponent(AnswerTable):
    """A component of a manifest."""

    name: str
    """As `uid section`, escaped, or the bytes of its identifier."""
    uid: str | None
    """Escaped; null if it is no component of our profile."""
    uid_hex: str | None
    """The same bytes in hexadecimal digits."""
    section: str | None
    """`meta`, `data` or `code`."""


class ShownMember(AnswerTable):
    """A member of a manifest that is a sequence of commands, or text."""

    name: str
    """As in the draft."""
    severed: bool
    """Whether the manifest holds its digest alone."""
    carried: bool
    """Whether the envelope carries it."""


class ShownManifest(AnswerTable):
    """A manifest."""

    version: int
    sequence_number: int
    bytes: int
    """Its length."""
    reference_uri: str | None
    """Where it can be found, escaped."""
    vendor_ids: list[str]
    """The identifiers that it sets, as UUIDs."""
    class_ids: list[str]
    """The same of classes."""
    device_ids: list[str]
    """The same of devices."""
    components: list[ShownComponent]
    members: list[ShownMember]
    fetches: list[str]
    """URIs of payloads that the envelope does not carry, escaped."""


class ShownPayload(AnswerTable):
    """An integrated payload."""

    name: str
    """Escaped."""
    bytes: int
    """Its length."""
    sha256: str
    """In hexadecimal digits."""
    components: list[str]
    """The names of the components that fetch it."""


class ProfileObjection(AnswerTable):
    """Something that our devices do not take."""

    place: str
    """Where in the manifest."""
    offset: int
    """In bytes, from the beginning of the file."""
    problem: str
    """What is wrong there."""


class InspectedEnvelope(AnswerTable):
    """A file with a SUIT envelope."""

    kind: Literal["envelope"]
    bytes: int
    """Its length."""
    draft: str
    """The draft that it is read by."""
    problem: str | None
    """Why it cannot be decoded; null if it can."""
    digest: ShownDigest | None
    """Null if the envelope cannot be decoded."""
    signatures: list[ShownSignature]
    manifest: ShownManifest | None
    """Null if it cannot be decoded."""
    payloads: list[ShownPayload]
    outside_profile: list[ProfileObjection]
    """What our devices do not take of it."""
    tree: CborNode
