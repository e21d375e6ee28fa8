"""Files that are read with suspicion: only regular ones, within bounds, and for their owner."""

import os
import stat
from pathlib import Path
from typing import Final

from tinycontainer.errors import DeviceFileError
from tinycontainer.text import show

_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def read_regular_file(path: Path, most_bytes: int, *, is_private: bool) -> bytes:
    """Read the beginning of a regular file, without waiting for anybody.

    Args:
        path: where it lies.
        most_bytes: how much of it is read at most.
        is_private: whether only its owner may be able to use it.

    Raises:
        DeviceFileError: it cannot be read, is no regular file, or others can use it.
    """
    try:
        mode, content = _read(path, most_bytes)
    except OSError as error:
        raise file_error(path, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise file_error(path, "is not a file name") from None
    if not stat.S_ISREG(mode):
        raise file_error(path, "is not a regular file")
    if is_private:
        require_private(path, mode, right_mode=0o600)
    return content


def require_private(path: Path, mode: int, *, right_mode: int) -> None:
    """Refuse a file or a folder that others than its owner can use.

    Args:
        path: where it lies.
        mode: its mode.
        right_mode: the one to recommend.

    Raises:
        DeviceFileError: others can use it.
    """
    if mode & _FOR_OTHERS:
        found = stat.S_IMODE(mode)
        problem = f"has the mode {found:04o}, so others can use it; make it {right_mode:04o}"
        raise file_error(path, problem)


def file_error(path: Path, problem: str) -> DeviceFileError:
    """The error about a file: its name, fit to be shown, and what is wrong with it."""
    return DeviceFileError(show(str(path)), "", problem)


def _read(path: Path, most_bytes: int) -> tuple[int, bytes]:
    """The mode of a file, and its first bytes if it is a regular one."""
    # Both are those of one descriptor: the name can mean another file a moment later. Not blocking:
    # to open a named pipe would wait for somebody to write into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            return mode, b""
        with open(descriptor, "rb", closefd=False) as file:
            return mode, file.read(most_bytes)
    finally:
        os.close(descriptor)
