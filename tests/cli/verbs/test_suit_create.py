"""suit create and suit sign: envelopes of bundles; what is refused before anything is written."""

import hashlib
import shutil
from pathlib import Path

import pytest
from support.project import VECTORS, Program
from support.update_desks import UpdateDesk

from tinycontainer.assembly import Device
from tinycontainer.suit.envelope.decoder import decode_envelope, decode_manifest
from tinycontainer.suit.envelope.encoder import signed_bytes
from tinycontainer.suit.envelope.labels import ManifestMember
from tinycontainer.suit.keys.key_files import parse_update_key
from tinycontainer.suit.rules import derive_identity

BASE = "coap://[::1]:5684/updates"


@pytest.mark.clause("TC-UPD-27")
@pytest.mark.parametrize("source", ["courier", "courier.tcb"])
def test_an_envelope_of_a_bundle_or_a_directory_installs_it(desk: UpdateDesk, source: str) -> None:
    answer = desk.create(source, options=("--start",))
    assert [each["uid"] for each in answer["containers"]] == ["courier"]
    content = desk.sign()
    device = Device.from_file(desk / "device.toml")
    assert device.update(content).uids == (b"courier",)
    assert device.bundle("courier") == (desk / "courier.tcb").read_bytes()
    device.run(for_ms=100)
    assert device["courier"].loops > 0


@pytest.mark.clause("TC-UPD-27")
def test_a_signed_envelope_of_one_container_adds_at_most_500_bytes(desk: UpdateDesk) -> None:
    answer = desk.create("courier.tcb", options=("--start",))
    bundle_bytes = (desk / "courier.tcb").stat().st_size
    assert answer["added_bytes"] == answer["bytes"] - bundle_bytes
    assert len(desk.sign()) - bundle_bytes <= 500


@pytest.mark.clause("TC-UPD-27")
def test_an_envelope_is_for_the_names_that_are_given(desk: UpdateDesk) -> None:
    for_one = ("--vendor", "example.org", "--class", "drone", "--device-id", "drone-7")
    answer = desk.create("courier.tcb", options=for_one)
    wanted = derive_identity("example.org", "drone", "drone-7")
    assert answer["vendor_id"] == wanted.vendor_id.hex()
    assert answer["class_id"] == wanted.class_id.hex()
    assert wanted.device_id is not None
    assert answer["device_id"] == wanted.device_id.hex()
    by_file = desk.create("courier.tcb", options=("--force",))
    assert by_file["vendor_id"] == derive_identity("example.com", "").vendor_id.hex()
    assert by_file["device_id"] is None
    for_this = desk.create("courier.tcb", options=("--force", "--device-id", "box-1"))
    wanted = derive_identity("example.com", "box", "box-1")
    assert wanted.device_id is not None
    assert for_this["device_id"] == wanted.device_id.hex()


@pytest.mark.clause("TC-UPD-27")
def test_containers_are_deleted(desk: UpdateDesk) -> None:
    answer = desk.create(options=("--remove", "courier", "--remove", "hex:00ff"))
    assert answer["removed"] == ["courier", "\\x00\\xff"]
    assert answer["containers"] == []


def test_text_and_a_severed_install_sequence_lie_outside_of_the_manifest(desk: UpdateDesk) -> None:
    options = (
        "--severed-install",
        "--description",
        "new",
        "--reference-uri",
        "https://a.example/m",
    )
    desk.create("courier.tcb", "mapper.tcb", options=options)
    envelope = decode_envelope((desk / "update.suit").read_bytes())
    manifest = decode_manifest(envelope)
    assert set(manifest.severed) == {ManifestMember.INSTALL, ManifestMember.TEXT}
    assert manifest.missing == frozenset()
    assert manifest.reference_uri == "https://a.example/m"


def test_payloads_that_are_fetched_lie_beside_the_envelope_under_their_hash(
    desk: UpdateDesk,
) -> None:
    answer = desk.create("courier.tcb", options=("--fetch", f"{BASE}/"))
    files = [Path(each) for each in answer["payload_files"]]
    assert len(files) == 3
    for file in files:
        assert file.parent == desk.root
        assert file.name == hashlib.sha256(file.read_bytes()).hexdigest()
    envelope = decode_envelope((desk / "update.suit").read_bytes())
    assert not envelope.payloads
    again = desk.create("courier.tcb", out="other.suit", options=("--fetch", BASE))
    assert again["payload_files"] == answer["payload_files"]
    content = desk.sign()
    device = Device.from_file(desk / "device.toml")
    device.update(content, lambda request: (desk / request.uri[-64:]).read_bytes())
    assert device.bundle("courier") == (desk / "courier.tcb").read_bytes()


