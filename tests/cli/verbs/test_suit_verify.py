"""suit verify: every step in order, and the likely cause of each refusal."""

import base64
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from support.project import VECTORS, Program
from support.update_desks import UpdateDesk

from tinycontainer.assembly import Device
from tinycontainer.errors import UpdateRefused
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.metadata import Bundle
from tinycontainer.suit.drafts import NewVersion, UpdateDraft, make_envelope
from tinycontainer.suit.envelope.decoder import decode_envelope, decode_manifest
from tinycontainer.suit.envelope.encoder import (
    build_envelope,
    encode_manifest,
    signed_bytes,
    with_signature,
)
from tinycontainer.suit.envelope.labels import Label, ManifestMember
from tinycontainer.suit.envelope.model import CommandSequence, UpdateEnvelope, UpdateManifest
from tinycontainer.suit.keys.key_files import parse_update_key
from tinycontainer.suit.keys.keys import UpdateKey
from tinycontainer.suit.rules import derive_identity
from tinycontainer_tokens import cbor

STEPS = (
    *("envelope", "digest", "key", "signature", "manifest", "profile", "right", "sequence"),
    *("identity", "payload", "image", "uid", "container"),
)
IDENTITY = replace(derive_identity("example.com", "box"), device_id=None)
BASE = "coap://[::1]:5684/updates"


def key_of(desk: UpdateDesk) -> UpdateKey:
    return parse_update_key((desk / "updates.pem").read_bytes())


def resign(desk: UpdateDesk, content: bytes) -> bytes:
    """Sign an envelope that nobody has signed, with the key that the device believes."""
    return signed_over(desk, content, lambda envelope: signed_bytes(envelope, b"\xa1\x01\x26"))


def signed_over(
    desk: UpdateDesk,
    content: bytes,
    covered: Callable[[UpdateEnvelope], bytes],
    form: Callable[[bytes], bytes] = bytes,
) -> bytes:
    envelope = decode_envelope(content)
    proof = form(key_of(desk).sign(covered(envelope)))
    return with_signature(content, b"\xa1\x01\x26", proof)


def remade(
    desk: UpdateDesk, change: Callable[[UpdateManifest], UpdateManifest], name: str = "c"
) -> bytes:
    """A signed envelope of the courier with another manifest."""
    desk.create("courier.tcb", out=f"{name}.suit", options=("--force",))
    envelope = decode_envelope((desk / f"{name}.suit").read_bytes())
    manifest = change(decode_manifest(envelope))
    return resign(desk, build_envelope(encode_manifest(manifest), envelope.payloads, {}))


