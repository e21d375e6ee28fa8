"""Versions that replace each other are counted, and what was undone is seen."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from support.hostile import HOSTILE, inert
from support.project import Program as Ctl
from support.scripted import Program, trap, work
from support.worlds import KEYS, Ledger, World, blueprint, newer, times

from tinycontainer.cli.verbs.running.live_view import LiveView
from tinycontainer.cli.verbs.running.run_summary import summarize_run
from tinycontainer.symbols.places import Symbolizer
from tinycontainer.tools.packing.packing import pack
from tinycontainer.tools.pictures import (
    MarkKind,
    TimelineBuilder,
    gantt_svg,
    html_report,
    text_chart,
)
from tinycontainer.trace import JsonLines, Tally, TraceEvent
from tinycontainer.trace.events import Loaded, ReplacementUndone, Transitioned, Withdrawn

PLAN = blueprint("box", security=times(period=10))
WHY = "it ended before it completed a loop"


@pytest.fixture
def world() -> World:
    """A container that was replaced for good, then on trial, then by one that faults."""
    programs = {"box": Program(work(10)), "new": Program(work(20)), "traps": Program(trap())}
    world = World(programs, sequences=Ledger())
    world.run(PLAN, programs["box"])
    plan = PLAN
    for code, confirm_ms in (("new", None), ("box", 50), ("traps", 50)):
        world.device.run(for_ms=25)
        plan = newer(plan)
        world.device.replace(pack(plan, code.encode(), b"", KEYS).encode(), confirm_ms)
    world.device.run(for_ms=25)
    world.device.end_trace()
    return world


def counted(happened: list[TraceEvent]) -> Tally:
    tally = Tally()
    for event in happened:
        tally(event)
    return tally


def shown_live(happened: list[TraceEvent]) -> str:
    """What ``run --live`` shows at the end."""
    tally = Tally()
    view = LiveView(tally, lambda: 1)
    for event in happened:
        tally(event)
        view(event)
    text = StringIO()
    Console(file=text, width=200).print(view.show(200))
    return text.getvalue().replace("\u2026", "...")  # where a cell is cut


def test_replacements_are_counted_and_told_from_each_other(world: World) -> None:
    tally = counted(world.events)
    row = tally.rows[b"box"]
    assert (row.replaced, row.confirmed, row.undone, row.undone_why) == (3, 1, 1, WHY)
    summary = summarize_run(world.device.now_ns, tally, Symbolizer())
    assert summary["replacements"] == [
        {"uid": "box", "accepted": 3, "confirmed": 1, "undone": 1, "undone_why": WHY}
    ]


def test_a_run_without_replacements_has_no_table_of_them() -> None:
    world = World(bare=True)
    world.run(PLAN, Program(work(10)))
    world.device.run(for_ms=25)
    assert (
        summarize_run(world.device.now_ns, counted(world.events), Symbolizer())["replacements"]
        == []
    )


def test_what_was_undone_is_a_mark_on_the_lane(world: World) -> None:
    builder = TimelineBuilder()
    for event in world.events:
        builder(event)
    timeline = builder.build()
    (lane,) = timeline.lanes
    (undone,) = [event for event in world.events if isinstance(event, ReplacementUndone)]
    marks = [mark for mark in lane.marks if mark.kind is MarkKind.REFUSAL]
    assert [(mark.at_ns, mark.text) for mark in marks] == [
        (undone.at_ns, f"the replacement is UNDONE: {WHY}")
    ]
    assert f"UNDONE: {WHY}" in gantt_svg(timeline)
    assert "x" in list(text_chart(timeline, 100))[1]


def test_a_report_and_a_live_view_show_what_was_undone(
    world: World, tmp_path: Path, program: Ctl
) -> None:
    trace, page = tmp_path / "trace", tmp_path / "page.html"
    lines: list[str] = []
    for event in world.events:
        JsonLines(lines.append)(event)
    trace.write_text("".join(lines))
    out = program.good("report", trace, "--html", page)
    assert "What another version took the place of" in out
    assert WHY in out
    assert WHY in page.read_text()
    assert f"replacement undone: {WHY}"[:40] in shown_live(world.events)


def test_a_live_view_shows_what_was_withdrawn() -> None:
    assert "all rights withdrawn by sequence 7" in shown_live([Withdrawn(b"x", 7)])


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_reason_is_inert_wherever_it_is_shown(hostile: bytes) -> None:
    text = hostile.decode("utf-8", "surrogateescape")
    happened: list[TraceEvent] = [
        Loaded(hostile, 0, "wasm", "", (), 1, 1, 1),
        Transitioned(hostile, "ready", "start", "running", ""),
        ReplacementUndone(hostile, text),
    ]
    builder = TimelineBuilder()
    for event in happened:
        builder(event)
    timeline = builder.build(1_000)
    summary = summarize_run(1_000, counted(happened), Symbolizer())
    assert inert(json.dumps(summary))
    assert all(inert(str(value)) for row in summary["replacements"] for value in row.values())
    assert inert(gantt_svg(timeline))
    assert inert(html_report("run", timeline, []))
    assert inert(shown_live(happened))
