"""The platform over HTTP as a whole: refusals, bounds, headers, its description, its numbers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends
from sqlalchemy import text
from support.platforms import PASSWORD, Platform, made_platform, problem_of

from tinycontainer.network.platform.actor import Actor, PersonRight, PlatformScope
from tinycontainer.network.platform.platform_file import WebTable
from tinycontainer.network.platform.refusing import bad_request, failed, not_found
from tinycontainer.network.platform.web.callers import caller
from tinycontainer.network.platform.web.middleware import ANONYMOUS_BYTES

JSON = {"Content-Type": "application/json"}


@pytest.mark.clause("TC-PLAT-11")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/docs", 404),
        ("GET", "/redoc", 404),
        ("GET", "/api", 404),
        ("GET", "/api/me/", 404),
        ("GET", "/api/../health/x", 404),
        ("DELETE", "/api/me", 405),
        ("TRACE", "/health", 405),
        ("OPTIONS", "/api/session", 405),
    ],
)
def test_what_is_not_there_is_a_problem(
    unchanged_platform: Platform, method: str, path: str, status: int
) -> None:
    problem_of(unchanged_platform.anonymous().request(method, path), status)


@pytest.mark.clause("TC-PLAT-12")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"name": ' + b'{"a":' * 10_000,
        b'{"name": NaN, "password": "x"}',
        b'{"name": 1e999, "password": "x"}',
        b'{"name": ' + b"9" * 5_000 + b', "password": "x"}',
        b'{"name": "ada", "password": "\\ud800\\ud800\\ud800\\ud800"}',
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem(
    unchanged_platform: Platform, content: bytes
) -> None:
    problem_of(
        unchanged_platform.client("dev").post("/api/people", content=content, headers=JSON), 400
    )


@pytest.mark.clause("TC-PLAT-11")
def test_what_does_not_fit_is_named_and_what_was_sent_is_not(platform: Platform) -> None:
    body = {"name": 7, "password": ["s3cret-value"], "s3cret\n\x1bkey": "s3cret-value"}
    answer = platform.anonymous().post("/api/session", json=body)
    detail = problem_of(answer, 400)
    assert "name: " in detail
    assert "password: " in detail
    assert "s3cret-value" not in answer.text
    assert detail.isascii()
    assert detail.isprintable()


@pytest.mark.clause("TC-PLAT-11")
def test_an_error_of_the_program_says_nothing_of_the_inside(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    @platform.application.get("/broken")
    def broken() -> None:
        raise RuntimeError("s3cret-inside")

    answer = platform.anonymous().get("/broken")
    problem_of(answer, 500)
    assert "s3cret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "RuntimeError at test_application.py:" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.clause("TC-PLAT-11")
@pytest.mark.parametrize(
    ("refusal", "status"),
    [(bad_request("x\ny"), 400), (not_found("x\u202e"), 404), (failed("z" * 5_000), 503)],
)
def test_a_refusal_is_one_short_line(platform: Platform, refusal: Exception, status: int) -> None:
    @platform.application.get("/refused")
    def refuse() -> None:
        raise refusal

    detail = problem_of(platform.anonymous().get("/refused"), status)
    assert detail.isascii()
    assert len(detail) <= 500


def test_two_who_change_the_same_at_the_same_time_get_a_conflict(platform: Platform) -> None:
    @platform.application.post("/twice")
    def twice() -> None:
        with platform.database.transaction() as session:
            row = "INSERT INTO organisation VALUES (1, 'dev', '', 0.0)"
            session.execute(text(row))

    answer = platform.anonymous().post("/twice")
    problem_of(answer, 409)
    assert "INSERT" not in answer.text


def test_every_answer_has_the_headers_that_keep_browsers_safe(platform: Platform) -> None:
    client = platform.client("dev")
    for path in ("/api/me", "/health", "/nothing", "/openapi.json"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers


def chunks(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"x" * 1024


@pytest.mark.clause("TC-PLAT-12")
def test_a_body_that_is_too_long_is_refused_also_without_a_length(tmp_path: Path) -> None:
    with made_platform(tmp_path, payload_bytes=1024) as platform:
        client = platform.anonymous()
        declared = client.post("/api/session", content=b"x" * (ANONYMOUS_BYTES + 1), headers=JSON)
        problem_of(declared, 413)
        problem_of(client.post("/api/session", content=chunks(5), headers=JSON), 413)
        problem_of(client.post("/api/session", content=chunks(4), headers=JSON), 400)
        known = platform.client("dev")
        problem_of(known.post("/api/people", content=chunks(65), headers=JSON), 413)
        problem_of(known.post("/api/people", content=chunks(64), headers=JSON), 400)


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "9" * 5_000, "\u0661", "+5", " "])
def test_a_length_that_is_none_is_refused(unchanged_platform: Platform, length: str) -> None:
    headers = {**JSON, "Content-Length": length.encode()}
    answer = unchanged_platform.anonymous().post("/api/session", content=b"{}", headers=headers)
    assert answer.status_code in (400, 413)


def test_bodies_that_are_read_are_given_back_when_they_are_answered(tmp_path: Path) -> None:
    with made_platform(tmp_path, payload_bytes=512 << 10, bodies_bytes=1 << 20) as platform:
        client = platform.client("dev")
        for _ in range(8):
            path = f"/api/artefacts/{'0' * 64}?kind=data"
            problem_of(client.put(path, content=b"x" * (512 << 10)), 400)


def test_the_description_names_every_resource(platform: Platform) -> None:
    paths = platform.anonymous().get("/openapi.json").json()["paths"]
    assert {
        "/api/session", "/api/me", "/api/people", "/api/people/{name}", "/api/tokens",
        "/api/tokens/{id}", "/api/organisation", "/api/audit", "/health", "/metrics",
    } <= paths.keys()  # fmt: skip


@pytest.mark.clause("TC-PLAT-07")
def test_every_other_resource_needs_somebody_who_is_known(platform: Platform) -> None:
    open_ones = {("/api/session", "post"), ("/health", "get"), ("/metrics", "get")}
    described = platform.anonymous().get("/openapi.json").json()["paths"]
    client = platform.anonymous()
    for path, methods in described.items():
        for method in methods:
            if (path, method) not in open_ones:
                url = path.replace("{", "").replace("}", "").replace("/id", "/1")
                answer = client.request(method, url, content=b"{}", headers=JSON)
                # What does not fit is said before it is asked who sends it.
                assert answer.status_code in (400, 401), (method, path, answer.text)
                assert answer.json().keys() == {"type", "title", "status", "detail"}


def test_whether_it_works_is_said_to_everybody(platform: Platform) -> None:
    answer = platform.anonymous().get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.clause("TC-PLAT-07")
def test_numbers_are_for_this_machine_and_for_admins(platform: Platform) -> None:
    problem_of(platform.anonymous().get("/metrics"), 401)
    problem_of(platform.add_person("dev", "ada", PersonRight.MEMBER).get("/metrics"), 403)
    for client in (platform.anonymous("127.0.0.1"), platform.anonymous("::1")):
        assert "platform_http_requests_total" in client.get("/metrics").text
    assert platform.client("dev").get("/metrics").status_code == 200


@pytest.mark.clause("TC-PLAT-07")
def test_what_a_proxy_passes_on_does_not_come_from_this_machine(platform: Platform) -> None:
    client = platform.anonymous("127.0.0.1")
    for name in ("X-Forwarded-For", "Forwarded"):
        problem_of(client.get("/metrics", headers={name: "127.0.0.1"}), 401)


def test_behind_a_proxy_the_client_is_the_one_that_the_proxy_names(tmp_path: Path) -> None:
    with made_platform(tmp_path, http=WebTable(behind_proxy=True)) as platform:
        client = platform.anonymous("127.0.0.1")

        def attempt(number: int, said: str, password: str) -> int:
            body = {"name": f"{number}-nobody" if number else "dev-admin", "password": password}
            headers = {"X-Forwarded-For": said}
            return int(client.post("/api/session", json=body, headers=headers).status_code)

        for number in range(1, 6):  # what the client itself says before it changes nothing
            assert attempt(number, f"10.0.0.{number}, 192.0.2.5", "wrong password") == 401
        assert attempt(0, "10.0.0.9, 192.0.2.5", PASSWORD) == 401
        assert attempt(0, "192.0.2.5, 192.0.2.6", PASSWORD) == 201


def test_a_method_that_nobody_knows_makes_no_number_of_its_own(platform: Platform) -> None:
    for number in range(3):
        platform.anonymous().request(f"X{number}", "/health")
    numbers = platform.parts.metrics.write().decode()
    assert 'method="other",status="405"} 3.0' in numbers
    assert "X1" not in numbers


def test_a_resource_gets_an_actor_who_may_do_what_it_is_for(platform: Platform) -> None:
    @platform.application.post("/deployed")
    def deploy(actor: Annotated[Actor, Depends(caller(PlatformScope.DEPLOY))]) -> dict[str, Any]:
        return {"person": actor.person, "roles": sorted(actor.roles)}

    assert platform.client("boxes").post("/deployed").json() == {
        "person": "boxes-admin",
        "roles": ["owner"],
    }
    problem_of(platform.add_person("boxes", "vic", PersonRight.VIEWER).post("/deployed"), 403)
    problem_of(platform.anonymous().post("/deployed"), 401)


def test_many_ask_and_change_at_once(platform: Platform) -> None:
    clients = [platform.client(each) for each in ("dev", "data", "infra", "boxes")]

    def work(number: int) -> int:
        client = clients[number % 4]
        if number % 3:
            return int(client.get("/api/people").status_code)
        body = {"name": f"p{number}", "password": PASSWORD, "right": "viewer"}
        return int(client.post("/api/people", json=body).status_code)

    with ThreadPoolExecutor(16) as pool:
        assert {*pool.map(work, range(96))} == {200, 201}
