"""Who may see which page and do what it offers: every page, asked by everybody."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route
from support.four_parties import BOX, good
from support.house_pages import house_address
from support.platform_pages import DEVICES, STRANGER, PageClient, PageWorld, ParsedPage, filled
from support.platforms import ORGANISATIONS
from support.release_forms import chosen, release_form
from support.renting import PLAN, Renting

from tinycontainer.network.platform.actor import SCOPES, PersonRight, PlatformScope
from tinycontainer.network.platform.web.pages.assets import read_assets

EVERYBODY: Final = frozenset({*ORGANISATIONS, STRANGER})
PARTIES: Final = frozenset(ORGANISATIONS)
FLEET: Final = frozenset({"boxes", "infra"})
RENTING: Final = frozenset({"dev", "boxes", "infra"})
READ, DEPLOY, SIGN = PlatformScope.READ, PlatformScope.DEPLOY, PlatformScope.SIGN
ADMINISTER: Final = PlatformScope.ADMINISTER
PUBLISH: Final = PlatformScope.PUBLISH


@dataclass(frozen=True)
class Row:
    """Who may do something.

    Attributes:
        scope: that it needs; None if nobody has to be known.
        seen_by: the organisations for which it is there.
        done_by: those that may do it; None for all that see it.
        shows: whether the answer to the form is the page itself.
    """

    scope: PlatformScope | None
    seen_by: frozenset[str] = EVERYBODY
    done_by: frozenset[str] | None = None
    shows: bool = False


INFRA: Final = frozenset({"infra"})
OWNER: Final = frozenset({"boxes"})
OWNERS: Final = frozenset({"boxes", STRANGER})
DEVELOPER: Final = frozenset({"dev"})
DEVELOPERS: Final = frozenset({"dev", STRANGER})
PROVIDER: Final = frozenset({"data"})
TABLE: Final[Mapping[str, Row]] = {
    "GET /": Row(None),
    "GET /assets/{mark}/{name}": Row(None),
    "POST /log-in": Row(None),
    "POST /log-out": Row(READ),
    "GET /releases": Row(READ),
    "GET /releases/{uid}/{number}": Row(READ, PARTIES),
    "GET /releases/begin": Row(PUBLISH, EVERYBODY, DEVELOPERS),
    "POST /releases/begin": Row(PUBLISH, DEVELOPER),
    "POST /applications": Row(PUBLISH, EVERYBODY, DEVELOPERS),
    "POST /releases/{uid}/{number}/next": Row(PUBLISH, PARTIES, DEVELOPER),
    "GET /releases/{uid}/{number}/code": Row(PUBLISH, PARTIES, DEVELOPER),
    "POST /releases/{uid}/{number}/code": Row(PUBLISH, PARTIES, DEVELOPER),
    "GET /releases/{uid}/{number}/sbom": Row(PUBLISH, PARTIES, DEVELOPER),
    "POST /releases/{uid}/{number}/sbom": Row(PUBLISH, PARTIES, DEVELOPER),
    "GET /releases/{uid}/{number}/data": Row(PUBLISH, PARTIES, PROVIDER),
    "POST /releases/{uid}/{number}/data": Row(PUBLISH, PARTIES, PROVIDER),
    "GET /releases/{uid}/{number}/plan": Row(PUBLISH, PARTIES, INFRA),
    "POST /releases/{uid}/{number}/plan": Row(PUBLISH, PARTIES, INFRA),
    "POST /releases/{uid}/{number}/plan/before": Row(PUBLISH, PARTIES, INFRA),
    "GET /releases/{uid}/{number}/envelope": Row(PUBLISH, PARTIES, INFRA),
    "POST /releases/{uid}/{number}/envelope": Row(PUBLISH, PARTIES, INFRA),
    "GET /releases/{uid}/{number}/rights": Row(PUBLISH, PARTIES, OWNER),
    "POST /releases/{uid}/{number}/rights": Row(PUBLISH, PARTIES, OWNER),
    "GET /releases/{uid}/{number}/rollout": Row(DEPLOY, PARTIES, INFRA),
    "GET /releases/{uid}/{number}/rollout/preview": Row(DEPLOY, PARTIES, INFRA),
    "POST /releases/{uid}/{number}/rollout": Row(DEPLOY, PARTIES, INFRA),
    "GET /devices": Row(READ),
    "GET /devices/{name}": Row(READ, FLEET),
    "GET /rollouts": Row(READ),
    "GET /rollouts/{number}": Row(READ, FLEET),
    "GET /rollouts/{number}/devices": Row(READ, FLEET),
    "GET /rollouts/{number}/judgement": Row(READ, FLEET),
    "POST /rollouts/{number}/start": Row(DEPLOY, FLEET, INFRA),
    "POST /rollouts/{number}/pause": Row(DEPLOY, FLEET, INFRA),
    "POST /rollouts/{number}/resume": Row(DEPLOY, FLEET, INFRA),
    "POST /rollouts/{number}/cancel": Row(DEPLOY, FLEET, INFRA),
    "POST /rollouts/{number}/retry": Row(DEPLOY, FLEET, INFRA),
    "GET /offers": Row(READ),
    "GET /offers/new": Row(DEPLOY, EVERYBODY, OWNERS),
    "POST /offers/new/count": Row(DEPLOY, EVERYBODY, OWNERS, shows=True),
    "POST /offers": Row(DEPLOY, EVERYBODY, OWNERS),
    "GET /offers/{number}": Row(READ, frozenset({"dev", "boxes"})),
    "POST /offers/{number}/close": Row(DEPLOY, frozenset({"dev", "boxes"}), OWNER),
    "POST /offers/{number}/open": Row(DEPLOY, frozenset({"dev", "boxes"}), OWNER),
    "POST /offers/{number}/rentals": Row(DEPLOY, frozenset({"dev", "boxes"}), DEVELOPER),
    "GET /rentals": Row(READ),
    "GET /rentals/{number}": Row(READ, RENTING),
    "POST /rentals/{number}/grant": Row(SIGN, RENTING, OWNER),
    "POST /rentals/{number}/refuse": Row(SIGN, RENTING, OWNER),
    "POST /rentals/{number}/take-back": Row(DEPLOY, RENTING, DEVELOPER),
    "GET /components": Row(READ),
    "GET /releases/{uid}/{number}/components": Row(READ, PARTIES),
    "GET /evidence": Row(READ),
    "GET /evidence/devices": Row(READ),
    "GET /audit": Row(READ),
    "GET /audit/chain": Row(READ),
    "GET /organisation": Row(READ),
    "POST /organisation/keys": Row(ADMINISTER, EVERYBODY, OWNERS),
    "POST /organisation/keys/{fingerprint}/withdraw": Row(ADMINISTER, OWNER),
    "POST /organisation/people": Row(ADMINISTER, shows=True),
    "GET /organisation/people/{name}": Row(READ, OWNER),
    "POST /organisation/people/{name}/right": Row(ADMINISTER, OWNER),
    "POST /organisation/people/{name}/disable": Row(ADMINISTER, OWNER),
    "POST /organisation/people/{name}/enable": Row(ADMINISTER, OWNER),
    "POST /organisation/people/{name}/password": Row(ADMINISTER, OWNER, shows=True),
    "GET /enrolling": Row(DEPLOY),
    "POST /enrolling/devices": Row(DEPLOY, EVERYBODY, OWNERS),
    "POST /enrolling/profiles": Row(DEPLOY, EVERYBODY, OWNERS),
    "POST /enrolling/profiles/{number}/delete": Row(DEPLOY, OWNER),
    "GET /enrolling/{name}": Row(DEPLOY, FLEET),
    "POST /enrolling/{name}/connect": Row(DEPLOY, FLEET, INFRA),
    "POST /enrolling/{name}/disconnect": Row(DEPLOY, FLEET, INFRA),
    "GET /account": Row(READ),
    "POST /account/password": Row(READ),
    "POST /account/tokens": Row(READ, shows=True),
    "POST /account/tokens/{number}/delete": Row(READ),
}
"""Every page and every form."""
OF_ONE_PERSON: Final = frozenset(
    {
        "POST /log-in",
        "POST /account/password",
        "POST /account/tokens/{number}/delete",
        "POST /enrolling/devices",
    }
)
"""What is not about the same for all who may; other tests do it."""


@dataclass(frozen=True)
class Somebody:
    """Who asks.

    Attributes:
        organisation: whose this one is; empty for nobody who has logged in.
        scopes: what this one may do.
        page: the browser.
    """

    organisation: str
    scopes: frozenset[PlatformScope]
    page: PageClient


class Subjects:
    """What is asked about: made anew for each who may change it.

    Args:
        world: with something on each page.
    """

    def __init__(self, world: PageWorld) -> None:
        self._world = world
        self._offer = Renting(world.rollouts.parties).offer(audience=["dev"])

    def address(self, operation: str) -> tuple[str, dict[str, str]]:
        """The path and the fields of a form, about something that it can be done to."""
        world, numbers = self._world, self._world.numbers
        path = operation.partition(" ")[2].replace("{uid}", BOX)
        if "/people/" not in path:
            path = path.replace("{name}", DEVICES[0])
        form = release_form(self._world, path)
        if form is not None:
            return form
        match path.split("/")[1:]:
            case ["organisation" | "account" | "enrolling", *_]:
                return house_address(self._world, path)
            case ["offers", *_] if "{number}" not in path:
                return house_address(self._world, path)
            case ["assets", *_]:
                return read_assets().path("pages.css"), {}
            case ["releases", _, _, "rollout"]:
                return path.replace("{number}", "1"), {"name": "next", "waves": "100"}
            case ["releases", *_]:
                return path.replace("{number}", "1"), {}
            case ["rollouts", _, deed]:
                return path.replace("{number}", str(self._rollout(deed))), {"despite": "0"}
            case ["rollouts", _]:
                return path.replace("{number}", str(numbers["halted"])), {}
            case ["offers", _, "rentals"]:
                number = Renting(world.rollouts.parties).release(next(self._world.releases), PLAN)
                fields = {"release": f"{BOX}/{number}", **self._times()}
                return path.replace("{number}", str(self._offer)), fields
            case ["offers", *_]:
                return path.replace("{number}", str(self._offer)), {}
            case ["rentals", _, *_]:
                return path.replace("{number}", str(self._rental())), {}
        return path, {}

    def missing(self, operation: str) -> str:
        """The path of what is not there for anybody."""
        path = operation.partition(" ")[2].replace("{uid}", "00").replace("{name}", "nobody")
        path = path.replace("{fingerprint}", "0" * 64)
        return path.replace("{number}", "999999")

    def _times(self) -> dict[str, str]:
        return {"from": "2027-01-15T09:00", "until": "2027-01-15T10:00"}

    def _rollout(self, deed: str) -> int:
        world = self._world.rollouts
        if deed in ("start", "judgement"):
            return world.draft(query="group=north")
        number = world.start(query="group=north")
        if deed == "resume":
            good(world.ask(number, "pause"))
        return number

    def _rental(self) -> int:
        renting = Renting(self._world.rollouts.parties)
        number = renting.release(next(self._world.releases), PLAN)
        return int(good(renting.ask(self._offer, number))["id"])


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageWorld]:
    """A platform with something on each page, on which some of this is done."""
    with filled(tmp_path_factory.mktemp("access")) as world:
        yield world


@pytest.fixture(scope="module")
def everybody(asked: PageWorld) -> list[Somebody]:
    """Each right in each organisation, and nobody."""
    found = [Somebody("", frozenset(), asked.nobody())]
    for organisation in sorted(EVERYBODY):
        for right in PersonRight:
            name = f"{organisation}-{right.value}"
            is_there = right is PersonRight.ADMIN
            client = (
                asked.platform.log_in(name)
                if is_there
                else asked.platform.add_person(organisation, name, right)
            )
            found.append(Somebody(organisation, SCOPES[right], PageClient(client)))
    return found


def page_routes(world: PageWorld) -> Iterator[str]:
    """What the application answers beside what is described, as it says itself."""
    described = world.platform.application.openapi()["paths"]
    for route in all_routes(world.platform.application.routes):
        if route.path not in described:
            yield from (f"{method} {route.path}" for method in route.methods or ())


def all_routes(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """All routes, also those in routers that the application has as they are."""
    for each in routes:
        included = getattr(each, "original_router", None)
        if included is not None:
            yield from all_routes(included.routes)
        elif isinstance(each, APIRoute):
            yield each
        else:
            assert isinstance(each, Route)
            assert each.path == "/openapi.json", each.path


def expected(row: Row, who: Somebody, good_status: int) -> int:
    """What must be answered, by the table."""
    if row.scope is None:
        return good_status
    if not who.organisation:
        return 401
    if row.scope not in who.scopes:
        return 403
    if who.organisation not in row.seen_by:
        return 404
    return good_status if who.organisation in (row.done_by or row.seen_by) else 403


@pytest.mark.clause("TC-PLAT-65")
def test_the_table_has_exactly_the_pages_that_there_are(asked: PageWorld) -> None:
    assert {*page_routes(asked)} == TABLE.keys()


@pytest.mark.clause("TC-PLAT-64", "TC-PLAT-65")
@pytest.mark.parametrize("operation", [each for each in TABLE if each not in OF_ONE_PERSON])
def test_a_page_is_for_exactly_those_who_may(
    asked: PageWorld, everybody: list[Somebody], operation: str
) -> None:
    row, subjects = TABLE[operation], Subjects(asked)
    address = subjects.address(operation)
    statuses = set()
    good_status = 303 if operation.startswith("POST") and not row.shows else 200
    for who in everybody:
        wanted = expected(row, who, good_status)
        # A session is over afterwards, so it is another one of the same person.
        page = again(asked, who.page) if operation == "POST /log-out" else who.page
        answer = ask(page, operation, *address)
        statuses.add(answer.status_code)
        assert answer.status_code == wanted, (operation, who.organisation, answer.text)
        if wanted == good_status and operation.startswith("POST"):
            address = subjects.address(operation)
        if wanted == 404:
            missing = ask(who.page, operation, subjects.missing(operation), address[1])
            assert missing.status_code == 404
            assert missing.text == answer.text
            assert [*missing.headers] == [*answer.headers]
        require_headers(answer)
        if wanted == 401:
            assert ParsedPage(answer.text).values("form", "action") == ["/log-in"]
    assert good_status in statuses


def again(world: PageWorld, page: PageClient) -> PageClient:
    """Another session of whoever has logged in."""
    found = page.client.get("/api/me")
    if found.status_code == 401:
        return page
    return PageClient(world.platform.log_in(found.json()["name"]))


def ask(page: PageClient, operation: str, path: str, fields: dict[str, str]) -> httpx.Response:
    """Look at a page, or send a form."""
    if operation.startswith("POST"):
        return page.send(path, fields, **chosen(path))
    return page.client.get(path, follow_redirects=False)


def require_headers(answer: httpx.Response) -> None:
    """Require what keeps browsers safe."""
    if not answer.url.path.startswith("/assets/") or answer.status_code != 200:
        assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.headers.get("content-type", "").startswith("text/html"):
        policy = answer.headers["content-security-policy"]
        assert policy == (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
            " img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
    for cookie in answer.headers.get_list("set-cookie"):
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie


@pytest.mark.clause("TC-PLAT-65")
def test_no_token_of_a_program_opens_a_page(asked: PageWorld) -> None:
    client = asked.platform.client("infra")
    headers = asked.platform.token(client, *PlatformScope)
    nobody = asked.nobody().client
    subjects = Subjects(asked)
    for operation, row in TABLE.items():
        if row.scope is None:
            continue
        path, fields = subjects.address(operation)
        send: Callable[..., httpx.Response] = nobody.request
        answer = send(operation.partition(" ")[0], path, data=fields or None, headers=headers)
        assert answer.status_code in (400, 401), operation
    assert "Log in" in nobody.get("/", headers=headers).text
