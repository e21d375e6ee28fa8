"""What somebody who has read no manual finds on pages: what is theirs, and what comes next."""

import pytest
from support.four_parties import BOX, good
from support.platform_pages import STRANGER, PageWorld
from support.renting import Renting
from support.wasm.modules import loop

from tinycontainer_tokens import Role

SENSOR = '[[drivers]]\ndriver = "console"\nendpoint = 11\ndirections = ["in"]\n'
OPENING = loop("(drop (call $open (i32.const 3))) i32.const 0", uses=("open",))


@pytest.mark.clause("TC-PLAT-65")
def test_the_first_page_leads_to_what_waits_and_to_what_can_be_begun(world: PageWorld) -> None:
    world.rollouts.parties.begin(60)
    developer = world.client("dev").look("/")
    place = f"/releases/{BOX}"
    links = developer.values("a", "href")
    assert "/releases/begin" in links
    assert f"{place}/60/code" in links
    assert f"{place}/2#sign-code" in links
    owner = world.client("boxes").look("/")
    assert "Add rights (mask) of Box 60" in owner.text
    assert f"{place}/60/rights" in owner.values("a", "href")
    assert f"{place}/60/plan" in world.client("infra").look("/").values("a", "href")
    assert "/releases/begin" not in owner.values("a", "href")


@pytest.mark.clause("TC-PLAT-65")
def test_an_organisation_without_a_key_is_told_where_to_register_one(unchanged: PageWorld) -> None:
    roles = "developer, infrastructure, owner, provider"
    assert f"cannot sign as {roles} yet" in unchanged.client(STRANGER).look("/").text
    assert "cannot sign as" not in unchanged.client("dev").look("/").text


@pytest.mark.clause("TC-PLAT-77")
def test_a_release_says_what_comes_next_and_who_does_it(world: PageWorld) -> None:
    parties = world.rollouts.parties
    parties.begin(60)
    path = f"/releases/{BOX}/60"
    operator = world.client("infra")
    text = operator.look(path).text
    assert "Next, you: add plan (metadata). Waits for dev: code; data: data;" in text
    good(parties.add("plan", 60))
    assert "You sign plan (metadata) last" in operator.look(path).text
    good(parties.add("code", 60))
    assert "Next, you: sign code." in world.client("dev").look(path).text
    parties.sign("code", 60)
    assert "Yours is done and signed. Waits for data: data;" in world.client("dev").look(path).text


@pytest.mark.clause("TC-PLAT-77")
def test_calls_that_are_asked_for_and_not_allowed_are_seen_at_once(world: PageWorld) -> None:
    parties = world.rollouts.parties
    parties.begin(60)
    good(parties.add("code", 60, syscalls=["heartbeat", "open", "write"]))
    owner, path = world.client("boxes"), f"/releases/{BOX}/60"
    assert "asked for heartbeat, open, write" in owner.look(path).text
    good(parties.add("rights", 60, syscalls=["open"]))
    assert "not allowed heartbeat, write: asked for by the code" in owner.look(path).text
    good(parties.add("rights", 60, syscalls=["heartbeat", "open", "write"]))
    assert "not allowed" not in owner.look(path).text


@pytest.mark.clause("TC-PLAT-76")
def test_a_plan_says_what_the_code_opens_and_what_the_devices_have(world: PageWorld) -> None:
    fleet, parties = world.rollouts.devices, world.rollouts.parties
    fleet.devices(["box-11"], fleet.profile(SENSOR, name="with a sensor"))
    parties.begin(60)
    good(parties.add("code", 60, sha256=parties.keep(Role.DEVELOPER, "code", OPENING)))
    plan = world.client("infra").look(f"/releases/{BOX}/60/plan")
    assert "The code opens the ids 3" in plan.text
    assert "What the devices of boxes that you operate have" in plan.text
    assert "local 11 console in 1" in plan.text
    assert "local 11 console in 1" in world.client("boxes").look("/offers/new").text
    assert "local 11" not in world.client(STRANGER).look("/offers/new").text


@pytest.mark.clause("TC-PLAT-77")
def test_an_owner_ends_a_release_from_its_page(world: PageWorld) -> None:
    owner, path = world.client("boxes"), f"/releases/{BOX}/1"
    command = "tinycontainerctl platform withdraw http://testserver box --key owner.pem"
    assert command in owner.look(path).text
    assert "#take-back" in owner.look(path).values("a", "href")
    assert command not in world.client("infra").look(path).text
    assert command not in owner.look(f"/releases/{BOX}/2").text  # is not complete
    good(Renting(world.rollouts.parties).withdraw())
    for organisation in ("boxes", "infra", "dev"):
        text = world.client(organisation).look(path).text
        assert "boxes has taken back every right of this container" in text
        assert command not in text


@pytest.mark.clause("TC-PLAT-77")
def test_a_release_leads_to_what_is_inside(unchanged: PageWorld) -> None:
    page = unchanged.client("boxes").look(f"/releases/{BOX}/1")
    assert f"/releases/{BOX}/1/components" in page.values("a", "href")
