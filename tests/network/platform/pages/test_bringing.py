"""Four people bring their parts of a release in a browser, by forms and files."""

import json
from typing import Final

import pytest
from playwright.sync_api import FilePayload, Page, expect
from support.browsers import PHONE, RealBrowser
from support.four_parties import CODE, FourParties, states
from support.sboms import TLS, document
from support.served_pages import ServedWorld

from tinycontainer_tokens import Role

UID: Final = b"lamp".hex()
PLACE: Final = f"/releases/{UID}/1"
NEXT: Final = f"/releases/{UID}/2"
HOSTILE: Final = '"><script>alert(1)</script>.wasm'
"""Name of a file."""


class PartyDesk:
    """Somebody of one party at a browser.

    Args:
        served: platform that this one works with.
        browser: that opens a page.
        organisation: whose admin this is.
    """

    def __init__(self, served: ServedWorld, browser: RealBrowser, organisation: str) -> None:
        self.page: Final[Page] = browser.page()
        self._served = served
        served.enter(self.page, organisation)

    def go(self, path: str) -> None:
        """Go to a page."""
        self.page.goto(self._served.address + path)

    def follow(self, label: str) -> None:
        """Follow a link."""
        self.page.get_by_role("link", name=label, exact=True).click()

    def press(self, label: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=label, exact=True).click()

    def choose(self, content: bytes, name: str = "section.bin") -> None:
        """Choose a file."""
        file = FilePayload(name=name, mimeType="application/octet-stream", buffer=content)
        self.page.locator("[name=file]").set_input_files(file)

    def lane(self, role: str) -> str:
        """What a lane of the release shows."""
        return self.page.locator(f"#lane-{role}").inner_text()

    def has_come_to(self, title: str) -> None:
        """Wait for a page."""
        expect(self.page.locator("h1")).to_have_text(title)


def begin(desk: PartyDesk) -> None:
    """As the developer: add an application, and begin its first release."""
    desk.go("/releases")
    desk.follow("Begin a release")
    desk.page.locator("[name=new_uid]").fill("lamp")
    desk.page.locator("[name=name]").fill("Lamp")
    desk.press("Add it")
    expect(desk.page.locator("[name=uid]")).to_have_value(UID)
    for role, name in (("provider", "data"), ("infrastructure", "infra"), ("owner", "boxes")):
        desk.page.locator(f"[name={role}]").select_option(name)
    desk.press("Begin it")
    desk.has_come_to("Lamp 1")


def bring_code(desk: PartyDesk) -> None:
    """As the developer: bring code that asks for two calls, and say what is inside."""
    desk.follow("Add the code")
    desk.choose(CODE, HOSTILE)
    desk.page.get_by_label("open", exact=True).check()
    desk.page.get_by_label("read", exact=True).check()
    desk.page.locator("[name=expires]").fill("2027-06-01T00:00:00")
    desk.press("Add it to the release")
    desk.has_come_to("Lamp 1")
    assert "open, read" in desk.lane("developer")
    desk.follow("Add an SBOM")
    desk.choose(document(TLS), "sbom.json")
    desk.press("Add it to the release")
    desk.has_come_to("Lamp 1")
    assert "1 component" in desk.lane("developer")


def plan(desk: PartyDesk) -> None:
    """As the infrastructure: say when it runs, and which endpoints it has."""
    desk.go(PLACE)
    desk.follow("Write the plan")
    desk.page.locator("[name=period_ms]").fill("250")
    for row, (number, direction) in enumerate((("1", "in"), ("2", "both"))):
        desk.page.locator(f"[name=id-{row}]").fill(number)
        desk.page.locator(f"[name=peer_endpoint-{row}]").fill("7")
        desk.page.locator(f"[name=direction-{row}]").select_option(direction)
    desk.press("More rows")
    expect(desk.page.locator("[name=id-1]")).to_have_value("2")
    desk.press("Add it to the release")
    desk.has_come_to("Lamp 1")
    assert "2 (local, both)" in desk.lane("infrastructure")


