"""Findings as a SARIF 2.1.0 log, for code hosts and editors.

Viewers take ``[text](target)`` and ``{0}`` in messages for links and placeholders, and some take
markup. None of these characters is left in a message: they stand there as `tinycontainer.text.show`
would show them if they were not printable.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_from_bytes

from . import RULES, Audit, Finding, Rule

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
VERSION: Final = "2.1.0"

_ACTIVE: Final = str.maketrans({each: f"\\x{ord(each):02x}" for each in "[]{}<>"})


def as_sarif(case: Audit, findings: Sequence[Finding], version: str, base: Path) -> dict[str, Any]:
    """A log with one run.

    Args:
        case: what was audited.
        findings: what was found.
        version: of this tool.
        base: directory that locations are relative to.
    """
    driver = {
        "name": "tinycontainerctl lint",
        "version": version,
        "rules": [_rule(rule) for rule in RULES],
    }
    return {
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [
            {
                "tool": {"driver": driver},
                "results": [_result(case, finding, base) for finding in findings],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": _inert(rule.what)},
        "fullDescription": {"text": _inert(f"{rule.what} {rule.advice}")},
        "defaultConfiguration": {"level": rule.severity},
        "help": {"text": _inert(rule.advice)},
    }


def _result(case: Audit, finding: Finding, base: Path) -> dict[str, Any]:
    subject = None if finding.subject is None else case.subjects[finding.subject]
    whose = case.host.name if subject is None else subject.shown
    file = case.host.path if subject is None else subject.file
    logical = {"name": finding.place, "fullyQualifiedName": f"{whose}/{finding.place}"}
    location: dict[str, Any] = {"logicalLocations": [logical]}
    if file is not None:
        location["physicalLocation"] = {"artifactLocation": {"uri": _uri(file, base)}}
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": RULES.index(finding.rule),
        "level": finding.severity,
        "message": {"text": f"{_inert(whose)}: {_inert(finding.message)}."},
        "locations": [location],
    }


def _uri(file: Path, base: Path) -> str:
    """A relative reference of unreserved characters, slashes and percent-encoded bytes."""
    return quote_from_bytes(os.fsencode(os.path.relpath(file, base)), safe="/")


def _inert(text: str) -> str:
    return text.translate(_ACTIVE)
