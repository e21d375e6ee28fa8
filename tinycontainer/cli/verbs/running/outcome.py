"""What becomes of a run: its trace file, its summary as tables or values, its screen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.text import flatten, show
from tinycontainer.trace import JsonLines, Row, Sink, Tally

from ...output import Refusal, print_table, require_absent


@contextmanager
def traced_to(path: Path | None, *, force: bool, with_data: bool = False) -> Iterator[list[Sink]]:
    """A list of sinks that begins with a trace file, if one is wished.

    Raises:
        Refusal: the file exists, or cannot be written.
    """
    if path is None:
        yield []
        return
    require_absent((path,), force=force)
    with refusing(path):
        file = path.open("w", encoding="ascii")

    def write(line: str) -> None:
        with refusing(path):
            file.write(line)

    try:
        yield [JsonLines(write, with_data=with_data)]
    finally:
        with refusing(path):
            file.close()


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file into a refusal.

    Raises:
        Refusal: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise Refusal(f"{show(str(path))}: cannot be written: {error.strerror}") from None


def summary(now_ns: int, tally: Tally) -> dict[str, Any]:
    """What became of a device's containers, those that are gone included, as plain values.

    Args:
        now_ns: device time at the end.
        tally: what was counted until then.
    """
    return {
        "device_time_ms": now_ns / NS_PER_MS,
        "containers": [_row_as_dict(row) for row in tally.rows.values()],
        "refusals": [
            {
                "uid": show(kind.uid),
                "what": flatten(kind.what),
                "reason": flatten(kind.reason),
                "count": count,
            }
            for kind, count in sorted(tally.refusals.items())
        ],
    }


def print_summary(values: dict[str, Any]) -> None:
    """The same as two tables."""
    for title, columns, rows in summary_tables(values):
        print_table(title, columns, rows)


def summary_tables(
    values: dict[str, Any],
) -> Iterator[tuple[str, tuple[str, ...], list[tuple[object, ...]]]]:
    """Captions, columns and rows of a summary."""
    yield (
        f"Who ran, in {values['device_time_ms']:.3f} ms of device time",
        ("container", "state", "starts", "loops", "ran ms", "calls", "refused", "late", "ended by"),
        [tuple(row.values()) for row in values["containers"]],
    )
    if values["refusals"]:
        yield (
            "What was refused, and why",
            ("container", "what", "reason", "times"),
            [tuple(row.values()) for row in values["refusals"]],
        )


def _row_as_dict(row: Row) -> dict[str, Any]:
    return {
        "uid": show(row.uid),
        "state": flatten(row.state),
        "starts": row.starts,
        "loops": row.loops,
        "execution_ms": round(row.execution_ns / NS_PER_MS, 3),
        "calls": row.calls,
        "refusals": row.refusals,
        "deadline_misses": row.deadline_misses,
        "ended_by": flatten(row.ended),
    }


def screen(as_json: bool) -> Callable[[bytes], None]:
    """Where the console driver shows its lines; nowhere if the output is JSON."""

    def show_line(line: bytes) -> None:
        if not as_json:
            click.echo(f"{'':17}{show(line)}")

    return show_line
