"""A developer asks for time on the devices of an owner, who grants it with tokens that expire."""

from typing import Any

import pytest
from support.four_parties import ENDPOINT, FourParties, good, states
from support.platforms import Platform, problem_of
from support.renting import HOUR_S, PLAN, Renting

from tinycontainer.network.platform.actor import PersonRight
from tinycontainer.network.platform.renting import asking
from tinycontainer_tokens import Kind, Role
from tinycontainer_tokens.unverified import read_unverified

DAY_S = 24 * 3600


@pytest.fixture
def renting(platform: Platform) -> Renting:
    """Four parties with keys and an application."""
    parties = FourParties(platform)
    parties.prepare()
    return Renting(parties)


@pytest.mark.clause("TC-PLAT-50", "TC-PLAT-51")
def test_what_is_granted_expires_with_the_rental(renting: Renting) -> None:
    rental = renting.granted()
    until_s = renting.now_s + HOUR_S
    release = renting.parties.show()
    assert release["allowed_mask"] == release["asked_mask"] == 1
    right = {"sequence": None, "audience": None, "not_before": None, "expires": until_s}
    assert release["terms"]["mask"] == release["terms"]["endpoint"] == right
    assert renting.sign_all()["completed_s"] is not None
    for part, kind in (("mask", Kind.MASK), ("endpoint-1", Kind.ENDPOINT)):
        claims = read_unverified(renting.parties.make_token(part), kind).claims
        assert claims is not None
        assert (claims.expires_s, claims.sequence) == (until_s, 1)
    assert renting.show(rental) == {
        "id": rental, "offer": 1, "uid": "626f78", "number": 1, "developer": "dev",
        "owner": "boxes", "infrastructure": "infra", "from_s": renting.now_s, "until_s": until_s,
        "state": "granted", "breaks": [], "asked_by": "dev-admin", "asked_s": renting.now_s,
        "decided_by": "boxes-admin", "decided_s": renting.now_s,
    }  # fmt: skip
    assert renting.problem() is None


@pytest.mark.clause("TC-PLAT-51")
def test_a_rental_that_begins_later_is_of_no_force_before(renting: Renting) -> None:
    begin_s = renting.now_s + 60
    renting.granted(from_s=begin_s)
    assert renting.parties.show()["terms"]["mask"]["not_before"] == begin_s
    assert renting.sign_all()["completed_s"] is not None
    problem = f"rental 1 of this release begins at {begin_s} (Unix seconds)"
    assert renting.problem() == problem
    renting.parties.platform.clock.at_s += 60
    assert renting.problem() is None


@pytest.mark.clause("TC-PLAT-51")
def test_a_grant_drops_the_tokens_that_say_something_else(renting: Renting) -> None:
    rental = renting.asked()
    good(renting.parties.add("rights", syscalls=["heartbeat"]))
    assert set(states(renting.sign_all()).values()) == {"signed"}
    good(renting.decide(rental, "grant"))
    found = states(renting.parties.show())
    assert (found["code"], found["data"]) == ("signed", "signed")
    assert (found["mask"], found["endpoint-1"]) == ("unsigned", "unsigned")
    # A device takes no second token of a number: the new rights count on.
    assert renting.parties.show()["terms"]["mask"]["sequence"] == 2


@pytest.mark.clause("TC-PLAT-50")
@pytest.mark.parametrize("what", ["grant", "refuse"])
def test_only_the_owner_decides(renting: Renting, what: str) -> None:
    rental = renting.asked()
    for role in (Role.DEVELOPER, Role.INFRASTRUCTURE):
        problem = "only the owner of the devices decides this"
        assert problem_of(renting.decide(rental, what, role), 403) == problem
    assert "no such rental" in problem_of(renting.decide(rental, what, Role.PROVIDER), 404)
    assert renting.show(rental)["state"] == "asked"


@pytest.mark.clause("TC-PLAT-50")
def test_who_has_asked_takes_it_back_and_can_ask_again(renting: Renting) -> None:
    rental = renting.asked()
    problem = "only who has asked takes it back"
    assert problem_of(renting.decide(rental, "take-back"), 403) == problem
    assert good(renting.decide(rental, "take-back", Role.DEVELOPER))["state"] == "taken back"
    detail = "a rental that is taken back has no event grant"
    assert problem_of(renting.decide(rental, "grant"), 409) == detail
    again = good(renting.ask(1))["id"]
    assert good(renting.decide(again, "refuse"))["state"] == "refused"
    good(renting.ask(1))


@pytest.mark.clause("TC-PLAT-50")
def test_a_rental_ends_by_itself(renting: Renting) -> None:
    granted, asked = renting.granted(), renting.asked(2)
    clock = renting.parties.platform.clock
    clock.at_s += HOUR_S - 1
    assert renting.show(granted)["state"] == "granted"
    clock.at_s += 1
    listed = good(renting.client(Role.OWNER).get("/api/rentals"))["rentals"]
    assert [each["state"] for each in listed] == ["ended", "ended"]
    assert renting.problem() == "rental 1 of this release is ended"
    detail = "a rental that is ended has no event grant"
    assert problem_of(renting.decide(asked, "grant"), 409) == detail


