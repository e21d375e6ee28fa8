"""Links as CoAP writes them: reads and writes the link-format of RFC 6690, strictly."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from tinycontainer.errors import TinyContainerError
from tinycontainer.text import show

MAX_CONTENT_BYTES: Final = 4096
MAX_LINKS: Final = 64
MAX_PARAMETERS: Final = 16
"""Of one link."""

_PLAIN: Final = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2}"
_REFERENCE: Final = re.compile(rf"(?:{_PLAIN})*")
_NAME: Final = re.compile(r"[A-Za-z0-9!#$&+\-.^_`|~]+\*?")
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'()*+\-./:<=>?@\[\]^_`{|}~]+")
_QUOTED: Final = re.compile(r'"((?:[^"\\\x00-\x1f\x7f-\x9f]|\\[^\x00-\x1f\x7f-\x9f])*)"')
_EXTENDED: Final = re.compile(
    r"[A-Za-z0-9!#$%&+\-^_`{}~]+'[A-Za-z0-9\-]*'(?:[A-Za-z0-9!#$&+\-.^_`|~]|%[0-9A-Fa-f]{2})*"
)
_CARDINAL: Final = re.compile(r"0|[1-9][0-9]*")
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:.")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL: Final = re.compile(r'(["\\])')
_LISTS: Final = frozenset({"ct", "if", "rel", "rev", "rt"})
"""Their values are lists, separated by spaces (RFC 6690, 2; RFC 7252, 7.2.1)."""
_ONCE: Final = _LISTS | {"anchor", "sz", "title", "title*", "type", "media"}
_BARE: Final = frozenset({"ct", "sz"})
"""Written without quotes, if they are one number."""

LinkParameters: TypeAlias = tuple[tuple[str, str | None], ...]


class LinkFormatError(TinyContainerError, ValueError):
    """Links that cannot be read.

    Attributes:
        offset: of what is wrong, in bytes from the beginning.
        problem: what is wrong there.
    """

    def __init__(self, offset: int, problem: str) -> None:
        super().__init__(f"byte {offset}: {problem}")
        self.offset = offset
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Link:
    """A link.

    Attributes:
        target: a URI or a relative reference, as it was written.
        parameters: name and value, without quotes and escapes; None for one without a value.
    """

    target: str
    parameters: LinkParameters = ()

    def parameter(self, name: str) -> str | None:
        """The first value of a parameter; None if it is not there, or has none."""
        return next((value for each, value in self.parameters if each == name), None)

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a parameter; those of a list one by one, and empty for one without any."""
        found: list[str] = []
        for each, value in self.parameters:
            if each == name:
                found += _split(value or "") if name in _LISTS else [value or ""]
        return tuple(found)


