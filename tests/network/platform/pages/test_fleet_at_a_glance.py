"""The first page and the list of devices: every count is a link to exactly these devices."""

import re
from html import unescape
from typing import Final

import pytest
from sqlalchemy import insert, select, update
from support.four_parties import BOX
from support.platform_pages import DEVICES, STRANGER, PageClient, PageWorld

from tinycontainer.network.platform.tables.catalogue import ReleaseRow
from tinycontainer.network.platform.tables.fleet import DeviceRow
from tinycontainer.network.platform.tables.rollouts import DeviceContainerRow

_LINK: Final = re.compile(r'<a href="(/devices(?:\?[^"]*)?)"[^>]*>([^<]*)</a>(?: <b>(\d+)</b>)?')
_PART: Final = re.compile(r'<a href="(/devices\?[^"]*)" tabindex="-1"><rect')
MANY: Final = 30
"""Devices, each in a group of its own, which is to run a version of its own."""


def counts(client: PageClient, path: str) -> dict[str, int]:
    """How many devices each link to a list promises."""
    html = client.client.get(path).text
    found = {}
    for where, words, beside in _LINK.findall(html):
        number = beside or re.search(r"\d+", words)
        if number:
            found[unescape(where)] = int(beside or re.findall(r"\d+", words)[0])
    return found


def listed(client: PageClient, path: str) -> int:
    """How many devices a list has."""
    found = re.search(r"\b(\d+) devices?\b", client.look(path).text)
    return int(found[1]) if found else 0


def add_many(world: PageWorld) -> None:
    """Put devices into the database which differ in everything."""
    with world.platform.database.transaction() as session:
        like = session.scalars(select(DeviceRow).order_by(DeviceRow.id).limit(1)).one()
        release = session.scalars(select(ReleaseRow).order_by(ReleaseRow.number).limit(1)).one()
        copied = {each.key: getattr(release, each.key) for each in ReleaseRow.__table__.columns}
        rows = [{**copied, "id": 1000 + number, "number": 1000 + number} for number in range(MANY)]
        session.execute(insert(ReleaseRow), rows)
        for number in range(MANY):
            device = DeviceRow(
                organisation_id=like.organisation_id,
                infrastructure_id=like.infrastructure_id,
                name=f"many-{number:02}",
                kind=f"kind {number}",
                group=f"group {number}",
                labels={},
                profile_id=like.profile_id,
                takes_updates=False,
                created_s=0.0,
            )
            session.add(device)
            session.flush()
            session.add(
                DeviceContainerRow(
                    device_id=device.id,
                    application_id=release.application_id,
                    desired_release_id=1000 + number,
                    reported_release_id=1000 + number // 2,
                    reported_state="RUNNING",
                    reported_exit="",
                )
            )


@pytest.mark.clause("TC-PLAT-69", "TC-PLAT-70")
@pytest.mark.parametrize("organisation", ["boxes", "infra"])
def test_every_count_of_the_first_page_leads_to_exactly_these_devices(
    unchanged: PageWorld, organisation: str
) -> None:
    client = unchanged.client(organisation)
    promised = counts(client, "/")
    assert len(promised) >= 7
    assert {path: listed(client, path) for path in promised} == promised
    parts = _PART.findall(client.client.get("/").text)
    assert len(parts) == 2
    assert {unescape(each) for each in parts} <= set(promised)


@pytest.mark.clause("TC-PLAT-70")
def test_filters_combine_and_each_says_how_many_devices_it_leaves(world: PageWorld) -> None:
    add_many(world)
    client = world.client("boxes")
    first = counts(client, "/devices")
    assert f"/devices?uid={BOX}" not in first, "all have it"
    seen = dict(first)
    for path in [*first, f"/devices?uid={BOX}", f"/devices?uid={BOX}&connected=no"]:
        seen |= counts(client, path)
    assert len(seen) > 40
    assert {path: listed(client, path) for path in seen} == seen


REMOVED: Final = r'href="([^"]*)">Remove<span class="unseen"> ([^<]*)</span>'


@pytest.mark.clause("TC-PLAT-70")
def test_a_filter_is_shown_and_can_be_removed(unchanged: PageWorld) -> None:
    client = unchanged.client("boxes")
    query = 'kind=box and (group=north or label.keys="old")'
    page = client.client.get("/devices", params={"query": query, "uid": BOX, "state": "failed"})
    removed = re.findall(REMOVED, page.text)
    assert [unescape(words) for _, words in removed] == [
        "kind=box", "group=north or label.keys=old", "container box", "failed",
    ]  # fmt: skip
    assert [listed(client, unescape(path)) for path, _ in removed] == [2, 2, 2, 4]
    for path, words in removed:
        left = re.findall(REMOVED, client.client.get(unescape(path)).text)
        assert words not in [each for _, each in left]


