"""What is in a release, which devices run it, and who learns of that."""

from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import select
from support.fleets import Fleet
from support.four_parties import BOX, FourParties, good, states
from support.platforms import PASSWORD, Platform, problem_of
from support.sboms import COAP, TLS, Sboms, document

from tinycontainer.network.platform.actor import PersonRight
from tinycontainer.network.platform.catalogue import sboms as sboms_of_releases
from tinycontainer.network.platform.people.organisation import (
    NewPerson,
    add_organisation,
    add_person,
)
from tinycontainer.network.platform.tables.catalogue import ReleaseRow
from tinycontainer_tokens import Role

OTHER_TLS = {**TLS, "version": "3.6.0"}
OTHERS = b"other".hex()


@pytest.fixture
def sboms(platform: Platform) -> Sboms:
    """A release that is begun, and nothing said of what is in it."""
    parties = FourParties(platform)
    parties.prepare()
    parties.begin()
    return Sboms(parties)


@pytest.fixture
def fleet(sboms: Sboms) -> Fleet:
    """Three devices of the owner."""
    found = Fleet(sboms.parties)
    found.devices(["box-1", "box-2", "box-3"], found.profile())
    return found


@pytest.fixture
def stranger(platform: Platform) -> Any:
    """The client of an organisation that is everything, and party to nothing of the four."""
    with platform.database.transaction() as session:
        others = add_organisation(session, "others", [*Role], 0.0)
        hashed = platform.parts.passwords.hash(PASSWORD)
        add_person(session, others, NewPerson("others-admin", hashed, PersonRight.ADMIN), 9, 0.0)
    return platform.client("others")


def in_release(number: int = 1, devices: int = 0) -> dict[str, Any]:
    """A release in an answer."""
    return {"uid": BOX, "number": number, "application": "Box", "devices": devices}


@pytest.mark.clause("TC-PLAT-45")
def test_all_parties_see_what_the_developer_says_of_a_release(sboms: Sboms) -> None:
    assert sboms.parties.show()["sbom"] is None
    assert sboms.of() == {"sha256": None, "components": []}
    content = document(TLS, COAP)
    digest = sha256(content).hexdigest()
    assert good(sboms.give(content))["sbom"] == {"sha256": digest, "components": 2}
    for role in Role:
        assert sboms.parties.show(role)["sbom"] == {"sha256": digest, "components": 2}
        assert sboms.of(role=role) == {"sha256": digest, "components": [TLS, COAP]}
        found = sboms.parties.client(role).get(f"/api/artefacts/{digest}")
        assert found.content == content


@pytest.mark.clause("TC-PLAT-45")
def test_another_document_takes_the_place_of_the_first(sboms: Sboms) -> None:
    first, other = document(TLS, COAP), document(OTHER_TLS)
    good(sboms.give(first))
    good(sboms.give(other))
    good(sboms.give(other))  # the same once more changes nothing
    assert sboms.of()["components"] == [OTHER_TLS]
    assert sboms.find(name="coap")["components"] == []
    digests = [sha256(each).hexdigest() for each in (first, other)]
    entries = good(sboms.parties.client(Role.DEVELOPER).get("/api/audit"))["entries"]
    added = [each for each in entries if each["deed"] == "sbom-added"]
    assert [each["subject"] for each in added] == [f"{BOX}/1"] * 2
    assert [each["detail"] for each in added] == [
        {"sha256": digests[0], "before": None, "components": 2},
        {"sha256": digests[1], "before": digests[0], "components": 1},
    ]
    owner = sboms.parties.client(Role.OWNER)
    assert owner.get(f"/api/artefacts/{digests[0]}").status_code == 404


@pytest.mark.clause("TC-PLAT-45")
def test_a_document_without_components_is_one_too(sboms: Sboms) -> None:
    good(sboms.give(document(TLS)))
    assert good(sboms.give(document()))["sbom"]["components"] == 0
    assert sboms.of()["components"] == []


@pytest.mark.clause("TC-PLAT-45")
def test_what_is_said_after_a_rollout_was_started_changes_no_token(platform: Platform) -> None:
    parties = FourParties(platform)
    parties.prepare()
    before = parties.complete()
    with platform.database.transaction() as session:
        session.scalars(select(ReleaseRow)).one().bundle_sha256 = "0" * 64
    shown = good(Sboms(parties).give(document(TLS)))
    assert states(shown) == states(before)
    assert set(states(shown).values()) == {"signed"}
    assert shown["completed_s"] == before["completed_s"]


