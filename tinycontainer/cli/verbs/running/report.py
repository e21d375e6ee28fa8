"""``report``: what a trace says, as text, HTML and pictures."""

from pathlib import Path
from typing import Any

import click

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.text import show
from tinycontainer.tools.pictures import Timeline, TimelineBuilder, clip, html_report, text_chart
from tinycontainer.trace import Tally, TraceEvent, read_trace

from ...durations import duration_ms
from ...output import (
    Refusal,
    force_option,
    json_option,
    print_json,
    require_absent,
    terminal_width,
    write_file,
)
from ...verb import Verb
from .drawing import Drawings, drawing_options
from .outcome import print_summary, summary, summary_tables

_CHART_WIDTH = 120
_MOST_ROWS = 10_000


@click.command(cls=Verb)
@click.argument("trace", type=click.Path(path_type=Path))
@click.option("--html", type=click.Path(path_type=Path), help="Write one HTML file with it all.")
@click.option(
    "--from",
    "from_ms",
    metavar="DURATION",
    callback=duration_ms,
    help="Draw from this moment of device time: 500ms, 10s, 2m.",
)
@click.option(
    "--to", "to_ms", metavar="DURATION", callback=duration_ms, help="Draw up to this moment."
)
@drawing_options
@force_option
@json_option
def report(
    trace: Path,
    html: Path | None,
    from_ms: int | None,
    to_ms: int | None,
    drawings: Drawings,
    force: bool,
    as_json: bool,
) -> None:
    """Tell what the run behind TRACE, a file of `run --trace`, was like: who ran when, and tables.

    Example: tinycontainerctl report demo.jsonl --html report.html --gantt courier.svg --from 5s
    --to 6s
    """
    require_absent(() if html is None else (html,), force=force)
    drawings.check(force=force)
    begin_ns = (from_ms or 0) * NS_PER_MS
    end_ns = None if to_ms is None else to_ms * NS_PER_MS
    if end_ns is not None and end_ns <= begin_ns:
        raise Refusal("--to: lies not behind --from")
    tally, whole = _read(trace)
    timeline = clip(whole, begin_ns, end_ns)
    values = summary(whole.end_ns, tally)
    title = f"{show(trace.name)}: who ran when"
    drawings.write(timeline, title)
    if html is not None:
        content = html_report(title, timeline, summary_tables(values))
        write_file(html, content.encode("ascii"))
    if as_json:
        print_json(values | {"timeline": _as_values(timeline)})
        return
    for line in text_chart(timeline, terminal_width() or _CHART_WIDTH):
        click.echo(line)
    print_summary(values)


def _read(trace: Path) -> tuple[Tally, Timeline]:
    tally, builder = Tally(), TimelineBuilder()
    event: TraceEvent | None = None
    for event in read_trace(trace):
        tally(event)
        builder(event)
        if max(len(tally.rows), len(tally.refusals)) > _MOST_ROWS:
            raise Refusal(f"{show(str(trace))}: tells of more than {_MOST_ROWS} containers")
    if event is None:
        raise Refusal(f"{show(str(trace))}: holds no events")
    return tally, builder.timeline()


def _as_values(timeline: Timeline) -> dict[str, Any]:
    """How long each container did what, in ns of device time."""
    return {
        "begin_ns": timeline.begin_ns,
        "end_ns": timeline.end_ns,
        "is_cut": timeline.is_cut,
        "containers": [
            {
                "uid": show(lane.uid),
                "ranks": list(lane.ranks),
                "hooks": len(lane.hooks),
                **{f"{doing}_ns": length_ns for doing, length_ns in lane.lengths_ns.items()},
            }
            for lane in timeline.lanes
        ],
    }
