"""All that is shown comes from the bytes that are signed, and nothing can drive a terminal."""

from dataclasses import replace

import pytest
from support.project import BOX
from support.signer_descriptions import completed, examined, planned, shown, signed_before
from support.signing_platforms import (
    NOW_S,
    PARTS,
    key_of,
    ready_release,
    small_release,
)
from support.worlds import local, piped

from tinycontainer.assembly import Installation
from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.analysis import CodeFacts
from tinycontainer.metadata import ContainerMap, ContainerType, Direction
from tinycontainer.network.platform.releases.parts import CODE, DATA, MASK, METADATA, ReleasePart
from tinycontainer.network.platform.releases.release import Plan, ReleaseCode
from tinycontainer.network.platform.signer.code_look import list_names, look_at_code
from tinycontainer.network.platform.signer.description import describe
from tinycontainer.network.platform.signer.facts import as_facts
from tinycontainer.network.platform.signer.signed_codec import MAX_KEPT_BYTES
from tinycontainer.tools.packing.packing import TokenOptions
from tinycontainer_tokens import Kind, Profile

ENDPOINT = ReleasePart(Kind.ENDPOINT, 1)
COURIER = (BOX / "courier" / "courier.wasm").read_bytes()
MAPPER = (BOX / "mapper" / "mapper.wasm").read_bytes()


def test_a_mask_is_shown_in_words() -> None:
    found = shown(small_release(mask=0b10110), MASK)
    assert found.lines == (
        "mask of the container box (hex:626f78), version 3",
        "  valid at once, without an end",
        "  for every device",
        "  a token of rfc9052, signed as the owner",
        "  allows open, close, write (mask 16)",
        "this is the first version that you sign here",
    )


def test_a_mask_that_allows_nothing_and_unknown_bits_are_shown_as_such() -> None:
    assert "allows no system call (mask 00)" in shown(small_release(mask=0), MASK).meaning
    found = shown(small_release(mask=0x1000_0002), MASK)
    text = "allows open (mask 10000002); bits that allow no call: 28"
    assert text in found.meaning
    assert found.warnings == ("the mask has bits that allow no call: 28",)


def test_what_a_mask_gains_and_loses_since_the_last_version_is_said() -> None:
    last = signed_before(small_release(number=2, mask=0b01110), MASK)
    found = shown(small_release(mask=0b11010), MASK, last)
    assert found.lines[5:] == (
        "since version 2, which you signed at 2027-01-14T08:00:00Z:",
        "  rights: may now call write",
        "  rights: may no longer call close",
        "  tokens: the mask token is newer: sequence 3 instead of 2",
        "  release: it belongs to release 3 instead of 2",
    )


def test_the_same_once_more_is_no_difference() -> None:
    last = signed_before(small_release(), MASK)
    found = shown(small_release(), MASK, last)
    line = "since version 3, which you signed at 2027-01-14T08:00:00Z: no difference"
    assert found.since == line
    assert found.warnings == ()


def test_the_same_version_with_other_content_is_a_warning() -> None:
    last = signed_before(small_release(mask=1), MASK)
    found = shown(small_release(), MASK, last)
    assert found.warnings == ("version 3 was signed here before with other content; count it up",)


def test_audience_and_times_of_a_token_are_always_shown() -> None:
    terms = {
        Kind.MASK: TokenOptions(3, "dev\x1b]0;x\x07\u202e", NOW_S - 60, NOW_S + 90_000, NOW_S + 5)
    }
    found = shown(small_release(terms=terms), MASK)
    assert found.meaning[:3] == (
        "valid from 2027-01-15T07:59:00Z on; it expires in 1 day 1 h, at 2027-01-16T09:00:00Z",
        "says that it was issued at 2027-01-15T08:00:05Z",
        "for the device dev\\x1b]0;x\\x07\\xe2\\x80\\xae only",
    )
    assert found.warnings == (
        "the token says that it was issued at 2027-01-15T08:00:05Z, in the future",
    )


