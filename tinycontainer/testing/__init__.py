"""What others test with: checks for implementers of an interface, a device for container authors.

Each check raises `ContractBroken` with one line that says what was expected and what happened. The
pytest plugin gives tests a `BenchFactory`, which makes a `BenchDevice`.

A name loads its module when it is first used, as those of `tinycontainer` do: pytest imports this
package at every start, for the plugin's sake.
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from .bench.bench_device import BenchDevice
    from .bench.errors import BenchMisused, StepNotMet
    from .bench.session import BenchFactory
    from .contract import ContractBroken
    from .driver_check import StillContext, check_driver
    from .runtime_check import RecordingNatives, RuntimeSamples, check_runtime

# The module of each public name. Type checkers read the imports above instead; a test compares
# this table, those imports and `__all__`.
_MODULES: typing.Final[typing.Mapping[str, str]] = {
    "BenchDevice": "bench.bench_device",
    "BenchFactory": "bench.session",
    "BenchMisused": "bench.errors",
    "ContractBroken": "contract",
    "RecordingNatives": "runtime_check",
    "RuntimeSamples": "runtime_check",
    "StepNotMet": "bench.errors",
    "StillContext": "driver_check",
    "check_driver": "driver_check",
    "check_runtime": "runtime_check",
}

__all__ = [
    "BenchDevice",
    "BenchFactory",
    "BenchMisused",
    "ContractBroken",
    "RecordingNatives",
    "RuntimeSamples",
    "StepNotMet",
    "StillContext",
    "check_driver",
    "check_runtime",
]

if not typing.TYPE_CHECKING:  # a type checker that saw this would accept any name

    def __getattr__(name: str) -> object:
        """Load the module of a public name, and keep the name for the next time."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """All names, whether their modules are loaded or not."""
    return sorted({*globals(), *__all__})
