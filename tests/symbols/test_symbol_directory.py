"""A directory of debug files: found by the hash of the code, and bounded whatever lies in it."""

import hashlib
import os
from pathlib import Path

import pytest

from tinycontainer.errors import DebugFileError
from tinycontainer.interfaces.debug_info import DebugInfo, SourcePlace
from tinycontainer.symbols.debug_file import MAX_DEBUG_FILE_BYTES, encode_debug_file
from tinycontainer.symbols.symbol_directory import MAX_DEBUG_FILES, read_symbols

PLACES = DebugInfo(((0, (SourcePlace("f", "a.c", 1),)),))


def sha256(code: bytes) -> str:
    return hashlib.sha256(code).hexdigest()


def test_code_is_found_by_its_hash_whatever_the_file_is_called(tmp_path: Path) -> None:
    (tmp_path / "anything.debug").write_bytes(encode_debug_file(b"one", PLACES))
    symbols = read_symbols(tmp_path)
    assert symbols.find(sha256(b"one")) == PLACES
    assert symbols.find(sha256(b"two")) == DebugInfo()


def test_what_is_no_debug_file_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.debug").write_bytes(b"nonsense")
    (tmp_path / "b.debug").write_bytes(bytes(MAX_DEBUG_FILE_BYTES + 1))
    (tmp_path / "c.debug").write_bytes(encode_debug_file(b"one", PLACES))
    (tmp_path / "d.debug").mkdir()
    (tmp_path / "e.txt").write_bytes(b"something else")
    symbols = read_symbols(tmp_path)
    assert symbols.find(sha256(b"one")) == PLACES
    first, second = symbols.problems
    assert first.startswith(f"{tmp_path / 'a.debug'}: is no debug file")
    assert second == f"{tmp_path / 'b.debug'}: has more than {MAX_DEBUG_FILE_BYTES} bytes"


def test_a_named_pipe_does_not_make_anybody_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.debug")
    assert read_symbols(tmp_path).by_code == {}


def test_more_files_than_anybody_builds_are_refused(tmp_path: Path) -> None:
    for number in range(MAX_DEBUG_FILES + 1):
        (tmp_path / f"{number}.debug").touch()
    with pytest.raises(DebugFileError, match="at most 256 are read"):
        read_symbols(tmp_path)


def test_more_bytes_than_anybody_builds_are_refused(tmp_path: Path) -> None:
    for number in range(17):
        with (tmp_path / f"{number}.debug").open("wb") as file:
            file.truncate(MAX_DEBUG_FILE_BYTES)
    with pytest.raises(DebugFileError, match="have more than"):
        read_symbols(tmp_path)
