"""The audit: what it notes, who sees it, and how it shows that somebody has changed it."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, select, text
from sqlalchemy.orm import Session
from support.platforms import PASSWORD, Platform, problem_of

from tinycontainer.network.platform.actor import Actor, PersonRight, PlatformScope
from tinycontainer.network.platform.audit import BEGINNING, ChainReport, note, verify_chain
from tinycontainer.network.platform.database import PlatformDatabase
from tinycontainer.network.platform.tables.base import PlatformTable
from tinycontainer.network.platform.tables.people import AuditEntry
from tinycontainer_tokens import Role

ACTOR = Actor("ada", 1, "dev", frozenset({Role.DEVELOPER}), frozenset(PlatformScope))
COLUMNS = (
    "at_s", "organisation_id", "person", "deed", "subject", "detail", "previous_sha256", "sha256",
)  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Any:
    """A database with a chain of nine entries."""
    with closing(PlatformDatabase(f"sqlite:///{tmp_path / 'platform.db'}")) as made:
        made.migrate()
        with made.transaction() as session:
            session.execute(text("INSERT INTO organisation VALUES (1, 'dev', 'developer', 0.0)"))
            session.execute(text("INSERT INTO organisation VALUES (2, 'data', 'provider', 0.0)"))
            for number in range(9):
                note(session, ACTOR, "deed", f"subject-{number}", {"n": number}, 1000.5 + number)
        yield made


def tamper(database: PlatformDatabase, *statements: str) -> ChainReport:
    with database.transaction() as session:
        for each in statements:
            session.execute(text(each))
    with database.reading() as session:
        return verify_chain(session)


def verify(database: PlatformDatabase, kept: str = BEGINNING) -> ChainReport:
    with database.reading() as session:
        return verify_chain(session, kept)


@pytest.mark.clause("TC-PLAT-14")
def test_a_chain_that_nobody_has_changed_is_whole(database: PlatformDatabase) -> None:
    found = verify(database)
    assert (found.entries, found.problem) == (9, "")
    assert found.sha256 != BEGINNING


def test_an_empty_chain_is_whole(tmp_path: Path) -> None:
    with closing(PlatformDatabase(f"sqlite:///{tmp_path / 'empty.db'}")) as empty:
        empty.migrate()
        assert verify(empty) == ChainReport(0, BEGINNING, "", True)


@pytest.mark.clause("TC-PLAT-14")
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("number", [1, 5, 9])
def test_a_changed_entry_is_found(database: PlatformDatabase, column: str, number: int) -> None:
    value = {"at_s": "at_s + 0.001", "organisation_id": "2"}.get(column, f"{column} || ' '")
    found = tamper(database, f"UPDATE audit_entry SET {column} = {value} WHERE number = {number}")
    assert found.entries == number - 1
    assert f"entry {number} " in found.problem


@pytest.mark.parametrize("value", ["x'ff00'", "'text'", "9e999", "''"])
@pytest.mark.parametrize("column", ["at_s", "detail", "sha256"])
def test_a_value_of_another_type_is_found(
    database: PlatformDatabase, column: str, value: str
) -> None:
    found = tamper(database, f"UPDATE audit_entry SET {column} = {value} WHERE number = 5")
    assert (found.entries, found.problem) == (4, "entry 5 was changed")


@pytest.mark.clause("TC-PLAT-14")
@pytest.mark.parametrize("number", range(1, 9))
def test_an_entry_that_was_left_out_is_found(database: PlatformDatabase, number: int) -> None:
    found = tamper(database, f"DELETE FROM audit_entry WHERE number = {number}")
    assert found.problem == f"entry {number} is missing; the next one is {number + 1}"


def test_an_entry_that_was_left_out_is_found_also_when_the_others_move_up(
    database: PlatformDatabase,
) -> None:
    found = tamper(
        database,
        "DELETE FROM audit_entry WHERE number = 4",
        *[f"UPDATE audit_entry SET number = {n - 1} WHERE number = {n}" for n in range(5, 10)],
    )
    assert (found.entries, "entry 4 " in found.problem) == (3, True)


@pytest.mark.clause("TC-PLAT-14")
def test_entries_in_another_order_are_found(database: PlatformDatabase) -> None:
    found = tamper(
        database,
        "UPDATE audit_entry SET number = 100 WHERE number = 3",
        "UPDATE audit_entry SET number = 3 WHERE number = 4",
        "UPDATE audit_entry SET number = 4 WHERE number = 100",
    )
    assert (found.entries, "entry 3 " in found.problem) == (2, True)


@pytest.mark.clause("TC-PLAT-14")
def test_an_entry_that_was_put_in_between_is_found(database: PlatformDatabase) -> None:
    found = tamper(
        database,
        *[f"UPDATE audit_entry SET number = {n + 1} WHERE number = {n}" for n in range(9, 4, -1)],
        "INSERT INTO audit_entry SELECT 5, at_s, organisation_id, person, deed, subject, detail,"
        " salt, previous_sha256, sha256 FROM audit_entry WHERE number = 4",
    )
    assert (found.entries, "entry 5 " in found.problem) == (4, True)


@pytest.mark.clause("TC-PLAT-14")
def test_an_end_that_was_cut_off_is_found_only_with_a_hash_that_was_kept(
    database: PlatformDatabase,
) -> None:
    kept = verify(database).sha256
    cut = tamper(database, "DELETE FROM audit_entry WHERE number > 7")
    assert (cut.entries, cut.problem) == (7, "")
    assert not verify(database, kept).is_kept_there


def test_a_hash_that_was_kept_is_found_in_a_chain_that_has_grown(
    database: PlatformDatabase,
) -> None:
    kept = verify(database).sha256
    with database.transaction() as session:
        note(session, ACTOR, "deed", "later", {}, 2000.0)
    assert verify(database, kept).is_kept_there


@pytest.mark.clause("TC-PLAT-13")
def test_a_deed_that_failed_leaves_no_entry(database: PlatformDatabase) -> None:
    def fail() -> None:
        with database.transaction() as session:
            note(session, ACTOR, "deed", "lost", {}, 2000.0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert verify(database).entries == 9


@pytest.mark.parametrize(
    ("deed", "subject", "detail"),
    [("d" * 64, "", {}), ("d", "s" * 256, {}), ("d", "s", {"x": "y" * 20_000})],
)
def test_an_entry_that_is_too_long_is_an_error_of_the_program(
    database: PlatformDatabase, deed: str, subject: str, detail: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match="too long"), database.transaction() as session:
        note(session, ACTOR, deed, subject, detail, 0.0)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
ENTRIES = st.lists(
    st.tuples(WORDS, WORDS, st.dictionaries(WORDS, VALUES, max_size=3), st.floats(0, 4e9)),
    min_size=2,
    max_size=6,
)
CHANGES: dict[str, Callable[[int], list[str]]] = {
    "removed": lambda n: [f"DELETE FROM audit_entry WHERE number = {n}"],
    "changed": lambda n: [f"UPDATE audit_entry SET detail = '[]' WHERE number = {n}"],
    "moved": lambda n: [
        "UPDATE audit_entry SET number = -1 WHERE number = " + str(n),
        f"UPDATE audit_entry SET number = {n} WHERE number = {n + 1}",
        f"UPDATE audit_entry SET number = {n + 1} WHERE number = -1",
    ],
}


@pytest.mark.clause("TC-PLAT-14")
@given(entries=ENTRIES, change=st.sampled_from(sorted(CHANGES)), data=st.data())
def test_any_chain_is_whole_until_any_of_its_entries_is_changed_removed_or_moved(
    entries: list[Any], change: str, data: st.DataObject
) -> None:
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda made, _: made.execute("PRAGMA foreign_keys = OFF"))
    PlatformTable.metadata.create_all(engine)
    with Session(engine) as session:
        for deed, subject, detail, at_s in entries:
            note(session, ACTOR, deed, subject, detail, at_s)
        session.commit()
        whole = verify_chain(session)
        assert (whole.entries, whole.problem) == (len(entries), "")
        number = data.draw(st.integers(1, len(entries) - 1))
        for statement in CHANGES[change](number):
            session.execute(text(statement))
        session.commit()
        found = verify_chain(session)
        assert found.problem
        assert found.entries == number - 1
    engine.dispose()


@pytest.mark.clause("TC-PLAT-13")
def test_each_deed_is_noted_without_secrets(platform: Platform) -> None:
    ada = platform.add_person("dev", "ada", PersonRight.MEMBER)
    platform.token(ada, "read")
    [token] = ada.get("/api/tokens").json()["tokens"]
    ada.delete(f"/api/tokens/{token['id']}")
    new = {"password": "another long password", "current_password": PASSWORD}
    ada.patch("/api/people/ada", json=new)
    ada.delete("/api/session")
    platform.client("dev").patch("/api/people/ada", json={"is_disabled": True})
    answer = platform.client("dev").get("/api/audit")
    deeds = [(each["person"], each["deed"], each["subject"]) for each in answer.json()["entries"]]
    assert deeds == [
        ("dev-admin", "logged-in", "dev-admin"),
        ("dev-admin", "person-added", "ada"),
        ("ada", "logged-in", "ada"),
        ("ada", "token-made", "program"),
        ("ada", "token-deleted", "program"),
        ("ada", "person-changed", "ada"),
        ("ada", "logged-out", "ada"),
        ("dev-admin", "person-changed", "ada"),
    ]
    for secret in (PASSWORD, new["password"], "tcp_", "$argon2"):
        assert secret not in answer.text


@pytest.mark.clause("TC-PLAT-09")
def test_people_see_the_deeds_of_their_own_organisation_only(platform: Platform) -> None:
    platform.client("dev")
    platform.client("data")
    viewer = platform.add_person("data", "vic", PersonRight.VIEWER)
    found = viewer.get("/api/audit").json()["entries"]
    assert {each["person"] for each in found} == {"data-admin", "vic"}
    header = platform.token(platform.client("data"), "publish")
    problem_of(platform.anonymous().get("/api/audit", headers=header), 403)


def test_the_audit_is_read_page_by_page(platform: Platform) -> None:
    client = platform.client("dev")
    platform.client("data")
    for _ in range(4):
        platform.log_in("dev-admin")
    numbers: list[int] = []
    after: int | None = 0
    while after is not None:
        page = client.get("/api/audit", params={"after": after, "limit": 2}).json()
        numbers += [each["number"] for each in page["entries"]]
        after = page["next"]
    assert numbers == [1, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "limit=0", "limit=1001", "after=99999999999999999999"]
)
def test_a_page_that_cannot_be_is_refused(platform: Platform, query: str) -> None:
    problem_of(platform.client("dev").get(f"/api/audit?{query}"), 400)


def test_the_chain_of_a_used_platform_is_whole(platform: Platform) -> None:
    for each in ("dev", "data", "infra", "boxes"):
        platform.client(each)
    found = verify(platform.database)
    assert (found.entries, found.problem) == (4, "")
    shown = platform.client("boxes").get("/api/audit").json()["entries"]
    assert shown[-1]["sha256"] == found.sha256
    assert json.dumps(shown[-1]["detail"]) == "{}"


@pytest.mark.clause("TC-PLAT-14")
def test_what_is_between_two_entries_cannot_be_guessed_from_their_hashes(
    platform: Platform,
) -> None:
    shown = platform.client("dev").get("/api/audit").text
    with platform.database.reading() as session:
        salts = session.scalars(select(AuditEntry.salt)).all()
    assert len(set(salts)) == len(salts) > 0
    assert all(len(each) == 64 and each not in shown for each in salts)