def exchanged(content: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The same signed manifest with other payloads."""
    tag = content[:2]
    payloads = dict(decode_envelope(content).payloads)
    change(payloads)
    decoded = cbor.locate(content, len(content), cbor.Dialect(text_keys=True)).children[0]
    kept: dict[int | str, cbor.Encodable] = {
        int(key.value): value.value
        for key, value in zip(decoded.children[::2], decoded.children[1::2], strict=True)
        if isinstance(key.value, int)
    }
    return tag + cbor.encode(kept | dict(payloads.items()))


@pytest.mark.clause("TC-UPD-28")
def test_every_step_is_made_in_order_and_nothing_is_changed(desk: UpdateDesk) -> None:
    named = desk.change_device("[trust]", '[state]\nfile = "device.db"\n[trust]')
    content = desk.signed("courier.tcb", "mapper.tcb")
    before = {path.name for path in desk.root.iterdir()}
    answer = desk.verify(device=named)
    assert tuple(each["check"] for each in answer["steps"]) == STEPS
    assert [each["number"] for each in answer["steps"]] == list(range(1, 14))
    assert {each["outcome"] for each in answer["steps"]} == {"passed"}
    assert (answer["refused"], answer["complete"], answer["uids"]) == (
        False,
        True,
        ["courier", "mapper"],
    )
    containers = answer["steps"][-1]["containers"]
    assert [each["uid"] for each in containers] == ["courier", "mapper"]
    assert all(check["outcome"] != "failed" for each in containers for check in each["checks"])
    assert {path.name for path in desk.root.iterdir()} == before
    assert Device.from_file(desk / "device.toml").update(content).uids == (b"courier", b"mapper")


@pytest.mark.clause("TC-UPD-28")
def test_with_a_key_alone_what_needs_a_device_is_skipped(
    desk: UpdateDesk, program: Program
) -> None:
    desk.signed("courier.tcb")
    words = ("suit", "verify", desk / "update.suit", "--key", desk / "updates.pub")
    answer = program.json(*words)
    skipped = [each["check"] for each in answer["steps"] if each["outcome"] == "skipped"]
    assert skipped == ["sequence", "identity", "container"]
    assert (answer["refused"], answer["complete"], answer["device"]) == (False, False, None)
    assert "as far as it was judged" in program.good(*words)


@pytest.mark.clause("TC-UPD-28")
def test_the_state_of_the_device_is_read_and_never_changed(desk: UpdateDesk) -> None:
    named = desk.change_device("[trust]", '[state]\nfile = "device.db"\n[trust]')
    first = desk.signed("courier.tcb")
    device = Device.from_file(desk / named, remembers=True)
    device.update(desk.signed("courier.tcb", options=("--sequence", "5")))
    device.close()
    state = (desk / "device.db").read_bytes()
    assert desk.verify(device=named)["is_repetition"] is True
    older = desk.refused(first, device=named)
    assert (older["reason"], older["check"]) == ("older", "sequence")
    assert "--sequence 6" in older["cause"]
    reused = desk.refused(
        desk.signed("courier.tcb", "mapper.tcb", options=("--sequence", "5")), device=named
    )
    assert reused["reason"] == "reused-number"
    assert "--sequence 6" in reused["cause"]
    assert (desk / "device.db").read_bytes() == state
    desk.create(options=("--force", "--remove", "courier", "--sequence", "6"))
    desk.sign()
    assert desk.verify(device=named)["steps"][-1]["containers"][0]["deleted"] is True
    desk.create(options=("--force", "--remove", "mapper", "--sequence", "6"))
    refused = desk.refused(desk.sign(), device=named)
    assert refused["check"] == "container"
    assert "unknown-uid" in refused["detail"]


def test_containers_of_the_device_file_are_loaded_before_the_first_boot(desk: UpdateDesk) -> None:
    listed = desk.change_device(
        "[update]", '[[containers]]\nbundle = "courier.tcb"\n[update]', "listed.toml"
    )
    desk.create(options=("--remove", "courier"))
    content = desk.sign()
    assert desk.verify(device=listed)["refused"] is False
    assert desk.refused(content)["check"] == "container"


DAMAGES = {
    "the file is empty": lambda _: b"",
    "a line break was added": lambda whole: whole + b"\n",
    "a line break (CR LF) was added": lambda whole: whole + b"\r\n",
    "the file is base64 text": base64.encodebytes,
    "the file is hexadecimal text": lambda whole: whole.hex().encode(),
    "compressed (gzip)": gzip.compress,
    "cut short: at least 10 bytes": lambda whole: whole[:-10],
    "something else follows at the file's end, 3 bytes": lambda whole: whole + b"abc",
    "wrapped in a byte string": cbor.encode,
    "this is JSON": lambda _: b'{"manifest-version": 1}',
    "this is a key file": lambda _: b"-----BEGIN PRIVATE KEY-----\nAAAA\n",
    "a manifest without its envelope": lambda whole: cbor.encode(
        cbor.decode(decode_envelope(whole).manifest, 4096)
    )[3:],
    "an older draft, such as draft 9": lambda whole: cbor.encode(
        {
            2: cbor.encode(
                [
                    cbor.with_tags(
                        (18,), cbor.encode([b"\xa1\x01\x27", {}, b"\x82\x02\x40", bytes(64)])
                    )
                ]
            ),
            3: b"\xa0",
        }
    ),
}


@pytest.mark.clause("TC-UPD-28")
@pytest.mark.parametrize("cause", DAMAGES)
def test_what_became_of_a_file_is_named(desk: UpdateDesk, cause: str) -> None:
    damage: Callable[[bytes], bytes] = DAMAGES[cause]
    step = desk.refused(damage(desk.signed("courier.tcb")))
    assert (step["number"], step["check"], step["reason"]) == (1, "envelope", "envelope")
    assert cause in step["cause"]


def test_an_envelope_of_another_protocol_is_judged_up_to_the_profile(desk: UpdateDesk) -> None:
    step = desk.refused(desk.signed("courier.tcb")[2:])
    assert (step["number"], step["check"], step["reason"]) == (6, "profile", "profile")
    assert "the tag 107 before it is missing" in step["detail"]


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("courier.tcb", "this is a bundle; `suit create` makes"),
        ("courier.metadata", "this is metadata"),
        ("code.cwt", "this is a single token"),
    ],
)
def test_other_files_of_ours_are_named(
    desk: UpdateDesk, program: Program, name: str, cause: str
) -> None:
    program.good(
        *("sign", "code", desk / "courier" / "courier.wasm", "--uid", "courier"),
        *("--key", desk / "keys" / "developer.pem", "-o", desk / "code.cwt"),
    )
    assert cause in desk.refused((desk / name).read_bytes())["cause"]


@pytest.mark.clause("TC-UPD-28")
def test_a_byte_that_was_changed_after_signing_is_found(desk: UpdateDesk) -> None:
    whole = desk.signed("courier.tcb")
    envelope = decode_envelope(whole)
    begin, end = envelope.manifest_offset, envelope.manifest_offset + len(envelope.manifest) - 3
    for offset in Random(4).sample(range(begin, end), 5):
        changed = whole[:offset] + bytes((whole[offset] ^ 0x41,)) + whole[offset + 1 :]
        step = desk.refused(changed)
        assert step["check"] == "digest"
        assert f"byte {offset} of the file was changed: " in step["cause"]
        assert f"{whole[offset]:#04x} was signed" in step["cause"]
    offset = envelope.digest_offset + 10
    changed = whole[:offset] + bytes((whole[offset] ^ 1,)) + whole[offset + 1 :]
    assert "of the digest was changed" in desk.refused(changed)["cause"]


def test_a_manifest_that_was_exchanged_is_named(desk: UpdateDesk) -> None:
    one = desk.signed("courier.tcb")
    other = decode_envelope(desk.signed("courier.tcb", options=("--sequence", "70000")))
    envelope = decode_envelope(one)
    mixed = one.replace(envelope.manifest, other.manifest)
    assert "the manifest was exchanged" in desk.refused(mixed)["cause"]
    inner = envelope.manifest[3:]
    digest = cbor.encode([-16, hashlib.sha256(inner).digest()])
    bare = one.replace(envelope.signed_digest, digest)
    assert "without the head of its byte string" in desk.refused(bare)["cause"]


@pytest.mark.clause("TC-UPD-28")
def test_who_has_signed_instead_is_named(desk: UpdateDesk, program: Program) -> None:
    desk.create("courier.tcb")
    unsigned = (desk / "update.suit").read_bytes()
    step = desk.refused(unsigned)
    assert (step["check"], step["cause"]) == ("key", "nobody has signed it; `suit sign` does")
    for role in ("developer", "owner"):
        (desk / "update.suit").write_bytes(unsigned)
        step = desk.refused(desk.sign("update.suit", f"keys/{role}.pem"))
        assert f"made with the key of the role {role}" in step["cause"]
    program.good("keygen", "--update", "P-256", desk / "mine.pem")
    (desk / "update.suit").write_bytes(unsigned)
    step = desk.refused(desk.sign("update.suit", "mine.pem"))
    assert step["check"] == "signature"
    assert "a key that the device does not have" in step["cause"]
    without = desk.change_device("[update]", "[old]", "without.toml")
    text = (desk / without).read_text()
    (desk / without).write_text(text[: text.index("[old]")])
    step = desk.refused(desk.sign("update.suit"), device=without)
    assert "name one in [[update.keys]]" in step["cause"]


@pytest.mark.clause("TC-UPD-28")
def test_the_name_of_the_algorithm_and_the_key_id_are_compared(
    desk: UpdateDesk, program: Program
) -> None:
    alone = desk.change_device('"updates.pub"', '"updates.pub", algorithm = "ESP256"', "a.toml")
    step = desk.refused(desk.signed("courier.tcb"), device=alone)
    assert "which is for ESP256 alone, and the signature names ES256" in step["cause"]
    program.good("keygen", "--update", "Ed25519", desk / "ed.pem")
    desk.create("courier.tcb", options=("--force",))
    step = desk.refused(desk.sign("update.suit", "ed.pem"))
    assert step["cause"] == "made with a key of another kind: it names EdDSA"
    content = desk.signed("courier.tcb")
    renamed = content.replace(b"\x43\xa1\x01\x26", b"\x43\xa1\x01\x28")
    step = desk.refused(renamed)
    assert step["check"] == "signature"
    assert "as ES256; its protected header was changed, and names ESP256 now" in step["cause"]


def test_structures_that_are_no_signature_are_named(desk: UpdateDesk) -> None:
    desk.create("courier.tcb")
    content = (desk / "update.suit").read_bytes()
    digest = decode_envelope(content).signed_digest
    mac = cbor.with_tags((17,), cbor.encode([b"\xa1\x01\x05", {}, None, bytes(32)]))
    bare, wrapped = (cbor.encode(cbor.encode(each)) for each in ([digest], [digest, mac]))
    step = desk.refused(content.replace(bare, wrapped, 1))
    assert (step["check"], step["found"]) == ("key", "a structure that is no COSE_Sign1")
    assert step["cause"] == "only COSE_Sign1 can be verified here"


def test_the_time_of_the_judgement_can_be_given(desk: UpdateDesk, program: Program) -> None:
    manifest = desk / "courier" / "container.toml"
    manifest.write_text(manifest.read_text() + "\n[tokens]\nexpires = 1800000000\n")
    pack = ("pack", desk / "courier", "--keys", desk / "keys", "-o", desk / "courier.tcb")
    program.good(*pack, "--force")
    desk.signed("courier.tcb")
    assert desk.verify("update.suit", "--at", 1_799_999_999)["complete"] is True
    step = desk.verify("update.suit", "--at", 1_800_000_000, code=1)["steps"][-1]
    assert (step["check"], "token" in step["detail"]) == ("container", True)


def in_der(proof: bytes) -> bytes:
    r, s = int.from_bytes(proof[:32], "big"), int.from_bytes(proof[32:], "big")
    return encode_dss_signature(r, s)


COVERAGES: dict[str, tuple[Callable[[UpdateEnvelope], bytes], Callable[[bytes], bytes]]] = {
    "over the manifest itself": (
        lambda each: cbor.encode(["Signature1", b"\xa1\x01\x26", b"", each.manifest[3:]]),
        bytes,
    ),
    "over the hash alone": (
        lambda each: cbor.encode(["Signature1", b"\xa1\x01\x26", b"", each.digest.value]),
        bytes,
    ),
    "without COSE's Sig_structure": (lambda each: each.signed_digest, bytes),
    "in DER": (lambda each: signed_bytes(each, b"\xa1\x01\x26"), in_der),
}


@pytest.mark.parametrize("cause", COVERAGES)
def test_over_what_a_signature_was_made_is_named(desk: UpdateDesk, cause: str) -> None:
    desk.create("courier.tcb")
    covered, form = COVERAGES[cause]
    content = signed_over(desk, (desk / "update.suit").read_bytes(), covered, form)
    step = desk.refused(content)
    assert step["check"] == "signature"
    assert cause in step["cause"]


@pytest.mark.clause("TC-UPD-28")
def test_severed_members_that_were_left_out_or_changed_are_named(desk: UpdateDesk) -> None:
    options = ("--severed-install", "--description", "better", "--reference-uri", "coap://a/m")
    whole = desk.signed("courier.tcb", options=options)
    encoded, offset = decode_envelope(whole).severed[ManifestMember.INSTALL]
    place = offset + 20
    step = desk.refused(whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :])
    assert (step["check"], step["reason"]) == ("manifest", "manifest")
    assert f"byte {place} of the file was changed" in step["cause"]
    member = b"\x14" + encoded
    left_out = whole.replace(member, b"", 1)
    left_out = left_out[:2] + bytes((left_out[2] - 1,)) + left_out[3:]  # the count of members
    step = desk.refused(left_out)
    assert step["check"] == "profile"
    assert "left out the severed member install on the way; the whole one is at" in step["cause"]


def test_severed_text_may_be_left_out(desk: UpdateDesk) -> None:
    whole = desk.signed("courier.tcb", options=("--description", "better"))
    encoded, _ = decode_envelope(whole).severed[ManifestMember.TEXT]
    left_out = whole.replace(b"\x17" + encoded, b"", 1)
    (desk / "update.suit").write_bytes(b"\xd8\x6b" + bytes((left_out[2] - 1,)) + left_out[3:])
    assert desk.verify()["refused"] is False


def without_commands(manifest: UpdateManifest, *labels: Label) -> UpdateManifest:
    def kept(commands: CommandSequence) -> CommandSequence:
        return tuple(each for each in commands if each.label not in labels)

    sequences = {member: kept(each) for member, each in manifest.sequences.items()}
    return replace(manifest, shared=kept(manifest.shared), sequences=sequences)


@pytest.mark.clause("TC-UPD-28")
@pytest.mark.parametrize(
    ("label", "check", "reason", "cause"),
    [
        (Label.IMAGE_MATCH, "image", "unmatched", "never compares courier meta"),
        (Label.VENDOR_IDENTIFIER, "identity", "vendor", ""),
        (Label.CLASS_IDENTIFIER, "identity", "class", ""),
    ],
)
def test_a_condition_that_is_missing_is_named(
    desk: UpdateDesk, label: Label, check: str, reason: str, cause: str
) -> None:
    step = desk.refused(remade(desk, lambda manifest: without_commands(manifest, label)))
    assert (step["check"], step["reason"]) == (check, reason)
    assert cause in (step["cause"] or "")


def test_components_in_another_order_are_taken(desk: UpdateDesk) -> None:
    """The order of components is the maker's: indices say which is which."""
    bundle = Bundle.decode((desk / "courier.tcb").read_bytes(), 1 << 20)
    sections = {
        UpdateSection.CODE: bundle.code,
        UpdateSection.METADATA: bundle.metadata,
        UpdateSection.DATA: bundle.data,
    }
    draft = UpdateDraft(1, IDENTITY, (NewVersion(b"courier", sections),))
    (desk / "update.suit").write_bytes(resign(desk, make_envelope(draft)))
    assert desk.verify()["complete"] is True


@pytest.mark.clause("TC-UPD-28")
def test_who_may_update_a_container_is_named(desk: UpdateDesk, program: Program) -> None:
    program.good("keygen", "--update", "P-256", desk / "more.pem")
    rights = '"updates.pub", uids = ["mapper"] }, { file = "more.pub", uids = ["courier"]'
    named = desk.change_device('"updates.pub"', rights)
    step = desk.refused(desk.signed("courier.tcb"), device=named)
    assert (step["check"], step["found"]) == (
        "right",
        "update.keys[0] (updates.pub), which may update mapper",
    )
    assert "it has to be signed by update.keys[1] (more.pub) too" in step["cause"]
    (desk / "update.suit").write_bytes(desk.sign("update.suit", "more.pem"))
    assert len(desk.verify(device=named)["signers"]) == 2
    named = desk.change_device('"updates.pub"', '"updates.pub", uids = ["mapper"]')
    step = desk.refused(desk.signed("courier.tcb"), device=named)
    assert "add courier to the uids of one" in step["cause"]


@pytest.mark.clause("TC-UPD-28")
@pytest.mark.parametrize(
    ("vendor", "class_name", "reason", "cause"),
    [
        ("example.org", "box", "vendor", "was derived from other names"),
        ("example.com", "SmartDroneBox", "class", "derived from device.name in the vendor's name"),
        ("example.com", "smartdronebox", "class", "derived from device.name in small letters"),
        ("example.com", "drone", "class", "it is for another class"),
    ],
)
def test_names_that_identifiers_were_derived_from_are_found(
    desk: UpdateDesk, vendor: str, class_name: str, reason: str, cause: str
) -> None:
    step = desk.refused(
        desk.signed("courier.tcb", options=("--vendor", vendor, "--class", class_name))
    )
    assert (step["check"], step["reason"]) == ("identity", reason)
    assert cause in step["cause"]


def test_identifiers_in_the_place_of_others_are_found(desk: UpdateDesk) -> None:
    swapped = replace(IDENTITY, vendor_id=IDENTITY.class_id, class_id=IDENTITY.vendor_id)
    bundle = Bundle.decode((desk / "courier.tcb").read_bytes(), 1 << 20)
    sections = {
        UpdateSection.METADATA: bundle.metadata,
        UpdateSection.DATA: bundle.data,
        UpdateSection.CODE: bundle.code,
    }
    draft = UpdateDraft(1, swapped, (NewVersion(b"courier", sections),))
    step = desk.refused(resign(desk, make_envelope(draft)))
    assert "it is the device's class identifier, in the place of the vendor's" in step["cause"]


@pytest.mark.clause("TC-UPD-28")
def test_an_update_for_one_device_is_refused_by_others(desk: UpdateDesk) -> None:
    content = desk.signed("courier.tcb", options=("--device-id", "box-1"))
    assert desk.verify()["complete"] is True
    other = desk.change_device('id = "box-1"', 'id = "box-2"')
    step = desk.refused(content, device=other)
    assert (step["reason"], step["check"]) == ("device", "identity")
    none = desk.change_device('id = "box-1"\n', "", "none.toml")
    step = desk.refused(content, device=none)
    assert step["cause"] == "[device] id is missing in the device file"


def swap(payloads: dict[str, bytes]) -> None:
    payloads["#2"], payloads["#5"] = payloads["#5"], payloads["#2"]


def change_byte(payloads: dict[str, bytes]) -> None:
    content = payloads["#2"]
    payloads["#2"] = content[:17] + bytes((content[17] ^ 2,)) + content[18:]


@pytest.mark.clause("TC-UPD-28")
@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (swap, "this is the payload of mapper code"),
        (change_byte, "byte 17 of the payload was changed"),
        (lambda payloads: payloads.update({"#2": payloads["#2"] + b"\n"}), "without its last line"),
        (lambda payloads: payloads.update({"#2": b"another"}), "integrated ones are not signed"),
    ],
)
def test_a_payload_that_was_exchanged_or_changed_is_named(
    desk: UpdateDesk, change: Callable[[dict[str, bytes]], None], cause: str
) -> None:
    content = exchanged(desk.signed("courier.tcb", "mapper.tcb"), change)
    step = desk.refused(content)
    assert (step["check"], step["reason"]) == ("image", "image")
    assert step["expected"].startswith("courier code with sha256 ")
    assert cause in step["cause"]
    with pytest.raises(UpdateRefused) as caught:
        Device.from_file(desk / "device.toml").update(content)
    assert caught.value.reason == step["reason"]


