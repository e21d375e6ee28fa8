"""What is said against an envelope before any of its commands is carried out: steps 1 to 8."""

from dataclasses import replace

import pytest
from support.manifests import (
    DATA,
    FETCH,
    MATCH,
    TIMES,
    Written,
    apply,
    at,
    newer_of,
    refuse,
    running,
    sequence_bytes,
)
from support.updates import KEY, OTHER, draft, plan_version, rules, sign
from support.worlds import blueprint

from tinycontainer.errors import UpdateReason
from tinycontainer.suit.drafts import make_envelope
from tinycontainer.suit.envelope.decoder import decode_envelope
from tinycontainer.suit.envelope.encoder import digest_of_wrapped, signed_bytes, with_signature
from tinycontainer.suit.envelope.labels import Label
from tinycontainer.suit.envelope.model import UpdateCommand
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey, UpdateKeyEntry, UpdateKeys
from tinycontainer.suit.rules import UpdateRules
from tinycontainer_tokens import cbor

NEXT = newer_of("a")
BOTH = newer_of("a", "b")
WRAPPER, MANIFEST, INSTALL = 2, 3, 20


def changed(content: bytes, key: int | str, value: bytes | None) -> bytes:
    """An envelope with another member; None drops it."""
    item = cbor.locate(content[2:], len(content), cbor.Dialect(text_keys=True))
    children = item.children
    members = {
        each.value: content[2:][value_item.content : value_item.end]
        for each, value_item in zip(children[::2], children[1::2], strict=True)
    }
    members[key] = value  # type: ignore[assignment]
    left = {name: each for name, each in members.items() if each is not None}
    return cbor.with_tags((107,), cbor.encode(left))  # type: ignore[arg-type]


def signed_with(content: bytes, key: UpdateKey, protected: dict[int, int | bytes]) -> bytes:
    """An envelope with a signature of any header."""
    header = cbor.encode(protected)
    proof = key.sign(signed_bytes(decode_envelope(content), header))
    return with_signature(content, header, proof)


# 1 and 2: envelope and digest


@pytest.mark.clause("TC-UPD-01", "TC-UPD-05")
@pytest.mark.parametrize(
    "content",
    [b"", b"\xd8\x6b\xa0", NEXT.signed()[:-1], bytes((1 << 20) + 1)],
    ids=["nothing", "no member", "cut", "too long"],
)
def test_what_is_no_envelope_is_refused(content: bytes) -> None:
    assert refuse(running("a"), content, UpdateReason.ENVELOPE).offset is not None


@pytest.mark.clause("TC-UPD-01", "TC-UPD-05")
def test_an_envelope_without_its_tag_is_outside_of_the_profile() -> None:
    problem = "the tag 107 before it is missing"
    assert refuse(running("a"), NEXT.signed()[2:], UpdateReason.PROFILE, problem).offset == 0


@pytest.mark.clause("TC-UPD-05", "TC-UPD-06")
@pytest.mark.parametrize("keys", [(), (KEY,)], ids=["unsigned", "signed"])
def test_another_manifest_than_the_signed_one_is_refused(keys: tuple[UpdateKey, ...]) -> None:
    content = sign(NEXT.unsigned(), *keys) if keys else NEXT.unsigned()
    other = decode_envelope(BOTH.unsigned()).manifest
    tampered = changed(content, MANIFEST, cbor.decode(other, len(other)))  # type: ignore[arg-type]
    refuse(running("a"), tampered, UpdateReason.DIGEST, "not the one that was signed")


@pytest.mark.clause("TC-UPD-05")
def test_nothing_of_a_manifest_is_decoded_before_its_signature_holds() -> None:
    garbage = b"\xff\xff"
    content = cbor.with_tags(
        (107,), cbor.encode({WRAPPER: cbor.encode([_digest(garbage)]), MANIFEST: garbage})
    )
    refuse(running("a"), content, UpdateReason.KEY, "not signed")
    refuse(running("a"), sign(content), UpdateReason.MANIFEST)


def _digest(manifest: bytes) -> bytes:
    digest = digest_of_wrapped(manifest)
    return cbor.encode([digest.algorithm, digest.value])


# 3 and 4: key and signature


@pytest.mark.clause("TC-UPD-05", "TC-UPD-07")
def test_a_device_without_a_key_takes_no_update() -> None:
    nobody = replace(rules(), keys=UpdateKeys())
    refuse(running("a"), NEXT.signed(), UpdateReason.KEY, "no update keys", found=nobody)


@pytest.mark.clause("TC-UPD-05", "TC-UPD-06")
def test_an_unsigned_envelope_is_refused() -> None:
    refuse(running("a"), NEXT.unsigned(), UpdateReason.KEY, "the envelope is not signed")


@pytest.mark.clause("TC-UPD-05", "TC-UPD-06")
@pytest.mark.parametrize("number", [-8, -19, -35, -7 - 256, 5])
def test_an_algorithm_for_which_there_is_no_key_is_refused(number: int) -> None:
    content = signed_with(NEXT.unsigned(), KEY, {1: number})
    refuse(running("a"), content, UpdateReason.KEY, str(number))


