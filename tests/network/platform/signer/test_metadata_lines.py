"""Metadata are shown with all that they say, and with what does not fit in them."""

from dataclasses import replace

from support.signer_descriptions import completed, planned, shown, signed_before
from support.signing_platforms import (
    NOW_S,
    key_of,
    order_of,
    request_of,
    small_release,
)
from support.worlds import local

from tinycontainer.metadata import Direction, Security
from tinycontainer.network.platform.releases.parts import CODE, DATA, MASK, METADATA, ReleasePart
from tinycontainer.network.platform.signer.description import describe
from tinycontainer.network.platform.signer.examining import examine
from tinycontainer.network.platform.signer.tokens import header_of
from tinycontainer.tools.packing.packing import TokenOptions
from tinycontainer_tokens import Kind, Profile

ENDPOINT = ReleasePart(Kind.ENDPOINT, 1)


def test_metadata_are_shown_with_timing_endpoints_and_whose_tokens_they_cover() -> None:
    found = shown(completed(small_release(mask=2)), METADATA)
    hooks = "its start hook runs up to 10 ms, its stop hook up to 10 ms"
    assert found.meaning[4:8] == (
        "container type 1 (native)",
        "a loop runs up to 10 ms, every 100 ms; priority 12 (0 is the highest)",
        f"{hooks}; one start lasts any number of loops",
        "endpoint 1 granted: the local peer 1, may read and write (both)",
    )
    assert found.meaning[8] == "it covers these tokens of others, which are not verified here:"
    mask = "allows open (mask 02)"
    said = "rfc9052, for the container box; version 3; without an end"
    assert f"  mask token: {said}; {mask}" in found.meaning
    assert any(line.startswith(f"  code token: {said}; sha256 ") for line in found.meaning)
    assert found.warnings == ()


def test_what_differs_in_metadata_is_said_as_diff_says_it() -> None:
    last = signed_before(completed(small_release(number=2)), METADATA)
    other = planned(
        small_release(mask=0b110),
        endpoints=(local(), local(2, 8, Direction.OUT)),
        security=Security(10, 100, 20, 0, 10),
    )
    texts = [each.text for each in shown(completed(other), METADATA, last).changes]
    assert "may no longer call heartbeat, read, write" in texts
    assert "endpoint 2 granted: the local peer 8, may read (out)" in texts
    assert any(text.startswith("runs up to 20 ms of every 100 ms") for text in texts)
    assert "the code token is newer: sequence 3 instead of 2" in texts


def test_metadata_that_were_signed_with_another_key_id_can_be_compared() -> None:
    last = signed_before(completed(small_release(number=2)), METADATA)
    release = completed(small_release())
    named = replace(key_of(METADATA), kid=b"infra-2")
    request = replace(
        request_of(release, METADATA),
        payload=release.payload(METADATA, named.public_half()),
        covered=release.covered(METADATA, named.public_half()),
    )
    header = header_of(named, Profile.RFC9052)
    found = examine(request, order_of(release, METADATA), header, last)
    texts = [each.text for each in describe(found, last, {}, NOW_S).changes]
    assert any("names the signer's key id infra-2" in text for text in texts)


def test_tokens_of_others_that_do_not_fit_are_warnings() -> None:
    release = completed(small_release())
    foreign = completed(small_release(uid=b"o\x1bx"))
    old = completed(small_release(terms={Kind.DATA: TokenOptions(3, "dev", expires_s=NOW_S - 1)}))
    other = completed(planned(small_release(), endpoints=(local(1, 9),)))
    tokens = {
        **release.tokens,
        CODE: foreign.tokens[CODE],
        DATA: old.tokens[DATA],
        ENDPOINT: other.tokens[ENDPOINT],
    }
    found = shown(replace(release, tokens=tokens), METADATA)
    assert found.warnings == (
        "code token: it is for the container o\\x1bx",
        "data token: it has expired",
        "data token: it is not for the same device as these metadata",
        "endpoints[0].endpoint-token: it is for another endpoint, or another direction",
    )


def test_a_token_of_another_kind_in_a_place_is_a_warning() -> None:
    release = completed(small_release())
    tokens = {**release.tokens, CODE: release.tokens[DATA]}
    found = shown(replace(release, tokens=tokens), METADATA)
    assert found.warnings == ("code token: it is of another kind",)


def test_a_token_of_another_that_expires_at_this_second_has_expired() -> None:
    release = completed(small_release(terms={Kind.DATA: TokenOptions(3, expires_s=NOW_S)}))
    assert shown(release, METADATA).warnings == ("data token: it has expired",)
    later = completed(small_release(terms={Kind.DATA: TokenOptions(3, expires_s=NOW_S + 1)}))
    assert shown(later, METADATA).warnings == ()


def test_places_without_a_token_that_can_be_read_are_warnings() -> None:
    release = completed(small_release())
    tokens = {**release.tokens, CODE: b"", DATA: b"\x1b[2J", MASK: release.tokens[CODE]}
    found = shown(replace(release, tokens=tokens), METADATA)
    assert found.warnings == (
        "code token: there is none",
        "data token: it cannot be read",
        "mask token: it cannot be read",
    )
    assert "  code token: none" in found.meaning
    assert "  data token: cannot be read" in found.meaning


def test_metadata_without_endpoints_say_so() -> None:
    release = completed(planned(small_release(), endpoints=()))
    assert "no endpoints" in shown(release, METADATA).meaning
