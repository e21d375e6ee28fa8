"""What only served devices have on their tapes: a state that remembers, and requests."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.hostile import inert
from support.taped import CONTAINERS, VERBS, Story, Tape, changed

from tinycontainer.errors import LineError, RecordingError, ReplayDiverged

loads = tuple((0, verb, number) for number in range(CONTAINERS) for verb in ("load", "start"))
PLAIN = Story(3, wall=False, steps=(*loads, (20, "stop", 1)))
REMEMBERED = Story(
    3, wall=False, steps=(*loads, (20, "answered delete", 0), (5, "events", 1)), remembers=True
)
REQUEST = {"asked": "everybody", "method": "GET", "path": "/tc/c/61?id=00", "code": "2.05"}


@pytest.fixture(scope="module")
def plain() -> Tape:
    """A recording of a device that does not remember."""
    return PLAIN.record()


@pytest.mark.clause("TC-TOOL-18")
@pytest.mark.parametrize("wall", [False, True])
def test_a_replay_repeats_what_a_state_gave_back_and_refused(tmp_path: Path, wall: bool) -> None:
    lines = list[str]()
    for seed in range(6):
        steps = tuple((10, verb, number) for verb in VERBS for number in range(CONTAINERS))
        story = Story(seed, wall=wall, steps=(*loads, *steps), remembers=True)
        recorded = story.record()
        assert story.repeat(tmp_path / "tape", recorded.lines) == recorded
        lines += recorded.lines
    found = [json.loads(line) for line in lines]
    assert sum(len(each) for each in found if "contains" in each) > 0
    for key in ("record", "kept_events", "newest"):
        assert any(each.get("error") for each in found if key in each), key
    for key in ("container", "set_aside", "answer"):
        assert any(key in each for each in found), key
    for words in ("LoadError: sequence-store: device.db: ", "StateFileBusy: device.db: "):
        assert any(str(each.get("done")).startswith(words) for each in found), words


@pytest.fixture(scope="module")
def remembered() -> Tape:
    """A recording of a device that remembers."""
    return REMEMBERED.record()


@pytest.mark.clause("TC-TOOL-09", "TC-TOOL-18")
@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("contains", {"contains": -1}),
        ("contains", {"contains": 10_001}),
        ("contains", {"contains": True}),
        ("contains", {"error": ""}),
        ("contains", {"error": ["OSError", "", "x"]}),
        ("contains", {"error": ["StateFileError", "x"]}),
        ("contains", {"error": ["StateFileError", "x", 1]}),
        ("contains", {"error": [["StateFileError"], "x", "y"]}),
        ("container", {"container": 10_000}),
        ("container", {"container": -1}),
        ("container", {"uid": ""}),
        ("container", {"uid": "\u202e"}),
        ("container", {"uid": "x" * 64}),
        ("container", {"uid": 1}),
        ("container", {"sizes": [1, 1]}),
        ("container", {"sizes": 3}),
        ("container", {"sizes": [1, 1, 1 << 40]}),
        ("container", {"wants_to_run": 1}),
        ("container", {"loops": -1}),
        ("container", {"loops": 1 << 63}),
        ("container", {"last_exit": "zz"}),
        ("container", {"last_exit": "00" * 257}),
        ("container", {"more": 1}),
        ("kept_events", {"newest": -1}),
        ("kept_events", {"newest": "1"}),
        ("answer", {"answer": ["00", "00"]}),
        ("answer", {"answer": ["00", "00", "00"]}),
        ("answer", {"answer": ["zz", "00" * 8, "00"]}),
        ("answer", {"answer": None}),
    ],
)
def test_a_wrong_line_of_a_state_is_named(
    tmp_path: Path, remembered: Tape, key: str, values: dict[str, Any]
) -> None:
    number, lines = changed(remembered.lines, key, 0, **values)
    with pytest.raises(RecordingError) as caught:
        REMEMBERED.repeat(tmp_path / "tape", lines)
    assert caught.value.line == number
    assert inert(str(caught.value))


@pytest.mark.clause("TC-TOOL-10", "TC-TOOL-18")
@pytest.mark.parametrize(
    ("key", "nth", "values"),
    [
        ("record", 0, {"record": "00"}),
        ("record", 1, {"error": ["StateFileError", "device.db", "is full"]}),
        ("kept_events", 0, {"kept_events": 9}),
        ("container", 0, {"loops": 5_000_000}),
        ("container", 0, {"wants_to_run": False}),
        ("container", 2, {"container": 9}),
        ("set_aside", 0, {"problem": "another"}),
        ("set_aside", 0, {"set_aside": 7}),
        ("answer", 0, {"answer": ["00", "00" * 8, "00"]}),
        ("recording", 0, {"remembers": False}),
    ],
)
def test_another_state_diverges(
    tmp_path: Path, remembered: Tape, key: str, nth: int, values: dict[str, Any]
) -> None:
    _, lines = changed(remembered.lines, key, nth, **values)
    with pytest.raises(ReplayDiverged) as caught:
        REMEMBERED.repeat(tmp_path / "tape", lines)
    assert inert(str(caught.value))


@pytest.mark.clause("TC-TOOL-18")
def test_a_request_on_a_tape_is_for_its_reader(tmp_path: Path, plain: Tape) -> None:
    lines = list[str]()
    for line in plain.lines:
        if line.startswith('{"do"'):
            lines += [json.dumps({**REQUEST, "asked": None}) + "\n", json.dumps(REQUEST) + "\n"]
        lines.append(line)
    assert PLAIN.repeat(tmp_path / "tape", lines).trace == plain.trace


@pytest.mark.clause("TC-TOOL-09", "TC-TOOL-18")
@pytest.mark.parametrize(
    "values",
    [
        {"asked": 1},
        {"asked": "\u001b[2J"},
        {"method": "get"},
        {"method": ["GET"]},
        {"path": "tc"},
        {"path": "/\n"},
        {"path": None},
        {"code": "2.5"},
        {"code": "9.99"},
        {"code": 205},
        {"payload": "00"},
    ],
)
def test_a_damaged_request_is_named(tmp_path: Path, plain: Tape, values: dict[str, Any]) -> None:
    lines = [plain.lines[0], json.dumps(REQUEST) + "\n", json.dumps(REQUEST | values) + "\n"]
    with pytest.raises(RecordingError) as caught:
        PLAIN.repeat(tmp_path / "tape", [*lines, *plain.lines[1:]])
    assert caught.value.line == 3
    assert inert(str(caught.value))


@pytest.mark.clause("TC-TOOL-09", "TC-TOOL-18")
@pytest.mark.parametrize("count", [100, pytest.param(5000, marks=pytest.mark.long)])
def test_a_spoiled_recording_of_a_state_gives_one_inert_line_or_an_equal_trace(
    tmp_path: Path, remembered: Tape, count: int
) -> None:
    draws = Random(239)
    whole = [*remembered.lines[:1], json.dumps(REQUEST) + "\n", *remembered.lines[1:]]
    # What the containers do is spoiled elsewhere; here it is the first lines, and those of changes.
    numbers = [
        number
        for number, line in enumerate(whole)
        if number < 20 or any(key in line for key in ('"record"', '"kept_events"', '"answer"'))
    ]
    refusals: list[str] = []
    for _ in range(count):
        lines, number = [*whole], draws.choice(numbers)
        raw = bytearray(lines[number].encode())
        raw[draws.randrange(len(raw) - 1)] = draws.randrange(0x20, 0x7F)
        lines[number] = raw.decode()
        try:
            repeated = REMEMBERED.repeat(tmp_path / "spoiled", lines)
        except LineError as refusal:
            refusals.append(str(refusal))
        else:
            assert repeated.trace == remembered.trace
    assert len(refusals) > count // 2
    assert all(inert(said) and len(said) < 600 for said in refusals)
