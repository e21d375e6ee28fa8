"""Every page by the keyboard alone: all is reached in order, is seen to be, and can be done."""

from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect
from support.browsers import DESK, PHONE, RealBrowser
from support.served_pages import NOBODY, ServedWorld

BEGIN_TABBING: Final = """() => {
    document.querySelectorAll('details').forEach(each => { each.open = true; });
    const kinds = 'a[href], button, input:not([type=hidden]), select, textarea, summary';
    const isLeft = each => each.type === 'radio' && each !==
        [...each.form.elements[each.name]].find((one, number, all) =>
            one.checked || all.every(other => !other.checked));
    const isDouble = each => each.tabIndex < 0 && [...document.querySelectorAll('a[href]')]
        .some(one => one.tabIndex >= 0 && one.getAttribute('href') === each.getAttribute('href'));
    const places = [...document.querySelectorAll(kinds)].filter(each =>
        each.checkVisibility() && !each.disabled && !isLeft(each) && !isDouble(each));
    window.reached = [];
    document.addEventListener('focusin', ({target}) => {
        const style = getComputedStyle(target);
        const box = target.getBoundingClientRect();
        window.reached.push({
            number: places.indexOf(target),
            place: target.outerHTML.slice(0, 80),
            isMarked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1,
            isSeen: box.width > 0 && box.right > 0 && box.bottom > 0
                && box.left < innerWidth && box.top < innerHeight,
        });
    });
    document.activeElement.blur();
    return places.map(each => each.outerHTML.slice(0, 80));
}"""
"""Notes from now on what gets the focus; gives the places that have to.

A link that a table gives as well may be left out, as those in a picture."""
PREPARE_FORMS: Final = """() => {
    document.querySelectorAll('details').forEach(each => { each.open = true; });
    const values = {'datetime-local': '2027-01-15T09:00', date: '2027-01-15', number: '1'};
    for (const each of document.querySelectorAll('form :required'))
        if (each.type === 'checkbox') each.checked = true;
        else if (!each.value && each.localName === 'select') each.selectedIndex = 1;
        else if (!each.value) each.value = values[each.type] ?? 'x';
    window.sent = 0;
    addEventListener('submit', each => {
        window.sent += 1;
        each.preventDefault();
        each.stopImmediatePropagation();
    }, {capture: true});
}"""
"""Fills in what forms require; counts from now on how often one would be sent."""
BUTTONS: Final = "form button:not([type=button], :disabled):visible"
LINES: Final = (
    "form:has(button:not([type=button])) input:is([type=text], [type=search], :not([type])):visible"
)


@pytest.mark.parametrize("width", [1440, pytest.param(390, marks=pytest.mark.long)])
def test_the_tab_key_reaches_all_in_order_and_shows_where_it_is(
    served_unchanged: ServedWorld, browser: RealBrowser, width: int
) -> None:
    faults = []
    for name, page in served_unchanged.opened_pages(browser, width):
        faults += [f"{name}: {each}" for each in faults_of_tabbing(page)]
    assert faults == [], "\n".join(faults)


def faults_of_tabbing(page: Page) -> list[str]:
    """What is wrong when somebody goes through a page with the tab key until it begins anew."""
    places: list[str] = page.evaluate(BEGIN_TABBING)
    reached: list[dict[str, Any]] = []
    # Tables that can be scrolled and parts of a date are reached as well.
    for pressed in range(2 * len(places) + 80):
        page.keyboard.press("Tab")
        if pressed >= len(places):
            reached = page.evaluate("window.reached")
            if [each["number"] for each in reached].count(0) > 1:
                break
    else:
        return [f"a trap, after {reached[-1:]}"]
    again = [each["number"] for each in reached].index(0, 1)
    order = [each["number"] for each in reached[:again] if each["number"] >= 0]
    faults = [f"not reached: {places[each]}" for each in {*range(len(places))} - {*order}]
    faults += ["not in the order of the page"] * (order != sorted(order))
    for each in reached[:again]:
        faults += [f"without an outline: {each['place']}"] * (not each["isMarked"])
        faults += [f"out of sight: {each['place']}"] * (not each["isSeen"])
    return faults


@pytest.mark.parametrize("organisation", [NOBODY, "boxes"])
def test_the_first_link_skips_to_the_content(
    served_unchanged: ServedWorld, browser: RealBrowser, organisation: str
) -> None:
    page = browser.page(PHONE)
    served_unchanged.enter(page, organisation)
    served_unchanged.open(page, "/releases")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("main :focus")).to_be_visible()


def test_every_form_is_sent_by_a_key(served_unchanged: ServedWorld, browser: RealBrowser) -> None:
    faults = []
    seen = 0
    for name, page in served_unchanged.opened_pages(browser, DESK):
        page.evaluate(PREPARE_FORMS)
        for place, keys in ((BUTTONS, ("Space", "Enter")), (LINES, ("Enter",))):
            for each in page.locator(place).all():
                for key in keys:
                    each.press(key)
                    seen += 1
                    if page.evaluate("window.sent") != 1:
                        faults.append(f"{name}: {key} at {each.evaluate('e => e.outerHTML')}")
                    page.evaluate("window.sent = 0")
    assert faults == [], "\n".join(faults)
    assert seen > 0