def drop(payloads: dict[str, bytes]) -> None:
    del payloads["#1"]


def test_a_section_that_does_not_fit_into_a_slot_is_refused(desk: UpdateDesk) -> None:
    small = desk.change_device("[trust]", "[capacity]\ncode_bytes = 100\n[trust]")
    step = desk.refused(desk.signed("courier.tcb"), device=small)
    assert (step["check"], step["reason"]) == ("payload", "capacity")
    assert step["expected"] == "sections that fit into a slot of the device"
    assert "100 fit" in step["found"]


def test_a_payload_that_was_left_out_is_named(desk: UpdateDesk) -> None:
    content = exchanged(desk.signed("courier.tcb"), drop)
    step = desk.refused(content)
    assert (step["check"], step["reason"], step["found"]) == ("payload", "payload", "#0, #2")
    assert step["expected"] == "the payload #1 in the envelope"


@pytest.mark.clause("TC-UPD-28")
def test_payloads_that_are_fetched_are_taken_from_files(desk: UpdateDesk, program: Program) -> None:
    answer = desk.create("courier.tcb", options=("--fetch", BASE))
    desk.sign()
    assert desk.verify()["complete"] is True
    path = Path(answer["payload_files"][2])
    code = path.read_bytes()
    path.unlink()
    waiting = desk.verify()
    assert (waiting["refused"], waiting["complete"]) == (False, False)
    assert [each["outcome"] for each in waiting["steps"][9:]] == ["skipped"] * 4
    assert "give it with --payload" in waiting["steps"][9]["detail"]
    (desk / "given").write_bytes(code)
    given = ("--payload", f"{BASE}/{path.name}={desk / 'given'}")
    assert desk.verify("update.suit", *given)["complete"] is True
    (desk / "given").write_bytes(code + b"\0")
    step = desk.verify("update.suit", *given, code=1)["steps"][-1]
    assert (step["check"], "without its last zero byte" in step["cause"]) == ("image", True)
    elsewhere = desk.change_device("[::1]:5684", "[::1]:5685", "elsewhere.toml")
    step = desk.verify(device=elsewhere, code=1)["steps"][-1]
    assert (step["check"], step["expected"]) == ("payload", "a URI at: coap://[::1]:5685")
    assert "is not in `fetch` of [update]" in step["cause"]


