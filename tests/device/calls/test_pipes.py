"""Pipes: two containers that name each other, and the bytes on their way between them."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import Program, work
from support.worlds import Remote, World, blueprint, newer, piped, times

from tinycontainer.device.calls.pipes import Pipes
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.metadata import Direction, Endpoint, PeerType
from tinycontainer.trace.events import DescriptorClosed, Refused

IN, OUT, BOTH = Direction.IN, Direction.OUT, Direction.BOTH


def pair(world: World, left: Direction = BOTH, right: Direction = BOTH) -> tuple[Remote, Remote]:
    """Two containers, the endpoint 1 of one naming the endpoint 2 of the other."""
    return (
        Remote(world, blueprint("left", endpoints=(piped(1, "right", 2, left),))),
        Remote(world, blueprint("right", endpoints=(piped(2, "left", 1, right),))),
    )


def opened(world: World) -> tuple[Remote, int, Remote, int]:
    left, right = pair(world)
    return left, left.open(1), right, right.open(2)


def last_refusal(world: World) -> str:
    return world.of(Refused)[-1].reason


def test_bytes_go_both_ways_in_order() -> None:
    left, left_fd, right, right_fd = opened(World(bare=True))
    assert left.write(left_fd, b"hello ") == 6
    assert left.write(left_fd, b"right") == 5
    assert right.write(right_fd, b"hello left") == 10
    assert right.read(right_fd, 3) == b"hel"
    assert right.read(right_fd) == b"lo right"
    assert left.read(left_fd) == b"hello left"


@pytest.mark.clause("TC-END-10")
def test_reading_an_empty_pipe_gives_nothing_and_is_no_refusal() -> None:
    world = World(bare=True)
    left, left_fd, _, _ = opened(world)
    assert left.read(left_fd) == b""
    assert world.of(Refused) == []


def test_a_writer_does_not_read_its_own_bytes() -> None:
    left, left_fd, _, _ = opened(World(bare=True))
    assert left.write(left_fd, b"mine") == 4
    assert left.read(left_fd) == b""


@pytest.mark.parametrize(("left", "right"), list(product(Direction, repeat=2)))
@pytest.mark.clause("TC-END-08")
def test_only_fitting_directions_consent(left: Direction, right: Direction) -> None:
    world = World(bare=True)
    ends = pair(world, left, right)
    fds = [end.open(i) for i, end in enumerate(ends, 1)]
    if (left, right) in {(IN, OUT), (OUT, IN), (BOTH, BOTH)}:
        assert fds == [1, 2]
    else:
        assert fds == [-1, -1]
        assert [event.reason for event in world.of(Refused)] == ["no-consent"] * 2


@pytest.mark.parametrize("writer", ["left", "right"])
def test_in_a_pipe_of_one_direction_one_side_writes_and_the_other_reads(writer: str) -> None:
    world = World(bare=True)
    directions = (IN, OUT) if writer == "left" else (OUT, IN)
    left, right = pair(world, *directions)
    fds = {left.uid: left.open(1), right.uid: right.open(2)}
    source, target = (left, right) if writer == "left" else (right, left)
    assert source.write(fds[source.uid], b"down") == 4
    assert target.read(fds[target.uid]) == b"down"
    assert target.write(fds[target.uid], b"up") == -1
    assert last_refusal(world) == "direction"
    assert source.read(fds[source.uid]) == -1
    assert last_refusal(world) == "direction"


ANSWER = piped(2, "left", 1)
"""The entry of the right container that consents to the left one's endpoint 1."""


@pytest.mark.parametrize(
    "answer",
    [
        (),
        (replace(ANSWER, endpoint_id=3),),
        (replace(ANSWER, peer_uid=b"third"),),
        (replace(ANSWER, peer_endpoint_id=4),),
        (Endpoint(2, PeerType.LOCAL, 1, BOTH),),
    ],
    ids=["nothing", "another id", "another uid", "another endpoint", "a driver"],
)
@pytest.mark.clause("TC-END-08")
def test_without_an_entry_that_names_it_back_an_end_stays_closed(
    answer: tuple[Endpoint, ...],
) -> None:
    world = World(bare=True)
    left = Remote(world, blueprint("left", endpoints=(piped(1, "right", 2),)))
    world.add(blueprint("right", endpoints=answer), Program(work(1)))
    assert left.open(1) == -1
    assert last_refusal(world) == "no-consent"


def test_the_peer_may_open_before_or_after_and_bytes_wait_for_it() -> None:
    world = World(bare=True)
    left, right = pair(world)
    fd = left.open(1)
    assert left.write(fd, b"early") == 5
    right_fd = right.open(2)
    assert right.read(right_fd) == b"early"


