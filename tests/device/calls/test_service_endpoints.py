"""Endpoints of the metadata and descriptors: what opens, how many, and what closes them."""

import pytest
from support.calls import EVERY_PLACE, caller_plan, make_caller, refused_calls
from support.drivers import Puppet, served_by
from support.scripted import Program, Steps, endless, trap, work
from support.worlds import Remote, World, blueprint, local, newer, refused, times

from tinycontainer.device.calls.driver_table import DriverEntry, DriverTable
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.errors import LoadReason
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.metadata import Direction, Endpoint, PeerType
from tinycontainer.trace.events import DescriptorClosed, Reconfigured, Refused


@pytest.mark.clause("TC-CALL-06")
def test_an_endpoint_that_the_metadata_does_not_name_is_unknown() -> None:
    world, caller = make_caller(local(1))
    for endpoint_id in (2, 257, 2**32 + 1, -1):
        assert caller.open(endpoint_id) == -1
        assert refused_calls(world)[-1] == ("open", endpoint_id, "unknown-endpoint", -1)


@pytest.mark.clause("TC-META-12")
def test_endpoint_ids_are_never_cut() -> None:
    driver = Puppet()
    ids = (0, 128, 256, 65_536, 2**32 - 1)
    entries = tuple(served_by(driver, peer=i) for i in ids)
    world = World(bare=True, drivers=entries, capacity=Capacity(descriptors_per_container=9))
    caller = Remote(world, caller_plan(*(local(i, peer=i) for i in ids)))
    assert [caller.open(i) for i in ids] == [1, 2, 3, 4, 5]
    assert [call[1] for call in driver.calls] == list(ids)


@pytest.mark.clause("TC-CALL-06")
def test_an_endpoint_is_open_once_at_a_time() -> None:
    world, caller = make_caller(local())
    assert (caller.open(1), caller.open(1)) == (1, -1)
    assert refused_calls(world) == [("open", 1, "already-open", -1)]
    assert (caller.close(1), caller.open(1)) == (0, 2)


@pytest.mark.clause("TC-CALL-07")
def test_a_container_has_four_descriptors_at_most() -> None:
    world, caller = make_caller(*EVERY_PLACE)
    assert [caller.open(i) for i in range(1, 7)] == [1, 2, 3, 4, -1, -1]
    assert refused_calls(world) == [("open", i, "no-descriptor", -1) for i in (5, 6)]
    assert (caller.close(2), caller.open(6)) == (0, 5)


@pytest.mark.clause("TC-CALL-07")
def test_a_device_has_ten_descriptors_at_most() -> None:
    world = World(bare=True, drivers=tuple(served_by(Puppet(), peer=i) for i in range(1, 7)))
    callers = [
        Remote(world, blueprint(uid, endpoints=EVERY_PLACE, security=times(period=1)))
        for uid in "abc"
    ]
    assert [c.open(i) for c in callers for i in range(1, 5)] == [*range(1, 11), -1, -1]
    assert {event.reason for event in world.of(Refused, "c")} == {"no-descriptor"}
    assert callers[0].close(1) == 0
    assert callers[2].open(3) == 11


def test_a_driver_is_not_asked_where_there_is_no_room() -> None:
    driver = Puppet()
    world = World(bare=True, drivers=(served_by(driver),), capacity=Capacity(descriptors=0))
    assert Remote(world, caller_plan(local())).open(1) == -1
    assert driver.calls == []


@pytest.mark.clause("TC-END-01")
def test_local_and_remote_peers_have_numbers_of_their_own() -> None:
    near, far = Puppet(), Puppet()
    entry = DriverEntry(PeerType.REMOTE, 1, "far", lambda: far)
    world = World(bare=True, drivers=(served_by(near), entry))
    both = (local(1), Endpoint(2, PeerType.REMOTE, 1, Direction.BOTH))
    caller = Remote(world, caller_plan(*both, Endpoint(3, PeerType.REMOTE, 2, Direction.BOTH)))
    assert [caller.open(i) for i in (1, 2, 3)] == [1, 2, -1]
    assert (len(near.calls), len(far.calls)) == (1, 1)
    assert refused_calls(world) == [("open", 3, "no-driver", -1)]


@pytest.mark.clause("TC-END-02")
def test_a_driver_serves_the_containers_that_its_entry_names() -> None:
    entry = served_by(Puppet(), uids=frozenset({b"friend"}))
    world = World(bare=True, drivers=(entry,))
    caller = Remote(world, caller_plan(local()))
    friend = Remote(world, blueprint("friend", endpoints=(local(),)))
    assert (caller.open(1), friend.open(1)) == (-1, 1)
    assert refused_calls(world) == [("open", 1, "not-served", -1)]


@pytest.mark.parametrize("served", Direction)
@pytest.mark.parametrize("asked", Direction)
@pytest.mark.clause("TC-END-02")
def test_a_driver_serves_the_directions_of_its_entry(served: Direction, asked: Direction) -> None:
    world = World(bare=True, drivers=(served_by(Puppet(), directions=frozenset({served})),))
    caller = Remote(world, caller_plan(local(direction=asked)))
    assert caller.open(1) == (1 if served is asked else -1)
    assert [reason for _, _, reason, _ in refused_calls(world)] == ["not-served"] * (
        served != asked
    )


