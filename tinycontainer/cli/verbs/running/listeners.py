"""Who follows a run while it goes on: its trace file, the operator's screen, a progress bar."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.text import show
from tinycontainer.trace import JsonLines, Sink

from ...options import DEFAULT_FILE_BYTES
from ...output_files import open_lines, refuse_unwritable
from ...verb import say

_LOG_INDENT = 17
"""Columns of the time in front of an event's line; a console line is indented by as many."""


@contextmanager
def trace_to(
    path: Path | None,
    *,
    force: bool,
    with_data: bool = False,
    limit_bytes: int = DEFAULT_FILE_BYTES,
) -> Iterator[list[Sink]]:
    """A list of sinks: the trace file, or nothing if no path is given.

    Args:
        path: the trace file.
        force: whether it is overwritten if it exists.
        with_data: whether the trace has payload itself, not only its hash.
        limit_bytes: the longest that the file becomes; a warning says where it was cut.

    Raises:
        VerbRefused: the file exists, or cannot be written.
    """
    if path is None:
        yield []
        return
    with open_lines(path, force=force) as file:

        def write(line: str) -> None:
            with refuse_unwritable(path):
                file.write(line)

        lines = JsonLines(write, with_data=with_data, limit_bytes=limit_bytes)
        yield [lines]
        lines.finish()
        if lines.cut is not None:
            from_ms = lines.cut.at_ns / NS_PER_MS
            say(
                f"warning: {show(str(path))}: is full at {limit_bytes} bytes;"
                f" {lines.cut.dropped} events from {from_ms:.3f} ms on are missing"
            )


def print_lines(*, quiet: bool) -> Callable[[bytes], None]:
    """What the console driver does with a container's lines.

    Args:
        quiet: whether they go nowhere, because the screen is needed for something else.
    """

    def show_line(line: bytes) -> None:
        if not quiet:
            click.echo(f"{'':{_LOG_INDENT}}{show(line)}")

    return show_line


@contextmanager
def show_progress(total_ms: int | None) -> Iterator[Callable[[int], None] | None]:
    """A progress bar on standard error.

    Args:
        total_ms: device time of the whole run; None if it has no end.

    Yields:
        Accepts the device time in ms. None where a bar would disturb: without a terminal, or where
        the log of the run scrolls on the same terminal.
    """
    if total_ms is None or not sys.stderr.isatty() or sys.stdout.isatty():
        yield None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("device time", total=total_ms)
        yield lambda now_ms: bar.update(task, completed=now_ms)


@contextmanager
def show_upload() -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, for an upload that takes several messages.

    Yields:
        Accepts how many bytes are sent, and how many there are; shows nothing without a terminal.
    """
    if not sys.stderr.isatty():
        yield lambda _sent_bytes, _all_bytes: None
        return
    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task("upload")

    def show_bytes(sent_bytes: int, all_bytes: int) -> None:
        bar.update(task, completed=sent_bytes, total=all_bytes)
        if sent_bytes < all_bytes:
            bar.start()
        else:
            bar.stop()  # before anything is printed, which it would wipe away

    try:
        yield show_bytes
    finally:
        bar.stop()
