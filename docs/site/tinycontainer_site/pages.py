"""The pages of the site before they are HTML, and which file of the project each is made of."""

from dataclasses import dataclass, field
from pathlib import Path


class BrokenSource(Exception):
    """Something that people wrote does not fit together: where, what, and what to do."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        path: in the site, such as ``specs/tokens.md``.
        text: Markdown; links are relative to `origin`, as in the project's own files.
        origin: the file of the project that it is written in, or made of, relative to the project.
    """

    path: str
    text: str
    origin: str


@dataclass(slots=True)
class Stage:
    """All pages, pictures, and what links to a file of the project lead to.

    Attributes:
        pages: by their path in the site.
        pictures: path in the site, by the path in the project.
        places: path in the site, perhaps with an anchor, by the path in the project.
    """

    pages: dict[str, Page] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def add(self, page: Page, *also: str) -> None:
        """Add a page; links to its origin, and to what else it shows, lead to it.

        Raises:
            BrokenSource: there is such a page already.
        """
        if page.path in self.pages:
            raise BrokenSource(f"{page.path}: {page.origin} and another file make this page")
        self.pages[page.path] = page
        for origin in (page.origin, *also):
            self.places.setdefault(origin, page.path)

    def add_picture(self, root: Path, origin: str) -> str:
        """Add a picture, and say where it is in the site.

        Raises:
            BrokenSource: there is none.
        """
        if not (root / origin).is_file():
            raise BrokenSource(f"{origin}: there is no such picture")
        return self.pictures.setdefault(origin, origin.removeprefix("docs/"))
