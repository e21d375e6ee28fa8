"""Signing in the page: the key stays in the browser; signed is what the command would sign."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import update
from support.browsers import DESK, WIDTHS, RealBrowser
from support.four_parties import BOX, CONTENTS, ENDPOINT, PARTY, FourParties, good, states
from support.platform_pages import PageClient, PageWorld
from support.platforms import Platform, made_platform
from support.renting import Renting
from support.rollouts import Rollouts
from support.served_pages import ServedWorld, serving_pages
from support.worlds import FOREIGN, KEYS

from tinycontainer.network.platform.demo.searching import HeardRequests, find_key
from tinycontainer.network.platform.platform_file import WebTable
from tinycontainer.network.platform.releases.parts import ReleasePart
from tinycontainer.network.platform.tables.people import Organisation
from tinycontainer.network.platform.web.pages.rendering import write_part
from tinycontainer_tokens import KeyMaterial, Role
from tinycontainer_tokens.key_files import to_cose_key, to_pem, to_public_pem
from tinycontainer_tokens.key_forms import write_private_pem

RELEASE: Final = f"/releases/{BOX}/1"
PARTS: Final = ("code", "data", "mask", "endpoint-1", "metadata")
LISTEN: Final = """
for (const name of ["importKey", "exportKey", "wrapKey", "generateKey", "deriveKey"]) {
  const real = SubtleCrypto.prototype[name];
  SubtleCrypto.prototype[name] = function (...given) {
    noteKeyCall(name, String(given[0]), name === "importKey" ? given[3] : null);
    return real.apply(this, given);
  };
}
"""
"""Tells what the page does with keys: operation, format, and whether the key can be exported."""
KEPT: Final = """
Promise.all([localStorage, indexedDB.databases(), caches.keys(), sessionStorage])
  .then(all => all.map(each => JSON.stringify(each)))
