"""``run --live``: what the containers do, while they do it, in wall time on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.text import flatten, show
from tinycontainer.trace import Tally, TraceEvent, events

from ...verb import VerbRefused

_REFRESHES_PER_SECOND: Final = 8
_MAX_ROWS: Final = 40
_REFUSAL_COLUMNS: Final = 48
_COLUMNS: Final = ("container", "state", "hook", "priority", "loops", "ran ms", "fuel", "missed")


@dataclass(slots=True)
class LiveView:
    """A sink that a terminal shows while events arrive.

    Attributes:
        tally: counts the same events.
    """

    tally: Tally
    _priorities: dict[bytes, int] = field(default_factory=dict)
    _refusals: dict[bytes, str] = field(default_factory=dict)
    _hooks: dict[bytes, str] = field(default_factory=dict)
    _now_ns: int = 0

    def __call__(self, event: TraceEvent) -> None:
        """Accept one event."""
        self._now_ns = event.at_ns
        match event:
            case events.Dispatched(uid=uid):
                self._priorities[uid] = event.rank
            case events.Reconfigured(uid=uid):
                self._priorities[uid] = event.priority
            case events.HookBegan(uid=uid):
                self._hooks[uid] = event.hook
            case events.HookEnded(uid=uid):
                self._hooks.pop(uid, None)
            case events.Refused(uid=uid):
                self._refusals[uid] = f"{event.call}({event.subject}): {event.reason}"
            case events.LoadRefused(uid=uid):
                self._refusals[uid] = f"{event.verb}: {event.reason}"
            case events.RightExpired(uid=uid):
                self._refusals[uid] = f"{event.token} token: expired"
            case events.ReplacementUndone(uid=uid):
                self._refusals[uid] = f"replacement undone: {event.reason}"

    def table(self) -> Table:
        """The present state, a row for each container."""
        rows = list(self.tally.rows.values())  # a copy: rich calls this from a thread of its own
        title = f"{self._now_ns / NS_PER_MS:.0f} ms of device time; end with ctrl-c"
        table = Table(title=Text(title), title_justify="left")
        for column in _COLUMNS:
            table.add_column(column, no_wrap=True)
        table.add_column("last refusal", no_wrap=True, max_width=_REFUSAL_COLUMNS)
        for row in rows[:_MAX_ROWS]:
            cells = (
                show(row.uid),
                row.state,
                self._hooks.get(row.uid, ""),
                self._priorities.get(row.uid, ""),
                row.loops,
                f"{row.execution_ns / NS_PER_MS:.1f}",
                row.instructions,
                row.deadline_misses,
                self._refusals.get(row.uid, ""),
            )
            table.add_row(*(Text(flatten(str(cell))) for cell in cells))
        if len(rows) > _MAX_ROWS:
            table.caption = Text(f"and {len(rows) - _MAX_ROWS} more")
        return table

    @contextmanager
    def on_terminal(self) -> Iterator[None]:
        """Show the table on the terminal until the run ends.

        Raises:
            VerbRefused: there is no terminal.
        """
        console = require_terminal()
        with Live(
            console=console,
            get_renderable=self.table,
            refresh_per_second=_REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            yield


def require_terminal() -> Console:
    """The terminal that standard output goes to.

    Raises:
        VerbRefused: there is none.
    """
    if not sys.stdout.isatty():
        raise VerbRefused("--live needs a terminal; use --trace and look at the file with `report`")
    return Console()
