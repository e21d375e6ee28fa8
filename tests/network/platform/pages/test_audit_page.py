"""The audit on pages: found by who, what and of what, in words, and checked on demand."""

import pytest
from sqlalchemy import select, update
from support.four_parties import BOX, good
from support.platform_pages import PageWorld
from support.sboms import COAP, TLS, Sboms, document

from tinycontainer.network.platform import audit
from tinycontainer.network.platform.actor import acting_for
from tinycontainer.network.platform.tables.people import AuditEntry, Organisation
from tinycontainer.network.platform.web.pages.audit import (
    MOST_CHARACTERS,
    MOST_VALUES,
    PAGE,
    read_details,
)


def filtered(world: PageWorld, query: str) -> str:
    """What a page of the audit says."""
    return world.client("boxes").look(f"/audit?{query}").text


@pytest.mark.clause("TC-PLAT-87")
def test_deeds_are_found_by_what_by_whom_and_of_what(unchanged: PageWorld) -> None:
    granted = filtered(unchanged, "deed=rental-granted")
    assert "rental granted" in granted
    assert "device added" not in granted
    assert "rental granted" in filtered(unchanged, "deed=rental granted&person=boxes-admin")
    assert "Nothing fits" in filtered(unchanged, "deed=rental-granted&person=somebody")
    of_device = filtered(unchanged, "subject=box-01")
    assert "device added" in of_device
    assert "box-02" not in of_device
    links = unchanged.client("boxes").look("/audit").values("a", "href")
    assert {"/audit?deed=device-added", "/audit?person=boxes-admin", "/audit?subject=box-01"} <= {
        *links
    }


@pytest.mark.clause("TC-PLAT-87")
def test_nobody_finds_the_deeds_of_others(unchanged: PageWorld) -> None:
    assert "Nothing fits" in unchanged.client("others").look("/audit?subject=box-01").text


@pytest.mark.clause("TC-PLAT-87")
def test_filters_stay_where_a_page_ends_and_what_is_rare_is_not_looked_for_in_all(
    world: PageWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "LOOKED_THROUGH", 5)
    page = world.client("boxes").look("/audit?deed=key-added")
    assert "None among the deeds that were looked through" in page.text
    for _ in range(20):
        (further,) = (each for each in page.values("a", "href") if "before=" in each)
        assert "deed=key-added" in further
        page = world.client("boxes").look(further)
        if "key added" in page.text:
            break
    assert "key added" in page.text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{}", []),
        ('{"name":"x"}', [("name", "x")]),
        ('{"from_s":1800000000}', [("from", "2027-01-15T08:00:00Z")]),
        ('{"is_disabled":true,"right":null}', [("disabled", "yes")]),
        ('{"labels":{"a":"b","c":1},"waves":[1,2]}', [("labels", "a=b, c=1"), ("waves", "1, 2")]),
        ('{"key_files":[]}', [("key files", "none")]),
        ("no json", [("", "no json")]),
        ("[1]", [("", "[1]")]),
        ("[" * 50_000, [("", "[" * 50_000)]),
    ],
)
def test_details_are_read_as_words(text: str, wanted: list[tuple[str, str]]) -> None:
    assert read_details(text) == wanted


def test_of_many_details_the_first_are_shown() -> None:
    text = "{" + ",".join(f'"k{each}":1' for each in range(MOST_VALUES + 3)) + "}"
    assert len(read_details(text)) == MOST_VALUES + 1
    assert read_details(text)[-1] == ("", "and 3 more")


def test_a_page_of_long_details_is_no_long_page(world: PageWorld) -> None:
    with world.platform.database.transaction() as session:
        own = select(Organisation.id).where(Organisation.name == "boxes")
        actor = acting_for(session.scalars(own).one())
        for _ in range(PAGE):
            audit.note(session, actor, "device-added", "box", {"labels": "x" * 16_000}, 1.8e9)
    answer = world.client("boxes").client.get("/audit")
    assert f">{'x' * MOST_CHARACTERS}...<" in answer.text
    assert len(answer.text) < 200_000


@pytest.mark.clause("TC-PLAT-87")
def test_the_chain_is_checked_on_demand_and_a_changed_entry_is_named(world: PageWorld) -> None:
    owner = world.client("boxes")
    page = owner.look("/audit/chain")
    with world.platform.database.reading() as session:
        whole = audit.verify_chain(session)
    assert f"Unbroken: entries 1 to {whole.entries} are as they were written" in page.text
    assert whole.sha256 in page.text
    with world.platform.database.transaction() as session:
        session.execute(update(AuditEntry).where(AuditEntry.number == 7).values(person="nobody"))
    text = owner.look("/audit/chain").text
    assert "Broken: entry 7 was changed. Entries 1 to 6 are unbroken" in text
    assert "Unbroken: entries 1 to 6" in owner.look("/audit/chain?last=6").text


@pytest.mark.clause("TC-PLAT-87")
def test_a_part_of_the_chain_follows_the_entry_before_it(world: PageWorld) -> None:
    with world.platform.database.transaction() as session:
        newest = audit.verify_chain(session).entries
        part = audit.verify_part(session, 1 << 30, 5)
        assert (part.first, part.last, part.problem) == (newest - 4, newest, "")
        assert audit.verify_part(session, 3, 5).first == 1
        before = session.get_one(AuditEntry, newest - 5)
        before.sha256 = "0" * 64
        session.flush()
        assert audit.verify_part(session, newest, 5).problem == (
            f"entry {newest - 4} does not follow the one before it"
        )
        session.delete(session.get_one(AuditEntry, newest - 2))
        session.flush()
        session.expire_all()
        part = audit.verify_part(session, newest, 3)
        assert (part.last, part.problem) == (
            newest - 3,
            f"entry {newest - 2} is missing; the next one is {newest - 1}",
        )


@pytest.mark.clause("TC-PLAT-87")
def test_a_release_shows_its_components_a_page_at_a_time(world: PageWorld) -> None:
    many = [{"name": f"part-{each:04}", "version": f"{each % 3}"} for each in range(150)]
    parties = world.rollouts.parties
    good(Sboms(parties).give(document(*many), 2))
    owner, path = world.client("boxes"), f"/releases/{BOX}/2/components"
    page = owner.look(path)
    assert "150 components" in page.text
    assert "part-0099" in page.text
    assert "part-0100" not in page.text
    (further,) = (each for each in page.values("a", "href") if "after=" in each)
    assert "part-0149" in owner.look(further).text
    (download,) = (each for each in page.values("a", "href") if each.startswith("/api/"))
    assert owner.client.get(download).content == document(*many)
    assert "/components?name=part-0001&version=1" in page.values("a", "href")
    assert "dev has not said" in owner.look(f"/releases/{BOX}/3/components").text


@pytest.mark.clause("TC-PLAT-87")
def test_the_most_frequent_components_are_shown_before_anybody_asks(world: PageWorld) -> None:
    good(Sboms(world.rollouts.parties).give(document(COAP, {**TLS, "version": "3.6.2"}), 2))
    text = world.client("boxes").look("/components").text
    assert "tls 2 2 coap 1 1" in text
    assert "tls" not in world.client("others").look("/components").text.replace("such as tls", "")
