"""A report of a run in one HTML file that refers to nothing outside of itself and runs no code."""

from collections.abc import Iterable, Sequence
from typing import Final

from tinycontainer.text import Figure

from .gantt import gantt_svg
from .markup import Markup, join_lines, tag
from .timeline import Timeline

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE: Final = Markup(
    "body{font:15px/1.5 system-ui,sans-serif;color:#1d2733;max-width:1040px;margin:2em auto;"
    "padding:0 1em}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}"
    "table{border-collapse:collapse;font-size:.93em}th,td{padding:.25em .8em;text-align:left;"
    "border-bottom:1px solid #dde4ea}th{color:#5b6b7b;font-weight:600}"
    "th.n,td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "svg{max-width:100%;height:auto}"
)


def html_report(
    title: str,
    timeline: Timeline,
    tables: Iterable[tuple[str, Sequence[str], Iterable[Sequence[object]]]],
) -> str:
    """A report: the picture and tables.

    Args:
        title: the heading.
        timeline: the run.
        tables: caption, columns and rows of each; everything in them is escaped.
    """
    head = tag(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        tag("title", title),
        tag("style", _STYLE),
    )
    body = tag(
        "body",
        tag("h1", title),
        Markup(gantt_svg(timeline)),
        join_lines([_table(*table) for table in tables]),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    body = [tuple(row) for row in rows]
    first = body[0] if body else columns
    heads = (_cell("th", column, like) for column, like in zip(columns, first, strict=True))
    lines = [
        tag("tr", *heads),
        *(tag("tr", *(_cell("td", cell, cell) for cell in row)) for row in body),
    ]
    return join_lines([tag("h2", caption), tag("table", Markup("\n"), join_lines(lines))])


def _cell(name: str, value: object, like: object) -> Markup:
    """A cell, aligned like a value: numbers to the right."""
    if isinstance(like, int | float | Figure):
        return tag(name, str(value), class_="n")
    return tag(name, str(value))
