"""The people of an organisation, and their tokens: who may change what."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.platforms import PASSWORD, Platform, made_platform, problem_of

from tinycontainer.network.platform.actor import PersonRight

NEW = "another long password"
ADA = {"name": "ada", "password": PASSWORD, "right": "member"}


def names(answer: Any) -> list[str]:
    return [each["name"] for each in answer.json()["people"]]


def test_an_admin_adds_somebody_who_can_log_in(platform: Platform) -> None:
    answer = platform.client("dev").post("/api/people", json=ADA)
    assert answer.status_code == 201
    assert answer.json()["right"] == "member"
    assert PASSWORD not in answer.text
    assert platform.log_in("ada").get("/api/me").json()["organisation"] == "dev"
    assert platform.client("dev").get("/api/organisation").json()["people"] == 2


@pytest.mark.clause("TC-PLAT-08")
@pytest.mark.parametrize("right", [PersonRight.MEMBER, PersonRight.VIEWER])
def test_who_is_no_admin_changes_nobody(platform: Platform, right: PersonRight) -> None:
    client = platform.add_person("dev", "eve", right)
    problem_of(client.post("/api/people", json=ADA), 403)
    problem_of(client.patch("/api/people/dev-admin", json={"is_disabled": True}), 403)
    problem_of(client.patch("/api/people/eve", json={"right": "admin"}), 403)
    both = {"right": "admin", "password": NEW, "current_password": PASSWORD}
    problem_of(client.patch("/api/people/eve", json=both), 403)
    assert client.get("/api/me").json()["right"] == right


@pytest.mark.clause("TC-PLAT-09")
def test_the_people_of_another_organisation_do_not_exist(platform: Platform) -> None:
    platform.add_person("data", "bob", PersonRight.MEMBER)
    client = platform.client("dev")
    assert names(client.get("/api/people")) == ["dev-admin"]
    foreign = client.patch("/api/people/bob", json={"is_disabled": True})
    missing = client.patch("/api/people/nobody", json={"is_disabled": True})
    assert problem_of(foreign, 404) == problem_of(missing, 404)
    assert foreign.content == missing.content
    assert platform.log_in("bob").get("/api/me").status_code == 200


@pytest.mark.clause("TC-PLAT-01")
def test_a_name_is_given_once_on_the_whole_platform(platform: Platform) -> None:
    assert platform.client("dev").post("/api/people", json=ADA).status_code == 201
    for organisation in ("dev", "data"):
        answer = platform.client(organisation).post("/api/people", json=ADA)
        assert "taken" in problem_of(answer, 409)


def test_of_many_who_add_one_name_at_once_one_does(platform: Platform) -> None:
    clients = [platform.client(each) for each in ("dev", "data", "infra", "boxes")]
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda each: each.post("/api/people", json=ADA).status_code, clients)]
    assert sorted(found) == [201, 409, 409, 409]


def test_people_are_listed_page_by_page(platform: Platform) -> None:
    for number in range(4):
        body = {**ADA, "name": f"p{number}"}
        assert platform.client("dev").post("/api/people", json=body).status_code == 201
    found, after = [], ""
    for _ in range(3):
        page = platform.client("dev").get("/api/people", params={"after": after, "limit": 2})
        found += names(page)
        after = page.json()["next"]
    assert found == ["dev-admin", "p0", "p1", "p2", "p3"]
    assert after == ""


def test_an_organisation_has_no_more_people_than_its_limit(tmp_path: Path) -> None:
    with made_platform(tmp_path, people=2) as platform:
        assert platform.client("dev").post("/api/people", json=ADA).status_code == 201
        answer = platform.client("dev").post("/api/people", json={**ADA, "name": "bob"})
        assert "limit" in problem_of(answer, 409)


@pytest.mark.clause("TC-PLAT-05")
def test_who_is_disabled_is_out_at_once_and_for_good(platform: Platform) -> None:
    client = platform.add_person("dev", "ada", PersonRight.MEMBER)
    header = platform.token(client, "read")
    admin = platform.client("dev")
    assert admin.patch("/api/people/ada", json={"is_disabled": True}).json()["is_disabled"]
    problem_of(client.get("/api/me"), 401)
    problem_of(platform.anonymous().get("/api/me", headers=header), 401)
    admin.patch("/api/people/ada", json={"is_disabled": False})
    problem_of(client.get("/api/me"), 401)
    problem_of(platform.anonymous().get("/api/me", headers=header), 401)
    assert platform.log_in("ada").get("/api/me").status_code == 200


@pytest.mark.clause("TC-PLAT-01")
def test_an_organisation_keeps_an_admin(platform: Platform) -> None:
    client = platform.client("dev")
    for body in ({"right": "member"}, {"is_disabled": True}):
        assert "admin" in problem_of(client.patch("/api/people/dev-admin", json=body), 409)
    platform.add_person("dev", "ada", PersonRight.ADMIN)
    assert client.patch("/api/people/dev-admin", json={"right": "viewer"}).status_code == 200
    problem_of(client.post("/api/people", json=ADA), 403)


@pytest.mark.clause("TC-PLAT-01")
def test_two_admins_cannot_remove_each_other_at_once(platform: Platform) -> None:
    ada = platform.add_person("dev", "ada", PersonRight.ADMIN)
    changes = [(platform.client("dev"), "ada"), (ada, "dev-admin")]
    with ThreadPoolExecutor(2) as pool:
        found = [
            *pool.map(
                lambda each: each[0].patch(f"/api/people/{each[1]}", json={"right": "member"}),
                changes,
            )
        ]
    assert 200 in {each.status_code for each in found}
    rights = [each["right"] for each in ada.get("/api/people").json()["people"]]
    assert "admin" in rights


@pytest.mark.clause("TC-PLAT-05")
def test_a_person_changes_the_own_password_who_knows_it(platform: Platform) -> None:
    client = platform.add_person("dev", "ada", PersonRight.VIEWER)
    other = platform.log_in("ada")
    for body in ({"password": NEW}, {"password": NEW, "current_password": "wrong password"}):
        assert "current_password" in problem_of(client.patch("/api/people/ada", json=body), 403)
    body = {"password": NEW, "current_password": PASSWORD}
    assert client.patch("/api/people/ada", json=body).status_code == 200
    assert client.get("/api/me").status_code == 200
    problem_of(other.get("/api/me"), 401)
    assert platform.log_in("ada", NEW).get("/api/me").status_code == 200


@pytest.mark.clause("TC-PLAT-05")
def test_a_stolen_session_cannot_guess_the_password(platform: Platform) -> None:
    client = platform.add_person("dev", "ada", PersonRight.VIEWER)
    for _ in range(5):
        body = {"password": NEW, "current_password": "wrong password"}
        problem_of(client.patch("/api/people/ada", json=body), 403)
    right = {"password": NEW, "current_password": PASSWORD}
    problem_of(client.patch("/api/people/ada", json=right), 403)


@pytest.mark.clause("TC-PLAT-03")
def test_an_admin_gives_a_new_password_and_ends_all_sessions_and_tokens(
    platform: Platform,
) -> None:
    client = platform.add_person("dev", "ada", PersonRight.MEMBER)
    header = platform.token(client, "read")
    answer = platform.client("dev").patch("/api/people/ada", json={"password": NEW})
    assert answer.status_code == 200
    problem_of(client.get("/api/me"), 401)
    problem_of(platform.anonymous().get("/api/me", headers=header), 401)
    assert platform.log_in("ada", NEW).get("/api/me").status_code == 200


@pytest.mark.clause("TC-PLAT-02")
@pytest.mark.parametrize(
    "body",
    [
        {"password": "short", "right": "viewer"},
        {"password": "e" * 129, "right": "viewer"},
        {"password": "é" * 65, "right": "viewer"},
        {"password": PASSWORD},
        {"password": PASSWORD, "right": "owner"},
        {"password": PASSWORD, "right": "viewer", "organisation": "data"},
        {"password": PASSWORD, "right": "viewer", "is_disabled": False},
        {"password": PASSWORD, "right": ["viewer"]},
    ],
)
def test_somebody_who_cannot_be_is_not_added(
    unchanged_platform: Platform, body: dict[str, Any]
) -> None:
    answer = unchanged_platform.client("dev").post("/api/people", json={"name": "ada", **body})
    problem_of(answer, 400)
    assert body["password"] not in answer.text


@pytest.mark.parametrize("body", [{}, {"right": None}, {"current_password": PASSWORD}])
def test_a_change_of_nothing_is_refused(unchanged_platform: Platform, body: dict[str, Any]) -> None:
    answer = unchanged_platform.client("dev").patch("/api/people/dev-admin", json=body)
    assert "nothing" in problem_of(answer, 400)


@pytest.mark.clause("TC-PLAT-06")
def test_a_token_is_shown_once_and_then_asks(platform: Platform) -> None:
    client = platform.client("dev")
    header = platform.token(client, "read", "publish")
    secret = header["Authorization"].removeprefix("Bearer ")
    assert secret.startswith("tcp_")
    listed = client.get("/api/tokens")
    assert secret not in listed.text
    assert listed.json()["tokens"][0]["scopes"] == ["publish", "read"]
    found = platform.anonymous().get("/api/me", headers=header).json()
    assert found["scopes"] == ["publish", "read"]
    assert found["csrf"] == ""


@pytest.mark.clause("TC-PLAT-08")
def test_a_token_allows_no_more_than_its_scopes(platform: Platform) -> None:
    header = platform.token(platform.client("dev"), "read")
    key = {"role": "developer", "name": "x", "public": "x"}
    answer = platform.anonymous().post("/api/keys", json=key, headers=header)
    assert "administer" in problem_of(answer, 403)
    publisher = platform.token(platform.client("dev"), "publish")
    problem_of(platform.anonymous().get("/api/people", headers=publisher), 403)


@pytest.mark.clause("TC-PLAT-08")
def test_a_token_cannot_have_what_its_person_may_not_do(platform: Platform) -> None:
    client = platform.add_person("dev", "eve", PersonRight.VIEWER)
    answer = client.post("/api/tokens", json={"name": "x", "scopes": ["read", "deploy"]})
    assert "deploy" in problem_of(answer, 403)


@pytest.mark.clause("TC-PLAT-08")
def test_a_token_loses_what_its_person_loses(platform: Platform) -> None:
    client = platform.add_person("dev", "ada", PersonRight.MEMBER)
    header = platform.token(client, "read", "publish")
    platform.client("dev").patch("/api/people/ada", json={"right": "viewer"})
    assert platform.anonymous().get("/api/me", headers=header).json()["scopes"] == ["read"]


@pytest.mark.clause("TC-PLAT-06")
def test_a_token_needs_no_csrf_and_makes_nobody_who_may_more(platform: Platform) -> None:
    header = platform.token(platform.client("dev"), "administer", "publish")
    client = platform.anonymous()
    application = {"uid": "aa", "name": "x"}
    assert client.post("/api/applications", json=application, headers=header).status_code == 201
    problem_of(client.post("/api/people", json=ADA, headers=header), 403)
    body = {"name": "x", "scopes": ["administer"]}
    problem_of(client.post("/api/tokens", json=body, headers=header), 403)
    problem_of(client.get("/api/tokens", headers=header), 403)
    own = {"password": NEW, "current_password": PASSWORD}
    problem_of(client.patch("/api/people/dev-admin", json=own, headers=header), 403)


@pytest.mark.clause("TC-PLAT-06")
def test_a_token_ends_when_its_time_is_over(platform: Platform) -> None:
    header = platform.token(platform.client("dev"), "read", days=1.0)
    platform.clock.at_s += 86_399
    assert platform.anonymous().get("/api/me", headers=header).status_code == 200
    platform.clock.at_s += 1
    problem_of(platform.anonymous().get("/api/me", headers=header), 401)


@pytest.mark.clause("TC-PLAT-06")
def test_a_token_of_another_person_is_not_there(platform: Platform) -> None:
    header = platform.token(platform.client("dev"), "read")
    [token] = platform.client("dev").get("/api/tokens").json()["tokens"]
    for other in (platform.client("data"), platform.add_person("dev", "ada", PersonRight.ADMIN)):
        assert other.get("/api/tokens").json()["tokens"] == []
        problem_of(other.delete(f"/api/tokens/{token['id']}"), 404)
    assert platform.anonymous().get("/api/me", headers=header).status_code == 200
    assert platform.client("dev").delete(f"/api/tokens/{token['id']}").status_code == 204
    problem_of(platform.anonymous().get("/api/me", headers=header), 401)


@pytest.mark.clause("TC-PLAT-07")
@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer x", "Basic ZGV2OmRldg==", f"Bearer tcp_{'A' * 43}",
     f"Bearer {'A' * 600}", "Bearer tcp_" + "A" * 42 + "'"],
)  # fmt: skip
def test_a_token_that_nobody_has_is_refused_even_beside_a_cookie(
    unchanged_platform: Platform, header: str
) -> None:
    client = unchanged_platform.log_in("dev-admin")
    problem_of(client.get("/api/me", headers={"Authorization": header}), 401)


@pytest.mark.clause("TC-PLAT-07")
def test_two_tokens_in_one_request_are_none(platform: Platform) -> None:
    header = platform.token(platform.client("dev"), "read")["Authorization"]
    twice = [("Authorization", header), ("Authorization", header)]
    problem_of(platform.anonymous().get("/api/me", headers=twice), 401)


@pytest.mark.clause("TC-PLAT-06")
def test_a_token_lasts_no_longer_and_there_are_no_more_than_the_limits_say(tmp_path: Path) -> None:
    with made_platform(tmp_path, tokens=1, token_days=10) as platform:
        client = platform.client("dev")
        long = client.post("/api/tokens", json={"name": "x", "scopes": ["read"], "days": 11})
        assert "days" in problem_of(long, 400)
        platform.token(client, "read")
        assert client.get("/api/tokens").json()["tokens"][0]["expires_s"] is not None
        second = client.post("/api/tokens", json={"name": "x", "scopes": ["read"]})
        assert "delete one" in problem_of(second, 409)


@pytest.mark.clause("TC-PLAT-12")
def test_who_asks_too_often_waits(tmp_path: Path) -> None:
    with made_platform(tmp_path, requests_per_s=1) as platform:
        client, other = platform.client("dev"), platform.client("data")
        found = [client.get("/api/me") for _ in range(5)]
        assert [each.status_code for each in found] == [200] * 4 + [429]
        assert found[-1].headers["retry-after"] == "2"
        assert other.get("/api/me").status_code == 200
