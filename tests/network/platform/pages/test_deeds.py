"""What people do on pages: it is what the API does, and what is refused is said in one line."""

from collections.abc import Mapping

import pytest
from support.four_parties import BOX, good
from support.platform_pages import DEVICES, PageClient, PageWorld, ParsedPage
from support.platforms import PASSWORD
from support.renting import Renting

from tinycontainer.network.platform.actor import PersonRight
from tinycontainer.network.platform.web.pages.forms import MOST_FIELDS

COOKIE = "tinycontainer_session"
NAME = "infra-admin"


def refusal_of(client: PageClient, path: str, fields: Mapping[str, str], status: int) -> str:
    """The line by which a form is refused, on the page that it is on."""
    answer = client.send(path, dict(fields))
    assert answer.status_code == status, answer.text
    page = ParsedPage(answer.text)
    assert len([each for _, each in page.elements if each.get("role") == "alert"]) == 1
    return page.text


@pytest.mark.clause("TC-PLAT-64")
def test_whoever_logs_in_has_the_session_of_the_api(unchanged: PageWorld) -> None:
    page = unchanged.nobody()
    answer = page.log_in(NAME)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert page.client.get("/api/me").json()["name"] == NAME
    assert page.client.get("/api/me").json()["csrf"] == page.csrf


@pytest.mark.clause("TC-PLAT-64")
def test_a_wrong_password_opens_nothing_and_is_counted(world: PageWorld) -> None:
    page = world.nobody()
    for _ in range(5):
        answer = page.log_in(NAME, "wrong password")
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        assert "wrong" in ParsedPage(answer.text).text
        assert "wrong password" not in answer.text
    assert page.log_in(NAME).status_code == 401  # right, and too early