@pytest.mark.clause("TC-UPD-28")
def test_metadata_of_another_container_is_named(desk: UpdateDesk) -> None:
    versions = []
    for name, other in (("courier", "mapper"), ("mapper", "courier")):
        bundle = Bundle.decode((desk / f"{name}.tcb").read_bytes(), 1 << 20)
        sections = {
            UpdateSection.METADATA: bundle.metadata,
            UpdateSection.DATA: bundle.data,
            UpdateSection.CODE: bundle.code,
        }
        versions.append(NewVersion(other.encode(), sections))
    one = UpdateDraft(1, IDENTITY, tuple(versions[:1]))
    step = desk.refused(resign(desk, make_envelope(one)))
    assert (step["check"], step["reason"], step["found"]) == ("uid", "uid", "metadata of courier")
    assert step["cause"] == "the update was made of another container's bundle"
    both = UpdateDraft(1, IDENTITY, tuple(versions))
    step = desk.refused(resign(desk, make_envelope(both)))
    assert "is exchanged" in step["cause"]


@pytest.mark.clause("TC-UPD-28")
def test_why_a_device_would_refuse_a_container_is_explained(
    desk: UpdateDesk, program: Program
) -> None:
    content = desk.signed("courier.tcb", "mapper.tcb")
    program.good("keygen", desk / "keys", "--role", "owner", "--force")
    step = desk.refused(content)
    assert (step["check"], step["reason"]) == ("container", "container")
    courier = step["containers"][0]
    failed = next(each for each in courier["checks"] if each["outcome"] == "failed")
    assert failed["reason"] == "token"
    assert failed["cause"] == step["cause"]
    code, out, _ = program(
        "suit", "verify", desk / "refused.suit", "--device", desk / "device.toml"
    )
    assert code == 1
    assert "courier would be refused: token" in out
    assert out.splitlines()[-1].startswith("this device would not take it: container: courier: ")