@pytest.mark.clause("TC-PLAT-52")
def test_developer_owner_and_infrastructure_see_a_rental_and_nobody_else(renting: Renting) -> None:
    rental = renting.asked()
    shown = renting.show(rental)
    for role in (Role.DEVELOPER, Role.INFRASTRUCTURE):
        assert renting.show(rental, role) == shown
        listed = good(renting.client(role).get("/api/rentals"))["rentals"]
        assert [each["id"] for each in listed] == [rental]
    provider = renting.client(Role.PROVIDER)
    assert problem_of(provider.get(f"/api/rentals/{rental}"), 404) == "there is no such rental"
    assert good(provider.get("/api/rentals")) == {"rentals": [], "next": None}


@pytest.mark.clause("TC-PLAT-49")
@pytest.mark.parametrize(
    ("code", "plan", "problem"),
    [
        ({"syscalls": ["heartbeat", "open"]}, {}, "the code asks for calls"),
        ({}, {"timing": {"period_ms": 99, "exec_time_ms": 9}}, "the period is 99 ms"),
        ({}, {"security": {"loop_max_duration_ms": 11}}, "the share of its loops is 11 %"),
        ({}, {"endpoints": [{**ENDPOINT, "direction": "both"}]}, "endpoint 1: its peer"),
    ],
)
def test_what_is_beyond_the_offer_is_refused_when_it_is_asked_for_and_when_it_is_granted(
    renting: Renting, code: dict[str, Any], plan: dict[str, Any], problem: str
) -> None:
    offer = renting.offer()
    renting.parties.begin()
    rental = good(renting.ask(offer))["id"]  # nothing is there yet
    good(renting.parties.add("code", **{"syscalls": ["heartbeat"], **code}))
    good(renting.parties.add("plan", **{**PLAN, **plan}))
    answer = renting.decide(rental, "grant")
    assert problem in problem_of(answer, 409)
    assert answer.json()["title"] == "beyond the offer"
    assert [problem in each for each in renting.show(rental)["breaks"]] == [True]
    assert renting.parties.show()["allowed_mask"] is None
    good(renting.decide(rental, "refuse"))
    assert problem in problem_of(renting.ask(offer), 409)


@pytest.mark.clause("TC-PLAT-49")
@pytest.mark.parametrize("missing", ["code", "plan"])
def test_nothing_is_granted_as_long_as_it_is_not_plain_what_it_does(
    renting: Renting, missing: str
) -> None:
    offer = renting.offer()
    renting.parties.begin()
    if missing == "code":
        good(renting.parties.add("plan", **PLAN))
    else:
        good(renting.parties.add("code", syscalls=["heartbeat"]))
    rental = good(renting.ask(offer))["id"]
    detail = problem_of(renting.decide(rental, "grant"), 409)
    assert detail.startswith(f"the {missing} of the release is missing")
    assert renting.show(rental)["state"] == "asked"


@pytest.mark.clause("TC-PLAT-53")
def test_a_release_that_breaks_the_limits_later_is_not_rolled_out(renting: Renting) -> None:
    rental = renting.granted()
    good(renting.parties.add("plan", **{**PLAN, "timing": {"period_ms": 50}}))
    breaks = renting.show(rental)["breaks"]
    assert breaks[0] == "the period is 50 ms; the offer allows 100 ms or more"
    assert renting.problem() == f"rental {rental} of this release is broken: {'; '.join(breaks)}"
    good(renting.parties.add("plan", **PLAN))
    assert renting.problem() is None
    good(renting.parties.add("rights", syscalls=["heartbeat", "open"]))
    assert [each.split(" ")[1] for each in renting.show(rental)["breaks"]] == [
        "owner", "mask", "endpoint",
    ]  # fmt: skip


@pytest.mark.clause("TC-PLAT-53")
def test_a_release_is_rolled_out_only_once_its_rental_is_granted(renting: Renting) -> None:
    renting.release()
    assert renting.problem() is None  # it is under no rental
    rental = good(renting.ask(renting.offer()))["id"]
    assert renting.problem() == f"rental {rental} of this release is not granted yet"
    good(renting.decide(rental, "refuse"))
    assert renting.problem() is None  # the owner can still allow it


@pytest.mark.clause("TC-PLAT-50")
def test_who_is_not_the_developer_asks_for_nothing(renting: Renting) -> None:
    offer, number = renting.offer(), renting.release()
    for role in (Role.PROVIDER, Role.INFRASTRUCTURE, Role.OWNER):
        detail = problem_of(renting.ask(offer, number, role), 403)
        assert detail.endswith("is not the developer of this release")
    assert "no such offer" in problem_of(renting.ask(offer + 1), 404)
    assert "no such release" in problem_of(renting.ask(offer, 9), 404)


