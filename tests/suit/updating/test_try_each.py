"""try-each: the first sequence that does not fail counts, and one that fails leaves nothing."""

from dataclasses import replace

import pytest
from support.manifests import (
    ABORT,
    ALL,
    CLASS,
    CODE,
    DATA,
    DEVICE,
    FETCH,
    INVOKE,
    MATCH,
    META,
    UNLINK,
    VENDOR,
    WRITE,
    Written,
    apply,
    at,
    digest,
    newer_of,
    refuse,
    running,
    set_,
    try_each,
    uri,
)
from support.updates import draft, rules

from tinycontainer.errors import UpdateReason
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.suit.envelope.labels import ManifestMember, Parameter
from tinycontainer.suit.envelope.model import CommandSequence
from tinycontainer.suit.processor import PayloadRequest

pytestmark = pytest.mark.clause("TC-UPD-13")

NEXT = newer_of("a")
META_A, DATA_A, CODE_A = (NEXT.payloads[f"#{index}"] for index in range(3))
BEFORE = NEXT.install[:8]
"""metadata and data are fetched and matched; what follows is about the code."""
GOOD: CommandSequence = (at(CODE), uri("#2"), FETCH, MATCH)
WRONG_CLASS = set_(Parameter.CLASS_IDENTIFIER, bytes(16))

FAILURES: dict[str, tuple[CommandSequence, UpdateReason]] = {
    "abort": ((at(CODE), ABORT), UpdateReason.ABORTED),
    "vendor": (
        (at(CODE), set_(Parameter.VENDOR_IDENTIFIER, bytes(16)), VENDOR),
        UpdateReason.VENDOR,
    ),
    "class": ((at(CODE), WRONG_CLASS, CLASS), UpdateReason.CLASS),
    "device": ((at(CODE), DEVICE), UpdateReason.DEVICE),
    "no such payload": ((at(CODE), uri("#9"), FETCH), UpdateReason.PAYLOAD),
    "nowhere to fetch from": ((at(CODE), uri("coap://h/x"), FETCH), UpdateReason.PAYLOAD),
    "no content": ((at(CODE), WRITE), UpdateReason.PAYLOAD),
    "too long": (
        (at(CODE), set_(Parameter.CONTENT, bytes(64 * 1024 + 1)), WRITE),
        UpdateReason.CAPACITY,
    ),
    "another image": ((at(CODE), uri("#0"), FETCH, MATCH), UpdateReason.IMAGE),
    "another size": ((at(CODE), set_(Parameter.IMAGE_SIZE, 7), MATCH), UpdateReason.IMAGE),
}


def after(*sequences: CommandSequence | None, more: CommandSequence = ()) -> bytes:
    """An update whose code depends on a try-each."""
    return NEXT.installing(*BEFORE, try_each(*sequences), *more).signed()


@pytest.mark.parametrize("name", FAILURES)
def test_after_any_failure_the_next_sequence_is_tried(name: str) -> None:
    failing, _ = FAILURES[name]
    assert apply(running("a"), after(failing, GOOD)).uids == (b"a",)


@pytest.mark.parametrize("name", FAILURES)
def test_if_all_fail_the_last_failure_counts(name: str) -> None:
    failing, reason = FAILURES[name]
    assert refuse(running("a"), after((at(CODE), ABORT), failing), reason).uid == b"a"
    assert refuse(running("a"), after(failing), reason).place.startswith("install[8].try-each[0]")


@pytest.mark.parametrize("name", FAILURES)
def test_null_at_the_end_does_nothing(name: str) -> None:
    failing, _ = FAILURES[name]
    assert apply(running("a"), after(failing, None, more=GOOD)).uids == (b"a",)
    refuse(running("b"), after(failing, None), UpdateReason.UNMATCHED)


def test_of_two_that_would_succeed_the_first_counts() -> None:
    good, never = GOOD, (at(CODE), ABORT)
    assert apply(running("a"), after(good, never)).uids == (b"a",)


