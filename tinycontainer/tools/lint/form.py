"""Form: type, payload, hooks and data, and what the firmware or the runtime refuses outright."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tinycontainer.device.containers.riot_2024 import RIOT_MAX_ENDPOINT_ID, find_riot_objection
from tinycontainer.interfaces.runtime import Hook
from tinycontainer.metadata import ContainerType, Metadata
from tinycontainer.text import show

from ..artefact.payload import payload_type
from .finding import Finding, Rule, Severity, found
from .subject import Audit, AuditSubject

RIOT_FORM = Rule(
    "TCL601",
    Severity.ERROR,
    "The C firmware does not take metadata of this form (riot-2024).",
    "Assemble the metadata under the profile riot-2024.",
)
PAYLOAD = Rule(
    "TCL602",
    Severity.ERROR,
    "The type in the metadata contradicts what the code section looks like.",
    "Correct the type, or pack the code that was meant.",
)
LAYOUT = Rule(
    "TCL603",
    Severity.ERROR,
    "The type in the metadata contradicts the file RUNTIME beside it.",
    "Correct the type in the metadata, or the file RUNTIME.",
)
INADMISSIBLE = Rule(
    "TCL604",
    Severity.ERROR,
    "No runtime admits the code; what it does is not audited.",
    "Give the reason to the code's developer.",
)
NOT_ANALYSED = Rule(
    "TCL605",
    Severity.NOTE,
    "The code was not looked at, so rights and endpoints could not be held against it.",
    "Audit the container together with its code, or read the source.",
)
NO_HOOK = Rule(
    "TCL606",
    Severity.WARNING,
    "The code lacks a hook that the C firmware calls (riot-2024).",
    "Export the hook, if only as an empty function.",
)
SAME_UID = Rule(
    "TCL607",
    Severity.ERROR,
    "Two containers have one uid; a device refuses the second.",
    "Give each container a uid of its own, or audit one version at a time.",
)
NO_RUNTIME = Rule(
    "TCL608",
    Severity.ERROR,
    "The device has no runtime for the container's type; the load is refused.",
    "Install a runtime for the type, or choose another device.",
)
DATA_UNREAD = Rule(
    "TCL609",
    Severity.NOTE,
    "There is a data section, and the code never reads it.",
    "Leave the data section empty, or ask what it is for.",
)
NO_BUNDLE = Rule(
    "TCL610",
    Severity.NOTE,
    "The device file lists a bundle that is not there; it was not audited.",
    "Pack the container, and audit again.",
)
STRANGE_UID = Rule(
    "TCL611",
    Severity.WARNING,
    "The uid holds bytes that are not visible ASCII; it can be taken for another one.",
    "Ask for a uid of visible ASCII characters.",
)

RULES: Final = (
    RIOT_FORM,
    PAYLOAD,
    LAYOUT,
    INADMISSIBLE,
    NOT_ANALYSED,
    NO_HOOK,
    SAME_UID,
    NO_RUNTIME,
    DATA_UNREAD,
    NO_BUNDLE,
    STRANGE_UID,
)

_VISIBLE: Final = range(0x21, 0x7F)
_DATA_READERS: Final = frozenset({"data_read"})
_GIVEN_DATA: Final = frozenset({ContainerType.BPF})
"""Types whose code is given its data section without a call."""


def check_form(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Judge the form of one container."""
    if any(byte not in _VISIBLE for byte in subject.uid):
        yield found(STRANGE_UID, "uid", f"{subject.shown} ({subject.uid.hex()})")
    if audit.is_riot(subject):
        yield from _riot(subject)
    yield from _type(audit, subject)
    if subject.refusal is not None:
        yield found(INADMISSIBLE, "code", subject.refusal)
    elif subject.unseen:
        yield found(NOT_ANALYSED, "code", subject.unseen)
    yield from _data(subject)


def _data(subject: AuditSubject) -> Iterator[Finding]:
    if subject.metadata.container.type in _GIVEN_DATA or not subject.facts:
        return
    if subject.artefact.data and not subject.facts.natives & _DATA_READERS:
        size = len(subject.artefact.data)
        yield found(DATA_UNREAD, "data", f"{size} bytes of data; the code never calls data_read")


def check_set(audit: Audit) -> Iterator[tuple[AuditSubject | None, Finding]]:
    """Judge the containers as a set."""
    for name in audit.host.missing:
        yield None, found(NO_BUNDLE, "containers", f"{show(name)} is not there")
    first = audit.peers()
    for subject in audit.subjects:
        other = first.get(subject.uid, subject)
        if other is not subject:
            message = f"{other.artefact.name} has the uid {subject.shown} too"
            yield subject, found(SAME_UID, "uid", message)


def _riot(subject: AuditSubject) -> Iterator[Finding]:
    objection = find_riot_objection(_with_ids_in_range(subject.metadata))
    if objection is not None:
        yield found(RIOT_FORM, "metadata", objection)
    if subject.metadata.container.type is ContainerType.BPF:
        return  # there the firmware calls nothing but the loop, which all code has
    for hook in Hook:
        if subject.facts is not None and hook not in subject.facts.hooks:
            yield found(NO_HOOK, "code", f"{hook} is not exported; the firmware calls it")


def _with_ids_in_range(metadata: Metadata) -> Metadata:
    """Without what has a rule of its own, which tells all such endpoints and not the first."""
    endpoints = metadata.endpoints and tuple(
        replace(each, endpoint_id=min(each.endpoint_id, RIOT_MAX_ENDPOINT_ID))
        for each in metadata.endpoints
    )
    return replace(metadata, endpoints=endpoints)


def _type(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    kind, artefact = subject.metadata.container.type, subject.artefact
    named = f"type {kind.value} ({kind.name.lower()})"
    seen = None if artefact.code is None else payload_type(artefact.code)
    if seen is not None and seen is not kind:
        yield found(PAYLOAD, "type", f"{named}; the code begins like {seen.name.lower()}")
    if artefact.layout is not None and artefact.layout.type is not kind:
        message = f"{named}; RUNTIME says {artefact.layout.runtime}"
        yield found(LAYOUT, "type", message)
    types = audit.host.types
    if types is not None and kind not in types:
        there = ", ".join(sorted(each.name.lower() for each in types)) or "none"
        yield found(NO_RUNTIME, "type", f"{named}; there are: {there}")
