"""Changes of several containers, whose programs are called like their uids."""

from support.scripted import Program, work
from support.worlds import KEYS, World, blueprint, times
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.interfaces.updating import ContainerChange, UpdateSection
from tinycontainer.metadata import Bundle
from tinycontainer.tools.packing.packing import Blueprint, pack
from tinycontainer_tokens import Accepted

TIMES = times(period=10, loop=5, stop=5)


def numbered(sequence: int, digest: int | None = None) -> Accepted:
    """Number of an update, and a digest that goes with it unless another one is given."""
    return Accepted(sequence, bytes([sequence % 256 if digest is None else digest]) * 32)


def plan(uid: str, sequence: int = 1, **changes: object) -> Blueprint:
    """A container that is quick to stop."""
    return blueprint(uid, security=TIMES, sequence=sequence, **changes)  # type: ignore[arg-type]


def version(wanted: Blueprint, code: str | None = None, data: bytes = b"") -> Bundle:
    """A plan, signed; its code is the name of its program."""
    name = wanted.container.uid.decode() if code is None else code
    return pack(wanted, name.encode(), data, KEYS)


def change(
    wanted: Blueprint, code: str | None = None, *, starts: bool = False, uid: str | None = None
) -> ContainerChange:
    """The next version of a container."""
    bundle = version(wanted, code)
    sections = {
        UpdateSection.METADATA: bundle.metadata,
        UpdateSection.DATA: bundle.data,
        UpdateSection.CODE: bundle.code,
    }
    return ContainerChange(wanted.container.uid if uid is None else uid.encode(), sections, starts)


def gone(uid: str) -> ContainerChange:
    """A deletion."""
    return ContainerChange(uid.encode(), {})


def states(world: World) -> dict[bytes, tuple[int, State]]:
    """Slot and state of each container."""
    return {view.uid: (view.slot, view.state) for view in world.device}


def free_slots(world: World) -> int:
    """How many slots a device has left."""
    device: object = world.device
    memory = device._controller._memory  # type: ignore[attr-defined]
    return len(memory.free_numbers())


def empty(world: World) -> None:
    """Delete all, and check that nothing is left of it."""
    device = world.device
    device.abandon_load()
    for view in tuple(device):
        device.delete(view.uid)
    device.run(for_ms=1_000)
    assert len(device) == 0
    assert free_slots(world) == world.capacity.slots
    executor = device._executor
    assert list(executor.started) == []
    assert executor.started.posted == []
    assert len(executor._scheduler) == 0
    assert executor._scheduler._alarms.first() is None
    assert len(device._service._table) == 0


QUICK = Program(work(10), stop=work(10))
SLOW = Program(work(10), stop=work(*[100] * 40))
"""It takes 4 ms to stop."""
