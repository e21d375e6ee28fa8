"""Two engines held against each other: the same containers and virtual time on both."""

from .bench import Bench, Run, run_on
from .compare import Difference, DifferenceKind, RunComparison, compare
from .record import Act, RunRecord

__all__ = [
    "Act",
    "Bench",
    "Difference",
    "DifferenceKind",
    "Run",
    "RunComparison",
    "RunRecord",
    "compare",
    "run_on",
]
