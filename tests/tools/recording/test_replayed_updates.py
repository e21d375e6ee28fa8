"""Updates of several containers on a tape: repeated event for event, or refused in one line."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.hostile import inert
from support.joint_changes import QUICK, SLOW, change, gone, numbered, plan
from support.scripted import ScriptedRuntime
from support.taped import MoodyState, Tape
from support.worlds import trusted

from tinycontainer.assembly import Device
from tinycontainer.device.calls.driver_table import DriverTable
from tinycontainer.device.containers.verification import Trust
from tinycontainer.device.setup import Setup
from tinycontainer.errors import LineError, RecordingError, ReplayDiverged, TinyContainerError
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.metadata import ContainerType
from tinycontainer.state import StoredAnswer
from tinycontainer.tools.recording import (
    Digest,
    Header,
    InterruptGate,
    Player,
    Recorder,
    TapeReader,
    TapeWriter,
    replay,
)
from tinycontainer.trace import JsonLines
from tinycontainer_tokens import Accepted, MemorySequenceStore, SequenceStoreError

PROGRAMS = {"a": SLOW, "b": QUICK, "c": QUICK, "d": QUICK}
HOSTILE = "\x1b[31m\u202e\ud800"


def setup() -> Setup:
    return Setup(
        runtimes={ContainerType.NATIVE: ScriptedRuntime(PROGRAMS)},
        drivers=DriverTable([]),
        trust=Trust(keys=trusted()),
    )


def update(device: Device) -> None:
    """A day of updates: accepted, refused, answered, overtaken, of containers that wind down."""
    device.newest_update(b"a")
    for each in ([change(plan(uid), starts=True) for uid in ("a", "b")], [change(plan("c"))]):
        device.change_together(each, numbered(1))
    device.run(for_ms=25)
    mixed = [change(plan("a", 2)), gone("b"), change(plan("d"), starts=True)]
    with device.answering(StoredAnswer(b"peer", bytes(8), b"done")):
        device.change_together(mixed, Accepted((1 << 64) - 1, bytes(32)))
    device.run(for_ms=1)
    for changes, number in (
        ([gone("d")], numbered(1)),
        ([change(plan("a", 3))], numbered(2)),
        ([change(plan("b", 0)), gone("c")], numbered(2)),
        ([gone("nobody\x1b")], numbered(2)),
        ([change(plan("c", 2), "no such program")], numbered(2)),
    ):
        with suppress(TinyContainerError):
            device.change_together(changes, number)
    device.refuse_update(b"\xff\x1b", "suit-digest", HOSTILE)
    device.refuse_update(b"", "suit-\ud800", "x" * 100_000)
    for uid in (b"a", b"\x00", b"nobody"):
        device.newest_update(uid)
    device.run(for_ms=40)


def moody_updates(device: Device) -> None:
    """Random updates, while the state fails at random."""
    dice = Random(5)
    for number in range(1, 25):
        uids = dice.sample("abcd", dice.randrange(1, 4))
        changes = [
            gone(uid) if dice.random() < 0.2 else change(plan(uid, number), starts=True)
            for uid in uids
        ]
        with suppress(TinyContainerError):
            device.change_together(changes, numbered(number))
        with suppress(SequenceStoreError):
            device.newest_update(uids[0].encode())
        with suppress(TinyContainerError):
            device.run(for_ms=dice.choice([0, 1, 30]))


def record(day: Any = update, *, remembers: bool = False, mood: int | None = None) -> Tape:
    lines, trace = list[str](), list[str]()
    tape, state = TapeWriter(lines.append), MoodyState() if remembers else None
    recorder = Recorder(tape, InterruptGate())
    tape.begin(Header("", False, 1_000_000, remembers=remembers))
    made = replace(setup(), sequences=MemorySequenceStore(), state=state)
    device = recorder.device(made, VirtualClock(), [JsonLines(trace.append, with_data=True)])
    device.restore()
    if state is not None and mood is not None:
        state.mood = Random(mood)
    day(device)
    end_ns = device.end_trace()
    return Tape(tuple(lines), tuple(trace), end_ns)


def repeat(path: Path, lines: Sequence[str]) -> list[str]:
    """The trace of a replay."""
    path.write_text("".join(lines))
    trace, tape, digest = list[str](), TapeReader(path), Digest()
    header = tape.header()
    player = Player(tape, lambda _line: None)
    clock = player.clock(VirtualClock())
    state = player.state() if header.remembers else None
    made = replace(setup(), sequences=player.sequences(), state=state)
    device = Device(made, clock, [digest, JsonLines(trace.append, with_data=True)])
    replay(device, tape, clock, digest)
    return trace


@pytest.fixture(scope="module")
def taped() -> Tape:
    """A recording that tests spoil."""
    return record()


@pytest.mark.clause("TC-TOOL-10", "TC-TOOL-18")
@pytest.mark.parametrize("remembers", [False, True])
def test_a_replay_repeats_updates_and_their_refusals(tmp_path: Path, remembers: bool) -> None:
    recorded = record(remembers=remembers)
    assert repeat(tmp_path / "tape", recorded.lines) == [*recorded.trace]
    assert all(inert(line) for line in recorded.lines)
    found = [json.loads(line) for line in recorded.lines]
    calls = [each["do"] for each in found if "do" in each]
    assert (calls.count("change-together"), calls.count("refuse-update")) == (8, 2)
    assert calls.count("newest-update") == 4
    assert sum("answer" in each for each in found if "do" in each) == 1
    refusals = [each["done"] for each in found if each.get("done")]
    assert len(refusals) == 5
    assert all(each.startswith("ContainerRefused: ") for each in refusals)
    events = [json.loads(line)["event"] for line in recorded.trace]
    assert (events.count("updated"), events.count("load-refused")) == (6, 7)


@pytest.mark.clause("TC-TOOL-10", "TC-TOOL-18")
@pytest.mark.parametrize(
    "mood", [*range(4), *(pytest.param(n, marks=pytest.mark.long) for n in range(4, 200))]
)
def test_a_replay_repeats_what_a_moody_state_made_of_updates(tmp_path: Path, mood: int) -> None:
    recorded = record(moody_updates, remembers=True, mood=mood)
    assert repeat(tmp_path / "tape", recorded.lines) == [*recorded.trace]


def test_a_mistake_of_the_caller_is_not_on_the_tape(tmp_path: Path) -> None:
    def day(device: Device) -> None:
        for wrong in ([], [gone("a"), gone("a")]):
            with pytest.raises(ValueError, match="at least one change"):
                device.change_together(wrong, numbered(1))
        device.change_together([change(plan("a"))], numbered(1))

    recorded = record(day)
    assert repeat(tmp_path / "tape", recorded.lines) == [*recorded.trace]


DIGEST = "01" * 32
WRONG_UIDS: list[Any] = [1, None, "\u202e", "\\q", []]
WRONG_NUMBERS: list[Any] = [-1, 1 << 64, 1.0, "1", True, None, []]
WRONG_DIGESTS: list[Any] = ["", "zz", DIGEST[2:], DIGEST + "00", 1, None, []]
WRONG_TEXTS: list[Any] = [1, None, []]
WRONG_CHANGES: list[Any] = [
    *(None, {}, [], "a", [1], [["a"]], [["a", [], 1]], [["a", [], True, 1]]),
    *([["a", [1], True]], [["a", [1, 1], True]], [["a", [1, 1, 1, 1], True]]),
    *([["a", [1, 1, each], True]] for each in (-1, True, 1.0, "1", 1 << 40, None)),
    *([["a", {}, True]], [["a", None, True]], [["a", "", True]], [["a", 3, True]]),
    *([[uid, [], True]] for uid in WRONG_UIDS),
    [["a", [], False], ["a", [], False]],
]
WRONG: list[tuple[str, str, Any]] = [
    *(("change-together", "changes", each) for each in WRONG_CHANGES),
    *(("change-together", "sequence", each) for each in WRONG_NUMBERS),
    *(("change-together", "digest", each) for each in WRONG_DIGESTS),
    *(("refuse-update", "uid", each) for each in WRONG_UIDS),
    *(("refuse-update", "reason", each) for each in WRONG_TEXTS),
    *(("refuse-update", "problem", each) for each in WRONG_TEXTS),
    *(("newest-update", "uid", each) for each in WRONG_UIDS),
    *((verb, "more", 1) for verb in ("change-together", "refuse-update", "newest-update")),
]


@pytest.mark.clause("TC-TOOL-09")
@pytest.mark.parametrize(("verb", "key", "value"), WRONG)
def test_a_malformed_line_of_an_update_is_named(
    tmp_path: Path, taped: Tape, verb: str, key: str, value: object
) -> None:
    number, line = spoiled(taped, verb, {key: value})
    lines = [*taped.lines[:number], line, *taped.lines[number + 1 :]]
    with pytest.raises(RecordingError) as caught:
        repeat(tmp_path / "tape", lines)
    assert caught.value.line == number + 1
    assert inert(str(caught.value))


@pytest.mark.clause("TC-TOOL-10")
@pytest.mark.parametrize(
    ("verb", "values"),
    [
        ("change-together", {"sequence": 2}),
        ("change-together", {"digest": "02" * 32}),
        ("change-together", {"changes": [["a", [], False]]}),
        ("refuse-update", {"reason": "another"}),
        ("refuse-update", {"problem": "another"}),
        ("refuse-update", {"uid": "another"}),
        ("newest-update", {"uid": "b"}),
    ],
)
def test_another_update_diverges(
    tmp_path: Path, taped: Tape, verb: str, values: dict[str, Any]
) -> None:
    number, line = spoiled(taped, verb, values)
    with pytest.raises(ReplayDiverged) as caught:
        repeat(tmp_path / "tape", [*taped.lines[:number], line, *taped.lines[number + 1 :]])
    assert inert(str(caught.value))


def spoiled(tape: Tape, verb: str, values: dict[str, Any]) -> tuple[int, str]:
    """The number of a call's first line, from 0, and that line with other values."""
    number = next(n for n, line in enumerate(tape.lines) if f'"do":"{verb}"' in line)
    return number, json.dumps({**json.loads(tape.lines[number]), **values}) + "\n"


@pytest.mark.clause("TC-TOOL-09")
@pytest.mark.parametrize("count", [60, pytest.param(4000, marks=pytest.mark.long)])
def test_a_spoiled_recording_of_updates_gives_one_inert_line_or_an_equal_trace(
    tmp_path: Path, taped: Tape, count: int
) -> None:
    draws = Random(240)
    numbers = [
        n
        for n, line in enumerate(taped.lines)
        if "update" in line or "together" in line or "newest" in line
    ]
    said: list[str] = []
    for _ in range(count):
        lines, number = [*taped.lines], draws.choice(numbers)
        raw = bytearray(lines[number].encode())
        raw[draws.randrange(min(len(raw) - 1, 400))] = draws.randrange(0x20, 0x7F)
        lines[number] = raw.decode()
        try:
            trace = repeat(tmp_path / "tape", lines)
        except LineError as refusal:
            said.append(str(refusal))
        else:
            assert trace == [*taped.trace]
    assert len(said) > count // 2
    assert all(inert(each) and len(each) < 600 for each in said)