@pytest.mark.clause("TC-PLAT-45")
@pytest.mark.parametrize("role", [Role.PROVIDER, Role.INFRASTRUCTURE, Role.OWNER])
def test_only_the_developer_says_what_is_in_a_release(sboms: Sboms, role: Role) -> None:
    answer = sboms.give(document(TLS), role=role)
    assert problem_of(answer, 403).endswith("is not the developer of this release")
    assert sboms.of()["sha256"] is None


@pytest.mark.clause("TC-PLAT-44", "TC-PLAT-45")
def test_a_wrong_document_is_refused_and_the_one_before_it_stays(sboms: Sboms) -> None:
    good(sboms.give(document(TLS)))
    before = sboms.of()
    answer = sboms.give(document(COAP, {"name": 1}))
    assert problem_of(answer, 400) == "sbom: components[1].name: is no text"
    long = document(COAP) + b" " * (1 << 20)
    assert problem_of(sboms.give(long), 400) == "sbom: document: is longer than 1048576 bytes"
    path, body = f"/api/releases/{BOX}/1/sbom", {"sha256": "0" * 64}
    developer = sboms.parties.client(Role.DEVELOPER)
    assert problem_of(developer.put(path, json=body), 404) == "there is no such artefact"
    assert sboms.of() == before


@pytest.mark.clause("TC-PLAT-45")
def test_the_artefact_of_another_party_is_none_of_the_developer(sboms: Sboms) -> None:
    digest = sboms.parties.keep(Role.PROVIDER, "sbom", document(TLS))
    developer = sboms.parties.client(Role.DEVELOPER)
    answer = developer.put(f"/api/releases/{BOX}/1/sbom", json={"sha256": digest})
    assert problem_of(answer, 404) == "there is no such artefact"


@pytest.mark.clause("TC-PLAT-44")
def test_the_releases_of_a_developer_have_a_bounded_number_of_components(
    sboms: Sboms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sboms_of_releases, "MOST_OF_ALL", 3)
    sboms.parties.begin(2)
    good(sboms.give(document(TLS, COAP)))
    good(sboms.give(document(OTHER_TLS, COAP)))  # in the place of two others
    good(sboms.give(document(TLS), number=2))
    answer = sboms.give(document(TLS, COAP), number=2)
    assert problem_of(answer, 409) == "the releases of a developer have at most 3 components"
    assert sboms.of(2)["components"] == [TLS]


@pytest.mark.clause("TC-PLAT-46")
@pytest.mark.usefixtures("fleet")
def test_components_are_found_with_their_releases_and_how_many_devices_run_these(
    sboms: Sboms,
) -> None:
    sboms.parties.begin(2)
    good(sboms.give(document(TLS, COAP)))
    good(sboms.give(document(COAP, OTHER_TLS), number=2))
    for device, number in (("box-1", 1), ("box-2", 2), ("box-3", 2)):
        sboms.report(device, number)
    both = [in_release(1, 1), in_release(2, 2)]
    for role in Role:  # also those who see no device learn how many there are
        assert sboms.find(role, name="coap") == {
            "components": [{**COAP, "releases": both}],
            "next": "",
        }
        assert sboms.find(role, name="tls")["components"] == [
            {**TLS, "releases": both[:1]},
            {**OTHER_TLS, "releases": both[1:]},
        ]
        assert sboms.find(role, purl=TLS["purl"], version="3.6.0")["components"] == [
            {**OTHER_TLS, "releases": both[1:]}
        ]


