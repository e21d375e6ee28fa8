"""The device's own key: made by keygen, read with suspicion, shown nowhere."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.project import Program

from tinycontainer import Device
from tinycontainer.assembly import read_plan
from tinycontainer.errors import DeviceFileError
from tinycontainer.files.device_key import read_device_key
from tinycontainer_tokens import Algorithm, KeyMaterial, key_files

KEY = KeyMaterial.from_private(bytes(range(32)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "device.pem"


def put(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.clause("TC-STATE-13")
def test_what_keygen_makes_is_read(path: Path, program: Program) -> None:
    out = program.good("keygen", "--device", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = read_device_key(path)
    public = key_files.parse(path.with_suffix(".pub").read_bytes())
    assert key.public_half() == public
    secret = key.secret or b""
    for form in (secret.hex(), *path.read_text().splitlines()[1:-1]):
        assert form not in out
        assert form not in repr(key)


def test_two_devices_never_get_one_key(tmp_path: Path, program: Program) -> None:
    found = program.json("keygen", "--device", tmp_path / "keys" / "one")
    assert found["files"] == [str(tmp_path / "keys" / "one"), str(tmp_path / "keys" / "one.pub")]
    program.good("keygen", "--device", tmp_path / "keys" / "two.pem")
    assert read_device_key(tmp_path / "keys" / "one") != read_device_key(tmp_path / "keys/two.pem")


@pytest.mark.parametrize("there", ["device.pem", "device.pub"])
def test_a_key_is_never_overwritten(tmp_path: Path, program: Program, there: str) -> None:
    (tmp_path / there).write_bytes(b"of before")
    line = program.bad("keygen", "--device", tmp_path / "device.pem")
    assert "a device's key is never overwritten" in line
    assert "--force" in program.bad("keygen", "--device", tmp_path / "device.pem", "--force")
    assert [each.name for each in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_bytes() == b"of before"


@pytest.mark.parametrize(
    "others", [("--role", "owner"), ("--mac",), ("--one-key",), ("--passphrase-file", "x")]
)
def test_options_of_other_keys_are_refused(
    path: Path, program: Program, others: tuple[str, ...]
) -> None:
    line = program.bad("keygen", "--device", path, *others)
    assert line == f"{others[0]}: does not go together with --device; leave it out"
    assert not path.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o777])
@pytest.mark.clause("TC-STATE-13")
def test_a_key_that_others_can_use_is_refused(path: Path, mode: int) -> None:
    put(path, key_files.to_pem(KEY), mode)
    with pytest.raises(DeviceFileError, match=f"mode {mode:04o}, so others can use it; make it"):
        read_device_key(path)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_key_of_its_owner_alone_is_read(path: Path, mode: int) -> None:
    assert read_device_key(put(path, key_files.to_pem(KEY), mode)) == KEY


FOREIGN = generate_private_key(SECP256R1()).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)
CONTENTS = {
    "empty": (b"", "neither PEM nor a COSE_Key"),
    "text": (b"secret", "neither PEM nor a COSE_Key"),
    "public": (key_files.to_public_pem(KEY), "no Ed25519 private key to sign with"),
    "hmac": (
        key_files.to_cose_key(KeyMaterial(Algorithm.HMAC_256, b"", bytes(range(32)))),
        "no Ed25519 private key to sign with",
    ),
    "P-256": (FOREIGN, "private key that is not Ed25519"),
    "encrypted": (key_files.to_pem(KEY, b"passphrase"), "is encrypted"),
    "two keys": (key_files.to_pem(KEY) * 2, "holds 2 keys"),
    "cut": (key_files.to_pem(KEY)[:-40], "cannot be read"),
    "long": (key_files.to_pem(KEY) + b"\n" * 5000, "are too many for a key file"),
}


@pytest.mark.parametrize(("content", "words"), CONTENTS.values(), ids=CONTENTS.keys())
@pytest.mark.clause("TC-STATE-13")
def test_what_is_no_such_key_is_refused_without_its_content(
    path: Path, content: bytes, words: str
) -> None:
    with pytest.raises(DeviceFileError, match=words) as caught:
        read_device_key(put(path, content))
    told = str(caught.value)
    assert told.startswith(f"{path}: ")
    assert "\n" not in told
    assert KEY.secret is not None
    for secret in (KEY.secret.hex(), *content.decode("latin-1").splitlines()[1:-1]):
        assert not secret or secret not in told


def pipe(path: Path) -> None:
    os.mkfifo(path, 0o600)


def directory(path: Path) -> None:
    path.mkdir(0o700)


def nothing(_path: Path) -> None:
    """Leave it absent."""


@pytest.mark.parametrize("make", [pipe, directory, nothing])
@pytest.mark.clause("TC-STATE-13")
def test_what_is_no_file_is_refused(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    with pytest.raises(DeviceFileError, match=r"is not a regular file|cannot be read: No such"):
        read_device_key(path)


@pytest.mark.clause("TC-STATE-13")
def test_a_device_whose_key_cannot_be_used_does_not_begin(
    tmp_path: Path, path: Path, program: Program
) -> None:
    file = tmp_path / "device.toml"
    file.write_text('[device]\nkey = "device.pem"\n')
    assert "cannot be read: No such file" in program.bad("run", file, "--for", "1ms")
    put(path, key_files.to_pem(KEY), 0o644)
    assert "has the mode 0644" in program.bad("run", file, "--for", "1ms")
    with pytest.raises(DeviceFileError, match="has the mode 0644"):
        Device.from_file(file)
    path.chmod(0o600)
    program.good("run", file, "--for", "1ms")


def test_a_link_in_the_way_of_a_half_leaves_no_other_half(tmp_path: Path, program: Program) -> None:
    (tmp_path / "device.pub").symlink_to("nowhere")
    assert "never overwritten" in program.bad("keygen", "--device", tmp_path / "device.pem")
    assert [each.name for each in tmp_path.iterdir()] == ["device.pub"]


def test_a_device_file_names_the_key_and_shows_nothing_of_it(
    tmp_path: Path, path: Path, program: Program
) -> None:
    put(path, key_files.to_pem(KEY))
    file = tmp_path / "device.toml"
    file.write_text('[device]\nkey = "device.pem"\n')
    plan = read_plan(file)
    assert plan.content.device.key == "device.pem"
    assert read_device_key(plan.file("device.pem", "device.key")) == KEY
    secret = (KEY.secret or b"").hex()
    assert secret not in repr(plan) + json.dumps(plan.content.model_dump(mode="json"))
    program.good("lint", "--device", file)
    file.write_text("[device]\nkey = 5\n")
    assert "device.key" in program.bad("lint", "--device", file)
