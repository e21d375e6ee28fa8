"""Whatever is in a name, a label, a reason or an address: pages stay inert."""

import re
from collections.abc import Sequence
from typing import Final

import pytest
from sqlalchemy import update
from support.four_parties import BOX
from support.hostile_texts import PAYLOADS, PLAIN, combined_payloads, write_everywhere
from support.platform_pages import PageClient, PageWorld, ParsedPage

from tinycontainer.network.platform.tables.catalogue import ApplicationRow

REFLECTED: Final = (
    "/devices?query=", "/devices?reason=", "/devices?uid=", "/devices?state=",
    "/components?name=", "/components?name=tls&version=", "/audit?before=",
    "/devices?after=", "/organisation?after=", "/releases?before=",
    "/evidence?device=", "/evidence?container=", "/evidence?kind=", "/audit?deed=",
    "/audit?person=", "/audit?subject=",
)  # fmt: skip


SCRIPT: Final = re.compile(r"/assets/[0-9a-f]{12}/[a-z0-9.-]+\.js")


def look_at_all(world: PageWorld) -> dict[str, ParsedPage]:
    """All pages, as the owner; and as infrastructure, those on which it can do something."""
    paths = world.paths()
    doing = [f"/releases/{BOX}/{form}" for form in ("1/rollout", "2/plan")]
    doing += (each for each in paths if "/rollouts/" in each)
    beginning = ["/releases/begin", f"/releases/{BOX}/2/code"]
    return {
        f"{organisation} {path}": world.client(organisation).look(path)
        for organisation, looked_at in (
            ("boxes", paths),
            ("infra", ["/", *doing]),
            ("dev", beginning),
        )
        for path in looked_at
    }


def require_inert(page: ParsedPage, path: str) -> None:
    """Require that a page leads nowhere else, and does nothing."""
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes), path
        assert tag not in ("style", "img", "iframe", "base"), path
    scripts = page.values("script", "src")
    assert len(scripts) == sum(tag == "script" for tag, _ in page.elements), path
    assert all(SCRIPT.fullmatch(each) for each in scripts), path
    for where in page.values("a", "href") + page.values("form", "action"):
        assert where.startswith(("/", "#")), (path, where)
        assert not where.startswith(("//", "/\\")), (path, where)
    assert [each.rpartition("/")[2] for each in page.values("link", "href")] == [
        "icon.svg",
        "pages.css",
    ]
    assert all(each.isprintable() or each == "\n" for each in "".join(page.texts)), path


@pytest.mark.clause("TC-PLAT-66")
@pytest.mark.parametrize(
    "payloads",
    [PAYLOADS, pytest.param(combined_payloads(500), marks=pytest.mark.long)],
    ids=["each", "500"],
)
def test_hostile_texts_change_no_element_and_no_attribute_of_any_page(
    world: PageWorld, payloads: Sequence[str]
) -> None:
    assert len(payloads) >= 50
    write_everywhere(world, PLAIN)
    wanted = {path: page.structure for path, page in look_at_all(world).items()}
    for payload in payloads:
        write_everywhere(world, payload)
        for path, page in look_at_all(world).items():
            assert page.structure == wanted[path], (path, payload)
            require_inert(page, path)


@pytest.mark.clause("TC-PLAT-66")
def test_a_hostile_uid_is_shown_by_its_digits(world: PageWorld) -> None:
    for payload in PAYLOADS:
        uid = payload.encode()[:63]
        with world.platform.database.transaction() as session:
            session.execute(update(ApplicationRow).values(uid=uid))
        for path in ("/", "/releases", f"/releases/{uid.hex()}/2", "/rentals", "/rollouts"):
            page = world.client("boxes").look(path)
            require_inert(page, path)
            assert f"hex:{uid.hex()}" in page.text, payload


@pytest.mark.clause("TC-PLAT-66")
@pytest.mark.parametrize("path", REFLECTED)
def test_what_is_in_an_address_stays_text(unchanged: PageWorld, path: str) -> None:
    client = unchanged.client("boxes").client
    name, _, value = path.partition("?")[2].rpartition("&")[2].partition("=")
    begin = path[: path.rindex(name)].rstrip("?&")
    for payload in PAYLOADS:
        begun = dict([begin.partition("?")[2].split("=")]) if "?" in begin else {}
        answer = client.get(begin.partition("?")[0], params={**begun, name: payload + value})
        assert answer.status_code in (200, 400), payload
        require_inert(ParsedPage(answer.text), path)


@pytest.mark.clause("TC-PLAT-66")
def test_what_is_sent_with_a_form_comes_back_as_text(world: PageWorld) -> None:
    operator, developer = world.client("infra"), world.client("dev")
    drafting, asking = f"/releases/{BOX}/1/rollout", f"/offers/{world.numbers['offer']}/rentals"
    wanted = refused(operator, drafting, dict.fromkeys(("name", "query", "waves", "strata"), "!"))
    for payload in PAYLOADS:
        fields = dict.fromkeys(("name", "query", "waves", "strata", "attempts"), payload)
        page = refused(operator, drafting, fields)
        assert page.structure == wanted.structure, payload
        require_inert(page, drafting)
        if payload.isprintable():
            assert page.fields["query"] == payload
        page = refused(developer, asking, dict.fromkeys(("release", "from", "until"), payload))
        require_inert(page, asking)
        answer = world.nobody().log_in(payload, payload)
        assert answer.status_code == 400
        require_inert(ParsedPage(answer.text), "/log-in")


def refused(client: PageClient, path: str, fields: dict[str, str]) -> ParsedPage:
    """The page that a form is refused with."""
    answer = client.send(path, fields)
    assert answer.status_code == 400, answer.text
    return ParsedPage(answer.text)


@pytest.mark.clause("TC-PLAT-66", "TC-PLAT-74")
def test_names_of_files_terms_and_new_applications_stay_text(world: PageWorld) -> None:
    world.rollouts.parties.begin(50)
    developer, place = world.client("dev"), f"/releases/{BOX}/50"

    def bring(text: str) -> ParsedPage:
        file = (text.replace("\x00", "").encode("ascii", "ignore").decode() or "x", b"code")
        terms = {"type": "wasm", "audience": text[:40]}
        answer = developer.send(f"{place}/code", terms, files={"file": file})
        assert answer.status_code in (303, 400), text
        return ParsedPage(answer.text) if answer.status_code == 400 else developer.look(place)

    wanted = bring(PLAIN)
    for payload in PAYLOADS:
        page = bring(payload)
        require_inert(page, place)
        if not page.values("form", "enctype"):
            assert page.structure == wanted.structure, payload
        require_inert(developer.look(f"{place}/code"), place)
        page = refused(developer, "/applications", {"new_uid": payload * 63, "name": payload})
        require_inert(page, "/applications")
        if payload.isprintable():
            assert page.fields["name"] == payload
