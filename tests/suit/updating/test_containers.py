"""What an update makes of containers: refused by the device, started, deleted, repeated."""

from dataclasses import replace

import pytest
from support.manifests import (
    ALL,
    CODE,
    DATA,
    INVOKE,
    META,
    TIMES,
    UNLINK,
    Written,
    apply,
    at,
    newer_of,
    refuse,
    running,
)
from support.updates import draft, plan_version, rules, sections, updater, version
from support.worlds import FOREIGN, KEYS, blueprint

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.errors import LoadReason, UpdateReason, UpdateRefused
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.metadata import Bundle
from tinycontainer.suit.envelope.labels import ManifestMember
from tinycontainer.tools.packing.packing import pack
from tinycontainer.trace.events import Updated
from tinycontainer_tokens import Role

NEXT = newer_of("a")
ORIGIN = "coap://files.example:5683"
FETCHING = rules(origins=(ORIGIN,))
HOSTILE = b"a\n\x1b[2J"


def removal(*uids: bytes, number: int = 1) -> Written:
    return Written.of_draft(draft(number=number, removed=uids))


def from_elsewhere(number: int = 1, token: int = 2) -> bytes:
    """An update whose code is fetched."""
    bundle = sections(blueprint("a", security=TIMES, sequence=token))
    uris = {UpdateSection.CODE: "coap://files.example/a"}
    return Written.of(version(bundle, b"a", uris=uris), number=number).signed()


# Refused by the device


def _bundles() -> dict[str, tuple[Bundle, LoadReason]]:
    plan = blueprint("b", security=TIMES, sequence=2)
    good = sections(plan)
    return {
        "unsigned code": (replace(good, code=b"a"), LoadReason.TOKEN),
        "other data": (replace(good, data=b"!"), LoadReason.TOKEN),
        "foreign key": (pack(plan, b"b", b"", {**KEYS, Role.OWNER: FOREIGN}), LoadReason.TOKEN),
        "older token": (
            sections(replace(plan, options=replace(plan.options, sequence=0))),
            LoadReason.TOKEN,
        ),
        "no metadata": (replace(good, metadata=b"\xff"), LoadReason.METADATA),
        "no program": (pack(plan, b"nothing", b"", KEYS), LoadReason.CODE_INADMISSIBLE),
    }


BUNDLES = _bundles()
"""Bundles of the container b that the device does not take, by what is wrong."""


@pytest.mark.clause("TC-UPD-19")
@pytest.mark.parametrize("name", BUNDLES)
def test_what_the_device_would_not_load_refuses_the_whole_update(name: str) -> None:
    bundle, reason = BUNDLES[name]
    content = Written.of(
        plan_version(blueprint("a", security=TIMES, sequence=2)), version(bundle, b"b")
    ).signed()
    refusal = refuse(running("a", "b"), content, UpdateReason.CONTAINER)
    assert (refusal.uid, refusal.place) == (b"b", "b")
    assert refusal.refusal is not None
    assert refusal.refusal.reason is reason
    assert refusal.problem == str(refusal.refusal)


@pytest.mark.clause("TC-UPD-19")
def test_without_a_slot_for_each_new_container_the_update_is_refused() -> None:
    world = running("a", capacity=Capacity(slots=2))
    refusal = refuse(world, newer_of("b", "c").signed(), UpdateReason.CONTAINER, "slots")
    assert (refusal.uid, refusal.refusal and refusal.refusal.reason) == (b"c", LoadReason.NO_SLOT)
    assert apply(world, newer_of("a", "b").signed()).uids == (b"a", b"b")


@pytest.mark.clause("TC-UPD-19")
def test_a_replacement_needs_no_free_slot() -> None:
    assert apply(running("a", capacity=Capacity(slots=1)), NEXT.signed()).uids == (b"a",)


@pytest.mark.clause("TC-UPD-19", "TC-UPD-05")
def test_sections_that_fit_alone_and_not_together_are_refused() -> None:
    world = running("a", capacity=Capacity(shared_bytes=64, data_bytes=64, code_bytes=64))
    bundle = sections(blueprint("a", security=TIMES, sequence=2), data=bytes(64))
    refusal = refuse(world, Written.of(version(bundle, b"a")).signed(), UpdateReason.CONTAINER)
    assert refusal.refusal is not None
    assert refusal.refusal.reason is LoadReason.CAPACITY


