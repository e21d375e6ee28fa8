"""Checks that any implementer of an interface can run in their own tests.

Each check raises `ContractBroken` with one line that says what was expected and what happened.
"""

from .contract import ContractBroken
from .driver_check import StillContext, check_driver
from .runtime_check import RecordingNatives, RuntimeSamples, check_runtime

__all__ = [
    "ContractBroken",
    "RecordingNatives",
    "RuntimeSamples",
    "StillContext",
    "check_driver",
    "check_runtime",
]
