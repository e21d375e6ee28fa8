"""The signer's own memory: a folder with one file for each part of each container.

It is what a new version is compared with, so only its owner may be able to change it.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NoReturn

from tinycontainer.text import show

from ..releases.parts import ReleasePart
from .refusal import RefusalReason, SigningRefused
from .signed import Signed
from .signed_codec import MAX_FILE_BYTES, DamagedRecord, decode_signed, encode_signed

_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DRAFT: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class History:
    """What was signed on this machine.

    Args:
        folder: where it lies; it is made when something is remembered first.
        owner_id: number of the user to whom all of it must belong.
    """

    def __init__(self, folder: Path, owner_id: int) -> None:
        self._folder = folder
        self._owner_id = owner_id

    def last(self, uid: bytes, part: ReleasePart) -> Signed | None:
        """The last that was signed for a part; None if nothing was.

        Raises:
            SigningRefused: it cannot be read, is damaged, or others can change it.
        """
        path = self._folder / _name(uid, part)
        with _refuse_failures(path):
            try:
                folder = os.open(self._folder, _FOLDER)
            except FileNotFoundError:
                return None
            try:
                self._require_own(self._folder, folder, is_folder=True)
                content = self._read(path, folder)
            finally:
                os.close(folder)
        if content is None:
            return None
        try:
            return decode_signed(content, uid, part)
        except DamagedRecord as error:
            _refuse(path, f"is damaged: {error}")

    def remember(self, signed: Signed) -> None:
        """Write what was signed, in place of what was signed before.

        Raises:
            SigningRefused: it cannot be written; what was there before still is.
        """
        path = self._folder / _name(signed.uid, signed.part)
        with _refuse_failures(path):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = os.open(self._folder, _FOLDER)
            try:
                self._require_own(self._folder, folder, is_folder=True)
                _replace(folder, path.name, encode_signed(signed))
            finally:
                os.close(folder)

    def _read(self, path: Path, folder: int) -> bytes | None:
        try:
            descriptor = os.open(path.name, _READ, dir_fd=folder)
        except FileNotFoundError:
            return None
        try:
            self._require_own(path, descriptor, is_folder=False)
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(MAX_FILE_BYTES + 1)
        finally:
            os.close(descriptor)
        return content

    def _require_own(self, path: Path, descriptor: int, *, is_folder: bool) -> None:
        found = os.fstat(descriptor)
        if not is_folder and not stat.S_ISREG(found.st_mode):
            _refuse(path, "is not a regular file")
        if found.st_uid != self._owner_id:
            _refuse(path, "belongs to another user")
        if found.st_mode & _FOR_OTHERS:
            right = "0700" if is_folder else "0600"
            mode = stat.S_IMODE(found.st_mode)
            _refuse(path, f"has the mode {mode:04o}, so others can use it; make it {right}")


def _name(uid: bytes, part: ReleasePart) -> str:
    return f"{uid.hex()}.{part.name}"


def _replace(folder: int, name: str, content: bytes) -> None:
    """Write a file of a folder as a whole, or not at all."""
    draft = f".{name}.{os.getpid()}.new"
    with suppress(FileNotFoundError):
        os.unlink(draft, dir_fd=folder)  # what an interrupted run has left
    descriptor = os.open(draft, _DRAFT, 0o600, dir_fd=folder)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(draft, dir_fd=folder)
        raise
    os.fsync(folder)


@contextmanager
def _refuse_failures(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        is_link = error.errno == errno.ELOOP
        _refuse(path, f"cannot be used: {'is a link' if is_link else error.strerror}")


def _refuse(path: Path, problem: str) -> NoReturn:
    text = f"the history of what was signed, {show(str(path))}: {problem}"
    raise SigningRefused(RefusalReason.HISTORY, text)
