"""Findings as a SARIF 2.1.0 log, for code hosts and editors.

Viewers read ``[text](target)`` and ``{0}`` in messages as links and placeholders, and some read
markup. So none of these characters is left in a message: each is escaped in the way of
`tinycontainer.text.show`, as if it could not be printed.
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


def make_sarif(
    audit: Audit, findings: Sequence[Finding], version: str, base: Path
) -> dict[str, Any]:
    """Make a log with one run.

    Args:
        audit: the containers and their device.
        findings: what was found.
        version: of this tool.
        base: directory that locations are relative to.
    """
    driver = {
        "name": "tinycontainerctl lint",
        "version": version,
        "rules": [_describe_rule(rule) for rule in RULES],
    }
    return {
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [
            {
                "tool": {"driver": driver},
                "results": [_describe_result(audit, finding, base) for finding in findings],
            }
        ],
    }


def _describe_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": _escape(rule.description)},
        "fullDescription": {"text": _escape(f"{rule.description} {rule.advice}")},
        "defaultConfiguration": {"level": rule.severity},
        "help": {"text": _escape(rule.advice)},
    }


def _describe_result(audit: Audit, finding: Finding, base: Path) -> dict[str, Any]:
    subject = None if finding.subject is None else audit.subjects[finding.subject]
    whose = audit.host.name if subject is None else subject.shown
    file = audit.host.path if subject is None else subject.metadata_file
    logical = {"name": finding.place, "fullyQualifiedName": f"{whose}/{finding.place}"}
    location: dict[str, Any] = {"logicalLocations": [logical]}
    if file is not None:
        location["physicalLocation"] = {"artifactLocation": {"uri": _uri(file, base)}}
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": RULES.index(finding.rule),
        "level": finding.severity,
        "message": {"text": f"{_escape(whose)}: {_escape(finding.message)}."},
        "locations": [location],
    }


def _uri(file: Path, base: Path) -> str:
    """A relative reference of unreserved characters, slashes and percent-encoded bytes."""
    return quote_from_bytes(os.fsencode(os.path.relpath(file, base)), safe="/")


def _escape(text: str) -> str:
    return text.translate(_ACTIVE)
