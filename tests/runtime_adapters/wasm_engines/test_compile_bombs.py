"""Modules that were written to exhaust a compiler are refused or admitted within small bounds."""

import json
import subprocess
import sys

import pytest
from support.engines import ENGINES
from support.project import ROOT
from support.wasm.bombs import BOMBS

MIB = 1 << 20

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="asks Linux how much memory processes use"
)

_MEASURE = """
import json, os, resource, sys, threading, time
from support.engines import ENGINES
from support.wasm.bombs import BOMBS
from support.wasm.modules import loop
from support.worlds import KEYS, blueprint, times, trusted
from tinycontainer.assembly import Device
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.verification import Trust
from tinycontainer.device.setup import Setup
from tinycontainer.errors import LoadError
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer.metadata import ContainerType
from tinycontainer.tools.packing.packing import pack

engine, size = sys.argv[1], int(sys.argv[2])
device = Device(
    Setup(
        runtimes={ContainerType.WASM: ENGINES[engine]()},
        trust=Trust(keys=trusted()),
        capacity=Capacity(code_bytes=size, runtime=RuntimeLimits(code_bytes=size)),
    ),
    VirtualClock(),
)

def bundle(uid, code):
    plan = blueprint(uid, kind=ContainerType.WASM, security=times(period=1))
    return pack(plan, code, b"", KEYS).encode()

def memory_of(pid):
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0

def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""

def children():
    # One that has not yet begun its program shares our memory.
    with open(f"/proc/self/task/{threading.main_thread().native_id}/children") as file:
        return [pid for pid in file.read().split() if command_of(pid) != command_of("self")]

def processor_s():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)

class Watch(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.before, self.most, self.done = memory_of("self"), 0, threading.Event()
        self.own_s = 0.0
    def run(self):
        while not self.done.wait(0.002):
            self.most = max(self.most, memory_of("self") + sum(map(memory_of, children())))
        self.own_s = time.thread_time()

device.load(bundle("neighbour", loop("i32.const 0")))
device.start("neighbour")
found = {}
for number, (shape, make) in enumerate(BOMBS.items()):
    packed = bundle(f"bomb-{number}", make(size))
    loops = device["neighbour"].loops
    watch = Watch()
    watch.start()
    began = processor_s()
    try:
        device.load(packed)
        verdict = ""
    except LoadError as error:
        verdict = f"{error.reason}: {error}"
    watch.done.set()
    watch.join()
    used = processor_s() - began - watch.own_s
    if not verdict:
        device.start(f"bomb-{number}")
    device.run(for_ms=20)
    if not verdict:
        device.delete(f"bomb-{number}")
    went_on = device["neighbour"].loops > loops
    found[shape] = [verdict, used, watch.most - watch.before, went_on]
print(json.dumps(found))
"""


def measure(engine: str, size: int) -> dict[str, tuple[str, float, int, bool]]:
    """Load every bomb on a device in a process of its own: verdict, cost, and the neighbour."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, engine, str(size)],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
        env={"PYTHONPATH": str(ROOT / "tests"), "LC_ALL": "C"},
    )
    found: dict[str, tuple[str, float, int, bool]] = json.loads(done.stdout)
    return found


BOUNDS = [
    pytest.param(4 << 10, 1.0, 70 * MIB, id="4 KiB, in the device's own process"),
    # Where others use the machine too, the same work is charged up to twice as much time.
    pytest.param(64 << 10, 1.0, 70 * MIB, id="64 KiB"),
    pytest.param(64 << 10, 0.5, 70 * MIB, id="64 KiB, quiet", marks=pytest.mark.long),
    pytest.param(256 << 10, 3.0, 200 * MIB, id="256 KiB", marks=pytest.mark.long),
]


@pytest.mark.clause("TC-RT-26")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("size", "processor_s", "memory_bytes"), BOUNDS)
def test_a_compile_bomb_is_judged_within_bounds_and_its_neighbour_runs_on(
    engine: str, size: int, processor_s: float, memory_bytes: int
) -> None:
    found = measure(engine, size)
    assert set(found) == set(BOMBS)
    for shape, (verdict, used_s, grown_bytes, neighbour_ran) in found.items():
        assert used_s <= processor_s, shape
        assert grown_bytes <= memory_bytes, shape
        assert neighbour_ran, shape
        assert not verdict or verdict.startswith("code-inadmissible"), shape
