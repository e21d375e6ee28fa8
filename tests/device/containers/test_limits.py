"""Limits: the defaults, and the caps on what metadata may ask for."""

from dataclasses import replace

import pytest
from support.scripted import Program, work
from support.worlds import World, blueprint, newer, refused, times

from tinycontainer.device.containers.limits import BOARDS, Cap, Capacity, Caps, Policy, Scheduling
from tinycontainer.errors import CapExceeded, LoadReason
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer.metadata import Timing
from tinycontainer.tools.packing.packing import Blueprint
from tinycontainer.trace.events import LoadRefused

EVERYTHING = Timing(
    start_max_ms=100, loop_max_ms=50, stop_max_ms=20, period_ms=500, lifetime_loops=9, priority=7
)


@pytest.mark.clause("TC-LOAD-12")
def test_what_a_device_holds_by_default() -> None:
    capacity = Capacity()
    assert (capacity.metadata_bytes, capacity.code_bytes, capacity.data_bytes) == (
        2048,
        65536,
        65536,
    )
    assert (capacity.slots, capacity.runtime.memory_pages) == (8, 1)
    assert (capacity.descriptors, capacity.descriptors_per_container) == (10, 4)
    assert (capacity.transfer_bytes, capacity.pipe_bytes) == (255, 512)
    assert (capacity.log_line_bytes, capacity.records_per_second) == (255, 20)
    assert BOARDS["default"] == capacity


@pytest.mark.clause("TC-LOAD-12")
def test_what_the_board_riot_2024_holds() -> None:
    board = BOARDS["riot-2024"]
    assert (board.slots, board.metadata_bytes, board.shared_bytes) == (3, 1024, 1024)
    assert board.bundle_bytes == 1024 + 1024 + 64
    assert (board.descriptors, board.descriptors_per_container) == (10, 10)


@pytest.mark.clause("TC-LOAD-12")
def test_what_the_board_desk_ml_holds() -> None:
    board = BOARDS["desk-ml"]
    assert (board.slots, board.metadata_bytes, board.code_bytes) == (8, 2048, 65536)
    assert (board.data_bytes, board.runtime.memory_pages) == (512 * 1024, 4)


def test_how_a_device_shares_its_processor_by_default() -> None:
    assert Scheduling() == Scheduling(Policy.PRIORITY, 10_000_000, 1_000_000_000, 100)


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("memory_pages", 0),
        ("memory_pages", 1025),
        ("call_depth", 1001),
        ("table_elements", 1025),
        ("block_depth", 1025),
        ("code_bytes", 7),
    ],
)
def test_a_limit_of_a_runtime_that_is_out_of_range_is_refused(limit: str, value: int) -> None:
    with pytest.raises(ValueError, match=limit):
        RuntimeLimits(**{limit: value})  # type: ignore[arg-type]


def test_without_caps_everything_is_allowed() -> None:
    Cap().check(Timing())
    Caps().check(b"box", Timing(priority=0))


@pytest.mark.parametrize(
    "cap",
    [
        Cap(best_priority=7),
        Cap(start_max_ms=100),
        Cap(loop_max_ms=50),
        Cap(stop_max_ms=20),
        Cap(loop_share=0.1),
        Cap(7, 100, 50, 20, 0.1),
    ],
)
def test_asking_for_exactly_what_is_allowed_is_granted(cap: Cap) -> None:
    cap.check(EVERYTHING)


@pytest.mark.parametrize(
    ("cap", "words"),
    [
        (Cap(best_priority=8), "priority"),
        (Cap(start_max_ms=99), "start_max_ms"),
        (Cap(loop_max_ms=49), "loop_max_ms"),
        (Cap(stop_max_ms=19), "stop_max_ms"),
        (Cap(loop_share=0.099), "loop share"),
    ],
)
def test_asking_for_more_is_refused_by_name(cap: Cap, words: str) -> None:
    with refused(LoadReason.CAP_EXCEEDED, words):
        cap.check(EVERYTHING)


@pytest.mark.parametrize(
    ("cap", "field"),
    [
        (Cap(start_max_ms=4_294_967_295), "start_max_ms"),
        (Cap(loop_max_ms=4_294_967_295), "loop_max_ms"),
        (Cap(stop_max_ms=4_294_967_295), "stop_max_ms"),
        (Cap(loop_share=1.0), "loop_max_ms"),
        (Cap(loop_share=1.0), "period_ms"),
    ],
)
@pytest.mark.clause("TC-LOAD-08")
def test_zero_is_no_limit_and_counts_as_beyond_every_cap(cap: Cap, field: str) -> None:
    with refused(LoadReason.CAP_EXCEEDED, "no limit"):
        cap.check(replace(EVERYTHING, **{field: 0}))


