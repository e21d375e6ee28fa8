"""Of what does the cost of a call consist? Each part by itself, against a read as a whole.

The parts do not add up to the whole: Python's own calls between them are nobody's part.
"""

from collections.abc import Callable

import pytest
from support.measuring.call_paths import ENDPOINT, FD, SIZE, Path, Sixteen
from support.measuring.measuring import Measure

from tinycontainer.device.calls.endpoint_table import EndpointTable
from tinycontainer.interfaces.syscalls import Syscall
from tinycontainer.metadata import Direction, Endpoint, PeerType

TIMES = 500
READ = Syscall.READ.bit


def repeated(function: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        for _ in range(TIMES):
            result = function()
        return result

    return run


def mask() -> Callable[[], object]:
    caller = Path("rbpf").caller
    return lambda: caller.container.grant.mask & READ


def table() -> Callable[[], object]:
    """Finding the descriptor, its owner and its direction."""
    endpoints = EndpointTable(10, 4)
    endpoints.add(b"caller", Endpoint(ENDPOINT, PeerType.LOCAL, 1, Direction.BOTH), Sixteen(), 1)

    def look() -> bool:
        entry = endpoints.open.get(FD)
        return entry is not None and entry.owner == b"caller" and entry.readable

    return look


def driver() -> Callable[[], object]:
    device = Sixteen()
    return lambda: device.read(1, SIZE)


def meter() -> Callable[[], object]:
    container_meter = Path("rbpf").meter
    return lambda: container_meter.spend(0)


def service() -> Callable[[], object]:
    """Mask, size, table, driver, and what the driver gave."""
    path = Path("rbpf")
    return lambda: path.service.read(path.caller, FD, SIZE)


def natives() -> Callable[[], object]:
    """The service behind the meter."""
    path = Path("rbpf")
    return lambda: path.natives.read(FD, SIZE)


def traced() -> Callable[[], object]:
    """The same with a sink: an event is built, stamped and handed on."""
    path = Path("rbpf", sinks=[lambda _event: None])
    return lambda: path.natives.read(FD, SIZE)


PARTS = {
    "measuring itself": lambda: lambda: None,
    "mask": mask,
    "table": table,
    "driver": driver,
    "meter": meter,
    "service": service,
    "service, with trace": traced,
}


@pytest.mark.parametrize("part", PARTS)
def test_part_of_a_read(measure: Measure, part: str) -> None:
    whole = repeated(natives())
    measure("parts", part, "part", repeated(PARTS[part]()), against={"a read": whole}, per=TIMES)
