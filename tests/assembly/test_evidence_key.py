"""The key with which a device signs what it states: of its own, private, and for nothing else."""

import os
from pathlib import Path

import pytest
from support.evidence import KEY
from support.project import Program
from support.worlds import KEYS

from tinycontainer import Device, DeviceFileError
from tinycontainer.suit.keys.key_files import to_public_pem as update_pem
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey
from tinycontainer_tokens import Algorithm, KeyMaterial, Role, key_files

EVIDENCE = '[evidence]\nkey = "evidence.pem"\n'
OWNER = '[trust]\nkeys = [{ role = "owner", file = "owner.pub" }]\n'
UPDATE = '[[update.keys]]\nfile = "update.pub"\n'
SHARED = "is a key for tokens or updates as well; make one for evidence alone"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A device file beside a key for evidence, one for tokens and one for updates."""
    put(tmp_path / "evidence.pem", key_files.to_pem(KEY))
    (tmp_path / "owner.pub").write_bytes(key_files.to_public_pem(KEYS[Role.OWNER]))
    other = UpdateKey.from_private(UpdateAlgorithm.EDDSA, b"\2" * 32)
    (tmp_path / "update.pub").write_bytes(update_pem(other))
    (tmp_path / "device.toml").write_text(EVIDENCE + OWNER + UPDATE)
    return tmp_path / "device.toml"


def put(path: Path, content: bytes, mode: int = 0o600) -> None:
    path.write_bytes(content)
    path.chmod(mode)


def refused(path: Path, program: Program) -> str:
    """What keeps a device from beginning, as a library and as a program."""
    with pytest.raises(DeviceFileError) as caught:
        Device.from_file(path)
    told = str(caught.value)
    assert "\n" not in told
    secret = (KEY.secret or b"").hex()
    assert secret not in told
    assert program.bad("run", path, "--for", "1ms") == told
    return told


@pytest.mark.clause("TC-EVID-01")
def test_a_device_has_the_key_of_its_file(path: Path) -> None:
    device = Device.from_file(path)
    assert device.evidence_key == KEY
    assert (KEY.secret or b"").hex() not in repr(device.evidence_key)
    path.write_text(OWNER)
    assert Device.from_file(path).evidence_key is None


@pytest.mark.clause("TC-EVID-01")
def test_it_signs_as_tokens_do_whatever_its_file_says(path: Path) -> None:
    named = KeyMaterial.from_private(KEY.secret or b"", b"a name")
    put(path.parent / "evidence.pem", key_files.to_cose_key(named))
    assert Device.from_file(path).evidence_key == KEY


@pytest.mark.clause("TC-EVID-01")
@pytest.mark.parametrize("form", ["public", "private", "COSE_Key"])
def test_a_key_for_tokens_is_refused(path: Path, program: Program, form: str) -> None:
    content = {
        "public": key_files.to_public_pem(KEY),
        "private": key_files.to_pem(KEY),
        "COSE_Key": key_files.to_cose_key(KEY.public_half()),
    }[form]
    put(path.parent / "owner.pub", content)
    assert refused(path, program).startswith(f"{path}: evidence.key: {SHARED}")


@pytest.mark.clause("TC-EVID-01")
@pytest.mark.parametrize("half", ["public", "secret"])
def test_half_of_a_key_for_tokens_is_refused(path: Path, program: Program, half: str) -> None:
    shared = KEY.public if half == "public" else KEY.secret
    mac = KeyMaterial(Algorithm.HMAC_256, b"", shared)
    put(path.parent / "owner.pub", key_files.to_cose_key(mac))
    path.write_text(path.read_text().replace('owner.pub"', 'owner.pub", algorithm = "HMAC-256"'))
    assert SHARED in refused(path, program)


@pytest.mark.clause("TC-EVID-01")
@pytest.mark.parametrize("algorithm", [UpdateAlgorithm.EDDSA, UpdateAlgorithm.ES256])
def test_a_key_for_updates_is_refused(
    path: Path, program: Program, algorithm: UpdateAlgorithm
) -> None:
    shared = UpdateKey.from_private(algorithm, KEY.secret or b"")
    (path.parent / "update.pub").write_bytes(update_pem(shared))
    assert refused(path, program).startswith(f"{path}: evidence.key: {SHARED}")


@pytest.mark.clause("TC-EVID-01")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_key_that_others_can_use_is_refused(path: Path, program: Program, mode: int) -> None:
    (path.parent / "evidence.pem").chmod(mode)
    assert f"has the mode {mode:04o}" in refused(path, program)


@pytest.mark.clause("TC-EVID-01")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "neither PEM nor a COSE_Key"),
        (key_files.to_public_pem(KEY), "make one by `keygen DIRECTORY --evidence`"),
        (key_files.to_pem(KEY, b"passphrase"), "is encrypted"),
    ],
)
def test_what_is_no_such_key_is_refused(
    path: Path, program: Program, content: bytes, words: str
) -> None:
    put(path.parent / "evidence.pem", content)
    assert words in refused(path, program)


@pytest.mark.clause("TC-EVID-01")
def test_it_is_looked_at_before_anything_is_served(path: Path, program: Program) -> None:
    path.write_text(path.read_text() + "[agent]\ninsecure = true\n")
    program.good("serve", path, "--check")
    (path.parent / "evidence.pem").chmod(0o644)
    assert "has the mode 0644" in program.bad("serve", path, "--check")
    (path.parent / "evidence.pem").unlink()
    assert "cannot be read: No such file" in program.bad("serve", path, "--check")


@pytest.mark.clause("TC-EVID-01")
def test_keygen_makes_both_halves_and_never_replaces_one(tmp_path: Path, program: Program) -> None:
    folder = tmp_path / "keys"
    said = program.good("keygen", folder, "--evidence")
    assert said == f"made a key for evidence; {folder}/evidence.pub has its public half\n"
    private, public = folder / "evidence.pem", folder / "evidence.pub"
    assert os.stat(private).st_mode & 0o777 == 0o600
    key = key_files.parse(private.read_bytes())
    assert key_files.parse(public.read_bytes()) == key.public_half()
    before = private.read_bytes()
    line = program.bad("keygen", folder, "--evidence")
    assert line == f"{private}: exists; a key for evidence is never overwritten: move it away"
    assert private.read_bytes() == before
    other = program.json("keygen", tmp_path / "more", "--evidence")
    assert other == {"files": [f"{tmp_path}/more/evidence.pem", f"{tmp_path}/more/evidence.pub"]}
    for more in (("--device",), ("--role", "owner"), ("--mac",), ("--force",)):
        line = program.bad("keygen", tmp_path / "none", "--evidence", *more)
        assert "does not go together with" in line
    assert not (tmp_path / "none").exists()
