"""The device's own key: read with suspicion, and never shown."""

import os
import stat
from pathlib import Path
from typing import Final

from tinycontainer.errors import DeviceFileError
from tinycontainer.text import show
from tinycontainer_tokens import KeyFileError, KeyMaterial, key_files

_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def read_device_key(path: Path) -> KeyMaterial:
    """Read the private key that `[device] key` names.

    Args:
        path: where it lies.

    Returns:
        An Ed25519 key with its secret half, which its representation does not show.

    Raises:
        DeviceFileError: it cannot be read, is no regular file, others than its owner can use it, or
            it holds no Ed25519 private key to sign with (TC-STATE-13).
    """
    name = show(str(path))
    try:
        mode, content = _read(path)
    except OSError as error:
        raise DeviceFileError(name, "", f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise DeviceFileError(name, "", "is not a file name") from None
    if not stat.S_ISREG(mode):
        raise DeviceFileError(name, "", "is not a regular file")
    if mode & _FOR_OTHERS:
        found = f"{stat.S_IMODE(mode):04o}"
        raise DeviceFileError(name, "", f"has the mode {found}, so others can use it; make it 0600")
    if key_files.is_encrypted(content):
        raise DeviceFileError(
            name, "", "is encrypted; a device starts alone, so its key has no passphrase"
        )
    try:
        key = key_files.parse(content)
    except KeyFileError as error:
        raise DeviceFileError(name, "", str(error)) from None
    if key.is_symmetric or key.secret is None or not key.may_sign:
        raise DeviceFileError(
            name, "", "is no Ed25519 private key to sign with; make one by `keygen --device`"
        )
    return key


def _read(path: Path) -> tuple[int, bytes]:
    """The mode of a file and its content, which is empty if it is no regular one."""
    # Both are those of one descriptor, whatever has the name meanwhile. Not blocking: to open a
    # named pipe would wait for somebody to write into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            return mode, b""
        with open(descriptor, "rb", closefd=False) as file:
            return mode, file.read(key_files.MAX_KEY_FILE_BYTES + 1)
    finally:
        os.close(descriptor)
