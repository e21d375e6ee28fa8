"""keygen --update: a key that signs updates, and that signs nothing else."""

import stat
from pathlib import Path

import pytest
from support.project import BOX, Program

from tinycontainer.suit.keys.key_files import parse_update_key
from tinycontainer.suit.keys.keys import UpdateAlgorithm

CURVES = {
    "P-256": {UpdateAlgorithm.ES256, UpdateAlgorithm.ESP256},
    "Ed25519": {UpdateAlgorithm.EDDSA, UpdateAlgorithm.ED25519},
}


@pytest.mark.parametrize("curve", CURVES)
def test_a_pair_is_made_and_its_private_half_is_its_owners(
    tmp_path: Path, program: Program, curve: str
) -> None:
    private = tmp_path / "new" / "operator.pem"
    shown = program.good("keygen", "--update", curve, private)
    public = private.with_suffix(".pub")
    assert shown == f"made a key for updates; {public} has its public half\n"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    key = parse_update_key(private.read_bytes())
    assert parse_update_key(public.read_bytes()) == key.public_half()
    assert {each for each in UpdateAlgorithm if key.allows(each)} == CURVES[curve]
    assert key.public_half().has_signed(b"update", key.sign(b"update"))
    found = program.json("keygen", "--update", curve, tmp_path / "b.pem")["files"]
    assert found == [str(tmp_path / "b.pem"), str(tmp_path / "b.pub")]
    assert parse_update_key((tmp_path / "b.pub").read_bytes()) != key.public_half()


def test_the_private_half_is_encrypted_by_a_passphrase(tmp_path: Path, program: Program) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("open sesame\nnot this\n")
    private = tmp_path / "operator.pem"
    program.good("keygen", "--update", "P-256", private, "--passphrase-file", passphrase)
    assert b"ENCRYPTED" in private.read_bytes()
    assert parse_update_key(private.read_bytes(), b"open sesame").secret
    passphrase.write_text("")
    other = tmp_path / "other.pem"
    line = program.bad("keygen", "--update", "P-256", other, "--passphrase-file", passphrase)
    assert "is empty" in line
    assert not other.exists()


@pytest.mark.parametrize("there", ["operator.pem", "operator.pub"])
def test_a_key_is_never_overwritten(tmp_path: Path, program: Program, there: str) -> None:
    (tmp_path / there).write_bytes(b"of before")
    line = program.bad("keygen", "--update", "P-256", tmp_path / "operator.pem")
    assert "exists; an update key is never overwritten: move it away" in line
    assert [each.name for each in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_bytes() == b"of before"


@pytest.mark.parametrize(
    "others",
    [("--force",), ("--role", "owner"), ("--mac",), ("--one-key",), ("--oscore",), ("--edhoc",)],
)
def test_options_of_other_keys_are_refused(
    tmp_path: Path, program: Program, others: tuple[str, ...]
) -> None:
    line = program.bad("keygen", "--update", "P-256", tmp_path / "operator.pem", *others)
    assert "does not go together with" in line
    assert list(tmp_path.iterdir()) == []


def test_another_curve_is_refused(tmp_path: Path, program: Program) -> None:
    line = program.bad("keygen", "--update", "P-384", tmp_path / "operator.pem")
    assert "P-384" in line
    assert list(tmp_path.iterdir()) == []


def test_a_key_on_p256_signs_and_verifies_no_tokens(
    tmp_path: Path, keys: Path, program: Program
) -> None:
    bundle = tmp_path / "box.tcb"
    program.good("pack", BOX / "mapper", "--keys", keys, "-o", bundle)
    for suffix in (".pem", ".pub"):
        (keys / f"owner{suffix}").unlink()
    program.good("keygen", "--update", "P-256", keys / "owner.pem")
    line = program.bad("pack", BOX / "mapper", "--keys", keys, "-o", tmp_path / "new.tcb")
    assert line == (
        f"{keys / 'owner.pem'}: the PEM file holds a private key that is not Ed25519 but P-256"
    )
    line = program.bad("verify", bundle, "--keys", keys)
    assert line == (
        f"{keys / 'owner.pub'}: the PEM file holds a public key that is not Ed25519 but P-256"
    )
