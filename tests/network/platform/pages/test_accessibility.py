"""Every page, judged by axe-core: nothing serious in the way of anybody."""

import os
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page
from support.browsers import RealBrowser, Scheme
from support.served_pages import ServedWorld

AXE: Final = Path(os.environ.get("TINYCONTAINER_TEST_AXE", ""))
"""File ``axe.min.js`` of axe-core."""
GRAVE: Final = ("serious", "critical")
RUN: Final = "axe.run(document, {resultTypes: ['violations']}).then(each => each.violations)"

pytestmark = pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not given")


def violations(page: Page, axe: str) -> list[str]:
    """What axe-core finds on a page that is grave, a line for each place.

    The policy of pages allows no script but their own; what the driver evaluates is not under it.
    """
    page.evaluate(axe)
    found: list[dict[str, Any]] = page.evaluate(RUN)
    return [
        f"{each['impact']} {each['id']} at {' '.join(map(str, node['target']))}: {each['help']}"
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


LOOKS: Final = [
    (1440, "light"),
    (390, "dark"),
    pytest.param(1440, "dark", marks=pytest.mark.long),
    pytest.param(390, "light", marks=pytest.mark.long),
]
"""By default each width and each scheme once."""


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_no_page_has_a_grave_fault_of_accessibility(
    served_unchanged: ServedWorld, browser: RealBrowser, width: int, scheme: Scheme
) -> None:
    axe = AXE.read_text(encoding="utf-8")
    found = []
    for name, page in served_unchanged.opened_pages(browser, width, scheme):
        found += [f"{name} {width} {scheme}: {each}" for each in violations(page, axe)]
    assert found == [], "\n".join(found)


def test_axe_core_sees_a_fault(browser: RealBrowser) -> None:
    page = browser.page()
    page.set_content("<html lang=en><title>x</title><main><h1>x</h1><input></main>")
    assert [each.partition(" at ")[0] for each in violations(page, AXE.read_text("utf-8"))] == [
        "critical label"
    ]
