"""Signed manifests that ask for as much as they can: bounded in time, memory and what is hashed."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter

import pytest
from support.manifests import (
    ABORT,
    ALL,
    FETCH,
    MATCH,
    Written,
    apply,
    refuse,
    running,
    set_,
    try_each,
    uri,
)
from support.updates import draft, plan_version, sign
from support.worlds import blueprint

from tinycontainer.errors import UpdateReason
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.suit import processor
from tinycontainer.suit.drafts import NewVersion
from tinycontainer.suit.envelope.commands import MAX_COMMANDS
from tinycontainer.suit.envelope.decoder import MAX_ENVELOPE_BYTES
from tinycontainer.suit.envelope.encoder import build_envelope, digest_of
from tinycontainer.suit.envelope.labels import Label, Parameter
from tinycontainer.suit.envelope.model import CommandSequence, UpdateCommand
from tinycontainer_tokens import cbor

GENEROUS_SECONDS = 10
SECTION_BYTES = 60_000
UIDS = [bytes([65 + number]) for number in range(16)]


def sixteen(code: bytes = b"code") -> Written:
    """An update of 16 containers with 48 components, none of which a device would load."""
    sections = {
        UpdateSection.METADATA: b"metadata",
        UpdateSection.DATA: b"data",
        UpdateSection.CODE: code,
    }
    return Written.of(*(NewVersion(uid, sections) for uid in UIDS))


@contextmanager
def soon() -> Iterator[None]:
    """Check that something is over soon."""
    started = perf_counter()
    yield
    assert perf_counter() - started < GENEROUS_SECONDS


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of all images that the processor hashes."""
    lengths: list[int] = []

    class Counting:
        @staticmethod
        def sha256(content: bytes) -> "hashlib._Hash":
            lengths.append(len(content))
            return hashlib.sha256(content)

    monkeypatch.setattr(processor, "hashlib", Counting)
    return lengths


