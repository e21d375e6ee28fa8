"""The memory of accepted sequences: it survives, it changes as a whole, it never lies."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from tinycontainer_tokens import (
    Accepted,
    FileSequenceStore,
    Kind,
    MemorySequenceStore,
    SequenceFileError,
    SequenceStore,
    SequenceSubject,
    TokenError,
    sequences,
)

CODE = SequenceSubject(b"uid", Kind.CODE)
METADATA = SequenceSubject(b"uid", Kind.METADATA)
OLD, NEW = Accepted(1, bytes(32)), Accepted(2, bytes(range(32)))

Make = Callable[[Path], SequenceStore]
MAKERS: dict[str, Make] = {
    "memory": lambda _: MemorySequenceStore(),
    "file": lambda folder: FileSequenceStore(folder / "sequences"),
}
each_store = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


@each_store
def test_a_new_store_knows_nothing(make: Make, tmp_path: Path) -> None:
    assert make(tmp_path).newest(CODE) is None


@each_store
def test_the_last_acceptance_is_the_newest(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.accept([(CODE, OLD), (METADATA, OLD)])
    store.accept([(CODE, NEW)])
    assert (store.newest(CODE), store.newest(METADATA)) == (NEW, OLD)


@each_store
@pytest.mark.parametrize(
    "other",
    [
        SequenceSubject(b"uid2", Kind.ENDPOINT, 7),
        SequenceSubject(b"uid", Kind.CODE, 7),
        SequenceSubject(b"uid", Kind.MASK),
    ],
)
@pytest.mark.clause("TC-TOK-18")
def test_subjects_are_counted_apart(make: Make, tmp_path: Path, other: SequenceSubject) -> None:
    store = make(tmp_path)
    endpoint = SequenceSubject(b"uid", Kind.ENDPOINT, 7)
    store.accept([(endpoint, NEW)])
    assert store.newest(other) is None
    store.accept([(other, OLD)])
    assert (store.newest(endpoint), store.newest(other)) == (NEW, OLD)


@each_store
def test_accepting_nothing_changes_nothing(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.accept([(CODE, NEW)])
    store.accept([])
    assert store.newest(CODE) == NEW


@each_store
def test_entries_may_come_from_an_iterator(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.accept(iter([(CODE, NEW), (METADATA, OLD)]))
    assert (store.newest(CODE), store.newest(METADATA)) == (NEW, OLD)


def test_a_file_is_made_at_the_first_acceptance(tmp_path: Path) -> None:
    path = tmp_path / "sequences"
    store = FileSequenceStore(path)
    assert not path.exists()
    store.accept([(CODE, OLD)])
    assert path.exists()


@pytest.mark.parametrize("uid", [b"u", bytes(63), b'"\\\n\xff', "é".encode()])
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("number", [0, (1 << 32) - 1, (1 << 64) - 1])
@pytest.mark.clause("TC-TOK-27")
def test_a_file_survives_reopening(tmp_path: Path, uid: bytes, kind: Kind, number: int) -> None:
    path = tmp_path / "sequences"
    subject = SequenceSubject(uid, kind, number % (1 << 32))
    accepted = Accepted(number, bytes(range(32)))
    FileSequenceStore(path).accept([(subject, accepted), (CODE, OLD)])
    reopened = FileSequenceStore(path)
    assert (reopened.newest(subject), reopened.newest(METADATA)) == (
        accepted,
        None if subject != METADATA else accepted,
    )


def test_a_reopened_file_keeps_what_it_held(tmp_path: Path) -> None:
    path = tmp_path / "sequences"
    FileSequenceStore(path).accept([(CODE, OLD)])
    FileSequenceStore(path).accept([(METADATA, NEW)])
    reopened = FileSequenceStore(path)
    assert (reopened.newest(CODE), reopened.newest(METADATA)) == (OLD, NEW)


def test_an_acceptance_leaves_one_file_and_nothing_beside_it(tmp_path: Path) -> None:
    store = FileSequenceStore(tmp_path / "sequences")
    store.accept([(CODE, OLD)])
    store.accept([(CODE, NEW)])
    assert [path.name for path in tmp_path.iterdir()] == ["sequences"]


def test_a_file_is_replaced_and_never_written_in_place(tmp_path: Path) -> None:
    path = tmp_path / "sequences"
    store = FileSequenceStore(path)
    store.accept([(CODE, OLD)])
    before = path.read_bytes()
    with path.open("rb") as reader:
        store.accept([(CODE, NEW)])
        assert reader.read() == before
    assert path.read_bytes() != before


def out_of_space(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "no space left")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_in_the_middle_leaves_file_and_store_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "sequences"
    store = FileSequenceStore(path)
    store.accept([(CODE, OLD)])
    before = path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(os, call, out_of_space)
        with pytest.raises(SequenceFileError, match="cannot be written: no space left"):
            store.accept([(CODE, NEW), (METADATA, NEW)])
    assert path.read_bytes() == before
    for unchanged in (store, FileSequenceStore(path)):
        assert (unchanged.newest(CODE), unchanged.newest(METADATA)) == (OLD, None)
    store.accept([(CODE, NEW)])
    assert FileSequenceStore(path).newest(CODE) == NEW


def test_what_is_known_already_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileSequenceStore(tmp_path / "sequences")
    store.accept([(CODE, OLD), (METADATA, NEW)])
    monkeypatch.setattr(os, "replace", out_of_space)
    store.accept([(METADATA, NEW)])
    assert store.newest(METADATA) == NEW


def test_a_folder_that_does_not_exist_leaves_the_store_unchanged(tmp_path: Path) -> None:
    store = FileSequenceStore(tmp_path / "missing" / "sequences")
    with pytest.raises(SequenceFileError, match="cannot be"):
        store.accept([(CODE, OLD)])
    assert store.newest(CODE) is None


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SequenceFileError, match="cannot be read"):
        FileSequenceStore(tmp_path)


def test_a_folder_that_takes_the_place_of_the_file_leaves_the_store_unchanged(
    tmp_path: Path,
) -> None:
    path = tmp_path / "sequences"
    store = FileSequenceStore(path)
    path.mkdir()
    with pytest.raises(SequenceFileError, match="cannot be"):
        store.accept([(CODE, OLD)])
    assert store.newest(CODE) is None


ROW = {
    "uid": "756964",
    "kind": "CODE",
    "endpoint_id": 0,
    "sequence": 5,
    "token_sha256": "00" * 32,
}


def written(*rows: object) -> bytes:
    return json.dumps({"accepted": rows}).encode()


def test_a_file_of_this_form_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sequences"
    path.write_bytes(written(ROW))
    assert FileSequenceStore(path).newest(CODE) == Accepted(5, bytes(32))


CORRUPTED = {
    "empty": b"",
    "zeros": bytes(100),
    "not UTF-8": b"\xff\xfe\x00",
    "not JSON": b"accepted",
    "cut": written(ROW)[:-1],
    "followed by more": written(ROW) + b"{}",
    "null": b"null",
    "a list": b"[]",
    "a number": b"5",
    "no entries": b"{}",
    "entries that are no list": b'{"accepted": 5}',
    "entries that are a text": b'{"accepted": "text"}',
    "an entry that is no map": written("row"),
    "an entry that is a list": written(["uid", "CODE"]),
    "nested deeply": b"[" * 100_000,
    "a vast number": b'{"accepted": [{"sequence": ' + b"9" * 5000 + b"}]}",
    "uid not hex": written(ROW | {"uid": "uid"}),
    "uid no text": written(ROW | {"uid": ["uid"]}),
    "unknown kind": written(ROW | {"kind": "SOURCE"}),
    "kind by number": written(ROW | {"kind": 4}),
    "sequence no integer": written(ROW | {"sequence": "5"}),
    "sequence a float": written(ROW | {"sequence": 5.0}),
    "sequence a bool": written(ROW | {"sequence": True}),
    "sequence null": written(ROW | {"sequence": None}),
    "endpoint a bool": written(ROW | {"endpoint_id": False}),
    "short hash": written(ROW | {"token_sha256": "00" * 31}),
    "long hash": written(ROW | {"token_sha256": "00" * 33}),
} | {f"without {key}": written({other: ROW[other] for other in ROW if other != key}) for key in ROW}


@pytest.mark.parametrize("content", CORRUPTED.values(), ids=CORRUPTED.keys())
def test_a_corrupted_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sequences"
    path.write_bytes(content)
    with pytest.raises(SequenceFileError, match="not one that this program wrote"):
        FileSequenceStore(path)
    assert path.read_bytes() == content


IMPOSSIBLE = {
    "two entries for one subject": written(ROW, ROW | {"sequence": 1}),
    "sequence below 0": written(ROW | {"sequence": -1}),
    "sequence above 64 bits": written(ROW | {"sequence": 1 << 64}),
    "endpoint below 0": written(ROW | {"endpoint_id": -1}),
    "empty uid": written(ROW | {"uid": ""}),
    "uid of 64 bytes": written(ROW | {"uid": "00" * 64}),
    "unknown key in an entry": written(ROW | {"comment": ""}),
    "unknown key beside the entries": written(ROW)[:-1] + b', "comment": ""}',
}


@pytest.mark.parametrize("content", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_a_file_that_was_never_written_so_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sequences"
    path.write_bytes(content)
    with pytest.raises(SequenceFileError):
        FileSequenceStore(path)


def test_an_oversized_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sequences"
    path.write_bytes(written(ROW) + b" " * sequences.MAX_FILE_BYTES)
    with pytest.raises(SequenceFileError, match="more than 1048576 bytes"):
        FileSequenceStore(path)


def test_a_file_up_to_its_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sequences"
    path.write_bytes(written(ROW).ljust(sequences.MAX_FILE_BYTES))
    assert FileSequenceStore(path).newest(CODE) == Accepted(5, bytes(32))


def test_a_file_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "sequences"
    many = [(SequenceSubject(number.to_bytes(63, "big"), Kind.CODE), NEW) for number in range(5000)]
    store = FileSequenceStore(path)
    store.accept([(CODE, OLD)])
    try:
        store.accept(many)
    except SequenceFileError:
        many = []
    reopened = FileSequenceStore(path)
    assert reopened.newest(CODE) == OLD
    assert all(reopened.newest(subject) == accepted for subject, accepted in many)


def test_a_refusal_belongs_to_both_families_of_errors() -> None:
    assert issubclass(SequenceFileError, TokenError)
    assert issubclass(SequenceFileError, ValueError)


@pytest.mark.clause("TC-TOK-27")
def test_two_devices_share_a_file_without_losing_or_turning_back_anything(tmp_path: Path) -> None:
    path = tmp_path / "sequences"
    first, second = FileSequenceStore(path), FileSequenceStore(path)
    first.accept([(CODE, NEW)])
    with pytest.raises(SequenceFileError, match="sequence 1 was overtaken by 2"):
        second.accept([(METADATA, OLD), (CODE, OLD)])
    assert FileSequenceStore(path).newest(METADATA) is None
    second.accept([(METADATA, OLD)])
    again = FileSequenceStore(path)
    assert (again.newest(CODE), again.newest(METADATA)) == (NEW, OLD)
