"""``report``: show what a trace says, as text, HTML and pictures."""

from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.symbols.places import Symbolizer
from tinycontainer.text import flatten, show
from tinycontainer.tools.pictures import (
    Timeline,
    TimelineBuilder,
    Window,
    html_report,
    text_chart,
)
from tinycontainer.trace import Tally, TraceEvent, read_trace
from tinycontainer.trace.events import TraceEnded

from ...options import duration_option, force_option, json_option, path_argument, path_option
from ...output_files import write_file
from ...printing import print_json, terminal_width
from ...symbols import open_symbols, symbols_option
from ...verb import Verb, VerbRefused
from .picture_files import PictureFiles, picture_options
from .run_summary import print_summary, summarize_run, summary_tables

_CHART_COLUMNS: Final = 120
_MAX_ROWS: Final = 10_000


@click.command(cls=Verb)
@path_argument("trace")
@path_option("--html", help="Write one HTML file with it all.")
@duration_option("--from", "from_ms", help="Draw from this moment of device time: 500ms, 10s, 2m.")
@duration_option("--to", "to_ms", help="Draw up to this moment.")
@symbols_option
@picture_options
@force_option
@json_option
def report(
    trace: Path,
    html: Path | None,
    from_ms: int | None,
    to_ms: int | None,
    symbol_directory: Path | None,
    pictures: PictureFiles,
    force: bool,
    as_json: bool,
) -> None:
    """Show the run that TRACE, a file of `run --trace`, is about: who ran when, and tables.

    Example: tinycontainerctl report demo.jsonl --html report.html --gantt courier.svg --from 5s
    --to 6s
    """
    pictures.check(html, force=force)
    begin_ns = (from_ms or 0) * NS_PER_MS
    end_ns = None if to_ms is None else to_ms * NS_PER_MS
    if end_ns is not None and end_ns <= begin_ns:
        raise VerbRefused("--to: is not after --from; name a later moment")
    window = Window(begin_ns, end_ns)
    symbolizer = Symbolizer(open_symbols(symbol_directory))
    tally, end_of_trace_ns, timeline = _read_run(trace, window, symbolizer)
    summary = summarize_run(end_of_trace_ns, tally, symbolizer)
    title = f"{show(trace.name)}: who ran when"
    pictures.write(timeline, title)
    if html is not None:
        content = html_report(title, timeline, summary_tables(summary))
        write_file(html, content.encode("ascii"))
    if as_json:
        print_json(summary | {"timeline": _timeline_as_dict(timeline)})
        return
    if tally.ended is None or tally.ended.reason != "over":
        click.echo(_describe_end(tally))
    for line in text_chart(timeline, terminal_width() or _CHART_COLUMNS):
        click.echo(line)
    print_summary(summary)


def _describe_end(tally: Tally) -> str:
    """Why the trace is not that of a whole run."""
    match tally.ended:
        case None:
            return "the trace has no end: its run failed, was ended from outside, or goes on"
        case TraceEnded(reason="full", dropped=0):
            return "the recording that was replayed was full here"
        case TraceEnded(reason="full"):
            return f"the trace was full; {tally.ended.dropped} later events are missing"
    return f"the run was {flatten(tally.ended.reason)}"


def _read_run(trace: Path, window: Window, symbolizer: Symbolizer) -> tuple[Tally, int, Timeline]:
    """The account, the end of the trace in ns, and the picture of a part of it."""
    tally = Tally()
    builder = TimelineBuilder(window)
    event: TraceEvent | None = None
    for event in read_trace(trace):
        tally(event)
        symbolizer(event)
        builder(event)
        if max(len(tally.rows), len(tally.refusals)) > _MAX_ROWS:
            raise VerbRefused(f"{show(str(trace))}: has more than {_MAX_ROWS} containers")
    if event is None:
        raise VerbRefused(f"{show(str(trace))}: holds no events")
    tally.count_until(event.at_ns)
    return tally, event.at_ns, builder.build()


def _timeline_as_dict(timeline: Timeline) -> dict[str, Any]:
    """How long each container did what, in ns of device time."""
    return {
        "begin_ns": timeline.begin_ns,
        "end_ns": timeline.end_ns,
        "is_cut": timeline.is_cut,
        "containers": [
            {
                "uid": show(lane.uid),
                "ranks": list(lane.ranks),
                "hooks": lane.hook_count,
                **{f"{activity}_ns": length_ns for activity, length_ns in lane.lengths_ns.items()},
            }
            for lane in timeline.lanes
        ],
    }
