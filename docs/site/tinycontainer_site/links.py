"""Links of the project's files, made fit for the site.

A link to a page leads to that page. A link to any other file leads to the page that is made of it:
a page of the reference, or one that shows the file as it is.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote

from .pages import BrokenSource, Page, Stage
from .project import ROOT

_FENCE: Final = re.compile(r"^ *(```|~~~)")
_CODE: Final = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_LINK: Final = re.compile(r"(!?)\[((?:`[^`]*`|[^\]\[`])*)\]\(([^()\s]+)\)")
_CLAUSE: Final = re.compile(r"\bTC-[A-Z]+-\d\d\b")
_DEFINITION: Final = re.compile(r"^\*\*(TC-[A-Z]+-\d\d)\*\* ")
WITHIN: Final = "site:"
"""Begins the link of a generated page to another page of the site."""
_ELSEWHERE: Final = ("http://", "https://", "mailto:", "coap:")


def outside_of_code(text: str, change: Callable[[str], str]) -> str:
    """Change the lines of a page that are not in a block of code."""
    lines = []
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if found and (not fence or found[1] == fence):
            fence = "" if fence else found[1]
            lines.append(line)
        else:
            lines.append(line if fence else change(line))
    return "\n".join(lines)


class Linker:
    """Changes the links of pages.

    Args:
        stage: what there is; pages for files that are linked to are added to it.
        clauses: the page of the site that has each clause.
        show_file: adds the page that shows a file of the project, and says where it is.
    """

    def __init__(
        self, stage: Stage, clauses: dict[str, str], show_file: Callable[[str], str]
    ) -> None:
        self._stage = stage
        self._clauses = clauses
        self._show_file = show_file

    def link(self, page: Page) -> str:
        """The text of a page, with links that work in the site.

        Raises:
            BrokenSource: a link leads nowhere.
        """
        return outside_of_code(page.text, lambda line: self._change_line(page, line))

    def _change_line(self, page: Page, line: str) -> str:
        line = _LINK.sub(lambda found: self._change_link(page, found), line)
        defined = _DEFINITION.match(line)
        rest = line if defined is None else line[defined.end() :]
        linked = "".join(self._link_clauses(page, rest))
        if defined is None:
            return linked
        name = defined[1]
        return f'<a id="{name}" class="clause" href="#{name}">{name}</a> {linked}'

    def _change_link(self, page: Page, found: re.Match[str]) -> str:
        mark, text, target = found.groups()
        if target.startswith(("#", *_ELSEWHERE)):
            return found[0]
        if target.startswith(WITHIN):
            return f"[{text}]({_relative(page.path, target.removeprefix(WITHIN))})"
        place, _, anchor = target.partition("#")
        origin = posixpath.normpath(posixpath.join(posixpath.dirname(page.origin), place))
        there = self._stage.add_picture(ROOT, origin) if mark else self._find(page, origin)
        if anchor:
            there = f"{there.partition('#')[0]}#{anchor}"
        return f"{mark}[{text}]({_relative(page.path, there)})"

    def _find(self, page: Page, origin: str) -> str:
        if origin in self._stage.places:
            return self._stage.places[origin]
        if not (ROOT / origin).exists() or origin.startswith(".."):
            raise BrokenSource(f"{page.origin}: links to {origin}, which is not there; repair it")
        return self._show_file(origin)

    def _link_clauses(self, page: Page, line: str) -> Iterator[str]:
        """Make each mention of a clause a link, but not within code and links."""
        end = 0
        for kept in _protected(line):
            yield self._link_mentions(page, line[end : kept.start()])
            yield kept[0]
            end = kept.end()
        yield self._link_mentions(page, line[end:])

    def _link_mentions(self, page: Page, text: str) -> str:
        def replace(found: re.Match[str]) -> str:
            there = self._clauses.get(found[0])
            if there is None:
                return found[0]
            place = "" if there == page.path else _relative(page.path, there)
            return f"[{found[0]}]({place}#{found[0]})"

        return text if page.text.startswith("# Coverage") else _CLAUSE.sub(replace, text)


def _protected(line: str) -> Iterator[re.Match[str]]:
    if line.startswith("#"):
        pattern = ".+"
    else:
        pattern = rf"{_LINK.pattern}|(`+)(?!`).*?(?<!`)\4(?!`)|<[^>]*>"
    return re.finditer(pattern, line)


def _relative(page: str, there: str) -> str:
    place, mark, anchor = there.partition("#")
    return quote(posixpath.relpath(place, posixpath.dirname(page) or ".")) + mark + anchor


def find_clauses(stage: Stage) -> dict[str, str]:
    """The page of the site that defines each clause."""
    found = {}
    for page in stage.pages.values():
        for line in page.text.split("\n"):
            defined = _DEFINITION.match(line)
            if defined and page.origin.startswith("specs/"):
                found[defined[1]] = page.path
    return found
