"""Lookups: which links match what is searched for, as links that need no base (RFC 9176, 6)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from tinycontainer.network.agent.requests.refusing import bad_request

from .link_format import Link, is_uri, parse_links
from .parameters import read_number
from .registrations import Registration
from .requester import without_zone

MAX_FOUND: Final = 256
"""Links in one answer."""
MAX_READ_BYTES: Final = 1 << 17
"""Links of registrations that are read for one answer."""

_PAGES: Final = range(100_000)
_COUNTS: Final = range(1, MAX_FOUND + 1)
_REFERENCES: Final = frozenset({"anchor", "href"})


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that a link must have.

    Attributes:
        name: of a parameter; ``href`` is the target.
        value: how its value is, or begins.
        is_prefix: whether it only begins so.
    """

    name: str
    value: str
    is_prefix: bool

    @classmethod
    def of(cls, name: str, pattern: str) -> "Criterion":
        """Read a pattern; a star at its end stands for anything."""
        return cls(name, pattern.removesuffix("*"), pattern.endswith("*"))

    def is_met_by(self, link: Link) -> bool:
        """Whether a link has it."""
        found = (link.target,) if self.name == "href" else link.values(self.name)
        if self.is_prefix:
            return any(each.startswith(self.value) for each in found)
        return self.value in found

    def can_be_met(self, registration: Registration) -> bool:
        """Whether a link of a registration might have it: to read all of them takes time."""
        value, base = self.value, without_zone(registration.base)
        if "\\" in registration.links:
            return True
        if self.name in _REFERENCES:
            if base.startswith(value):
                return True
            value = value.removeprefix(base)
        return value in registration.links


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for.

    Attributes:
        criteria: all of them must be met.
        count: the most links that are wanted; None for all.
        page: how many times as many come before them.
    """

    criteria: tuple[Criterion, ...]
    count: int | None = None
    page: int = 0

    @classmethod
    def of(cls, query: Sequence[str]) -> "Search":
        """Read a query.

        Raises:
            CoapRefused: a part has no value, or a page no count.
        """
        count: int | None = None
        page: int | None = None
        criteria = []
        for part in query:
            name, equals, value = part.partition("=")
            if not equals or not name:
                raise bad_request("query: a part is not of the form name=value")
            if name == "count":
                count = read_number("count", value, _COUNTS)
            elif name == "page":
                page = read_number("page", value, _PAGES)
            else:
                criteria.append(Criterion.of(name, value))
        if page is not None and count is None:
            raise bad_request("page: needs count")
        return cls(tuple(criteria), count, page or 0)

    def choose(self, found: Iterable[Link]) -> tuple[Link, ...]:
        """The links that are wanted, of all that were found.

        Raises:
            CoapRefused: they are too many for one answer.
        """
        if self.count is not None:
            return tuple(islice(found, self.page * self.count, (self.page + 1) * self.count))
        chosen = tuple(islice(found, MAX_FOUND + 1))
        if len(chosen) > MAX_FOUND:
            raise bad_request(f"more than {MAX_FOUND} links match; ask with count= and page=")
        return chosen


def match_links(links: Iterable[Link], search: Search) -> Iterator[Link]:
    """The links that have all that is searched for."""
    for link in links:
        if all(criterion.is_met_by(link) for criterion in search.criteria):
            yield link


def find_endpoints(registrations: Iterable[Registration], search: Search) -> Iterator[Link]:
    """Endpoints that match: each criterion is met by the endpoint or by one of its links.

    Raises:
        CoapRefused: too much had to be read.
    """
    reader = _LinkReader()
    for registration in registrations:
        endpoint = endpoint_link(registration)
        open_criteria = [each for each in search.criteria if not each.is_met_by(endpoint)]
        if not all(each.can_be_met(registration) for each in open_criteria):
            continue
        links = reader.read(registration) if open_criteria else ()
        if all(any(each.is_met_by(link) for link in links) for each in open_criteria):
            yield endpoint


def find_resources(registrations: Iterable[Registration], search: Search) -> Iterator[Link]:
    """Links that match: each criterion is met by the link or by its endpoint.

    Raises:
        CoapRefused: too much had to be read.
    """
    reader = _LinkReader()
    for registration in registrations:
        endpoint = endpoint_link(registration)
        open_criteria = [each for each in search.criteria if not each.is_met_by(endpoint)]
        if all(each.can_be_met(registration) for each in open_criteria):
            yield from match_links(reader.read(registration), Search(tuple(open_criteria)))


def endpoint_link(registration: Registration) -> Link:
    """An endpoint as a link to its registration (RFC 9176, section 6.4)."""
    sector = (("d", registration.sector),) if registration.sector else ()
    sleeps = (("sleep", str(registration.sleep_s)), ("awake", str(registration.awake_s)))
    return Link(
        f"/rd/{registration.location}",
        (
            ("ep", registration.name),
            *sector,
            ("base", without_zone(registration.base)),
            ("rt", "core.rd-ep"),
            *(sleeps if registration.sleep_s else ()),
            *registration.attributes,
        ),
    )


def resource_links(registration: Registration) -> Iterator[Link]:
    """The links of a registration, with targets and anchors that need no base."""
    base = without_zone(registration.base)
    for link in parse_links(registration.links.encode()):
        anchor = link.parameter("anchor")
        others = tuple(each for each in link.parameters if each[0] != "anchor")
        resolved = base if anchor is None else _resolve(base, anchor)
        yield Link(_resolve(base, link.target), (*others, ("anchor", resolved)))


class _LinkReader:
    """Reads the links of registrations, up to a bound."""

    def __init__(self) -> None:
        self._left_bytes = MAX_READ_BYTES

    def read(self, registration: Registration) -> tuple[Link, ...]:
        self._left_bytes -= len(registration.links)
        if self._left_bytes < 0:
            raise bad_request("too many links would have to be read; search for less, or by ep=")
        return tuple(resource_links(registration))


def _resolve(base: str, reference: str) -> str:
    return reference if is_uri(reference) else base + reference