def test_a_token_without_a_lifetime_and_one_of_very_long_lifetime_are_shown_as_such() -> None:
    longest = (1 << 64) - 1
    terms = {Kind.MASK: TokenOptions(longest, expires_s=longest)}
    found = shown(small_release(terms=terms), MASK)
    assert found.heading.endswith(f"version {longest}")
    assert f"at Unix second {longest}" in found.meaning[0]
    text = f"the token counts version {longest}, but the release is number 3"
    assert found.warnings == (text,)


@pytest.mark.parametrize(
    "options",
    [
        TokenOptions(3, expires_s=NOW_S),
        TokenOptions(3, not_before_s=NOW_S + 9, expires_s=NOW_S + 9),
    ],
)
def test_a_token_that_is_never_valid_is_a_warning(options: TokenOptions) -> None:
    found = shown(small_release(terms={Kind.MASK: options}), MASK)
    assert found.warnings == ("the token will never be valid: it expires before",)


def test_data_are_shown_by_size_hash_and_head() -> None:
    hidden = shown(small_release(data=b"\x1b[2Jx" * 20), DATA)
    assert hidden.meaning[-2].startswith("100 bytes, sha256 ")
    assert hidden.meaning[-1] == "begins with hex:" + (b"\x1b[2Jx" * 20)[:64].hex()
    assert shown(small_release(data=b"data"), DATA).meaning[-1] == "is data"
    assert shown(small_release(data=b""), DATA).meaning[-1].startswith("0 bytes, sha256 ")
    last = signed_before(small_release(number=2), DATA)
    changes = shown(small_release(data=b"later"), DATA, last).changes
    assert any("other data: size 5 instead of 4 (+1)" in each.text for each in changes)


def test_code_of_an_unknown_type_is_not_guessed() -> None:
    found = shown(small_release(), CODE)
    assert found.meaning[-1] == "not looked into: its type cannot be told from its bytes"


def test_webassembly_is_looked_into_by_the_installed_analyser() -> None:
    with Installation() as installation:
        analysers = installation.analysers()
        release = small_release(code=ReleaseCode(COURIER, ContainerType.WASM))
        found = shown(release, CODE, None, analysers)
        last = signed_before(replace(release, number=2), CODE)
        other = shown(
            replace(release, code=ReleaseCode(MAPPER, ContainerType.WASM)), CODE, last, analysers
        )
    assert found.meaning[-2].startswith("WebAssembly; imports ")
    assert "open" in found.meaning[-2]
    assert found.meaning[-1].startswith("hooks: ")
    assert any("other code: size" in each.text for each in other.changes)


def test_calls_that_code_gains_and_loses_are_said() -> None:
    def analyse(code: bytes) -> CodeFacts:
        names = frozenset(code.decode().split()[1:])
        opened = frozenset(range(len(names)))
        return CodeFacts(names, names, frozenset({"loop"}), opened, True, 0)

    analysers = {ContainerType.WASM: analyse}
    before = small_release(number=2, code=ReleaseCode(b"\0asm open read", ContainerType.WASM))
    after = small_release(code=ReleaseCode(b"\0asm open write \x1b[m", ContainerType.WASM))
    found = shown(after, CODE, signed_before(before, CODE), analysers)
    texts = [each.text for each in found.changes]
    assert "now calls \\x1b[m, write" in texts
    assert "no longer calls read" in texts
    assert "now opens the endpoints 2" in texts
    assert "endpoints that it opens: 0, 1, 2, and ids that it computes" in found.meaning[-1]


def test_code_that_cannot_be_read_or_is_very_long_is_said_to_be_so() -> None:
    def refuse(code: bytes) -> CodeFacts:
        raise InadmissibleCode("\x1b[2J no")

    look = look_at_code(b"\0asm", {ContainerType.WASM: refuse})
    assert look.unseen == "WebAssembly that cannot be read: \\x1b[2J no"
    assert (
        "up to 65536 bytes"
        in look_at_code(b"\0asm" + bytes(65536), {ContainerType.WASM: refuse}).unseen
    )
    assert "no analyser" in look_at_code(b"\0asm", {}).unseen


