"""Four people go the whole way in a browser: from an application to a right that is taken back."""

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
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


def test_four_people_go_the_whole_way_and_no_request_has_a_private_key(
    demo: ServedDemo, browser: RealBrowser, camera: Camera
) -> None:
    people = enter(demo, browser)
    bring_contents(people)
    sign_all(people, camera)
    draft_and_start(people[Role.INFRASTRUCTURE], camera)
    steer(people, camera)
    device = watch_device(people[Role.OWNER], camera)
    read_evidence(people[Role.OWNER], camera)
    rent_out(people, camera)
    take_back(people, device, camera)
    require_no_key(demo, browser)
    assert browser.errors == []


def bring_contents(people: People) -> None:
    """Each brings what is theirs; nothing is sent but forms and files."""
    ada, bea, carl, dora = (people[role] for role in Role)
    ada.follow("Releases")
    ada.follow("Begin a release")
    ada.fill(new_uid="parcel", name="Parcel")
    ada.press("Add it")
    ada.select(uid=b"parcel".hex(), provider="weather", infrastructure="grid", owner="boxes")
    ada.press("Begin it")
    ada.has_come_to("Parcel 1")
    add_code(ada, "Parcel 1")
    ada.follow("Say what is inside")
    ada.choose(SBOM, "sbom.json")
    ada.press("Add it to the release")
    ada.sees("#lane-developer", "2 components")
    for each in (bea, carl, dora):  # what waits for them is on their first page by itself
        each.follow({bea: "Add data of Parcel 1", carl: "Add metadata of Parcel 1"}.get(each) or "Add mask of Parcel 1")
        each.has_come_to("Parcel 1")
    bea.follow("Add the data")
    bea.choose(DATA, "courier.data")
    bea.press("Add it to the release")
    bea.has_come_to("Parcel 1")
    carl.follow("Write the plan")
    carl.fill(priority="6", start_max_duration_ms="1000", loop_period_ms="500")
    carl.page.locator("[name=loop_max_duration_ms]").fill("100")
    carl.page.locator("[name=id-0]").fill("1")
    carl.page.locator("[name=peer_endpoint-0]").fill("10")
    carl.press("Add it to the release")
    carl.has_come_to("Parcel 1")
    dora.follow("Allow calls")
    assert dora.page.locator("input[type=checkbox]:checked").count() == len(CALLS)
    dora.press("Allow this")
    dora.has_come_to("Parcel 1")


def add_code(ada: PersonAtPages, release: str) -> None:
    """As the developer: bring the code, and say which calls it asks for."""
    ada.follow("Add the code")
    ada.choose(CODE, "courier.wasm")
    ada.tick(*CALLS)
    ada.press("Add it to the release")
    ada.has_come_to(release)


def sign_all(people: People, camera: Camera) -> None:
    """Each signs in the page; all see it at once."""
    ada, bea, carl, dora = (people[role] for role in Role)
    ada.sign("code")
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
    release = carl.page.url
    carl.follow("Devices")
    carl.follow(SILENT)
    carl.follow("change")
    carl.press("Disconnect")
    carl.sees(".facts", "not connected")
    carl.page.goto(release)
    carl.follow("Draft a rollout")
    carl.page.get_by_text("More: shares").click()
    carl.fill(name="all boxes", strata="label.keys", waves="50 100")
    carl.fill(success_per_cent="80", halt_per_cent="50", halt_minimum="3")
    carl.sees("#preview", "12 devices")
    carl.press("Draft it")
    carl.follow("Judge its devices, then start")
    carl.sees(".next", "10 of 12 devices would take the release.")
    camera.take("judgement", carl.page, ("header", "main section:nth-of-type(2)"))
    carl.fill(despite="2")
    carl.press("Start the rollout")
    carl.sees("h1", "all boxes")


