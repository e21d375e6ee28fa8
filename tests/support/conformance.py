"""The suite's own cases, read once for all tests."""

from functools import cache

from support.project import ROOT
from tinycontainer.conformance.case import read_cases
from tinycontainer.conformance.suite import read_bundles

SPECS = ROOT / "specs" / "conformance"
CASES = read_cases(SPECS)


@cache
def bundles() -> dict[str, bytes]:
    """All bundles by file name."""
    return read_bundles(SPECS, CASES)