"""
"""All that a page can keep; htmx keeps an address in the last one."""
WITHOUT_WEBCRYPTO: Final = "Object.defineProperty(Crypto.prototype, 'subtle', {value: undefined})"
WITHOUT_ED25519: Final = """
SubtleCrypto.prototype.importKey = async () => { throw new DOMException("", "NotSupportedError"); };
"""


@dataclass
class SigningDesk:
    """A platform whose pages sign, and a browser in front of it.

    Attributes:
        parties: whose release waits for signatures.
        browser: that signs.
        served: where it finds the platform.
        heard: all that the platform is asked.
        key_calls: what pages did with keys: operation, format, and whether it can be exported.
    """

    parties: FourParties
    browser: RealBrowser
    served: ServedWorld
    heard: HeardRequests
    key_calls: list[tuple[str, str, bool | None]] = field(default_factory=list)

    def enter(
        self, organisation: str, *scripts: str, path: str = RELEASE, width: int = DESK
    ) -> Page:
        """The page of the release, as the admin of an organisation sees it."""
        page = self.browser.page(width)
        page.expose_function("noteKeyCall", lambda *given: self.key_calls.append(given))
        for script in (LISTEN, *scripts):
            page.add_init_script(script)
        self.served.enter(page, organisation)
        self.served.open(page, path)
        return page

    def occurrences(self, key: KeyMaterial) -> int:
        """In how many of all things that a browser has sent a private key is, in any form."""
        sent = [
            f"{each.method} {each.url} {each.headers}".encode() + each.body
            for each in self.browser.requests
        ]
        return find_key(key.secret or b"", [bytes(self.heard.content), *sent])


@contextmanager
def desk_at(platform: Platform, browser: RealBrowser, **begun: Any) -> Iterator[SigningDesk]:
    """A desk with a release of which all contents are there, until the block is left."""
    parties = FourParties(platform)
    parties.prepare()
    parties.begin(**begun)
    for content in CONTENTS:
        good(parties.add(content))
    heard = HeardRequests()
    listening: Any = heard.wrap(platform.application)
    world = PageWorld(Rollouts(replace(platform, application=listening)))
    with serving_pages(world) as served:
        try:
            yield SigningDesk(parties, browser, served, heard)
        finally:
            browser.close()  # the server waits for streams that are open


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Platform]:
    """A platform whose pages sign."""
    with made_platform(tmp_path, http=WebTable(sign_in_page=True)) as platform:
        yield platform


@pytest.fixture
def desk(opened: Platform, browser: RealBrowser) -> Iterator[SigningDesk]:
    """A browser in front of it."""
    with desk_at(opened, browser) as found:
        yield found


def pem_file(content: bytes) -> Any:
    """A file to choose."""
    return {"name": "key.pem", "mimeType": "application/x-pem-file", "buffer": content}


def place_of(page: Page, name: str, verb: str = "sign") -> Locator:
    """Where something is signed, opened."""
    place = page.locator(f"#{verb}-here-{name}")
    place.locator("summary").click()
    return place


def choose_and_press(place: Locator, content: bytes | None) -> None:
    """Choose a key file, if there is one, and press the button."""
    if content is not None:
        place.locator("input").set_input_files(pem_file(content))
    place.get_by_role("button", name="here").click()


def sign_at(page: Page, name: str, content: bytes, verb: str = "sign") -> Locator:
    """Open the place where something is signed, choose a key file, and press the button."""
    place = place_of(page, name, verb)
    choose_and_press(place, content)
    return place


def require_signed(page: Page, part: str) -> None:
    """Wait until the page shows a part as signed, and nothing more to sign it with."""
    row = page.get_by_role("listitem").filter(has=page.get_by_text(write_part(part), exact=True))
    expect(row).to_contain_text("-admin")
    expect(page.locator(f"#sign-here-{part}")).to_have_count(0)


@pytest.mark.clause("TC-PLAT-67", "TC-PLAT-78", "TC-PLAT-79")
@pytest.mark.parametrize("profile", ["rfc9052", pytest.param("riot-2024", marks=pytest.mark.long)])
def test_each_party_signs_its_parts_and_no_request_has_its_key(
    opened: Platform, browser: RealBrowser, profile: str
) -> None:
    signs_endpoints = profile == "rfc9052"
    parts = [each for each in PARTS if signs_endpoints or each != "endpoint-1"]
    begun = {"profile": profile, "signs_endpoints": signs_endpoints}
    with desk_at(opened, browser, **begun) as desk:
        for part in parts:
            role = ReleasePart.parse(part).role
            page = desk.enter(PARTY[role])
            sign_at(page, part, to_pem(KEYS[role]))
            require_signed(page, part)
            kept = page.evaluate(KEPT)
            assert kept[:3] == ["{}", "[]", "[]"]
            assert find_key(KEYS[role].secret or b"", [kept[3].encode()]) == 0
        assert set(states(desk.parties.show()).values()) == {"signed"}
        bundle = desk.parties.bundle()
        assert all(desk.parties.make_token(part) in bundle for part in parts)
        for part in parts:
            assert f"/api/releases/{BOX}/1/tokens/{part}".encode() in desk.heard.content
        assert [desk.occurrences(key) for key in KEYS.values()] == [0] * len(KEYS)
        used = set(desk.key_calls)
        assert used == {("importKey", "pkcs8", False), ("importKey", "raw", False)}


def refused_files() -> list[tuple[bytes | None, str]]:
    """Files that nobody can sign code with here, and what is said."""
    own = to_pem(KEYS[Role.DEVELOPER])
    curve = write_private_pem(generate_private_key(SECP256R1()), None)
    return [
        (None, "Choose the file of the private key first."),
        (to_pem(KEYS[Role.DEVELOPER], b"secret"), "This key is encrypted"),
        (to_public_pem(KEYS[Role.DEVELOPER]), "This is a public key; choose the private one."),
        (curve, "This is no Ed25519 key."),
        (to_cose_key(KEYS[Role.DEVELOPER]), "This is no file with one key in PEM."),
        (b"", "This is no file with one key in PEM."),
        (own + to_pem(FOREIGN), "This is no file with one key in PEM."),
        (own.replace(b"PRIVATE", b"OTHER"), "This is no private key in PKCS #8."),
        (own.replace(b"MC4C", b"MC4C="), "This PEM file is damaged."),
        (own.replace(b"MC4C", b""), "This is no Ed25519 key."),
        (b"\n" * 4000 + own, "This file is too long for a key."),
        (to_pem(FOREIGN), "Your organisation has no such key"),
        (to_pem(KEYS[Role.OWNER]), "Your organisation has no such key"),
    ]


@pytest.mark.clause("TC-PLAT-79", "TC-PLAT-80")
def test_a_file_that_does_not_fit_is_refused_in_one_line_and_not_sent(desk: SigningDesk) -> None:
    page = desk.enter("dev")
    place = place_of(page, "code")
    for content, problem in refused_files():
        choose_and_press(place, content)
        said = place.get_by_role("status")
        expect(said).to_contain_text(problem)
        assert "\n" not in said.inner_text()
        expect(place.locator("input")).to_have_value("")
    assert {each.method for each in desk.browser.requests if "/api/" in each.url} == {"GET"}
    assert [desk.occurrences(key) for key in (FOREIGN, *KEYS.values())] == [0] * 5
    assert states(desk.parties.show())["code"] == "unsigned"
    assert not any(exportable for _, _, exportable in desk.key_calls)
    choose_and_press(place, to_pem(KEYS[Role.DEVELOPER]))
    require_signed(page, "code")


@pytest.mark.clause("TC-PLAT-80")
def test_a_key_of_another_role_and_one_that_was_withdrawn_sign_nothing(desk: SigningDesk) -> None:
    developer = desk.parties.client(Role.DEVELOPER)
    with desk.parties.platform.database.transaction() as session:
        both = f"{Role.DEVELOPER},{Role.PROVIDER}"
        session.execute(update(Organisation).where(Organisation.name == "dev").values(roles=both))
    other = {"role": "provider", "name": "x", "public": to_public_pem(FOREIGN).decode()}
    good(developer.post("/api/keys", json=other))
    page = desk.enter("dev")
    said = sign_at(page, "code", to_pem(FOREIGN)).get_by_role("status")
    expect(said).to_have_text("This is a key of the provider; here the developer signs.")
    known = good(developer.get("/api/keys"))["keys"][0]["fingerprint"]
    good(developer.delete(f"/api/keys/{known}"))
    page.reload()
    said = sign_at(page, "code", to_pem(KEYS[Role.DEVELOPER])).get_by_role("status")
    expect(said).to_have_text("This key was withdrawn.")
    assert states(desk.parties.show())["code"] == "unsigned"


@pytest.mark.clause("TC-PLAT-80")
@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (WITHOUT_WEBCRYPTO, "only on a page that comes by HTTPS or from this machine"),
        (WITHOUT_ED25519, "This browser cannot sign with Ed25519."),
    ],
)
def test_a_browser_that_cannot_sign_says_so(desk: SigningDesk, script: str, problem: str) -> None:
    page = desk.enter("dev", script)
    place = sign_at(page, "code", to_pem(KEYS[Role.DEVELOPER]))
    expect(place.get_by_role("status")).to_contain_text(problem)
    assert desk.occurrences(KEYS[Role.DEVELOPER]) == 0


@pytest.mark.clause("TC-PLAT-80")
def test_a_platform_that_refuses_or_does_not_answer_is_said(desk: SigningDesk) -> None:
    page = desk.enter("dev")
    page.route("**/tokens/code", lambda route: route.abort())
    place = sign_at(page, "code", to_pem(KEYS[Role.DEVELOPER]))
    expect(place.get_by_role("status")).to_have_text("The platform does not answer; try again.")
    page.unroute_all()
    place.evaluate("each => { each.dataset.csrf = 'x'; }")
    choose_and_press(place, to_pem(KEYS[Role.DEVELOPER]))
    expect(place.get_by_role("status")).to_contain_text("The platform refuses: the header X-CSRF")
    assert states(desk.parties.show())["code"] == "unsigned"


@pytest.mark.clause("TC-PLAT-80")
def test_what_has_changed_since_it_was_shown_is_not_signed(desk: SigningDesk) -> None:
    page = desk.enter("dev")
    page.locator("[data-seen]").first.evaluate("each => { each.dataset.seen = '0'.repeat(64); }")
    place = sign_at(page, "code", to_pem(KEYS[Role.DEVELOPER]))
    expect(place.get_by_role("status")).to_contain_text("it has changed since you looked at it")
    assert states(desk.parties.show())["code"] == "unsigned"


@pytest.mark.clause("TC-PLAT-80")
def test_what_another_party_changes_after_the_key_was_chosen_is_not_signed(
    desk: SigningDesk,
) -> None:
    page = desk.enter("boxes")
    place = place_of(page, "endpoint-1")
    place.locator("input").set_input_files(pem_file(to_pem(KEYS[Role.OWNER])))
    section = page.locator("#sign-endpoint-1")
    looked_at = section.get_attribute("data-seen") or ""
    good(desk.parties.add("plan", endpoints=[{**ENDPOINT, "peer_endpoint": 99}]))
    expect(section).not_to_have_attribute("data-seen", looked_at)
    press = place.get_by_role("button", name="here")
    press.click()
    expect(place.get_by_role("status")).to_contain_text("it has changed since you looked at it")
    assert states(desk.parties.show())["endpoint-1"] == "unsigned"
    choose_and_press(place, to_pem(KEYS[Role.OWNER]))
    expect(place).to_have_count(0)
    assert states(desk.parties.show())["endpoint-1"] == "signed"


@pytest.mark.clause("TC-PLAT-78")
def test_somebody_signs_by_keyboard_alone_and_reads_whom_this_trusts(desk: SigningDesk) -> None:
    page = desk.enter("dev")
    page.get_by_text("Sign code here, in the browser").focus()
    page.keyboard.press("Enter")
    place = page.locator("#sign-here-code")
    expect(place).to_contain_text("This trusts the page, and so whoever runs the platform")
    expect(place).to_contain_text("tinycontainerctl platform sign does not")
    page.keyboard.press("Tab")
    with page.expect_file_chooser() as chosen:
        page.keyboard.press("Enter")
    chosen.value.set_files(pem_file(to_pem(KEYS[Role.DEVELOPER])))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    require_signed(page, "code")


@pytest.mark.clause("TC-PLAT-67", "TC-PLAT-78")
def test_pages_offer_it_only_if_the_file_says_so_and_by_the_same_policy(tmp_path: Path) -> None:
    policies = set()
    with ExitStack() as running:
        for is_on in (False, True):
            folder = tmp_path / str(is_on)
            folder.mkdir()
            http = WebTable(sign_in_page=is_on)
            platform = running.enter_context(made_platform(folder, http=http))
            parties = FourParties(platform)
            parties.prepare()
            rental = Renting(parties).granted()
            owner = PageClient(platform.client("boxes"))
            for path, command in (
                (RELEASE, "tinycontainerctl platform sign"),
                (f"/rentals/{rental}", "tinycontainerctl platform withdraw"),
            ):
                page = owner.look(path)
                scripts = [each for each in page.values("script", "src") if "signing" in each]
                assert len(scripts) == is_on
                assert ("file" in page.values("input", "type")) is is_on
                assert command in page.text
                policies.add(owner.client.get(path).headers["content-security-policy"])
            parties.platform.client("dev")
            stranger = PageClient(platform.client("infra")).look(RELEASE)
            assert "file" not in stranger.values("input", "type")  # metadata wait for the others
    assert len(policies) == 1


@pytest.mark.clause("TC-PLAT-78")
def test_without_script_nothing_is_offered_but_the_command(
    desk: SigningDesk, chromium: Browser
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    desk.served.enter(page, "dev")
    page.goto(desk.served.address + RELEASE)
    expect(page.get_by_text("tinycontainerctl platform sign").first).to_be_visible()
    expect(page.locator("#sign-here-code")).to_be_hidden()
    context.close()


@pytest.mark.clause("TC-PLAT-67", "TC-PLAT-78", "TC-PLAT-79")
def test_an_owner_takes_its_rights_back_in_the_page(opened: Platform, browser: RealBrowser) -> None:
    with desk_at(opened, browser) as desk:
        rental = Renting(desk.parties).granted(2)
        page = desk.enter("boxes", path=f"/rentals/{rental}")
        place = sign_at(page, "rights", to_pem(FOREIGN), "withdraw")
        expect(place.get_by_role("status")).to_contain_text("Your organisation has no such key")
        choose_and_press(place, to_pem(KEYS[Role.OWNER]))
        expect(page.locator(".facts")).to_contain_text("withdrawn")
        expect(page.locator("#withdraw-here-rights")).to_have_count(0)
        assert [desk.occurrences(key) for key in (FOREIGN, KEYS[Role.OWNER])] == [0, 0]


def test_it_fits_on_a_phone_and_a_desk(desk: SigningDesk) -> None:
    for width in WIDTHS:
        page = desk.enter("boxes", width=width)
        for part in ("mask", "endpoint-1"):
            place_of(page, part)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