@pytest.mark.clause("TC-UPD-19", "TC-UPD-24")
def test_a_hostile_uid_is_shown_escaped() -> None:
    bundle = replace(sections(blueprint("a")), metadata=b"\xff")
    content = Written.of(version(bundle, HOSTILE)).signed()
    refusal = refuse(running("a"), content, UpdateReason.CONTAINER)
    assert refusal.uid == HOSTILE


# Started


@pytest.mark.clause("TC-UPD-16")
def test_a_container_is_started_if_its_code_is_invoked_or_it_ran() -> None:
    world = running("b")
    world.add(blueprint("a", security=TIMES))
    world.add(blueprint("c", security=TIMES))
    update = newer_of("a", "b", "c").having(ManifestMember.INVOKE, at(CODE), INVOKE)
    apply(world, update.signed())
    world.device.run(for_ms=50)
    states = {view.uid: view.state for view in world.device}
    assert states == {b"a": State.RUNNING, b"b": State.RUNNING, b"c": State.READY}


@pytest.mark.clause("TC-UPD-16")
@pytest.mark.parametrize("index", [META, DATA])
def test_only_code_can_be_invoked(index: int) -> None:
    content = NEXT.having(ManifestMember.INVOKE, at(index), INVOKE).signed()
    refusal = refuse(running("a"), content, UpdateReason.PROFILE, "only a code component")
    assert refusal.place == "invoke[1]"


# Deleted


@pytest.mark.clause("TC-UPD-17")
def test_containers_are_deleted() -> None:
    world = running("a", "b", "c")
    assert apply(world, removal(b"a", b"c").signed()).uids == (b"a", b"c")
    world.device.run(for_ms=50)
    assert [view.uid for view in world.device] == [b"b"]


@pytest.mark.clause("TC-UPD-17")
@pytest.mark.parametrize("unlinked", [(0,), (0, 1), (0, 1, 2, 3, 4)])
def test_some_components_of_a_container_cannot_be_deleted(unlinked: tuple[int, ...]) -> None:
    written = removal(b"a", b"b").having(ManifestMember.UNINSTALL, at(*unlinked), UNLINK)
    refuse(running("a", "b"), written.signed(), UpdateReason.PROFILE, "all three components")


@pytest.mark.clause("TC-UPD-17")
def test_a_deletion_without_unlink_is_refused() -> None:
    written = removal(b"a").having(ManifestMember.UNINSTALL, ALL)
    refuse(running("a"), written.signed(), UpdateReason.PROFILE, "or none")


@pytest.mark.clause("TC-UPD-17")
def test_a_container_that_is_not_there_cannot_be_deleted() -> None:
    refusal = refuse(running("a"), removal(b"a", b"b").signed(), UpdateReason.CONTAINER)
    assert refusal.uid == b"b"
    assert refusal.refusal is not None
    assert refusal.refusal.reason is LoadReason.UNKNOWN_UID


# Repeated


@pytest.mark.clause("TC-UPD-22")
def test_an_accepted_update_that_comes_again_succeeds_and_changes_nothing() -> None:
    world = running("a", "b")
    content = newer_of("a", "b").signed()
    assert not apply(world, content).is_repetition
    world.device.run(for_ms=50)
    before, count = tuple(world.device), len(world.events)
    outcome = apply(world, content)
    assert (outcome.is_repetition, outcome.uids) == (True, (b"a", b"b"))
    assert (tuple(world.device), len(world.events)) == (before, count)


@pytest.mark.clause("TC-UPD-21", "TC-UPD-22")
def test_an_update_that_comes_again_before_the_old_containers_are_gone_is_refused() -> None:
    world = running("a", "b")
    content = newer_of("a", "b").signed()
    apply(world, content)
    with pytest.raises(UpdateRefused) as caught:
        apply(world, content)
    assert caught.value.reason is UpdateReason.CONTAINER
    world.device.run(for_ms=50)
    assert world.device.installed(b"a", UpdateSection.METADATA) == NEXT.payloads["#0"]


