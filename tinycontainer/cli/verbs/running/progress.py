"""A bar for those who wait at a terminal while nothing else moves there."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def progress(total_ms: int | None) -> Iterator[Callable[[int], None] | None]:
    """How far a run has come, on standard error.

    Args:
        total_ms: device time of the whole run; None if it has no end.

    Yields:
        Takes the device time in ms; None where a bar would disturb: without a terminal, or where
        the log of the run scrolls over the same one.
    """
    if total_ms is None or not sys.stderr.isatty() or sys.stdout.isatty():
        yield None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("device time", total=total_ms)
        yield lambda now_ms: bar.update(task, completed=now_ms)