@pytest.mark.clause("TC-UPD-06")
def test_a_signature_without_an_algorithm_and_other_structures_are_passed_over() -> None:
    content = signed_with(NEXT.unsigned(), KEY, {})
    refuse(running("a"), content, UpdateReason.KEY)
    mac = cbor.with_tags((17,), cbor.encode([b"", {}, None, bytes(32)]))
    digest = decode_envelope(NEXT.unsigned()).signed_digest
    wrapper = cbor.encode([digest, mac])
    refuse(running("a"), changed(NEXT.unsigned(), WRAPPER, wrapper), UpdateReason.KEY)
    both = sign(changed(NEXT.unsigned(), WRAPPER, wrapper))
    assert not apply(running("a"), both).is_repetition


@pytest.mark.clause("TC-UPD-06")
def test_a_key_that_is_for_one_algorithm_is_not_for_its_other_name() -> None:
    fixed = rules(UpdateKeyEntry(KEY.restrict_to(UpdateAlgorithm.ESP256).public_half()))
    content = signed_with(NEXT.unsigned(), KEY, {1: UpdateAlgorithm.ES256.cose_number})
    refuse(running("a"), content, UpdateReason.KEY, found=fixed)
    assert not apply(running("a"), content).is_repetition


@pytest.mark.clause("TC-UPD-05", "TC-UPD-06")
def test_a_key_id_of_another_key_is_refused() -> None:
    named = rules(UpdateKeyEntry(replace(KEY.public_half(), kid=b"ours")))
    world = running("a")
    theirs = signed_with(NEXT.unsigned(), KEY, {1: -9, 4: b"theirs"})
    refuse(world, theirs, UpdateReason.KEY, "key id", found=named)
    ours = signed_with(NEXT.unsigned(), KEY, {1: -9, 4: b"ours"})
    assert apply(world, ours, named).uids == (b"a",)


@pytest.mark.clause("TC-UPD-05", "TC-UPD-06")
def test_a_signature_of_an_unknown_key_is_refused() -> None:
    stranger = UpdateKey.from_private(UpdateAlgorithm.ESP256, b"\x66" * 32)
    refuse(
        running("a"), NEXT.signed(stranger), UpdateReason.SIGNATURE, "not made with an update key"
    )


@pytest.mark.clause("TC-UPD-05", "TC-UPD-06")
def test_a_changed_signature_is_refused() -> None:
    content = bytearray(NEXT.signed())
    proof = decode_envelope(bytes(content)).signatures[0].proof
    content[content.index(proof) + 40] ^= 1
    refuse(running("a"), bytes(content), UpdateReason.SIGNATURE)


@pytest.mark.clause("TC-UPD-06")
def test_a_signature_over_another_digest_or_header_is_refused() -> None:
    proof = KEY.sign(signed_bytes(decode_envelope(BOTH.unsigned()), cbor.encode({1: -9})))
    content = with_signature(NEXT.unsigned(), cbor.encode({1: -9}), proof)
    refuse(running("a"), content, UpdateReason.SIGNATURE)
    proof = KEY.sign(signed_bytes(decode_envelope(NEXT.unsigned()), cbor.encode({1: -9})))
    content = with_signature(NEXT.unsigned(), cbor.encode({1: -7}), proof)
    refuse(running("a"), content, UpdateReason.SIGNATURE)


@pytest.mark.clause("TC-UPD-06")
def test_all_four_algorithms_are_accepted_and_an_unknown_signature_does_no_harm() -> None:
    for algorithm in UpdateAlgorithm:
        key = UpdateKey.from_private(algorithm, b"\x42" * 32)
        content = NEXT.signed(UpdateKey.from_private(algorithm, b"\x43" * 32), key)
        known = rules(UpdateKeyEntry(key.public_half()))
        assert apply(running("a"), content, known).uids == (b"a",)


# 5 and 6: manifest and profile


SEVERED = replace(
    draft(plan_version(blueprint("a", security=TIMES, sequence=2))),
    severed_install=True,
    description="what is new",
)


@pytest.mark.clause("TC-UPD-04")
def test_a_severed_member_is_carried_and_severed_text_can_be_left_out() -> None:
    content = sign(make_envelope(SEVERED))
    assert apply(running("a"), content).uids == (b"a",)
    assert apply(running("a"), changed(content, 23, None)).uids == (b"a",)


@pytest.mark.clause("TC-UPD-04")
def test_a_severed_member_that_is_missing_is_refused() -> None:
    content = changed(sign(make_envelope(SEVERED)), INSTALL, None)
    refuse(running("a"), content, UpdateReason.PROFILE, "the envelope does not carry it")


@pytest.mark.clause("TC-UPD-04")
@pytest.mark.parametrize("member", [INSTALL, 23])
def test_another_severed_member_is_refused(member: int) -> None:
    other = sequence_bytes(at(DATA), FETCH, MATCH)
    content = changed(sign(make_envelope(SEVERED)), member, other)
    refuse(running("a"), content, UpdateReason.MANIFEST, "SHA-256")