def test_two_drivers_cannot_have_one_place() -> None:
    with pytest.raises(ValueError, match="has a driver already"):
        DriverTable([served_by(Puppet()), served_by(Puppet())])
    with pytest.raises(ValueError, match="no place"):
        DriverTable([DriverEntry(PeerType.CONTAINER, 1, "box", Puppet)])


# Descriptors of others, and of earlier starts.


@pytest.mark.parametrize("fd", [0, -1, 2, 257, 2**31, 2**32 + 1])
@pytest.mark.clause("TC-CALL-08", "TC-CALL-11", "TC-CALL-19")
def test_a_number_that_is_no_descriptor_is_refused(fd: int) -> None:
    world, caller = make_caller(local())
    assert caller.open(1) == 1
    assert (caller.read(fd), caller.write(fd, b"x"), caller.close(fd)) == (-1, -1, -1)
    assert {reason for _, _, reason, _ in refused_calls(world)} == {"bad-descriptor"}


@pytest.mark.parametrize("how", ["stop", "kill", "exit", "fault", "delete"])
@pytest.mark.clause("TC-CALL-17")
def test_descriptors_close_when_their_container_stops(how: str) -> None:
    driver = Puppet()
    last = {"exit": work(1, returns=5), "fault": trap(1)}.get(how, endless())

    def loop(natives: Natives) -> Steps:
        natives.open(1)
        natives.open(2)
        yield from last(natives)
        return 5

    world = World(bare=True, drivers=(served_by(driver),))
    world.run(caller_plan(local(1), local(2)), Program(loop))
    world.device.run(for_ms=20)
    if how not in ("exit", "fault"):
        getattr(world.device, how)("box")
    world.device.run(for_ms=1100)
    assert [call[0] for call in driver.calls] == ["open", "open", "close", "close"]
    closed = world.of(DescriptorClosed, "box")
    assert [(event.fd, event.reason) for event in closed] == [(1, "stopped"), (2, "stopped")]


def test_the_stop_hook_still_has_its_descriptors() -> None:
    driver, seen = Puppet(), list[object]()
    world = World(bare=True, drivers=(served_by(driver),))
    caller = Remote(world, caller_plan(local()), stop=lambda n: seen.append(n.write(1, b"bye")))
    caller.open(1)
    world.device.stop("box")
    world.device.run(for_ms=10)
    assert seen == [3]
    assert driver.calls[-2:] == [("write", 1, b"bye"), ("close", 1)]


@pytest.mark.clause("TC-CALL-17")
def test_a_restarted_container_opens_anew_with_new_numbers() -> None:
    world, caller = make_caller(local())
    assert caller.open(1) == 1
    world.device.stop("box")
    world.device.run(for_ms=5)
    assert world.device["box"].state is State.READY
    world.device.start("box")
    assert (caller.read(1), caller.open(1)) == (-1, 2)


@pytest.mark.clause("TC-LIFE-18")
def test_an_entry_that_is_changed_or_gone_is_revoked_at_once_and_others_stay() -> None:
    driver = Puppet()
    world = World(drivers=tuple(served_by(driver, peer=i) for i in (1, 2, 3)))
    entries = (local(1, 1), local(2, 2), local(3, 3))
    caller = Remote(world, caller_plan(*entries))
    assert [caller.open(i) for i in (1, 2, 3)] == [1, 2, 3]
    changed = (local(1, 1), local(2, 2, Direction.OUT))
    world.reconfigure(newer(caller_plan(*changed)))
    assert [(e.fd, e.reason) for e in world.of(DescriptorClosed)] == [
        (2, "revoked"),
        (3, "revoked"),
    ]
    assert driver.calls[-2:] == [("close", 2), ("close", 3)]
    assert [caller.read(fd, 1) for fd in (1, 2, 3)] == [b"r", -1, -1]
    assert [caller.open(i) for i in (1, 2, 3)] == [-1, 4, -1]
    assert [reason for _, _, reason, _ in refused_calls(world)[-2:]] == [
        "already-open",
        "unknown-endpoint",
    ]


def test_what_is_revoked_and_granted_is_told() -> None:
    world = World()
    Remote(world, caller_plan(local(1), local(2)))
    world.reconfigure(newer(caller_plan(local(2), local(3))))
    (event,) = world.of(Reconfigured)
    assert (event.revoked, event.granted) == ((1,), (3,))


def test_revoked_and_granted_endpoints_are_told_in_the_order_of_their_ids() -> None:
    world = World()
    before, after = (64, 3, 2**31, 8, 200, 1, 77), (1000, 5, 96, 2**32 - 1, 33, 7, 16)
    Remote(world, caller_plan(*map(local, before)))
    world.reconfigure(newer(caller_plan(*map(local, after))))
    (event,) = world.of(Reconfigured)
    assert (event.revoked, event.granted) == (tuple(sorted(before)), tuple(sorted(after)))


def test_a_refused_reconfiguration_leaves_descriptors_open() -> None:
    world = World(drivers=(served_by(Puppet()),))
    caller = Remote(world, caller_plan(local()))
    fd = caller.open(1)
    with refused(LoadReason.TOKEN):
        world.reconfigure(caller_plan())
    assert caller.read(fd, 2) == b"rr"
    assert world.of(DescriptorClosed) == []
