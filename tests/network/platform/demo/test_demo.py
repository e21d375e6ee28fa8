"""The demo as people start it: its whole story, and how it ends."""

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support.platform_demo import MOST_S, own_lines, started_demo
from support.project import Program, check_answer

STEPS = 10
"""Of the story, which CI plays from the wheel."""


@pytest.mark.long
def test_every_expectation_of_the_story_holds(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tinycontainer", "platform", "demo", "--check"],
        capture_output=True,
        text=True,
        timeout=MOST_S,
        check=False,
    )
    *lines, last = done.stdout.splitlines()
    assert not [line for line in lines if line.startswith("FAILED: ")]
    held = [line for line in lines if line.startswith("held: ")]
    assert len(held) > 70
    assert last == f"{len(held)} of {len(held)} expectations held"
    assert [re.match(r"\d+", line) is not None for line in lines].count(True) == STEPS
    assert (done.returncode, own_lines(done.stderr)) == (0, [])


def test_the_demo_serves_until_it_is_interrupted_and_what_stays_can_be_served_again(
    tmp_path: Path, program: Program
) -> None:
    place = tmp_path / "demo"
    with started_demo(str(place)) as demo:
        said = demo.read_until("Ctrl-C ends it")
        sign = next(line.split() for line in said if " platform sign " in line)
        signed = subprocess.run(
            [sys.executable, "-m", "tinycontainer", *sign[1:], "--yes"],
            capture_output=True,
            text=True,
            check=False,
        )
        code, out, err = demo.interrupt()
    assert signed.stdout.endswith("signed, and the platform has it\n")
    assert (code, out, err) == (0, "", [])
    for name, role in (
        ("ada", "developer"), ("bea", "provider"), ("carl", "infrastructure"), ("dora", "owner"),
    ):  # fmt: skip
        folder = place / "people" / name
        password = (folder / "password").read_text().strip()
        assert any(line.split()[:2] == [name, role] and password in line for line in said)
        private = {folder / "password", folder / "api.token", folder / "keys" / f"{role}.pem"}
        assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert not [path for path in (place / "platform").iterdir() if "PRIVATE" in path.name]
    first = next(number for number, line in enumerate(said) if "serve them again" in line)
    again = [line.split("#")[0].split()[1:] for line in said[first + 1 : -1]]
    assert [words[:-1] for words in again] == [["platform", "serve"], ["gateway"], ["serve"]]
    for words in again:
        program.good(*words, "--check")


def test_programs_are_told_in_json_where_everything_is(tmp_path: Path) -> None:
    with started_demo("--json", temporary=tmp_path) as demo:
        answer = demo.read_json()
        check_answer(("platform", "demo"), answer)
        assert len(answer["boxes"]) == 12
        files = [each[kind] for each in answer["people"] for kind in ("token_file", "key_file")]
        assert all(Path(each).is_file() for each in (*files, answer["gateway_token_file"]))
        assert demo.interrupt() == (0, "", [])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("moment", ["people", "platform/platform.toml", "yard/audit.jsonl"])
def test_an_interrupt_before_all_is_there_leaves_nothing(tmp_path: Path, moment: str) -> None:
    place = tmp_path / "demo"
    with started_demo(str(place)) as demo:
        demo.wait_until((place / moment).exists)
        code, _, err = demo.interrupt()
    assert (code, err) == (130, ["interrupted"])
    assert not place.exists()


def test_an_interrupt_in_the_story_ends_it_and_no_temporary_file_is_left(tmp_path: Path) -> None:
    with started_demo("--check", temporary=tmp_path) as demo:
        demo.read_until("2. Each party signs with its own key, on its own machine")
        code, out, err = demo.interrupt()
    assert (code, err) == (130, ["interrupted"])
    assert "FAILED" not in out
    assert not list(tmp_path.iterdir())


def test_a_directory_that_is_there_is_refused(tmp_path: Path, program: Program) -> None:
    kept = tmp_path / "mine"
    kept.write_text("kept")
    for place in (tmp_path, kept):
        assert "exists; name a directory that does not" in program.bad("platform", "demo", place)
    assert kept.read_text() == "kept"
    missing = tmp_path / "no" / "demo"
    assert "No such file" in program.bad("platform", "demo", missing)
