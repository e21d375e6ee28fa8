"""Sizes: sections, slots and memory against what the device holds."""

from collections.abc import Iterator
from typing import Final

from ..firmware.board import find_misfits
from .rule import Chapter, Finding, OwnedFinding, Rule, Severity
from .subject import Audit, AuditSubject

SECTION: Final = Rule(
    "TCL301",
    Severity.ERROR,
    "A section is longer than what fits into the device.",
    "Make the section shorter, or choose a board with more room.",
)
SLOTS: Final = Rule(
    "TCL302",
    Severity.ERROR,
    "There are more containers than the device has slots.",
    "Leave containers away, or raise the number of slots.",
)
MEMORY: Final = Rule(
    "TCL303",
    Severity.ERROR,
    "The code begins with more linear memory than the device gives one container.",
    "Have the code built for less memory, or raise memory_pages.",
)


def check_sizes(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Judge the sizes of one container, also of one that is too long for all other checks."""
    host = audit.host
    artefact = subject.artefact
    sections = (artefact.metadata.raw, artefact.code or b"", artefact.data or b"")
    for misfit in find_misfits(*sections, host.capacity):
        yield SECTION.finding(misfit.section, f"{misfit.problem} ({host.name})")
    pages = subject.memory_pages
    allowed = host.capacity.runtime.memory_pages
    if pages > allowed:
        message = f"begins with {pages} pages of 64 KiB; {allowed} are allowed ({host.name})"
        yield MEMORY.finding("code", message)


def check_slots(audit: Audit) -> Iterator[OwnedFinding]:
    """Judge the number of containers."""
    count = len(audit.peers())
    slots = audit.host.capacity.slots
    if count > slots:
        message = f"{count} containers; {slots} slots ({audit.host.name})"
        yield None, SLOTS.finding("slots", message)


CHAPTER: Final = Chapter((SECTION, SLOTS, MEMORY), check_sizes, check_slots)
