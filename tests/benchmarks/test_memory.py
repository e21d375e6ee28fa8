"""How much memory does an idle container take? A bare instance of the same module first."""

import io
import tracemalloc
from collections.abc import Callable

import pywasm
from support.engines import ENGINES
from support.measuring.measuring import Measure
from support.wasm.modules import container
from support.worlds import World, blueprint, times

from tinycontainer.device.containers.limits import Capacity
from tinycontainer.interfaces.runtime import Runtime
from tinycontainer.metadata import ContainerType
from tinycontainer.tools.packing.packing import pack_unsigned

NUMBER = 20
CODE = container('(func (export "loop") (result i32) (i32.const 0))')


def kept(make: Callable[[], object]) -> int:
    """Bytes that are held when something was made, divided by `NUMBER`."""
    make()
    tracemalloc.start()
    made = make()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del made
    return size // NUMBER


def bare_instances() -> list[object]:
    """Instances of plain pywasm."""
    found = list[object]()
    for _ in range(NUMBER):
        runtime = pywasm.Runtime()
        found.append((runtime, runtime.instance(pywasm.ModuleDesc.from_reader(io.BytesIO(CODE)))))
    return found


def sleeping_containers(runtime: Runtime) -> World:
    """A device on which all containers have begun and wait for their next period."""
    world = World(
        bare=True,
        silent=True,
        capacity=Capacity(slots=NUMBER),
        foreign={ContainerType.WASM: runtime},
    )
    for number in range(NUMBER):
        plan = blueprint(f"box-{number}", kind=ContainerType.WASM, security=times(period=1000))
        world.device.load(pack_unsigned(plan, CODE, b"").encode())
        world.device.start(plan.container.uid)
    world.device.run(for_ms=500)
    assert all(view.loops == 1 for view in world.device)
    return world


def test_container_against_bare_pywasm(measure: Measure) -> None:
    def make() -> World:
        return sleeping_containers(ENGINES["pywasm"]())

    measure(
        "memory",
        "one page, started and asleep, pywasm",
        "container",
        make,
        against={"bare instance": bare_instances},
        per=NUMBER,
        bare_bytes=kept(bare_instances),
        bytes=kept(make),
    )
