"""The search for private keys finds them in every form; a key that it finds breaks the story."""

import base64
import os
from dataclasses import asdict
from pathlib import Path
from threading import Event

import pytest
from support.demo_yards import PUBLIC_KEYS, made_yard
from support.platform_demo import run_program
from support.project import check_answer

from tinycontainer.network.platform.assembly import Surroundings
from tinycontainer.network.platform.demo.api import DemoClient
from tinycontainer.network.platform.demo.desk import DemoDesk
from tinycontainer.network.platform.demo.judging import StoryInterrupted, StoryJudge
from tinycontainer.network.platform.demo.people import add_organisations, make_people
from tinycontainer.network.platform.demo.searching import HeardRequests, contents_of, find_key
from tinycontainer.network.platform.demo.story_keys import search_keys
from tinycontainer.network.platform.platform_file import read_platform_file
from tinycontainer_tokens import KeyMaterial, Role
from tinycontainer_tokens.key_files import to_cose_key, to_pem

KEY = bytes(range(0xE0, 0x100))
"""Its digits in base64 have both of those that differ in base64url."""


def unpadded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize(
    "write",
    [
        bytes, lambda content: content.hex().encode(),
        lambda content: content.hex().upper().encode(), base64.b64encode,
        base64.urlsafe_b64encode, unpadded,
    ],
)  # fmt: skip
@pytest.mark.parametrize("after", [b"", b"x", b"after it"])
def test_a_key_is_found_wherever_it_stands(before: int, write: object, after: bytes) -> None:
    assert callable(write)
    content = b"..." + write(os.urandom(before) + KEY + after) + b"..."
    assert find_key(KEY, [b"", content]) == 1


def test_a_key_is_found_in_files_of_keys() -> None:
    material = KeyMaterial.from_private(KEY)
    files = [to_pem(material), to_cose_key(material)]
    assert find_key(KEY, [*files, *map(base64.b64encode, files)]) == 4


def test_other_bytes_are_no_key() -> None:
    others = [os.urandom(10_000), base64.b64encode(os.urandom(10_000)), KEY[:-1], KEY[1:]]
    assert find_key(KEY, others) == 0


@pytest.fixture
def desk(tmp_path: Path) -> tuple[DemoDesk, list[str]]:
    people = make_people(tmp_path / "people", run_program, os.urandom)
    (tmp_path / "platform").mkdir()
    file = tmp_path / "platform" / "platform.toml"
    file.write_text('[http]\nbind = "127.0.0.1:1"\n')
    plan, around = read_platform_file(file), Surroundings()
    add_organisations(plan, people, around)
    said: list[str] = []
    nobody = DemoClient("http://127.0.0.1:1", "", around.monotonic_s)
    judge = StoryJudge(said.append, Event())
    yard = made_yard(tmp_path, {"near": PUBLIC_KEYS})
    boxes: dict[str, dict[str, str]] = {"near": {}}
    return DemoDesk(people, boxes, yard, plan, {}, nobody, run_program, judge), said


def test_a_private_key_that_lies_in_a_file_of_the_platform_breaks_the_story(
    desk: tuple[DemoDesk, list[str]],
) -> None:
    made, said = desk
    key = made.people[Role.PROVIDER].key_file.read_bytes()
    (made.platform.directory / "lost").write_bytes(b"found: " + key)
    search_keys(made, HeardRequests())
    assert "FAILED: none of them is in what it keeps: seen ['provider'], not []" in said


def test_a_key_of_a_box_that_lies_in_a_file_of_the_platform_breaks_the_story(
    desk: tuple[DemoDesk, list[str]],
) -> None:
    made, said = desk
    (made.platform.directory / "lost").write_bytes(made.yard.evidence_file("near").read_bytes())
    search_keys(made, HeardRequests())
    assert "FAILED: none of them is in what it keeps: seen ['near'], not []" in said


def test_a_private_key_that_was_sent_to_the_platform_breaks_the_story(
    desk: tuple[DemoDesk, list[str]],
) -> None:
    made, said = desk
    heard = HeardRequests()
    heard.content.extend(base64.b64encode(b"x" + made.people[Role.OWNER].key_file.read_bytes()))
    search_keys(made, heard)
    assert "FAILED: none of them is in what the platform has heard: seen ['owner'], not []" in said


def test_what_a_database_keeps_is_searched_value_by_value(
    desk: tuple[DemoDesk, list[str]],
) -> None:
    made, _ = desk
    values = list(contents_of(made.platform))
    assert b"dora" in values
    assert any(content.startswith(b"SQLite format 3") for content in values)


def test_a_search_that_finds_no_public_key_has_not_held(desk: tuple[DemoDesk, list[str]]) -> None:
    made, said = desk
    search_keys(made, HeardRequests())
    assert made.judge.failed == 2
    assert len([line for line in said if line.startswith("FAILED: each public key is found")]) == 2


def test_an_expectation_that_does_not_hold_is_counted_and_says_what_was_seen() -> None:
    said: list[str] = []
    judge = StoryJudge(said.append, Event())
    judge.expect("one", 1, 1)
    judge.expect("two", "2\n\N{BULLET}", 3)
    judge.await_expected("three", lambda: 4, 3, most_s=0.0)
    assert [each.held for each in judge.findings] == [True, False, False]
    assert judge.failed == 2
    assert said[0] == "held: one"
    assert said[1].startswith("FAILED: two: seen ")
    assert said[2] == "FAILED: three: seen 4, not 3"
    assert all(line.isascii() and line.isprintable() for line in said)
    findings = [asdict(each) for each in judge.findings]
    check_answer(("platform", "demo"), {"held": False, "expectations": findings})


def test_whoever_waits_for_an_expectation_stops_when_the_demo_is_to_end() -> None:
    ended = Event()
    ended.set()
    judge = StoryJudge(lambda _line: None, ended)
    with pytest.raises(StoryInterrupted):
        judge.await_expected("never", lambda: 1, 2)
    with pytest.raises(StoryInterrupted):
        judge.expect("late", 1, 1)
    assert not judge.findings