def steer(people: People, camera: Camera) -> None:
    """Infrastructure pauses and resumes; the owner sees all of it without loading anything."""
    carl, dora = people[Role.INFRASTRUCTURE], people[Role.OWNER]
    dora.follow("Rollouts")
    dora.follow("1 all boxes")
    dora.mark()
    done = dora.page.locator(".course li[data-kind=done] b")
    expect(done).to_have_text(re.compile("[4-9]"))
    carl.press("Pause")
    dora.sees("h1 + .facts", "paused")
    reconnecting = carl.beside()
    reconnecting.follow("Devices")
    reconnecting.follow(SILENT)
    reconnecting.follow("connect it")
    reconnecting.fill(endpoint=SILENT)
    reconnecting.press("Connect")
    reconnecting.sees(".facts", f"{SILENT} at gateway yard")
    carl.press("Resume")
    dora.sees("h1 + .facts", "running")
    camera.take("rollout", carl.page, ("header", ".waves"))
    dora.sees("h1 + .facts", "done")
    expect(done).to_have_text("10")
    assert dora.has_not_loaded()


def watch_device(dora: PersonAtPages, camera: Camera) -> PersonAtPages:
    """As the owner: look at a box that runs it."""
    watching = dora.beside()
    watching.follow("All devices")
    watching.follow("box01")
    watching.has_come_to("box01")
    watching.mark()
    watching.sees("#runs article", "parcel", "RUNNING", "as it is to be", "Signatures of release 1")
    expect(watching.page.locator("#runs")).to_contain_text(re.compile(r"[1-9]\d* loops"))
    expect(watching.page.locator("#minute rect.running").first).to_be_attached()
    camera.take("device", watching.page, ("header", "#minute"))
    return watching


def read_evidence(dora: PersonAtPages, camera: Camera) -> None:
    """As the owner: read what boxes have signed of it."""
    dora.follow("Evidence")
    dora.fill(container="parcel")
    dora.press("Find")
    proved = dora.page.get_by_role("cell", name="proved", exact=True)
    row = dora.page.get_by_role("row").filter(has_text="started").filter(has=proved)
    expect(row.first).to_contain_text("parcel")
    camera.take("evidence", dora.page, ("header", "main section:nth-of-type(1)"))


def rent_out(people: People, camera: Camera) -> None:
    """The owner offers boxes, the developer asks for them, and the owner grants it."""
    ada, _, carl, dora = (people[role] for role in Role)
    dora.follow("Offers")
    dora.follow("Make an offer")
    dora.fill(name="boxes in the south", query="label.site=south", endpoints="local 10 in")
    dora.fill(period_ms="500", share_per_cent="20", days="1")
    dora.tick(*CALLS)
    dora.press("Count them")
    dora.sees(".note", "It means 5 devices now.")
    dora.press("Make the offer")
    dora.has_come_to("Offer 1 boxes in the south")
    ada.press("Begin the next release")
    ada.has_come_to("Parcel 2")
    add_code(ada, "Parcel 2")
    carl.follow("Releases")
    carl.follow("Parcel 2")
    carl.press("Take the plan of the version before")
    carl.sees("#lane-infrastructure", "1 (local, in)")
    ada.follow("Offers")
    ada.follow("1 boxes in the south")
    ada.page.locator("[name=release]").select_option(label="Parcel 2")
    ada.press("Ask")
    ada.has_come_to("Rental 1")
    dora.follow("Rentals")
    dora.follow("1")
    dora.sees("main", "heartbeat, open, read, write")
    dora.press("Grant")
    ada.sees("h1 + .facts", "granted")
    dora.open_signing("rights", "withdraw")
    camera.take("rental", dora.page, ("header", "main section:last-of-type"))


def take_back(people: People, device: PersonAtPages, camera: Camera) -> None:
    """The owner takes all rights of the application back, and sees the box lose it."""
    ada, dora = people[Role.DEVELOPER], people[Role.OWNER]
    dora.sign("rights", "withdraw")
    dora.sees("h1 + .facts", "withdrawn")
    ada.sees("h1 + .facts", "withdrawn")
    device.sees("#runs article", "gone, as it is to be")
    assert device.has_not_loaded()
    device.page.set_viewport_size({"width": PHONE, "height": 844})
    device.page.emulate_media(color_scheme="dark")
    camera.take("phone", device.page, ("header", "#minute"))
    dora.follow("Audit")
    for deed in ("rights withdrawn", "rental granted", "offer"):
        dora.sees("tbody", deed)


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
