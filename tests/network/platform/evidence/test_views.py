"""Each party sees of events what it answers for, and no more."""

import json
from itertools import chain, combinations
from typing import Any

import pytest
from support.evident_devices import TIME_S
from support.evident_platforms import NAME, EvidentWorld
from support.four_parties import BOX
from support.platforms import problem_of

from tinycontainer.network.platform.evidence.content import EvidenceKind
from tinycontainer.network.platform.evidence.listing import make_pseudonym
from tinycontainer.network.platform.evidence.views import EvidenceField, fields_shown
from tinycontainer_tokens import Role

APART = {"uid", "release", "at_s", "reason", "is_proved", "pseudonym"}
OPERATED = {"uid", "release", "at_s", "reason", "is_proved", "device", "number", "states"}
OWNED = OPERATED | {"words"}
NOTHING: set[str] = set()
TABLE = {
    #                          developer  provider infrastructure owner
    EvidenceKind.LOADED: (NOTHING, NOTHING, OPERATED, OWNED),
    EvidenceKind.CHANGED: (NOTHING, NOTHING, OPERATED, OWNED),
    EvidenceKind.REFUSED: (APART, NOTHING, OPERATED, OWNED),
    EvidenceKind.STARTED: (NOTHING, APART, OPERATED, OWNED),
    EvidenceKind.ENDED: (NOTHING, APART, OPERATED, OWNED),
    EvidenceKind.CRASHED: (APART, APART, OPERATED, OWNED),
    EvidenceKind.UNDONE: (APART, NOTHING, OPERATED, OWNED),
    EvidenceKind.REMOVED: (NOTHING, NOTHING, OPERATED, OWNED),
    EvidenceKind.WITHDRAWN: (NOTHING, NOTHING, OPERATED, OWNED),
    EvidenceKind.EXPIRED: (NOTHING, NOTHING, OPERATED, OWNED),
    EvidenceKind.OTHER: (NOTHING, NOTHING, OPERATED, OWNED),
}
PARTIES = (Role.DEVELOPER, Role.PROVIDER, Role.INFRASTRUCTURE, Role.OWNER)
ALWAYS = {"id", "kind"}
ANSWERED = {"number": {"series", "number"}, "states": {"before", "after"}}
"""How fields are answered that are more than one."""


@pytest.mark.clause("TC-PLAT-60")
def test_every_party_and_every_union_of_parties_sees_what_the_table_says() -> None:
    assert TABLE.keys() == set(EvidenceKind)
    assert set(PARTIES) == set(Role)
    unions = chain.from_iterable(combinations(PARTIES, count) for count in range(5))
    for parties in unions:
        for kind, columns in TABLE.items():
            wanted = set().union(*(columns[PARTIES.index(each)] for each in parties))
            assert fields_shown(kind, parties) == wanted, (kind, parties)
    assert set(EvidenceField) == OWNED | APART


def tell_everything(world: EvidentWorld) -> None:
    """One event of each kind."""
    device = world.device
    for event in ("loaded", "reconfigured", "replacement-undone", "withdrawn", "right-expired"):
        device.happens(event)
    device.happens("load-refused", reason="token", verb="load", problem="secret-of-the-tenant")
    device.moves("start", "ready", "running")
    device.moves("stop", "running", "stopping", "stopped")
    device.crashes()
    device.moves("delete", "ready", "deleting", "deleted")
    device.happens("something-new")
    world.look()


@pytest.mark.clause("TC-PLAT-60")
@pytest.mark.parametrize("role", PARTIES)
def test_a_party_is_answered_exactly_that(world: EvidentWorld, role: Role) -> None:
    tell_everything(world)
    found = {each["kind"]: each for each in world.seen(role)}
    column = PARTIES.index(role)
    assert found.keys() == {kind.value for kind, row in TABLE.items() if row[column]}
    for kind, seen in found.items():
        fields = TABLE[EvidenceKind(kind)][column]
        wanted = set().union(*(ANSWERED.get(each, {each}) for each in fields))
        assert seen.keys() == wanted | ALWAYS, kind
    shown = json.dumps(found)
    assert ("secret-of-the-tenant" in shown) == (role is Role.OWNER)
    assert (NAME in shown) == (role in (Role.OWNER, Role.INFRASTRUCTURE))
    if role in (Role.DEVELOPER, Role.PROVIDER):
        assert "boxes" not in shown


@pytest.mark.clause("TC-PLAT-60")
def test_a_crash_says_when_and_why_and_of_which_release(world: EvidentWorld) -> None:
    world.device.crashes()
    world.look()
    (seen,) = world.seen(Role.DEVELOPER)
    assert (seen["uid"], seen["release"], seen["kind"]) == (BOX, 1, "crashed")
    assert (seen["at_s"], seen["reason"], seen["is_proved"]) == (TIME_S, "trap", True)