def filled(commands: CommandSequence, *more: UpdateCommand) -> CommandSequence:
    """As many repetitions of some commands as there may be commands."""
    taken = len(sixteen().shared) + len(more)
    return (*more, *(commands * ((MAX_COMMANDS - taken) // len(commands))))


@pytest.mark.clause("TC-UPD-01", "TC-UPD-15")
def test_a_thousand_matches_of_48_components_hash_each_image_once(hashed: list[int]) -> None:
    """48,000 matches of 60,000 bytes would be 3 GB."""
    written = sixteen(bytes(SECTION_BYTES))
    commands = filled((MATCH,), *written.install, ALL)
    with soon():
        refuse(running(), written.installing(*commands).signed(), UpdateReason.CONTAINER)
    assert sorted(hashed) == [4, 8, SECTION_BYTES]


@pytest.mark.clause("TC-UPD-01", "TC-UPD-15")
def test_payloads_that_are_fetched_again_and_again_are_hashed_once(hashed: list[int]) -> None:
    written = replace(
        sixteen(), payloads={"#0": bytes(SECTION_BYTES), "#1": b"\x01" * (SECTION_BYTES - 1)}
    )
    for name, payload in written.payloads.items():
        turns = filled(
            (FETCH, MATCH),
            ALL,
            uri(name),
            set_(Parameter.IMAGE_DIGEST, digest_of(payload)),
            set_(Parameter.IMAGE_SIZE, len(payload)),
        )
        with soon():
            refuse(running(), written.installing(*turns).signed(), UpdateReason.CAPACITY)
    assert hashed == []
    small = {"#0": bytes(2048)}
    turns = filled(
        (FETCH, MATCH),
        ALL,
        uri("#0"),
        set_(Parameter.IMAGE_DIGEST, digest_of(small["#0"])),
        set_(Parameter.IMAGE_SIZE, 2048),
    )
    with soon():
        content = replace(written, payloads=small).installing(*turns).signed()
        refuse(running(), content, UpdateReason.CONTAINER)
    assert hashed == [2048]


@pytest.mark.clause("TC-UPD-01", "TC-UPD-13")
def test_nested_alternatives_that_all_fail_are_over_soon() -> None:
    innermost: CommandSequence = (ALL, ABORT)
    inner = try_each(*[innermost] * 40)
    middle = try_each(*[(inner,)] * 3)
    outer = try_each(*[(middle,)] * 2)
    most = try_each((outer,))
    with soon():
        refuse(running(), sixteen().installing(ALL, most).signed(), UpdateReason.ABORTED)


@pytest.mark.clause("TC-UPD-01")
def test_alternatives_nested_too_deep_or_too_many_are_refused() -> None:
    deep: CommandSequence = (ALL, ABORT)
    for _ in range(5):
        deep = (try_each(deep, None),)
    refuse(running(), sixteen().installing(ALL, *deep).signed(), UpdateReason.MANIFEST, "deeper")
    many = try_each(*[(ABORT,)] * MAX_COMMANDS)
    refuse(running(), sixteen().installing(ALL, many).signed(), UpdateReason.MANIFEST, "1000")


@pytest.mark.clause("TC-UPD-12")
def test_a_long_shared_sequence_is_carried_out_for_each_of_the_others() -> None:
    written = Written.of(plan_version(blueprint("a", sequence=2)))
    condition = next(each for each in written.shared if each.label == Label.VENDOR_IDENTIFIER)
    more = (ALL, *[condition] * (MAX_COMMANDS - 40))
    with soon():
        assert apply(running(), written.sharing(*written.shared, *more).signed()).uids == (b"a",)


@pytest.mark.clause("TC-UPD-03")
@pytest.mark.parametrize("length", [0, 64, 65, 1_000, 500_000])
def test_a_uid_of_another_length_is_refused(length: int) -> None:
    written = sixteen()
    first = written.manifest.components[0]
    components = ((cbor.encode(bytes(length)), first[1]), *written.manifest.components[1:])
    manifest = replace(written.manifest, components=components)
    with soon():
        refuse(running(), replace(written, manifest=manifest).signed(), UpdateReason.PROFILE)


@pytest.mark.clause("TC-UPD-03")
def test_a_uid_may_have_63_bytes_and_an_update_16_containers() -> None:
    uid = b"u" * 63
    world = running()
    world.programs[uid.decode()] = world.programs["a"]
    apply(world, Written.of(plan_version(blueprint(uid.decode()))).signed())
    assert [view.uid for view in world.device] == [uid]
    seventeen = [*UIDS, b"z"]
    removal = Written.of_draft(draft(removed=tuple(UIDS)))
    components = tuple(
        (cbor.encode(each), cbor.encode(str(section)))
        for each in seventeen
        for section in UpdateSection
    )
    manifest = replace(removal.manifest, components=components)
    refuse(world, replace(removal, manifest=manifest).signed(), UpdateReason.PROFILE, "at most 16")


def commands_of(argument: bytes, label: int) -> bytes:
    """An install sequence of set-component-index and one command with a vast argument."""
    return b"\x84\x0c\xf5" + cbor.encode(label) + argument


VAST = 16_000
FLOODS: dict[str, tuple[bytes, UpdateReason]] = {
    "indices": (commands_of(cbor.encode([0] * VAST), 12), UpdateReason.PROFILE),
    "parameters": (
        commands_of(cbor.encode({number + 100: 0 for number in range(VAST // 2)}), 20),
        UpdateReason.PROFILE,
    ),
    "content": (commands_of(cbor.encode({18: bytes(900_000)}), 20), UpdateReason.VENDOR),
    "alternatives": (commands_of(cbor.encode([b"\x82\x0e\x0f"] * 490), 15), UpdateReason.ABORTED),
    "indices in alternatives": (
        commands_of(cbor.encode([b"\x82\x0c" + cbor.encode([0] * VAST)] * 60), 15),
        UpdateReason.MANIFEST,
    ),
    "commands": (cbor.encode([12, 0, *[1 << 40] * (VAST // 2)]), UpdateReason.MANIFEST),
}
"""Install sequences that are vast, and what is said against them."""


@pytest.mark.clause("TC-UPD-01")
@pytest.mark.parametrize("name", FLOODS)
def test_a_signed_envelope_of_a_mebibyte_is_refused_soon(name: str) -> None:
    install, reason = FLOODS[name]
    components = [list(each) for each in sixteen().manifest.components]
    encoded = cbor.encode({1: 1, 2: 1, 3: cbor.encode({2: components}), 20: install})
    payload = {"#0": bytes(max(0, MAX_ENVELOPE_BYTES - len(encoded) - 300))}
    content = sign(build_envelope(encoded, payload, {}))
    assert len(content) > 900_000
    with soon():
        refuse(running("a"), content, reason)


@pytest.mark.clause("TC-UPD-01")
def test_an_envelope_of_exactly_a_mebibyte_can_be_an_update() -> None:
    written = Written.of(plan_version(blueprint("a", sequence=2)))
    rest = MAX_ENVELOPE_BYTES - len(written.signed()) - len(b"\x62#9\x5a....")
    content = replace(written, payloads={**written.payloads, "#9": bytes(rest)}).signed()
    assert len(content) == MAX_ENVELOPE_BYTES
    assert apply(running("a"), content).uids == (b"a",)
    refuse(running("a"), content + b"\x00", UpdateReason.ENVELOPE, "at most 1048576")
