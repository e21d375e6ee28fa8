"""A replay repeats what was recorded, event for event, or says where it does not."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hostile import inert
from support.taped import CONTAINERS, VERBS, Story, Tape, changed

from tinycontainer.errors import LineError, RecordingError, ReplayDiverged
from tinycontainer_tokens import Kind

counts = pytest.mark.parametrize(
    "examples",
    [pytest.param(25, id="some"), pytest.param(400, id="many", marks=pytest.mark.long)],
)
loads = tuple((0, verb, number) for number in range(CONTAINERS) for verb in ("load", "start"))
steps = st.tuples(st.integers(0, 30), st.sampled_from(VERBS), st.integers(0, CONTAINERS - 1))
stories = st.builds(
    Story,
    seed=st.integers(0, 10_000),
    wall=st.booleans(),
    steps=st.lists(steps, max_size=8).map(lambda later: (*loads, *later)),
    interrupt_after=st.sampled_from([None, None, 0, 3, 20]),
    remembers=st.booleans(),
)
PLAIN = Story(3, wall=False, steps=(*loads, (20, "stop", 1), (5, "nonsense", 1)))


@pytest.fixture(scope="module")
def plain() -> Tape:
    """A recording that tests spoil."""
    return PLAIN.record()


@counts
@pytest.mark.clause("TC-TOOL-10")
def test_a_replay_of_any_world_gives_an_equal_trace(
    examples: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("replay") / "tape"

    @settings(max_examples=examples)
    @given(stories)
    def holds(story: Story) -> None:
        recorded = story.record()
        assert story.repeat(path, recorded.lines) == recorded
        assert all(inert(line) for line in recorded.lines)

    holds()


@pytest.mark.parametrize("wall", [False, True])
@pytest.mark.parametrize("expires", [Kind.MASK, Kind.ENDPOINT, Kind.CODE])
def test_a_replay_repeats_that_tokens_expire(tmp_path: Path, wall: bool, expires: Kind) -> None:
    restarts = tuple((300, "start", number) for number in range(CONTAINERS))
    story = Story(5, wall=wall, steps=(*loads, *restarts, (300, "start", 0)), expires=expires)
    recorded = story.record()
    assert any('"right-expired"' in line for line in recorded.trace)
    assert story.repeat(tmp_path / "tape", recorded.lines) == recorded


@pytest.mark.parametrize("wall", [False, True])
def test_a_replay_repeats_that_versions_replace_each_other(tmp_path: Path, wall: bool) -> None:
    found = set[str]()
    for seed in range(12):
        steps = (
            *((10, "judge a successor", number) for number in range(CONTAINERS)),
            *((10, "replace on trial", number) for number in range(CONTAINERS)),
            *((60, "judge", number) for number in range(CONTAINERS)),
            *((10, "replace", number) for number in range(CONTAINERS)),
        )
        story = Story(seed, wall=wall, steps=(*loads, *steps, (40, "nonsense", 0)))
        recorded = story.record()
        assert story.repeat(tmp_path / "tape", recorded.lines) == recorded
        found.update(json.loads(line)["event"] for line in recorded.trace)
    assert {"replacing", "replacement-confirmed", "replacement-undone"} <= found


@pytest.mark.parametrize(
    ("verb", "values"),
    [
        ("replace", {"confirm_ms": 0}),
        ("replace", {"confirm_ms": "x"}),
        ("replace", {"confirm_ms": True}),
        ("replace", {"size": -1}),
        ("replace", {"more": 1}),
        ("judge", {"replaces": 1}),
        ("judge", {"size": 1 << 40}),
        ("judge", {"size": True}),
    ],
)
def test_a_wrong_line_of_a_replacement_or_a_judgement_is_refused(
    tmp_path: Path, verb: str, values: dict[str, Any]
) -> None:
    story = Story(3, wall=False, steps=(*loads, (5, verb, 1)))
    lines = story.record().lines
    number = next(n for n, line in enumerate(lines) if f'"do":"{verb}"' in line)
    spoiled = json.dumps({**json.loads(lines[number]), **values}) + "\n"
    with pytest.raises(LineError, match=f"line {number + 1}"):
        story.repeat(tmp_path / "tape", [*lines[:number], spoiled, *lines[number + 1 :]])


@pytest.mark.parametrize("wall", [False, True])
def test_a_replay_can_be_repeated_and_records_are_reproducible(tmp_path: Path, wall: bool) -> None:
    story = Story(5, wall=wall, steps=(*loads, (40, "reconfigure", 0)))
    recorded = story.record()
    assert recorded == story.record()
    for _ in range(2):
        assert story.repeat(tmp_path / "tape", recorded.lines) == recorded


def test_an_interrupted_run_ends_where_it_was_interrupted(tmp_path: Path) -> None:
    kills = tuple((1, "kill", number) for number in range(CONTAINERS))
    waits = ((30, "nonsense", 0),) * 9
    story = Story(5, wall=True, steps=(*loads, *kills, *waits), interrupt_after=4)
    recorded = story.record()
    assert any('"stop":true' in line for line in recorded.lines)
    assert story.repeat(tmp_path / "tape", recorded.lines) == recorded


@pytest.mark.parametrize(
    ("key", "nth", "values", "why"),
    [
        ("now", 40, {"now": 17}, '"now": 17'),
        ("used", 3, {"used": 1}, "the replay"),
        ("turn", 2, {"turn": "nobody"}, "nobody"),
        ("turn", 2, {"step": 7}, '"step": 7'),
        ("turn", 2, {"budget": 5}, "the budget is 5"),
        ("call", 0, {"call": "read"}, "the recording has"),
        ("make", 0, {"make": 1}, "the recording has"),
        ("accept", 0, {"accept": "00"}, "the recording has"),
        ("newest", 0, {"newest": ["x", 1, 0]}, "the recording has"),
        ("done", 0, {"done": "LoadError: no"}, "LoadError: no, in the replay the call succeeded"),
        ("done", 3, {"events": 1}, "1 events, in the replay"),
        ("done", 3, {"digest": "0"}, "an event is another one"),
        ("end", 0, {"events": 1}, "1 events, in the replay"),
    ],
)
@pytest.mark.clause("TC-TOOL-10")
def test_a_replay_that_diverges_says_where(
    tmp_path: Path, plain: Tape, key: str, nth: int, values: dict[str, Any], why: str
) -> None:
    if key in ("accept", "newest") and not any(key in json.loads(line) for line in plain.lines):
        pytest.skip("containers without tokens ask for no sequences")
    number, lines = changed(plain.lines, key, nth, **values)
    with pytest.raises(ReplayDiverged) as caught:
        PLAIN.repeat(tmp_path / "tape", lines)
    assert caught.value.line == number
    assert why in str(caught.value)


def test_another_answer_of_a_driver_shows_in_the_trace(tmp_path: Path, plain: Tape) -> None:
    at = next(n for n, line in enumerate(plain.lines) if '"call":"read"' in line)
    answer = next(n for n in range(at, len(plain.lines)) if plain.lines[n].startswith('{"gave'))
    lines = [*plain.lines]
    lines[answer] = '{"gave":"00"}\n'
    with pytest.raises(ReplayDiverged):
        PLAIN.repeat(tmp_path / "tape", lines)


def test_a_recording_that_is_cut_off_says_so(tmp_path: Path, plain: Tape) -> None:
    for keep in range(1, len(plain.lines), 37):
        with pytest.raises(ReplayDiverged, match="the recording ends here") as caught:
            PLAIN.repeat(tmp_path / "tape", plain.lines[:keep])
        assert caught.value.line == keep + 1


def test_another_world_diverges(tmp_path: Path, plain: Tape) -> None:
    with pytest.raises(ReplayDiverged):
        Story(4, wall=False, steps=()).repeat(tmp_path / "tape", plain.lines)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("\n", "is not JSON"),
        ("x" * 70_000 + "\n", "longer than 65536"),
        ("[1]\n", "is no JSON object"),
        ('{"do":"dance"}\n', "is no management call"),
        ('{"do":"start","uid":"\\u001b"}\n', "is not printable"),
        ('{"do":"start","uid":"x","more":1}\n', "is no management call"),
        ('{"do":"load","size":-1}\n', "is not within"),
        ('{"do":"load","size":99999999999}\n', "is not within"),
        ('{"do":"withdraw","uid":"","size":3}\n', "a uid has 1 to 63 bytes"),
        ('{"do":"withdraw","uid":"x","size":-1}\n', "is not within"),
        ('{"do":"run","ms":true}\n', "is no whole number"),
        ('{"do":"run","ms":-5}\n', "is not within"),
        ('{"do":["run"],"ms":5}\n', "is no management call"),
        ('{"end":-1,"events":0,"digest":"DIGEST"}\n', "is not within"),
    ],
)
@pytest.mark.clause("TC-TOOL-09")
def test_a_malformed_line_is_named(tmp_path: Path, plain: Tape, line: str, why: str) -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    with pytest.raises(RecordingError) as caught:
        PLAIN.repeat(tmp_path / "tape", [plain.lines[0], line.replace("DIGEST", empty)])
    assert caught.value.line == 2
    assert why in str(caught.value)
    assert inert(str(caught.value))


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("now", {"now": -1}),
        ("now", {"now": "1"}),
        ("now", {"now": 1 << 70}),
        ("turn", {"budget": 1 << 40}),
        ("turn", {"budget": -1}),
        ("steps", {"steps": 0}),
        ("steps", {"steps": "1"}),
        ("sleep", {"stop": "no"}),
        ("gave", {"gave": "zz"}),
        ("gave", {"gave": -1}),
        ("gave", {"gave": [1]}),
        ("gave", {"refused": 0}),
        ("part", {"part": "***"}),
        ("part", {"part": 3}),
        ("part", {"part": ""}),
    ],
)
def test_a_malformed_value_is_named(tmp_path: Path, key: str, values: dict[str, Any]) -> None:
    story = Story(
        5,
        wall=True,
        steps=(
            *loads,
            *((9, verb, 0) for verb in ("stop", "kill")),
            *((0, "kill", n) for n in range(CONTAINERS)),
            (50, "load", 0),
        ),
    )
    number, lines = changed(story.record().lines, key, 0, **values)
    with pytest.raises(RecordingError) as caught:
        story.repeat(tmp_path / "tape", lines)
    assert caught.value.line == number


@pytest.mark.parametrize("name", ["a\x00b", "\ud800"])
def test_a_name_that_no_error_has_is_malformed(tmp_path: Path, plain: Tape, name: str) -> None:
    number, lines = changed(plain.lines, "gave", 0)
    lines[number - 1] = json.dumps({"raised": name}) + "\n"
    with pytest.raises(RecordingError):
        PLAIN.repeat(tmp_path / "tape", lines)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ('{"recording":1}', "version 1, not 5"),
        ('{"recording":5}', "first line"),
        (
            '{"recording":true,"device_file":"","wall":true,"epoch_s":1,"engine":null,"remembers":false}',
            "first line",
        ),
        (
            '{"recording":5,"device_file":"","wall":1,"epoch_s":1,"engine":null,"remembers":false}',
            "first line",
        ),
        (
            '{"recording":5,"device_file":"","wall":true,"epoch_s":-1,"engine":null,"remembers":false}',
            "is not within",
        ),
        ('{"at_ns":0,"event":"log"}', "first line"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, header: str, why: str) -> None:
    with pytest.raises(RecordingError, match="line 1") as caught:
        PLAIN.repeat(tmp_path / "tape", [f"{header}\n"])
    assert why in str(caught.value)


@pytest.mark.parametrize("count", [60, pytest.param(3000, marks=pytest.mark.long)])
def test_a_spoiled_recording_gives_one_inert_line_or_an_equal_trace(
    tmp_path: Path, plain: Tape, count: int
) -> None:
    rng = Random(238)
    refusals: list[str] = []
    for _ in range(count):
        lines = [*plain.lines]
        number = rng.randrange(len(lines))
        raw = bytearray(lines[number].encode())
        raw[rng.randrange(len(raw) - 1)] = rng.randrange(0x20, 0x7F)
        lines[number] = raw.decode()
        try:
            repeated = PLAIN.repeat(tmp_path / "spoiled", lines)
        except LineError as refusal:
            refusals.append(str(refusal))
        else:
            assert repeated.trace == plain.trace
    assert 0 < len(refusals) <= count
    for said in refusals:
        assert re.match(r".*line \d+", said)
        assert inert(said)
        assert len(said) < 600
