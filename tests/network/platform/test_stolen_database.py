"""Who has a platform's database is nobody on the platform; who can write to it is anybody there.

Neither is anybody on a device. What was written to the audit is found with a hash kept elsewhere.
"""

import json
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.agents import problem
from support.attacked_device import AttackedDevice
from support.four_parties import FourParties
from support.platforms import PASSWORD, Platform, made_platform, problem_of
from support.project import Program
from support.worlds import FOREIGN, KEYS

from tinycontainer.network.agent.requests.message import Method
from tinycontainer.network.platform.people.secrets import (
    API_PREFIX,
    derive_csrf,
    write_session_token,
)
from tinycontainer_tokens import Role

COOKIE = "tinycontainer_session"
SECRETS = """
SELECT password_hash, name FROM person UNION ALL
SELECT token_sha256, csrf_sha256 FROM web_session UNION ALL
SELECT token_sha256, name FROM api_token
"""


def write(folder: Path, statement: str, *values: Any) -> None:
    """Change the database of a platform as a file."""
    with closing(sqlite3.connect(folder / "platform.db")) as file:
        file.execute(statement, values)
        file.commit()


def stolen_texts(folder: Path) -> list[str]:
    """Everything that the database has to do with who somebody is, and what is near it."""
    with closing(sqlite3.connect(f"file:{folder / 'platform.db'}?mode=ro", uri=True)) as file:
        found = {str(each) for row in file.execute(SECRETS) for each in row}
    hashes = {part for each in found for part in each.split("$")}
    return sorted(found | hashes | {API_PREFIX + each for each in found})


@pytest.fixture
def made(tmp_path: Path) -> Any:
    """A platform in a file, with people who have logged in, and their programs."""
    with made_platform(tmp_path) as platform:
        for name in ("dev", "boxes"):
            platform.token(platform.client(name), "read", "sign")
        yield platform


@pytest.mark.clause("TC-PLAT-02", "TC-PLAT-03", "TC-PLAT-06")
def test_nothing_in_the_database_lets_anybody_log_in(made: Platform, tmp_path: Path) -> None:
    texts = stolen_texts(tmp_path)
    assert len(texts) > 20
    for number, text in enumerate(texts):
        if text.isascii() and text.isprintable():
            client = made.anonymous()
            problem_of(client.get("/api/me", headers={"Cookie": f"{COOKIE}={text}"}), 401)
            problem_of(client.get("/api/me", headers={"Authorization": f"Bearer {text}"}), 401)
        body = {"name": "boxes-admin", "password": text.ljust(12)[:128]}
        made.clock.at_s += 1000  # else it would have to wait
        elsewhere = made.anonymous(f"192.0.3.{number % 250}")
        problem_of(elsewhere.post("/api/session", json=body), 401)
    good = {"name": "boxes-admin", "password": PASSWORD}
    made.clock.at_s += 1000
    assert made.anonymous().post("/api/session", json=good).status_code == 201


@pytest.mark.clause("TC-PLAT-03")
def test_who_can_write_to_the_database_is_anybody_on_the_platform(
    made: Platform, tmp_path: Path
) -> None:
    token = write_session_token(b"\7" * 32)
    cookie = {"Cookie": f"{COOKIE}={token}"}
    problem_of(made.anonymous().get("/api/me", headers=cookie), 401)
    row = (_sha256(token), _sha256(derive_csrf(token)), made.clock() + 3600)
    write(
        tmp_path,
        "INSERT INTO web_session (token_sha256, csrf_sha256, expires_s, person_id)"
        " SELECT ?, ?, ?, id FROM person WHERE name = 'boxes-admin'",
        *row,
    )
    assert made.anonymous().get("/api/me", headers=cookie).json()["name"] == "boxes-admin"


@pytest.mark.clause("TC-PLAT-21")
def test_what_a_platform_is_made_to_believe_no_device_believes(
    made: Platform, tmp_path: Path
) -> None:
    honest = FourParties(made, uid=b"a".hex())
    honest.prepare()
    honest.begin(1)
    for content in ("code", "data", "plan", "rights"):
        honest.add(content)
    for part in ("code", "data"):
        honest.sign(part)
    forger = FourParties(made, {**KEYS, Role.OWNER: FOREIGN}, b"a".hex())
    foreign = sha256(FOREIGN.public).hexdigest()
    assert "key" in problem_of(honest.ask_to_sign("mask", key=foreign), 409)
    forgery = "UPDATE public_key SET public = ?, fingerprint = ? WHERE role = 'owner'"
    write(tmp_path, forgery, FOREIGN.public, foreign)
    for part in ("mask", "endpoint-1"):
        forger.sign(part)
    honest.sign("metadata")
    device = AttackedDevice("box-1", accepts_riot=False)
    path = f"/tc/c/{b'a'.hex()}?id={1:016x}"
    answer = device.managed.ask(Method.PUT, path, honest.bundle(), peer=b"platform")
    assert problem(answer) == ("4.03", "token")
    (refusal,) = device.refusals()
    assert refusal.problem.startswith("mask token: step 6 (signature): ")
    assert device.see() == {}


@pytest.mark.clause("TC-PLAT-14")
def test_an_audit_that_was_written_anew_is_found_with_a_hash_that_was_kept(
    made: Platform, tmp_path: Path, program: Program
) -> None:
    (tmp_path / "platform.toml").write_text("")
    verify = ("platform", "verify-audit", tmp_path / "platform.toml")
    whole = program.json(*verify)
    assert whole["entries"] > 3
    kept = ("--kept", whole["sha256"])
    write(tmp_path, "UPDATE audit_entry SET person = 'eve' WHERE number = 2")
    assert program.json(*verify, code=1)["problem"] == "entry 2 was changed"
    chain_anew(tmp_path)
    anew = program.json(*verify)
    assert (anew["entries"], anew["problem"]) == (whole["entries"], "")
    assert "written anew" in program.json(*verify, *kept, code=1)["problem"]


def chain_anew(folder: Path) -> None:
    """Write the hashes of a chain for what it says now, as whoever has its salts can."""
    columns = "salt, number, at_s, organisation_id, person, deed, subject, detail"
    previous = "0" * 64
    with closing(sqlite3.connect(folder / "platform.db")) as file:
        rows = file.execute(f"SELECT {columns} FROM audit_entry ORDER BY number").fetchall()
        for row in rows:
            written = json.dumps([previous, *row], separators=(",", ":"))
            change = "UPDATE audit_entry SET previous_sha256 = ?, sha256 = ? WHERE number = ?"
            file.execute(change, (previous, _sha256(written), row[1]))
            previous = _sha256(written)
        file.commit()


def _sha256(text: str) -> str:
    return sha256(text.encode()).hexdigest()