@pytest.mark.clause("TC-PLAT-46")
@pytest.mark.parametrize(
    ("asked", "is_found"),
    [
        ({"name": "tls"}, True),
        ({"name": "tls", "version": "3.6.1"}, True),
        ({"purl": "pkg:generic/tls@3.6.1"}, True),
        ({"name": "tls", "version": "3.6.1", "purl": "pkg:generic/tls@3.6.1"}, True),
        ({"name": "TLS"}, False),
        ({"name": "tl"}, False),
        ({"name": "tls "}, False),
        ({"name": "tl%"}, False),
        ({"name": "tls", "version": "3.6"}, False),
        ({"name": "tls", "version": ""}, False),
        ({"name": "tls", "version": "3.6.1", "purl": "pkg:generic/tls"}, False),
        ({"purl": "pkg:generic/TLS@3.6.1"}, False),
        ({"purl": "pkg:generic/tls"}, False),
        ({"name": "unsaid", "version": ""}, True),
    ],
)
@pytest.mark.usefixtures("fleet")
def test_all_that_is_asked_is_compared_exactly(
    sboms: Sboms, asked: dict[str, str], is_found: bool
) -> None:
    good(sboms.give(document(TLS, {"name": "unsaid"})))
    sboms.report("box-1", 1)
    assert len(sboms.find(**asked)["components"]) == is_found
    assert len(sboms.devices(**asked)["devices"]) == is_found


@pytest.mark.clause("TC-PLAT-46")
@pytest.mark.parametrize("path", ["/api/components", "/api/components/devices"])
def test_a_question_says_which_component_it_is_about(sboms: Sboms, path: str) -> None:
    client = sboms.parties.client(Role.OWNER)
    unsaid: list[dict[str, str]] = [{}, {"version": "1"}]
    for asked in unsaid:
        detail = "name or purl: one of them must say which component is meant"
        assert problem_of(client.get(path, params=asked), 400) == detail
    wrong: list[dict[str, str]] = [
        {"name": ""}, {"purl": ""}, {"name": "x" * 256}, {"name": "x", "version": "x" * 256},
        {"purl": "x" * 1025}, {"name": "x", "after": "/"},
    ]  # fmt: skip
    for asked in wrong:
        problem_of(client.get(path, params=asked), 400)


@pytest.mark.clause("TC-PLAT-46")
def test_components_come_in_pages_and_none_is_left_out(sboms: Sboms) -> None:
    versions = [f"1.{number}" for number in range(150)]
    content = document(*({"name": "x", "version": each} for each in versions))
    sboms.parties.begin(2)
    for number in (1, 2):
        good(sboms.give(content, number=number))
    found: list[tuple[str, int]] = []
    after = ""
    for is_last in (False, False, True):
        page = sboms.find(name="x", after=after)
        rows = [
            (each["version"], release["number"])
            for each in page["components"]
            for release in each["releases"]
        ]
        assert len(rows) == 100
        assert (page["next"] == "") is is_last
        found += rows
        after = page["next"]
    assert found == [(each, number) for number in (1, 2) for each in versions]


@pytest.mark.clause("TC-PLAT-47")
@pytest.mark.usefixtures("fleet")
def test_owner_and_infrastructure_learn_which_devices_have_a_component(sboms: Sboms) -> None:
    sboms.parties.begin(2)
    good(sboms.give(document(TLS)))
    good(sboms.give(document(OTHER_TLS), number=2))
    sboms.report("box-2", 1, state="SUSPENDED", at_s=9.0)
    sboms.report("box-1", 2)
    first = {"uid": BOX, "number": 1, "state": "SUSPENDED", "reported_s": 9.0}
    second = {"uid": BOX, "number": 2, "state": "RUNNING", "reported_s": 7.0}
    for role in (Role.OWNER, Role.INFRASTRUCTURE):
        assert sboms.devices(role, name="tls", version="3.6.1") == {
            "devices": [{"name": "box-2", "releases": [first]}],
            "next": "",
        }
        assert sboms.devices(role, name="tls")["devices"] == [
            {"name": "box-1", "releases": [second]},
            {"name": "box-2", "releases": [first]},
        ]


@pytest.mark.clause("TC-PLAT-47")
@pytest.mark.usefixtures("fleet")
def test_a_device_is_there_once_with_all_releases_that_have_the_component(sboms: Sboms) -> None:
    other = b"aaa".hex()
    developer = sboms.parties.client(Role.DEVELOPER)
    good(developer.post("/api/applications", json={"uid": other, "name": "Other"}))
    body = {
        "uid": other, "number": 5, "provider": "data", "infrastructure": "infra", "owner": "boxes",
    }  # fmt: skip
    good(developer.post("/api/releases", json=body))
    good(sboms.give(document(TLS, OTHER_TLS)))  # twice in one release
    digest = sboms.parties.keep(Role.DEVELOPER, "sbom", document(TLS))
    good(developer.put(f"/api/releases/{other}/5/sbom", json={"sha256": digest}))
    sboms.report("box-1", 1)
    sboms.report("box-1", 5, uid=other)
    (found,) = sboms.devices(name="tls")["devices"]
    assert [(each["uid"], each["number"]) for each in found["releases"]] == [(other, 5), (BOX, 1)]


