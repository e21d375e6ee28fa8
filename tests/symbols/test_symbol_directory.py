"""A directory of debug files: found by the hash of the code, and bounded whatever lies in it."""

import hashlib
import os
from pathlib import Path

import pytest
from support.wasm.modules import within

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
    (tmp_path / "b.debug").write_bytes(encode_debug_file(b"two", PLACES) + b"x")
    (tmp_path / "c.debug").write_bytes(encode_debug_file(b"one", PLACES))
    (tmp_path / "d.debug").mkdir()
    (tmp_path / "e.txt").write_bytes(b"something else")
    complaints: list[str] = []
    symbols = read_symbols(tmp_path, complaints.append)
    assert symbols.find(sha256(b"one")) == PLACES
    assert complaints == [
        f"{tmp_path / 'a.debug'}: is no debug file of this version; build it again",
        f"{tmp_path / 'd.debug'}: is not a regular file",
    ]
    # What is wrong after the head is found when the code is asked for, once.
    for _ in range(2):
        assert symbols.find(sha256(b"two")) == DebugInfo()
    assert complaints[2:] == [
        f"{tmp_path / 'b.debug'}: is no debug file: byte 57: bytes follow the value"
    ]


def test_a_named_pipe_does_not_make_anybody_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.debug")
    with within(1):
        assert not read_symbols(tmp_path)


def test_only_what_is_asked_for_is_read_whole(tmp_path: Path) -> None:
    rows = tuple((row, (SourcePlace(f"f{row}", "a.c", row),)) for row in range(30_000))
    large = encode_debug_file(b"large", DebugInfo(rows))
    assert len(large) < MAX_DEBUG_FILE_BYTES
    for number in range(MAX_DEBUG_FILES - 1):
        (tmp_path / f"{number}.debug").write_bytes(large)
    (tmp_path / "z.debug").write_bytes(encode_debug_file(b"one", PLACES))
    with within(1):
        assert read_symbols(tmp_path).find(sha256(b"one")) == PLACES


def test_more_files_than_anybody_builds_are_refused(tmp_path: Path) -> None:
    for number in range(MAX_DEBUG_FILES + 1):
        (tmp_path / f"{number}.debug").touch()
    with pytest.raises(DebugFileError, match="at most 256 are read"):
        read_symbols(tmp_path)
