"""What the audit says: rules with stable ids, and findings under them."""

from dataclasses import dataclass
from enum import StrEnum

from tinycontainer.text import flatten


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
        order = list(Severity)
        return order.index(self) <= order.index(threshold)


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding. Ids are never used again for something else.

    Attributes:
        id: such as ``TCL101``.
        severity: of its findings.
        what: what is the case where it is found, in one sentence.
        advice: what to do, in one sentence.
        riot_severity: of its findings under the profile ``riot-2024``, if another.
    """

    id: str
    severity: Severity
    what: str
    advice: str
    riot_severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something found. Nothing in it can do anything but be read.

    Attributes:
        rule: the kind.
        severity: how bad it is here.
        subject: number of the audited container; None for the device as a whole.
        place: where, such as ``endpoints[2].direction``.
        message: what is the case, with numbers.
    """

    rule: Rule
    severity: Severity
    subject: int | None
    place: str
    message: str


def found(rule: Rule, place: str, message: str, *, riot: bool = False) -> Finding:
    """A finding; whom it concerns is added by `concerning`.

    Args:
        rule: the kind.
        place: where.
        message: what is the case; whatever slipped into it is escaped.
        riot: whether it is judged by ``riot-2024``.
    """
    severity = rule.riot_severity if riot and rule.riot_severity else rule.severity
    return Finding(rule, severity, None, flatten(place), flatten(message))