@pytest.mark.clause("TC-PLAT-70")
def test_what_was_chosen_stays_when_somebody_writes_a_query(unchanged: PageWorld) -> None:
    path = f"/devices?uid={BOX}&wanted=1&state=failed&connected=yes"
    fields = unchanged.client("boxes").look(path).fields
    fields.pop("csrf", None)
    assert fields == {
        "query": "", "uid": BOX, "wanted": "1", "state": "failed", "connected": "yes",
    }  # fmt: skip


@pytest.mark.clause("TC-PLAT-70")
def test_devices_of_a_container_are_shown_with_what_they_run(unchanged: PageWorld) -> None:
    text = unchanged.client("boxes").look(f"/devices?uid={BOX}").text
    assert f"{DEVICES[0]} 1 1 running box north" in text
    assert f"{DEVICES[2]} 1 none failed box" in text


@pytest.mark.clause("TC-PLAT-69", "TC-PLAT-70")
def test_there_is_no_long_list_of_versions_kinds_or_groups(world: PageWorld) -> None:
    add_many(world)
    client = world.client("boxes")
    text = client.look("/").text
    assert f"{MANY + 1 - 5} other versions" in text
    promised = counts(client, "/")
    assert {path: listed(client, path) for path in promised if "wanted" in path} == {
        path: count for path, count in promised.items() if "wanted" in path
    }
    assert f"{MANY + 1 - 8} others" in client.look("/devices").text
    assert len(counts(client, f"/devices?uid={BOX}")) < 50


@pytest.mark.clause("TC-PLAT-69")
def test_the_first_page_says_what_waits_for_whom(unchanged: PageWorld) -> None:
    numbers = unchanged.numbers
    owner = unchanged.client("boxes").look("/")
    assert "Waits for boxes 5" in owner.text
    assert f"Grant or refuse rental {numbers['rental']} of dev" in owner.text
    assert f"infra decide on halted rollout {numbers['halted']}" in owner.text
    operator = unchanged.client("infra").look("/")
    assert "Waits for infra 1" in operator.text
    assert f"Decide on rollout {numbers['halted']}" in operator.text
    assert "grant or refuse" not in operator.text
    developer = unchanged.client("dev").look("/")
    assert f"boxes grant or refuse rental {numbers['rental']}" in developer.text
    assert f"/rentals/{numbers['rental']}" in developer.values("a", "href")
    assert "halted" not in developer.text


@pytest.mark.clause("TC-PLAT-69")
def test_who_is_party_to_nothing_sees_nothing_on_the_first_page(unchanged: PageWorld) -> None:
    page = unchanged.client(STRANGER).look("/")
    assert "Waits for other organisations" not in page.text
    assert "box" not in page.text
    assert not any("uid=" in each for each in page.values("a", "href"))


@pytest.mark.clause("TC-PLAT-69")
def test_each_party_is_told_which_part_of_a_release_it_holds_up(world: PageWorld) -> None:
    world.rollouts.parties.begin(7)
    text = world.client("dev").look("/").text
    assert "Add code of" in text
    assert "data add data of" in text
    text = world.client("data").look("/").text
    assert "Add data of" in text
    assert "dev add code of" in text


@pytest.mark.clause("TC-PLAT-69")
def test_what_has_just_gone_wrong_leads_to_the_devices_and_the_rollout(world: PageWorld) -> None:
    number = world.numbers["halted"]
    client = world.client("infra")
    assert "token 2" in client.look("/").text
    found = client.look(f"/devices?rollout={number}&reason=token").values("a", "href")
    assert {f"/devices/{each}" for each in DEVICES} & set(found) == {
        f"/devices/{each}" for each in DEVICES[2:]
    }
    with world.platform.database.transaction() as session:
        session.execute(
            update(DeviceRow).where(DeviceRow.name != DEVICES[0]).values(group='a "b" \\c')
        )
    numbers = counts(client, "/devices?query=kind=box")
    assert [n for path, n in numbers.items() if "group%3D%22a" in path] == [len(DEVICES) - 1]
    assert {path: listed(client, path) for path in numbers} == numbers