def test_zero_is_the_highest_priority_and_is_judged_as_a_number() -> None:
    Cap(best_priority=0).check(Timing(priority=0))
    with refused(LoadReason.CAP_EXCEEDED, "priority"):
        Cap(best_priority=1).check(Timing(priority=0))


def test_a_cap_of_one_matter_leaves_the_others_open() -> None:
    Cap(best_priority=3).check(Timing(priority=3))
    Cap(stop_max_ms=5).check(Timing(stop_max_ms=5))


def test_a_container_with_caps_of_its_own_is_judged_by_these_alone() -> None:
    caps = Caps(Cap(loop_max_ms=10), {b"vip": Cap(loop_max_ms=90, best_priority=2)})
    caps.check(b"vip", Timing(loop_max_ms=90))
    with refused(LoadReason.CAP_EXCEEDED, "priority"):
        caps.check(b"vip", Timing(loop_max_ms=5, priority=1))
    with refused(LoadReason.CAP_EXCEEDED, "loop_max_ms"):
        caps.check(b"vip2", Timing(loop_max_ms=90))


# At the device.

CAPS = Caps(Cap(best_priority=5, loop_max_ms=20, loop_share=0.5))


def capped() -> World:
    return World({"box": Program(work(1))}, caps=CAPS)


BEYOND: dict[str, Blueprint] = {
    "priority": blueprint("box", priority=4, security=times(loop=10, period=100)),
    "duration": blueprint("box", security=times(loop=21, period=100)),
    "no duration": blueprint("box", security=times(period=100)),
    "share": blueprint("box", security=times(loop=20, period=39)),
    "no period": blueprint("box", security=times(loop=10)),
}


@pytest.mark.parametrize("plan", BEYOND.values(), ids=BEYOND)
@pytest.mark.clause("TC-LOAD-08")
def test_metadata_beyond_a_cap_is_refused_at_load(plan: Blueprint) -> None:
    world = capped()
    with refused(LoadReason.CAP_EXCEEDED):
        world.add(plan)
    assert len(world.device) == 0
    assert [event.reason for event in world.of(LoadRefused, "box")] == ["cap-exceeded"]


def test_metadata_at_the_caps_is_loaded() -> None:
    capped().add(blueprint("box", priority=5, security=times(loop=20, period=40)))


@pytest.mark.parametrize("plan", BEYOND.values(), ids=BEYOND)
def test_metadata_beyond_a_cap_is_refused_at_a_reconfiguration(plan: Blueprint) -> None:
    world = capped()
    world.add(blueprint("box", security=times(loop=10, period=100)))
    before = world.device["box"], world.device.metadata("box")
    with refused(LoadReason.CAP_EXCEEDED):
        world.reconfigure(newer(plan))
    assert (world.device["box"], world.device.metadata("box")) == before


def test_a_cap_judges_the_container_map_where_it_overrules_the_security_array() -> None:
    world = capped()
    plan = blueprint("box", security=times(loop=10, period=100))
    for beyond in (
        replace(plan.container, exec_time_ms=21),
        replace(plan.container, exec_time_ms=0),
        replace(plan.container, period_ms=19),
    ):
        with refused(LoadReason.CAP_EXCEEDED):
            world.add(replace(plan, container=beyond))
    plan = blueprint("box", security=times(loop=500, period=1))
    within = replace(plan.container, exec_time_ms=20, period_ms=40)
    world.add(replace(plan, container=within))


def test_a_refusal_carries_what_was_found_and_what_is_allowed() -> None:
    with pytest.raises(CapExceeded) as refusal:
        Cap(loop_max_ms=49).check(EVERYTHING)
    error = refusal.value
    assert (error.field, error.found, error.allowed) == ("loop_max_ms", 50, 49)
    unlimited = tuple(Cap(loop_share=0.1).excesses(replace(EVERYTHING, period_ms=0)))
    assert [(each.field, each.found, each.allowed) for each in unlimited] == [
        ("loop share", None, 0.1)
    ]