@pytest.mark.clause("TC-PLAT-47")
def test_what_a_device_has_no_more_does_not_count(sboms: Sboms, fleet: Fleet) -> None:
    sboms.parties.begin(2)
    good(sboms.give(document(TLS)))
    sboms.report("box-1", 1)
    sboms.report("box-2", 1)
    sboms.report("box-1", 2)  # another release, of which nothing is said
    assert fleet.client().delete("/api/devices/box-2").status_code == 204
    assert sboms.devices(name="tls")["devices"] == []
    assert sboms.find(name="tls")["components"] == [{**TLS, "releases": [in_release(1, 0)]}]


@pytest.mark.clause("TC-PLAT-47")
def test_devices_come_in_pages_by_their_names(sboms: Sboms, fleet: Fleet) -> None:
    names = [f"many-{number:03}" for number in range(205)]
    fleet.devices(names, 1)
    good(sboms.give(document(TLS)))
    for name in names:
        sboms.report(name, 1)
    found, after = [], ""
    for following in ("many-099", "many-199", ""):
        page = sboms.devices(name="tls", after=after)
        assert page["next"] == following
        found += [each["name"] for each in page["devices"]]
        after = page["next"]
    assert found == names


@pytest.mark.clause("TC-PLAT-47")
@pytest.mark.usefixtures("fleet")
def test_developer_and_provider_learn_no_names_of_devices(sboms: Sboms) -> None:
    good(sboms.give(document(TLS)))
    sboms.report("box-1", 1)
    for role in (Role.DEVELOPER, Role.PROVIDER):
        assert sboms.devices(role, name="tls") == {"devices": [], "next": ""}
        assert sboms.find(role, name="tls")["components"][0]["releases"] == [in_release(1, 1)]


@pytest.mark.clause("TC-PLAT-09", "TC-PLAT-46", "TC-PLAT-47")
@pytest.mark.usefixtures("fleet")
def test_for_others_there_is_no_such_component(sboms: Sboms, stranger: Any) -> None:
    good(sboms.give(document(TLS)))
    sboms.report("box-1", 1)
    asked = {"name": "tls"}
    assert good(stranger.get("/api/components", params=asked)) == {"components": [], "next": ""}
    found = good(stranger.get("/api/components/devices", params=asked))
    assert found == {"devices": [], "next": ""}
    there, nowhere = (stranger.get(f"/api/releases/{BOX}/{each}/sbom") for each in (1, 2))
    assert problem_of(there, 404) == problem_of(nowhere, 404) == "there is no such release"
    digest = good(sboms.parties.client(Role.OWNER).get(f"/api/releases/{BOX}/1"))["sbom"]["sha256"]
    assert stranger.get(f"/api/artefacts/{digest}").status_code == 404


@pytest.mark.clause("TC-PLAT-47")
@pytest.mark.usefixtures("fleet")
def test_a_release_of_others_on_an_own_device_shows_nothing_of_what_is_in_it(
    sboms: Sboms, stranger: Any
) -> None:
    good(stranger.post("/api/applications", json={"uid": OTHERS, "name": "Other"}))
    parties = dict.fromkeys(("provider", "infrastructure", "owner"), "others")
    good(stranger.post("/api/releases", json={"uid": OTHERS, "number": 1, **parties}))
    content = document(TLS)
    digest = sha256(content).hexdigest()
    good(
        stranger.put(
            f"/api/artefacts/{digest}?kind=sbom",
            content=content,
            headers={"Content-Type": "application/octet-stream"},
        )
    )
    good(stranger.put(f"/api/releases/{OTHERS}/1/sbom", json={"sha256": digest}))
    sboms.report("box-1", 1, uid=OTHERS)
    assert sboms.devices(name="tls")["devices"] == []
    (shown,) = good(stranger.get("/api/components", params={"name": "tls"}))["components"]
    assert shown["releases"][0]["devices"] == 1
    found = good(stranger.get("/api/components/devices", params={"name": "tls"}))
    assert found["devices"] == []
