"""Tables, live view and reports show what containers used, alike and in 80 columns."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from support.project import Program as Ctl
from support.scripted import Program, Steps, endless, work
from support.worlds import World, blueprint, times

from tinycontainer.cli import printing
from tinycontainer.cli.verbs.running.listeners import trace_to
from tinycontainer.cli.verbs.running.live_view import LiveView
from tinycontainer.cli.verbs.running.run_summary import print_summary, summarize_run, summary_tables
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.symbols.places import Symbolizer
from tinycontainer.tools.pictures import TimelineBuilder, html_report
from tinycontainer.trace import Tally, TraceEvent

LONG = "a-long-name-of-a-container-which-is-just-within-its-63-bytes-xx"


def refused_calls(natives: Natives) -> Steps:
    for _ in range(3):
        natives.close(9)
        yield 400
    return 0


@pytest.fixture
def world() -> World:
    """A container of a quarter of the time, a second one with a long name, and one that waits."""
    world = World(bare=True)
    quarter = Program(work(25_000 - 100), growth_bytes=64 << 10)
    world.run(blueprint("box", security=times(period=100)), quarter)
    world.run(blueprint(LONG, security=times(period=100)), Program(refused_calls))
    world.run(
        blueprint("late", security=times(period=10), priority=15), Program(work(*[100] * 120))
    )
    world.device.run_until(1000)
    world.device.end_trace()
    return world


def tally_of(happened: list[TraceEvent]) -> Tally:
    tally = Tally()
    for event in happened:
        tally(event)
    return tally


@pytest.fixture
def trace(world: World, tmp_path: Path) -> Path:
    path = tmp_path / "trace.jsonl"
    with trace_to(path, force=False) as sinks:
        for event in world.events:
            sinks[0](event)
    return path


@pytest.mark.clause("TC-TOOL-14")
def test_a_report_has_the_numbers_of_the_device(world: World, trace: Path, program: Ctl) -> None:
    report = program.json("report", trace)
    account = world.device.account()
    assert report["idle_ns"] == account.idle_ns
    assert report["idle_percent"] == account.idle_share / 100
    shares = [row["share_percent"] for row in report["containers"]]
    assert round(sum(shares) + report["idle_percent"], 2) == 100
    for row in report["containers"]:
        view = world.device[row["uid"]]
        assert row["share_percent"] == account.shares[view.uid] / 100
        assert {key: row[key] for key in ("instructions", "peak_memory_bytes", "calls")} == {
            "instructions": view.statistics.instructions,
            "peak_memory_bytes": view.statistics.peak_memory_bytes,
            "calls": view.statistics.calls,
        }
        assert (row["refusals"], row["deadline_misses"], row["skipped_periods"]) == (
            view.statistics.refusals,
            view.statistics.deadline_misses,
            view.statistics.skipped_periods,
        )
    box, long, late = report["containers"]
    assert 25.0 <= box["share_percent"] <= 25.02
    assert box["peak_memory_bytes"] == 10 * (64 << 10)
    assert long["refusals"] == 3 * 10
    assert late["skipped_periods"] > 0


@pytest.mark.clause("TC-TOOL-14")
def test_a_trace_from_before_memory_was_in_it_is_still_reported(
    trace: Path, tmp_path: Path, program: Ctl
) -> None:
    older = tmp_path / "older.jsonl"
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    assert sum(event.pop("memory_bytes", 0) for event in events) > 0
    older.write_text("".join(json.dumps(event) + "\n" for event in events))
    now, before = program.json("report", trace), program.json("report", older)
    assert {row["peak_memory_bytes"] for row in before["containers"]} == {0}
    for row in (*now["containers"], *before["containers"]):
        del row["peak_memory_bytes"]
    assert now == before


def rows_of(text: str) -> Iterator[list[str]]:
    """The cells of a printed table's lines."""
    for line in text.splitlines():
        if line.startswith("│"):
            yield [cell.strip() for cell in line.strip("│").split("│")]


@pytest.mark.clause("TC-TOOL-14")
def test_tables_fit_into_80_columns_with_every_name_and_number_whole(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "terminal_width", lambda: 80)
    print_summary(summarize_run(1000 * NS_PER_MS, tally_of(world.events), Symbolizer()))
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) == 80
    assert "…" not in text
    rows = list(rows_of(text))
    names = "".join(row[0] for row in rows)
    assert names.count(LONG) == 4  # in two tables once, and in that of refusals with two reasons
    (box,) = [row for row in rows if row[0] == "box" and row[1] == "running"]
    assert box[3:5] == ["250.100", "25.01 %"]
    (idle,) = [row for row in rows if row[1] == "idle"]
    assert idle[4].endswith(" %")
    (used,) = [row for row in rows if row[0] == "box" and row[1] == "10"]
    assert used[2:] == ["250,100", "640 KiB", "0", "0", "0", "0"]


def test_numbers_of_a_report_are_aligned_to_the_right_with_their_heads(world: World) -> None:
    tally = tally_of(world.events)
    builder = TimelineBuilder()
    for event in world.events:
        builder(event)
    page = html_report(
        "run", builder.build(), summary_tables(summarize_run(10**9, tally, Symbolizer()))
    )
    assert '<th class="n">share</th>' in page
    assert '<td class="n">25.01 %</td>' in page
    assert '<td class="n">640 KiB</td>' in page
    assert "<th>ended by</th>" in page


def live(world: World, columns: int, passed_ns: int = 0) -> str:
    """What the live view shows some time after the last event, as wide as it is."""
    tally, now_ns = Tally(), [1]
    view = LiveView(tally, lambda: now_ns[0])
    for event in world.events:
        tally(event)
        view(event)
    now_ns[0] += passed_ns
    text = StringIO()
    Console(file=text, width=columns).print(view.show(columns))
    return text.getvalue()


@pytest.mark.clause("TC-TOOL-14")
@pytest.mark.parametrize("columns", [80, 100, 200])
def test_a_live_view_shows_each_number_whole_in_any_width(world: World, columns: int) -> None:
    text = live(world, columns)
    assert max(map(len, text.splitlines())) <= columns
    (box,) = [line.split() for line in text.splitlines() if line.startswith("box")]
    assert " ".join(box).endswith("25.01 % 10 250,100 640 KiB 0 0 0 0")
    assert ("ran ms" in text, "priority" in text) == (columns == 200, columns == 200)
    (idle,) = [line.split() for line in text.splitlines() if line.split()[:1] == ["idle"]]
    assert idle[-1] == "%"
    assert f"{LONG}  close(9): bad-descriptor" in text.replace("\n", "")


@pytest.mark.clause("TC-TOOL-14")
def test_a_live_view_goes_on_counting_while_no_event_comes() -> None:
    world = World(bare=True)
    world.device.run_until(50)
    world.run(blueprint("endless"), Program(endless()))
    world.device.run_until(60)
    text = live(world, 100, passed_ns=49_900_000)
    assert text.startswith("100 ms of device time")
    (line,) = [line.split() for line in text.splitlines() if line.startswith("endless")]
    assert line[4:6] == ["50.00", "%"]
    assert " idle " in text
    assert text.count("50.00 %") == 2


def test_a_live_view_begins_with_nothing() -> None:
    assert live(World(bare=True), 80).splitlines()[0].startswith("0 ms")
    assert "100.00 %" in live(World(bare=True), 80)
