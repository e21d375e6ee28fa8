"""Finds the debug information of code among the debug files of a directory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tinycontainer.errors import DebugFileError
from tinycontainer.interfaces.debug_info import DebugInfo
from tinycontainer.text import show

from .debug_file import MAX_DEBUG_FILE_BYTES, DebugFile, decode_debug_file

SUFFIX: Final = ".debug"
MAX_DEBUG_FILES: Final = 256
"""The most files of one directory."""
MAX_DIRECTORY_BYTES: Final = 1 << 26
"""Of all its debug files together."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """Debug information by the SHA-256 of the code section that it is about.

    Nobody vouches for it: it is shown to those who gave it, and decides nothing.

    Attributes:
        by_code: what was read, by the hash in hexadecimal digits.
        problems: files that could not be used, a line each.
    """

    by_code: dict[str, DebugInfo] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def find(self, code_sha256: str) -> DebugInfo:
        """What is known of a code section; nothing if no file is about it."""
        return self.by_code.get(code_sha256, DebugInfo())


def read_symbols(directory: Path) -> Symbols:
    """Read the debug files that lie in a directory.

    Raises:
        DebugFileError: the directory cannot be read, or its debug files are more, or longer, than
            `MAX_DEBUG_FILES` and `MAX_DIRECTORY_BYTES` allow.
    """
    found: dict[str, DebugInfo] = {}
    problems: list[str] = []
    for path in _find_files(directory):
        try:
            read = _read_file(path)
        except (DebugFileError, OSError) as error:
            what = (error.strerror or "cannot be read") if isinstance(error, OSError) else error
            problems.append(f"{show(str(path))}: {what}")
            continue
        found[read.code_sha256.hex()] = read.debug
    return Symbols(found, tuple(problems))


def _find_files(directory: Path) -> Iterator[Path]:
    total_bytes = 0
    try:
        names = sorted(path for path in directory.iterdir() if path.suffix == SUFFIX)
    except OSError as error:
        raise DebugFileError(f"{show(str(directory))}: {error.strerror}") from None
    if len(names) > MAX_DEBUG_FILES:
        problem = f"has {len(names)} debug files; at most {MAX_DEBUG_FILES} are read"
        raise DebugFileError(f"{show(str(directory))}: {problem}")
    for path in names:
        if not path.is_file():
            continue
        total_bytes += min(path.stat().st_size, MAX_DEBUG_FILE_BYTES + 1)
        if total_bytes > MAX_DIRECTORY_BYTES:
            problem = f"its debug files have more than {MAX_DIRECTORY_BYTES} bytes"
            raise DebugFileError(f"{show(str(directory))}: {problem}")
        yield path


def _read_file(path: Path) -> DebugFile:
    with path.open("rb") as file:
        content = file.read(MAX_DEBUG_FILE_BYTES + 1)
    if len(content) > MAX_DEBUG_FILE_BYTES:
        raise DebugFileError(f"has more than {MAX_DEBUG_FILE_BYTES} bytes")
    return decode_debug_file(content)
