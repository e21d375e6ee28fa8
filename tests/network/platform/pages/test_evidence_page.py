"""What devices have said and proved, on pages: to each party what it may see, and no more."""

import re
from typing import Any

import pytest
from sqlalchemy import select, update
from support.four_parties import BOX, good
from support.house_pages import new_key
from support.platform_pages import DEVICES, PageWorld

from tinycontainer.network.platform.evidence.asking import EvidenceTrouble
from tinycontainer.network.platform.evidence.content import EvidenceKind
from tinycontainer.network.platform.evidence.views import kinds_shown
from tinycontainer.network.platform.tables.evidence import DeviceEventRow, DeviceEvidenceRow
from tinycontainer.network.platform.tables.fleet import DeviceRow
from tinycontainer.network.platform.web.pages.evidence import MOST_CHARACTERS, TROUBLES
from tinycontainer_tokens import Role

DEVICE = DEVICES[0]
COMMAND = f"tinycontainerctl platform evidence http://testserver {DEVICE} --key evidence.pub"


def prove(world: PageWorld, **values: Any) -> None:
    """Let the platform know something else of how far the device was proved."""
    with world.platform.database.transaction() as session:
        number = select(DeviceRow.id).where(DeviceRow.name == DEVICE).scalar_subquery()
        session.execute(
            update(DeviceEvidenceRow).where(DeviceEvidenceRow.device_id == number).values(**values)
        )


def give_key(world: PageWorld) -> None:
    """Give the device a key, as its owner."""
    path = f"/api/devices/{DEVICE}"
    good(world.platform.client("boxes").patch(path, json={"evidence_key": new_key()[0]}))


def rows_of(world: PageWorld, organisation: str, path: str = "/evidence") -> list[str]:
    """The events that an organisation sees on a page."""
    text = world.client(organisation).client.get(path).text
    found = re.findall(r'<tr id="event-[0-9]+">(.*?)</tr>', text, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in found]


@pytest.mark.clause("TC-PLAT-86")
def test_each_party_sees_events_as_far_as_they_are_its_business(unchanged: PageWorld) -> None:
    (owned, crashed), (operated, _) = rows_of(unchanged, "boxes"), rows_of(unchanged, "infra")
    assert owned.startswith(f"refused 2027-01-15T08:00:01Z {DEVICE} 2 box 1 token not proved")
    assert "load-refused" in owned
    assert "running to stopping" in crashed
    assert DEVICE in operated
    assert "load-refused" not in operated
    refused, _ = rows_of(unchanged, "dev")
    assert DEVICE not in refused
    assert re.search(r" [0-9a-f]{12} box 1 token not proved$", refused)
    (only,) = rows_of(unchanged, "data")
    assert only.startswith("crashed")
    assert rows_of(unchanged, "others") == []


@pytest.mark.clause("TC-PLAT-86")
def test_the_page_says_what_each_party_sees(unchanged: PageWorld) -> None:
    text = unchanged.client("dev").look("/evidence").text
    assert "developer, you refused, crashed and undone of its containers" in text
    for role in (Role.DEVELOPER, Role.PROVIDER):
        line = text.partition(f"{role.value}")[2].partition("; no device by its name")[0]
        for kind in EvidenceKind:
            assert (kind.value in line) == (kind in kinds_shown(role)), (role, kind)


def test_events_are_filtered(unchanged: PageWorld) -> None:
    for query, count in (
        ("kind=crashed", 1),
        ("kind=started", 0),
        (f"device={DEVICE}", 2),
        (f"device={DEVICES[1]}", 0),
        ("container=box", 2),
        ("container=other", 0),
        (f"device={DEVICE}&container=box&kind=refused", 1),
        ("before=1", 0),
    ):
        assert len(rows_of(unchanged, "boxes", f"/evidence?{query}")) == count, query


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("kind=nothing", 400, "kind: "),
        ("device=nobody", 404, "no such device"),
        ("device=%3Cb%3E", 400, "device: "),
        ("container=hex:0", 400, "container: "),
    ],
)
def test_a_filter_that_means_nothing_is_refused_on_the_page(
    unchanged: PageWorld, query: str, status: int, word: str
) -> None:
    page = unchanged.client("boxes").look(f"/evidence?{query}", status)
    assert word in page.text
    assert "Show all" in page.text


