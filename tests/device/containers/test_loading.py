"""The loading protocol: order, lengths and capacity; any failure frees the slot."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import Program, work
from support.worlds import World, blueprint, local, refused

from tinycontainer.device.containers.limits import BOARDS, Capacity
from tinycontainer.device.containers.loading import Loading, LoadState
from tinycontainer.device.containers.memory import MemoryManager, Section
from tinycontainer.errors import LoadError, LoadReason
from tinycontainer.metadata import Bundle
from tinycontainer.trace.events import LoadRefused

METADATA, CODE, DATA = Section.METADATA, Section.CODE, Section.DATA
ONE_SLOT = Capacity(slots=1, metadata_bytes=8, code_bytes=16, data_bytes=12)


def loading(capacity: Capacity = ONE_SLOT) -> Loading:
    return Loading(MemoryManager(capacity))


def transfer(load: Loading, *sections: tuple[Section, bytes]) -> None:
    for section, content in sections:
        load.open(section, len(content))
        if content:
            load.write(content)


def test_a_load_goes_through_its_sections_in_order() -> None:
    load = loading()
    states = [load.state]
    load.begin()
    for section in (METADATA, CODE, DATA):
        states.append(load.state)
        transfer(load, (section, b"1234"))
    states.append(load.state)
    slot = load.finish()
    states.append(load.state)
    assert states == [
        LoadState.NONE,
        LoadState.STARTED,
        LoadState.METADATA,
        LoadState.CODE,
        LoadState.DATA,
        LoadState.NONE,
    ]
    assert [slot.read(section) for section in Section] == [b"1234"] * 3


@pytest.mark.parametrize("order", list(product(Section, repeat=3)), ids="-".join)
@pytest.mark.clause("TC-LOAD-01")
def test_only_one_order_of_sections_is_taken(order: tuple[Section, ...]) -> None:
    load = loading()
    load.begin()
    if order == (METADATA, CODE, DATA):
        transfer(load, *((section, b"x") for section in order))
        load.finish()
    else:
        with refused(LoadReason.OUT_OF_ORDER):
            transfer(load, *((section, b"x") for section in order))
        assert load.state is LoadState.NONE


@given(st.binary(max_size=16), st.lists(st.integers(1, 5), max_size=16))
@pytest.mark.clause("TC-LOAD-01")
def test_a_section_may_come_in_pieces_of_any_length(content: bytes, cuts: list[int]) -> None:
    load = loading()
    load.begin()
    transfer(load, (METADATA, b"m"))
    load.open(CODE, len(content))
    left = content
    for cut in cuts:
        if left:
            load.write(left[:cut])
            left = left[cut:]
    if left:
        load.write(left)
    transfer(load, (DATA, b""))
    assert load.finish().read(CODE) == content


@pytest.mark.clause("TC-LOAD-01")
def test_empty_sections_are_complete_without_a_write() -> None:
    load = loading()
    load.begin()
    for section in Section:
        load.open(section, 0)
    slot = load.finish()
    assert [slot.read(section) for section in Section] == [b""] * 3


# Bytes are written; "data:2" announces a section with its length; "data" fills one with one byte.
FAILURES: dict[str, tuple[list[str | bytes], LoadReason]] = {
    "begins again": (["begin"], LoadReason.OUT_OF_ORDER),
    "writes before any section": ([b"x"], LoadReason.OUT_OF_ORDER),
    "begins with code": (["code:1"], LoadReason.OUT_OF_ORDER),
    "begins with data": (["data:0"], LoadReason.OUT_OF_ORDER),
    "ends at once": (["finish"], LoadReason.OUT_OF_ORDER),
    "has too much metadata": (["metadata:9"], LoadReason.CAPACITY),
    "has a negative length": (["metadata:-1"], LoadReason.CAPACITY),
    "lacks a byte and goes on": (["metadata:2", b"x", "code:1"], LoadReason.SECTION_LENGTH),
    "has a byte too many": (["metadata:2", b"x", b"yz"], LoadReason.SECTION_LENGTH),
    "has a byte after the end": (["metadata", b"y"], LoadReason.OUT_OF_ORDER),
    "writes into an empty section": (["metadata:0", b"y"], LoadReason.OUT_OF_ORDER),
    "has metadata twice": (["metadata", "metadata"], LoadReason.OUT_OF_ORDER),
    "skips code": (["metadata", "data"], LoadReason.OUT_OF_ORDER),
    "opens sealed code": (["metadata", "code", "code"], LoadReason.OUT_OF_ORDER),
    "writes to sealed code": (["metadata", "code", b"y"], LoadReason.OUT_OF_ORDER),
    "ends without data": (["metadata", "code", "finish"], LoadReason.OUT_OF_ORDER),
    "ends within data": (
        ["metadata", "code", "data:2", b"x", "finish"],
        LoadReason.SECTION_LENGTH,
    ),
    "has too much code": (["metadata", "code:17"], LoadReason.CAPACITY),
    "has too much data": (["metadata", "code:0", "data:13"], LoadReason.CAPACITY),
    "has a section after the last": (
        ["metadata", "code", "data", "data"],
        LoadReason.OUT_OF_ORDER,
    ),
}


def take(load: Loading, step: str | bytes) -> None:
    if isinstance(step, bytes):
        load.write(step)
    elif step == "begin":
        load.begin()
    elif step == "finish":
        load.finish()
    elif ":" in step:
        name, size = step.split(":")
        load.open(Section(name), int(size))
    else:
        transfer(load, (Section(step), b"x"))


@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.clause("TC-LOAD-02")
def test_a_load_that_fails_is_over_and_its_slot_is_free(how: str) -> None:
    steps, reason = FAILURES[how]
    load = loading()
    load.begin()
    for step in steps[:-1]:
        take(load, step)
    with refused(reason):
        take(load, steps[-1])
    assert load.state is LoadState.NONE
    load.begin()
    transfer(load, *((section, b"x") for section in Section))
    assert load.finish().number == 0


@pytest.mark.parametrize("step", ["metadata:1", b"x", "finish"])
def test_nothing_can_be_transferred_without_a_load(step: str | bytes) -> None:
    with refused(LoadReason.OUT_OF_ORDER, "no load is under way"):
        take(loading(), step)


def test_a_load_that_is_given_up_frees_its_slot() -> None:
    load = loading()
    load.abandon()
    for _ in range(3):
        load.begin()
        transfer(load, (METADATA, b"x"))
        load.abandon()
        assert load.state is LoadState.NONE


def test_a_finished_load_keeps_its_slot() -> None:
    load = loading()
    load.begin()
    transfer(load, *((section, b"x") for section in Section))
    load.finish()
    load.abandon()
    with refused(LoadReason.NO_SLOT):
        load.begin()
    assert load.state is LoadState.NONE


# The same protocol at the device.

PROGRAMS = {uid: Program(work(1)) for uid in ("box", "two", "six")}


def sections_of(world: World, uid: str) -> Bundle:
    return world.pack(blueprint(uid))


def send(world: World, bundle: Bundle) -> None:
    parts = ((METADATA, bundle.metadata), (CODE, bundle.code), (DATA, bundle.data))
    for section, content in parts:
        world.device.open_section(section, len(content))
        for position in range(0, len(content), 50):
            world.device.write_section(content[position : position + 50])


def test_a_container_can_be_sent_section_by_section() -> None:
    world = World(dict(PROGRAMS))
    world.device.begin_load()
    send(world, sections_of(world, "box"))
    assert world.device.end_load().uid == b"box"
    assert "box" in world.device


@pytest.mark.clause("TC-LOAD-13")
def test_a_device_takes_one_load_at_a_time() -> None:
    world = World(dict(PROGRAMS), bare=True)
    world.device.begin_load()
    world.device.open_section(METADATA, 3)
    with refused(LoadReason.OUT_OF_ORDER, "under way"):
        world.device.begin_load()
    with refused(LoadReason.OUT_OF_ORDER, "no load"):
        world.device.write_section(b"x")
    world.add(blueprint("box"))


def test_a_bundle_in_the_middle_of_a_load_ends_both() -> None:
    world = World(dict(PROGRAMS), bare=True, capacity=Capacity(slots=1))
    world.device.begin_load()
    with refused(LoadReason.OUT_OF_ORDER):
        world.add(blueprint("box"))
    assert len(world.device) == 0
    world.add(blueprint("box"))


def test_a_bundle_that_is_no_bundle_ends_the_load_under_way_too() -> None:
    world = World(dict(PROGRAMS), bare=True, capacity=Capacity(slots=1))
    world.device.begin_load()
    with refused(LoadReason.BUNDLE):
        world.device.load(b"\x00")
    world.add(blueprint("box"))


@pytest.mark.clause("TC-LOAD-11")
def test_every_failure_of_the_protocol_is_traced_with_its_reason() -> None:
    world = World(bare=True)
    for _ in range(2):
        with pytest.raises(LoadError):
            world.device.open_section(CODE, 1)
    with pytest.raises(LoadError):
        world.device.end_load()
    assert [event.reason for event in world.of(LoadRefused)] == ["out-of-order"] * 3


def test_a_load_can_be_given_up_at_the_device() -> None:
    world = World(dict(PROGRAMS), bare=True, capacity=Capacity(slots=1))
    world.device.abandon_load()
    world.device.begin_load()
    world.device.open_section(METADATA, 3)
    world.device.abandon_load()
    assert world.add(blueprint("box")).slot == 0


def test_the_board_riot_2024_holds_three_containers() -> None:
    world = World(
        {uid: Program(work(1)) for uid in "abcd"}, capacity=BOARDS["riot-2024"], bare=True
    )
    for uid in "abc":
        world.add(blueprint(uid))
    with refused(LoadReason.NO_SLOT):
        world.add(blueprint("d"))
    world.device.delete("b")
    world.add(blueprint("d"))


@pytest.mark.parametrize("data_bytes", [1016, 1017, 1020])
def test_code_and_data_share_the_memory_of_the_board_riot_2024(data_bytes: int) -> None:
    world = World(dict(PROGRAMS), capacity=BOARDS["riot-2024"], bare=True)
    world.programs["boxes"] = Program(work(1))
    if data_bytes <= 1024 - 8:
        world.add(blueprint("boxes"), data=bytes(data_bytes))
        assert world.of(LoadRefused) == []
    else:
        with refused(LoadReason.CAPACITY):
            world.add(blueprint("boxes"), data=bytes(data_bytes))
        assert len(world.device) == 0


def test_metadata_of_more_than_1024_bytes_is_too_much_for_the_board_riot_2024() -> None:
    world = World(dict(PROGRAMS), capacity=BOARDS["riot-2024"])
    many = blueprint("box", endpoints=tuple(local(number) for number in range(1, 60)))
    with refused(LoadReason.CAPACITY, "1024 fit"):
        world.add(many)
    assert len(world.device) == 0


@pytest.mark.parametrize("missing", [1, 40])
@pytest.mark.clause("TC-LOAD-14")
def test_a_bundle_beyond_all_capacities_is_not_even_parsed(missing: int) -> None:
    world = World(bare=True, capacity=ONE_SLOT)
    with refused(LoadReason.BUNDLE):
        world.device.load(b"\x83" + bytes(8 + 16 + 12 + 64 - 1 + missing))