@pytest.mark.clause("TC-PLAT-64")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_sends_no_form(
    unchanged: PageWorld, headers: dict[str, str]
) -> None:
    answer = unchanged.nobody().log_in(NAME, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    operator = unchanged.client("infra")
    path = f"/rollouts/{unchanged.numbers['halted']}/cancel"
    assert operator.send(path, headers=headers).status_code == 403
    assert unchanged.rollouts.show(unchanged.numbers["halted"])["state"] == "halted"


@pytest.mark.clause("TC-PLAT-64")
def test_a_form_to_log_in_that_comes_from_nowhere_is_refused(unchanged: PageWorld) -> None:
    answer = unchanged.nobody().client.post("/log-in", data={"name": NAME, "password": PASSWORD})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.clause("TC-PLAT-64")
@pytest.mark.parametrize("csrf", ["", "0" * 64, "wrong", "\u00e9"])
def test_a_form_needs_the_csrf_of_its_session(unchanged: PageWorld, csrf: str) -> None:
    path = f"/rollouts/{unchanged.numbers['halted']}/cancel"
    answer = unchanged.client("infra").send(path, {"csrf": csrf})
    assert answer.status_code == 403
    assert "load its page again" in ParsedPage(answer.text).text
    other = PageClient(unchanged.platform.log_in(NAME)).csrf
    assert unchanged.client("infra").send(path, {"csrf": other}).status_code == 403
    assert unchanged.rollouts.show(unchanged.numbers["halted"])["state"] == "halted"


@pytest.mark.clause("TC-PLAT-64")
def test_whoever_logs_out_or_whose_time_is_over_logs_in_again(world: PageWorld) -> None:
    page = PageClient(world.platform.log_in(NAME))
    token = page.client.cookies[COOKIE]
    assert page.send("/log-out").headers["location"] == "/"
    page.client.headers["Cookie"] = f"{COOKIE}={token}"
    assert "Log in" in page.look("/").text
    assert page.look("/rollouts", 401).values("form", "action") == ["/log-in"]
    late = PageClient(world.platform.log_in(NAME))
    late.client.headers["Cookie"] = f"{COOKIE}={late.client.cookies[COOKIE]}"
    world.platform.clock.at_s += 12 * 3600
    assert late.look("/rollouts", 401).values("form", "action") == ["/log-in"]


@pytest.mark.clause("TC-PLAT-65")
def test_a_rollout_is_drafted_judged_started_and_steered(world: PageWorld) -> None:
    operator, drafting = world.client("infra"), f"/releases/{BOX}/1/rollout"
    fields = operator.look(drafting).fields
    fields = {**fields, "name": "next", "query": "kind=box", "waves": "50 100"}
    answer = operator.send(drafting, fields)
    path = answer.headers["location"]
    number = int(path.rpartition("/")[2])
    assert answer.status_code == 303
    assert [each["per_cent"] for each in world.rollouts.show(number)["plan"]["plan"]["waves"]] == [
        50,
        100,
    ]
    judged = operator.look(f"{path}/judgement").text
    assert "2 of 4 devices would take the release" in judged
    said = refusal_of(operator, f"{path}/start", {"despite": "0"}, 409)
    assert "despite: 2 of 4 devices would not take it" in said
    assert operator.send(f"{path}/start", {"despite": "2"}).headers["location"] == path
    for deed, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert deed.capitalize() in operator.look(path).text
        assert operator.send(f"{path}/{deed}").status_code == 303
        assert world.rollouts.show(number)["state"] == state
    assert "cannot pause" in refusal_of(operator, f"{path}/pause", {}, 409)


@pytest.mark.clause("TC-PLAT-65")
def test_a_halted_rollout_says_why_and_is_retried(world: PageWorld) -> None:
    operator, path = world.client("infra"), f"/rollouts/{world.numbers['halted']}"
    page = operator.look(path)
    assert "have failed" in page.text
    assert f"/devices/{DEVICES[2]}" in page.values("a", "href")
    assert "token 2" in page.text
    assert "2 done, 2 failed" in page.values("svg", "aria-label")
    assert "halted Decide on rollout 1 first" in operator.look("/").text
    assert operator.send(f"{path}/retry").status_code == 303
    counts = world.rollouts.show(world.numbers["halted"])["waves"][0]
    assert (counts["failed"], counts["waiting"]) == (0, 2)


@pytest.mark.clause("TC-PLAT-65")
def test_what_a_form_cannot_have_is_named_and_stays_in_it(unchanged: PageWorld) -> None:
    operator, path = unchanged.client("infra"), f"/releases/{BOX}/1/rollout"
    fields = operator.look(path).fields
    for name, value, word in (
        ("name", "", "name: "),
        ("waves", "10 20", "plan"),
        ("waves", "x", "plan.waves"),
        ("attempts", "11", "plan.attempts"),
        ("query", "(", "query: "),
    ):
        sent = {**fields, "name": "next", name: value}
        answer = operator.send(path, sent)
        assert answer.status_code == 400
        page = ParsedPage(answer.text)
        assert word in page.text
        assert page.fields[name] == value
        assert page.fields["most_at_once"] == sent["most_at_once"]


@pytest.mark.clause("TC-PLAT-65")
def test_a_rental_is_asked_for_granted_and_its_withdrawal_shown(world: PageWorld) -> None:
    developer, owner = world.client("dev"), world.client("boxes")
    Renting(world.rollouts.parties).release(4)
    offer = f"/offers/{world.numbers['offer']}"
    assert f"{BOX}/4" in developer.look(offer).values("option", "value")
    fields = {"release": f"{BOX}/4", "from": "2027-01-15T09:00", "until": "2027-01-15T08:30"}
    assert "until_s: is not after" in refusal_of(developer, f"{offer}/rentals", fields, 400)
    fields["until"] = "2027-01-16T09:00"
    path = developer.send(f"{offer}/rentals", fields).headers["location"]
    assert f"Grant or refuse rental {path.rpartition('/')[2]}" in owner.look("/").text
    assert "2027-01-15T09:00:00Z" in owner.look(path).text
    assert owner.send(f"{path}/grant").headers["location"] == path
    command = "tinycontainerctl platform withdraw http://testserver box --key owner.pem"
    assert command in owner.look(path).text
    assert command not in developer.look(path).text
    assert "has no event refuse" in refusal_of(owner, f"{path}/refuse", {}, 409)
    asked = f"/rentals/{world.numbers['rental']}"
    assert developer.send(f"{asked}/take-back").status_code == 303
    assert "taken back" in owner.look(asked).text
    assert owner.send(f"{offer}/close").status_code == 303
    assert "closed" in developer.look(offer).text
    assert owner.send(f"{offer}/open").status_code == 303


@pytest.mark.clause("TC-PLAT-67")
def test_whoever_signs_sees_the_command_for_the_own_parts(world: PageWorld) -> None:
    path = f"/releases/{BOX}/2"
    command = "tinycontainerctl platform sign http://testserver box 2"
    for organisation, part in (("dev", "code"), ("data", "data"), ("boxes", "endpoint-1")):
        text = world.client(organisation).look(path).text
        assert text.count(command) == 1
        assert f"{command} {part} --key" in text
    assert command not in world.client("infra").look(path).text  # metadata wait for the others
    world.platform.add_person("dev", "vic", PersonRight.VIEWER)
    assert command not in PageClient(world.platform.log_in("vic")).look(path).text
    hostile = {"Host": "evil.example/$(reboot)"}
    assert "reboot" not in world.client("dev").client.get(path, headers=hostile).text


@pytest.mark.clause("TC-PLAT-65")
def test_a_device_shows_what_it_is_to_run_beside_what_it_runs(unchanged: PageWorld) -> None:
    owner = unchanged.client("boxes")
    text = owner.look(f"/devices/{DEVICES[0]}").text
    assert "box as it is to be is to run 1 runs 1 state RUNNING" in text
    assert f"{DEVICES[0]} at gateway north" in text
    text = owner.look(f"/devices/{DEVICES[2]}").text
    assert "is to run 1 runs none state ABSENT" in text
    assert "failed 1 token: why" in text
    found = owner.look("/devices?query=group=north").values("a", "href")
    assert f"/devices/{DEVICES[1]}" in found
    assert f"/devices/{DEVICES[2]}" not in found
    assert "query: " in owner.look("/devices?query=(", 400).text


def test_a_component_leads_to_the_devices_that_run_it(unchanged: PageWorld) -> None:
    owner = unchanged.client("boxes")
    links = owner.look("/components?name=tls").values("a", "href")
    assert f"/releases/{BOX}/1" in links
    assert f"/devices/{DEVICES[0]}" in links
    assert "No release" in owner.look("/components?name=tls&version=2").text


def test_lists_go_on_where_their_page_ends(world: PageWorld) -> None:
    profile = good(world.platform.client("boxes").get("/api/profiles"))["profiles"][0]["id"]
    for number in range(99):
        good(world.rollouts.devices.give_device(f"z-{number:02}", profile))
    owner = world.client("boxes")
    (further,) = (
        each
        for each in owner.look("/devices?query=name=z-*").values("a", "href")
        if "after" in each
    )
    assert "/devices/z-98" in owner.look(further).values("a", "href")
    newest = owner.look("/audit")
    assert "device added" in newest.text
    before = next(each for each in newest.values("a", "href") if "before" in each)
    assert "profile added" in newest.text + owner.look(before).text


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"csrf=x", "text/plain", 400),
        (b"csrf=x", "multipart/form-data; boundary=x", 400),
        (b"\xff", "application/x-www-form-urlencoded", 400),
        (b"a=%ff", "application/x-www-form-urlencoded", 400),
        (b"a=1&a=2", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=1"] * (MOST_FIELDS + 1)), "application/x-www-form-urlencoded", 400),
        (b"a=" + b"x" * (64 << 10), "application/x-www-form-urlencoded", 413),
    ],
)
@pytest.mark.clause("TC-PLAT-64")
def test_a_body_that_is_no_small_form_is_refused(
    unchanged: PageWorld, content: bytes, media_type: str, status: int
) -> None:
    path = f"/rollouts/{unchanged.numbers['halted']}/cancel"
    headers = {"Content-Type": media_type}
    answer = unchanged.client("infra").client.post(path, content=content, headers=headers)
    assert answer.status_code == status


def test_pages_are_not_described_and_the_api_answers_as_before(unchanged: PageWorld) -> None:
    paths = unchanged.platform.anonymous().get("/openapi.json").json()["paths"]
    assert all(each.startswith("/api/") or each in ("/health", "/metrics") for each in paths)
    answer = unchanged.platform.anonymous().get("/api/rollouts")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "form-action 'none'" in answer.headers["content-security-policy"]


def test_empty_pages_say_what_to_do(unchanged: PageWorld) -> None:
    stranger = unchanged.client("others")
    for path in ("/", "/releases", "/devices", "/rollouts", "/rentals", "/components"):
        page = stranger.look(path)
        assert any(each.get("class") == "empty" for _, each in page.elements), path
        assert [tag for tag, _ in page.elements].count("h1") == 1
