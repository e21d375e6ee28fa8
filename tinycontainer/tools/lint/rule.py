"""The parts of the audit: rules, findings under them, and chapters of rules with their checks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from tinycontainer.text import flatten

from .subject import Audit, AuditSubject


class Severity(StrEnum):
    """How bad a finding is; the words are those of SARIF's levels."""

    ERROR = "error"
    """It is refused, or cannot work as it is."""
    WARNING = "warning"
    """It works, and should be changed before it is trusted."""
    NOTE = "note"
    """Something that an owner should know."""

    def reaches(self, threshold: "Severity") -> bool:
        """Whether it is as bad as a threshold, or worse."""
        worst_first = list(Severity)
        return worst_first.index(self) <= worst_first.index(threshold)


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding. Ids are never used again for something else.

    Attributes:
        id: such as ``TCL101``.
        severity: of its findings.
        description: what is wrong where it is found, in one sentence.
        advice: what to do, in one sentence.
        riot_severity: of its findings under the profile ``riot-2024``, if another.
    """

    id: str
    severity: Severity
    description: str
    advice: str
    riot_severity: Severity | None = None

    def finding(self, place: str, message: str, *, riot: bool = False) -> "Finding":
        """Make a finding under this rule; `rulebook` adds the container that it concerns.

        Args:
            place: where, such as ``endpoints[2].direction``.
            message: what is wrong there, with numbers; untrusted text in it is escaped.
            riot: whether the container is judged by ``riot-2024``.
        """
        severity = self.riot_severity if riot and self.riot_severity else self.severity
        return Finding(self, severity, None, flatten(place), flatten(message))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something found. Its texts hold no untrusted character, so they can be printed anywhere.

    Attributes:
        rule: the kind.
        severity: how bad it is here.
        subject: number of the audited container; None for the device as a whole.
        place: where, such as ``endpoints[2].direction``.
        message: what is wrong there, with numbers.
    """

    rule: Rule
    severity: Severity
    subject: int | None
    place: str
    message: str


SubjectCheck: TypeAlias = Callable[[Audit, AuditSubject], Iterator[Finding]]
"""Judges one container."""

OwnedFinding: TypeAlias = tuple[AuditSubject | None, Finding]
"""A finding with the container that it concerns; None for the device as a whole."""

AuditCheck: TypeAlias = Callable[[Audit], Iterator[OwnedFinding]]
"""Judges the device, and all containers together."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """The rules on one matter, and the checks that apply them. Each has a module of its own.

    Attributes:
        rules: all rules of the chapter.
        check_subject: judges one container; called for each.
        check_audit: judges the device and all containers together; called once, if there is one.
    """

    rules: tuple[Rule, ...]
    check_subject: SubjectCheck
    check_audit: AuditCheck | None = None
