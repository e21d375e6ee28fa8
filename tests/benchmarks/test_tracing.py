"""What does tracing cost that nobody listens to, and what one sink?

Against the path whose service builds no events at all.
"""

import pytest
from support.measuring.call_paths import CALLS, ENGINE_NAMES, Path, program
from support.measuring.measuring import Measure

from tinycontainer.device.calls.service import Service
from tinycontainer.device.calls.started import StartedContainer
from tinycontainer.interfaces.syscalls import Syscall
from tinycontainer.trace import Sink

SINKS: dict[str, list[Sink]] = {"nobody listens": [], "one sink": [lambda _event: None]}


class Untraced(Service):
    """A service whose granted calls know of no tracer."""

    def _granted(
        self, caller: StartedContainer, call: Syscall, subject: int, result: int, data: bytes = b""
    ) -> int:
        caller.container.statistics.calls += 1
        return result


@pytest.mark.parametrize("engine", ENGINE_NAMES)
@pytest.mark.parametrize("listeners", SINKS)
def test_against_a_service_without_events(measure: Measure, engine: str, listeners: str) -> None:
    code = program(engine, "read")
    without = Path(engine, make_service=Untraced).loop(code)
    loop = Path(engine, sinks=SINKS[listeners]).loop(code)
    against = {"events taken out": without}
    measure(f"tracing: {listeners}", engine, "path", loop, against=against, per=CALLS)
