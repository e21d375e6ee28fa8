"""Identities for EDHOC: made, and read with suspicion."""

import os
from pathlib import Path
from typing import Any

import cbor2
import pytest

from tinycontainer.errors import DeviceFileError
from tinycontainer.interfaces.network.edhoc_identity import (
    make_identity,
    read_credential,
    read_identity,
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    private, public = tmp_path / "me.edhoc", tmp_path / "me.ccs"
    for path, content in zip((private, public), make_identity(os.urandom), strict=True):
        path.write_bytes(content)
    private.chmod(0o600)
    return private, public


@pytest.mark.clause("TC-MGMT-15")
def test_a_key_and_its_credential_fit_together(files: tuple[Path, Path]) -> None:
    identity = read_identity(files[0])
    assert identity.credential == read_credential(files[1])
    secret = identity.private_key[-4]
    assert secret not in files[1].read_bytes()
    assert repr(secret) not in repr(identity)


def test_a_number_that_is_no_key_is_drawn_again(tmp_path: Path) -> None:
    draws = iter([b"\xff" * 32, bytes(32), b"\1" * 32])
    path = tmp_path / "me.edhoc"
    path.write_bytes(make_identity(lambda size: next(draws)[:size])[0])
    path.chmod(0o600)
    assert read_identity(path).private_key[-4] == b"\1" * 32


GOOD = cbor2.loads(make_identity(os.urandom)[1])


def changed(*place: int, value: Any) -> Any:
    """The credential with one value changed or, with None, left out."""
    found = cbor2.loads(cbor2.dumps(GOOD))
    inner = found
    for label in place[:-1]:
        inner = inner[label]
    if value is None:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return found


@pytest.mark.parametrize(
    "value",
    [
        1,
        {},
        {14: 1},
        {14: {8: {1: []}}},
        changed(14, 8, 1, -2, value=bytes(32)),
        changed(14, 8, 1, -2, value=b""),
        changed(14, 8, 1, -2, value=bytes(900)),
        changed(14, 8, 1, -2, value="x"),
        changed(14, 8, 1, -1, value=2),
        changed(14, 8, 1, 2, value=None),
        changed(14, 2, value="somebody"),
        changed(15, value=1),
        changed(14, 8, 1, -4, value=bytes(32)),
    ],
)
def test_what_is_no_credential_is_refused(files: tuple[Path, Path], value: Any) -> None:
    files[1].write_bytes(cbor2.dumps(value))
    with pytest.raises(DeviceFileError, match="is no credential"):
        read_credential(files[1])


@pytest.mark.parametrize(
    "value",
    [
        1,
        {1: 2, -1: 1},
        {1: 2, -1: 1, -4: bytes(32)},
        {1: 2, -1: 1, -4: b"\xff" * 32},
        {1: 2, -1: 1, -4: b"\1" * 31},
        {1: 2, -1: 1, -4: b"\1" * 33},
        {1: 2, -1: 1, -4: "x" * 32},
        {1: 2, -1: 2, -4: b"\1" * 32},
        {1: 2, -1: 1, -4: b"\1" * 32, -2: b""},
    ],
)
def test_what_is_no_private_key_is_refused(files: tuple[Path, Path], value: Any) -> None:
    files[0].write_bytes(cbor2.dumps(value))
    with pytest.raises(DeviceFileError, match="is no private key of P-256"):
        read_identity(files[0])


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"\x9b" + b"\xff" * 8, b"\x81" * 1024, b" " * 1025]
)
def test_what_is_no_cbor_is_refused(files: tuple[Path, Path], content: bytes) -> None:
    for path, read in zip(files, (read_identity, read_credential), strict=True):
        path.write_bytes(content)
        with pytest.raises(DeviceFileError, match=f"{path.name}: is no "):
            read(path)


def test_files_that_others_can_use_or_that_are_none_are_refused(files: tuple[Path, Path]) -> None:
    private, public = files
    private.chmod(0o640)
    with pytest.raises(DeviceFileError, match=r"has the mode 0640.*make it 0600"):
        read_identity(private)
    public.chmod(0o644)
    read_credential(public)
    private.unlink()
    with pytest.raises(DeviceFileError, match="No such file"):
        read_identity(private)
    os.mkfifo(private)
    with pytest.raises(DeviceFileError, match="is not a regular file"):
        read_identity(private)
    with pytest.raises(DeviceFileError, match="is not a file name"):
        read_credential(private.with_name("a\0b"))
