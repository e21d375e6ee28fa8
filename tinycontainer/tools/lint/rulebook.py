"""All rules by chapter, and the audit that applies them in a fixed order.

To add a rule, open the module of its chapter, and nothing else here:

1. Write the rule as a constant: the next free id of the chapter, a severity, and two sentences.
2. List it in the `CHAPTER` at the end of that module.
3. In a check of the chapter, ``yield THE_RULE.finding(place, message)`` where it is broken.
4. Add its row to the table of ``specs/lint.md``; a test compares the two.

A chapter of its own is one more module like these, and one more entry in `CHAPTERS`.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from . import endpoints, firmware, form, pipes, rights, signatures, sizes, timing
from .rule import Finding, OwnedFinding, Rule
from .subject import Audit

CHAPTERS: Final = (
    rights.CHAPTER,
    endpoints.CHAPTER,
    pipes.CHAPTER,
    sizes.CHAPTER,
    timing.CHAPTER,
    signatures.CHAPTER,
    form.CHAPTER,
    firmware.CHAPTER,
)

RULES: Final[tuple[Rule, ...]] = tuple(
    sorted((rule for chapter in CHAPTERS for rule in chapter.rules), key=lambda rule: rule.id)
)
"""Every rule, by id; the table in ``specs/lint.md`` is the same."""


def audit_containers(audit: Audit) -> tuple[Finding, ...]:
    """Apply all rules.

    Args:
        audit: the containers and their device.

    Returns:
        Findings on the device first, then container by container in the order given; of each the
        rules by id, and those of one rule in the order of their places.
    """
    # By identity: a file that is given twice makes two equal subjects, and each has its findings.
    numbers = {id(subject): number for number, subject in enumerate(audit.subjects)}
    findings = [
        finding if owner is None else replace(finding, subject=numbers[id(owner)])
        for owner, finding in _apply_chapters(audit)
    ]
    # The sort is stable, so findings of one rule stay in the order of their places.
    return tuple(sorted(findings, key=_order_of))


def _apply_chapters(audit: Audit) -> Iterator[OwnedFinding]:
    for subject in audit.subjects:
        for chapter in CHAPTERS if subject.is_looked_into else (sizes.CHAPTER,):
            for finding in chapter.check_subject(audit, subject):
                yield subject, finding
    for chapter in CHAPTERS:
        if chapter.check_audit is not None:
            yield from chapter.check_audit(audit)


def _order_of(finding: Finding) -> tuple[int, str]:
    return (-1 if finding.subject is None else finding.subject, finding.rule.id)
