"""The pages in a real browser: somebody works with them, at every size, in light and dark."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
import uvicorn
from support.browser import CHROMIUM, Browser, browsing
from support.four_parties import BOX
from support.platform_pages import PageWorld
from support.platforms import PASSWORD, Platform
from support.serving import HOST

from tinycontainer.network.platform.actor import PersonRight

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
WIDTHS: Final = (390, 1440)
SCHEMES: Final = ("light", "dark")


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A real browser."""
    with browsing() as found:
        yield found


@contextmanager
def serving_pages(platform: Platform) -> Iterator[str]:
    """The address at which a browser finds a platform of this process."""
    config = uvicorn.Config(platform.application, log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server((HOST, 0)) as listener:  # who connects early waits
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def fill_in(browser: Browser, name: str, text: str) -> None:
    """Type into a field of a form."""
    place = f"document.querySelector('[name={name}]')"
    browser.ask(f"({place}.focus(), {place}.select())")
    browser.do("Input.insertText", text=text)


def press(browser: Browser, label: str) -> None:
    """Press a button, or follow a link, by what is on it, and wait for the next page."""
    found = (
        "[...document.querySelectorAll('a, button')]"
        f".find(each => each.innerText === {json.dumps(label)})"
    )
    browser.wait_for(f"{found} !== undefined")
    browser.ask("window.isOld = true")
    browser.ask(f"setTimeout(() => {found}.click())")
    browser.wait_for("!window.isOld && document.readyState === 'complete'")


def log_in(browser: Browser, name: str, password: str = PASSWORD) -> None:
    """Fill in the form to log in, which is open, and send it."""
    fill_in(browser, "name", name)
    fill_in(browser, "password", password)
    press(browser, "Log in")


@pytest.mark.clause("TC-PLAT-64", "TC-PLAT-65")
def test_an_operator_drafts_a_rollout_starts_it_and_leaves(
    world: PageWorld, browser: Browser
) -> None:
    world.platform.add_person("infra", "carl", PersonRight.MEMBER)
    with serving_pages(world.platform) as address:
        browser.open(address)
        log_in(browser, "carl", "wrong password")
        assert "wrong" in browser.ask("document.querySelector('[role=alert]').innerText")
        log_in(browser, "carl")
        assert browser.ask("document.querySelector('h1').innerText") == "Overview"
        assert browser.ask("document.cookie") == ""
        press(browser, "Releases")
        press(browser, "Box 1")
        press(browser, "Draft a rollout")
        fill_in(browser, "name", "northern boxes")
        fill_in(browser, "query", "group=south")
        press(browser, "Draft it")
        assert browser.ask("document.querySelector('h1').innerText").endswith("northern boxes")
        press(browser, "Judge its devices, then start")
        assert "It is for no device" in browser.ask("document.body.innerText")
        press(browser, "Rollouts")
        assert "northern boxes" in browser.ask("document.querySelector('tbody').innerText")
        press(browser, "Log out")
        assert browser.ask("document.querySelector('h1').innerText") == "Log in"
        browser.open(f"{address}/rollouts")
        assert browser.ask("document.querySelector('h1').innerText") == "Log in"
    asked = {urlsplit(each).netloc for each in browser.requested if each.startswith("http")}
    assert asked == {urlsplit(address).netloc}


@pytest.mark.clause("TC-PLAT-65")
def test_every_page_fits_on_a_phone_and_a_desk_in_light_and_dark(
    world: PageWorld, browser: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    with serving_pages(world.platform) as address:
        browser.open(address)
        picture_all(browser, folder, "log-in")
        log_in(browser, "boxes-admin")
        for path in world.paths():
            browser.open(address + path)
            picture_all(browser, folder, path.strip("/").replace("/", "-") or "overview")
        press(browser, "Log out")
        log_in(browser, "infra-admin")
        for path in (f"/releases/{BOX}/1/rollout", f"/rollouts/{world.numbers['draft']}/judgement"):
            browser.open(address + path)
            picture_all(browser, folder, "infra-" + path.strip("/").replace("/", "-"))
    assert len([*folder.iterdir()]) == (1 + len(world.paths()) + 2) * len(WIDTHS) * len(SCHEMES)


def picture_all(browser: Browser, folder: Path, name: str) -> None:
    """Take pictures of a page in each size and scheme; nothing sticks out of it."""
    backs = set()
    for width in WIDTHS:
        browser.do(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        for scheme in SCHEMES:
            feature = {"name": "prefers-color-scheme", "value": scheme}
            browser.do("Emulation.setEmulatedMedia", features=[feature])
            assert browser.ask("document.documentElement.scrollWidth") <= width, (name, width)
            backs.add(browser.ask("getComputedStyle(document.body).backgroundColor"))
            taken = browser.do("Page.captureScreenshot", captureBeyondViewport=True)
            place = folder / f"{name.replace('?', '-').replace('=', '-')}-{width}-{scheme}.png"
            place.write_bytes(base64.b64decode(taken["data"]))
    assert len(backs) == len(SCHEMES), "the stylesheet is not used"
