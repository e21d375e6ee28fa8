"""suit extract: bundles byte for byte, digests compared, nothing outside of the directory."""

from pathlib import Path
from random import Random

import pytest
from support.hostile import HOSTILE, inert
from support.project import VECTORS, Program
from support.update_desks import UpdateDesk
from support.updates import draft, plan_version, sign, signed, version
from support.worlds import blueprint

from tinycontainer.metadata import Bundle, ContainerMap, ContainerType, encode
from tinycontainer.suit.drafts import make_envelope
from tinycontainer.suit.envelope.decoder import decode_envelope, decode_manifest
from tinycontainer.suit.envelope.encoder import build_envelope, encode_manifest
from tinycontainer.tools.updates.file_names import make_file_name

BASE = "coap://[::1]:5684/updates"


def bundle_of(uid: bytes) -> Bundle:
    return Bundle(encode(ContainerMap(uid, ContainerType.WASM), None, None), b"data", b"code")


def with_payloads(content: bytes, payloads: dict[str, bytes]) -> bytes:
    """The same manifest with other payloads."""
    manifest = decode_manifest(decode_envelope(content))
    return build_envelope(encode_manifest(manifest), payloads, {})


@pytest.mark.clause("TC-UPD-29")
@pytest.mark.parametrize("options", [(), ("--severed-install",), ("--fetch", BASE)])
def test_bundles_come_back_byte_for_byte(
    desk: UpdateDesk, program: Program, options: tuple[str, ...]
) -> None:
    desk.signed("courier.tcb", "mapper", options=options)
    answer = program.json("suit", "extract", desk / "update.suit", "-o", desk / "out")
    assert [each["name"] for each in answer["files"]] == ["courier", "mapper"]
    for name in ("courier", "mapper"):
        assert (desk / "out" / f"{name}.tcb").read_bytes() == (desk / f"{name}.tcb").read_bytes()
    assert answer["digests_compared"] is True
    out = program.good("suit", "extract", desk / "update.suit", "-o", desk / "again")
    assert "the digests hold; nobody's signature was verified" in out


@pytest.mark.clause("TC-UPD-29")
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_uid_names_a_file_in_the_directory(
    tmp_path: Path, program: Program, hostile: bytes
) -> None:
    bundle = bundle_of(hostile)
    (tmp_path / "update.suit").write_bytes(make_envelope(draft(version(bundle, hostile))))
    before = {path for path in tmp_path.parent.rglob("*") if path.is_file()}
    out = program.good("suit", "extract", tmp_path / "update.suit", "-o", tmp_path / "out")
    assert inert(out)
    (made,) = {path for path in tmp_path.parent.rglob("*") if path.is_file()} - before
    assert made.parent == tmp_path / "out"
    assert made.read_bytes() == bundle.encode()
    assert made.name.isascii()


def test_file_names_are_different_and_safe() -> None:
    random = Random(5)
    names = {random.randbytes(random.randrange(1, 128)) for _ in range(2000)}
    names |= {b".", b"..", b"a/b", b"%2E", b"a", b"#0", b"0", b"x" * 128, b"\0" * 127}
    made = {make_file_name(name) for name in names}
    assert len(made) == len(names)
    for name in made:
        assert name not in ("", ".", "..")
        assert "/" not in name
        assert name.isascii()
        assert len(name) <= 200


@pytest.mark.clause("TC-UPD-29")
@pytest.mark.parametrize("reached", ["link", "directory"])
def test_what_lies_in_the_way_is_not_followed(
    desk: UpdateDesk, program: Program, reached: str
) -> None:
    desk.create("courier.tcb")
    (desk / "out").mkdir()
    (desk / "mine").write_bytes(b"mine")
    if reached == "link":
        (desk / "out" / "courier.tcb").symlink_to(desk / "mine")
    else:
        (desk / "out" / "courier.tcb").mkdir()
    words = ("suit", "extract", desk / "update.suit", "-o", desk / "out")
    program.bad(*words)
    code, _, _ = program(*words, "--force")
    assert code == (0 if reached == "link" else 2)
    assert (desk / "mine").read_bytes() == b"mine"


def test_payloads_come_as_they_are(desk: UpdateDesk, program: Program) -> None:
    desk.create("courier.tcb")
    words = ("suit", "extract", desk / "update.suit", "-o", desk / "out", "--payloads")
    answer = program.json(*words)
    assert [each["name"] for each in answer["files"]] == ["#0", "#1", "#2"]
    assert answer["digests_compared"] is False
    bundle = Bundle.decode((desk / "courier.tcb").read_bytes(), 1 << 20)
    assert (desk / "out" / "#0").read_bytes() == bundle.metadata
    assert (desk / "out" / "#2").read_bytes() == bundle.code


