"""`platform`: a database from its first organisation to its copy, and a process that serves it."""

import io
import json
import signal
import sqlite3
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.certificates import make_certificate
from support.gateways import free_web_port
from support.project import Program, check_answer
from support.serving import HOST

pytest.importorskip("fastapi")
pytest.importorskip("sqlalchemy")

PASSWORD = "correct horse battery"
ACME = ("--organisation", "acme", "--roles", "developer,owner", "--admin", "ada")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "platform.toml"
    path.write_text(f'[http]\nbind = "{HOST}:{free_web_port()}"\n')
    return path


@pytest.fixture
def furnished(file: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a platform with one organisation."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    program.good("platform", "init", file, *ACME, "--password-from-stdin")
    return file


def write_tls(file: Path) -> Path:
    """A certificate and its key, in one file that the platform's file names."""
    pem = file.parent / "tls.pem"
    make_certificate(pem, HOST)
    with file.open("a") as content:
        content.write(f'certificate = "{pem.name}"\nkey = "{pem.name}"\n')
    return pem


@contextmanager
def served(file: Path, *, code: int = 0) -> Iterator[str]:
    """Serve the platform of a file in a process of its own; where."""
    command = [sys.executable, "-m", "tinycontainer", "platform", "serve", str(file), "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            assert line, process.stderr.read() if process.stderr else ""
            check_answer(["platform", "serve"], json.loads(line))
            yield json.loads(line)["http"]
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=30)
            assert (process.returncode, err) == (code, "")
        finally:
            if process.poll() is None:
                process.kill()


def test_a_platform_is_made_served_and_ended(furnished: Path) -> None:
    with served(furnished) as web, httpx.Client(base_url=web, trust_env=False) as client:
        assert client.get("/health").json() == {"status": "ok"}
        found = client.post("/api/session", json={"name": "ada", "password": PASSWORD})
        assert found.status_code == 201
        me = client.get("/api/me").json()
        assert (me["organisation"], me["roles"]) == ("acme", ["developer", "owner"])
        refused = client.post("/api/tokens", json={"name": "x", "scopes": ["read"]})
        assert refused.status_code == 403
        csrf = {"X-CSRF-Token": found.json()["csrf"]}
        made = client.post("/api/tokens", json={"name": "x", "scopes": ["read"]}, headers=csrf)
        header = {"Authorization": f"Bearer {made.json()['token']}"}
        assert httpx.get(f"{web}/api/me", headers=header, trust_env=False).status_code == 200
        assert "platform_http_requests_total" in client.get("/metrics").text
        headers = {"Content-Type": "application/json"}
        huge = client.post("/api/session", content=b"x" * (8 << 20), headers=headers)
        assert huge.status_code == 413
        assert "server" not in huge.headers


def test_over_tls_the_cookie_is_for_tls_only(furnished: Path) -> None:
    pem = write_tls(furnished)
    pem.chmod(0o600)
    trusted = ssl.create_default_context(cafile=pem)
    with served(furnished) as web:
        assert web.startswith("https://")
        body = {"name": "ada", "password": PASSWORD}
        found = httpx.post(f"{web}/api/session", json=body, verify=trusted, trust_env=False)
        assert "Secure" in found.headers["set-cookie"]
        assert "strict-transport-security" in found.headers


def test_one_file_is_served_by_one_platform(furnished: Path, program: Program) -> None:
    second = furnished.with_name("second.toml")
    second.write_text(f'[http]\nbind = "{HOST}:{free_web_port()}"\n')
    with served(furnished):
        problem = program.bad("platform", "serve", second)
        assert "platform.db: another platform serves it; end that one first" in problem
        assert program.good("platform", "backup", second, furnished.with_name("copy.db"))
    with served(second):
        pass


def test_what_is_served_stays_after_it_is_ended(furnished: Path, program: Program) -> None:
    for number in (2, 3):
        with served(furnished) as web:
            body = {"name": "ada", "password": PASSWORD}
            assert httpx.post(f"{web}/api/session", json=body, trust_env=False).status_code == 201
        assert program.json("platform", "verify-audit", furnished)["entries"] == number


def test_a_check_serves_and_makes_nothing(file: Path, program: Program) -> None:
    assert "can be served at http://" in program.good("platform", "serve", file, "--check")
    assert program.good("platform", "serve", file, "--check", "--quiet") == ""
    found = program.json("platform", "serve", file, "--check")
    assert found["file"] == str(file)
    assert [each.name for each in file.parent.iterdir()] == ["platform.toml"]


def test_a_password_that_is_not_given_is_made_and_shown_once(file: Path, program: Program) -> None:
    found = program.json("platform", "init", file, *ACME)
    assert len(found["password"]) >= 20
    content = b"".join(each.read_bytes() for each in file.parent.glob("platform.db*"))
    assert found["password"].encode() not in content
    other = ("--organisation", "data", "--roles", "provider", "--admin", "bob")
    assert "password, shown this once: " in program.good("platform", "init", file, *other)


def test_a_password_that_was_given_is_not_shown(
    file: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    shown = program.good("platform", "init", file, *ACME, "--password-from-stdin")
    assert shown == "added acme with its admin ada\n"


REFUSED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "an organisation that is there": (ACME, 1, "acme"),
    "a name that is taken": (("--organisation", "b", *ACME[2:]), 1, "taken"),
    "an organisation": (("--organisation", "A'; --", *ACME[2:]), 2, "--organisation"),
    "an admin": ((*ACME[:4], "--admin", "a b"), 2, "--admin"),
    "a role": ((*ACME[:2], "--roles", "boss", *ACME[4:]), 2, "--roles: boss is no role"),
    "no role": ((*ACME[:2], "--roles", "", *ACME[4:]), 2, "--roles"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_who_cannot_be_added_is_refused_in_one_line(
    furnished: Path, program: Program, name: str
) -> None:
    arguments, code, problem = REFUSED[name]
    assert problem in program.bad("platform", "init", furnished, *arguments, code=code)
    assert program.json("platform", "verify-audit", furnished)["entries"] == 1


@pytest.mark.parametrize("line", ["", "\n", "short\n", "x" * 200 + "\n"])
def test_a_bad_password_is_refused_and_makes_nothing(
    file: Path, program: Program, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(line))
    found = program.bad("platform", "init", file, *ACME, "--password-from-stdin", code=1)
    assert found.startswith("password: ")
    assert not (file.parent / "platform.db").exists()


def test_a_copy_becomes_a_platform_in_another_place(
    furnished: Path, tmp_path: Path, program: Program
) -> None:
    copy = tmp_path / "copy.db"
    assert program.json("platform", "backup", furnished, copy) == {"file": str(copy)}
    assert "there already" in program.bad("platform", "backup", furnished, copy)
    assert "there already" in program.bad("platform", "restore", furnished, copy)
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "platform.toml"
    other.write_text("")
    shown = program.good("platform", "restore", other, copy, "--check")
    assert "can be made from" in shown
    assert not (other.parent / "platform.db").exists()
    assert program.json("platform", "restore", other, copy) == {"file": str(copy)}
    found = program.json("platform", "verify-audit", other)
    assert found == program.json("platform", "verify-audit", furnished)


def test_an_audit_that_somebody_has_changed_is_said(furnished: Path, program: Program) -> None:
    whole = program.json("platform", "verify-audit", furnished)
    assert (whole["entries"], whole["problem"]) == (1, "")
    kept = ("--kept", whole["sha256"])
    assert program.json("platform", "verify-audit", furnished, *kept)["problem"] == ""
    with closing(sqlite3.connect(furnished.parent / "platform.db")) as connection:
        connection.execute("UPDATE audit_entry SET person = 'eve'")
        connection.commit()
    changed = program.json("platform", "verify-audit", furnished, code=1)
    assert changed["problem"] == "entry 1 was changed"
    with closing(sqlite3.connect(furnished.parent / "platform.db")) as connection:
        connection.execute("DELETE FROM audit_entry")
        connection.commit()
    assert program.json("platform", "verify-audit", furnished)["entries"] == 0
    cut = program.json("platform", "verify-audit", furnished, *kept, code=1)
    assert "cut off" in cut["problem"]
    assert "--kept" in program.bad("platform", "verify-audit", furnished, "--kept", "x")


@pytest.mark.parametrize("verb", ["backup", "verify-audit"])
def test_a_database_that_is_not_there_is_said_and_not_made(
    file: Path, tmp_path: Path, program: Program, verb: str
) -> None:
    more = [tmp_path / "copy.db"] if verb == "backup" else []
    found = program.bad("platform", verb, file, *more)
    assert found == "platform.db: is not there; tinycontainerctl platform init makes it"
    assert [each.name for each in tmp_path.iterdir()] == ["platform.toml"]


def test_a_database_that_cannot_be_used_is_said_before_it_is_served(
    furnished: Path, program: Program
) -> None:
    database = furnished.parent / "platform.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE platform_version SET version_num = 'later'")
        connection.commit()
    for arguments in (["serve", furnished], ["serve", furnished, "--check"]):
        assert "newer version" in program.bad("platform", *arguments)
    database.write_bytes(b"x" * 5_000)
    assert "not a database" in program.bad("platform", "serve", furnished)


def test_an_address_that_is_taken_is_said(furnished: Path, program: Program) -> None:
    with served(furnished) as web:
        found = program.bad("platform", "serve", furnished)
        assert found.startswith(f"{web}: cannot be used: ")


def test_a_key_that_others_can_read_is_refused(furnished: Path, program: Program) -> None:
    write_tls(furnished).chmod(0o644)
    assert "tls.pem" in program.bad("platform", "serve", furnished, "--check")


@pytest.mark.parametrize("missing", ["fastapi", "sqlalchemy", "argon2", "alembic"])
def test_without_its_extra_it_says_what_to_install(
    file: Path, program: Program, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    words: list[tuple[Any, ...]] = [
        ("serve", file, "--check"), ("init", file, *ACME), ("verify-audit", file),
        ("backup", file, file.parent / "x"), ("restore", file, file.parent / "x"),
    ]  # fmt: skip
    for each in words:
        found = program.bad("platform", *each)
        expected = f"{missing} is not installed; it comes with: pip install"
        assert found == f"{expected} 'tinycontainer[platform]'"