@pytest.mark.clause("TC-PLAT-74", "TC-PLAT-75", "TC-PLAT-76")
def test_four_people_bring_and_sign_a_release_and_its_next_version(
    served: ServedWorld, browser: RealBrowser
) -> None:
    parties = FourParties(served.world.platform, uid=UID)
    developer, provider, operator, owner = (
        PartyDesk(served, browser, each) for each in ("dev", "data", "infra", "boxes")
    )
    begin(developer)
    bring_code(developer)
    provider.go(PLACE)
    assert "the data are missing" in provider.lane("provider")
    provider.follow("Add the data")
    provider.choose(b"settings")
    provider.press("Add it to the release")
    provider.has_come_to("Lamp 1")
    plan(operator)
    owner.go(PLACE)
    owner.follow("Allow calls")
    assert owner.page.locator("input[type=checkbox]:checked").count() == 2
    expect(owner.page.get_by_label("read asked for by the code")).to_be_checked()
    owner.page.get_by_label("read asked for by the code").uncheck()
    owner.page.locator("[name=expires]").fill("2027-12-24T12:00")
    owner.press("Allow this")
    owner.has_come_to("Lamp 1")
    shown = parties.show()
    assert shown["terms"]["code"]["expires"] == 1_811_808_000
    assert shown["terms"]["endpoint"]["expires"] == shown["terms"]["mask"]["expires"]
    assert shown["plan"]["timing"]["period_ms"] == 250
    assert "imports nothing" in developer_meaning(developer)
    expect(owner.page.locator("#sign-mask")).to_contain_text("allows open")
    for part in ("code", "data", "mask", "endpoint-1", "endpoint-2"):
        parties.sign(part)
    expect(operator.page.locator("#sign-metadata")).to_contain_text("every 250 ms")
    assert parties.sign("metadata")["completed_s"] is not None
    expect(owner.page.locator("h1 + .facts")).to_contain_text("complete")
    follow_up(parties, developer, operator, owner)


def developer_meaning(desk: PartyDesk) -> str:
    """What a signature of the code means."""
    desk.go(PLACE)
    return desk.page.locator("#sign-code").inner_text()


def follow_up(
    parties: FourParties, developer: PartyDesk, operator: PartyDesk, owner: PartyDesk
) -> None:
    """Bring the next version: what stays is taken over, what changes is shown beside it."""
    developer.go(PLACE)
    developer.press("Begin the next release")
    developer.has_come_to("Lamp 2")
    assert parties.show(number=2)["infrastructure"] == "infra"
    operator.go(NEXT)
    operator.press("Take the plan of the version before")
    expect(operator.page.locator("#lane-infrastructure")).to_contain_text("250 ms")
    assert parties.show(number=2)["plan"] == parties.show()["plan"]
    owner.go(f"{NEXT}/rights")
    owner.page.get_by_label("write", exact=True).check()
    owner.press("Allow this")
    owner.has_come_to("Lamp 2")
    review = owner.page.locator("#sign-mask")
    expect(review.locator("tr.changed", has_text="allows open (mask 02)")).to_contain_text(
        "allows write (mask 10)"
    )
    expect(review.locator(".changes")).to_contain_text("may now call write")
    expect(review.locator(".changes")).to_contain_text("may no longer call open")


@pytest.mark.clause("TC-PLAT-75")
def test_a_wrong_file_is_told_in_one_line_and_what_was_typed_stays(
    served: ServedWorld, browser: RealBrowser
) -> None:
    desk = PartyDesk(served, browser, "dev")
    begin(desk)
    desk.follow("Add the code")
    desk.choose(CODE)
    desk.page.get_by_label("write", exact=True).check()
    desk.page.locator("[name=type]").select_option("bpf")
    desk.page.locator("[name=expires]").fill("2020-01-01T00:00:00")
    desk.press("Add it to the release")
    expect(desk.page.get_by_role("alert")).to_contain_text("expires is not after")
    expect(desk.page.get_by_label("write", exact=True)).to_be_checked()
    expect(desk.page.locator("[name=type]")).to_have_value("bpf")
    expect(desk.page.locator("[name=expires]")).to_have_value("2020-01-01T00:00")
    desk.go(f"{PLACE}/sbom")
    desk.choose(json.dumps({"bomFormat": "<img src=x onerror=alert(1)>"}).encode())
    desk.press("Add it to the release")
    expect(desk.page.get_by_role("alert")).to_contain_text("sbom:")
    shown = FourParties(served.world.platform, uid=UID).show(Role.DEVELOPER)
    assert (shown["code_sha256"], shown["sbom"]) == (None, None)
    assert states(shown)["code"] == "missing"


@pytest.mark.clause("TC-PLAT-77")
def test_lanes_lie_side_by_side_and_the_own_one_comes_first_on_a_phone(
    served: ServedWorld, browser: RealBrowser
) -> None:
    desk = PartyDesk(served, browser, "boxes")
    desk.go(f"/releases/{b'box'.hex()}/2")
    assert lane_places(desk.page)[0] == ["developer", "provider", "infrastructure", "owner"]
    assert len({*lane_places(desk.page)[1]}) == 1
    desk.page.set_viewport_size({"width": PHONE, "height": 900})
    names, tops = lane_places(desk.page)
    assert names[0] == "owner"
    assert len({*tops}) == len(names) == 4


def lane_places(page: Page) -> tuple[list[str], list[float]]:
    """The lanes as they are seen, and how far down each begins."""
    placed = []
    for each in page.locator(".lane").all():
        box = each.bounding_box()
        assert box is not None
        name = (each.get_attribute("id") or "").removeprefix("lane-")
        placed.append((box["y"], box["x"], name))
    return [name for _, _, name in sorted(placed)], [y for y, _, _ in sorted(placed)]
