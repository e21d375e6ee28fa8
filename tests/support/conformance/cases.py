"""The cases of the specification and their bundles, read once for all tests."""

from functools import cache

from support.project import ROOT
from tinycontainer.conformance.cases.case import read_cases
from tinycontainer.conformance.judging.suite import read_bundles

SPECS = ROOT / "specs" / "conformance"
CASES = read_cases(SPECS)


@cache
def bundles() -> dict[str, bytes]:
    """All bundles by file name."""
    return read_bundles(SPECS, CASES)


def clauses_used() -> str:
    """Every clause that a case is about, with its cases, as Markdown."""
    used: dict[str, list[str]] = {}
    for case in sorted(CASES, key=lambda case: case.id):
        for clause in case.clauses:
            used.setdefault(clause, []).append(case.id)
    rows = [f"| {clause} | {', '.join(used[clause])} |" for clause in sorted(used)]
    lines = ["# Clauses that the cases are about", "", "The prose of the specification is"]
    lines += ["normative. Made by the tests; run `python tests/specification/renew.py` after a"]
    lines += ["change.", ""]
    return "\n".join([*lines, "| clause | cases |", "|---|---|", *rows, ""])
