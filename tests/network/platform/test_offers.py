"""Owners offer devices within limits; nobody else learns which devices they are."""

from typing import Any

import pytest
from support.fleets import Fleet
from support.four_parties import FourParties, good
from support.platforms import Platform, problem_of
from support.renting import LIMITS, Renting

from tinycontainer.network.platform.actor import PersonRight
from tinycontainer.network.platform.renting import offers
from tinycontainer_tokens import Role


@pytest.fixture
def renting(platform: Platform) -> Renting:
    """Four parties with keys and an application."""
    parties = FourParties(platform)
    parties.prepare()
    return Renting(parties)


@pytest.fixture
def unchanged(unchanged_platform: Platform) -> Renting:
    """Four parties of whom nobody has anything, for all tests that are only refused."""
    return Renting(FourParties(unchanged_platform))


@pytest.mark.clause("TC-PLAT-48")
def test_all_see_an_offer_and_its_owner_alone_which_devices_it_is_for(renting: Renting) -> None:
    fleet = Fleet(renting.parties)
    profile = fleet.profile()
    fleet.devices(["box-1", "box-2"], profile, labels={"site": "Paris"})
    fleet.devices(["box-3"], profile)
    query = 'label.site="Paris"'
    number = renting.offer(query=query, description="near the river")
    path = f"/api/offers/{number}"
    own = good(renting.client(Role.OWNER).get(path))
    assert (own["query"], own["audience"], own["devices"]) == ("label.site=Paris", [], 2)
    assert own["limits"] == {**LIMITS, "endpoints": [{**LIMITS["endpoints"][0], "peer_uid": None}]}
    for role in (Role.DEVELOPER, Role.PROVIDER, Role.INFRASTRUCTURE):
        assert good(renting.client(role).get(path)) == {**own, "query": None, "audience": None}
        listed = good(renting.client(role).get("/api/offers"))["offers"]
        assert [(each["id"], each["owner"]) for each in listed] == [(number, "boxes")]
        assert "Paris" not in renting.client(role).get("/api/offers").text.replace(own["name"], "")


@pytest.mark.clause("TC-PLAT-48")
def test_only_the_audience_sees_an_offer_that_has_one(renting: Renting) -> None:
    path = f"/api/offers/{renting.offer(audience=['dev', 'infra'])}"
    assert good(renting.client(Role.OWNER).get(path))["audience"] == ["dev", "infra"]
    assert renting.client(Role.DEVELOPER).get(path).status_code == 200
    provider = renting.client(Role.PROVIDER)
    assert problem_of(provider.get(path), 404) == "there is no such offer"
    assert problem_of(provider.patch(path, json={"is_open": False}), 404)
    assert good(provider.get("/api/offers"))["offers"] == []


@pytest.mark.clause("TC-PLAT-48")
def test_who_owns_no_devices_offers_none(renting: Renting) -> None:
    for role in (Role.DEVELOPER, Role.PROVIDER, Role.INFRASTRUCTURE):
        assert problem_of(renting.make_offer(role), 403).endswith("is no owner")


@pytest.mark.clause("TC-PLAT-48")
def test_its_owner_closes_an_offer_and_opens_it_again(renting: Renting) -> None:
    path = f"/api/offers/{renting.offer()}"
    developer, owner = renting.client(Role.DEVELOPER), renting.client(Role.OWNER)
    problem = "only its owner changes an offer"
    assert problem_of(developer.patch(path, json={"is_open": False}), 403) == problem
    for is_open in (False, False, True):
        assert good(owner.patch(path, json={"is_open": is_open}))["is_open"] is is_open
        assert good(developer.get(path))["is_open"] is is_open
    deeds = [each["deed"] for each in good(owner.get("/api/audit"))["entries"]]
    assert deeds[-3:] == ["offer-made", "offer-closed", "offer-opened"]


@pytest.mark.clause("TC-PLAT-12", "TC-PLAT-48")
@pytest.mark.parametrize(
    "more",
    [
        {"name": ""}, {"name": "x" * 64}, {"name": "a\n"}, {"description": "x" * 501},
        {"description": "\u00e9"}, {"query": "kind="}, {"query": "x" * 1025}, {"more": 1},
        {"audience": ["nobody"]}, {"audience": ["dev"] * 65}, {"limits": {"syscalls": ["fork"]}},
        {"limits": {"period_ms": -1}}, {"limits": {"period_ms": 1 << 32}},
        {"limits": {"share_per_cent": 0}}, {"limits": {"share_per_cent": 101}},
        {"limits": {"share_per_cent": 1.5}}, {"limits": {"days": 0}}, {"limits": {"days": 3651}},
        {"limits": {"days": True}}, {"limits": {"more": 1}},
        {"limits": {"endpoints": LIMITS["endpoints"] * 65}},
        {"limits": {"endpoints": [{**LIMITS["endpoints"][0], "directions": []}]}},
        {"limits": {"endpoints": [{**LIMITS["endpoints"][0], "directions": ["both"]}]}},
        {"limits": {"endpoints": [{**LIMITS["endpoints"][0], "peer": "container"}]}},
        {"limits": {"endpoints": [{**LIMITS["endpoints"][0], "peer_uid": "box"}]}},
    ],
)  # fmt: skip
def test_what_is_no_offer_is_refused(unchanged: Renting, more: dict[str, Any]) -> None:
    problem_of(unchanged.make_offer(**more), 400)
    assert good(unchanged.client(Role.OWNER).get("/api/offers"))["offers"] == []


def test_a_list_of_offers_comes_in_pages(renting: Renting) -> None:
    numbers = [renting.offer() for _ in range(102)]
    client = renting.client(Role.DEVELOPER)
    found = good(client.get("/api/offers"))
    assert [each["id"] for each in found["offers"]] == numbers[:1:-1]
    assert found["next"] == numbers[2]
    found = good(client.get("/api/offers", params={"before": found["next"]}))
    assert ([each["id"] for each in found["offers"]], found["next"]) == (numbers[1::-1], None)


def test_there_is_a_bound_on_offers(renting: Renting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "MOST_OFFERS", 1)
    renting.offer()
    assert "at most 1 offers" in problem_of(renting.make_offer(), 409)


def test_whoever_only_reads_offers_nothing(renting: Renting, platform: Platform) -> None:
    path = f"/api/offers/{renting.offer()}"
    viewer = platform.add_person("boxes", "viewer", PersonRight.VIEWER)
    assert viewer.get(path).status_code == 200
    assert "scope deploy" in problem_of(viewer.patch(path, json={"is_open": False}), 403)
    body = {"name": "x", "query": "", "limits": LIMITS}
    assert "scope deploy" in problem_of(viewer.post("/api/offers", json=body), 403)
