"""What does a refused call cost, against one that is allowed?"""

from typing import Any

import pytest
from support.measuring.call_paths import ALL_CALLS, CALLS, ENGINE_NAMES, Path, program
from support.measuring.measuring import Measure

from tinycontainer.interfaces.syscalls import Syscall
from tinycontainer.metadata import Direction

CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "no such descriptor": ("no such descriptor", {}),
    "another's descriptor": ("another's descriptor", {}),
    "size": ("a size too large", {}),
    "mask": ("read", {"mask": ALL_CALLS & ~Syscall.READ.bit}),
    "direction": ("read", {"direction": Direction.IN}),
}


@pytest.mark.parametrize("engine", ENGINE_NAMES)
@pytest.mark.parametrize("reason", CHANGES)
def test_refused_against_allowed(measure: Measure, engine: str, reason: str) -> None:
    operation, changes = CHANGES[reason]
    refusing = Path(engine, **changes)
    allowed = Path(engine).loop(program(engine, "read"))
    loop = refusing.loop(program(engine, operation))
    measure(
        "refusal", f"{reason}, {engine}", "refused", loop, against={"allowed": allowed}, per=CALLS
    )
    assert refusing.caller.container.statistics.refusals >= CALLS
