"""The files that verbs write: never over another one unasked, as a whole or not at all."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from tinycontainer.text import show

from .verb import VerbRefused

_PRIVATE_MODE: Final = 0o600
_PUBLIC_MODE: Final = 0o644
_BUFFER_BYTES: Final = 8192


def require_absent(paths: Iterable[Path], *, force: bool, making: Path | None = None) -> None:
    """Refuse what cannot be written, or would be lost, before anything is written.

    Args:
        paths: all files that will be written.
        force: whether files that exist are overwritten.
        making: a directory that the verb makes before it writes them.

    Raises:
        VerbRefused: a path has no name, is something else than a file, lies in no directory, exists
            without ``force``, or is named twice.
    """
    places: set[Path] = set()
    for path in paths:
        if path.resolve() in places:
            raise VerbRefused(f"{show(str(path))}: is named for two outputs; name two files")
        places.add(path.resolve())
        if not path.name:
            raise VerbRefused(f"{show(str(path))}: is no file name")
        if path.exists() and not path.is_file():
            raise VerbRefused(f"{show(str(path))}: is not a file")
        if path.exists() and not force:
            raise VerbRefused(f"{show(str(path))}: exists; use --force to overwrite it")
        with refuse_unwritable(path):
            if not path.parent.is_dir() and path.parent != making:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def write_file(path: Path, content: bytes, *, private: bool = False, replaces: bool = True) -> None:
    """Write a file as a whole, through a draft beside it.

    Args:
        path: the file.
        content: all of it.
        private: whether only its owner can read it.
        replaces: whether it replaces a file that is there; otherwise that one is a refusal.

    Raises:
        VerbRefused: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")  # two may write it at the same time
    mode = _PRIVATE_MODE if private else _PUBLIC_MODE
    with refuse_unwritable(path):
        try:
            draft.unlink(missing_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            if replaces:
                draft.replace(path)
            else:
                os.link(draft, path)  # never over another one, whenever that was made
                draft.unlink()
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise


@contextmanager
def refuse_unwritable(path: Path) -> Iterator[None]:
    """Refuse what the operating system refuses.

    Args:
        path: the file that is written meanwhile.

    Raises:
        VerbRefused: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise VerbRefused(f"{show(str(path))}: cannot be written: {error.strerror}") from None


class LinesFile:
    """A file for lines of ASCII that is made when its first line is written.

    What fails before that leaves no file, and leaves an older one as it is. A private file, which
    is of no use without its end, is a draft until it is whole.

    Args:
        path: the file.
        private: whether only its owner can read it.
    """

    def __init__(self, path: Path, *, private: bool) -> None:
        self._path = path
        self._private = private
        # Always the same name: one finds what a power cut leaves, and the next draft replaces it.
        self._place = path.with_name(f".{path.name}.new") if private else path
        self._file: TextIO | None = None

    def write(self, text: str) -> None:
        """Write text.

        Raises:
            OSError: the file cannot be made or written.
        """
        self._open().write(text)

    def close(self, *, failed: bool) -> None:
        """Close the file.

        Args:
            failed: whether what it is about has failed; then nothing is left of a private file.

        Raises:
            OSError: the file cannot be made or closed.
        """
        if not failed:
            self._open()
        if self._file is None:
            return
        try:
            self._file.close()
            if self._private and not failed:
                self._place.replace(self._path)
        finally:
            if self._private:
                self._place.unlink(missing_ok=True)

    def _open(self) -> TextIO:
        if self._file is None:
            if self._private:
                self._place.unlink(missing_ok=True)
            mode = _PRIVATE_MODE if self._private else _PUBLIC_MODE
            flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if self._private else os.O_TRUNC)
            descriptor = os.open(self._place, flags, mode)
            # As much may be missing after a crash, whatever Python would choose.
            self._file = os.fdopen(descriptor, "w", buffering=_BUFFER_BYTES, encoding="ascii")
        return self._file


@contextmanager
def open_lines(path: Path, *, force: bool, private: bool = False) -> Iterator[LinesFile]:
    """A new file for lines of ASCII, written while a run goes on.

    Args:
        path: the file.
        force: whether it is overwritten if it exists.
        private: whether only its owner can read it, and it is made only if the run does not fail.

    Yields:
        The file; its own methods raise OSError.

    Raises:
        VerbRefused: the file exists, or cannot be made or closed.
    """
    require_absent((path,), force=force)
    file = LinesFile(path, private=private)
    try:
        yield file
    except BaseException:
        with suppress(OSError):
            file.close(failed=True)
        raise
    with refuse_unwritable(path):
        file.close(failed=False)
