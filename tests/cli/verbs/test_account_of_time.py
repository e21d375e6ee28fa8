"""What a container used is one number: in the library, tables, JSON, reports and pictures."""

import re
from pathlib import Path

import pytest
from support.project import Program as Ctl
from support.scripted import Program, endless, work
from support.worlds import World, blueprint, times

from tinycontainer.cli.verbs.running.listeners import trace_to
from tinycontainer.cli.verbs.running.run_summary import summarize_run
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.interfaces.clock import NS_PER_MS, NS_PER_S, WallClock
from tinycontainer.symbols.places import Symbolizer
from tinycontainer.tools.pictures import TimelineBuilder, gantt_svg
from tinycontainer.tools.pictures.scale import format_duration
from tinycontainer.trace import Sink, Tally

HOUR_MS = 3_600_000


def account(program: Ctl, world: World, trace: Path, run_ms: int) -> dict[str, int]:
    """Run a world, and return what its containers used in ns, which is the same everywhere."""
    tally, builder = Tally(), TimelineBuilder()
    with trace_to(trace, force=False, limit_bytes=1 << 30) as sinks:
        world.device.run(for_ms=run_ms)
        end_ns = world.device.end_trace()
        every: tuple[Sink, ...] = (*sinks, tally, builder)
        for event in world.events:
            for sink in every:
                sink(event)
    library = {view.uid.decode(): view.statistics.execution_ns for view in world.device}
    of_the_run = summarize_run(end_ns, tally, Symbolizer())
    report = program.json("report", trace)
    timeline = report.pop("timeline")
    assert report == of_the_run
    assert {row["uid"]: row["execution_ns"] for row in report["containers"]} == library
    assert {lane["uid"]: lane["running_ns"] for lane in timeline["containers"]} == library
    assert timeline["end_ns"] == end_ns
    drawn = builder.build(end_ns)
    assert {lane.uid.decode(): lane.ran_ns for lane in drawn.lanes} == library
    svg = re.findall(r">ran ([^<]*)<", gantt_svg(drawn))
    assert sorted(svg) == sorted(map(format_duration, library.values()))
    assert sum(row["share_percent"] for row in report["containers"]) <= 100
    assert sum(library.values()) <= end_ns
    return library


@pytest.mark.clause("TC-TOOL-14")
def test_an_endless_loop_is_counted_like_what_has_ended(tmp_path: Path, program: Ctl) -> None:
    world = World(bare=True)
    world.run(blueprint("box", security=times(period=100)), Program(work(900)))
    world.run(blueprint("endless"), Program(endless(100)))
    found = account(program, world, tmp_path / "trace", 10_000)
    assert found["endless"] > 9_800 * NS_PER_MS
    assert found["box"] + found["endless"] == 10_000 * NS_PER_MS


@pytest.mark.clause("TC-TOOL-14")
def test_a_lone_container_is_reported_for_the_whole_run(tmp_path: Path, program: Ctl) -> None:
    world = World(bare=True)
    world.run(blueprint("box"), Program(endless(100)))
    found = account(program, world, tmp_path / "trace", 2_000)
    assert found == {"box": 2 * NS_PER_S}
    out = program.good("report", tmp_path / "trace")
    assert "in 2000.000 ms of device time" in out


@pytest.mark.parametrize(
    ("containers", "hours"), [(6, 1), pytest.param(30, 10, marks=pytest.mark.long)]
)
@pytest.mark.clause("TC-TOOL-14", "TC-TOOL-15")
def test_a_long_run_of_many_containers_has_one_account_of_time(
    tmp_path: Path, program: Ctl, containers: int, hours: int
) -> None:
    world = World(bare=True, capacity=Capacity(slots=containers))
    for number in range(containers):
        plan = blueprint(f"box {number}", security=times(period=10_000))
        world.run(plan, Program(work(1000 * (number + 1), 77)))
    found = account(program, world, tmp_path / "trace", hours * HOUR_MS)
    for number in range(containers):
        loops = world.device[f"box {number}"].loops
        assert 359 * hours <= loops <= 360 * hours
        assert found[f"box {number}"] >= loops * 1000 * 1000 * (number + 1)


@pytest.mark.clause("TC-TOOL-14")
def test_in_wall_time_the_account_is_one_too(tmp_path: Path, program: Ctl) -> None:
    world = World(bare=True, clock=WallClock())
    world.run(blueprint("box", security=times(period=5)), Program(work(*[100] * 20)))
    world.run(blueprint("endless"), Program(endless(100)))
    found = account(program, world, tmp_path / "trace", 60)
    assert found["endless"] > 0


@pytest.mark.clause("TC-TOOL-14")
def test_a_trace_whose_run_was_ended_from_outside_counts_what_it_shows(
    tmp_path: Path, program: Ctl
) -> None:
    world = World(bare=True)
    world.run(blueprint("box"), Program(endless(100)))
    with trace_to(tmp_path / "trace", force=False) as sinks:
        world.device.run(for_ms=1000)
        world.run(blueprint("late"), Program(work(10)))
        for event in world.events:
            sinks[0](event)
    report = program.json("report", tmp_path / "trace")
    (lane,) = [lane for lane in report["timeline"]["containers"] if lane["uid"] == "box"]
    assert report["containers"][0]["execution_ns"] == lane["running_ns"] == NS_PER_S
    assert "the trace has no end" in program.good("report", tmp_path / "trace")
