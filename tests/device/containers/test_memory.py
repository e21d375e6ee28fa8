"""The memory manager: sections that fill up and are sealed, slots, and who is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import Program, work
from support.worlds import World, blueprint, refused

from tinycontainer.device.containers.limits import BOARDS, Capacity
from tinycontainer.device.containers.memory import MemoryManager, Section, Slot
from tinycontainer.errors import LoadError, LoadReason, SectionTooLarge

SMALL = Capacity(slots=2, metadata_bytes=8, code_bytes=16, data_bytes=12)


def test_a_section_is_closed_when_it_has_all_its_bytes() -> None:
    slot = Slot(0, SMALL)
    slot.open(Section.CODE, 5)
    assert slot.writing is Section.CODE
    slot.write(b"ab")
    slot.write(b"")
    slot.write(b"cde")
    assert slot.writing is None
    assert slot.read(Section.CODE) == b"abcde"


def test_a_section_that_is_not_complete_cannot_be_read() -> None:
    slot = Slot(0, SMALL)
    with refused(LoadReason.SECTION_LENGTH):
        slot.read(Section.CODE)
    slot.open(Section.CODE, 5)
    slot.write(b"abcd")
    with refused(LoadReason.SECTION_LENGTH):
        slot.read(Section.CODE)


def test_an_empty_section_closes_at_once() -> None:
    slot = Slot(0, SMALL)
    slot.open(Section.METADATA, 0)
    assert slot.writing is None
    assert slot.read(Section.METADATA) == b""


def test_a_byte_more_than_announced_is_refused() -> None:
    slot = Slot(0, SMALL)
    slot.open(Section.CODE, 3)
    slot.write(b"ab")
    with refused(LoadReason.SECTION_LENGTH):
        slot.write(b"cd")


@pytest.mark.parametrize("section", Section)
@pytest.mark.clause("TC-LOAD-04")
def test_a_closed_section_cannot_be_written_or_opened_again(section: Section) -> None:
    slot = Slot(0, SMALL)
    for each in Section:
        slot.put(each, b"1234")
    with refused(LoadReason.OUT_OF_ORDER):
        slot.write(b"5")
    with refused(LoadReason.OUT_OF_ORDER):
        slot.open(section, 4)
    assert slot.read(section) == b"1234"


@pytest.mark.clause("TC-LOAD-04")
def test_data_waits_until_code_is_sealed() -> None:
    slot = Slot(0, SMALL)
    with refused(LoadReason.OUT_OF_ORDER):
        slot.open(Section.DATA, 1)
    slot.open(Section.CODE, 2)
    with refused(LoadReason.OUT_OF_ORDER):
        slot.open(Section.DATA, 1)
    slot.write(b"ab")
    slot.open(Section.DATA, 1)


def test_two_sections_are_never_open_together() -> None:
    slot = Slot(0, SMALL)
    slot.open(Section.METADATA, 1)
    with refused(LoadReason.OUT_OF_ORDER):
        slot.open(Section.CODE, 1)


@pytest.mark.parametrize(
    ("section", "capacity"), [(Section.METADATA, 8), (Section.CODE, 16), (Section.DATA, 12)]
)
@pytest.mark.clause("TC-LOAD-03")
def test_a_section_may_fill_its_capacity_and_no_more(section: Section, capacity: int) -> None:
    def slot() -> Slot:
        empty = Slot(0, SMALL)
        if section is Section.DATA:
            empty.put(Section.CODE, b"")
        return empty

    full = slot()
    full.put(section, bytes(capacity))
    assert full.read(section) == bytes(capacity)
    with refused(LoadReason.CAPACITY):
        slot().open(section, capacity + 1)
    with refused(LoadReason.CAPACITY):
        slot().open(section, -1)


@given(code=st.integers(0, 1024), data=st.integers(0, 1100))
def test_code_rounded_up_to_four_and_data_share_what_the_firmware_has(code: int, data: int) -> None:
    slot = Slot(0, BOARDS["riot-2024"])
    slot.put(Section.CODE, bytes(code))
    data_begins = code + (-code % 4)
    if data_begins + data <= 1024:
        slot.put(Section.DATA, bytes(data))
        assert len(slot.read(Section.DATA)) == data
    else:
        with refused(LoadReason.CAPACITY):
            slot.open(Section.DATA, data)


@pytest.mark.parametrize(("code", "data"), [(1021, 0), (1024, 0), (1017, 4), (1020, 4)])
def test_the_last_shared_bytes_can_be_used(code: int, data: int) -> None:
    slot = Slot(0, BOARDS["riot-2024"])
    slot.put(Section.CODE, bytes(code))
    with refused(LoadReason.CAPACITY):
        slot.open(Section.DATA, data + 1)
    slot.put(Section.DATA, bytes(data))
    assert slot.read(Section.DATA) == bytes(data)


def test_replaced_metadata_obeys_the_capacity() -> None:
    slot = Slot(0, SMALL)
    slot.put(Section.METADATA, b"old")
    with refused(LoadReason.CAPACITY):
        slot.replace_metadata(b"123456789")
    assert slot.read(Section.METADATA) == b"old"
    slot.replace_metadata(b"12345678")
    assert slot.read(Section.METADATA) == b"12345678"


def test_what_was_read_does_not_change_with_the_slot() -> None:
    slot = Slot(0, SMALL)
    slot.put(Section.CODE, b"abc")
    code = slot.read(Section.CODE)
    slot.erase()
    assert code == b"abc"
    with refused(LoadReason.SECTION_LENGTH):
        slot.read(Section.CODE)


def test_the_first_free_slot_is_taken() -> None:
    memory = MemoryManager(Capacity(slots=3))
    first, second, third = (memory.take() for _ in range(3))
    assert [slot.number for slot in (first, second, third)] == [0, 1, 2]
    memory.release(second)
    memory.release(first)
    assert memory.take().number == 0
    assert memory.take().number == 1


def test_a_full_memory_says_what_to_do() -> None:
    memory = MemoryManager(SMALL)
    memory.take()
    memory.take()
    with pytest.raises(LoadError, match="2 slots are in use; delete") as caught:
        memory.take()
    assert caught.value.reason is LoadReason.NO_SLOT


def test_a_uid_leads_to_its_slot_until_it_is_released() -> None:
    memory = MemoryManager(SMALL)
    slot = memory.take()
    assert memory.find(b"box") is None
    memory.name(slot, b"box")
    assert memory.find(b"box") is slot
    memory.release(slot)
    assert memory.find(b"box") is None
    assert slot.uid is None


def test_a_uid_names_one_slot_only() -> None:
    memory = MemoryManager(SMALL)
    first, second = memory.take(), memory.take()
    memory.name(first, b"box")
    with refused(LoadReason.DUPLICATE_UID):
        memory.name(second, b"box")
    memory.release(second)
    assert memory.find(b"box") is first


def test_a_released_slot_is_as_new() -> None:
    memory = MemoryManager(Capacity(slots=1))
    slot = memory.take()
    slot.put(Section.METADATA, b"m")
    slot.put(Section.CODE, b"c")
    slot.open(Section.DATA, 2)
    memory.release(slot)
    again = memory.take()
    assert again.writing is None
    again.put(Section.METADATA, b"other")
    assert again.read(Section.METADATA) == b"other"


def test_the_slot_of_a_deleted_container_is_used_again() -> None:
    world = World({uid: Program(work(1)) for uid in "abcd"}, bare=True)
    assert [world.add(blueprint(uid)).slot for uid in "abc"] == [0, 1, 2]
    world.device.delete("b")
    assert world.add(blueprint("d")).slot == 1
    assert [view.uid for view in world.device] == [b"a", b"d", b"c"]


def test_a_section_that_does_not_fit_is_refused_with_both_sizes() -> None:
    slot = Slot(0, Capacity(code_bytes=8, data_bytes=8, shared_bytes=10))
    slot.put(Section.METADATA, b"")
    slot.put(Section.CODE, b"12345")
    with pytest.raises(SectionTooLarge) as refusal:
        slot.put(Section.DATA, b"123")
    error = refusal.value
    assert (error.section, error.found_bytes, error.allowed_bytes) == ("data", 3, 2)
    slot.put(Section.DATA, b"12")
    assert slot.read(Section.DATA) == b"12"