def test_a_peer_that_is_loaded_but_not_started_can_be_written_to() -> None:
    world = World(bare=True)
    left = Remote(world, blueprint("left", endpoints=(piped(1, "right", 2),)))
    world.add(blueprint("right", endpoints=(ANSWER,)), Program(work(1)))
    fd = left.open(1)
    assert left.write(fd, b"later") == 5


@pytest.mark.clause("TC-END-09")
def test_open_is_refused_while_the_peer_is_not_loaded() -> None:
    world = World(bare=True)
    left = Remote(world, blueprint("left", endpoints=(piped(1, "right", 2),)))
    assert left.open(1) == -1
    assert last_refusal(world) == "peer-missing"
    world.add(blueprint("right", endpoints=(ANSWER,)), Program(work(1)))
    assert left.open(1) == 1


@pytest.mark.clause("TC-END-08")
def test_a_container_has_no_pipe_to_itself() -> None:
    world = World(bare=True)
    ends = (piped(1, "solo", 2), piped(2, "solo", 1), piped(3, "solo", 3))
    solo = Remote(world, blueprint("solo", endpoints=ends))
    for endpoint_id in (1, 2, 3):
        assert solo.open(endpoint_id) == -1
        assert last_refusal(world) == "no-consent"


def test_two_pipes_between_the_same_containers_do_not_mix() -> None:
    world = World(bare=True)
    left = Remote(world, blueprint("left", endpoints=(piped(1, "right", 1), piped(2, "right", 2))))
    right = Remote(world, blueprint("right", endpoints=(piped(1, "left", 1), piped(2, "left", 2))))
    left_fds = [left.open(i) for i in (1, 2)]
    right_fds = [right.open(i) for i in (1, 2)]
    left.write(left_fds[0], b"one")
    left.write(left_fds[1], b"two")
    assert right.read(right_fds[1]) == b"two"
    assert right.read(right_fds[0]) == b"one"


@pytest.mark.clause("TC-END-10")
def test_a_pipe_holds_512_bytes_and_write_takes_what_fits() -> None:
    world = World(bare=True)
    left, left_fd, right, right_fd = opened(world)
    taken = [left.write(left_fd, bytes([i]) * 200) for i in range(4)]
    assert taken == [200, 200, 112, 0]
    assert world.of(Refused) == []
    assert right.write(right_fd, b"the other way is free") == 21
    assert right.read(right_fd, 1) == b"\x00"
    assert left.write(left_fd, b"xyz") == 1
    received = b"".join(bytes(right.read(right_fd)) for _ in range(4))
    assert received == bytes(199) + b"\x01" * 200 + b"\x02" * 112 + b"x"


def test_the_capacity_of_pipes_is_a_limit_of_the_device() -> None:
    left, left_fd, _, _ = opened(World(bare=True, capacity=Capacity(pipe_bytes=3)))
    assert left.write(left_fd, b"abcde") == 3


# How bytes vanish.


@pytest.mark.clause("TC-END-12")
def test_bytes_stay_when_either_end_is_closed_and_opened_again() -> None:
    left, left_fd, right, right_fd = opened(World(bare=True))
    left.write(left_fd, b"kept")
    assert left.close(left_fd) == 0
    assert right.close(right_fd) == 0
    again = right.open(2)
    assert right.read(again) == b"kept"


@pytest.mark.clause("TC-END-11")
def test_bytes_vanish_when_their_reader_stops() -> None:
    world = World(bare=True)
    left, left_fd, right, right_fd = opened(world)
    left.write(left_fd, b"gone")
    right.write(right_fd, b"kept")
    restart(world, "right")
    again = right.open(2)
    assert right.read(again) == b""
    assert left.read(left_fd) == b"kept"
    assert left.write(left_fd, b"new") == 3
    assert right.read(again) == b"new"


def restart(world: World, uid: str) -> None:
    world.device.stop(uid)
    world.device.run(for_ms=5)
    world.device.start(uid)


def test_a_full_pipe_is_empty_again_for_its_writer_when_the_reader_has_stopped() -> None:
    world = World(bare=True)
    left, left_fd, _, _ = opened(world)
    while left.write(left_fd, bytes(255)):
        pass
    world.device.stop("right")
    world.device.run(for_ms=5)
    assert left.write(left_fd, bytes(255)) == 255


