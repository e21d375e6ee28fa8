"""All rules, and the audit that goes through them in a fixed order."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from . import endpoints, form, pipes, rights, signatures, sizes, timing
from .finding import Finding, Rule
from .subject import Audit, AuditSubject

RULES: Final[tuple[Rule, ...]] = tuple(
    sorted(
        (
            *rights.RULES,
            *endpoints.RULES,
            *pipes.RULES,
            *sizes.RULES,
            *timing.RULES,
            *signatures.RULES,
            *form.RULES,
        ),
        key=lambda rule: rule.id,
    )
)
"""Every rule, by id; the table in ``specs/lint.md`` is the same."""

_BY_SUBJECT: Final = (
    rights.check_rights,
    endpoints.check_endpoints,
    pipes.check_pipes,
    sizes.check_sizes,
    timing.check_timing,
    signatures.check_signatures,
    form.check_form,
)


def audit(case: Audit) -> tuple[Finding, ...]:
    """Go through all rules.

    Args:
        case: the containers and their device.

    Returns:
        Findings on the device first, then container by container in the order given; of each the
        rules by id, and those of one rule in the order of their places.
    """
    numbers = {id(each): number for number, each in enumerate(case.subjects)}
    found = [
        finding if owner is None else replace(finding, subject=numbers[id(owner)])
        for owner, finding in _findings(case)
    ]
    return tuple(sorted(found, key=_order))


def _findings(case: Audit) -> Iterator[tuple[AuditSubject | None, Finding]]:
    for each in case.subjects:
        checks = _BY_SUBJECT if each.is_looked_into else (sizes.check_sizes,)
        for check in checks:
            for finding in check(case, each):
                yield each, finding
    for finding in (*signatures.check_trust(case), *sizes.check_slots(case)):
        yield None, finding
    yield from form.check_set(case)
    yield from timing.check_schedule(case)


def _order(finding: Finding) -> tuple[int, str]:
    """Findings of one rule stay as they came, by place."""
    return (-1 if finding.subject is None else finding.subject, finding.rule.id)
