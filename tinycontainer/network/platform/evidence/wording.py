"""Events and their reasons in words: what happened, what a reason means, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.errors import LoadReason, UpdateReason

from .content import EvidenceKind


@dataclass(frozen=True, slots=True)
class ReasonWords:
    """A reason of a refusal in words.

    Attributes:
        means: what was wrong.
        remedy: what to do about it.
    """

    means: str
    remedy: str


HAPPENED: Final[Mapping[EvidenceKind, str]] = MappingProxyType(
    {
        EvidenceKind.LOADED: "was loaded",
        EvidenceKind.CHANGED: "was changed or updated",
        EvidenceKind.REFUSED: "the device has refused a change",
        EvidenceKind.STARTED: "was started",
        EvidenceKind.ENDED: "has ended",
        EvidenceKind.CRASHED: "has crashed",
        EvidenceKind.UNDONE: "the version of before comes back",
        EvidenceKind.REMOVED: "was removed",
        EvidenceKind.WITHDRAWN: "its owner has taken back every right",
        EvidenceKind.EXPIRED: "a right has expired",
        EvidenceKind.OTHER: "something that this platform does not know",
    }
)
"""What an event tells, by its kind."""

EXITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        ExitReason.RETURNED: "it was done by itself",
        ExitReason.LIFETIME: "the time that it may run was over",
        ExitReason.TRAP: "its code did something that is not allowed, or failed",
        ExitReason.OVERRUN: "a step of it took longer than it may",
        ExitReason.MISSED_HEARTBEAT: "it gave no sign of life in time",
        ExitReason.CREATION_FAILED: "it could not be set up from its code and data",
        ExitReason.INTERRUPTED: "somebody interrupted the device in the middle of its work",
        ExitReason.STOPPED: "somebody stopped it",
        ExitReason.KILLED: "somebody ended it at once",
        ExitReason.DELETED: "it was removed",
        ExitReason.EXPIRED: "a token without which it may not run has expired",
        ExitReason.REPLACED: "another version takes its place",
        ExitReason.UNCONFIRMED: "the new version did not complete a loop in time",
    }
)
"""Why a container is not running any more."""

_SIGN_AGAIN: Final = (
    "Let the party sign it again with a key that the device knows, as a new release."
)
_MAKE_AGAIN: Final = "Make the release again; if it comes again, look at what carries it."
_LATER: Final = "The platform tries again by itself; if it stays, look at the device."
_BY_HAND: Final = "Somebody else changes this device too; find out who, then retry the rollout."
_RIGHTS: Final = (
    "Let whoever runs the device give the gateway's peer this right in the device file."
)
_REFUSALS: Final[Mapping[str, tuple[str, str]]] = {
    LoadReason.OUT_OF_ORDER: ("The parts of the load came in the wrong order.", _MAKE_AGAIN),
    LoadReason.SECTION_LENGTH: (
        "A part has another length than was said at its beginning.",
        _MAKE_AGAIN,
    ),
    LoadReason.CAPACITY: (
        "Code, data or metadata are larger than what the device has room for.",
        "Make the release smaller, or choose devices with more room.",
    ),
    LoadReason.NO_SLOT: (
        "All places for containers are taken on the device.",
        "Remove a container that is no longer needed, then retry the rollout.",
    ),
    LoadReason.BUNDLE: ("What came is no bundle that can be read.", _MAKE_AGAIN),
    LoadReason.METADATA: (
        "The metadata cannot be read, or contradict themselves.",
        "Mend timing and endpoints in a new release.",
    ),
    LoadReason.DUPLICATE_UID: ("A container of this name is there already.", _BY_HAND),
    LoadReason.RUNTIME_MISSING: (
        "The device cannot run code of this type.",
        "Choose devices of a kind that can, or build the code for the type that these have.",
    ),
    LoadReason.CAP_EXCEEDED: (
        "It asks for more priority, time or share of the processor than the device gives.",
        "Ask for less in a new release, or let the owner of the device allow more.",
    ),
    LoadReason.TOKEN: (
        "A signature does not hold: unknown key, expired, for another device, or outdated.",
        _SIGN_AGAIN,
    ),
    LoadReason.PROFILE: (
        "The tokens, or the update, have another form than the device takes.",
        "Sign the release with the profile that the device file names.",
    ),
    LoadReason.CODE_INADMISSIBLE: (
        "The device does not admit the code: it fails the checks before the first run.",
        "Build the code again with what its runtime allows; tinycontainerctl explain says more.",
    ),
    LoadReason.UNKNOWN_UID: ("There is no such container on the device.", _BY_HAND),
    LoadReason.WRONG_STATE: (
        "The container was in a state in which this cannot be done.",
        _BY_HAND,
    ),
    LoadReason.TYPE_CHANGED: (
        "New metadata name another type of code than the container has.",
        "Bring it as a new version, which replaces the old one.",
    ),
    LoadReason.SEQUENCE_STORE: (
        "The device could not record how far its tokens count.",
        "Look at the storage of the device; it takes nothing that it cannot record.",
    ),
    LoadReason.BAD_REQUEST: ("The device could not read what it was asked.", _MAKE_AGAIN),
    UpdateReason.ENVELOPE: ("What came is no envelope of an update.", _MAKE_AGAIN),
    UpdateReason.DIGEST: ("The manifest is not the one that was signed.", _MAKE_AGAIN),
    UpdateReason.KEY: (
        "The device knows none of the keys that have signed the update.",
        "Sign the envelope with a key that the device file lists for updates.",
    ),
    UpdateReason.SIGNATURE: (
        "The signature of the update does not hold.",
        "Sign the envelope again; somebody may have changed it on its way.",
    ),
    UpdateReason.MANIFEST: ("The manifest of the update cannot be read.", _MAKE_AGAIN),
    UpdateReason.RIGHT: (
        "The key may not update this container.",
        "Let the owner of the device allow that key to update it, or sign with another.",
    ),
    UpdateReason.OLDER: (
        "The update counts less than one that the device has taken.",
        "Make an update with a higher number.",
    ),
    UpdateReason.REUSED_NUMBER: (
        "The device has taken another update with this number.",
        "Make an update with a higher number.",
    ),
    UpdateReason.VENDOR: ("The update is for devices of another vendor.", "Choose other devices."),
    UpdateReason.CLASS: ("The update is for devices of another class.", "Choose other devices."),
    UpdateReason.DEVICE: ("The update is for another device.", "Choose that device."),
    UpdateReason.ABORTED: (
        "A condition of the update is not met on this device.",
        "See what the update demands; choose devices that have it.",
    ),
    UpdateReason.PAYLOAD: (
        "A payload of the update is missing or could not be fetched.",
        "Look whether the place that the update names gives it, then retry the rollout.",
    ),
    UpdateReason.IMAGE: ("A payload is not the one that was signed.", _MAKE_AGAIN),
    UpdateReason.UNMATCHED: ("The update checks a payload that it has not brought.", _MAKE_AGAIN),
    UpdateReason.UID: ("The update names another container than its content does.", _MAKE_AGAIN),
    UpdateReason.CONTAINER: (
        "The update holds, but the device does not take the container in it.",
        "The device's own words say which check has failed.",
    ),
    "unauthorized": (
        "The device does not know who asks.",
        "Look at the keys that gateway and device share.",
    ),
    "bad-option": ("The device does not know an option of the request.", _MAKE_AGAIN),
    "forbidden": ("The gateway's peer may not do this on the device.", _RIGHTS),
    "not-found": ("The device has nothing at this place.", _BY_HAND),
    "method-not-allowed": ("The device does not do this at this place.", _MAKE_AGAIN),
    "format": ("The content has another format than the device takes.", _MAKE_AGAIN),
    "incomplete": ("A part of the upload got lost on its way.", _LATER),
    "precondition-failed": ("The container on the device was another version.", _BY_HAND),
    "too-large": (
        "The content is larger than what the device takes.",
        "Make the release smaller, or choose devices with more room.",
    ),
    "too-many-requests": ("The device is asked too often.", _LATER),
    "busy": ("The device had too much to do.", _LATER),
    "failed": (
        "Something has failed on the device.",
        "The device's own words say what; look at the device.",
    ),
    "refused": (
        "The device has refused without a reason that can be read.",
        "Look at the log of the device itself.",
    ),
    "no-answer": (
        "The device has not answered in time; nobody knows what it has done.",
        "Look whether it is switched on and registered; if it answers later, it counts as done.",
    ),
    "not-confirmed": (
        "The new version completed no loop in time; the one of before is back.",
        "See in the log why it did not; mend it in a new release.",
    ),
    "crashed": (
        "The container has crashed right after its start.",
        "See its last exit; mend the code in a new release.",
    ),
    "ended": (
        "The container has ended right after its start.",
        "If it is to end by itself, roll it out without starting it.",
    ),
    "stopped": ("Somebody has stopped the container right after its start.", _BY_HAND),
    "unsettled": ("The device was changed again and again meanwhile.", _BY_HAND),
}
REFUSALS: Final[Mapping[str, ReasonWords]] = MappingProxyType(
    {reason: ReasonWords(*words) for reason, words in _REFUSALS.items()}
)
"""What each reason means: of loads, updates and requests, and of deliveries."""
_UNKNOWN: Final = ReasonWords(
    "A reason that this platform does not know.", "Look it up in the manual of the device."
)


def explain_refusal(reason: str) -> ReasonWords:
    """What the reason of a refusal means, and what to do.

    Args:
        reason: untrusted; one that is not known is said to be so.
    """
    return REFUSALS.get(reason, _UNKNOWN)


def write_reason(kind: EvidenceKind, reason: str) -> str:
    """Why an event came, in words; empty if it does not say.

    Args:
        kind: of the event.
        reason: of it; empty for none.
    """
    if not reason:
        return ""
    if kind is EvidenceKind.REFUSED:
        return explain_refusal(reason).means
    if kind is EvidenceKind.EXPIRED:
        return f"the token for {reason} has expired"
    return EXITS.get(reason, reason)
