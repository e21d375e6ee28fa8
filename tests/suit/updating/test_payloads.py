"""What is fetched or written, and what of it is taken: payloads and their images."""

from dataclasses import replace

import pytest
from support.manifests import (
    ABORT,
    ALL,
    CODE,
    DATA,
    FETCH,
    MATCH,
    META,
    TIMES,
    WRITE,
    Written,
    apply,
    at,
    digest,
    newer_of,
    refuse,
    running,
    set_,
    uri,
)
from support.updates import plan_version, rules, sections, version
from support.worlds import blueprint

from tinycontainer.device.containers.limits import Capacity
from tinycontainer.errors import UpdateReason
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.suit.envelope.labels import ManifestMember, Parameter
from tinycontainer.suit.processor import MAX_FETCHES, PayloadRequest

NEXT = newer_of("a")
BOTH = newer_of("a", "b")
META_A, DATA_A, CODE_A = (NEXT.payloads[f"#{index}"] for index in range(3))
ORIGIN = "coap://files.example:5683"
WHERE = "coap://files.example/a/code"
FETCHING = rules(origins=(ORIGIN,))
PLAN = blueprint("a", security=TIMES, sequence=2)
ELSEWHERE = Written.of(version(sections(PLAN), b"a", uris={UpdateSection.CODE: WHERE}))
"""Its code is fetched from a server."""


def only(*commands: object) -> bytes:
    """An update whose install sequence is this alone."""
    return NEXT.installing(*commands).signed()  # type: ignore[arg-type]


# Images


@pytest.mark.clause("TC-UPD-15")
@pytest.mark.parametrize("index", [META, DATA, CODE])
def test_a_component_whose_image_was_never_matched_is_refused(index: int) -> None:
    """The last command on each component is its image-match."""
    install = list(NEXT.install)
    del install[index * 4 + 3]
    refusal = refuse(running("a"), only(*install), UpdateReason.UNMATCHED, "no image-match")
    assert refusal.place == f"a {list(UpdateSection)[index]}"


@pytest.mark.clause("TC-UPD-15")
def test_a_component_that_nothing_was_done_with_is_refused() -> None:
    refuse(running("a"), only(*NEXT.install[:8]), UpdateReason.UNMATCHED)


@pytest.mark.clause("TC-UPD-15")
@pytest.mark.parametrize("again", [FETCH, WRITE])
def test_what_is_fetched_or_written_after_the_match_is_refused(again: object) -> None:
    more = (at(CODE), set_(Parameter.CONTENT, CODE_A), again)
    content = only(*NEXT.install, *more)
    assert refuse(running("a"), content, UpdateReason.UNMATCHED).place == "a code"
    assert apply(running("a"), only(*NEXT.install, *more, MATCH)).uids == (b"a",)


@pytest.mark.clause("TC-UPD-15")
def test_a_match_before_the_fetch_does_not_count() -> None:
    """What is installed matches; what is fetched then was not looked at."""
    world = running("a")
    installed = world.device.installed(b"a", UpdateSection.CODE)
    assert installed == CODE_A
    content = only(*NEXT.install[:8], at(CODE), MATCH, uri("#2"), FETCH)
    refuse(world, content, UpdateReason.UNMATCHED)


@pytest.mark.clause("TC-UPD-15")
@pytest.mark.parametrize("name", ["#0", "#2"])
def test_another_payload_of_the_same_length_is_refused(name: str) -> None:
    payload = NEXT.payloads[name]
    other = bytes([payload[0] ^ 1]) + payload[1:]
    content = replace(NEXT, payloads={**NEXT.payloads, name: other}).signed()
    refuse(running("a"), content, UpdateReason.IMAGE, "is announced")


@pytest.mark.clause("TC-UPD-15")
@pytest.mark.parametrize(("one", "other"), [("#0", "#2"), ("#0", "#3"), ("#2", "#5"), ("#1", "#2")])
def test_payloads_that_change_places_are_refused(one: str, other: str) -> None:
    """Within one container, and between two."""
    payloads = dict(BOTH.payloads)
    payloads[one], payloads[other] = payloads[other], payloads[one]
    content = replace(BOTH, payloads=payloads).signed()
    refuse(running("a", "b"), content, UpdateReason.IMAGE)


@pytest.mark.clause("TC-UPD-15")
def test_a_payload_of_another_size_than_announced_is_refused() -> None:
    size = set_(Parameter.IMAGE_SIZE, len(CODE_A) + 1)
    content = NEXT.sharing(*NEXT.shared, size).signed()
    refusal = refuse(running("a"), content, UpdateReason.IMAGE, "are announced")
    assert refusal.place == "install[11]"
    huge = set_(Parameter.IMAGE_SIZE, (1 << 64) - 1)
    refuse(running("a"), NEXT.sharing(*NEXT.shared, huge).signed(), UpdateReason.IMAGE)


