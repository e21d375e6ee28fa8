"""Reads the clauses of specs/ and the marks of tests, and makes the pages that follow from them."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.project import ROOT

SPECS = ROOT / "specs"
TESTS = ROOT / "tests"
_CLAUSE = re.compile(
    r"^\*\*(TC-[A-Z]+-\d\d)\*\* \((MUST|SHOULD|MAY);"
    r" (paper|firmware|draft|ours)\) (.*?)(?=\n\n|\Z)",
    re.MULTILINE | re.DOTALL,
)
_LOOKS_LIKE_ONE = re.compile(r"^\*\*TC-", re.MULTILINE)


@dataclass(frozen=True)
class Clause:
    """One clause of the specification."""

    identity: str
    level: str
    source: str
    text: str
    page: str


def clauses() -> list[Clause]:
    """All clauses, page by page."""
    every = []
    for page in sorted(SPECS.glob("*.md")):
        text = page.read_text()
        here = [
            Clause(match[1], match[2], match[3], match[4], page.name)
            for match in _CLAUSE.finditer(text)
        ]
        assert len(here) == len(_LOOKS_LIKE_ONE.findall(text)), f"a malformed clause in {page.name}"
        every += here
    return every


def tables() -> dict[str, Any]:
    """The machine-readable tables."""
    return tomllib.loads((SPECS / "tables.toml").read_text())


def exceptions() -> dict[str, str]:
    """Clauses without a test, with the reason."""
    values: dict[str, str] = tomllib.loads((SPECS / "exceptions.toml").read_text())["exceptions"]
    return values


def marks() -> dict[str, list[str]]:
    """The tests of each clause that a mark names, as ``file::test``."""
    named: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for function, identity in _marks_of(path):
            test = f"{path.relative_to(TESTS).as_posix()}::{function}"
            named.setdefault(identity, []).append(test)
    return named


def _marks_of(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call):
                    name = ast.unparse(decorator.func)
                    if name == "pytest.mark.clause":
                        for argument in decorator.args:
                            yield node.name, ast.literal_eval(argument)


def matrix() -> str:
    """Every clause with its tests, as Markdown."""
    named, reasons = marks(), exceptions()
    lines = ["# Coverage", "", "Every clause and the tests that name it. Made by the tests; run"]
    lines += ["`python tests/specification/renew.py` after a change.", ""]
    for clause in clauses():
        lines.append(f"## {clause.identity} ({clause.level}, {clause.page})")
        tests = named.get(clause.identity, [])
        lines += [f"- {test}" for test in tests]
        if not tests:
            lines.append(f"- none: {reasons.get(clause.identity, 'optional')}")
        lines.append("")
    return "\n".join(lines)


def diagram() -> str:
    """The life cycle as a Mermaid diagram, from the tables."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for source, event, target in tables()["lifecycle"]["transitions"]:
        arrows.setdefault((source, target), []).append(event)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> provisioning"]
    for (source, target), events in arrows.items():
        lines.append(f"    {source} --> {target}: {', '.join(events)}")
    return "\n".join([*lines, "    gone --> [*]", "```"])
