"""Two engines compared: the same containers in virtual time on both."""

from .bench import Bench, EngineRun, run_on
from .compare import ContainerPair, Difference, DifferenceKind, RunComparison, compare_runs
from .record import Act, RunRecord

__all__ = [
    "Act",
    "Bench",
    "ContainerPair",
    "Difference",
    "DifferenceKind",
    "EngineRun",
    "RunComparison",
    "RunRecord",
    "compare_runs",
    "run_on",
]
