"""Whatever is in a name, a label, a reason or an address: pages stay inert."""

import re
from typing import Final

import pytest
from sqlalchemy import ColumnElement, String, cast, literal, update
from sqlalchemy.orm import InstrumentedAttribute
from support.four_parties import BOX
from support.platform_pages import PageClient, PageWorld, ParsedPage

from tinycontainer.network.platform.tables.catalogue import (
    ApplicationRow,
    PublicKey,
    ReleaseToken,
)
from tinycontainer.network.platform.tables.components import ReleaseComponentRow
from tinycontainer.network.platform.tables.fleet import DeviceProfile, DeviceRow
from tinycontainer.network.platform.tables.people import ApiToken, AuditEntry, Organisation, Person
from tinycontainer.network.platform.tables.renting import OfferRow, RentalRow
from tinycontainer.network.platform.tables.rollouts import (
    DeviceContainerRow,
    RolloutDeviceRow,
    RolloutRow,
)

PLAIN: Final = "plain"
PAYLOADS: Final = (
    "<script>alert(1)</script>", "</title><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>", '"><script>alert(1)</script>', "'><script>alert(1)</script>",
    '" onmouseover="alert(1)', "' onmouseover='alert(1)", '" autofocus onfocus=alert(1) x="',
    "<svg onload=alert(1)>", "<svg/onload=alert(1)>", "<a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)", "data:text/html,<script>alert(1)</script>",
    "<iframe src=//evil.example>", "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=stylesheet href=//evil.example/x.css>", "<style>*{display:none}</style>",
    "<form action=//evil.example><input name=csrf>", "</form><form action=//evil.example>",
    '"><input name="csrf" value="x', "<button formaction=//evil.example>x</button>",
    "</table></div></main><h1>forged</h1>", "</td><td>forged", "<!--", "-->", "<![CDATA[x]]>",
    "<?php echo 1 ?>", "</textarea>", "</code></pre>", "<plaintext>",
    '<noscript><p title="</noscript>', "<template><script>", "<math><mtext>", "&lt;script&gt;",
    "&#60;script&#62;", "&", "%3Cscript%3E", "{{ 7 * 7 }}", "{% include 'base.html' %}",
    "{{ visitor.csrf }}", "${7*7}", "//evil.example", "https://evil.example", "/\\evil.example",
    "../../api/session", "a\r\nSet-Cookie: x=y", "\x00\x08\x1b[2J", "\u202eabc\u2066\u200b",
    "\ufeff\uff1cscript\uff1e", "`;$(reboot)`", "' OR 1=1 --",
)  # fmt: skip
REFLECTED: Final = (
    "/devices?query=", "/components?name=", "/components?name=tls&version=", "/audit?before=",
    "/devices?after=", "/organisation?after=", "/releases?before=",
)  # fmt: skip


SCRIPT: Final = re.compile(r"/assets/[0-9a-f]{12}/[a-z0-9.-]+\.js")

IS_SPARE: Final = DeviceRow.id.in_((2, 4))
"""Devices whose own pages are not looked at."""


def unique(text: str, number: InstrumentedAttribute[int]) -> ColumnElement[str]:
    """A text with the number of its row."""
    return literal(text) + cast(number, String)


def write_everywhere(world: PageWorld, text: str) -> None:
    """Put a text into all that somebody can name, past all checks."""
    with world.platform.database.transaction() as session:
        for statement in (
            update(ApplicationRow).values(name=text),
            update(PublicKey).values(name=text, role=text),
            update(ReleaseToken).values(person=text),
            update(ReleaseComponentRow).values(version=text, purl=text),
            update(DeviceProfile).values(name=text),
            update(DeviceRow).values(kind=text, group=text, labels={text: text}, gateway=text),
            update(ApiToken).values(name=text),
            update(AuditEntry).values(deed=text, subject=text, detail=text, person=text),
            update(OfferRow).values(name=text, description=text),
            update(RentalRow).values(asked_by=text, decided_by=text),
            update(RolloutRow).values(name=text, halt_reason=text),
            update(RolloutDeviceRow).values(reason=text, detail=text),
            update(DeviceContainerRow).values(reported_state=text, reported_exit=text),
            # No two have the same.
            update(Organisation).values(name=unique(text, Organisation.id)),
            update(Person).values(name=unique(text, Person.id)),
            update(DeviceRow).where(IS_SPARE).values(name=unique(text, DeviceRow.id)),
        ):
            session.execute(statement)


def look_at_all(world: PageWorld) -> dict[str, ParsedPage]:
    """All pages, as the owner; and as infrastructure, those on which it can do something."""
    paths = world.paths()
    doing = [f"/releases/{BOX}/1/rollout", *(each for each in paths if "/rollouts/" in each)]
    return {
        f"{organisation} {path}": world.client(organisation).look(path)
        for organisation, looked_at in (("boxes", paths), ("infra", ["/", *doing]))
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
        assert where.startswith("/") or where == "#main", (path, where)
        assert not where.startswith(("//", "/\\")), (path, where)
    assert [each.rpartition("/")[2] for each in page.values("link", "href")] == [
        "icon.svg",
        "pages.css",
    ]
    assert all(each.isprintable() or each == "\n" for each in "".join(page.texts)), path


@pytest.mark.clause("TC-PLAT-66")
def test_hostile_texts_change_no_element_and_no_attribute_of_any_page(world: PageWorld) -> None:
    assert len(PAYLOADS) >= 50
    write_everywhere(world, PLAIN)
    wanted = {path: page.structure for path, page in look_at_all(world).items()}
    for payload in PAYLOADS:
        write_everywhere(world, payload.replace("\x00", ""))  # no database keeps it
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
