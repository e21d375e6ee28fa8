"""Form: type, uid and data, and containers that the firmware or the runtime refuses."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tinycontainer.device.containers.riot_2024 import RIOT_MAX_ENDPOINT_ID, find_riot_objection
from tinycontainer.metadata import ContainerType, Metadata
from tinycontainer.text import show

from ..artefact.payload import payload_type
from .rule import Chapter, Finding, OwnedFinding, Rule, Severity
from .subject import Audit, AuditSubject

RIOT_FORM: Final = Rule(
    "TCL601",
    Severity.ERROR,
    "The C firmware does not take metadata of this form (riot-2024).",
    "Assemble the metadata under the profile riot-2024.",
)
PAYLOAD: Final = Rule(
    "TCL602",
    Severity.ERROR,
    "The type in the metadata contradicts what the code section looks like.",
    "Correct the type, or pack the code that was meant.",
)
LAYOUT: Final = Rule(
    "TCL603",
    Severity.ERROR,
    "The type in the metadata contradicts the file RUNTIME beside it.",
    "Correct the type in the metadata, or the file RUNTIME.",
)
INADMISSIBLE: Final = Rule(
    "TCL604",
    Severity.ERROR,
    "No runtime admits the code; what it does is not audited.",
    "Give the reason to the code's developer.",
)
NOT_ANALYSED: Final = Rule(
    "TCL605",
    Severity.NOTE,
    "The code was not looked at, so rights and endpoints could not be held against it.",
    "Audit the container together with its code, or read the source.",
)
SAME_UID: Final = Rule(
    "TCL607",
    Severity.ERROR,
    "Two containers have one uid; a device refuses the second.",
    "Give each container a uid of its own, or audit one version at a time.",
)
NO_RUNTIME: Final = Rule(
    "TCL608",
    Severity.ERROR,
    "The device has no runtime for the container's type; the load is refused.",
    "Install a runtime for the type, or choose another device.",
)
DATA_UNREAD: Final = Rule(
    "TCL609",
    Severity.NOTE,
    "There is a data section, and the code never reads it.",
    "Leave the data section empty, or ask what it is for.",
)
NO_BUNDLE: Final = Rule(
    "TCL610",
    Severity.NOTE,
    "The device file lists a bundle that is not there; it was not audited.",
    "Pack the container, and audit again.",
)
STRANGE_UID: Final = Rule(
    "TCL611",
    Severity.WARNING,
    "The uid holds bytes that are not visible ASCII; it can be taken for another one.",
    "Ask for a uid of visible ASCII characters.",
)

_VISIBLE: Final = range(0x21, 0x7F)
_DATA_READER: Final = "data_read"
_GIVEN_DATA: Final = frozenset({ContainerType.BPF})
"""Types whose code is given its data section without a call."""


def check_form(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Judge the form of one container."""
    if any(byte not in _VISIBLE for byte in subject.uid):
        yield STRANGE_UID.finding("uid", f"{subject.shown} ({subject.uid.hex()})")
    if audit.is_riot(subject):
        yield from _check_for_firmware(subject)
    yield from _check_type(audit, subject)
    if subject.refusal is not None:
        yield INADMISSIBLE.finding("code", subject.refusal)
    elif subject.unseen:
        yield NOT_ANALYSED.finding("code", subject.unseen)
    yield from _check_data(subject)


def check_set(audit: Audit) -> Iterator[OwnedFinding]:
    """Judge which containers there are."""
    for name in audit.host.missing:
        yield None, NO_BUNDLE.finding("containers", f"{show(name)} is not there")
    first_of_uid = audit.peers()
    for subject in audit.subjects:
        first = first_of_uid.get(subject.uid, subject)
        if first is not subject and subject.is_looked_into:
            message = f"{first.artefact.name} has the uid {subject.shown} too"
            yield subject, SAME_UID.finding("uid", message)


def _check_for_firmware(subject: AuditSubject) -> Iterator[Finding]:
    objection = find_riot_objection(_with_ids_in_range(subject.metadata))
    if objection is not None:
        yield RIOT_FORM.finding("metadata", objection)


def _with_ids_in_range(metadata: Metadata) -> Metadata:
    """Hide endpoint ids that are too large: TCL208 finds all of them, an objection only the first.

    Without this, such an id would also hide every objection after it.
    """
    endpoints = metadata.endpoints and tuple(
        replace(each, endpoint_id=min(each.endpoint_id, RIOT_MAX_ENDPOINT_ID))
        for each in metadata.endpoints
    )
    return replace(metadata, endpoints=endpoints)


def _check_type(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    declared = subject.metadata.container.type
    artefact = subject.artefact
    shown = f"type {declared.value} ({declared.name.lower()})"
    seen = None if artefact.code is None else payload_type(artefact.code)
    if seen is not None and seen is not declared:
        yield PAYLOAD.finding("type", f"{shown}; the code begins like {seen.name.lower()}")
    if artefact.layout is not None and artefact.layout.type is not declared:
        yield LAYOUT.finding("type", f"{shown}; RUNTIME says {artefact.layout.runtime}")
    types = audit.host.types
    if types is not None and declared not in types:
        installed = ", ".join(sorted(each.name.lower() for each in types)) or "none"
        yield NO_RUNTIME.finding("type", f"{shown}; there are: {installed}")


def _check_data(subject: AuditSubject) -> Iterator[Finding]:
    if subject.metadata.container.type in _GIVEN_DATA or not subject.facts:
        return
    if subject.artefact.data and _DATA_READER not in subject.facts.natives:
        size_bytes = len(subject.artefact.data)
        message = f"{size_bytes} bytes of data; the code never calls {_DATA_READER}"
        yield DATA_UNREAD.finding("data", message)


CHAPTER: Final = Chapter(
    (
        RIOT_FORM,
        PAYLOAD,
        LAYOUT,
        INADMISSIBLE,
        NOT_ANALYSED,
        SAME_UID,
        NO_RUNTIME,
        DATA_UNREAD,
        NO_BUNDLE,
        STRANGE_UID,
    ),
    check_form,
    check_set,
)
