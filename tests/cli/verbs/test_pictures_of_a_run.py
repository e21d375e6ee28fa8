"""Pictures, reports, live views, records and replays on the command line."""

import json
import os
import pty
import signal
import stat
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.hostile import HOSTILE, inert, shown
from support.project import ROOT, Program

from tinycontainer.cli.verbs.running import picture_files


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the demo leaves behind, and a device that runs two containers for good."""
    directory = tmp_path_factory.mktemp("demo") / "box"
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "tinycontainer",
        "demo",
        "--keep",
        directory,
        "--json",
    ]
    picture: list[str | Path] = ["--gantt", directory.parent / "demo.svg"]
    subprocess.run([*command, *picture], check=True, capture_output=True)
    listed = "".join(f'[[containers]]\nbundle = "{n}.tcb"\n' for n in ("mapper", "courier"))
    (directory / "listed.toml").write_text((directory / "device.toml").read_text() + listed)
    return directory


@pytest.mark.skipif(
    any(find_spec(name) for name in ("ai_edge_litert", "tflite_runtime")),
    reason="the picture was drawn where no inference runtime is installed",
)
def test_the_picture_in_the_readme_is_the_one_that_the_demo_draws(box: Path) -> None:
    committed = (ROOT / "docs" / "demo.svg").read_text()
    assert (box.parent / "demo.svg").read_text() == committed
    assert len(committed) < 150_000


def test_a_report_tells_of_a_trace_in_text_html_and_pictures(
    box: Path, tmp_path: Path, program: Program
) -> None:
    html, svg, png, perfetto = (tmp_path / f"r.{end}" for end in ("html", "svg", "png", "json"))
    out = program.good("report", box / "demo.jsonl", "--html", html, "--gantt", svg)
    assert "Who ran when" in out
    assert "What was refused, and why" in out
    assert "<svg" in html.read_text()
    assert "intruder-5" in html.read_text()
    program.good("report", box / "demo.jsonl", "--gantt", png, "--perfetto", perfetto)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert json.loads(perfetto.read_text())["traceEvents"]
    found = program.json("report", box / "demo.jsonl", "--from", "5500ms", "--to", "5600ms")
    uids = [lane["uid"] for lane in found["timeline"]["containers"]]
    assert uids == ["compliance", "courier", "mapper", "mapper-rbpf", "intruder-5"]
    assert found["timeline"]["containers"][-1]["running_ns"] == pytest.approx(60_308_000)


def test_a_run_draws_the_same_as_a_report_of_its_trace(
    box: Path, tmp_path: Path, program: Program
) -> None:
    trace, one, two = tmp_path / "t", tmp_path / "one.json", tmp_path / "two.json"
    run = ("run", box / "listed.toml", "--for", "900ms", "--trace", trace, "--perfetto", one)
    program.good(*run)
    program.good("report", trace, "--perfetto", two)
    names = [
        {event["name"] for event in json.loads(path.read_text())["traceEvents"]}
        for path in (one, two)
    ]
    assert names[0] == names[1]


def test_wrong_wishes_are_refused_before_anything_runs(
    box: Path, tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ("run", box / "device.toml")
    assert "neither with .svg nor" in program.bad(*run, "--gantt", tmp_path / "x.jpg")
    (tmp_path / "there.svg").write_text("")
    assert "exists; use --force" in program.bad(*run, "--gantt", tmp_path / "there.svg")
    assert "--live needs a terminal" in program.bad(*run, "--live")
    assert "leave --virtual and" in program.bad(*run, "--live", "--virtual")
    assert "repeats a recording" in program.bad(*run, "--replay", "x", "--for", "1s")
    assert "--to" in program.bad("report", box / "demo.jsonl", "--from", "2s", "--to", "1s")
    (tmp_path / "empty").write_text("")
    assert "holds no events" in program.bad("report", tmp_path / "empty")
    monkeypatch.setattr(picture_files, "find_spec", lambda _name: None)
    line = program.bad(*run, "--gantt", tmp_path / "x.png")
    assert "pip install 'tinycontainer[plot]'" in line


def test_a_malformed_trace_gives_one_line_with_its_number(tmp_path: Path, program: Program) -> None:
    (tmp_path / "bad.jsonl").write_text('{"event":"\\u001b[2J"}\n')
    line = program.bad("report", tmp_path / "bad.jsonl")
    assert line.endswith("bad.jsonl: line 1: event: is not the name of an event")
    assert "cannot be read" in line or "No such file" in program.bad("report", tmp_path / "none")


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_trace_leaves_every_output_inert(
    tmp_path: Path, program: Program, hostile: bytes
) -> None:
    text, uid = hostile.decode("utf-8", "surrogateescape"), shown(hostile)
    base = {"at_ns": 1, "uid": uid}
    moved = {"before": text, "trigger": "fault", "after": text, "reason": text}
    told = [
        {**base, "event": "transition", **moved},
        {**base, "event": "load-refused", "verb": text, "reason": text, "problem": text},
        {
            **base,
            "event": "refused",
            "call": text,
            "subject": 1,
            "reason": text,
            "result": -1,
            "detail": text,
        },
        {**base, "event": "replacing", "within_ns": 1},
        {**base, "event": "replacement-undone", "reason": text},
        {**base, "event": "hook-began", "hook": text, "number": 1},
        {
            **base,
            "event": "hook-ended",
            "hook": text,
            "how": text,
            "result": 1,
            "used_ns": 1,
            "instructions": 1,
            "detail": text,
        },
    ]
    trace, html, svg, perfetto = (tmp_path / name for name in ("t", "h", "s.svg", "p"))
    trace.write_text("".join(json.dumps(each) + "\n" for each in told))
    outputs = ("--html", html, "--gantt", svg, "--perfetto", perfetto)
    assert inert(program.good("report", trace, *outputs))
    assert all(inert(path.read_text()) for path in (html, svg, perfetto))
    found = program.json("report", trace)
    assert found["replacements"]
    for row in (*found["refusals"], *found["replacements"]):
        assert all(inert(str(value)) for value in row.values())


@pytest.mark.parametrize("wall", ["--virtual", "--wall"])
def test_a_replay_repeats_a_run_without_the_data_sources(
    box: Path, tmp_path: Path, program: Program, wall: str
) -> None:
    record, traces = tmp_path / "record", (tmp_path / "one", tmp_path / "two")
    run = ("run", box / "device.toml")
    recorded = program.json(
        *run,
        wall,
        "--script",
        box / "script.toml",
        "--for",
        "700ms",
        "--record",
        record,
        "--trace",
        traces[0],
        "--trace-data",
    )
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert "exists; use --force" in program.bad(*run, "--record", record)
    (box / "recordings").rename(box / "gone")
    try:
        repeated = program.json(*run, "--replay", record, "--trace", traces[1], "--trace-data")
    finally:
        (box / "gone").rename(box / "recordings")
    assert traces[0].read_bytes() == traces[1].read_bytes()
    assert repeated["containers"] == recorded["containers"]
    assert repeated["device_time_ms"] == recorded["device_time_ms"]


def test_a_replay_on_another_device_or_of_another_run_is_refused(
    box: Path, tmp_path: Path, program: Program
) -> None:
    record = tmp_path / "record"
    program.json("run", box / "listed.toml", "--for", "50ms", "--record", record)
    line = program.bad("run", box / "device.toml", "--replay", record, code=1)
    assert "was recorded with another device file" in line
    lines = record.read_text().splitlines(keepends=True)
    record.write_text("".join(lines[:-9]))
    assert "the recording ends here" in program.bad(
        "run", box / "listed.toml", "--replay", record, code=1
    )
    record.write_text("\x1b[2J\n")
    assert "line 1: is not JSON" in program.bad("run", box / "listed.toml", "--replay", record)


def test_an_interrupted_run_can_be_repeated(box: Path, tmp_path: Path, program: Program) -> None:
    record, traces = tmp_path / "record", (tmp_path / "one", tmp_path / "two")
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "tinycontainer",
        "run",
        box / "listed.toml",
        "--wall",
    ]
    outputs: list[str | Path] = ["--record", record, "--trace", traces[0], "--json"]
    with subprocess.Popen([*command, *outputs], stdout=subprocess.PIPE) as running:
        while not (traces[0].exists() and traces[0].stat().st_size > 20_000):
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 130
    program("run", box / "listed.toml", "--replay", record, "--trace", traces[1], "--json")
    assert traces[0].read_bytes() == traces[1].read_bytes()


def test_a_live_view_shows_containers_and_their_last_refusal(box: Path) -> None:
    terminal, end = pty.openpty()
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "tinycontainer",
        "run",
        box / "listed.toml",
        "--live",
    ]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "160", "LINES": "40"}
    try:
        with subprocess.Popen(
            [*command, "--for", "2500ms"], stdout=end, stderr=subprocess.PIPE, env=environment
        ) as running:
            os.close(end)
            seen = b""
            while chunk := _read(terminal):
                seen += chunk
            assert running.wait(30) == 0
    finally:
        os.close(terminal)
    for words in (b"Last refusals", b"share", b"mapper", b"courier", b"peer-missing", b"Who ran"):
        assert words in seen


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other end has gone
        return b""
