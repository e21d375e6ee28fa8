"""Offers and rentals on pages: an owner offers devices, and sees what a rental goes through."""

import pytest
from support.four_parties import BOX, good
from support.house_pages import OFFER
from support.platform_pages import PageWorld, ParsedPage
from support.renting import HOUR_S, PLAN, Renting

from tinycontainer.network.platform.web.pages.timeline import make_timeline
from tinycontainer.network.platform.web.renting_bodies import RentalShown


def shown(**changes: object) -> RentalShown:
    """A rental as it is shown."""
    values: dict[str, object] = {
        "id": 1, "offer": 1, "uid": "00", "number": 1, "developer": "dev", "owner": "boxes",
        "infrastructure": "infra", "from_s": 100, "until_s": 200, "state": "asked", "breaks": [],
        "asked_by": "ann", "asked_s": 50.0, "decided_by": None, "decided_s": None,
    }  # fmt: skip
    return RentalShown.model_validate({**values, **changes})


def steps_of(now_s: float, **changes: object) -> list[tuple[str, str]]:
    """The steps of a rental, with how far each is."""
    return [(each.words, each.state.value) for each in make_timeline(shown(**changes), now_s)]


@pytest.mark.clause("TC-PLAT-85")
def test_an_owner_makes_an_offer_with_all_its_limits(world: PageWorld) -> None:
    owner = world.client("boxes")
    path = owner.send("/offers", OFFER).headers["location"]
    offer = good(owner.client.get(f"/api{path}"))
    assert (offer["name"], offer["query"], offer["audience"]) == (
        "boxes in Paris",
        "kind=box",
        ["dev"],
    )
    assert offer["limits"] == {
        "syscalls": ["heartbeat"],
        "endpoints": [
            {"peer": "local", "peer_uid": None, "peer_endpoint": 7, "directions": ["in"]},
            {
                "peer": "container",
                "peer_uid": "sensor",
                "peer_endpoint": 3,
                "directions": ["in", "out"],
            },
        ],
        "period_ms": 100,
        "share_per_cent": 10,
        "days": 30,
    }
    assert "Four of them." in world.client("dev").look(path).text
    world.client("infra").look(path, 404)


@pytest.mark.clause("TC-PLAT-85")
def test_the_devices_that_a_query_means_are_counted_and_the_form_stays(world: PageWorld) -> None:
    owner = world.client("boxes")
    before = good(owner.client.get("/api/offers"))["offers"]
    for query, words in (("", "4 devices"), ("group=north", "2 devices"), ("name=x", "0 devices")):
        answer = owner.send("/offers/new/count", {**OFFER, "query": query})
        page = ParsedPage(answer.text)
        assert (answer.status_code, page.fields["query"]) == (200, query)
        assert f"It means {words} now" in page.text
        assert page.fields["days"] == OFFER["days"]
        assert [each for _, each in page.elements if each.get("name") == "call-heartbeat"] == [
            {"type": "checkbox", "name": "call-heartbeat", "value": "on", "checked": None}
        ]
    assert good(owner.client.get("/api/offers"))["offers"] == before


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("name", "", "name"),
        ("query", "(", "query"),
        ("endpoints", "local", "endpoints"),
        ("endpoints", "container 7 in", "endpoints"),
        ("endpoints", "moon 7 in", "peer"),
        ("endpoints", "local x in", "peer_endpoint"),
        ("endpoints", "local 7 sideways", "directions"),
        ("period_ms", "-1", "period_ms"),
        ("share_per_cent", "0", "share_per_cent"),
        ("share_per_cent", "101", "share_per_cent"),
        ("days", "3651", "days"),
        ("audience", "nobody-here", "audience"),
        ("description", "\u00e9", "description"),
    ],
)
def test_an_offer_that_cannot_be_is_refused_and_the_form_stays(
    unchanged: PageWorld, name: str, value: str, word: str
) -> None:
    answer = unchanged.client("boxes").send("/offers", {**OFFER, name: value})
    assert answer.status_code == 400
    page = ParsedPage(answer.text)
    assert len([each for _, each in page.elements if each.get("role") == "alert"]) == 1
    assert word in page.text
    assert page.fields["share_per_cent"] == (value if name == "share_per_cent" else "10")


@pytest.mark.clause("TC-PLAT-85")
def test_a_rental_says_what_a_grant_means_and_then_how_far_it_is(world: PageWorld) -> None:
    owner, developer = world.client("boxes"), world.client("dev")
    path = f"/rentals/{world.numbers['rental']}"
    text = owner.look(path).text
    assert "may run on the 4 devices of the offer" in text
    assert "with the calls heartbeat" in text
    assert "may run on the" not in developer.look(path).text
    assert "Nobody has decided yet" in developer.look(path).text
    assert owner.send(f"{path}/grant").status_code == 303
    text = owner.look(path).text
    assert "Granted by boxes-admin" in text
    assert "Next, sign your rights on" in text
    world.platform.clock.at_s += 2 * HOUR_S
    assert "Ended 2027-01-15T09:00:05Z" in owner.look(path).text


@pytest.mark.clause("TC-PLAT-85")
def test_what_is_beyond_the_offer_is_named(world: PageWorld) -> None:
    renting = Renting(world.rollouts.parties)
    rental = renting.granted(9)
    good(renting.parties.add("plan", 9, **{**PLAN, "timing": {"period_ms": 1}}))
    text = world.client("boxes").look(f"/rentals/{rental}").text
    assert "Beyond the offer" in text
    assert "the period is 1 ms; the offer allows 100 ms or more" in text
    assert f"/releases/{BOX}/9" in world.client("boxes").look(f"/rentals/{rental}").values(
        "a", "href"
    )


@pytest.mark.parametrize(
    ("now_s", "changes", "wanted"),
    [
        (60, {}, ["asked for done", "granted or refused next", "would run from next", "ends next"]),
        (
            60,
            {"state": "granted", "decided_by": "bob", "decided_s": 55.0},
            ["asked for done", "granted done", "runs from next", "ends next"],
        ),
        (
            150,
            {"state": "granted", "decided_by": "bob", "decided_s": 55.0},
            ["asked for done", "granted done", "runs from done", "ends next"],
        ),
        (
            200,
            {"state": "ended", "decided_by": "bob", "decided_s": 55.0},
            ["asked for done", "granted done", "runs from done", "ended done"],
        ),
        (200, {"state": "ended"}, ["asked for done", "over, and nobody has decided done"]),
        (60, {"state": "refused", "decided_s": 55.0}, ["asked for done", "refused done"]),
        (60, {"state": "taken back", "decided_s": 55.0}, ["asked for done", "taken back done"]),
        (
            150,
            {"state": "withdrawn", "decided_by": "bob", "decided_s": 120.0},
            ["asked for done", "granted done", "withdrawn done", "would have ended never"],
        ),
    ],
)
@pytest.mark.clause("TC-PLAT-85")
def test_each_state_of_a_rental_has_its_steps(
    now_s: float, changes: dict[str, object], wanted: list[str]
) -> None:
    assert [" ".join(each) for each in steps_of(now_s, **changes)] == wanted
