"""The platform's pages as a browser finds them: served by this process, looked at by each party."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import uvicorn
from playwright.sync_api import Page, expect

from support.browsers import DESK, RealBrowser, Scheme
from support.four_parties import BOX
from support.platform_pages import STRANGER, PageWorld
from support.platforms import PASSWORD
from support.serving import HOST

NOBODY: Final = ""
"""Looks at pages without having logged in."""
_NOTE_NEWS: Final = (
    "addEventListener('htmx:sseMessage', () => { document.documentElement.dataset.news = ''; });"
)


@dataclass(frozen=True, slots=True)
class ServedWorld:
    """A platform with something on each page, where a browser finds it.

    Attributes:
        world: that is served.
        address: of the platform.
    """

    world: PageWorld
    address: str

    def opened_pages(
        self, browser: RealBrowser, width: int = DESK, scheme: Scheme = "light"
    ) -> Iterator[tuple[str, Page]]:
        """Each page of each party, one after the other, with a name of it.

        Args:
            browser: that opens them.
            width: of its window, in pixels.
            scheme: of colours.
        """
        for organisation, paths in every_page(self.world).items():
            page = browser.page(width, scheme)
            self.enter(page, organisation)
            for path in paths:
                self.open(page, path)
                yield f"{organisation or 'nobody'} {path}", page

    def enter(self, page: Page, organisation: str) -> None:
        """Log in as the admin of an organisation; nothing to do for nobody."""
        page.add_init_script(_NOTE_NEWS)
        page.goto(self.address)
        if organisation != NOBODY:
            log_in(page, f"{organisation}-admin")
            expect(page.get_by_role("button", name="Log out")).to_be_visible()

    def open(self, page: Page, path: str) -> None:
        """Go to a page and wait for its first news, if it is one that stays up to date."""
        answer = page.goto(self.address + path)
        assert answer is not None
        assert answer.status < 500, (path, answer.status)
        if page.locator("main[sse-connect]").count():
            page.locator("html[data-news]").wait_for()


@contextmanager
def serving_pages(world: PageWorld) -> Iterator[ServedWorld]:
    """Serve a platform of this process once, until the block is left."""
    application = world.platform.application
    config = uvicorn.Config(application, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.create_server((HOST, 0)) as listener:  # who connects early waits
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield ServedWorld(world, f"http://{HOST}:{listener.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join()


def every_page(world: PageWorld) -> dict[str, list[str]]:
    """Paths of all pages as each party sees them, by its organisation."""
    paths = world.paths()
    empty = [each for each in paths if each.count("/") == 1 and "?" not in each]
    renting = [each for each in paths if each.startswith(("/offers", "/rentals"))]
    rollouts = [each for each in paths if each.startswith("/rollouts/")]
    return {
        NOBODY: ["/", "/devices"],
        "boxes": [*paths, "/devices?query=nonsense", "/devices/nobody"],
        "infra": ["/", f"/releases/{BOX}/1", f"/releases/{BOX}/1/rollout", *rollouts],
        "dev": ["/", f"/releases/{BOX}/2", *renting],
        STRANGER: empty,
    }


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Fill in the form to log in, which is open, and send it."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
