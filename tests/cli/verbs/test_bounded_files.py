"""Traces and recordings have a bound, end with what is missing, and a failed run leaves nothing."""

import json
from pathlib import Path

import pytest
from support.project import BOX, Program
from support.scripted import Program as Scripted
from support.scripted import work
from support.worlds import World, blueprint, times

from tinycontainer.trace import JsonLines, TraceEvent, read_trace
from tinycontainer.trace.events import TraceEnded
from tinycontainer.trace.sinks import LAST_LINE_BYTES
from tinycontainer_tokens import Role

LIMIT = 8192


def event_lines(limit_bytes: int | None) -> tuple[list[str], list[TraceEvent], JsonLines]:
    """The lines of a run of a second, all its events, and the sink that wrote the lines."""
    world = World(bare=True)
    world.run(blueprint("box", security=times(period=10)), Scripted(work(10)))
    world.device.run(for_ms=1000)
    world.device.end_trace()
    lines: list[str] = []
    sink = JsonLines(lines.append, limit_bytes=limit_bytes)
    for event in world.events:
        sink(event)
    sink.finish()
    return lines, world.events, sink


@pytest.mark.parametrize("limit_bytes", [LIMIT, LIMIT + 1, LIMIT + 63, 2 * LIMIT])
@pytest.mark.clause("TC-TOOL-13")
def test_a_trace_ends_at_its_bound_with_what_it_dropped(limit_bytes: int) -> None:
    lines, events, sink = event_lines(limit_bytes)
    size_bytes = sum(map(len, lines))
    assert limit_bytes - 2 * LAST_LINE_BYTES < size_bytes <= limit_bytes
    last = json.loads(lines[-1])
    first_dropped = events[len(lines) - 1]
    assert last == {
        "at_ns": first_dropped.at_ns,
        "event": "trace-ended",
        "reason": "full",
        "dropped": len(events) - 1 - (len(lines) - 1),
    }
    assert sink.cut is not None


@pytest.mark.clause("TC-TOOL-13")
def test_a_trace_within_its_bound_ends_with_its_run(tmp_path: Path) -> None:
    whole, events, _ = event_lines(None)
    size_bytes = sum(map(len, whole))
    exact, _, sink = event_lines(size_bytes + LAST_LINE_BYTES - len(whole[-1]))
    assert exact == whole
    assert sink.cut is None
    (tmp_path / "trace").write_text("".join(whole))
    last = list(read_trace(tmp_path / "trace"))[-1]
    assert isinstance(last, TraceEnded)
    assert (last.reason, last.dropped, last.at_ns) == ("over", 0, events[-1].at_ns)


@pytest.fixture
def desk(tmp_path: Path, program: Program) -> Path:
    """A directory with a device that runs the courier of the example."""
    program.good("keygen", tmp_path / "keys")
    program.good("pack", BOX / "courier", "--keys", tmp_path / "keys", "-o", tmp_path / "box.tcb")
    keys = "".join(f'[[trust.keys]]\nrole = "{role}"\nfile = "keys/{role}.pub"\n' for role in Role)
    (tmp_path / "device.toml").write_text(f'{keys}[[containers]]\nbundle = "box.tcb"\n')
    return tmp_path


@pytest.mark.clause("TC-TOOL-13")
def test_a_run_warns_where_its_trace_was_cut_and_the_report_says_so(
    desk: Path, program: Program
) -> None:
    trace = desk / "trace"
    run = ("run", desk / "device.toml", "--trace", trace, "--file-limit", "4KiB", "--for", "5s")
    code, _, err = program(*run)
    assert code == 0
    assert err.startswith(f"warning: {trace}: is full at 4096 bytes; ")
    assert trace.stat().st_size <= 4096
    assert "the trace was full; " in program.good("report", trace)
    code, _, err = program(*run[:4], "--for", "5s", "--force")
    assert (code, err) == (0, "")


@pytest.mark.clause("TC-TOOL-10", "TC-TOOL-13")
def test_a_recording_that_was_cut_is_replayed_up_to_there(desk: Path, program: Program) -> None:
    device, tape = desk / "device.toml", desk / "tape"
    whole, part = desk / "whole", desk / "part"
    record = ("run", device, "--record", tape, "--trace", whole, "--for", "5s")
    # The bundle is in the recording too.
    code, _, err = program(*record, "--file-limit", "8KiB")
    assert code == 0
    assert f"warning: {tape}: is full at 8192 bytes; a replay ends there" in err
    assert tape.stat().st_size <= 8192
    program.good("run", device, "--trace", whole, "--for", "5s", "--force")
    code, out, err = program("run", device, "--replay", tape, "--trace", part)
    assert code == 1
    assert "the recording is full here; the run went on without it" in err
    assert err.count("\n") == 1
    assert "Who ran" in out
    lines = part.read_text().splitlines()
    assert whole.read_text().splitlines()[: len(lines) - 1] == lines[:-1]
    assert len(lines) > 10
    assert json.loads(lines[-1])["event"] == "trace-ended"


