"""Compiled modules on disk, by the hash of their code, if an operator asks for it.

wasmtime trusts what it deserialises as it trusts machine code. So a directory is used only if it
is ours alone (mode 0700), and a file of it only if it is a plain file of ours that nobody else can
write; files are found by a hash over engine, settings and code, and hold a hash of their content.
"""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

import wasmtime

_HASH_BYTES: Final = 32
_MAX_FILE_BYTES: Final = 1 << 28


class DiskCache:
    """Compiled modules in a directory of the operator's own.

    Args:
        directory: where; made with mode 0700 if it is not there.
        engine: deserialises them.
        settings: version and settings of the engine, which belong to a file's name.

    Raises:
        ValueError: the directory is a link, of somebody else, or open to others.
    """

    def __init__(self, directory: Path, engine: wasmtime.Engine, settings: str) -> None:
        self._directory = directory
        self._engine = engine
        self._settings = settings
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise ValueError(f"{directory}: is not a directory of our own")
        if stat.S_IMODE(found.st_mode) != 0o700:
            raise ValueError(f"{directory}: has mode {stat.S_IMODE(found.st_mode):o}, not 700")

    def find_or_make(self, code: bytes, make: Callable[[], wasmtime.Module]) -> wasmtime.Module:
        """The module of a prepared code; made and kept if it is not here.

        Args:
            code: what is compiled, so that another way to prepare it makes another file.
            make: compiles it.
        """
        path = self._directory / sha256(self._settings.encode() + b"\0" + code).hexdigest()
        content = _read_own(path)
        if content is not None:
            with suppress(wasmtime.WasmtimeError):  # of another version, say
                return wasmtime.Module.deserialize(self._engine, content)
        module = make()
        with suppress(OSError):  # a full disk only makes the next start slower
            _write_own(path, bytes(module.serialize()))
        return module


def _read_own(path: Path) -> bytes | None:
    """The content of a file that only we can have written; None if it is anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        if not ours or found.st_mode & 0o077 or found.st_size > _MAX_FILE_BYTES:
            return None
        content = file.read(_MAX_FILE_BYTES)
    digest = content[:_HASH_BYTES]
    module = content[_HASH_BYTES:]
    return module if sha256(module).digest() == digest else None


def _write_own(path: Path, module: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(sha256(module).digest() + module)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
