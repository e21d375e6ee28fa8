"""What does a call cost? The same program on the bare engine, and through the whole path.

Bare: an engine with host functions that ask the driver and nothing else. For the call alone the
loop without the call is taken off on both sides.
"""

from collections.abc import Mapping

import pytest
from support.measuring.call_paths import CALLS, ENGINE_NAMES, FD, Loop, Path, bare, program
from support.measuring.measuring import Measure

OPERATIONS = ("read", "write", "open and close", "heartbeat")
EMPTY, BARE_EMPTY = "the loop alone", "the loop alone, bare"


def alone(times: Mapping[str, float]) -> float:
    """The call without its loop."""
    return (times["path"] - times[EMPTY]) / (times["bare"] - times[BARE_EMPTY])


def whole(engine: str, operation: str) -> Loop:
    path = Path(engine)
    if operation == "open and close":
        path.service.close(path.caller, FD)
    loop = path.loop(program(engine, operation))
    assert loop() == 0
    assert path.caller.container.statistics.refusals == 0
    return loop


@pytest.mark.parametrize("engine", ENGINE_NAMES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_path_against_bare_engine(measure: Measure, engine: str, operation: str) -> None:
    measure(
        "call",
        f"{operation}, {engine}",
        "path",
        whole(engine, operation),
        against={
            "bare": bare(engine, operation),
            BARE_EMPTY: bare(engine, "nothing"),
            EMPTY: whole(engine, "nothing"),
        },
        ratios={"loop": lambda times: times["path"] / times["bare"], "call alone": alone},
        per=CALLS,
    )