LEFT: dict[str, tuple[CommandSequence, CommandSequence, UpdateReason]] = {
    "bytes that are staged": (
        (at(CODE), uri("#2"), FETCH),
        (at(CODE), digest(CODE_A), MATCH),
        UpdateReason.IMAGE,
    ),
    "a match": ((at(CODE), uri("#2"), FETCH, MATCH), (), UpdateReason.UNMATCHED),
    "a uri": ((at(CODE), uri("#2")), (at(CODE), FETCH), UpdateReason.PAYLOAD),
    "content": (
        (at(CODE), set_(Parameter.CONTENT, CODE_A)),
        (at(CODE), WRITE),
        UpdateReason.PAYLOAD,
    ),
    "selected components": ((at(CODE), uri("#2")), (FETCH,), UpdateReason.UNMATCHED),
}


@pytest.mark.parametrize("end", ["null", "next", "nested"])
@pytest.mark.parametrize("name", LEFT)
def test_a_sequence_that_fails_leaves_nothing(name: str, end: str) -> None:
    """Not even where the next one is null, or is itself within one that goes on."""
    left, use, reason = LEFT[name]
    failing = (*left, ABORT)
    sequences: dict[str, tuple[CommandSequence | None, ...]] = {
        "null": (failing, None),
        "next": (failing, (at(META),)),
        "nested": ((try_each(failing, None), at(META)),),
    }
    content = after(*sequences[end], more=use)
    refuse(running(), content, reason)


def test_what_was_staged_before_is_there_again() -> None:
    tried = try_each((at(CODE), uri("#0"), FETCH, ABORT), None)
    content = NEXT.installing(*NEXT.install, tried).signed()
    assert apply(running("a"), content).uids == (b"a",)


def test_an_image_that_matched_is_forgotten_by_a_fetch_that_fails_later() -> None:
    """A fetch outside of a try-each is not undone by one that fails."""
    tried = try_each((ABORT,), None)
    content = NEXT.installing(*NEXT.install, at(CODE), uri("#2"), FETCH, tried).signed()
    refuse(running("a"), content, UpdateReason.UNMATCHED)


def test_the_selected_components_are_those_of_before_after_a_success_too() -> None:
    content = NEXT.installing(
        *BEFORE, at(CODE), uri("#2"), try_each((at(META),)), FETCH, MATCH
    ).signed()
    assert apply(running("a"), content).uids == (b"a",)


def test_what_a_sequence_within_a_failing_one_did_is_undone() -> None:
    inner = try_each((at(CODE), uri("#2"), FETCH, MATCH))
    refuse(running("a"), after((inner, ABORT), None), UpdateReason.UNMATCHED)


def test_invoke_and_unlink_are_undone_too() -> None:
    world = running()
    tried = try_each((at(CODE), INVOKE, ABORT), None)
    apply(world, NEXT.having(ManifestMember.INVOKE, ALL, tried).signed())
    world.device.run(for_ms=50)
    assert world.device["a"].loops == 0
    removal = Written.of_draft(draft(removed=(b"a",)))
    content = removal.having(ManifestMember.UNINSTALL, ALL, try_each((UNLINK, ABORT), None))
    renumbered = replace(content, manifest=replace(content.manifest, sequence_number=2))
    refuse(world, renumbered.signed(), UpdateReason.PROFILE, "unlinked")


def test_what_is_installed_is_fetched_only_if_it_does_not_match() -> None:
    """A partial update: each component matches already, or is fetched."""
    install = []
    for index in (META, DATA, CODE):
        install += [at(index), try_each((MATCH,), (uri(f"#{index}"), FETCH, MATCH))]
    slim = replace(NEXT.installing(*install), payloads={"#0": META_A})
    world = running("a")
    assert apply(world, slim.signed()).uids == (b"a",)
    world.device.run(for_ms=50)
    assert world.device.installed(b"a", UpdateSection.METADATA) == META_A
    refuse(running("b"), slim.signed(), UpdateReason.PAYLOAD, "the envelope has no payload #1")


def test_a_second_server_is_asked_if_the_first_has_nothing_that_fits() -> None:
    asked: list[str] = []

    def fetch(request: PayloadRequest) -> bytes | None:
        asked.append(request.uri)
        return {"coap://one/x": None, "coap://two/x": b"spoiled"}.get(request.uri, CODE_A)

    names = ["coap://one/x", "coap://two/x", "coap://six/x"]
    content = after(*[(at(CODE), uri(name), FETCH, MATCH) for name in names])
    known = rules(origins=("coap://one:5683", "coap://two:5683", "coap://six:5683"))
    assert apply(running("a"), content, known, fetch).uids == (b"a",)
    assert asked == names
