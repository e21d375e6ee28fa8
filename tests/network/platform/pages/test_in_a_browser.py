"""The pages in a real browser: somebody works with them, at every size, in light and dark."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.browsers import SCHEMES, WIDTHS, RealBrowser
from support.served_pages import ServedWorld, log_in

from tinycontainer.network.platform.actor import PersonRight


def follow(page: Page, label: str) -> None:
    """Follow a link."""
    page.get_by_role("link", name=label, exact=True).first.click()


def press(page: Page, label: str) -> None:
    """Press a button."""
    page.get_by_role("button", name=label, exact=True).click()


@pytest.mark.clause("TC-PLAT-64", "TC-PLAT-65")
def test_an_operator_drafts_a_rollout_starts_it_and_leaves(
    served: ServedWorld, browser: RealBrowser
) -> None:
    served.world.platform.add_person("infra", "carl", PersonRight.MEMBER)
    page = browser.page()
    heading = page.locator("h1")
    page.goto(served.address)
    log_in(page, "carl", "wrong password")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    log_in(page, "carl")
    expect(heading).to_have_text("Fleet at a glance")
    assert page.evaluate("document.cookie") == ""
    follow(page, "Releases")
    follow(page, "Box 1")
    follow(page, "Draft a rollout")
    page.locator("[name=name]").fill("northern boxes")
    page.locator("[name=query]").fill("group=south")
    press(page, "Draft it")
    expect(heading).to_contain_text("northern boxes")
    follow(page, "Judge its devices, then start")
    expect(page.locator("main")).to_contain_text("It is for no device")
    follow(page, "Rollouts")
    expect(page.locator("tbody").first).to_contain_text("northern boxes")
    press(page, "Log out")
    expect(heading).to_have_text("Log in")
    page.goto(f"{served.address}/rollouts")
    expect(heading).to_have_text("Log in")
    assert browser.requests != []


@pytest.mark.clause("TC-PLAT-68")
def test_a_tab_does_not_show_what_belongs_to_whom_somebody_has_logged_in_as_since(
    served: ServedWorld, browser: RealBrowser
) -> None:
    first = browser.page()
    served.enter(first, "boxes")
    served.open(first, "/rollouts")
    second = first.context.new_page()
    second.goto(served.address)
    press(second, "Log out")
    log_in(second, "infra-admin")
    expect(first.locator("header")).to_contain_text("infra-admin of infra")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures are kept: for somebody who wants to look, in a folder that stays."""
    folder = Path(os.environ.get("TINYCONTAINER_TEST_PICTURES") or tmp_path / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.clause("TC-PLAT-65")
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_in_light_and_dark(
    served_unchanged: ServedWorld, browser: RealBrowser, pictures: Path, width: int
) -> None:
    too_wide = []
    for name, page in served_unchanged.opened_pages(browser, width):
        place = re.sub(r"\W+", "-", name).strip("-")
        take_pictures(page, pictures, f"{place}-{width}")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(name)
    assert too_wide == []


def take_pictures(page: Page, folder: Path, name: str) -> None:
    """Take a picture of a page in each scheme; its stylesheet makes them differ."""
    backs = set()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        backs.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=True)
    assert len(backs) == len(SCHEMES), name
