"""Finds the debug information of code among the debug files of a directory."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from tinycontainer.errors import DebugFileError, DeviceFileError
from tinycontainer.interfaces.debug_info import DebugInfo
from tinycontainer.interfaces.private_files import read_regular_file
from tinycontainer.text import show

from .debug_file import HEAD_BYTES, MAX_DEBUG_FILE_BYTES, decode_debug_file, read_code_hash

SUFFIX: Final = ".debug"
MAX_DEBUG_FILES: Final = 256
"""The most files of one directory."""

Complain: TypeAlias = Callable[[str], None]
"""Takes a line about a debug file that cannot be used."""


def ignore_complaint(_line: str) -> None:
    """Take no notice of debug files that cannot be used."""


class Symbols:
    """Debug files by the SHA-256 of the code section that they are about.

    Nobody vouches for them: what they say is shown to those who gave them, and decides nothing. A
    file is read when its code is first asked for.

    Args:
        files: by the hash in hexadecimal digits.
        complain: takes a line about each file that cannot be used.
    """

    def __init__(
        self, files: Mapping[str, Path] | None = None, complain: Complain = ignore_complaint
    ) -> None:
        self._files = {} if files is None else dict(files)
        self._complain = complain
        self._read: dict[str, DebugInfo] = {}

    def __bool__(self) -> bool:
        return bool(self._files)

    def find(self, code_sha256: str) -> DebugInfo:
        """What is known of a code section; nothing if no file is about it, or it cannot be used."""
        if code_sha256 not in self._files:
            return DebugInfo()
        if code_sha256 not in self._read:
            self._read[code_sha256] = self._read_file(self._files[code_sha256])
        return self._read[code_sha256]

    def read_all(self) -> None:
        """Read all files now, where a device in wall time must not wait for one later."""
        for code_sha256 in self._files:
            self.find(code_sha256)

    def _read_file(self, path: Path) -> DebugInfo:
        try:
            content = read_regular_file(path, MAX_DEBUG_FILE_BYTES + 1, is_private=False)
            return decode_debug_file(content).debug
        except DebugFileError as error:
            self._complain(f"{show(str(path))}: {error}")
        except DeviceFileError as error:
            self._complain(str(error))
        return DebugInfo()


def read_symbols(directory: Path, complain: Complain = ignore_complaint) -> Symbols:
    """Find the debug files that lie in a directory.

    Args:
        directory: where they lie.
        complain: takes a line about each file that cannot be used.

    Raises:
        DebugFileError: the directory cannot be read, or has more than `MAX_DEBUG_FILES`.
    """
    found: dict[str, Path] = {}
    for path in _list_files(directory):
        try:
            code = read_code_hash(read_regular_file(path, HEAD_BYTES, is_private=False))
        except DeviceFileError as error:
            complain(str(error))
            continue
        if code is None:
            complain(f"{show(str(path))}: is no debug file of this version; build it again")
        else:
            found[code.hex()] = path
    return Symbols(found, complain)


def _list_files(directory: Path) -> Iterator[Path]:
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == SUFFIX)
    except OSError as error:
        raise DebugFileError(f"{show(str(directory))}: {error.strerror}") from None
    if len(paths) > MAX_DEBUG_FILES:
        problem = f"has {len(paths)} debug files; at most {MAX_DEBUG_FILES} are read"
        raise DebugFileError(f"{show(str(directory))}: {problem}")
    return iter(paths)