@pytest.mark.clause("TC-END-11")
def test_a_delete_closes_the_other_end_and_takes_all_bytes_along() -> None:
    world = World(bare=True)
    left, left_fd, right, right_fd = opened(world)
    right.write(right_fd, b"gone")
    left.write(left_fd, b"gone too")
    world.device.delete("right")
    world.device.run(for_ms=5)
    closed = [(event.uid, event.reason) for event in world.of(DescriptorClosed)]
    assert sorted(closed) == [(b"left", "peer-gone"), (b"right", "stopped")]
    assert left.read(left_fd) == -1
    assert last_refusal(world) == "bad-descriptor"
    assert left.open(1) == -1
    assert last_refusal(world) == "peer-missing"
    right = Remote(world, blueprint("right", endpoints=(ANSWER,)))
    left_fd, right_fd = left.open(1), right.open(2)
    assert left.read(left_fd) == b""
    assert right.read(right_fd) == b""


def test_a_peer_that_is_deleted_while_ready_closes_the_other_end_at_once() -> None:
    world = World(bare=True)
    left = Remote(world, blueprint("left", endpoints=(piped(1, "right", 2),)))
    world.add(blueprint("right", endpoints=(ANSWER,)), Program(work(1)))
    left.open(1)
    world.device.delete("right")
    assert [event.reason for event in world.of(DescriptorClosed, "left")] == ["peer-gone"]


CHANGED = {
    "entry gone": (),
    "entry in one direction": (replace(ANSWER, direction=IN),),
    "entry for another peer": (replace(ANSWER, peer_uid=b"third"),),
    "entry for another endpoint": (replace(ANSWER, peer_endpoint_id=7),),
    "entry with a token": (ANSWER,),
}
RIGHT = blueprint("right", endpoints=(ANSWER,), security=times(period=1))


@pytest.mark.parametrize("how", CHANGED)
@pytest.mark.clause("TC-END-11", "TC-LIFE-18")
def test_the_end_of_consent_closes_both_ends_and_takes_all_bytes_along(how: str) -> None:
    world = World()
    left, left_fd, right, right_fd = opened(world)
    left.write(left_fd, b"gone")
    right.write(right_fd, b"gone too")
    signed = how == "entry with a token"
    changed = replace(newer(RIGHT), endpoints=CHANGED[how], sign_endpoints=signed)
    world.reconfigure(changed)
    reasons = {event.uid: event.reason for event in world.of(DescriptorClosed)}
    assert reasons == {b"left": "peer-gone", b"right": "revoked"}
    assert left.read(left_fd) == -1
    assert right.read(right_fd) == -1
    world.reconfigure(newer(newer(RIGHT)))
    left_fd, right_fd = left.open(1), right.open(2)
    assert left.read(left_fd) == b""
    assert right.read(right_fd) == b""


def test_an_entry_that_is_kept_to_the_byte_keeps_its_pipe() -> None:
    world = World()
    left, left_fd, right, right_fd = opened(world)
    left.write(left_fd, b"kept")
    world.reconfigure(replace(newer(RIGHT), endpoints=(piped(9, "left", 9), ANSWER)))
    assert world.of(DescriptorClosed) == []
    assert right.read(right_fd) == b"kept"


def test_consent_that_ends_while_nobody_has_it_open_takes_the_bytes_along_too() -> None:
    world = World()
    left, left_fd, right, right_fd = opened(world)
    left.write(left_fd, b"gone")
    left.close(left_fd)
    right.close(right_fd)
    world.reconfigure(replace(newer(RIGHT), endpoints=()))
    world.reconfigure(newer(newer(RIGHT)))
    again = right.open(2)
    assert right.read(again) == b""


def test_a_change_of_one_container_leaves_pipes_of_others_alone() -> None:
    world = World(bare=True)
    left, left_fd, right, right_fd = opened(world)
    world.add(blueprint("third", endpoints=(piped(1, "right", 2),)), Program(work(1)))
    left.write(left_fd, b"kept")
    world.reconfigure(blueprint("third"))
    world.device.delete("third")
    assert right.read(right_fd) == b"kept"
    assert world.of(DescriptorClosed) == []


# The pipes by themselves, against a model.


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from(["read", "write"]), st.binary(max_size=9)),
        max_size=60,
    ),
    st.integers(1, 20),
)
def test_a_pipe_is_two_queues_of_bytes(
    steps: list[tuple[bool, str, bytes]], capacity_bytes: int
) -> None:
    pipes = Pipes(capacity_bytes)
    fds = [pipes.connect(b"a", piped(1, "b", 2)), pipes.connect(b"b", piped(2, "a", 1))]
    arriving = [b"", b""]
    for side, action, data in steps:
        if action == "read":
            size = len(data) + 1
            assert pipes.read(fds[side], size) == arriving[side][:size]
            arriving[side] = arriving[side][size:]
        else:
            room = capacity_bytes - len(arriving[not side])
            assert pipes.write(fds[side], data) == min(room, len(data))
            arriving[not side] += data[:room]


def test_a_pipe_to_a_driver_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="no container"):
        Pipes(1).connect(b"a", Endpoint(1, PeerType.LOCAL, 1, BOTH))