@pytest.mark.clause("TC-PLAT-50")
def test_a_closed_offer_is_not_asked_for(renting: Renting) -> None:
    offer, number = renting.offer(), renting.release()
    body = {"is_open": False}
    good(renting.client(Role.OWNER).patch(f"/api/offers/{offer}", json=body))
    assert problem_of(renting.ask(offer, number), 409) == "offer: is closed"


@pytest.mark.clause("TC-PLAT-50")
@pytest.mark.parametrize(
    ("begun", "problem"),
    [
        ({"profile": "riot-2024", "signs_endpoints": False}, "tokens of riot-2024 never expire"),
        ({"signs_endpoints": False}, "the owner has to sign its endpoints"),
    ],
)
def test_a_right_that_cannot_expire_is_not_asked_for(
    renting: Renting, begun: dict[str, Any], problem: str
) -> None:
    renting.parties.begin(**begun)
    assert problem in problem_of(renting.ask(renting.offer()), 409)


@pytest.mark.clause("TC-PLAT-50")
@pytest.mark.parametrize(
    ("begin_s", "end_s", "status"),
    [
        (0, 30 * DAY_S, 201), (0, 30 * DAY_S + 1, 409), (5, 5, 400), (5, 4, 400),
        (-DAY_S, 0, 400), (-DAY_S, 1, 201), (-60 * DAY_S, 1, 409),
    ],
)  # fmt: skip
def test_a_rental_lasts_as_long_as_the_offer_allows(
    renting: Renting, begin_s: int, end_s: int, status: int
) -> None:
    offer, number, now_s = renting.offer(), renting.release(), renting.now_s
    answer = renting.ask(offer, number, from_s=now_s + begin_s, until_s=now_s + end_s)
    assert answer.status_code == status


@pytest.mark.clause("TC-PLAT-12", "TC-PLAT-50")
@pytest.mark.parametrize(
    "more",
    [
        {"from_s": -1}, {"from_s": 1.5}, {"until_s": True}, {"until_s": 1 << 60}, {"offer": 0},
        {"uid": "BOX"}, {"number": 0}, {"more": 1},
    ],
)  # fmt: skip
def test_what_is_no_rental_is_refused(renting: Renting, more: dict[str, Any]) -> None:
    problem_of(renting.ask(renting.offer(), renting.release(), **more), 400)


@pytest.mark.clause("TC-PLAT-50")
def test_a_release_is_under_one_rental_and_granted_once(renting: Renting) -> None:
    rental = renting.asked()
    assert "is asked for already, in rental 1" in problem_of(renting.ask(1), 409)
    good(renting.decide(rental, "grant"))
    renting.parties.platform.clock.at_s += HOUR_S
    assert "was granted before; begin another" in problem_of(renting.ask(1), 409)
    good(renting.ask(1, renting.release(2)))


def test_there_is_a_bound_on_what_is_asked_for(
    renting: Renting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_ASKED", 1)
    renting.asked()
    number = renting.release(2)
    assert "at most 1 rentals" in problem_of(renting.ask(1, number), 409)
    good(renting.decide(1, "refuse"))
    good(renting.ask(1, number))


def test_deciding_needs_the_scope_of_signing(renting: Renting, platform: Platform) -> None:
    rental = renting.asked()
    viewer = platform.add_person("boxes", "viewer", PersonRight.VIEWER)
    for what in ("grant", "refuse"):
        assert "scope sign" in problem_of(viewer.post(f"/api/rentals/{rental}/{what}"), 403)
    assert viewer.get(f"/api/rentals/{rental}").status_code == 200


@pytest.mark.clause("TC-PLAT-13")
def test_each_deed_of_a_rental_is_in_the_audit_of_who_did_it(renting: Renting) -> None:
    good(renting.decide(renting.asked(), "take-back", Role.DEVELOPER))
    good(renting.decide(good(renting.ask(1))["id"], "refuse"))
    good(renting.decide(good(renting.ask(1))["id"], "grant"))
    deeds = {
        role: [
            (each["deed"], each["subject"])
            for each in good(renting.client(role).get("/api/audit"))["entries"]
            if each["deed"].startswith("rental") or each["deed"] == "rights-added"
        ]
        for role in (Role.DEVELOPER, Role.OWNER)
    }
    asked = ("rental-asked", "626f78/1")
    assert deeds[Role.DEVELOPER] == [asked, ("rental-taken-back", "626f78/1"), asked, asked]
    assert deeds[Role.OWNER] == [
        ("rental-refused", "626f78/1"), ("rights-added", "626f78/1"),
        ("rental-granted", "626f78/1"),
    ]  # fmt: skip
