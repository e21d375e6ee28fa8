"""Logging in and out: who gets a session, what it is good for, and when it ends."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select
from support.platforms import PASSWORD, Platform, made_platform, problem_of

from tinycontainer.network.platform.actor import PersonRight
from tinycontainer.network.platform.people.log_ins import LogInLimiter
from tinycontainer.network.platform.people.passwords import PasswordCost, Passwords
from tinycontainer.network.platform.platform_file import WebTable
from tinycontainer.network.platform.refusing import PlatformRefused
from tinycontainer.network.platform.tables.people import Person, WebSession

COOKIE = "tinycontainer_session"
NAME = "dev-admin"


def attempt(platform: Platform, name: str, password: str, address: str = "192.0.2.1") -> int:
    body = {"name": name, "password": password}
    return int(platform.anonymous(address).post("/api/session", json=body).status_code)


def test_whoever_logs_in_is_known_from_then_on(platform: Platform) -> None:
    found = platform.client("dev").get("/api/me").json()
    assert (found["name"], found["organisation"]) == (NAME, "dev")
    assert found["roles"] == ["developer"]
    assert found["scopes"] == ["administer", "deploy", "publish", "read", "sign"]


def test_nobody_is_known_without_a_session(platform: Platform) -> None:
    for path in ("/api/me", "/api/people", "/api/organisation", "/api/audit", "/api/tokens"):
        answer = platform.anonymous().get(path)
        problem_of(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.clause("TC-PLAT-03")
def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(platform: Platform) -> None:
    body = {"name": NAME, "password": PASSWORD}
    cookie = platform.anonymous().post("/api/session", json=body).headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie


@pytest.mark.clause("TC-PLAT-03")
def test_over_tls_the_cookie_never_crosses_the_network_in_clear(tmp_path: Path) -> None:
    with made_platform(tmp_path, http=WebTable(behind_proxy=True)) as platform:
        body = {"name": NAME, "password": PASSWORD}
        answer = platform.anonymous().post("/api/session", json=body)
        assert "Secure" in answer.headers["set-cookie"]
        assert "strict-transport-security" in answer.headers


@pytest.mark.clause("TC-PLAT-02", "TC-PLAT-06")
def test_the_database_holds_neither_the_password_nor_the_token(tmp_path: Path) -> None:
    with made_platform(tmp_path) as platform:
        client = platform.client("dev")
        header = platform.token(client, "read")["Authorization"].removeprefix("Bearer ")
        secrets = (PASSWORD, client.cookies[COOKIE], client.headers["X-CSRF-Token"], header)
        content = b"".join(each.read_bytes() for each in tmp_path.glob("platform.db*"))
    for secret in secrets:
        assert secret.encode() not in content
    assert b"$argon2id$" in content


@pytest.mark.clause("TC-PLAT-02")
def test_every_refused_log_in_gets_the_same_answer(platform: Platform) -> None:
    platform.add_person("dev", "gone", PersonRight.MEMBER)
    platform.client("dev").patch("/api/people/gone", json={"is_disabled": True})
    answers = set()
    for name, password in (
        (NAME, "wrong password"),
        ("nobody", "wrong password"),
        ("gone", PASSWORD),
        *[("nobody-else", "wrong password")] * 8,
    ):
        body = {"name": name, "password": password}
        answer = platform.anonymous("192.0.2.77").post("/api/session", json=body)
        answers.add((answer.status_code, answer.content, answer.headers.get("set-cookie")))
    assert len(answers) == 1
    assert answers.pop()[0] == 401


@pytest.mark.clause("TC-PLAT-03")
def test_a_session_that_somebody_else_has_set_is_not_taken_over(platform: Platform) -> None:
    client = platform.anonymous()
    planted = "A" * 43
    client.cookies.set(COOKIE, planted, domain="testserver.local")
    answer = client.post("/api/session", json={"name": NAME, "password": PASSWORD})
    assert answer.cookies[COOKIE] != planted
    other = platform.anonymous()
    other.headers["Cookie"] = f"{COOKIE}={planted}"
    problem_of(other.get("/api/me"), 401)


@pytest.mark.clause("TC-PLAT-03")
def test_a_new_log_in_ends_the_session_of_its_cookie(platform: Platform) -> None:
    client = platform.log_in(NAME)
    before = client.cookies[COOKIE]
    client.post("/api/session", json={"name": NAME, "password": PASSWORD})
    other = platform.anonymous()
    other.headers["Cookie"] = f"{COOKIE}={before}"
    problem_of(other.get("/api/me"), 401)


@pytest.mark.clause("TC-PLAT-07")
def test_two_cookies_are_none(platform: Platform) -> None:
    token = platform.log_in(NAME).cookies[COOKIE]
    client = platform.anonymous()
    client.headers["Cookie"] = f"{COOKIE}={'A' * 43}; {COOKIE}={token}"
    problem_of(client.get("/api/me"), 401)


@pytest.mark.clause("TC-PLAT-04")
@pytest.mark.parametrize("csrf", [None, "", "0" * 64, "wrong"])
def test_a_change_by_cookie_needs_the_csrf_of_its_session(
    platform: Platform, csrf: str | None
) -> None:
    client = platform.log_in(NAME)
    del client.headers["X-CSRF-Token"]
    headers = {} if csrf is None else {"X-CSRF-Token": csrf}
    for method, path, body in (
        ("POST", "/api/people", {"name": "x", "password": PASSWORD, "right": "viewer"}),
        ("PATCH", f"/api/people/{NAME}", {"right": "admin"}),
        ("POST", "/api/tokens", {"name": "x", "scopes": ["read"]}),
        ("DELETE", "/api/session", None),
    ):
        answer = client.request(method, path, json=body, headers=headers)
        assert "X-CSRF-Token" in problem_of(answer, 403)
    assert len(client.get("/api/people").json()["people"]) == 1


@pytest.mark.clause("TC-PLAT-04")
def test_the_csrf_of_another_session_is_wrong(platform: Platform) -> None:
    one, two = platform.log_in(NAME), platform.log_in(NAME)
    one.headers["X-CSRF-Token"] = two.headers["X-CSRF-Token"]
    problem_of(one.delete("/api/session"), 403)


def test_a_page_that_is_loaded_anew_gets_its_csrf_again(platform: Platform) -> None:
    client = platform.log_in(NAME)
    assert client.get("/api/me").json()["csrf"] == client.headers["X-CSRF-Token"]


@pytest.mark.clause("TC-PLAT-04")
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_page_of_another_site_logs_nobody_in(platform: Platform, headers: dict[str, str]) -> None:
    body = {"name": NAME, "password": PASSWORD}
    answer = platform.anonymous().post("/api/session", json=body, headers=headers)
    assert "another site" in problem_of(answer, 403)


@pytest.mark.clause("TC-PLAT-04")
def test_a_form_logs_nobody_in(platform: Platform) -> None:
    content = f'{{"name": "{NAME}", "password": "{PASSWORD}"}}'
    headers = {"Content-Type": "text/plain"}
    answer = platform.anonymous().post("/api/session", content=content, headers=headers)
    problem_of(answer, 400)


@pytest.mark.clause("TC-PLAT-03")
def test_whoever_logs_out_is_not_known_any_more(platform: Platform) -> None:
    client = platform.log_in(NAME)
    token = client.cookies[COOKIE]
    assert client.delete("/api/session").status_code == 204
    client.headers["Cookie"] = f"{COOKIE}={token}"
    problem_of(client.get("/api/me"), 401)


@pytest.mark.clause("TC-PLAT-03")
def test_a_session_ends_when_its_time_is_over(platform: Platform) -> None:
    client = platform.log_in(NAME)
    platform.clock.at_s += 12 * 3600 - 1
    assert client.get("/api/me").status_code == 200
    platform.clock.at_s += 1
    client.headers["Cookie"] = f"{COOKIE}={client.cookies.get(COOKIE, '')}"
    problem_of(client.get("/api/me"), 401)


def test_the_oldest_session_makes_room_for_a_new_one(tmp_path: Path) -> None:
    with made_platform(tmp_path, sessions=2) as platform:
        first = platform.log_in(NAME)
        for _ in range(2):
            platform.clock.at_s += 1
            platform.log_in(NAME)
        problem_of(first.get("/api/me"), 401)
        with platform.database.reading() as session:
            assert len(session.scalars(select(WebSession)).all()) == 2


@pytest.mark.clause("TC-PLAT-02")
def test_after_five_failures_one_waits_and_the_wait_doubles(platform: Platform) -> None:
    for number in range(5):
        assert attempt(platform, NAME, "wrong password", f"198.51.100.{number}") == 401
    for wait_s in (1, 2, 4, 8):
        assert attempt(platform, NAME, PASSWORD, "203.0.113.1") == 401  # right, and too early
        platform.clock.at_s += wait_s
        assert attempt(platform, NAME, "wrong password", "203.0.113.1") == 401
    platform.clock.at_s += 16
    assert attempt(platform, NAME, PASSWORD, "203.0.113.2") == 201


@pytest.mark.clause("TC-PLAT-02")
def test_a_stranger_keeps_nobody_out_for_long() -> None:
    now_s = [0.0]
    limiter = LogInLimiter(lambda: now_s[0])
    for number in range(1_000):
        limiter.begin("ada", f"198.51.{number // 256}.{number % 256}")
        now_s[0] += 1
    now_s[0] += 10
    assert limiter.begin("ada", "203.0.113.1")


@pytest.mark.clause("TC-PLAT-02")
def test_many_names_from_one_address_are_counted_together(platform: Platform) -> None:
    for number in range(5):
        assert attempt(platform, f"nobody-{number}", "wrong password", "198.51.100.9") == 401
    assert attempt(platform, NAME, PASSWORD, "198.51.100.9") == 401
    assert attempt(platform, NAME, PASSWORD, "198.51.100.10") == 201


@pytest.mark.clause("TC-PLAT-02")
def test_all_addresses_of_a_network_of_ipv6_are_one() -> None:
    limiter = LogInLimiter(lambda: 0.0)
    tried = [limiter.begin(f"name-{each}", f"2001:db8::{each}") for each in range(6)]
    assert tried == [True] * 5 + [False]
    assert limiter.begin("other", "2001:db8:1::1")


def test_an_own_account_does_not_reset_what_an_address_has_failed() -> None:
    limiter = LogInLimiter(lambda: 0.0)
    begun = 0
    for number in range(100):
        if limiter.begin(f"victim-{number}", "192.0.2.9"):
            begun += 1
        if limiter.begin("own", "192.0.2.9"):
            limiter.succeed("own", "192.0.2.9")
    assert begun == 5


@pytest.mark.clause("TC-PLAT-02")
def test_many_tries_at_once_are_no_more_than_one_after_the_other(platform: Platform) -> None:
    clients = [platform.anonymous("198.51.100.3") for _ in range(16)]
    body = {"name": NAME, "password": "wrong password"}
    with ThreadPoolExecutor(16) as pool:
        answers = [*pool.map(lambda client: client.post("/api/session", json=body), clients)]
    assert {each.status_code for each in answers} == {401}
    numbers = platform.parts.metrics.write().decode()
    assert 'platform_log_ins_total{result="refused"} 5.0' in numbers
    assert 'platform_log_ins_total{result="too-often"} 11.0' in numbers


def test_passwords_that_wait_keep_few_threads() -> None:
    passwords = Passwords(PasswordCost(passes=50, memory_kib=4096, lanes=1), 1, b"nobody")

    def outcome(_number: int) -> int:
        try:
            passwords.hash(PASSWORD)
        except PlatformRefused as refusal:
            return refusal.status
        return 200

    with ThreadPoolExecutor(12) as pool:
        outcomes = [*pool.map(outcome, range(12))]
    assert outcomes.count(200) >= 4
    assert outcomes.count(503) == 12 - outcomes.count(200)
    assert 503 in outcomes


def test_many_people_log_in_at_once(platform: Platform) -> None:
    names = [f"{each}-admin" for each in ("dev", "data", "infra", "boxes")]
    with ThreadPoolExecutor(4) as pool:
        clients = [*pool.map(lambda name: platform.log_in(name, address=name), names * 3)]
    assert [each.get("/api/me").json()["name"] for each in clients] == names * 3


@pytest.mark.parametrize(
    "name",
    ["' OR 1=1 --", 'dev-admin"; DROP TABLE person; --', "dev-admin\0", "DEV-ADMIN", "", "a" * 64,
     "dev-admin\n", "\ud800", 7, None, ["dev-admin"], {"$ne": ""}],
)  # fmt: skip
def test_a_name_that_nobody_can_have_is_no_name(unchanged_platform: Platform, name: object) -> None:
    body = '{"name": ' + json.dumps(name) + f', "password": "{PASSWORD}"}}'
    headers = {"Content-Type": "application/json"}
    answer = unchanged_platform.anonymous().post("/api/session", content=body, headers=headers)
    assert PASSWORD not in answer.text
    assert "name" in problem_of(answer, 400)


def test_a_hash_of_a_lower_cost_is_made_anew_at_the_next_log_in(platform: Platform) -> None:
    from argon2 import PasswordHasher  # noqa: PLC0415

    old = PasswordHasher(2, 16, 1).hash(PASSWORD)
    query = select(Person).where(Person.name == NAME)
    with platform.database.transaction() as session:
        session.scalars(query).one().password_hash = old
    platform.log_in(NAME)
    with platform.database.reading() as session:
        assert session.scalars(query).one().password_hash.startswith("$argon2id$v=19$m=8,t=1,p=1$")