@pytest.mark.clause("TC-UPD-15")
def test_a_match_without_a_digest_or_without_content_is_refused() -> None:
    shared = tuple(
        each
        for each in NEXT.shared
        if not isinstance(each.argument, dict) or Parameter.IMAGE_DIGEST not in each.argument
    )
    refuse(running("a"), NEXT.sharing(*shared).signed(), UpdateReason.IMAGE, "no image-digest")
    content = only(at(DATA), MATCH)
    refuse(running("b"), content, UpdateReason.IMAGE, "nothing to compare")


@pytest.mark.clause("TC-UPD-15", "TC-UPD-12")
def test_a_digest_that_a_later_sequence_sets_does_not_matter_any_more() -> None:
    """What was matched stays matched; a match against another digest fails."""
    other = digest(b"something else")
    assert apply(
        running("a"), NEXT.having(ManifestMember.VALIDATE, at(CODE), other).signed()
    ).uids == (b"a",)
    content = NEXT.having(ManifestMember.VALIDATE, at(CODE), other, MATCH).signed()
    assert refuse(running("a"), content, UpdateReason.IMAGE).place == "validate[2]"


@pytest.mark.clause("TC-UPD-15")
def test_what_is_installed_and_matches_need_not_be_carried() -> None:
    world = running("a")
    install = (*NEXT.install[:4], at(DATA, CODE), MATCH)
    slim = replace(NEXT.installing(*install), payloads={"#0": META_A})
    assert apply(world, slim.signed()).uids == (b"a",)
    world.device.run(for_ms=50)
    assert world.device.installed(b"a", UpdateSection.METADATA) == META_A
    assert world.device.installed(b"a", UpdateSection.CODE) == CODE_A


@pytest.mark.clause("TC-UPD-15")
def test_what_is_installed_and_does_not_match_is_refused() -> None:
    install = (*NEXT.install[4:], at(META), MATCH)
    refuse(running("a"), only(*install), UpdateReason.IMAGE)


# Payloads


@pytest.mark.clause("TC-UPD-14")
def test_a_payload_that_is_longer_than_its_section_is_refused() -> None:
    capacity = Capacity(code_bytes=100, data_bytes=100)
    for commands in ((uri("#2"), FETCH), (set_(Parameter.CONTENT, bytes(101)), WRITE)):
        written = NEXT.installing(*NEXT.install, at(CODE), *commands, digest(bytes(101)), MATCH)
        content = replace(written, payloads={**NEXT.payloads, "#2": bytes(101)})
        content = content.installing(*content.install[:8], *content.install[12:])
        refuse(running("a", capacity=capacity), content.signed(), UpdateReason.CAPACITY, "100 fit")


@pytest.mark.clause("TC-UPD-14")
def test_a_payload_may_fill_its_section() -> None:
    world = running(capacity=Capacity(data_bytes=100))
    bundle = sections(PLAN, data=bytes(100))
    assert apply(world, Written.of(version(bundle, b"a")).signed()).uids == (b"a",)


@pytest.mark.clause("TC-UPD-14")
def test_an_integrated_payload_that_is_not_there_is_refused() -> None:
    content = replace(NEXT, payloads={"#0": META_A, "#1": DATA_A}).signed()
    refuse(running("a"), content, UpdateReason.PAYLOAD, "the envelope has no payload #2")


@pytest.mark.clause("TC-UPD-14")
def test_a_fetch_without_a_uri_and_a_write_without_content_are_refused() -> None:
    refuse(running("a"), only(at(CODE), FETCH), UpdateReason.PAYLOAD, "no uri is set")
    refuse(running("a"), only(at(CODE), WRITE), UpdateReason.PAYLOAD, "no content is set")


@pytest.mark.clause("TC-UPD-14")
def test_an_integrated_payload_can_have_any_name_and_is_used_before_anything_is_fetched() -> None:
    def fetch(_request: PayloadRequest) -> bytes:
        raise AssertionError("fetched")

    content = replace(ELSEWHERE, payloads={**ELSEWHERE.payloads, WHERE: CODE_A}).signed()
    assert apply(running("a"), content, FETCHING, fetch).uids == (b"a",)
    assert apply(running("a"), content, rules(), fetch).uids == (b"a",)


@pytest.mark.clause("TC-UPD-14")
def test_write_takes_the_content_of_the_manifest() -> None:
    world = running("a")
    content = only(*NEXT.install[:8], at(CODE), set_(Parameter.CONTENT, CODE_A), WRITE, MATCH)
    assert apply(world, content).uids == (b"a",)


# Payloads from elsewhere


@pytest.mark.clause("TC-UPD-14")
def test_a_payload_is_fetched_from_an_origin_that_is_listed() -> None:
    requests: list[PayloadRequest] = []

    def fetch(request: PayloadRequest) -> bytes:
        requests.append(request)
        return CODE_A

    assert apply(running("a"), ELSEWHERE.signed(), FETCHING, fetch).uids == (b"a",)
    assert requests == [PayloadRequest(WHERE, 64 * 1024)]


