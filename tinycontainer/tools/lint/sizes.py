"""Sizes: sections, slots and memory against what the device holds."""

from collections.abc import Iterator
from typing import Final

from tinycontainer.device.containers.memory import Section, Slot
from tinycontainer.errors import LoadError
from tinycontainer.interfaces.analysis import CodeFacts

from .finding import Finding, Rule, Severity, found
from .subject import Audit, AuditSubject

SECTION = Rule(
    "TCL301",
    Severity.ERROR,
    "A section is longer than what fits into the device.",
    "Make the section shorter, or choose a board with more room.",
)
SLOTS = Rule(
    "TCL302",
    Severity.ERROR,
    "There are more containers than the device has slots.",
    "Leave containers away, or raise the number of slots.",
)
MEMORY = Rule(
    "TCL303",
    Severity.ERROR,
    "The code begins with more linear memory than the device gives one container.",
    "Have the code built for less memory, or raise memory_pages.",
)

RULES: Final = (SECTION, SLOTS, MEMORY)

_PAGE_BYTES: Final = 1 << 16


def check_sizes(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Put the sections of one container into a slot of the device."""
    host = audit.host
    slot = Slot(0, host.capacity)
    artefact = subject.artefact
    for section, content in (
        (Section.METADATA, artefact.metadata.raw),
        (Section.CODE, artefact.code or b""),
        (Section.DATA, artefact.data or b""),
    ):
        try:
            slot.put(section, content)
        except LoadError as error:
            yield found(SECTION, section, f"{error.problem} ({host.name})")
            slot.open(section, 0)
    pages = pages_of(subject.facts)
    if pages > host.capacity.runtime.memory_pages:
        allowed = host.capacity.runtime.memory_pages
        message = f"begins with {pages} pages of 64 KiB; {allowed} are allowed ({host.name})"
        yield found(MEMORY, "code", message)


def check_slots(audit: Audit) -> Iterator[Finding]:
    """Count the containers."""
    number, slots = len(audit.peers()), audit.host.capacity.slots
    if number > slots:
        yield found(SLOTS, "slots", f"{number} containers; {slots} slots ({audit.host.name})")


def pages_of(facts: CodeFacts | None) -> int:
    """Pages of linear memory that code begins with; 0 if that is not known."""
    return -(-facts.memory_bytes // _PAGE_BYTES) if facts else 0
