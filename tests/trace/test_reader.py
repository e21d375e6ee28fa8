"""A trace can be read again, and nothing in a made-up one is believed or does harm."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.errors import catch_error
from support.hostile import inert

from tinycontainer.errors import TraceFileError
from tinycontainer.text import show, unshow
from tinycontainer.trace import JsonLines, TraceEvent, events, read_trace
from tinycontainer.trace import reader as reader_room

GOOD: dict[str, Any] = {"at_ns": 5, "event": "log", "uid": "box", "line": "hello"}


def read(path: Path, *lines: object) -> list[TraceEvent]:
    """The events of a file of these lines; text is written as it is."""
    path.write_text(
        "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    )
    return list(read_trace(path))


def problem(path: Path, *lines: object) -> str:
    """Why these lines are refused."""
    said = str(catch_error(TraceFileError, read, path, *lines))
    assert inert(said)
    assert len(said) < 500
    return said.removeprefix(f"{show(str(path))}: ")


@given(raw=st.binary(max_size=80))
def test_what_was_shown_can_be_read_again(raw: bytes) -> None:
    assert unshow(show(raw)) == raw


@pytest.mark.parametrize("text", ["a\\", "\\x4", "\\xZZ", "\\n", "a\nb", "\x1b", "é", "\\\\\\"])
def test_what_was_never_shown_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not printable|escapes nothing"):
        unshow(text)


def test_events_are_read_as_they_were_written(tmp_path: Path) -> None:
    written: list[TraceEvent] = [
        events.Loaded(b"\x1b[2J", 1, "wasm", "rfc9052", ("code token",), 1, 2, 3, "0" * 64),
        events.LoadRefused(b"", "load", "token", "bad\x00\ud800"),
        events.Reconfigured(b"x", 3, 4, (1, 2), ()),
        events.Withdrawn(b"x", (1 << 64) - 1),
        events.Called(b"x", "write", 1, 2, b"hi"),
        events.HookEnded(b"x", "loop", "completed", -3, 7, 5, ""),
        events.HookEnded(b"x", "loop", "trapped", 0, 7, 5, "unreachable", ((3, 418), (0, 60))),
        events.Transitioned(b"x", "running", "fault", "stopping", "trap in loop", ((3, 418),)),
        events.Logged(b"x", b"\\x41\xff"),
    ]
    lines: list[str] = []
    sink = JsonLines(lines.append, with_data=True)
    for moment, event in enumerate(written):
        event.at_ns = moment
        sink(event)
    assert read(tmp_path / "trace", *lines) == written


def test_payload_that_was_written_as_a_hash_is_read_as_empty(tmp_path: Path) -> None:
    lines: list[str] = []
    JsonLines(lines.append)(events.Called(b"x", "read", 1, 2, b"hi"))
    (event,) = read(tmp_path / "trace", *lines)
    assert event == events.Called(b"x", "read", 1, 2, b"")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("\n", "is not JSON"),
        ("{}\n", "event: is not the name"),
        ("[]\n", "is no JSON object"),
        ('{"a":1,"a":2}\n', "one key twice"),
        ('{"a":NaN}\n', "NaN is no JSON"),
        ("[" * 60_000 + "\n", "nested too deeply"),
        ('{"a":' + "9" * 5000 + "}\n", ""),
        ("x" * 70_000 + "\n", "longer than 65536"),
        ("x" * 70_000, "longer than 65536"),
        (json.dumps(GOOD), "cut off"),
        ({**GOOD, "event": "\x1b[2J"}, "event: is not the name"),
        ({**GOOD, "event": ["log"]}, "event: is not the name"),
        ({**GOOD, "at_ns": -1}, "is not within"),
        ({**GOOD, "at_ns": 1 << 63}, "at_ns: is not within"),
        ({**GOOD, "at_ns": 1.0}, "at_ns: is no whole number"),
        ({**GOOD, "at_ns": True}, "at_ns: is no whole number"),
        ({**GOOD, "at_ns": 3}, "time goes back"),
        ({**GOOD, "uid": "a\\"}, "uid: holds a backslash"),
        ({**GOOD, "uid": "\u202e"}, "uid: is not printable"),
        ({**GOOD, "uid": 3}, "uid: is no text"),
        ({**GOOD, "uid": "x" * 256}, "uid: is longer than 255"),
        ({**GOOD, "\x1b[31mred": 3}, "\\x1b[31mred: is no field of log"),
        ({"at_ns": 5, "event": "log", "uid": "x"}, "line: is missing"),
        (
            {
                "at_ns": 5,
                "event": "reconfigured",
                "uid": "x",
                "mask": 1,
                "priority": 2,
                "revoked": "12",
                "granted": [],
            },
            "revoked: is no list",
        ),
        (
            {
                "at_ns": 5,
                "event": "call",
                "uid": "x",
                "call": "read",
                "subject": 1,
                "result": 1,
                "bytes": 3,
                "data": "00",
            },
            "data: has another length",
        ),
        (
            {
                "at_ns": 5,
                "event": "call",
                "uid": "x",
                "call": "read",
                "subject": 1,
                "result": 1,
                "bytes": 1,
                "data": "zz",
            },
            "non-hexadecimal",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else "line",
)
@pytest.mark.clause("TC-TOOL-09")
def test_a_malformed_line_is_named_by_its_number(tmp_path: Path, line: object, why: str) -> None:
    said = problem(tmp_path / "trace", GOOD, line)
    assert said.startswith("line 2: ")
    assert why in said


@given(content=st.binary(max_size=300))
def test_bytes_of_any_kind_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content)
    try:
        list(read_trace(path))
    except TraceFileError as refusal:
        said = str(refusal)
    else:
        said = ""
    assert inert(said)


def test_there_are_only_so_many_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_room, "MAX_EVENTS", 3)
    assert len(read(tmp_path / "trace", *[GOOD] * 3)) == 3
    assert problem(tmp_path / "trace", *[GOOD] * 4) == "line 4: there are more than 3 lines"


def test_words_of_a_driver_are_cut(tmp_path: Path) -> None:
    refusal = {
        "at_ns": 5,
        "event": "refused",
        "uid": "x",
        "call": "read",
        "subject": 1,
        "reason": "driver",
        "result": -1,
        "detail": "y" * 5000,
    }
    (event,) = read(tmp_path / "trace", refusal)
    assert isinstance(event, events.Refused)
    assert len(event.detail) == reader_room.MAX_TEXT


ENDED = {
    "at_ns": 5,
    "event": "hook-ended",
    "uid": "x",
    "hook": "loop",
    "how": "trapped",
    "result": 0,
    "used_ns": 7,
    "instructions": 5,
    "detail": "unreachable",
}


@pytest.mark.clause("TC-RT-28")
def test_traces_from_before_there_were_places_and_hashes_are_read(tmp_path: Path) -> None:
    loaded = {"at_ns": 1, "event": "loaded", "uid": "x", "slot": 1, "type": "wasm"}
    loaded |= {"profile": "", "unsigned": [], "metadata_bytes": 1, "code_bytes": 2, "data_bytes": 3}
    before, event = read(tmp_path / "trace", loaded, ENDED)
    assert isinstance(before, events.Loaded)
    assert (before.data_bytes, before.code_sha256) == (3, "")
    assert isinstance(event, events.HookEnded)
    assert event.frames == ()


@pytest.mark.clause("TC-RT-28")
@pytest.mark.parametrize(
    ("frames", "why"),
    [
        (5, "frames: is no list"),
        ([5], "frames: is no list of pairs"),
        ([[1, 2, 3]], "frames: is no list of pairs"),
        ([{"1": 2, "3": 4}], "frames: is no list of pairs"),
        ([[1, True]], "frames: is no whole number"),
        ([[1, 1 << 63]], "frames: is not within"),
        ([[0, 0]] * 33, "frames: has more than 32 items"),
    ],
)
def test_frames_of_a_trace_are_few_pairs_of_numbers(
    tmp_path: Path, frames: object, why: str
) -> None:
    assert why in problem(tmp_path / "trace", ENDED | {"frames": frames})


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: None])
def test_what_is_no_file_cannot_be_read(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "trace")
    with pytest.raises(OSError, match=r"pipe|directory"):
        list(read_trace(tmp_path / "trace"))
