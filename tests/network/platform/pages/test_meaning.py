"""What a signature will mean: pages say it in the very words in which ``platform sign`` says it."""

from typing import Final

import pytest
from support.four_parties import BOX, CODE, CONTENTS, FourParties, good
from support.platform_pages import PageWorld, ParsedPage

from tinycontainer.assembly import Installation
from tinycontainer.network.platform.releases.parts import ReleasePart
from tinycontainer.network.platform.signer.description import Description, describe
from tinycontainer.network.platform.signer.examining import ExaminedRequest, Order, examine
from tinycontainer.network.platform.signer.request import read_request
from tinycontainer.network.platform.signer.signed import Signed
from tinycontainer.network.platform.signer.tokens import header_of
from tinycontainer_tokens import Profile, Role

PARTS: Final = ("code", "data", "mask", "endpoint-1", "metadata")
NOT_LOOKED_AT: Final = "not looked into: too long for a page"


def show(world: PageWorld, part: str, number: int) -> ParsedPage:
    """The page of a release as the party that signs a part sees it."""
    organisations = {"dev": ("code",), "data": ("data",), "infra": ("metadata",)}
    whose = next((name for name, parts in organisations.items() if part in parts), "boxes")
    return world.client(whose).look(f"/releases/{BOX}/{number}")


def examined(parties: FourParties, part: str, number: int) -> ExaminedRequest:
    """What the signer on another machine is asked to sign."""
    wanted, profile = ReleasePart.parse(part), Profile(parties.show(number=number)["profile"])
    order = Order(bytes.fromhex(BOX), number, wanted, profile, allows_older=True)
    asked = read_request(parties.ask_to_sign(part, number).content)
    return examine(asked, order, header_of(parties.keys[wanted.role], profile), None)


def said_by_signer(parties: FourParties, new: ExaminedRequest, last: Signed | None) -> Description:
    """What the signer says of it."""
    now_s = int(parties.platform.clock())
    return describe(new, last, Installation().analysers(), now_s)


def words(text: str) -> str:
    """A text as a page has it."""
    return " ".join(text.split())


@pytest.mark.clause("TC-PLAT-77")
@pytest.mark.parametrize("profile", [Profile.RFC9052, Profile.RIOT_2024])
def test_a_page_says_all_that_the_signer_says(world: PageWorld, profile: Profile) -> None:
    parties = world.rollouts.parties
    is_full = profile is Profile.RFC9052
    parties.begin(50, profile=profile.value, signs_endpoints=is_full)
    terms = {"expires": int(parties.platform.clock()) + 3600} if is_full else {}
    rights = {"syscalls": ["heartbeat", "write"], "terms": terms}
    for content in CONTENTS:
        more = rights if content == "rights" else {}
        good(parties.add(content, 50, **more))
    for part in (each for each in PARTS if is_full or each != "endpoint-1"):
        new = examined(parties, part, 50)
        described = said_by_signer(parties, new, None)
        page = show(world, part, 50)
        for line in (*described.meaning, *described.warnings):
            assert words(line) in page.text, (part, line)
        assert f"sign-{part}" in page.values("section", "id")
        parties.sign(part, 50)
        assert f"sign-{part}" not in show(world, part, 50).values("section", "id")


@pytest.mark.clause("TC-PLAT-77")
def test_the_next_version_is_compared_with_the_last_complete_one(world: PageWorld) -> None:
    parties = world.rollouts.parties
    parties.complete(50)
    before = {
        part: examined(parties, part, 50).as_signed(None, int(parties.platform.clock()), bytes(32))
        for part in PARTS
    }
    parties.begin(51)  # is never complete
    parties.begin(52)
    code = parties.keep(Role.DEVELOPER, "code", CODE + b"\0\x02\x01x")
    good(parties.add("code", 52, sha256=code))
    good(parties.add("data", 52, sha256=parties.keep(Role.PROVIDER, "data", b"other settings")))
    endpoint = {"id": 1, "peer": "local", "peer_endpoint": 7, "direction": "both"}
    good(parties.add("plan", 52, timing={"period_ms": 900}, endpoints=[endpoint]))
    good(parties.add("rights", 52, syscalls=["write"], terms={"sequence": 4}))
    for part in PARTS:
        described = said_by_signer(parties, examined(parties, part, 52), before[part])
        page = show(world, part, 52)
        assert "Version 50, signed" in page.text
        assert described.changes != ()
        for line in (*described.meaning, *described.warnings):
            assert words(line) in page.text, (part, line)
        for change in described.changes:
            assert words(f"{change.area} {change.text}") in page.text, part
        parties.sign(part, 52)


@pytest.mark.clause("TC-PLAT-77")
def test_what_makes_a_signature_doubtful_stands_before_what_it_means(world: PageWorld) -> None:
    parties = world.rollouts.parties
    parties.complete(50)
    parties.begin(51)
    good(parties.add("rights", 51, syscalls=["open"], terms={"sequence": 4}))
    text = show(world, "mask", 51).text
    twice = text.index("Look twice: this is older than version 50")
    assert "Look twice: the token counts version 4, but the release is number 51" in text
    assert twice < text.index("allows open (mask 02)")


@pytest.mark.clause("TC-PLAT-77")
def test_only_the_party_that_signs_is_told_what_it_will_mean(world: PageWorld) -> None:
    parties = world.rollouts.parties
    parties.begin(50)
    for content in CONTENTS:
        good(parties.add(content, 50))
    for organisation, own in (("dev", ["code"]), ("data", ["data"]), ("infra", [])):
        page = world.client(organisation).look(f"/releases/{BOX}/50")
        shown = [each for each in page.values("section", "id") if each.startswith("sign-")]
        assert shown == [f"sign-{each}" for each in own]


@pytest.mark.clause("TC-PLAT-77")
def test_long_code_is_not_looked_into_by_a_page(world: PageWorld) -> None:
    parties = world.rollouts.parties
    parties.complete(50)
    parties.begin(51)
    digest = parties.keep(Role.DEVELOPER, "code", b"\0asm" + bytes(1 << 20))
    good(parties.add("code", 51, sha256=digest))
    text = show(world, "code", 51).text
    assert f"{(1 << 20) + 4} bytes, sha256 {digest}" in text
    assert NOT_LOOKED_AT in text
    assert "without an end" in text
    parties.sign("code", 51)  # the command signs it all the same
    assert NOT_LOOKED_AT not in show(world, "code", 51).text


@pytest.mark.clause("TC-PLAT-77")
def test_who_has_no_key_is_told_so(world: PageWorld) -> None:
    parties = world.rollouts.parties
    parties.begin(50)
    good(parties.add("data", 50))
    (key,) = good(world.platform.client("data").get("/api/keys"))["keys"]
    good(world.platform.client("data").delete(f"/api/keys/{key['fingerprint']}"))
    assert "data has no key as provider" in show(world, "data", 50).text


@pytest.mark.clause("TC-PLAT-77")
def test_the_version_before_of_other_parties_is_not_shown(world: PageWorld) -> None:
    parties = world.rollouts.parties
    parties.complete(50)
    parties.begin(51, owner="others")
    good(world.platform.client("others").get("/api/me"))
    rights = {"syscalls": ["open"]}
    answer = world.platform.client("others").put(f"/api/releases/{BOX}/51/rights", json=rights)
    good(answer)
    text = world.client("others").look(f"/releases/{BOX}/51").text
    assert "Version" not in text
    assert "others has no key as owner" in text
