"""People, passwords, tokens and keys on pages: secrets are shown once, and only to who asked."""

import re
from typing import Final

import httpx
import pytest
from support.four_parties import good
from support.house_pages import known_key, new_key, new_name, somebody
from support.platform_pages import PageClient, PageWorld, ParsedPage
from support.platforms import PASSWORD
from support.worlds import KEYS

from tinycontainer.network.platform.actor import PersonRight
from tinycontainer_tokens import Role
from tinycontainer_tokens.key_files import to_pem

PASSWORD_SHOWN: Final = re.compile(r"[A-Za-z0-9_-]{20}")
TOKEN_SHOWN: Final = re.compile(r"tcp_[A-Za-z0-9_-]{43}")
NEW: Final = "another horse battery"


def secret_of(answer: httpx.Response) -> str:
    """What a page shows once: the answer to the form itself, which no cache keeps."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "location" not in answer.headers
    page = ParsedPage(answer.text)
    assert "It is shown this once" in page.text
    found = re.search(r'id="secret">([^<]+)<', answer.text)
    assert found is not None
    return found[1]


def refusal_of(answer: httpx.Response, status: int) -> str:
    """Why a form was refused, in one line."""
    assert answer.status_code == status, answer.text
    found = re.search(r'role="alert">([^<]+)<', answer.text)
    assert found is not None
    return found[1]


@pytest.mark.clause("TC-PLAT-84")
def test_an_admin_adds_somebody_whose_password_is_shown_once(world: PageWorld) -> None:
    admin, name = world.client("boxes"), new_name(world)
    answer = admin.send("/organisation/people", {"person": name, "right": "member"})
    password = secret_of(answer)
    assert PASSWORD_SHOWN.fullmatch(password)
    assert f"/organisation/people/{name}" in admin.look("/organisation").values("a", "href")
    me = world.platform.log_in(name, password).get("/api/me").json()
    assert (me["name"], me["right"], me["organisation"]) == (name, "member", "boxes")
    again = admin.send("/organisation/people", {"person": name, "right": "member"})
    assert "is taken" in refusal_of(again, 409)
    assert ParsedPage(again.text).fields["person"] == name


@pytest.mark.clause("TC-PLAT-84")
def test_no_secret_is_found_anywhere_afterwards(world: PageWorld) -> None:
    admin, name = world.client("boxes"), somebody(world)
    secrets = [
        secret_of(
            admin.send("/organisation/people", {"person": new_name(world), "right": "viewer"})
        ),
        secret_of(admin.send(f"/organisation/people/{name}/password")),
        secret_of(admin.send("/account/tokens", {"name": "x", "scope-read": "on", "days": "1"})),
    ]
    looked = (*world.paths(), f"/organisation/people/{name}", "/audit?person=boxes-admin")
    texts = [admin.client.get(path).text for path in looked]
    assert not any(secret in text for secret in secrets for text in texts)


@pytest.mark.clause("TC-PLAT-84")
def test_a_reset_password_ends_sessions_and_the_old_one(world: PageWorld) -> None:
    admin, name = world.client("boxes"), somebody(world)
    session = world.platform.log_in(name)
    password = secret_of(admin.send(f"/organisation/people/{name}/password"))
    assert session.get("/api/me").status_code == 401
    assert world.nobody().log_in(name, PASSWORD).status_code == 401
    assert world.nobody().log_in(name, password).status_code == 303


@pytest.mark.clause("TC-PLAT-84")
def test_an_admin_changes_a_right_disables_and_enables(world: PageWorld) -> None:
    admin, name = world.client("boxes"), somebody(world)
    place = f"/organisation/people/{name}"
    assert admin.send(f"{place}/right", {"right": "viewer"}).headers["location"] == place
    assert "viewer of boxes" in admin.look(place).text
    assert admin.send(f"{place}/disable").headers["location"] == place
    assert world.nobody().log_in(name).status_code == 401
    assert "Enabled, this one can log in again" in admin.look(place).text
    assert admin.send(f"{place}/enable").headers["location"] == place
    assert world.nobody().log_in(name).status_code == 303


def test_the_last_admin_stays_one(world: PageWorld) -> None:
    admin, place = world.client("boxes"), "/organisation/people/boxes-admin"
    for form in (f"{place}/right", f"{place}/disable"):
        assert "make somebody else admin first" in refusal_of(
            admin.send(form, {"right": "viewer"}), 409
        )
    assert "current_password" in refusal_of(admin.send(f"{place}/password"), 403)
    assert "/account" in admin.look(place).values("a", "href")


@pytest.mark.clause("TC-PLAT-84")
def test_everybody_changes_the_own_password_by_knowing_it(world: PageWorld) -> None:
    name = new_name(world)
    page = PageClient(world.platform.add_person("boxes", name, PersonRight.VIEWER))
    other = world.platform.log_in(name)
    fields = {"current": "wrong password", "password": NEW, "again": NEW}
    assert "current_password: is wrong" in refusal_of(page.send("/account/password", fields), 403)
    fields["current"] = PASSWORD
    differs = {**fields, "again": "something else"}
    assert "not the same" in refusal_of(page.send("/account/password", differs), 400)
    short = {**fields, "password": "short", "again": "short"}
    assert "password" in refusal_of(page.send("/account/password", short), 400)
    answer = page.send("/account/password", fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert other.get("/api/me").status_code == 401
    assert page.client.get("/api/me").status_code == 200
    assert world.nobody().log_in(name, NEW).status_code == 303


@pytest.mark.clause("TC-PLAT-84")
def test_a_token_is_shown_once_allows_what_was_ticked_and_is_deleted(world: PageWorld) -> None:
    name = new_name(world)
    page = PageClient(world.platform.add_person("boxes", name, PersonRight.MEMBER))
    fields = {"name": "ci", "scope-read": "on", "scope-sign": "on", "days": "7"}
    token = secret_of(page.send("/account/tokens", fields))
    assert TOKEN_SHOWN.fullmatch(token)
    headers = {"Authorization": f"Bearer {token}"}
    program = world.platform.anonymous()
    assert program.get("/api/me", headers=headers).json()["scopes"] == ["read", "sign"]
    assert "ci read, sign" in page.look("/account").text
    (form,) = (each for each in page.look("/account").values("form", "action") if "delete" in each)
    stranger = world.client("infra")
    assert stranger.send(form).status_code == 404
    assert program.get("/api/me", headers=headers).status_code == 200
    assert page.send(form).headers["location"] == "/account"
    assert program.get("/api/me", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("fields", "status", "word"),
    [
        ({"name": "x", "days": "1"}, 400, "scopes"),
        ({"name": "x", "days": "0", "scope-read": "on"}, 400, "days"),
        ({"name": "x", "days": "many", "scope-read": "on"}, 400, "days"),
        ({"name": "x", "days": "9999", "scope-read": "on"}, 400, "days"),
        ({"name": "", "days": "1", "scope-read": "on"}, 400, "name"),
        ({"name": "x", "days": "1", "scope-administer": "on"}, 403, "administer"),
    ],
)
def test_a_token_that_cannot_be_is_refused_and_the_form_stays(
    world: PageWorld, fields: dict[str, str], status: int, word: str
) -> None:
    page = PageClient(world.platform.add_person("boxes", new_name(world), PersonRight.VIEWER))
    answer = page.send("/account/tokens", fields)
    assert word in refusal_of(answer, status)
    found = ParsedPage(answer.text).fields
    assert (found["name"], found["days"]) == (fields["name"], fields["days"])


@pytest.mark.clause("TC-PLAT-84")
def test_an_admin_registers_a_key_and_withdraws_it(world: PageWorld) -> None:
    admin, (pem, fingerprint) = world.client("boxes"), new_key()
    fields = {"key_name": "safe", "role": "owner", "public": pem.replace("\n", "\r\n")}
    assert admin.send("/organisation/keys", fields).headers["location"] == "/organisation"
    assert fingerprint in admin.look("/organisation").text
    assert "known already" in refusal_of(admin.send("/organisation/keys", fields), 409)
    withdraw = f"/organisation/keys/{fingerprint}/withdraw"
    assert withdraw in admin.look("/organisation").values("form", "action")
    assert admin.send(withdraw).headers["location"] == "/organisation"
    assert withdraw not in admin.look("/organisation").values("form", "action")
    keys = good(admin.client.get("/api/keys"))["keys"]
    assert next(each for each in keys if each["fingerprint"] == fingerprint)["withdrawn_s"]


@pytest.mark.clause("TC-PLAT-84")
def test_a_private_key_is_refused_and_does_not_come_back(world: PageWorld) -> None:
    secret = to_pem(KEYS[Role.OWNER]).decode()
    fields = {"key_name": "oops", "role": "owner", "public": secret}
    answer = world.client("boxes").send("/organisation/keys", fields)
    assert "private" in refusal_of(answer, 400)
    assert secret.splitlines()[1] not in answer.text
    assert ParsedPage(answer.text).fields["key_name"] == "oops"


def test_whoever_may_not_change_anything_sees_no_form_for_it(world: PageWorld) -> None:
    known_key(world)
    page = PageClient(world.platform.add_person("boxes", new_name(world), PersonRight.MEMBER))
    assert page.look("/organisation").values("form", "action") == ["/log-out"]
    assert page.look("/organisation/people/boxes-admin").values("form", "action") == ["/log-out"]


def test_infrastructure_sees_its_gateways(unchanged: PageWorld) -> None:
    assert "Gateways north" in unchanged.client("infra").look("/organisation").text
    assert "Gateways" not in unchanged.client("boxes").look("/organisation").text
