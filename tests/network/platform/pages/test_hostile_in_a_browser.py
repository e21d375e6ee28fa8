"""Hostile texts in a real browser: nothing runs, nothing is asked elsewhere, nothing is added."""

from typing import Final

import pytest
from playwright.sync_api import Page
from support.browsers import RealBrowser
from support.hostile_texts import PLAIN, combined_payloads, write_everywhere
from support.platform_pages import STRANGER
from support.served_pages import NOBODY, ServedWorld, every_page

ALL: Final = 500
SAMPLE: Final = 6
SHARES: Final = 3
"""Of the sample, each payload is looked at on every third page only."""
STRUCTURE: Final = """() => [...document.querySelectorAll('*')].map(each => [
    each.localName,
    ...each.getAttributeNames().filter(name => name !== 'class' && !name.startsWith('data-')),
].join(' '))"""
"""Elements and their attributes; without those by which scripts of the page note how far it is."""


@pytest.mark.clause("TC-PLAT-66")
def test_some_hostile_texts_do_nothing_in_a_browser(
    served: ServedWorld, browser: RealBrowser
) -> None:
    require_inert(served, browser, combined_payloads(ALL)[:SAMPLE], SHARES)


@pytest.mark.long
@pytest.mark.clause("TC-PLAT-66")
def test_all_hostile_texts_do_nothing_in_a_browser(
    served: ServedWorld, browser: RealBrowser
) -> None:
    require_inert(served, browser, combined_payloads(ALL), 1)


def require_inert(
    served: ServedWorld, browser: RealBrowser, payloads: list[str], shares: int
) -> None:
    """Require that pages with a payload in each field are those with a plain text there.

    Args:
        served: changed.
        browser: that opens the pages.
        payloads: one after the other.
        shares: into how many the pages are divided, each of which is for the next payload.
    """
    visits = every_page(served.world)
    del visits[NOBODY], visits[STRANGER]  # they see nothing of it
    pages = {name: browser.page() for name in visits}
    for organisation, page in pages.items():
        served.enter(page, organisation)
    write_everywhere(served.world, PLAIN)
    wanted = {
        (name, path): structure(served, pages[name], path)
        for name, paths in visits.items()
        for path in paths
    }
    for number, payload in enumerate(payloads):
        write_everywhere(served.world, payload)
        for name, path in [*wanted][number % shares :: shares]:
            assert structure(served, pages[name], path) == wanted[name, path], (path, payload)
            browser.require_harmless()


def structure(served: ServedWorld, page: Page, path: str) -> list[str]:
    """What a browser makes of a page."""
    served.open(page, path)
    found: list[str] = page.evaluate(STRUCTURE)
    return found
