"""Pages of rollouts: a picture that moves, what every device would say, and a form that counts."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from support.browsers import RealBrowser
from support.four_parties import BOX, good
from support.platform_pages import DEVICES, PageClient, PageWorld, ParsedPage
from support.rollouts import UNTRUSTED
from support.served_pages import ServedWorld

from tinycontainer.network.platform.actor import PersonRight
from tinycontainer.network.platform.evidence.wording import explain_refusal

BOXES = [f"south-{number}" for number in range(8)]
DRAFTING = f"/releases/{BOX}/1/rollout"


def start(world: PageWorld, **plan: Any) -> int:
    """Start a rollout to eight further devices, of which one refuses each bundle."""
    world.rollouts.add_devices(BOXES, group="south")
    world.rollouts.refuse_always(BOXES[0])
    return world.rollouts.start(query="group=south", **plan)


def press_key_on(page: Page, selector: str) -> None:
    """Press what is on a page with the keyboard alone."""
    page.locator(selector).focus()
    page.keyboard.press("Enter")


@pytest.mark.clause("TC-PLAT-81")
def test_a_rollout_moves_in_the_open_page_and_is_steered_by_the_keyboard(
    served: ServedWorld, browser: RealBrowser
) -> None:
    world = served.world.rollouts
    plan: dict[str, Any] = {
        "waves": [50, 100],
        "success_per_cent": 50,
        "halt_minimum": 8,
        "standing": True,
    }
    number = start(served.world, **plan)
    page = browser.page()
    served.enter(page, "infra")
    served.open(page, f"/rollouts/{number}")
    state, total = page.locator(".facts .state"), page.locator("#total")
    press_key_on(page, "#pause")
    expect(state).to_have_text("paused")
    press_key_on(page, "#resume")
    expect(state).to_have_text("running")
    expect(page.locator("#wave-1")).to_have_attribute("aria-current", "step")
    expect(total).to_have_attribute("aria-label", "8 waiting")
    navigations: list[str] = []
    page.on("framenavigated", lambda frame: navigations.append(frame.url))
    world.settle(5.0)
    expect(total).to_have_attribute("aria-label", "7 done, 1 failed")
    expect(page.locator("#wave-2")).to_have_attribute("aria-current", "step")
    expect(page.locator("#wave-1")).not_to_have_attribute("aria-current", "step")
    width = total.locator("[data-kind=done]").get_attribute("width") or ""
    assert 80 < float(width.removesuffix("%")) < 90
    expect(page.get_by_role("link", name=UNTRUSTED)).to_be_visible()
    assert navigations == []
    press_key_on(page, "#cancelling summary")
    press_key_on(page, "#cancel")
    expect(state).to_have_text("cancelled")
    deeds = page.locator(".history li span:last-child")
    expect(deeds).to_have_text(["cancelled", "resumed", "paused", "started", "drafted"])


@pytest.mark.clause("TC-PLAT-83")
def test_devices_are_counted_while_a_query_is_typed(
    served_unchanged: ServedWorld, browser: RealBrowser
) -> None:
    page = browser.page()
    served_unchanged.enter(page, "infra")
    served_unchanged.open(page, DRAFTING)
    preview = page.locator("#preview")
    expect(preview).to_contain_text("4 devices: 4 box")
    navigations: list[str] = []
    page.on("framenavigated", lambda frame: navigations.append(frame.url))
    page.locator("#query").press_sequentially("group=north")
    expect(preview).to_contain_text("2 devices: 2 box")
    page.locator("#waves").fill("50 100")
    expect(preview).to_contain_text("wave 2 1")
    page.locator("#query").press_sequentially(" and")
    expect(preview).to_contain_text("query: ")
    assert navigations == []
    assert all("csrf" not in each.url for each in browser.requests)
    browser.require_harmless()


@pytest.mark.clause("TC-PLAT-83")
def test_without_script_a_button_counts_and_nothing_is_drafted(unchanged: PageWorld) -> None:
    operator = unchanged.client("infra")
    before = good(operator.client.get("/api/rollouts"))
    fields = {**operator.look(DRAFTING).fields, "query": "label.keys=old", "waves": "50 100"}
    answer = operator.send(DRAFTING, {**fields, "count": "yes"})
    assert answer.status_code == 200
    page = ParsedPage(answer.text)
    assert "2 devices: 2 box such as box-03, box-04 wave 1 1 wave 2 1" in page.text
    assert page.fields["query"] == "label.keys=old"
    assert good(operator.client.get("/api/rollouts")) == before


@pytest.mark.clause("TC-PLAT-83")
def test_a_plan_can_have_all_that_the_api_takes(world: PageWorld) -> None:
    operator = world.client("infra")
    fields = operator.look(DRAFTING).fields | {
        "name": "next", "deadline": "2027-02-01T00:00", "priority": "7", "confirm_ms": "5000",
        "answer_s": "600", "attempts": "3", "strata": "kind label.site",
    }  # fmt: skip
    path = operator.send(DRAFTING, fields).headers["location"]
    kept = world.rollouts.show(int(path.rpartition("/")[2]))["plan"]
    assert (kept["confirm_ms"], kept["answer_s"]) == (5000, 600)
    plan = kept["plan"]
    assert (plan["priority"], plan["attempts"], plan["deadline_s"]) == (7, 3, 1_801_440_000)
    assert plan["strata_keys"] == ["kind", "label.site"]
    assert "2027-02-01T00:00:00Z" in operator.look(path).text


@pytest.mark.clause("TC-PLAT-83")
@pytest.mark.parametrize(
    ("query", "waves", "said"),
    [("(", "100", "query: "), ("", "10 20", "plan"), ("", "x", "plan.waves")],
)
def test_what_cannot_be_counted_is_said_in_the_preview(
    unchanged: PageWorld, query: str, waves: str, said: str
) -> None:
    params = {"query": query, "waves": waves}
    answer = unchanged.client("infra").client.get(f"{DRAFTING}/preview", params=params)
    assert answer.status_code == 200
    assert said in ParsedPage(answer.text).text
    assert "<html" not in answer.text


@pytest.mark.clause("TC-PLAT-81")
def test_a_page_says_what_happens_next_and_what_each_button_does(world: PageWorld) -> None:
    number = start(world, waves=[50, 100], success_per_cent=100, halt_per_cent=50)
    operator, path = world.client("infra"), f"/rollouts/{number}"
    text = operator.look(path).text
    assert "Wave 1 of 2: 0 of 4 are done; the next wave begins at 4;" in text
    assert "it halts at 1 failure, there is none." in text
    assert "No further device is told for now." in text
    assert "It ends for good" in text
    assert operator.send(f"{path}/pause").status_code == 303
    text = operator.look(path).text
    assert "It is paused: no further device is told." in text
    assert "It goes on where it is." in text


@pytest.mark.clause("TC-PLAT-81")
def test_failures_lead_to_their_devices_and_say_why_in_words(unchanged: PageWorld) -> None:
    path = f"/rollouts/{unchanged.numbers['halted']}"
    owner = unchanged.client("boxes")
    page = owner.look(path)
    assert explain_refusal(UNTRUSTED).means in page.text
    link = f"{path}/devices?progress=failed&reason={UNTRUSTED}"
    assert link in page.values("a", "href")
    listed = owner.look(link)
    assert f"/devices/{DEVICES[2]}" in listed.values("a", "href")
    assert f"/devices/{DEVICES[0]}" not in listed.values("a", "href")
    assert "No such device" in owner.look(f"{path}/devices?progress=failed&reason=other").text
    assert f"/devices/{DEVICES[0]}" in owner.look(f"{path}/devices").values("a", "href")


@pytest.mark.clause("TC-PLAT-81")
def test_deeds_are_shown_to_those_whose_audit_has_them_and_buttons_to_those_who_may(
    unchanged: PageWorld,
) -> None:
    path = f"/rollouts/{unchanged.numbers['halted']}"
    operator = unchanged.client("infra").look(path)
    assert "infra-admin started" in operator.text
    assert f"{path}/resume" in operator.values("form", "action")
    unchanged.platform.add_person("infra", "vera", PersonRight.VIEWER)
    for client in (
        unchanged.client("boxes"),
        PageClient(unchanged.platform.log_in("vera")),
    ):
        assert not [each for each in client.look(path).values("form", "action") if path in each]
    assert "Who has done what" not in unchanged.client("boxes").look(path).text


@pytest.mark.clause("TC-PLAT-82")
def test_a_judgement_lists_every_device_by_its_answer(world: PageWorld) -> None:
    world.rollouts.add_devices([f"more-{number:02}" for number in range(60)])
    path = f"/rollouts/{world.numbers['draft']}/judgement"
    operator = world.client("infra")
    page = operator.look(path)
    assert "62 would take it, 2 would refuse it" in page.values("svg", "aria-label")
    refused = operator.look(f"{path}?answer=refused&reason=token").values("a", "href")
    devices = [each for each in refused if each.startswith("/devices/")]
    assert {*devices} == {f"/devices/{DEVICES[2]}", f"/devices/{DEVICES[3]}"}
    accepted = operator.look(f"{path}?answer=accepted")
    assert "/devices/more-59" not in accepted.values("a", "href")
    (further,) = (each for each in accepted.values("a", "href") if "after=" in each)
    assert "answer=accepted" in further
    assert "/devices/more-59" in operator.look(further).values("a", "href")
    assert "No device would say so" in operator.look(f"{path}?answer=unjudged").text
    assert "advice, and hinders nothing" in page.text


@pytest.mark.clause("TC-PLAT-81")
def test_rollouts_are_listed_by_their_state_with_what_is_wrong(unchanged: PageWorld) -> None:
    operator = unchanged.client("infra")
    halted, draft = (f"/rollouts/{unchanged.numbers[each]}" for each in ("halted", "draft"))
    page = operator.look("/rollouts?state=halted")
    assert halted in page.values("a", "href")
    assert draft not in page.values("a", "href")
    assert "told devices of the wave have failed" in page.text
    assert "2 of 4" in page.text
    assert "No rollout is expired" in operator.look("/rollouts?state=expired").text
