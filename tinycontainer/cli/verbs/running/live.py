"""``run --live``: what the containers do, while they do it, in wall time on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.text import flatten, show
from tinycontainer.trace import Tally, TraceEvent, events

from ...output import Refusal

_REFRESHES_PER_SECOND = 8
_ROWS = 40
_REFUSAL_WIDTH = 48


@dataclass(slots=True)
class LiveView:
    """A sink that can be looked at while it listens.

    Attributes:
        tally: counts the same events.
    """

    tally: Tally
    _priorities: dict[bytes, int] = field(default_factory=dict)
    _refusals: dict[bytes, str] = field(default_factory=dict)
    _hooks: dict[bytes, str] = field(default_factory=dict)
    _now_ns: int = 0

    def __call__(self, event: TraceEvent) -> None:
        """Take one event."""
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

    def table(self) -> Table:
        """What is known now; called from another thread, so it copies before it looks."""
        rows = list(self.tally.rows.values())
        title = f"{self._now_ns / NS_PER_MS:.0f} ms of device time; end with ctrl-c"
        table = Table(title=Text(title), title_justify="left")
        columns = "container", "state", "hook", "priority", "loops", "ran ms", "fuel", "missed"
        for column in columns:
            table.add_column(column, no_wrap=True)
        table.add_column("last refusal", no_wrap=True, max_width=_REFUSAL_WIDTH)
        for row in rows[:_ROWS]:
            cells = (
                show(row.uid, 20),
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
        if len(rows) > _ROWS:
            table.caption = Text(f"and {len(rows) - _ROWS} more")
        return table

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show it on the terminal for as long as the run goes on.

        Raises:
            Refusal: there is no terminal.
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
    """The terminal that is written to.

    Raises:
        Refusal: there is none.
    """
    if not sys.stdout.isatty():
        raise Refusal("--live needs a terminal; use --trace and look at the file with `report`")
    return Console()
