"""What does it cost to pause and to resume? A loop in turns, against straight through.

And what does metering cost, where there is an engine without it?
"""

import io
from typing import Any

import pytest
import pywasm
from support.measuring.call_paths import (
    CALLS,
    ENGINE_NAMES,
    UNLIMITED,
    DriverOnly,
    Loop,
    hosted,
    program,
    runtime_of,
)
from support.measuring.measuring import Measure

from tinycontainer.interfaces.meter import Meter


def loop_in_turns(engine: str, budget: int) -> Loop:
    meter = Meter(lambda _used: None)
    return hosted(runtime_of(engine), program(engine, "nothing"), DriverOnly(), meter, budget)


def test_metered_against_bare_pywasm(measure: Measure) -> None:
    runtime = pywasm.Runtime()
    code = program("pywasm", "nothing")
    module: Any = runtime.instance(pywasm.ModuleDesc.from_reader(io.BytesIO(code)))
    measure(
        "preemption",
        "metered, pywasm",
        "straight through",
        loop_in_turns("pywasm", UNLIMITED),
        against={"bare": lambda: runtime.invocate(module, "loop", [])},
        per=CALLS,
    )


@pytest.mark.parametrize("engine", ENGINE_NAMES)
@pytest.mark.parametrize("budget", [1000, 100])
def test_turns_against_straight_through(measure: Measure, engine: str, budget: int) -> None:
    measure(
        "preemption",
        f"turns of {budget} instructions, {engine}",
        "in turns",
        loop_in_turns(engine, budget),
        against={"straight through": loop_in_turns(engine, UNLIMITED)},
        per=CALLS,
    )
