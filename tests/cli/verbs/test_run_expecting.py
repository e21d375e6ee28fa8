"""``run --expect``: what must happen in a run, written as data."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.project import Program

SHOWN = """[[expectations]]
text = "the address is shown"
event = "call"
where = { uid = "courier", call = "write", data = "12 Example Street, 3rd floor" }
before_ms = 1000
at_most = 1
"""
MISSED = """
[[expectations]]
text = "humid"
event = "log"
where = { uid = "compliance", line = "ALARM: humid" }
"""
TOO_MANY = """
[[expectations]]
text = "few loops"
event = "hook-began"
where = { uid = "compliance", hook = "loop" }
at_most = 3
"""
STARTED = """[[expectations]]
text = "the courier is started"
event = "transition"
where = { uid = "courier", trigger = "start" }
"""
SCRIPTED = ("--script", "script.toml", "--for", "5s")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the demo leaves behind."""
    directory = tmp_path_factory.mktemp("demo") / "box"
    command = [sys.executable, "-m", "tinycontainer", "demo", "--keep", str(directory), "--json"]
    subprocess.run(command, check=True, capture_output=True)
    return directory


@pytest.fixture(autouse=True)
def box(tmp_path: Path, demo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which the test runs."""
    shutil.copytree(demo, tmp_path / "box")
    monkeypatch.chdir(tmp_path / "box")
    return tmp_path / "box"


def expect(box: Path, *tables: str) -> tuple[str, Path]:
    """The option with a file of these tables."""
    path = box / "e.toml"
    path.write_text("".join(tables))
    return "--expect", Path("e.toml")


@pytest.mark.clause("TC-TOOL-19")
def test_a_run_in_which_everything_holds_shows_it_and_ends_well(
    box: Path, program: Program
) -> None:
    out = program.good("run", "device.toml", *SCRIPTED, *expect(box, SHOWN))
    assert "the address is shown" in out
    assert "FAILED" not in out


@pytest.mark.clause("TC-TOOL-19")
def test_what_does_not_hold_has_a_line_with_its_place_what_was_expected_and_what_was_seen(
    box: Path, program: Program
) -> None:
    options = expect(box, SHOWN, MISSED, TOO_MANY)
    code, out, err = program("run", "device.toml", *SCRIPTED, *options)
    assert code == 1
    assert out.count("FAILED") == 2
    missed, too_many = err.splitlines()
    assert missed.startswith('error: e.toml:8: expectations[1]: "humid" did not hold: expected')
    assert '1 or more times log where uid = "compliance", line = "ALARM: humid"' in missed
    assert 'seen 0 times; the closest: log at 9.371 ms: uid = "compliance", line = "w' in missed
    assert "e.toml:13: expectations[2]" in too_many
    assert "expected 1 to 3 times hook-began" in too_many
    assert "seen 5 times; the first too many: hook-began at 3009.375 ms" in too_many


def test_tables_that_are_written_on_one_line_have_a_place_without_a_wrong_line(
    box: Path, program: Program
) -> None:
    options = expect(box, 'expectations = [{ text = "x", event = "log", where = { line = "y" } }]')
    code, _, err = program("run", "device.toml", "--for", "1s", *options)
    assert (code, err[: len("error: e.toml: expectations[0]")]) == (
        1,
        "error: e.toml: expectations[0]",
    )


def test_lines_are_counted_as_editors_count_them(box: Path, program: Program) -> None:
    options = expect(box, "# \u2028 separates lines of text, and not of TOML", MISSED)
    _, _, err = program("run", "device.toml", *SCRIPTED, *options)
    line = (box / "e.toml").read_text("utf-8").split("\n").index("[[expectations]]") + 1
    assert err.startswith(f"error: e.toml:{line}: expectations[0]")


def test_the_json_of_a_run_has_each_expectation(box: Path, program: Program) -> None:
    options = expect(box, SHOWN, MISSED)
    code, out, err = program("run", "device.toml", *SCRIPTED, *options, "--json")
    assert code == 1
    assert "humid" in err
    assert '"seen": "the closest: log at' in out
    found = program.json("run", "device.toml", *SCRIPTED)
    assert found["expectations"] == []


@pytest.mark.parametrize(("table", "code"), [(SHOWN, 0), (MISSED, 1)])
def test_a_replay_is_judged_as_the_run_was(
    box: Path, program: Program, table: str, code: int
) -> None:
    options = expect(box, table)
    recording = ("--record", "tape")
    first, _, said = program("run", "device.toml", *SCRIPTED, *recording, *options)
    again, _, repeated = program("run", "device.toml", "--replay", "tape", *options)
    assert (first, again, said) == (code, code, repeated)


@pytest.mark.parametrize(("table", "code"), [(STARTED, 0), (MISSED, 1)])
def test_a_run_in_wall_time_is_judged_at_its_end(
    box: Path, program: Program, table: str, code: int
) -> None:
    device = box / "courier.toml"
    text = (box / "device.toml").read_text()
    device.write_text(f'{text}\n[[containers]]\nbundle = "courier.tcb"\n')
    found, _, _ = program("run", device, "--wall", "--for", "100ms", *expect(box, table))
    assert found == code


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expectations: is missing"),
        ("expectations = []", "expectations: "),
        ('[[expectations]]\ntext = "x"\nevent = "lag"\n', "lag is none of"),
    ],
)
def test_a_wrong_file_is_refused_before_anything_runs(
    box: Path, program: Program, text: str, problem: str
) -> None:
    line = program.bad("run", "device.toml", *expect(box, text))
    assert line.startswith("e.toml: ")
    assert problem in line