@pytest.mark.clause("TC-UPD-04")
def test_a_member_that_the_manifest_does_not_sever_is_refused() -> None:
    content = changed(NEXT.signed(), INSTALL, sequence_bytes(at(DATA), FETCH, MATCH))
    refuse(running("a"), content, UpdateReason.MANIFEST, "names no digest for it")


@pytest.mark.clause("TC-UPD-02")
@pytest.mark.parametrize(
    "label", [Label.COPY, Label.SWAP, Label.CHECK_CONTENT, Label.COMPONENT_SLOT]
)
def test_a_command_that_the_profile_does_not_have_is_refused_by_its_name(label: Label) -> None:
    content = NEXT.installing(*NEXT.install, UpdateCommand(label, 2)).signed()
    name = label.name.lower().replace("_", "-")
    refusal = refuse(running("a"), content, UpdateReason.PROFILE, f"the command {name}")
    assert refusal.place == f"install[{len(NEXT.install)}]"
    assert refusal.offset is not None
    assert content[refusal.offset] == label or content[refusal.offset + 1] == label


@pytest.mark.clause("TC-UPD-03")
def test_a_container_without_one_of_its_sections_is_refused() -> None:
    manifest = replace(NEXT.manifest, components=NEXT.manifest.components[:2])
    content = replace(NEXT, manifest=manifest).installing(at(0), FETCH).sharing().signed()
    refuse(running("a"), content, UpdateReason.PROFILE, "code of a is missing")


# 7: right


def keyed(*pairs: tuple[UpdateKey, set[bytes] | None]) -> UpdateRules:
    """Rules that believe keys for uids."""
    return rules(
        *(
            UpdateKeyEntry(key.public_half(), None if uids is None else frozenset(uids))
            for key, uids in pairs
        )
    )


@pytest.mark.clause("TC-UPD-05", "TC-UPD-07")
def test_a_key_that_may_not_update_one_of_the_containers_is_refused() -> None:
    only = keyed((KEY, {b"a"}))
    refusal = refuse(
        running("a", "b"), BOTH.signed(), UpdateReason.RIGHT, "may update b", found=only
    )
    assert refusal.uid == b"b"
    assert apply(running("a"), NEXT.signed(), only).uids == (b"a",)


@pytest.mark.clause("TC-UPD-08")
def test_each_container_is_served_by_one_of_the_keys_that_have_signed() -> None:
    shared = keyed((KEY, {b"a"}), (OTHER, {b"b"}))
    refuse(running("a", "b"), BOTH.signed(KEY), UpdateReason.RIGHT, "may update b", found=shared)
    refuse(running("a", "b"), BOTH.signed(OTHER), UpdateReason.RIGHT, "may update a", found=shared)
    assert apply(running("a", "b"), BOTH.signed(KEY, OTHER), shared).uids == (b"a", b"b")


@pytest.mark.clause("TC-UPD-08")
def test_a_signature_that_does_not_hold_gives_no_right() -> None:
    shared = keyed((KEY, {b"a"}), (OTHER, {b"b"}))
    forged = with_signature(BOTH.signed(KEY), cbor.encode({1: -19}), bytes(64))
    refuse(running("a", "b"), forged, UpdateReason.RIGHT, "may update b", found=shared)


# 8: sequence


@pytest.mark.clause("TC-UPD-09")
def test_an_older_update_is_refused() -> None:
    world = running("a", "b")
    apply(world, newer_of("a", number=7).signed())
    world.device.run(for_ms=50)
    refusal = refuse(
        world, newer_of("a", number=6, token=3).signed(), UpdateReason.OLDER, "6 is older than 7"
    )
    assert (refusal.uid, refusal.place) == (b"a", "manifest")
    refuse(world, newer_of("b", "a", number=6, token=3).signed(), UpdateReason.OLDER)
    assert apply(world, newer_of("b", number=6).signed()).uids == (b"b",)


@pytest.mark.clause("TC-UPD-09")
def test_another_update_of_the_same_number_is_refused() -> None:
    world = running("a")
    apply(world, newer_of("a", number=7).signed())
    world.device.run(for_ms=50)
    again = newer_of("a", number=7, token=3).signed()
    assert refuse(world, again, UpdateReason.REUSED_NUMBER, "7").uid == b"a"


@pytest.mark.clause("TC-UPD-09")
def test_the_number_outlives_its_container() -> None:
    world = running("a")
    apply(world, newer_of("a", number=7).signed())
    world.device.run(for_ms=50)
    world.device.delete("a")
    world.device.run(for_ms=50)
    refuse(world, newer_of("a", number=6, token=3).signed(), UpdateReason.OLDER)
    removed = Written.of_draft(draft(number=8, removed=(b"a",))).signed()
    assert refuse(world, removed, UpdateReason.CONTAINER, "no container of this uid").uid == b"a"