@pytest.mark.clause("TC-PLAT-61")
def test_a_pseudonym_tells_devices_apart_and_is_another_one_for_others(
    world: EvidentWorld,
) -> None:
    world.device.crashes()
    world.device.crashes()
    world.look()
    developer, provider = (world.seen(each) for each in (Role.DEVELOPER, Role.PROVIDER))
    assert len({each["pseudonym"] for each in developer}) == 1
    assert len(developer[0]["pseudonym"]) == 12
    assert developer[0]["pseudonym"] != provider[0]["pseudonym"]
    salt = bytes(16)
    known = {make_pseudonym(*each, salt) for each in ((1, 1), (1, 2), (2, 1), (11, 1), (1, 11))}
    assert len(known) == 5
    assert make_pseudonym(1, 1, b"\1" * 16) not in known


@pytest.mark.clause("TC-PLAT-60")
def test_what_belongs_to_others_does_not_exist(world: EvidentWorld) -> None:
    world.device.crashes()
    world.device.happens("load-refused", uid="else", reason="token")
    world.look()
    assert [each["uid"] for each in world.seen(Role.DEVELOPER)] == [BOX]
    assert world.seen(Role.DEVELOPER, uid=b"else".hex()) == []
    assert len(world.seen(Role.OWNER)) == 2
    client = world.rollouts.parties.client(Role.DEVELOPER)
    answers = [client.get("/api/evidence", params={"device": each}) for each in (NAME, "nobody")]
    assert [each.status_code for each in answers] == [404, 404]
    assert answers[0].text == answers[1].text
    for role in (Role.DEVELOPER, Role.PROVIDER):
        path = f"/api/devices/{NAME}/evidence"
        assert problem_of(world.rollouts.parties.client(role).get(path), 404)


@pytest.mark.clause("TC-PLAT-60")
def test_who_names_an_owner_that_has_signed_nothing_sees_nothing_of_its_devices(
    world: EvidentWorld,
) -> None:
    developer = world.rollouts.parties.client(Role.DEVELOPER)
    made = developer.post("/api/applications", json={"uid": b"else".hex(), "name": "Else"})
    assert made.status_code == 201
    parties = {"provider": "data", "infrastructure": "infra", "owner": "boxes"}
    body = {"uid": b"else".hex(), "number": 1, **parties}
    assert developer.post("/api/releases", json=body).status_code == 201
    world.device.moves("fault", "running", "stopping", "trap in loop")
    world.device.happens("load-refused", uid="else", reason="token")
    world.look()
    assert [each["uid"] for each in world.seen(Role.DEVELOPER)] == [BOX]


@pytest.mark.clause("TC-PLAT-60")
def test_a_container_that_came_by_hand_is_seen_by_the_parties_of_its_owner(
    world: EvidentWorld,
) -> None:
    world.rollouts.gateway.fleet[NAME].has = None
    with world.rollouts.platform.database.transaction() as session:
        session.connection().exec_driver_sql(
            "UPDATE device_container SET desired_release_id = NULL"
        )
    world.device.crashes()
    world.look()
    (seen,) = world.seen(Role.DEVELOPER)
    assert "release" not in seen


def test_events_are_asked_for_by_device_container_and_kind(world: EvidentWorld) -> None:
    tell_everything(world)
    owner = Role.OWNER
    assert {each["kind"] for each in world.seen(owner, kind="crashed")} == {"crashed"}
    assert len(world.seen(owner, device=NAME)) == 11
    assert world.seen(owner, uid="00") == []
    client = world.rollouts.parties.client(owner)
    for asked in (
        {"kind": "x"},
        {"uid": "0"},
        {"uid": "00" * 64},
        {"before": "0"},
        {"device": "/"},
    ):
        problem_of(client.get("/api/evidence", params=asked), 400)


@pytest.mark.clause("TC-PLAT-61")
def test_a_page_has_a_hundred_events_and_the_next_one_goes_on(world: EvidentWorld) -> None:
    for _ in range(120):
        world.device.crashes()
    world.look()
    for role in PARTIES:
        first = world.ask(role, "/api/evidence")
        second = world.ask(role, "/api/evidence", before=first["next"])
        assert (len(first["events"]), len(second["events"]), second["next"]) == (100, 20, None)
        ids = [each["id"] for each in (*first["events"], *second["events"])]
        assert ids == sorted(ids, reverse=True)


@pytest.mark.clause("TC-PLAT-60")
def test_hostile_bytes_are_shown_flat(world: EvidentWorld) -> None:
    hostile: Any = (b"\x1b[2J\r\n\xff", b'{"event":"\\u202e","uid":"\\u001b"}', bytes(1024), b"")
    for content in hostile:
        world.device.remembers(content)
    world.look()
    seen = world.seen(Role.OWNER)
    assert [each["kind"] for each in seen] == ["other"] * 4
    for each in seen:
        assert each["words"].isascii()
        assert each["words"].isprintable() or each["words"] == ""
    assert world.trouble() == ("", True)
    assert world.check_elsewhere() == tuple(world.device.events)
