"""keygen and pack: from an empty directory to a bundle that verifies."""

import json
import stat
from pathlib import Path

import pytest
from support.project import BOX, Program

from tinycontainer import metadata
from tinycontainer.interfaces.network.edhoc_identity import read_credential, read_identity
from tinycontainer.interfaces.network.security_context import read_security_context
from tinycontainer.metadata import Bundle
from tinycontainer_tokens import Algorithm, Role, key_files

MANIFEST = """
[container]
uid = "me"
code = "me.wasm"
{container}
[security]
loop_period_ms = 100
{rest}
"""


def write_manifest(directory: Path, *, container: str = "", rest: str = "") -> Path:
    directory.mkdir(exist_ok=True)
    (directory / "me.wasm").write_bytes((BOX / "mapper" / "mapper.wasm").read_bytes())
    (directory / "container.toml").write_text(MANIFEST.format(container=container, rest=rest))
    return directory


def test_keygen_makes_a_pair_for_each_role_and_hides_the_private_half(keys: Path) -> None:
    assert sorted(path.name for path in keys.iterdir()) == sorted(
        f"{role}{suffix}" for role in Role for suffix in (".pem", ".pub")
    )
    for role in Role:
        private = keys / f"{role}.pem"
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
        pair = key_files.parse(private.read_bytes())
        assert key_files.parse((keys / f"{role}.pub").read_bytes()) == pair.public_half()
    assert len({path.read_bytes() for path in keys.glob("*.pub")}) == len(Role)


def test_keygen_makes_mac_keys_for_the_roles_that_are_named(
    tmp_path: Path, program: Program
) -> None:
    found = program.json("keygen", tmp_path, "--mac", "--role", "owner", "--kid", "k1")
    (path,) = map(Path, found["files"])
    key = key_files.parse(path.read_bytes())
    assert (key.algorithm, key.kid, stat.S_IMODE(path.stat().st_mode)) == (
        Algorithm.HMAC_256,
        b"k1",
        0o600,
    )


@pytest.mark.clause("TC-TOOL-03")
def test_nothing_is_overwritten_without_force(keys: Path, program: Program) -> None:
    before = {path: path.read_bytes() for path in keys.iterdir()}
    (keys / "developer.pem").unlink()
    (keys / "developer.pub").unlink()
    assert "--force" in program.bad("keygen", keys)
    assert not (keys / "developer.pem").exists()
    program.good("keygen", keys, "--force")
    assert all(path.read_bytes() != content for path, content in before.items())