@pytest.mark.parametrize("size", ["5", "4", "1KiB", "-4KiB", "4 KiB", "4KB", "", "KiB", "9" * 20])
def test_a_wrong_size_is_refused(desk: Path, program: Program, size: str) -> None:
    line = program.bad("run", desk / "device.toml", "--file-limit", size)
    assert "is no size such as 64KiB, 256MiB or 1GiB" in line


@pytest.mark.parametrize(
    "garbage", ["{}\n", '{"do":"look"}\n', "x\n", "x", "\n", '{"end":1}\n', "\0"]
)
@pytest.mark.clause("TC-TOOL-09")
def test_garbage_after_the_end_of_a_recording_is_refused(
    desk: Path, program: Program, garbage: str
) -> None:
    device, tape = desk / "device.toml", desk / "tape"
    program.good("run", device, "--record", tape, "--for", "20ms")
    program.good("run", device, "--replay", tape)
    lines = tape.read_text().count("\n")
    with tape.open("a") as file:
        file.write(garbage)
    line = program.bad("run", device, "--replay", tape)
    assert f"tape: line {lines + 1}: " in line


@pytest.mark.clause("TC-TOOL-03")
def test_a_run_that_fails_late_leaves_an_older_recording_as_it_was(
    desk: Path, program: Program
) -> None:
    device, tape = desk / "device.toml", desk / "tape"
    program.good("run", device, "--record", tape, "--for", "20ms")
    before = tape.read_bytes()
    missing = '[[containers]]\nbundle = "missing.tcb"\n'
    (desk / "missing.tcb").write_bytes(b"no bundle")
    device.write_text(device.read_text() + missing)
    files = set(desk.iterdir())
    program.bad("run", device, "--record", tape, "--force", code=1)
    assert tape.read_bytes() == before
    assert set(desk.iterdir()) == files


@pytest.mark.parametrize(
    "outputs",
    [
        ("--trace", "x", "--record", "x"),
        ("--trace", "x.svg", "--gantt", "x.svg"),
        ("--gantt", "x.svg", "--perfetto", "./x.svg"),
    ],
)
@pytest.mark.clause("TC-TOOL-03")
def test_two_outputs_of_one_name_are_refused(
    desk: Path, program: Program, monkeypatch: pytest.MonkeyPatch, outputs: tuple[str, ...]
) -> None:
    monkeypatch.chdir(desk)
    files = set(desk.iterdir())
    assert "is named for two outputs" in program.bad("run", "device.toml", *outputs)
    assert set(desk.iterdir()) == files


@pytest.mark.parametrize("option", ["--trace", "--record", "--gantt", "--perfetto"])
@pytest.mark.clause("TC-TOOL-03")
def test_an_output_in_no_directory_is_refused_before_anything_runs(
    desk: Path, program: Program, option: str
) -> None:
    out = desk / "nowhere" / "x.svg"
    line = program.bad("run", desk / "device.toml", option, out)
    assert "cannot be written: No such file or directory" in line


@pytest.mark.parametrize("option", [("--file-limit", "4KiB"), ("--trace-data",)])
def test_an_option_about_a_file_that_is_not_written_is_refused(
    desk: Path, program: Program, option: tuple[str, ...]
) -> None:
    assert "--trace" in program.bad("run", desk / "device.toml", *option)


@pytest.mark.parametrize("option", ["--trace", "--record"])
@pytest.mark.clause("TC-TOOL-03")
def test_a_run_that_fails_leaves_no_file_that_then_needs_force(
    desk: Path, program: Program, option: str
) -> None:
    device, out = desk / "device.toml", desk / "out"
    good = device.read_text()
    for wrong in (f"{good}[[drivers]]\ndriver = 'no'\nendpoint = 1\n", "[nonsense]\n"):
        device.write_text(wrong)
        program.bad("run", device, option, out)
        assert not out.exists()
    out.write_text("precious")
    program.bad("run", device, option, out, "--force")
    assert out.read_text() == "precious"
    device.write_text(good)
    program.good("run", device, option, out, "--for", "20ms", "--force")
    assert out.read_text().startswith("{")


def test_a_run_without_events_leaves_an_empty_trace_and_no_draft(
    tmp_path: Path, program: Program
) -> None:
    (tmp_path / "device.toml").write_text("")
    program.good("run", tmp_path / "device.toml", "--trace", tmp_path / "trace")
    (line,) = (tmp_path / "trace").read_text().splitlines()
    assert json.loads(line)["event"] == "trace-ended"
    assert {each.name for each in tmp_path.iterdir()} == {"device.toml", "trace"}


@pytest.mark.clause("TC-TOOL-13")
def test_a_refused_load_is_in_the_trace_of_the_run_that_it_ended(
    desk: Path, program: Program
) -> None:
    (desk / "box.tcb").write_bytes(b"nonsense")
    tape = desk / "tape"
    program.bad("run", desk / "device.toml", "--trace", desk / "trace", "--record", tape, code=1)
    assert "load-refused" in (desk / "trace").read_text()
    assert not tape.exists()