def test_very_many_names_are_cut_and_counted() -> None:
    def analyse(code: bytes) -> CodeFacts:
        names = frozenset(f"{number:03}" for number in range(500))
        return CodeFacts(names, names, names, frozenset(range(500)), False, 0)

    release = small_release(code=ReleaseCode(b"\0asm", ContainerType.WASM))
    found = shown(release, CODE, None, {ContainerType.WASM: analyse})
    assert "039 and 460 more" in found.meaning[-2]
    assert "39 and 460 more" in found.meaning[-1]
    assert list_names(map(str, range(10, 50))).endswith(", 49")
    assert list_names(map(str, range(10, 51))).endswith(", 49 and 1 more")


def test_content_that_was_too_long_to_be_kept_is_compared_by_size_and_hash() -> None:
    long = small_release(number=2, data=bytes(MAX_KEPT_BYTES + 1))
    last = replace(signed_before(long, DATA), covered=None)
    texts = [each.text for each in shown(small_release(), DATA, last).changes]
    assert any("the data token vouches for sha256" in each for each in texts)
    assert f"size 4 instead of {MAX_KEPT_BYTES + 1}" in texts


def test_an_endpoint_is_shown_as_what_it_grants() -> None:
    found = shown(small_release(), ENDPOINT)
    assert found.meaning[-1] == "endpoint 1 granted: the local peer 1, may read and write (both)"
    other = planned(small_release(), endpoints=(piped(1, "p\x1bx", 4, Direction.OUT),))
    text = "endpoint 1 granted: endpoint 4 of the container p\\x1bx, may read (out)"
    assert shown(other, ENDPOINT).meaning[-1] == text


def test_another_peer_and_direction_of_an_endpoint_are_said() -> None:
    last = signed_before(small_release(number=2), ENDPOINT)
    other = planned(small_release(), endpoints=(local(1, 9, Direction.IN),))
    texts = [each.text for each in shown(other, ENDPOINT, last).changes]
    assert "endpoint 1 now leads to the local peer 9 instead of the local peer 1" in texts
    assert any("direction narrowed" in each for each in texts)


def test_a_first_version_after_one_of_the_firmware_is_compared_with_that() -> None:
    last = signed_before(small_release(profile=Profile.RIOT_2024), MASK)
    found = shown(small_release(), MASK, last)
    assert found.warnings == ()
    texts = [each.text for each in found.changes]
    assert "the mask token has the profile rfc9052 instead of riot-2024" in texts


def test_a_token_of_the_firmware_is_said_to_be_bound_to_nothing() -> None:
    release = small_release(profile=Profile.RIOT_2024)
    found = shown(release, CODE)
    assert (
        found.heading == "code of the container box (hex:626f78), without a version, for release 3"
    )
    assert "a token of riot-2024, which is bound to no container" in found.meaning
    assert any("valid in every one" in line for line in found.warnings)
    assert any("can be any part of this key" in line for line in found.warnings)
    assert len(shown(release, MASK).warnings) == 2


def test_metadata_that_come_as_code_of_the_firmware_are_a_warning() -> None:
    """There the signature would be one of metadata as well."""
    metadata = completed(small_release()).covered(METADATA, key_of(METADATA)) or b""
    release = small_release(
        profile=Profile.RIOT_2024, code=ReleaseCode(metadata, ContainerType.NATIVE)
    )
    text = "this code is metadata of a container, and would be signed as such"
    assert text in shown(release, CODE).warnings


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_facts_for_programs_say_the_same(part: ReleasePart) -> None:
    release = ready_release(part)
    new = examined(release, part)
    found = describe(new, None, {}, NOW_S)
    facts = as_facts(new, found, bytes(32))
    assert facts["meaning"] == list(found.meaning)
    assert facts["payload"] == new.payload.hex()
    assert facts["claims"]["uid"] == "box"
    assert facts["claims"]["kind"] == part.kind.name.lower()
    assert (facts["covered"] is None) == (part == MASK)
    assert facts["part"] == part.name


def test_a_uid_that_looks_like_another_is_shown_in_digits_too() -> None:
    plan = small_release().plan
    assert plan is not None
    release = small_release(
        uid="b\u043ex".encode(), plan=Plan(ContainerMap(b"-", ContainerType(1)))
    )
    heading = "mask of the container b\\xd0\\xbex (hex:62d0be78), version 3"
    assert shown(release, MASK).heading == heading
