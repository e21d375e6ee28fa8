"""Files that are read with suspicion."""

import os
from pathlib import Path

import pytest

from tinycontainer.errors import DeviceFileError
from tinycontainer.interfaces.private_files import read_regular_file, require_private


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(b"0123456789")
    path.chmod(0o600)
    return path


def test_no_more_than_wanted_is_read(secret: Path) -> None:
    assert read_regular_file(secret, 4, is_private=True) == b"0123"
    assert read_regular_file(secret, 99, is_private=True) == b"0123456789"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o601, 0o644])
def test_a_private_file_that_others_can_use_is_refused(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    with pytest.raises(DeviceFileError, match=rf"secret: has the mode {mode:04o}.*make it 0600$"):
        read_regular_file(secret, 99, is_private=True)
    assert read_regular_file(secret, 99, is_private=False)


def test_the_recommended_mode_is_the_one_of_its_kind() -> None:
    require_private(Path("folder"), 0o40700, right_mode=0o700)
    with pytest.raises(DeviceFileError, match=r"has the mode 0750.*make it 0700$"):
        require_private(Path("folder"), 0o40750, right_mode=0o700)


@pytest.mark.parametrize("is_private", [True, False])
def test_what_is_no_regular_file_is_refused_without_waiting(
    tmp_path: Path, secret: Path, is_private: bool
) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(DeviceFileError, match="is not a regular file"):
            read_regular_file(path, 99, is_private=is_private)
    for name, problem in (("gone", "cannot be read: No such file"), ("a\0b", "is not a file name")):
        with pytest.raises(DeviceFileError, match=problem):
            read_regular_file(secret.with_name(name), 99, is_private=is_private)