def test_a_party_without_devices_cannot_ask_for_one(unchanged: PageWorld) -> None:
    page = unchanged.client("dev").look(f"/evidence?device={DEVICE}", 404)
    assert "no such device" in page.text
    assert "device" not in page.fields
    assert "No device is here" in unchanged.client("dev").look("/evidence/devices").text


@pytest.mark.clause("TC-PLAT-86")
def test_how_far_a_device_is_proved_and_how_it_is_checked_elsewhere(world: PageWorld) -> None:
    owner = world.client("boxes")
    assert "no key 4" in owner.look("/evidence").text
    assert COMMAND not in owner.look(f"/evidence?device={DEVICE}").text
    give_key(world)
    assert "not proved 1 no key 3" in owner.look("/evidence").text
    prove(world, proved_number=7, proved_chain=bytes(32), stated_s=1_800_000_000.0)
    page = world.client("infra").look(f"/evidence?device={DEVICE}")
    assert "proved up to event 7, stated 2027-01-15T08:00:00Z" in page.text
    assert COMMAND in page.text
    (download,) = (each for each in page.values("a", "href") if each.startswith("/api/"))
    assert good(owner.client.get(download))["device"] == DEVICE
    listed = owner.look("/evidence/devices?state=proved")
    assert f"/evidence?device={DEVICE}" in listed.values("a", "href")
    assert f"/evidence?device={DEVICES[1]}" not in listed.values("a", "href")


@pytest.mark.clause("TC-PLAT-86")
@pytest.mark.parametrize("trouble", EvidenceTrouble)
def test_what_does_not_fit_is_said_in_words_until_it_fits_again(
    world: PageWorld, trouble: EvidenceTrouble
) -> None:
    owner = world.client("boxes")
    give_key(world)
    prove(world, problem=trouble.value, problem_detail="event 9: why", problem_s=1_800_000_000.0)
    for path in ("/evidence", "/evidence/devices?state=trouble", f"/evidence?device={DEVICE}"):
        assert TROUBLES[trouble] in owner.look(path).text, path
    assert "event 9: why" in owner.look(f"/evidence?device={DEVICE}").text
    assert "trouble 1" in owner.look("/evidence").text
    prove(world, problem_until_s=1_800_000_060.0)
    assert TROUBLES[trouble] not in owner.look("/evidence").text
    text = owner.look(f"/evidence?device={DEVICE}").text
    assert f"last trouble, over {TROUBLES[trouble]}" in text
    assert "until 2027-01-15T08:01:00Z" in text


@pytest.mark.clause("TC-PLAT-86")
def test_long_words_are_cut_and_events_go_on_where_their_page_ends(world: PageWorld) -> None:
    words = b'{"event":"' + b'"' * 1000 + b'"}'
    with world.platform.database.transaction() as session:
        number = session.scalar(select(DeviceRow.id).where(DeviceRow.name == DEVICE))
        session.add_all(
            DeviceEventRow(
                device_id=number, series=1, number=each, content=words, previous_chain=bytes(32),
                is_proved=False, kind="crashed", uid=bytes.fromhex(BOX), at_s=each, release_id=1,
            )
            for each in range(3, 203)
        )  # fmt: skip
    owner = world.client("boxes")
    answer = owner.client.get("/evidence")
    assert len(answer.content) < 200_000
    assert "&#34;" * (MOST_CHARACTERS + 1) not in answer.text
    assert len(rows_of(world, "boxes")) == 100
    following = [each for each in owner.look("/evidence").values("a", "href") if "before=" in each]
    assert len(rows_of(world, "boxes", following[0])) == 100
