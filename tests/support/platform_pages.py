"""A platform with something on each of its pages, and a browser without a window or scripts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx

from support.evident_rows import remember
from support.fleets import WITHOUT_DEVELOPER
from support.four_parties import BOX, good
from support.platforms import PASSWORD, Platform, made_platform
from support.renting import Renting
from support.rollouts import GATEWAY, Rollouts
from support.sboms import TLS, Sboms, document
from tinycontainer.network.platform.actor import PersonRight
from tinycontainer.network.platform.people.organisation import (
    NewPerson,
    add_organisation,
    add_person,
)
from tinycontainer_tokens import Role

STRANGER: Final = "others"
"""The organisation that is party to nothing; it has all roles."""
DEVICES: Final = ("box-01", "box-02", "box-03", "box-04")
_VOID: Final = frozenset({"input", "link", "meta"})


class ParsedPage(HTMLParser):
    """What a browser makes of a page.

    Attributes:
        elements: name and attributes of each, in their order.
        texts: what is between them.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), "an attribute is there twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment")

    def handle_pi(self, data: str) -> None:
        raise AssertionError("a processing instruction")

    @property
    def text(self) -> str:
        """All that is to be read, in one line."""
        return " ".join(" ".join(self.texts).split())

    @property
    def structure(self) -> list[tuple[str, tuple[str, ...]]]:
        """Elements and the names of their attributes."""
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]

    def values(self, tag: str, attribute: str) -> list[str]:
        """An attribute of all elements of a name that have it."""
        return [
            found
            for name, attributes in self.elements
            if name == tag and (found := attributes.get(attribute)) is not None
        ]

    @property
    def fields(self) -> dict[str, str]:
        """The values of all inputs, by their names."""
        return {
            each["name"] or "": each.get("value") or ""
            for tag, each in self.elements
            if tag == "input" and "name" in each
        }


@dataclass(frozen=True)
class PageClient:
    """Somebody at a browser.

    Attributes:
        client: that the browser is; nobody has to be logged in.
    """

    client: httpx.Client

    def look(self, path: str, status: int = 200) -> ParsedPage:
        """Look at a page."""
        answer = self.client.get(path, follow_redirects=False)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return ParsedPage(answer.text)

    def send(self, path: str, fields: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """Send a form, as a page of this session does."""
        headers = {"Origin": str(self.client.base_url).rstrip("/"), **more.pop("headers", {})}
        csrf = {} if "csrf" in (fields or {}) else {"csrf": self.csrf}
        return self.client.post(
            path, data={**csrf, **(fields or {})}, headers=headers, follow_redirects=False, **more
        )

    @property
    def csrf(self) -> str:
        """What forms of this session have."""
        return self.look("/").fields.get("csrf", "")

    def log_in(self, name: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
        """Fill in the form to log in."""
        return self.send("/log-in", {"csrf": "", "name": name, "password": password}, **more)


@dataclass
class PageWorld:
    """Four parties with something on each page, and a fifth that sees nothing of it.

    Attributes:
        rollouts: the parties, which have no device yet.
        numbers: of rows, by what they are.
        releases: numbers of further releases.
    """

    rollouts: Rollouts
    numbers: dict[str, int] = field(default_factory=dict)
    releases: Iterator[int] = field(default_factory=lambda: count(100))

    @property
    def platform(self) -> Platform:
        """Where they meet."""
        return self.rollouts.platform

    def client(self, organisation: str) -> PageClient:
        """The browser of an organisation's admin."""
        return PageClient(self.platform.client(organisation))

    def nobody(self) -> PageClient:
        """A browser that nobody has logged in with."""
        return PageClient(self.platform.anonymous())

    def fill(self) -> None:
        """Put something on each page."""
        self.add_stranger()
        world, parties = self.rollouts, self.rollouts.parties
        renting = Renting(parties)
        good(Sboms(parties).give(document(TLS)))
        lacking = world.devices.profile(keys=WITHOUT_DEVELOPER, name="lacking")
        world.add_devices([*DEVICES[:2]], group="north", labels={"site": "paris"})
        world.add_devices([*DEVICES[2:]], profile=lacking, labels={"keys": "old"})
        for name in DEVICES[2:]:
            world.refuse_always(name)
        self.numbers["halted"] = world.start(despite=2, halt_minimum=1)
        world.settle(5.0)
        self.numbers["draft"] = world.draft()
        self.numbers["offer"] = renting.offer()
        renting.release(2)
        self.numbers["rental"] = int(good(renting.ask(self.numbers["offer"], 2))["id"])
        self.numbers["granted"] = renting.granted(3)
        self.platform.token(self.platform.client("infra"), "read")
        remember(self.platform, DEVICES[0], "word")

    def add_stranger(self) -> None:
        """Add the fifth organisation and its admin."""
        with self.platform.database.transaction() as session:
            found = add_organisation(session, STRANGER, [*Role], 0.0)
            hashed = self.platform.parts.passwords.hash(PASSWORD)
            new = NewPerson(f"{STRANGER}-admin", hashed, PersonRight.ADMIN)
            add_person(session, found, new, 9, 0.0)

    def paths(self) -> list[str]:
        """Each page that infrastructure or the owner sees, with something on it."""
        return [
            "/",
            "/releases",
            f"/releases/{BOX}/1",
            f"/releases/{BOX}/2",
            f"/releases/{BOX}/2/rights",
            "/devices",
            "/devices?query=kind=box",
            f"/devices?uid={BOX}&wanted=1&state=failed",
            f"/devices?rollout={self.numbers['halted']}&reason=token",
            f"/devices/{DEVICES[0]}",
            f"/devices/{DEVICES[2]}",
            "/rollouts",
            f"/rollouts/{self.numbers['halted']}",
            f"/rollouts/{self.numbers['draft']}",
            f"/rollouts/{self.numbers['draft']}/judgement",
            f"/rollouts/{self.numbers['halted']}/devices?progress=failed",
            "/offers",
            f"/offers/{self.numbers['offer']}",
            "/rentals",
            f"/rentals/{self.numbers['rental']}",
            f"/rentals/{self.numbers['granted']}",
            "/components",
            "/components?name=tls&version=3.6.1",
            f"/releases/{BOX}/1/components",
            "/evidence",
            f"/evidence?device={DEVICES[0]}",
            "/evidence/devices",
            "/audit",
            "/audit/chain",
            "/organisation",
            "/account",
            "/enrolling",
            f"/enrolling/{DEVICES[0]}",
        ]


@contextmanager
def filled(folder: Path) -> Iterator[PageWorld]:
    """A platform with something on each page, until the block is left."""
    gateways = {GATEWAY: "infra"}
    with made_platform(folder, gateways=gateways, sessions=1000, tokens=1000) as platform:
        rollouts = Rollouts(platform)
        rollouts.prepare()
        world = PageWorld(rollouts)
        world.fill()
        yield world
