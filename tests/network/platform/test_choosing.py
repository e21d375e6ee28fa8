"""Which devices are meant: in the database the same ones as the query itself says."""

import random
from collections.abc import Iterator
from typing import Final

import pytest
from sqlalchemy import select
from support.four_parties import BOX, good
from support.platforms import made_platform
from support.rollouts import GATEWAY, Rollouts

from tinycontainer.network.platform.tables.catalogue import ReleaseRow
from tinycontainer.network.platform.tables.fleet import DeviceRow
from tinycontainer.network.platform.tables.rollouts import DeviceContainerRow
from tinycontainer.tools.rollouts import Candidate, parse_query
from tinycontainer.tools.rollouts.query_text import MAX_QUERY_DEPTH, MAX_QUERY_TERMS
from tinycontainer_tokens import Role

KINDS: Final = ("box", "Box", "gate", "b")
GROUPS: Final = ("", "north", "north 2")
LABELS: Final[tuple[dict[str, str], ...]] = (
    {},
    {"site": "paris"},
    {"site": ""},
    {"site": 'a"b\\c%_', "x.y-z": "1"},
    {"x.y-z": "12", "site": "Paris"},
)
VERSIONS: Final = (None, 1, 2)
TERMS: Final = (
    "kind=box", "kind!=box", "kind=b*", "kind=*", "kind!=*", "name=d-0*", "name=d-07",
    "group=north", 'group="north 2"', 'group=""', 'group!=""', "label.site=paris",
    "label.site!=paris", "label.site=*", "label.site!=*", 'label.site=""', "label.x.y-z=1",
    "label.x.y-z=1*", "label.nothing=*", "label.nothing!=a",
    'label.site="a\\"b\\\\c%_"', 'label.site="a\\"b"*',
    'label.site="%"', 'label.site="_"*', "version=none", "version!=none", "version=1",
    "version!=1", "version<2", "version<=1", "version>1", "version>=2", "version<99",
    f"version={2**64 - 1}", f"version!={2**64 - 1}", f"version<{2**64 - 1}",
    f"version>={2**63}", f"version<={2**63 - 1}", f"version>{2**63 - 1}",
)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rollouts]:
    """Devices with all sorts of kinds, groups, labels and running versions."""
    folder = tmp_path_factory.mktemp("choosing")
    with made_platform(folder, gateways={GATEWAY: "infra"}) as platform:
        found = Rollouts(platform)
        found.prepare(2)
        found.add_devices([f"d-{number:02}" for number in range(60)], is_connected=False)
        with platform.database.transaction() as session:
            releases = {row.number: row for row in session.scalars(select(ReleaseRow))}
            for number, row in enumerate(session.scalars(select(DeviceRow)).all()):
                row.kind = KINDS[number % len(KINDS)]
                row.group = GROUPS[number % len(GROUPS)]
                row.labels = LABELS[number % len(LABELS)]
                version = VERSIONS[number // 2 % len(VERSIONS)]
                session.add(
                    DeviceContainerRow(
                        device_id=row.id,
                        application_id=releases[1].application_id,
                        desired_release_id=releases[1].id,
                        reported_release_id=None if version is None else releases[version].id,
                        reported_state="READY",
                        reported_exit="",
                    )
                )
        yield found


def candidates(world: Rollouts, *, has_versions: bool) -> list[Candidate]:
    """The devices as queries see them."""
    query = (
        select(DeviceRow, ReleaseRow.number)
        .outerjoin(DeviceContainerRow, DeviceContainerRow.device_id == DeviceRow.id)
        .outerjoin(ReleaseRow, ReleaseRow.id == DeviceContainerRow.reported_release_id)
        .order_by(DeviceRow.name)
    )
    with world.platform.database.reading() as session:
        return [
            Candidate(row.name, row.kind, row.group, row.labels, number if has_versions else None)
            for row, number in session.execute(query)
        ]


def queries() -> list[str]:
    """Each term, and some that are made of them at random."""
    draw = random.Random(7)
    found = ["", *TERMS, *(f"not {each}" for each in TERMS)]
    for _ in range(60):
        one, two, three = draw.sample(TERMS, 3)
        first, second = draw.choice(("and", "or")), draw.choice(("and", "or"))
        found.append(f"{draw.choice(('', 'not '))}({one} {first} not {two}) {second} {three}")
    for form in ("(version<2 or kind=b and {})", "(label.site!=a and {} or version=1)"):
        nested = "name=d-07"
        for _ in range(MAX_QUERY_DEPTH):
            nested = form.format(nested)
        found.append(nested)
    return [*found, " or ".join(f"label.x{number}=1" for number in range(MAX_QUERY_TERMS))]


@pytest.mark.clause("TC-PLAT-70")
@pytest.mark.parametrize("uid", [None, BOX])
def test_the_database_finds_the_devices_that_a_query_matches(
    world: Rollouts, uid: str | None
) -> None:
    client = world.parties.client(Role.OWNER)
    those = candidates(world, has_versions=uid is not None)
    sizes = set()
    for text in queries():
        wanted = [each.name for each in those if parse_query(text).matches(each)]
        asked = {"query": text} if uid is None else {"query": text, "uid": uid}
        found = good(client.get("/api/devices", params=asked))["devices"]
        assert [each["name"] for each in found] == wanted, text
        assert good(client.get("/api/devices/summary", params=asked))["devices"] == len(wanted)
        more = {**asked, "uid": BOX, "wanted": "1"}
        assert client.get("/api/fleet/running", params=more).status_code == 200
        sizes.add(len(wanted))
    assert len(sizes) > 10


@pytest.mark.clause("TC-PLAT-70")
@pytest.mark.parametrize(
    "asked",
    [
        {"query": "kind"},
        {"state": "well"},
        {"wanted": "-1"},
        {"wanted": str(2**63)},
        {"uid": "xyz"},
        {"uid": "ABCD"},
        {"profile": "0"},
        {"rollout": str(2**31)},
        {"connected": "perhaps"},
        {"silent_s": "-1"},
        {"silent_s": "1e9"},
        {"reason": "a" * 65},
    ],
)
def test_what_cannot_be_meant_is_refused(world: Rollouts, asked: dict[str, str]) -> None:
    client = world.parties.client(Role.OWNER)
    for path in ("/api/devices", "/api/devices/summary", "/api/fleet/running", "/devices"):
        answer = client.get(path, params=asked)
        assert answer.status_code in (400, 422), (path, answer.text)