@pytest.mark.clause("TC-UPD-22")
def test_a_deletion_that_comes_again_is_a_repetition() -> None:
    world = running("a", "b")
    content = removal(b"a").signed()
    apply(world, content)
    world.device.run(for_ms=50)
    count = len(world.events)
    assert apply(world, content).is_repetition
    assert len(world.events) == count


@pytest.mark.clause("TC-UPD-22")
def test_what_was_deleted_after_the_update_is_brought_again() -> None:
    world = running("a")
    content = NEXT.signed()
    apply(world, content)
    world.device.run(for_ms=50)
    world.device.delete("a")
    world.device.run(for_ms=50)
    assert not apply(world, content).is_repetition
    assert [view.uid for view in world.device] == [b"a"]


@pytest.mark.clause("TC-UPD-22")
def test_a_repetition_by_somebody_without_the_right_is_refused() -> None:
    world = running("a")
    apply(world, NEXT.signed())
    world.device.run(for_ms=50)
    refuse(world, NEXT.unsigned(), UpdateReason.KEY)


# Others change the device meanwhile


@pytest.mark.clause("TC-UPD-18")
def test_nothing_changes_while_payloads_are_fetched() -> None:
    world = running("a")
    update = updater(world, FETCHING)
    before = tuple(world.device)
    updating = update.begin(update.examine(from_elsewhere()).require())
    next(updating)
    assert tuple(world.device) == before
    updating.close()
    world.device.run(for_ms=25)
    assert world.device["a"].state is State.RUNNING
    assert world.of(Updated) == []


@pytest.mark.clause("TC-UPD-18", "TC-UPD-09")
@pytest.mark.parametrize(
    ("number", "reason"), [(6, UpdateReason.OLDER), (5, UpdateReason.REUSED_NUMBER)]
)
def test_an_update_that_another_one_has_overtaken_is_refused(
    number: int, reason: UpdateReason
) -> None:
    world = running("a")
    update = updater(world, FETCHING)
    updating = update.begin(update.examine(from_elsewhere(number=5)).require())
    next(updating)
    update.apply(newer_of("a", number=number).signed())
    world.device.run(for_ms=50)
    with pytest.raises(UpdateRefused) as caught:
        updating.send(b"a")
    assert caught.value.reason is reason
    assert world.device.newest_update(b"a").sequence == number  # type: ignore[union-attr]


@pytest.mark.clause("TC-UPD-18", "TC-UPD-19")
def test_containers_are_judged_as_they_are_at_the_end() -> None:
    world = running("a")
    update = updater(world, FETCHING)
    updating = update.begin(update.examine(from_elsewhere()).require())
    next(updating)
    world.device.replace(world.pack(blueprint("a", security=TIMES, sequence=9)).encode())
    world.device.run(for_ms=50)
    with pytest.raises(UpdateRefused) as caught:
        updating.send(b"a")
    assert caught.value.reason is UpdateReason.CONTAINER
    assert "older than 9" in caught.value.problem


@pytest.mark.clause("TC-UPD-15", "TC-UPD-18")
def test_what_matched_while_it_was_installed_is_taken_even_if_it_has_changed() -> None:
    """What an image-match has seen is what is taken."""
    world = running("a")
    old = world.device.installed(b"a", UpdateSection.CODE)
    written = Written.of(
        version(
            sections(blueprint("a", security=TIMES, sequence=2)),
            b"a",
            uris={UpdateSection.METADATA: "coap://files.example/m"},
        )
    )
    slim = written.installing(at(CODE), *written.install[-1:], *written.install[:8]).signed()
    update = updater(world, FETCHING)
    updating = update.begin(update.examine(slim).require())
    next(updating)
    other = world.pack(blueprint("a", security=TIMES)).metadata
    assert other == world.device.installed(b"a", UpdateSection.METADATA)
    world.device.delete("a")
    world.device.run(for_ms=50)
    with pytest.raises(StopIteration):
        updating.send(sections(blueprint("a", security=TIMES, sequence=2)).metadata)
    assert world.device.installed(b"a", UpdateSection.CODE) == old


# Events


@pytest.mark.clause("TC-UPD-24")
def test_an_accepted_update_is_an_event_of_each_container() -> None:
    world = running("a", "b")
    apply(world, newer_of("a", "b", number=3).signed())
    found = [(event.uid, event.sequence) for event in world.of(Updated)]
    assert found == [(b"a", 3), (b"b", 3)]