@pytest.mark.clause("TC-TOOL-03")
def test_no_file_is_overwritten_unasked(desk: UpdateDesk, program: Program) -> None:
    answer = desk.create("courier.tcb", options=("--fetch", BASE))
    words = ("suit", "create", desk / "courier.tcb", "--sequence", "1", "--fetch", BASE)
    named = ("--device", desk / "device.toml", "-o")
    assert "exists" in program.bad(*words, *named, desk / "update.suit")
    Path(answer["payload_files"][0]).write_bytes(b"mine")
    assert "exists" in program.bad(*words, *named, desk / "new.suit")
    assert not (desk / "new.suit").exists()
    sign = ("suit", "sign", desk / "update.suit", "--key", desk / "updates.pem")
    assert "exists" in program.bad(*sign)


@pytest.mark.clause("TC-UPD-27")
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "give either SOURCES"),
        (("courier.tcb", "--remove", "x"), "give either SOURCES"),
        (("--remove", "x", "--start"), "--start: does not go together with --remove"),
        (("--remove", "x", "--remove", "x"), "no device would take it"),
        (("--remove", "x", "--fetch", BASE), "--fetch: does not go"),
        (("courier.tcb", "courier"), "brings each container once"),
        (("courier.tcb", "--fetch", "http://a.example/x"), "is no URI"),
        (("courier.tcb", "--fetch", BASE + "/" + "x" * 250), "is not text of 1 to 255 bytes"),
        (("updates.pem",), "is no bundle"),
        (("mapper/mapper.wasm",), "is no bundle"),
        (("nothing.tcb",), "cannot be read"),
        (("keys",), "is a directory"),
        (("courier.tcb", "--vendor", "example.com"), "give either --device"),
        (("courier.tcb", "--remove", ""), "a uid has 1 to 63 bytes"),
    ],
)
def test_what_no_device_takes_is_refused_and_nothing_is_written(
    desk: UpdateDesk,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    problem: str,
) -> None:
    monkeypatch.chdir(desk.root)
    before = sorted(desk.root.iterdir())
    line = program.bad(
        *("suit", "create", *words, "-o", "new.suit", "--sequence", "1"),
        *("--device", "device.toml"),
    )
    assert problem.lower() in line.lower()
    assert sorted(desk.root.iterdir()) == before


def test_a_directory_that_was_not_packed_or_has_changed_since_is_refused(
    desk: UpdateDesk, program: Program
) -> None:
    words = (
        *("suit", "create", desk / "courier", "--sequence", "1", "-o", desk / "new.suit"),
        *("--vendor", "example.com", "--class", "box"),
    )
    (desk / "courier" / "courier.data").write_bytes(b"other data")
    assert "has changed since" in program.bad(*words)
    (desk / "courier.tcb").unlink()
    assert "is not packed" in program.bad(*words)
    shutil.copy(desk / "mapper.tcb", desk / "courier.tcb")
    assert "pack it again" in program.bad(*words)


def test_a_bundle_that_is_malformed_is_named_with_its_place(
    desk: UpdateDesk, program: Program
) -> None:
    words = ("suit", "create", desk / "bad.tcb", "--sequence", "1", "-o", desk / "new.suit")
    for content, problem in ((b"\x83\x40\x40", "bundle: "), (b"\x83\x40\x40\x40", "metadata: ")):
        (desk / "bad.tcb").write_bytes(content)
        line = program.bad(*words, "--device", desk / "device.toml")
        assert "bad.tcb: " + problem in line


def test_a_server_that_the_device_does_not_fetch_from_is_remarked(desk: UpdateDesk) -> None:
    answer = desk.create("courier.tcb", options=("--fetch", "coap://[::1]:5/x"))
    assert len(answer["remarks"]) == 1
    assert "does not fetch from there" in answer["remarks"][0]
    assert "lists: coap://[::1]:5684)" in answer["remarks"][0]
    assert desk.create("courier.tcb", out="b", options=("--fetch", BASE))["remarks"] == []


def test_sections_that_do_not_fit_into_the_device_are_refused(
    desk: UpdateDesk, program: Program
) -> None:
    small = desk.change_device("[trust]", "[capacity]\ncode_bytes = 100\n[trust]")
    words = ("suit", "create", desk / "courier.tcb", "--sequence", "1", "-o", desk / "new.suit")
    line = program.bad(*words, "--device", desk / small)
    assert "100 fit" in line


