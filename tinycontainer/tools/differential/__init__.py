"""Two engines held against each other: the same containers and virtual time on both."""

from .bench import Bench, Run, run_on
from .compare import Comparison, Difference, Kind, compare
from .record import Act, Record

__all__ = [
    "Act",
    "Bench",
    "Comparison",
    "Difference",
    "Kind",
    "Record",
    "Run",
    "compare",
    "run_on",
]