@pytest.mark.clause("TC-UPD-14")
@pytest.mark.parametrize(
    "where",
    [
        "coap://other.example/a/code",
        "coap://files.example:5684/a/code",
        "coaps://files.example/a/code",
        "coap://files.example@other.example/a",
        "coap://files.example.other.example/a",
        "http://files.example/a/code",
        "file:///etc/passwd",
        "/etc/passwd",
        "2",
    ],
)
def test_a_payload_from_anywhere_else_is_refused(where: str) -> None:
    content = Written.of(version(sections(PLAN), b"a", uris={UpdateSection.CODE: where})).signed()
    refuse(running("a"), content, UpdateReason.PAYLOAD, "may fetch from", found=FETCHING)


@pytest.mark.clause("TC-UPD-14")
def test_a_device_that_lists_no_origin_fetches_nothing() -> None:
    refuse(running("a"), ELSEWHERE.signed(), UpdateReason.PAYLOAD, "may fetch from")


@pytest.mark.clause("TC-UPD-14")
def test_a_payload_that_cannot_be_fetched_is_refused() -> None:
    refuse(
        running("a"), ELSEWHERE.signed(), UpdateReason.PAYLOAD, "cannot be fetched", found=FETCHING
    )


@pytest.mark.clause("TC-UPD-14", "TC-UPD-15")
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", UpdateReason.IMAGE),
        (CODE_A + b"!", UpdateReason.IMAGE),
        (bytes(64 * 1024 + 1), UpdateReason.CAPACITY),
    ],
    ids=["nothing", "more", "too long"],
)
def test_another_answer_of_the_server_is_refused(answer: bytes, reason: UpdateReason) -> None:
    world, content = running("a"), ELSEWHERE.signed()
    refuse(world, content, reason, found=FETCHING, fetch=lambda _request: answer)


@pytest.mark.clause("TC-UPD-14")
@pytest.mark.parametrize(("more", "is_refused"), [(0, False), (1, True)])
def test_an_update_fetches_a_bounded_number_of_payloads(more: int, is_refused: bool) -> None:
    fetched: list[PayloadRequest] = []

    def fetch(request: PayloadRequest) -> bytes:
        fetched.append(request)
        return CODE_A

    count = MAX_FETCHES - 1 + more
    content = ELSEWHERE.installing(*ELSEWHERE.install, at(CODE), *[FETCH] * count, MATCH).signed()
    if is_refused:
        refuse(running("a"), content, UpdateReason.PAYLOAD, "200", found=FETCHING, fetch=fetch)
    else:
        assert apply(running("a"), content, FETCHING, fetch).uids == (b"a",)
    assert len(fetched) == MAX_FETCHES


# Abort, and what metadata says


@pytest.mark.clause("TC-UPD-12")
@pytest.mark.parametrize(
    "member", [ManifestMember.INSTALL, ManifestMember.VALIDATE, ManifestMember.INVOKE]
)
def test_a_manifest_that_aborts_is_refused(member: ManifestMember) -> None:
    before = NEXT.manifest.sequences.get(member, (ALL,))
    content = NEXT.having(member, *before, ABORT).signed()
    assert refuse(running("a"), content, UpdateReason.ABORTED).uid == b"a"


@pytest.mark.clause("TC-UPD-05")
def test_metadata_of_another_container_is_refused() -> None:
    other = sections(blueprint("b", security=TIMES, sequence=2))
    content = Written.of(version(other, b"a")).signed()
    refusal = refuse(running("a", "b"), content, UpdateReason.UID, "the metadata is of b")
    assert (refusal.uid, refusal.place) == (b"a", "a meta")


@pytest.mark.clause("TC-UPD-05")
def test_metadata_that_change_places_with_their_digests_are_refused() -> None:
    plans = [blueprint(uid, security=TIMES, sequence=2) for uid in ("a", "b")]
    one, other = (sections(plan) for plan in plans)
    swapped = (
        version(replace(one, metadata=other.metadata), b"a"),
        version(replace(other, metadata=one.metadata), b"b"),
    )
    refuse(running("a", "b"), Written.of(*swapped).signed(), UpdateReason.UID)


@pytest.mark.clause("TC-UPD-05")
def test_a_component_that_was_not_matched_comes_before_a_wrong_uid() -> None:
    other = version(sections(blueprint("c", security=TIMES, sequence=2)), b"a")
    written = Written.of(other, plan_version(blueprint("b", security=TIMES, sequence=2)))
    content = written.installing(*written.install[:-1]).signed()
    assert refuse(running("a", "b"), content, UpdateReason.UNMATCHED).uid == b"b"