@pytest.mark.clause("TC-UPD-27")
@pytest.mark.parametrize(
    ("curve", "alg", "name"),
    [
        ("P-256", (), "ES256"),
        ("P-256", ("--alg", "ESP256"), "ESP256"),
        ("Ed25519", (), "EdDSA"),
        ("Ed25519", ("--alg", "Ed25519"), "Ed25519"),
    ],
)
def test_a_signature_names_algorithm_and_key_id_and_holds(
    desk: UpdateDesk, program: Program, curve: str, alg: tuple[str, ...], name: str
) -> None:
    program.good("keygen", "--update", curve, desk / "mine.pem")
    desk.create("courier.tcb")
    out = desk / "signed.suit"
    answer = program.json(
        *("suit", "sign", desk / "update.suit", "--key", desk / "mine.pem", "-o", out),
        *("--kid", "hex:6d65", *alg),
    )
    assert (answer["algorithm"], answer["kid"], answer["signatures"]) == (name, "me", 1)
    envelope = decode_envelope(out.read_bytes())
    (signature,) = envelope.signatures
    key = parse_update_key((desk / "mine.pub").read_bytes())
    assert signature.kid == b"me"
    assert key.has_signed(signed_bytes(envelope, signature.protected), signature.proof)


def test_several_keys_sign_one_envelope_each_once(desk: UpdateDesk, program: Program) -> None:
    desk.create("courier.tcb")
    for number in range(8):
        program.good("keygen", "--update", "P-256", desk / f"{number}.pem")
        desk.sign("update.suit", f"{number}.pem")
    sign = ("suit", "sign", desk / "update.suit", "--force", "--key")
    assert "has signed it already" in program.bad(*sign, desk / "3.pem")
    assert "at most 8" in program.bad(*sign, desk / "updates.pem")


def test_an_encrypted_key_is_opened_by_its_passphrase(desk: UpdateDesk, program: Program) -> None:
    (desk / "pass").write_text("correct horse")
    opening = ("--passphrase-file", desk / "pass")
    program.good("keygen", "--update", "P-256", desk / "locked.pem", *opening)
    desk.create("courier.tcb")
    sign = ("suit", "sign", desk / "update.suit", "--key", desk / "locked.pem", "--force")
    assert "is encrypted" in program.bad(*sign)
    program.good(*sign, *opening)


@pytest.mark.parametrize(
    ("name", "key", "options", "problem"),
    [
        ("update.suit", "updates.pub", (), "is a public key"),
        ("update.suit", "courier.tcb", (), "courier.tcb"),
        ("update.suit", "updates.pem", ("--alg", "EdDSA"), "--alg: this key is for ES256"),
        ("update.suit", "updates.pem", ("--kid", ""), "1 to 64 bytes"),
        ("update.suit", "updates.pem", ("--kid", "hex:0"), "odd number"),
        ("updates.pem", "updates.pem", (), "bytes follow the value"),
        ("courier.tcb", "updates.pem", (), "does not begin with the tag 107"),
        ("changed.suit", "updates.pem", (), "its digest is not that of its manifest"),
    ],
)
def test_what_cannot_be_signed_is_refused_in_one_line_without_secrets(
    desk: UpdateDesk,
    program: Program,
    name: str,
    key: str,
    options: tuple[str, ...],
    problem: str,
) -> None:
    desk.create("courier.tcb")
    changed = bytearray((desk / "update.suit").read_bytes())
    changed[changed.index(b"courier")] ^= 1
    (desk / "changed.suit").write_bytes(changed)
    line = program.bad(
        *("suit", "sign", desk / name, "--key", desk / key, "-o", desk / "out.suit", *options)
    )
    assert problem in line
    assert (desk / "updates.pem").read_text().splitlines()[1] not in line
    assert not (desk / "out.suit").exists()


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the draft's examples are not on this machine")
def test_an_envelope_of_others_can_be_signed_and_the_answer_says_what_our_devices_refuse(
    desk: UpdateDesk, program: Program
) -> None:
    shutil.copy(VECTORS / "suit" / "example1-0.suit", desk / "update.suit")
    out = program.good(
        *("suit", "sign", desk / "update.suit", "--key", desk / "updates.pem", "--force")
    )
    assert "our devices will not take it: common.components[0]" in out
