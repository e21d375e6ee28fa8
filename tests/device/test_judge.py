"""`Device.judge` says what a load would say, on this device as it is, and changes nothing."""

from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import NamedTuple

import pytest
from support.scripted import Program, work
from support.worlds import Ledger, World, blueprint, newer, snapshot, times, trusted

from tinycontainer.device.containers.limits import Cap, Capacity, Caps
from tinycontainer.device.containers.memory import Section
from tinycontainer.device.containers.verification import Trust
from tinycontainer.errors import LoadError, LoadReason
from tinycontainer.metadata import ContainerType
from tinycontainer.tools.packing.packing import Blueprint

UIDS = ("a", "b", "c")


class Verdict(NamedTuple):
    """The first refusal, or None."""

    reason: LoadReason
    problem: str


def world(dice: Random) -> World:
    pick = dice.choice
    return World(
        {uid: Program(work(10)) for uid in UIDS[: pick([1, 3, 3, 3])]},
        trust=Trust(keys=trusted(), allow_unsigned=pick([True, False])),
        capacity=Capacity(
            slots=pick([1, 2, 3, 8]),
            metadata_bytes=pick([2048, 2048, 2048, 400]),
            data_bytes=pick([65536, 65536, 3]),
        ),
        caps=pick([Caps(), Caps(), Caps(Cap(loop_max_ms=5))]),
        sequences=Ledger(),
    )


def plans(dice: Random) -> Iterator[Blueprint]:
    """Containers of a few uids, with sequences that go up and down."""
    for _ in range(12):
        plan = blueprint(
            dice.choice(UIDS),
            kind=dice.choice([*[ContainerType.NATIVE] * 9, ContainerType.WASM]),
            security=times(period=10, loop=dice.choice([4, 4, 9])),
            sequence=dice.choice([1, 2, 3]),
        )
        yield plan


def change_at_random(dice: Random, here: World) -> None:
    """A management call, and some time."""
    uid = dice.choice(UIDS)
    device = here.device
    verb = dice.choice([device.start, device.start, device.stop, device.kill, device.delete])
    with suppress(Exception):
        verb(uid)
    if dice.random() < 0.1:
        with suppress(LoadError):
            device.begin_load()
    elif dice.random() < 0.1:
        device.abandon_load()
    device.run(for_ms=dice.choice([0, 5, 30]))


def judge_and_do(here: World, bundle: bytes, *, replaces: bool) -> Verdict | None:
    """What the device says, which is what it then does."""
    before, events = snapshot(here), len(here.events)
    checks = here.device.judge(bundle, replaces=replaces)
    assert snapshot(here) == before
    assert len(here.events) == events
    failed = [each.refusal for each in checks if each.refusal is not None]
    said = Verdict(failed[0].reason, failed[0].problem) if failed else None
    done = None
    try:
        if replaces:
            here.device.replace(bundle)
        else:
            here.device.load(bundle)
    except LoadError as error:
        done = Verdict(error.reason, error.problem)
    assert said == done
    return done


def check_agreement(seed: int, devices: int) -> None:
    dice = Random(seed)
    ends = list[LoadReason | None]()
    for _ in range(devices):
        here = world(dice)
        for plan in plans(dice):
            bundle = here.pack(plan, dice.choice([b"", b"data"])).encode()
            if dice.random() < 0.1:
                place = dice.randrange(len(bundle))
                bundle = bundle[:place] + bytes([dice.randrange(256)]) + bundle[place + 1 :]
            verdict = judge_and_do(here, bundle, replaces=dice.random() < 0.4)
            ends.append(None if verdict is None else verdict.reason)
            change_at_random(dice, here)
    assert ends.count(None) > len(ends) / 10
    assert {
        LoadReason.OUT_OF_ORDER,
        LoadReason.NO_SLOT,
        LoadReason.DUPLICATE_UID,
        LoadReason.UNKNOWN_UID,
        LoadReason.TOKEN,
        LoadReason.RUNTIME_MISSING,
        LoadReason.CAP_EXCEEDED,
        LoadReason.CAPACITY,
        LoadReason.CODE_INADMISSIBLE,
    } <= set(ends)


@pytest.mark.clause("TC-LOAD-15")
def test_what_is_judged_is_what_happens_on_any_device() -> None:
    check_agreement(14, 40)


@pytest.mark.long
def test_what_is_judged_is_what_happens_on_any_of_many_devices() -> None:
    check_agreement(15, 420)


@pytest.mark.clause("TC-LOAD-15")
def test_a_judgement_names_every_check_that_does_not_hold() -> None:
    here = World(
        {"a": Program(work(10))}, capacity=Capacity(slots=1), caps=Caps(Cap(best_priority=15))
    )
    first = blueprint("a", priority=15)
    here.add(first)
    checks = here.device.judge(here.pack(newer(blueprint("a"))).encode())
    assert [each.name for each in checks if each.failed] == ["slot", "uid", "caps: priority"]
    assert [each.name for each in checks][:6] == [
        "bundle",
        "slot",
        "capacity of metadata",
        "capacity of code",
        "capacity of data",
        "metadata",
    ]


@pytest.mark.clause("TC-LOAD-15")
def test_a_load_that_is_under_way_goes_on_after_a_judgement() -> None:
    here = World({"a": Program(work(10))})
    bundle = here.pack(blueprint("a"))
    here.device.begin_load()
    here.device.open_section(Section.METADATA, len(bundle.metadata))
    (slot,) = (each for each in here.device.judge(bundle.encode()) if each.failed)
    assert (slot.name, slot.reason) == ("slot", LoadReason.OUT_OF_ORDER)
    here.device.write_section(bundle.metadata)
    here.device.open_section(Section.CODE, len(bundle.code))
    here.device.write_section(bundle.code)
    here.device.open_section(Section.DATA, 0)
    assert here.device.end_load().uid == b"a"