def test_pack_makes_a_bundle_and_its_metadata_that_verify(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    out = tmp_path / "courier.tcb"
    assert "courier.tcb" in program.good("pack", BOX / "courier", "--keys", keys, "-o", out)
    bundle = Bundle.decode(out.read_bytes(), 1 << 20)
    assert (tmp_path / "courier.metadata").read_bytes() == bundle.metadata
    assert bundle.code == (BOX / "courier" / "courier.wasm").read_bytes()
    assert bundle.data == (BOX / "courier" / "courier.data").read_bytes()
    found = program.json("verify", out, "--keys", keys)
    assert found["valid"]
    assert {token["status"] for token in found["tokens"]} == {"valid"}


def test_pack_reports_what_it_made(tmp_path: Path, keys: Path, program: Program) -> None:
    out = tmp_path / "x.tcb"
    found = program.json("pack", BOX / "mapper", "--keys", keys, "-o", out)
    assert found["files"] == [str(out), str(out.with_suffix(".metadata"))]
    assert found["bytes"]["metadata"] == out.with_suffix(".metadata").stat().st_size
    assert found["fits"] == "the board default"


@pytest.mark.clause("TC-TOOL-02")
def test_every_field_of_a_manifest_reaches_the_metadata(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    source = write_manifest(
        tmp_path / "me",
        container="""
data_hex = "00ff"
syscalls = ["open", "write"]
exec_time_ms = 1
period_ms = 2
period_max_ms = 3
lifetime_loops = 4
priority = 5
""",
        rest="""
start_max_duration_ms = 6
[[endpoints]]
id = 4294967295
peer = "container"
peer_uid = "hex:00ff"
peer_endpoint = 7
direction = "both"
[tokens]
sequence = 9
expires = 4000000000
audience = "box"
sign_endpoints = true
""",
    )
    out = tmp_path / "me.tcb"
    program.good("pack", source, "--keys", keys, "-o", out)
    bundle = Bundle.decode(out.read_bytes(), 1 << 20)
    found = metadata.decode(bundle.metadata)
    container, (endpoint,) = found.container, found.endpoints or ()
    assert bundle.data == b"\0\xff"
    assert (
        container.exec_time_ms,
        container.period_ms,
        container.period_max_ms,
        container.lifetime_loops,
        container.priority,
    ) == (1, 2, 3, 4, 5)
    assert found.security is not None
    assert (found.security.start_max_duration_ms, found.security.loop_period_ms) == (6, 100)
    assert (endpoint.endpoint_id, endpoint.peer_uid) == (0xFFFFFFFF, b"\0\xff")
    verified = program.json("verify", out, "--keys", keys, "--device-id", "box", "--at", "1")
    claims = {token["place"]: token["claims"] for token in verified["tokens"]}
    assert claims["mask token"] == {
        "mask": "12",
        "calls": ["open", "write"],
        "uid": "me",
        "kind": "mask",
        "audience": "box",
        "sequence": 9,
        "expires_s": 4000000000,
    }
    assert "endpoints[0].endpoint-token" in claims
    assert not program.json("verify", out, "--keys", keys, "--at", "1", code=1)["valid"]


@pytest.mark.parametrize(
    ("container", "rest", "place"),
    [
        ('data_hex = "0"', "", "container.data_hex"),
        ('data_hex = "00"\ndata = "me.wasm"', "", "container.data_hex: cannot be given"),
        ("priority = 16", "", "container.priority"),
        ('syscalls = ["fork"]', "", "container.syscalls[0]"),
        ("surprise = 1", "", "container.surprise"),
        ('data = "../me.wasm"', "", "container.data: ../me.wasm lies outside"),
        ('data = "/etc/hostname"', "", "container.data: /etc/hostname lies outside"),
        ('data = "missing"', "", "missing: cannot be read"),
        ("exec_time_ms = true", "", "container.exec_time_ms"),
        ("exec_time_ms = 1.0", "", "container.exec_time_ms"),
        ("exec_time_ms = 4294967296", "", "container.exec_time_ms"),
        ("", "[[endpoints]]\nid = 1", "endpoints[0].peer"),
        ("", "[tokens]\nexpires = 2026-01-01", "tokens.expires"),
        ("", "[tokens]\nprofile = 'rot13'", "tokens.profile"),
        ("", "no toml", "is not TOML"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_place(
    tmp_path: Path, keys: Path, program: Program, container: str, rest: str, place: str
) -> None:
    source = write_manifest(tmp_path / "me", container=container, rest=rest)
    line = program.bad("pack", source, "--keys", keys, "-o", tmp_path / "me.tcb")
    assert place in line
    assert not (tmp_path / "me.tcb").exists()


def test_inconsistent_endpoints_are_refused_by_the_codec(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    endpoint = '[[endpoints]]\nid = 1\npeer = "local"\npeer_endpoint = 1\ndirection = "in"\n'
    source = write_manifest(tmp_path / "me", rest=endpoint + endpoint)
    line = program.bad("pack", source, "--keys", keys, "-o", tmp_path / "me.tcb")
    assert line == f"{source / 'container.toml'}: endpoints[1].endpoint-id: 1 is used twice"


def test_a_missing_or_public_key_is_named(tmp_path: Path, keys: Path, program: Program) -> None:
    source = write_manifest(tmp_path / "me")
    (keys / "owner.pem").rename(keys / "owner.gone")
    assert "owner.pem" in program.bad("pack", source, "--keys", keys, "-o", tmp_path / "a.tcb")
    (keys / "owner.pub").rename(keys / "owner.pem")
    line = program.bad("pack", source, "--keys", keys, "-o", tmp_path / "a.tcb")
    assert "public key" in line
    assert not (tmp_path / "a.tcb").exists()


@pytest.mark.clause("TC-TOOL-08")
def test_an_unsigned_bundle_is_made_without_keys_and_loads_only_where_that_is_forgiven(
    tmp_path: Path, program: Program
) -> None:
    bundle = tmp_path / "mapper.tcb"
    program.good("pack", BOX / "mapper", "--unsigned", "-o", bundle)
    file = tmp_path / "device.toml"
    file.write_text('[[containers]]\nbundle = "mapper.tcb"\n')
    assert "step 1 (present)" in program.bad("run", file, "--for", "1ms", code=1)
    file.write_text("[trust]\nallow_unsigned = true\n" + file.read_text())
    code, out, err = program("run", file, "--for", "1ms")
    assert (code, err) == (0, "warning: allow_unsigned is set: missing tokens are accepted\n")
    assert "UNSIGNED: metadata token, code token, data token, mask token" in out
    for arguments in ([], ["--unsigned", "--keys", tmp_path]):
        assert "either" in program.bad("pack", BOX / "mapper", *arguments, "-o", tmp_path / "x.tcb")


@pytest.mark.clause("TC-MGMT-13")
def test_both_sides_of_a_context_are_made_for_their_owners_only(
    tmp_path: Path, program: Program
) -> None:
    shown = program.good("keygen", "--oscore", tmp_path / "alice")
    assert "move each to its owner" in shown
    contexts = {}
    for side in ("device", "operator"):
        folder = tmp_path / "alice" / side
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}
        contexts[side] = read_security_context(folder)
        assert json.loads((folder / "secret.json").read_text())["secret_hex"] not in shown
    assert contexts["device"].sender_id == contexts["operator"].recipient_id
    assert "exists; a context is never overwritten" in program.bad(
        "keygen", "--oscore", tmp_path / "alice"
    )
    made = program.json("keygen", "--oscore", tmp_path / "bob")["folders"]
    assert made == [str(tmp_path / "bob" / side) for side in ("device", "operator")]
    for others in (("--mac",), ("--device",), ("--force",), ("--role", "owner")):
        problem = program.bad("keygen", "--oscore", tmp_path / "eve", *others)
        assert "does not go together with" in problem
    (tmp_path / "file").touch()
    assert "cannot be written" in program.bad("keygen", "--oscore", tmp_path / "file" / "x")
    assert not (tmp_path / "eve").exists()


@pytest.mark.clause("TC-MGMT-15")
def test_an_identity_is_a_private_file_and_a_public_one(tmp_path: Path, program: Program) -> None:
    made = program.json("keygen", "--edhoc", tmp_path / "new" / "a.b")["files"]
    private, public = map(Path, made)
    assert (private.name, public.name) == ("a.b.edhoc", "a.b.ccs")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert read_identity(private).credential == read_credential(public)
    assert "an identity is never overwritten" in program.bad(
        "keygen", "--edhoc", private.parent / "a.b"
    )
    problem = program.bad("keygen", "--edhoc", "--oscore", tmp_path / "x")
    assert "does not go together with" in problem
    assert "is no name" in program.bad("keygen", "--edhoc", "/")
