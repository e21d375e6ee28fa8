"""The four people of the demo at a browser: they follow links, fill in forms, and press buttons."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from playwright.sync_api import FilePayload, FloatRect, Locator, Page, expect

from support.browsers import RealBrowser
from support.served_demo import ServedDemo
from support.served_pages import log_in
from tinycontainer.network.platform.demo.people import DemoPerson
from tinycontainer_tokens import Role

_MARK: Final = "isTheSameDocument"
_EDGES: Final = """each => {
  const { top, bottom } = each.getBoundingClientRect();
  return [scrollY + top, scrollY + bottom];
}"""
_COLOURS: Final = 128


@dataclass(frozen=True, slots=True)
class PersonAtPages:
    """Somebody who has logged in with a browser of the own.

    Attributes:
        person: who this is.
        page: that this one looks at.
    """

    person: DemoPerson
    page: Page

    def follow(self, path: str) -> None:
        """Follow a link, by the end of where it leads."""
        self.page.locator(f"a[href$='{path}']").first.click()

    def press(self, path: str) -> None:
        """Press the button of a form, by the end of where it is sent."""
        self.page.locator(f"form[action$='{path}'] button:not([formaction], [name])").click()

    def fill(self, **values: str) -> None:
        """Write something into fields, by their names."""
        for name, value in values.items():
            self.page.locator(f"[name={name}]").fill(value)

    def select(self, **values: str) -> None:
        """Select something of lists, by their names."""
        for name, value in values.items():
            self.page.locator(f"[name={name}]").select_option(value)

    def tick(self, *calls: str) -> None:
        """Tick system calls."""
        for each in calls:
            self.page.locator(f"[name=call-{each}]").check()

    def choose(self, content: bytes, name: str) -> None:
        """Choose a file to be uploaded."""
        file = FilePayload(name=name, mimeType="application/octet-stream", buffer=content)
        self.page.locator("[name=file]").set_input_files(file)

    def has_come_to(self, title: str) -> None:
        """Wait for a page."""
        expect(self.page.locator("h1")).to_have_text(title)

    def sees(self, place: str, *texts: str) -> None:
        """Wait until a place of the page has some texts."""
        for text in texts:
            expect(self.page.locator(place)).to_contain_text(text)

    def sign(self, part: str, verb: str = "sign") -> None:
        """Sign something here, with the own key file, which the page reads and does not send."""
        place = self.open_signing(part, verb)
        place.locator("input").set_input_files(self.person.key_file)
        place.get_by_role("button", name=f"{verb} here").click()
        expect(place).to_have_count(0)

    def open_signing(self, part: str, verb: str = "sign") -> Locator:
        """Open the place where something is signed in the page."""
        place = self.page.locator(f"#{verb}-here-{part}")
        if not place.evaluate("each => each.open"):
            place.locator("summary").click()
        return place

    def mark(self) -> None:
        """Note which document the browser shows."""
        self.page.evaluate(f"() => {{ window.{_MARK} = true; }}")

    def has_not_loaded(self) -> bool:
        """Whether it is still the document that was noted, whatever has changed in it."""
        return self.page.evaluate(f"window.{_MARK} === true") is True

    def beside(self) -> "PersonAtPages":
        """The same person with a second tab, which shows the same page."""
        tab = self.page.context.new_page()
        tab.goto(self.page.url)
        return PersonAtPages(self.person, tab)


def enter(demo: ServedDemo, browser: RealBrowser) -> dict[Role, PersonAtPages]:
    """Let all four log in, each with a browser of the own."""
    people = {}
    for role, person in demo.files.people.items():
        page = browser.page()
        page.goto(demo.files.platform.web_uri)
        log_in(page, person.name, person.password_file.read_text().strip())
        expect(page.locator("h1")).to_have_text("Fleet at a glance")
        people[role] = PersonAtPages(person, page)
    return people


@dataclass(frozen=True, slots=True)
class Camera:
    """Takes pictures of moments, for the page that tells of them.

    Attributes:
        folder: where they are kept.
    """

    folder: Path

    def take(self, name: str, page: Page, places: Iterable[str], margin: int = 24) -> None:
        """Take a picture of a part of a page: of all places, as wide as the window.

        Args:
            name: of the picture.
            page: that is shown.
            places: first and last of what is to be seen, top to bottom.
            margin: around it, in pixels.
        """
        edges = [page.locator(each).first.evaluate(_EDGES) for each in places]
        top = max(0, min(upper for upper, _ in edges) - margin)
        bottom = max(lower for _, lower in edges) + margin
        width = page.evaluate("document.documentElement.clientWidth")
        path = self.folder / f"platform-{name}.png"
        clip = FloatRect(x=0, y=top, width=width, height=bottom - top)
        page.screenshot(path=path, full_page=True, clip=clip)
        if find_spec("PIL"):
            _make_small(path)


def _make_small(path: Path) -> None:
    """Let a picture have few colours: it then needs a third of the space."""
    from PIL import Image  # noqa: PLC0415 - an optional part

    method, dither = Image.Quantize.FASTOCTREE, Image.Dither.NONE
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(_COLOURS, method, dither=dither)
    few.save(path, optimize=True)
