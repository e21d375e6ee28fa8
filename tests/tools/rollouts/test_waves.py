"""Waves: each has its share of every stratum, whatever names and numbers the devices have."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil, floor
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.tools.rollouts import (
    Candidate,
    Wave,
    assign_waves,
    size_waves,
    wave_of_late_joiner,
)

SHARES = st.sets(st.integers(1, 99), max_size=8).map(lambda some: [*sorted(some), 100])
WAVES = SHARES.map(lambda shares: [Wave(each) for each in shares])
KEYS = ("kind", "label.site")


def candidate(number: int, kind: str = "box", site: str | None = None) -> Candidate:
    labels = {} if site is None else {"site": site}
    return Candidate(f"device-{number}", kind, "", labels, None)


def fleet(*sorts: tuple[int, str, str | None]) -> list[Candidate]:
    """So many devices of each sort, one sort after the other."""
    kinds = [(kind, site) for count, kind, site in sorts for _ in range(count)]
    return [candidate(number, kind, site) for number, (kind, site) in enumerate(kinds)]


FLEETS = st.lists(
    st.tuples(
        st.integers(1, 60),
        st.sampled_from(["box", "pole", "gate"]),
        st.sampled_from([None, "lyon", "paris", "oslo"]),
    ),
    max_size=12,
).map(lambda sorts: fleet(*sorts))


def sort_of(device: Candidate) -> tuple[str, str | None]:
    return device.kind, device.labels.get("site")


def up_to(
    number: int, devices: Sequence[Candidate], assigned: Mapping[str, int]
) -> Counter[tuple[str, str | None]]:
    """How many devices of each sort are in the waves up to one."""
    return Counter(sort_of(each) for each in devices if assigned[each.name] <= number)


@given(FLEETS, WAVES)
def test_each_device_is_in_exactly_one_wave(devices: list[Candidate], waves: list[Wave]) -> None:
    assigned = assign_waves(devices, waves, KEYS, "salt")
    assert assigned.keys() == {each.name for each in devices}
    assert set(assigned.values()) <= set(range(len(waves)))


@given(FLEETS, WAVES)
def test_each_stratum_and_the_fleet_have_their_shares(
    devices: list[Candidate], waves: list[Wave]
) -> None:
    assigned = assign_waves(devices, waves, KEYS, "salt")
    sizes = Counter(map(sort_of, devices))
    for number, wave in enumerate(waves):
        counts = up_to(number, devices, assigned)
        assert counts.total() == ceil(len(devices) * wave.per_cent / 100)
        for sort, size in sizes.items():
            share = size * wave.per_cent / 100
            assert floor(share) <= counts[sort] <= ceil(share)


@given(FLEETS, WAVES, st.randoms(use_true_random=False))
def test_the_order_of_the_devices_does_not_matter(
    devices: list[Candidate], waves: list[Wave], random: Random
) -> None:
    shuffled = list(devices)
    random.shuffle(shuffled)
    assert assign_waves(devices, waves, KEYS, "x") == assign_waves(shuffled, waves, KEYS, "x")


def test_a_first_wave_meets_the_devices_that_cannot_take_the_update() -> None:
    # The last 14 per cent are of another kind; by their numbers the first wave would have none.
    devices = fleet((86, "box", None), (14, "pole", None))
    assigned = assign_waves(devices, [Wave(10), Wave(100)], ["kind"], "salt")
    first = up_to(0, devices, assigned)
    assert first.total() == 10
    assert first["pole", None] in (1, 2)


def test_a_first_wave_is_not_empty_in_a_small_fleet() -> None:
    assigned = assign_waves(fleet((3, "box", None)), [Wave(1), Wave(100)], ["kind"], "salt")
    assert Counter(assigned.values()) == {0: 1, 1: 2}


def test_a_fleet_without_devices_has_no_assignment() -> None:
    assert assign_waves([], [Wave(100)], ["kind"], "salt") == {}


def test_the_first_devices_are_not_those_with_the_lowest_numbers() -> None:
    devices = fleet((1000, "box", None))
    first = {
        salt: {name for name, wave in assigned.items() if wave == 0}
        for salt in ("one", "two")
        for assigned in [assign_waves(devices, [Wave(10), Wave(100)], [], salt)]
    }
    lowest = {each.name for each in devices[:100]}
    assert len(first["one"] & lowest) < 30
    assert len(first["one"] & first["two"]) < 30


def test_the_assignment_is_the_same_in_every_version() -> None:
    devices = fleet((6, "box", "lyon"), (4, "pole", None))
    assigned = assign_waves(devices, [Wave(20), Wave(50), Wave(100)], KEYS, "rollout-1")
    assert [assigned[each.name] for each in devices] == [2, 2, 2, 0, 1, 1, 2, 0, 1, 2]


def test_two_devices_with_the_same_name_are_refused() -> None:
    with pytest.raises(ValueError, match="names have to be unique"):
        assign_waves([candidate(1), candidate(1, "pole")], [Wave(100)], ["kind"], "salt")


@pytest.mark.parametrize("per_cent", [0, 101, -1, 1.5, True])
def test_a_share_that_is_no_per_cent_is_refused(per_cent: int) -> None:
    with pytest.raises(ValueError, match="1 to 100 per cent"):
        Wave(per_cent)


@pytest.mark.parametrize("shares", [[], [50], [50, 50, 100], [60, 50, 100], [100, 100]])
def test_waves_that_do_not_rise_to_the_whole_fleet_are_refused(shares: list[int]) -> None:
    waves = [Wave(each) for each in shares]
    with pytest.raises(ValueError, match=r"shares of waves rise|last wave has a share of 100"):
        assign_waves([], waves, [], "salt")
    with pytest.raises(ValueError, match=r"shares of waves rise|last wave has a share of 100"):
        wave_of_late_joiner("late", waves, 0, "salt")


def test_a_key_that_is_no_text_of_a_device_is_refused() -> None:
    with pytest.raises(ValueError, match="no field 'site'"):
        assign_waves([candidate(1)], [Wave(100)], ["site"], "salt")


@given(st.text(), WAVES, st.data())
def test_a_late_device_never_comes_to_a_wave_that_has_ended(
    name: str, waves: list[Wave], data: st.DataObject
) -> None:
    first_open = data.draw(st.integers(0, len(waves) - 1))
    wave = wave_of_late_joiner(name, waves, first_open, "salt")
    assert first_open <= wave < len(waves)
    assert wave == wave_of_late_joiner(name, waves, first_open, "salt")


def test_late_devices_are_spread_by_the_shares_of_the_waves() -> None:
    waves = [Wave(10), Wave(50), Wave(100)]
    late = Counter(wave_of_late_joiner(f"late-{each}", waves, 0, "s") for each in range(1000))
    assert 70 <= late[0] <= 130
    assert 350 <= late[1] <= 450
    later = Counter(wave_of_late_joiner(f"late-{each}", waves, 1, "s") for each in range(1000))
    assert later == {1: late[0] + late[1], 2: late[2]}


@pytest.mark.parametrize("first_open", [-1, 1])
def test_a_late_device_needs_an_open_wave(first_open: int) -> None:
    with pytest.raises(ValueError, match="a late device needs one"):
        wave_of_late_joiner("late", [Wave(100)], first_open, "salt")


@given(FLEETS, WAVES)
def test_the_sizes_of_waves_are_known_before_their_devices(
    devices: list[Candidate], waves: list[Wave]
) -> None:
    assigned = Counter(assign_waves(devices, waves, KEYS, "salt").values())
    sizes = size_waves(len(devices), waves)
    assert sizes == tuple(assigned[number] for number in range(len(waves)))