def test_a_deletion_brings_nothing(desk: UpdateDesk, program: Program) -> None:
    desk.create(options=("--remove", "courier"))
    out = program.good("suit", "extract", desk / "update.suit", "-o", desk / "out")
    assert "the update deletes courier" in out


@pytest.mark.clause("TC-UPD-29")
def test_a_payload_that_is_not_the_announced_one_is_refused(
    tmp_path: Path, program: Program
) -> None:
    content = signed(plan_version(blueprint("a")), plan_version(blueprint("b")))
    payloads = dict(decode_envelope(content).payloads)
    payloads["#2"], payloads["#5"] = payloads["#5"], payloads["#2"]
    (tmp_path / "update.suit").write_bytes(with_payloads(content, payloads))
    words = ("suit", "extract", tmp_path / "update.suit", "-o", tmp_path / "out")
    assert "image: install" in program.bad(*words, code=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [(), ("--payloads",)])
def test_damaged_envelopes_end_in_one_line_or_give_what_is_announced(
    tmp_path: Path, program: Program, options: tuple[str, ...]
) -> None:
    whole = signed(plan_version(blueprint("a")))
    path, out = tmp_path / "update.suit", tmp_path / "out"
    random = Random(11)
    for number in range(150):
        damaged = bytearray(whole[: random.randrange(len(whole)) if number % 2 else None])
        if not number % 2:
            damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
        path.write_bytes(damaged)
        code, _, err = program("suit", "extract", path, "-o", out, "--force", *options)
        assert code in (0, 1, 2)
        assert err.count("\n") <= 1
        assert not code or err.startswith("error: ")
    assert {each.name for each in tmp_path.iterdir()} <= {"update.suit", "out"}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("updates.pem",), "bytes follow"),
        (("keys",), "is a directory"),
        (("update.suit", "--payload", "x"), "is not URI=FILE"),
        (("update.suit", "--payload", "a=b", "--payloads"), "--payload: does not go together"),
        (("update.suit", "--payload", "a=b", "--payload", "a=c"), "given twice"),
        (("outside.suit",), "is not at hand; give it with --payload"),
    ],
)
def test_what_cannot_be_extracted_is_refused_in_one_line(
    desk: UpdateDesk, program: Program, words: tuple[str, ...], problem: str
) -> None:
    desk.create("courier.tcb")
    answer = desk.create("courier.tcb", out="outside.suit", options=("--fetch", BASE))
    Path(answer["payload_files"][2]).write_bytes(b"not the code")
    name, *options = words
    line = program.bad("suit", "extract", desk / name, "-o", desk / "out", *options)
    assert problem in line
    assert not (desk / "out").exists()


def test_a_payload_that_is_left_out_can_be_given(desk: UpdateDesk, program: Program) -> None:
    answer = desk.create("courier.tcb", options=("--fetch", BASE))
    code = Path(answer["payload_files"][2])
    moved = code.rename(desk / "a=b")
    given = ("--payload", f"{BASE}/{code.name}={moved}")
    words = ("suit", "extract", desk / "update.suit", "-o", desk / "out")
    assert "is not URI=FILE" not in program.bad(*words, *given)  # the last equals sign counts
    moved = moved.rename(desk / "moved")
    program.good(*words, "--payload", f"{BASE}/{code.name}={moved}")
    assert (desk / "out" / "courier.tcb").read_bytes() == (desk / "courier.tcb").read_bytes()


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the draft's examples are not on this machine")
def test_payloads_of_envelopes_of_others_can_be_extracted(tmp_path: Path, program: Program) -> None:
    for path in sorted((VECTORS / "suit").glob("*.suit")):
        out = program.good("suit", "extract", path, "-o", tmp_path / path.stem, "--payloads")
        assert "the envelope carries no payload" in out
        line = program.bad("suit", "extract", path, "-o", tmp_path / "x")
        assert "(byte " in line


def test_a_signature_does_not_matter(tmp_path: Path, program: Program) -> None:
    unsigned = make_envelope(draft(plan_version(blueprint("a"))))
    for name, content in (("u.suit", unsigned), ("s.suit", sign(unsigned))):
        (tmp_path / name).write_bytes(content)
        program.good("suit", "extract", tmp_path / name, "-o", tmp_path / name[0])
    assert (tmp_path / "u" / "a.tcb").read_bytes() == (tmp_path / "s" / "a.tcb").read_bytes()