@pytest.mark.clause("TC-UPD-28")
def test_containers_that_find_no_slot_are_refused(desk: UpdateDesk) -> None:
    small = desk.change_device("[trust]", "[capacity]\nslots = 1\n[trust]")
    content = desk.signed("courier.tcb", "mapper.tcb")
    step = desk.refused(content, device=small)
    assert "no-slot" in step["detail"]
    assert step["found"] == "new containers: 2; free slots: 1"
    with pytest.raises(UpdateRefused, match="slots are free"):
        Device.from_file(desk / small).update(content)


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the draft's examples are not on this machine")
@pytest.mark.clause("TC-UPD-28")
def test_signed_envelopes_of_the_draft_pass_five_steps_and_are_outside_of_our_profile(
    desk: UpdateDesk, program: Program
) -> None:
    key = VECTORS / "suit" / "verification-key.pub"
    for path in sorted((VECTORS / "suit").glob("example*.suit")):
        answer = program.json("suit", "verify", path, "--key", key, code=1)
        assert answer["reason"] == ("profile" if len(answer["steps"]) == 6 else "key")
    assert "devices of another kind" in answer["steps"][-1]["cause"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("update.suit",), "give either --device or --key"),
        (("update.suit", "--device", "device.toml", "--key", "updates.pub"), "give either"),
        (("update.suit", "--key", "courier.tcb"), "courier.tcb"),
        (("update.suit", "--key", "updates.pub", "--key", "updates.pem"), "are one key"),
        (("keys", "--key", "updates.pub"), "is a directory"),
        (("nothing", "--key", "updates.pub"), "cannot be read"),
        (("update.suit", "--device", "courier.tcb"), "courier.tcb"),
    ],
)
def test_what_cannot_be_verified_ends_in_one_line(
    desk: UpdateDesk,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    problem: str,
) -> None:
    desk.create("courier.tcb")
    monkeypatch.chdir(desk.root)
    assert problem in program.bad("suit", "verify", *words)


def test_damaged_envelopes_are_judged_without_an_error(desk: UpdateDesk, program: Program) -> None:
    whole = desk.signed("courier.tcb", options=("--severed-install",))
    random = Random(9)
    for number in range(60):
        damaged = bytearray(whole)
        if number % 3:
            damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
        else:
            del damaged[random.randrange(len(damaged)) :]
        step = desk.refused(bytes(damaged))
        assert step["outcome"] == "failed"
        assert step["expected"]


def test_a_private_key_in_the_place_of_an_envelope_is_not_shown(
    desk: UpdateDesk, program: Program
) -> None:
    secret = (desk / "updates.pem").read_text().splitlines()[1]
    for verb in (("verify", "--key", desk / "updates.pub"), ("inspect",), ("extract", "-o", "x")):
        for options in ((), ("--json",)):
            _, out, err = program("suit", verb[0], desk / "updates.pem", *verb[1:], *options)
            assert secret not in out + err
