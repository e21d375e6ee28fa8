"""Four people go the whole way in a browser: from an application to a right that is taken back."""

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support.browsers import PHONE, RealBrowser
from support.four_people import Camera, PersonAtPages, enter
from support.served_demo import ServedDemo, serving_demo

from tinycontainer.network.platform.demo.desk import example
from tinycontainer.network.platform.demo.story_releases import CALLS
from tinycontainer_tokens import Role

CODE = example("courier/courier.wasm")
DATA = example("courier/courier.data")
SBOM = json.dumps(
    {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [
            {"name": "tinycontainer-sdk", "version": "1.2.0"},
            {"name": "picolibc", "version": "1.8.6"},
        ],
    }
).encode()
UID = b"parcel".hex()
SILENT = "box03"
"""Is not connected while the rollout begins, which so cannot end before it is paused."""
People = dict[Role, PersonAtPages]


@pytest.fixture
def demo(tmp_path: Path, browser: RealBrowser) -> Iterator[ServedDemo]:
    """The demo as people start it."""
    place = tmp_path / "demo"
    place.mkdir()
    with serving_demo(place) as found:
        yield found
        browser.close()  # streams end with it


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    """Keeps pictures, in a folder that stays if somebody wants them."""
    folder = Path(os.environ.get("TINYCONTAINER_TEST_PICTURES") or tmp_path / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return Camera(folder)


@pytest.mark.clause("TC-PLAT-67", "TC-PLAT-68", "TC-PLAT-78")
def test_four_people_go_the_whole_way_and_no_request_has_a_private_key(
    demo: ServedDemo, browser: RealBrowser, camera: Camera
) -> None:
    people = enter(demo, browser)
    bring_contents(people)
    sign_all(people, camera)
    draft_and_start(people[Role.INFRASTRUCTURE], camera)
    steer(people, camera)
    device = watch_device(people[Role.OWNER])
    read_evidence(people[Role.OWNER], camera)
    rent_out(people, camera)
    take_back(people, device, camera)
    require_no_key(demo, browser)
    assert browser.errors == []


def bring_contents(people: People) -> None:
    """Each brings what is theirs; it comes to the first page of the others by itself."""
    ada, bea, carl, dora = (people[role] for role in Role)
    ada.follow("/releases")
    ada.follow("/releases/begin")
    ada.fill(new_uid="parcel", name="Parcel")
    ada.press("/applications")
    ada.select(uid=UID, provider="weather", infrastructure="grid", owner="boxes")
    ada.press("/releases/begin")
    ada.has_come_to("Parcel 1")
    add_code(ada, "Parcel 1")
    ada.follow("/sbom")
    ada.choose(SBOM, "sbom.json")
    ada.press("/sbom")
    ada.sees("#lane-developer", "2 components")
    for each in (bea, carl, dora):
        each.follow(f"/releases/{UID}/1")
        each.has_come_to("Parcel 1")
    bea.follow("/data")
    bea.choose(DATA, "courier.data")
    bea.press("/data")
    bea.has_come_to("Parcel 1")
    carl.sees("#lane-provider", "sha256")
    carl.follow("/plan")
    carl.fill(priority="6", start_max_duration_ms="1000", loop_max_duration_ms="100")
    carl.fill(**{"loop_period_ms": "500", "id-0": "1", "peer_endpoint-0": "10"})
    carl.press("/plan")
    carl.has_come_to("Parcel 1")
    dora.sees("#lane-infrastructure", "1 (local, in)")
    dora.follow("/rights")
    expect(dora.page.locator("input[name^=call-]:checked")).to_have_count(len(CALLS))
    dora.press("/rights")
    dora.has_come_to("Parcel 1")


def add_code(ada: PersonAtPages, release: str) -> None:
    """As the developer: bring the code, and say which calls it asks for."""
    ada.follow("/code")
    ada.choose(CODE, "courier.wasm")
    ada.tick(*CALLS)
    ada.press("/code")
    ada.has_come_to(release)


def sign_all(people: People, camera: Camera) -> None:
    """Each signs in the page; all see it at once."""
    ada, bea, carl, dora = (people[role] for role in Role)
    ada.sees("#lane-owner", "allows")
    ada.sign("code")
    bea.sees("#lane-developer", "by ada")
    bea.sign("data")
    dora.sees("#lane-developer", "by ada")
    dora.sees("#lane-provider", "by bea")
    dora.sees("#sign-mask", "heartbeat")
    camera.take("release", dora.page, ("header", ".lanes"))
    dora.open_signing("mask")
    camera.take("sign", dora.page, ("#sign-mask",))
    dora.sign("mask")
    dora.sign("endpoint-1")
    carl.sign("metadata")
    ada.sees("h1 + .facts", "complete")


def draft_and_start(carl: PersonAtPages, camera: Camera) -> None:
    """As infrastructure: leave one box out of reach, see what all would say, and start."""
    release = carl.beside()
    carl.follow("/devices")
    carl.follow(f"/devices/{SILENT}")
    carl.follow(f"/enrolling/{SILENT}")
    carl.press(f"/enrolling/{SILENT}/disconnect")
    carl.has_come_to(SILENT)
    release.follow("/rollout")
    release.page.locator("form details summary").click()
    release.fill(name="all boxes", strata="label.keys", waves="50 100")
    release.fill(success_per_cent="80", halt_per_cent="50", halt_minimum="3")
    release.sees("#preview", "12 devices")
    release.press("/rollout")
    release.follow("/judgement")
    release.sees(".next", "10 of 12 devices would take the release.")
    release.sees("main section:nth-of-type(2)", "box11", "box12")
    camera.take("judgement", release.page, ("header", "main section:nth-of-type(2)"))
    release.fill(despite="2")
    release.press("/start")
    release.sees("h1", "all boxes")
    carl.follow("/rollouts")
    carl.follow("/rollouts/1")


def steer(people: People, camera: Camera) -> None:
    """Infrastructure pauses and resumes; the owner sees all of it without loading anything."""
    carl, dora = people[Role.INFRASTRUCTURE], people[Role.OWNER]
    dora.follow("/rollouts")
    dora.follow("/rollouts/1")
    dora.sees("h1", "all boxes")
    dora.mark()
    done = dora.page.locator(".course li[data-kind=done] b")
    expect(done).to_have_text(re.compile("[4-9]"))
    carl.press("/pause")
    dora.sees("h1 + .facts", "paused")
    box = carl.beside()
    box.follow("/devices")
    box.follow(f"/devices/{SILENT}")
    box.follow(f"/enrolling/{SILENT}")
    box.fill(endpoint=SILENT)
    box.press(f"/enrolling/{SILENT}/connect")
    box.has_come_to(SILENT)
    carl.sees("h1 + .facts", "paused")
    camera.take("rollout", carl.page, ("header", ".waves"))
    carl.press("/resume")
    dora.sees("h1 + .facts", "done")
    expect(done).to_have_text("10")
    assert dora.has_not_loaded()


def watch_device(dora: PersonAtPages) -> PersonAtPages:
    """As the owner: look at a box that runs it."""
    box = dora.beside()
    box.follow("/rollouts/1/devices")
    box.follow("/devices/box01")
    box.has_come_to("box01")
    box.mark()
    box.sees("#runs article", "parcel", "RUNNING", "as it is to be", "Signatures of release 1")
    expect(box.page.locator("#runs")).to_contain_text(re.compile(r"[1-9]\d* loops"))
    expect(box.page.locator("#minute rect.running").first).to_be_attached()
    return box


def read_evidence(dora: PersonAtPages, camera: Camera) -> None:
    """As the owner: read what boxes have signed of it."""
    dora.follow("/evidence")
    dora.fill(container="parcel")
    dora.press("/evidence")
    proved = dora.page.get_by_role("cell", name="proved", exact=True)
    row = dora.page.get_by_role("row").filter(has_text="started").filter(has=proved)
    expect(row.first).to_contain_text("parcel")
    camera.take("evidence", dora.page, ("header", "tbody tr:nth-of-type(3)"))


def rent_out(people: People, camera: Camera) -> None:
    """The owner offers boxes, the developer asks for them, and the owner grants it."""
    ada, _, carl, dora = (people[role] for role in Role)
    dora.follow("/offers")
    dora.follow("/offers/new")
    dora.fill(name="boxes in the south", query="label.site=south", endpoints="local 10 in")
    dora.fill(period_ms="500", share_per_cent="20", days="1")
    dora.tick(*CALLS)
    dora.page.locator("button[formaction$='/count']").click()
    dora.sees(".note", "It means 5 devices now.")
    dora.press("/offers")
    dora.has_come_to("Offer 1 boxes in the south")
    ada.press("/next")
    ada.has_come_to("Parcel 2")
    add_code(ada, "Parcel 2")
    carl.follow("/releases")
    carl.follow(f"/releases/{UID}/2")
    carl.press("/plan/before")
    carl.sees("#lane-infrastructure", "1 (local, in)")
    ada.follow("/offers")
    ada.follow("/offers/1")
    now = datetime.now(UTC)
    begin, end = (each.strftime("%Y-%m-%dT%H:%M") for each in (now, now + timedelta(hours=2)))
    ada.select(release=f"{UID}/2")
    ada.fill(**{"from": begin, "until": end})
    ada.press("/offers/1/rentals")
    ada.has_come_to("Rental 1")
    dora.follow("/rentals")
    dora.follow("/rentals/1")
    dora.sees("main", "heartbeat, open, read, write")
    dora.press("/grant")
    ada.sees("h1 + .facts", "granted")
    dora.open_signing("rights", "withdraw")
    camera.take("rental", dora.page, ("header", "#withdraw-here-rights"))


def take_back(people: People, device: PersonAtPages, camera: Camera) -> None:
    """The owner takes all rights of the application back, and sees the box lose it."""
    ada, dora = people[Role.DEVELOPER], people[Role.OWNER]
    device.sees("#runs article", "RUNNING")
    camera.take("device", device.page, ("header", "#minute"))
    dora.sign("rights", "withdraw")
    dora.sees("h1 + .facts", "withdrawn")
    ada.sees("h1 + .facts", "withdrawn")
    device.sees("#runs article", "gone, as it is to be")
    device.sees("#minute", "not there")
    assert device.has_not_loaded()
    device.page.set_viewport_size({"width": PHONE, "height": 844})
    device.page.emulate_media(color_scheme="dark")
    camera.take("phone", device.page, ("header", "#minute"))
    dora.follow("/audit")
    dora.sees("tbody", "offer made", "rental granted", "rights withdrawn")


def require_no_key(demo: ServedDemo, browser: RealBrowser) -> None:
    """Require that no private key is in what was sent, heard and kept; the public ones are."""
    sent = [
        f"{each.method} {each.url} {each.headers}".encode() + each.body for each in browser.requests
    ]
    keys = demo.private_keys()
    assert len(keys) == 5 + len(demo.files.yard.names)
    found = {path: demo.places_of(key.secret or b"", sent) for path, key in keys.items()}
    assert [path for path, places in found.items() if places] == []
    for person in demo.files.people.values():
        public = keys[str(person.key_file)].public
        assert demo.places_of(public, sent) == ["heard", "kept"], person.name
    assert all(content in demo.heard.content for content in (CODE, DATA, SBOM))
