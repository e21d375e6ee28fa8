"""Driver entries: whose instance serves whom, and how long it lives."""

import pytest
from support.drivers import Puppet, raising, served_by
from support.worlds import Remote, World, blueprint, local

from tinycontainer.device.calls.driver_table import DriverEntry
from tinycontainer.metadata import PeerType
from tinycontainer.trace.events import Refused


def counted(shared: bool, made: list[Puppet]) -> DriverEntry:
    def make() -> Puppet:
        made.append(Puppet())
        return made[-1]

    return served_by(make, shared=shared)


def two_of(entry: DriverEntry) -> tuple[World, list[Remote]]:
    world = World(bare=True, drivers=(entry,))
    return world, [Remote(world, blueprint(uid, endpoints=(local(),))) for uid in ("one", "two")]


@pytest.mark.parametrize(("shared", "instances"), [(False, 2), (True, 1)])
@pytest.mark.clause("TC-END-04")
def test_an_instance_belongs_to_one_container_unless_it_is_shared(
    shared: bool, instances: int
) -> None:
    made: list[Puppet] = []
    _, callers = two_of(counted(shared, made))
    assert made == []
    for caller in callers:
        caller.open(1)
    assert len(made) == instances
    assert [call[2] for driver in made for call in driver.calls] == [b"one", b"two"]


@pytest.mark.parametrize("shared", [False, True])
def test_an_instance_outlives_a_stop(shared: bool) -> None:
    made: list[Puppet] = []
    world, (one, _) = two_of(counted(shared, made))
    one.open(1)
    world.device.stop("one")
    world.device.run(for_ms=5)
    world.device.start("one")
    one.open(1)
    assert len(made) == 1


@pytest.mark.parametrize(("shared", "instances"), [(False, 2), (True, 1)])
@pytest.mark.clause("TC-END-04")
def test_only_an_own_instance_is_forgotten_with_its_container(shared: bool, instances: int) -> None:
    made: list[Puppet] = []
    world, (one, _) = two_of(counted(shared, made))
    one.open(1)
    world.device.delete("one")
    world.device.run(for_ms=5)
    Remote(world, blueprint("one", endpoints=(local(),))).open(1)
    assert len(made) == instances


def test_a_driver_that_cannot_be_made_has_failed() -> None:
    world = World(bare=True, drivers=(DriverEntry(PeerType.LOCAL, 1, "x", raising(OSError())),))
    caller = Remote(world, blueprint("box", endpoints=(local(),)))
    assert (caller.open(1), caller.open(1)) == (-1, -1)
    assert {event.reason for event in world.of(Refused)} == {"driver-failed"}
    assert caller.do(lambda natives: natives.data_size()) == 0


def test_the_host_reaches_the_instance_of_a_container() -> None:
    made: list[Puppet] = []
    world, (one, two) = two_of(counted(False, made))
    one.open(1)
    two.open(1)
    assert world.device.driver(1, "one") is made[0]
    assert world.device.driver(1, b"two") is made[1]
    with pytest.raises(KeyError):
        world.device.driver(2)
