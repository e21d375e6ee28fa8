"""Updates from their first byte to the change of the device."""

import pytest
from support.scripted import Program, work
from support.updates import plan_version, signed, updater
from support.worlds import World, blueprint, times

from tinycontainer.device.containers.lifecycle import State

TIMES = times(period=10, loop=5, stop=5)


def device(*uids: str) -> World:
    """Containers of these uids run."""
    programs = {uid: Program(work(10), stop=work(10)) for uid in ("a", "b", "c", "d")}
    world = World(programs)
    for uid in uids:
        world.run(blueprint(uid, security=TIMES), programs[uid])
    world.device.run(for_ms=25)
    return world


@pytest.mark.clause("TC-UPD-05")
def test_an_envelope_brings_the_next_version_of_containers() -> None:
    world = device("a", "b")
    envelope = signed(
        plan_version(blueprint("a", security=TIMES, sequence=2, mask=1)),
        plan_version(blueprint("c", security=TIMES), starts=True),
    )
    outcome = updater(world).apply(envelope)
    assert (outcome.sequence, outcome.uids, outcome.is_repetition) == (1, (b"a", b"c"), False)
    world.device.run(for_ms=25)
    assert {view.uid: view.state for view in world.device} == dict.fromkeys(
        (b"a", b"b", b"c"), State.RUNNING
    )
    assert world.device["a"].mask == 1
