"""What a device signs is asked for, checked and kept; whatever a gateway does to it is found."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from support.evident_devices import EvidentDevice
from support.evident_platforms import NAME, EvidentWorld
from support.platforms import problem_of

from tinycontainer.network.platform.delivery.evidence_answers import EventPage
from tinycontainer.network.platform.delivery.gateway_answers import GatewayFailed
from tinycontainer.network.platform.evidence import keeping
from tinycontainer.state import StoredEvent
from tinycontainer_tokens import KeyMaterial, Role
from tinycontainer_tokens.key_files import to_pem, to_public_pem

OTHER = KeyMaterial.from_private(b"\7" * 32)
MADE_UP = b'{"event":"withdrawn","uid":"box","sequence":9}'
Events = tuple[StoredEvent, ...]
ATTACKS: dict[str, Callable[[Events], Events]] = {
    "changed": lambda events: (replace(events[0], content=MADE_UP), *events[1:]),
    "the first left out": lambda events: events[1:],
    "one left out": lambda events: (events[0], *events[2:]),
    "the last left out": lambda events: events[:-1],
    "all left out": lambda events: (),
    "in another order": lambda events: tuple(
        replace(each, content=other.content)
        for each, other in zip(events, reversed(events), strict=True)
    ),
    "one made up at the end": lambda events: (
        *events,
        StoredEvent(events[-1].number + 1, MADE_UP),
    ),
    "one made up": lambda events: (
        StoredEvent(events[0].number, MADE_UP),
        *(replace(each, number=each.number + 1) for each in events),
    ),
}


def attacking(attack: Callable[[Events], Events]) -> Callable[[EventPage], EventPage]:
    """A gateway that does something to all events that it passes on."""
    return lambda page: replace(page, events=attack(page.events) if page.events else ())


def happen(world: EvidentWorld, count: int = 4) -> None:
    """Let something happen on the device."""
    for _ in range(count):
        world.device.happens("updated", sequence=world.device.newest)


@pytest.mark.clause("TC-PLAT-57", "TC-PLAT-58")
def test_what_a_device_signs_is_proved_and_can_be_checked_elsewhere(world: EvidentWorld) -> None:
    happen(world)
    world.look()
    happen(world)
    world.look()
    assert world.proved() == [(number, True) for number in range(1, 9)]
    assert world.trouble() == ("", True)
    assert world.check_elsewhere() == tuple(world.device.events)
    handed = world.handed(role=Role.INFRASTRUCTURE)
    assert handed == world.handed()
    assert handed["stated_s"] == world.rollouts.platform.clock.at_s
    assert (handed["series"], handed["next"], handed["device"]) == (1, None, NAME)


@pytest.mark.clause("TC-PLAT-58")
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("before", [0, 3], ids=["from the beginning", "later"])
def test_events_that_a_gateway_has_touched_are_not_proved_and_that_is_said(
    world: EvidentWorld, attack: Callable[[Events], Events], before: int
) -> None:
    happen(world, before)
    world.look()
    happen(world)
    world.rollouts.gateway.of_events = attacking(attack)
    world.look()
    assert world.trouble() == ("events", False)
    since = world.handed()["problem"]["since_s"]
    assert all(proved == (number <= before) for number, proved in world.proved())
    assert world.rollouts.said[-1].startswith("gateway north: the gateway: device box-1: events: ")
    world.look()
    assert world.handed()["problem"]["since_s"] == since

    world.rollouts.gateway.of_events = lambda page: page
    world.look()
    assert world.trouble() == ("events", True), "it is still seen that there was something"
    assert world.proved() == [(number, True) for number in range(1, before + 5)]
    assert world.check_elsewhere() == tuple(world.device.events)
    assert world.handed()["series"] == 1


@pytest.mark.clause("TC-PLAT-58")
def test_an_old_statement_is_found_by_its_nonce(world: EvidentWorld) -> None:
    happen(world)
    world.look()
    good = world.handed()["statement"]
    happen(world)
    world.rollouts.gateway.of_statements = lambda _: [*world.device.signed.values()][-2]
    world.look()
    assert world.trouble() == ("nonce", False)
    assert world.handed()["statement"] == good
    assert world.proved() == [(number, number <= 4) for number in range(1, 9)]


@pytest.mark.clause("TC-PLAT-58")
def test_the_statement_of_another_device_is_found_by_its_signature(world: EvidentWorld) -> None:
    happen(world)
    other = EvidentDevice(key=OTHER)
    signed = world.device.signed
    before = len(signed)
    world.rollouts.gateway.of_statements = lambda _: other.states([*signed][-1])
    world.look()
    assert world.trouble() == ("signature", False)
    assert [proved for _, proved in world.proved()] == [False] * 4
    assert len(signed) == before + 1, "each time it is asked with another nonce"
    assert {len(each) for each in signed} == {16}


@pytest.mark.clause("TC-PLAT-58")
@pytest.mark.parametrize("content", [b"", b"\xd2", b"\x9f" * 65_000, b"\xd2\x84\x43\xa1\x01\x27"])
def test_what_is_no_statement_is_said(world: EvidentWorld, content: bytes) -> None:
    happen(world)
    world.rollouts.gateway.of_statements = lambda _: content
    world.look()
    assert world.trouble() == ("form", False)
    detail = world.handed()["problem"]["detail"]
    assert detail.isascii()
    assert detail.isprintable()


@pytest.mark.clause("TC-PLAT-58")
def test_a_gateway_that_gives_no_statement_is_said(world: EvidentWorld) -> None:
    happen(world)

    def refuse(_: bytes) -> bytes:
        raise GatewayFailed("it refuses with 404 not-found")

    world.rollouts.gateway.of_statements = refuse
    world.look()
    assert world.trouble() == ("unanswered", False)
    assert [proved for _, proved in world.proved()] == [False] * 4
    world.rollouts.gateway.of_statements = lambda content: content
    world.look()
    assert world.trouble() == ("unanswered", True)
    assert [proved for _, proved in world.proved()] == [True] * 4


@pytest.mark.clause("TC-PLAT-59")
@pytest.mark.parametrize("more", [0, 2, 9], ids=["fewer events", "the same", "more"])
def test_a_device_that_was_set_up_anew_begins_another_series(
    world: EvidentWorld, more: int
) -> None:
    happen(world, 2)
    world.look()
    fresh = EvidentDevice()
    world.rollouts.gateway.evident[NAME] = world.device = fresh
    for number in range(more):
        fresh.happens("withdrawn", sequence=number)
    world.look()
    assert world.trouble() == ("anew", True)
    assert "set up anew" in world.handed()["problem"]["detail"]
    assert world.handed()["series"] == 2
    assert world.proved() == [(number, True) for number in range(1, more + 1)]
    assert world.check_elsewhere() == tuple(fresh.events)
    listed = [(each["series"], each["number"]) for each in world.seen(Role.OWNER)]
    assert sorted(listed) == [(1, 1), (1, 2), *((2, number) for number in range(1, more + 1))]


@pytest.mark.clause("TC-PLAT-59")
def test_events_that_a_device_no_longer_keeps_begin_another_series(world: EvidentWorld) -> None:
    happen(world, 2)
    world.look()
    happen(world, 300)
    world.look()
    assert world.trouble() == ("gap", True)
    assert "no longer keeps events 3 to 46" in world.handed()["problem"]["detail"]
    assert world.proved()[0] == (47, True)
    assert world.handed()["next"] == 146
    assert world.proved(since=300) == [(301, True), (302, True)]


@pytest.mark.clause("TC-PLAT-57")
def test_without_a_key_events_are_kept_and_not_proved(world: EvidentWorld) -> None:
    assert world.change_device(evidence_key="").status_code == 200
    happen(world)
    world.look()
    assert world.proved() == [(number, False) for number in range(1, 5)]
    assert world.handed()["statement"] is None
    world.device = world.rollouts.gateway.evident[NAME] = EvidentDevice()
    world.look()
    assert world.trouble() == ("anew", True)
    assert world.handed()["series"] == 2


@pytest.mark.clause("TC-PLAT-57")
def test_another_key_proves_what_its_device_still_keeps(world: EvidentWorld) -> None:
    happen(world)
    world.look()
    shown = world.change_device(evidence_key=to_public_pem(OTHER).decode()).json()
    assert shown["evidence_key"] == world.handed()["key"]
    assert world.proved() == [(number, False) for number in range(1, 5)]
    assert world.handed()["statement"] is None
    world.look()
    assert world.trouble() == ("signature", False)
    world.device.key = OTHER
    world.look()
    assert world.trouble() == ("signature", True)
    assert world.proved() == [(number, True) for number in range(1, 5)]
    assert world.handed()["series"] == 1


@pytest.mark.clause("TC-PLAT-57")
@pytest.mark.parametrize(
    ("given", "detail"),
    [
        (to_pem(OTHER).decode(), "this is a private key"),
        ("-----BEGIN PUBLIC KEY-----", "evidence_key: "),
        ("\ud800", ""),
        (7, ""),
    ],
)
def test_what_is_no_public_key_is_refused(world: EvidentWorld, given: Any, detail: str) -> None:
    before = world.handed()["key"]
    assert detail in problem_of(world.change_device(evidence_key=given), 400)
    assert world.handed()["key"] == before


@pytest.mark.clause("TC-PLAT-57")
def test_two_devices_of_an_owner_do_not_sign_with_one_key(world: EvidentWorld) -> None:
    key = to_public_pem(world.device.key).decode()
    fleet = world.rollouts.devices
    answer = fleet.give_device("box-2", 1, evidence_key=key)
    assert "each signs with its own" in problem_of(answer, 409)
    assert world.change_device(evidence_key=key).status_code == 200, "it is its own"


@pytest.mark.clause("TC-PLAT-59")
def test_of_each_device_the_newest_events_are_kept(
    world: EvidentWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_EVENTS", 300)
    for _ in range(3):
        happen(world, 120)
        world.look()
    assert world.proved()[0] == (61, True)
    assert world.proved(since=350)[-1] == (360, True)
    world.look()
    assert world.trouble() == ("", True)


def test_a_device_that_sleeps_is_asked_later(world: EvidentWorld) -> None:
    happen(world)
    world.rollouts.gateway.asleep.add(NAME)
    world.look()
    assert world.proved() == []
    world.rollouts.gateway.asleep.clear()
    world.look()
    assert len(world.proved()) == 4


def test_nothing_is_left_of_a_device_that_was_deleted(world: EvidentWorld) -> None:
    happen(world)
    world.look()
    owner = world.rollouts.parties.client(Role.OWNER)
    assert owner.delete(f"/api/devices/{NAME}").status_code == 204
    assert world.seen(Role.OWNER) == []
    assert owner.get(f"/api/devices/{NAME}/evidence").status_code == 404


def test_a_device_that_changes_while_it_is_asked_is_asked_again(world: EvidentWorld) -> None:
    happen(world)

    def change(content: bytes) -> bytes:
        world.rollouts.gateway.of_statements = lambda again: again
        world.change_device(evidence_key=to_public_pem(OTHER).decode())
        return content

    world.rollouts.gateway.of_statements = change
    world.look()
    assert world.proved() == []
    world.look()
    assert len(world.proved()) == 4


@dataclass
class Endless(EvidentDevice):
    """A device, or a gateway, that always has more events; and how often it was asked."""

    asked: int = 0

    def page(self, since: int) -> EventPage:
        self.asked += 1
        events = [StoredEvent(since + 1 + place, bytes(1024)) for place in range(32)]
        return EventPage((1 << 63) - 1, tuple(events), bytes(32))


@pytest.mark.clause("TC-PLAT-59")
@pytest.mark.parametrize("key", [True, False], ids=["with a key", "without"])
def test_who_always_has_more_events_is_asked_for_so_many_only(
    world: EvidentWorld, key: bool
) -> None:
    if not key:
        world.change_device(evidence_key="")
    endless = world.rollouts.gateway.evident[NAME] = Endless()
    world.look()
    assert endless.asked <= 30
    assert len(world.proved()) == 100, "a page of them"
    assert not any(proved for _, proved in world.proved())
    assert world.trouble() == (("events", False) if key else ("", True))


def test_a_slow_gateway_is_not_asked_without_end(world: EvidentWorld) -> None:
    endless = world.rollouts.gateway.evident[NAME] = Endless()

    def take_time() -> None:
        world.rollouts.platform.clock.at_s += 10

    world.rollouts.gateway.when_asked = take_time
    world.look()
    assert endless.asked <= 6
