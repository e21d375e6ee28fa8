"""--alg, and what verbs and device files say of keys that are not for what is asked."""

from pathlib import Path

import pytest
from support.project import BOX, Program
from support.worlds import KEYS

from tinycontainer_tokens import Algorithm, Role, cbor, key_files

DEVELOPER = KEYS[Role.DEVELOPER]


@pytest.mark.clause("TC-TOK-32")
def test_alg_chooses_what_sign_and_pack_make(tmp_path: Path, keys: Path, program: Program) -> None:
    code = BOX / "courier" / "courier.wasm"
    for alg, header in (("EdDSA", "a10127"), ("Ed25519", "a10132"), (None, "a10127")):
        chosen = () if alg is None else ("--alg", alg)
        out = tmp_path / f"{alg}.cwt"
        key = keys / "developer.pem"
        program.good("sign", "code", code, "--uid", "courier", "--key", key, "-o", out, *chosen)
        assert out.read_bytes()[:7].hex() == "d83dd28443" + header[:4]
        assert out.read_bytes()[5:8].hex() == header
        bundle = tmp_path / f"{alg}.tcb"
        program.good("pack", BOX / "courier", "--keys", keys, "-o", bundle, *chosen)
        assert bundle.read_bytes().count(bytes.fromhex("d83dd28443" + header)) >= 4
        assert program.json("verify", bundle, "--keys", keys)["valid"]


def test_alg_is_refused_where_nothing_names_one(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    pack = ("pack", BOX / "courier", "-o", tmp_path / "a.tcb", "--alg", "Ed25519")
    assert "name no algorithm" in program.bad(*pack, "--keys", keys, "--profile", "riot-2024")
    assert "nothing is signed" in program.bad(*pack, "--unsigned")
    (keys / "owner.pem").unlink()
    program.good("keygen", keys, "--mac", "--role", "owner")
    assert "this key is for HMAC-256, not for Ed25519" in program.bad(*pack, "--keys", keys)


def test_the_verbs_say_that_key_ops_forbids_it(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    bundle = tmp_path / "courier.tcb"
    program.good("pack", BOX / "courier", "--keys", keys, "-o", bundle)
    pair = key_files.parse((keys / "owner.pem").read_bytes())
    fields: dict[int, cbor.Value] = {1: 1, -1: 6, -2: pair.public, -4: pair.secret or b""}
    sign_only = tmp_path / "sign-only.cose"
    sign_only.write_bytes(cbor.encode(fields | {4: [1]}))
    verify_only = tmp_path / "verify-only.cose"
    verify_only.write_bytes(cbor.encode(fields | {4: [2]}))
    said = program.bad("verify", bundle, "--key", f"owner={sign_only}")
    assert "key_ops does not allow to verify with it" in said
    said = program.bad(
        "sign", "mask", "--calls", "none", "--uid", "courier", "--key", verify_only,
        "-o", tmp_path / "m.cwt",
    )  # fmt: skip
    assert "key_ops does not allow to sign with it" in said


@pytest.mark.parametrize(
    ("algorithm", "fields", "problem"),
    [
        (
            "Ed25519",
            {3: -8},
            "algorithm: key.cose: this key is for EdDSA, not for Ed25519",
        ),
        ("EdDSA", {4: [1]}, "trust.keys[0].file: key.cose: key_ops (label 4)"),
        ("HMAC-256", {3: -19}, "the file holds a key for Ed25519, not HMAC-256"),
        ("Ed25519", {3: -19}, None),
        ("Ed25519", {}, None),
        ("EdDSA", {3: -19}, None),
    ],
)
def test_a_device_file_agrees_with_its_key_files(
    tmp_path: Path,
    program: Program,
    algorithm: str,
    fields: dict[int, cbor.Value],
    problem: str | None,
) -> None:
    device = tmp_path / "device.toml"
    device.write_text(
        f'[[trust.keys]]\nrole = "developer"\nfile = "key.cose"\nalgorithm = "{algorithm}"\n'
    )
    (tmp_path / "key.cose").write_bytes(cbor.encode({1: 1, -1: 6, -2: DEVELOPER.public, **fields}))
    if problem is None:
        program.good("run", device, "--for", "1ms")
    else:
        assert problem in program.bad("run", device, "--for", "1ms")


def test_a_token_of_minus_19_is_named_by_what_shows_and_explains_it(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    bundle = tmp_path / "courier.tcb"
    pack = ("pack", BOX / "courier", "--keys", keys, "-o", bundle)
    program.good(*pack, "--alg", "Ed25519")
    assert "mask token: Ed25519, rfc9052" in program.good("inspect", bundle)
    owner = key_files.parse((keys / "owner.pub").read_bytes()).restrict_to(Algorithm.EDDSA)
    restricted = tmp_path / "owner.cose"
    restricted.write_bytes(key_files.to_cose_key(owner))
    (keys / "owner.pub").unlink()
    code, said, _ = program("verify", bundle, "--keys", keys, "--key", f"owner={restricted}")
    assert code == 1
    assert "the token is made with Ed25519, the keys of the role owner are for EdDSA" in said
