"""The documentation site as it is built, read back from its HTML."""

import posixpath
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_FETCHED = {
    "script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src",
    "video": "src", "audio": "src", "object": "data", "embed": "src", "input": "src", "use": "href",
}  # fmt: skip
_NOT_FETCHED = {"canonical", "prev", "next", "alternate"}


@dataclass
class BuiltPage(HTMLParser):
    """A page.

    Attributes:
        place: in the site, with its file's name.
        links: where its links go.
        navigation: where those of the navigation go.
        anchors: what can be linked to within it.
        fetched: what a browser asks for to show it.
    """

    place: str
    links: list[str] = field(default_factory=list)
    navigation: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    fetched: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag refers to."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
            if values.get("class", "").startswith(("md-nav__link", "md-tabs__link")):
                self.navigation.append(values["href"])
        wanted = values.get(_FETCHED.get(tag, ""))
        if wanted and values.get("rel") not in _NOT_FETCHED:
            self.fetched.append(wanted)


class BuiltSite:
    """All pages of a site.

    Args:
        folder: where it was built.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def pages(self) -> dict[str, BuiltPage]:
        """All pages by their place."""
        found = {}
        for path in sorted(self.folder.rglob("*.html")):
            page = BuiltPage(path.relative_to(self.folder).as_posix())
            page.feed(path.read_text())
            found[page.place] = page
        return found

    def dead_links(self) -> list[str]:
        """Links and fetched files that are not there; anchors too."""
        dead = []
        for page in self.pages.values():
            for link in (*page.links, *page.fetched):
                parts = urlsplit(link)
                if parts.scheme or parts.netloc or page.place == "404.html":
                    continue
                place = self._resolve(page.place, unquote(parts.path))
                if not self._has(place, unquote(parts.fragment)):
                    dead.append(f"{page.place}: {link}")
        return dead

    def _has(self, place: str, anchor: str) -> bool:
        if not (self.folder / place).is_file():
            return False
        return not anchor or place not in self.pages or anchor in self.pages[place].anchors

    def unreachable(self) -> set[str]:
        """Pages that the navigation of other pages does not lead to, from the first one on."""
        seen: set[str] = set()
        waiting = ["index.html"]
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            page = self.pages[place]
            for link in page.navigation:
                parts = urlsplit(link)
                there = self._resolve(place, unquote(parts.path))
                if not parts.scheme and there in self.pages:
                    waiting.append(there)
        return set(self.pages) - seen - {"404.html"}

    def other_hosts(self) -> list[str]:
        """What a browser would ask other machines for."""
        found = []
        for page in self.pages.values():
            found += [f"{page.place}: {each}" for each in page.fetched if urlsplit(each).netloc]
        for path in sorted(self.folder.rglob("*.css")):
            text = path.read_text()
            found += [
                f"{path.name}: {mark}" for mark in ("url(http", "url(//", "@import") if mark in text
            ]
        return found

    @staticmethod
    def _resolve(page: str, path: str) -> str:
        if not path:
            return page
        there = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
        if path.endswith(("/", "/..")) or path in (".", ".."):
            there = posixpath.join(there, "index.html")
        return posixpath.normpath(there)