def parse_links(content: bytes, most_bytes: int = MAX_CONTENT_BYTES) -> tuple[Link, ...]:
    """Read links.

    Args:
        content: in link-format, untrusted.
        most_bytes: how long it may be.

    Raises:
        LinkFormatError: it is not in this form, or beyond a bound.
    """
    if len(content) > most_bytes:
        raise LinkFormatError(most_bytes, f"is longer than {most_bytes} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise LinkFormatError(error.start, "is not UTF-8") from None
    return _Reader(text).read()


def write_links(links: Sequence[Link]) -> str:
    """Write links.

    Raises:
        ValueError: a link cannot be written, as no parser would take it.
    """
    return ",".join(_write_link(link) for link in links)


def require_limited(links: Sequence[Link]) -> None:
    """Refuse links that could be resolved in two ways (RFC 9176, appendix C).

    Targets and anchors begin with a scheme or with one slash, and a target with a scheme where its
    anchor does. A path has no segments of dots, so that to resolve it is to append it. There is
    room for the anchor that a lookup adds.

    Raises:
        LinkFormatError: a link is not of this kind. The offset is that of no byte: it is 0.
    """
    for link in links:
        anchor = link.parameter("anchor")
        if anchor is None and len(link.parameters) == MAX_PARAMETERS:
            raise LinkFormatError(0, f"a link has {MAX_PARAMETERS} parameters and no anchor")
        for reference in (link.target, anchor):
            if reference is not None and not (is_uri(reference) or _is_path(reference)):
                shown = show(reference, 64)
                raise LinkFormatError(0, f"{shown} is neither a URI nor a path from the root")
        if anchor is not None and is_uri(anchor) and not is_uri(link.target):
            raise LinkFormatError(0, f"{show(link.target, 64)} is a path, and its anchor a URI")


def is_uri(reference: str) -> bool:
    """Whether a reference begins with a scheme."""
    return _ABSOLUTE.match(reference) is not None


def _is_path(reference: str) -> bool:
    segments = re.split(r"[?#]", reference, maxsplit=1)[0].split("/")
    return (
        reference.startswith("/")
        and not reference.startswith("//")
        and "." not in segments
        and ".." not in segments
    )


class _Reader:
    """Reads from left to right, and never goes back: time grows with the length.

    Args:
        text: all of it.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> tuple[Link, ...]:
        """All links."""
        if not self._text:
            return ()
        links = [self._read_link()]
        while self._take(","):
            if len(links) == MAX_LINKS:
                raise self._error(f"there are more than {MAX_LINKS} links")
            links.append(self._read_link())
        if self._at < len(self._text):
            raise self._error("expected a comma, a semicolon or the end")
        return tuple(links)

    def _read_link(self) -> Link:
        self._require("<")
        target = self._match(_REFERENCE)
        self._require(">")
        parameters: list[tuple[str, str | None]] = []
        names: set[str] = set()
        while self._take(";"):
            if len(parameters) == MAX_PARAMETERS:
                raise self._error(f"a link has more than {MAX_PARAMETERS} parameters")
            begin = self._at
            name = self._match(_NAME)
            problem = f"{show(name, 32)} is there twice" if name in names & _ONCE else ""
            value = self._read_value(name) if self._take("=") else None
            problem = problem or _find_problem(name, value)
            if problem:
                raise self._error(problem, begin)
            names.add(name)
            parameters.append((name, value))
        return Link(target, tuple(parameters))

    def _read_value(self, name: str) -> str:
        if not self._text.startswith('"', self._at):
            return self._match(_TOKEN)
        if name.endswith("*") or name == "sz":
            raise self._error(f"{show(name, 32)} has no quotes")
        return _ESCAPED.sub(r"\1", self._match(_QUOTED)[1:-1])

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._error(_EXPECTED[pattern])
        self._at = found.end()
        return found[0]

    def _take(self, mark: str) -> bool:
        is_there = self._text.startswith(mark, self._at)
        self._at += is_there
        return is_there

    def _require(self, mark: str) -> None:
        if not self._take(mark):
            raise self._error(f"expected {mark}")

    def _error(self, problem: str, at: int | None = None) -> LinkFormatError:
        before = self._text[: self._at if at is None else at]
        return LinkFormatError(len(before.encode()), problem)


_EXPECTED: Final = {
    _NAME: "expected the name of a parameter",
    _TOKEN: "expected a value",
    _QUOTED: "a value in quotes does not end, or holds a control character",
}


def _find_problem(name: str, value: str | None) -> str:
    """What is wrong with a parameter whose name and value could be read; empty if nothing is."""
    is_sound = True
    if name.endswith("*"):
        is_sound = value is not None and _EXTENDED.fullmatch(value) is not None
    elif name == "sz":
        is_sound = value is not None and _CARDINAL.fullmatch(value) is not None
    elif name == "anchor":
        is_sound = value is not None and _REFERENCE.fullmatch(value) is not None
    elif name in _LISTS:
        is_sound = len(_split(value or "")) > 0
    return "" if is_sound else f"{show(name, 32)} has a value that it cannot have"


def _split(value: str) -> list[str]:
    return [each for each in value.split(" ") if each]


def _write_link(link: Link) -> str:
    parts = [f"<{link.target}>", *(_write_parameter(*each) for each in link.parameters)]
    written = ";".join(parts)
    if parse_links(written.encode(), len(written) * 4) != (link,):
        raise ValueError("a link of these parts would be read as another one")
    return written


def _write_parameter(name: str, value: str | None) -> str:
    if value is None:
        return name
    if name.endswith("*") or (name in _BARE and _CARDINAL.fullmatch(value)):
        return f"{name}={value}"
    escaped = _SPECIAL.sub(r"\\\1", value)
    return f'{name}="{escaped}"'
