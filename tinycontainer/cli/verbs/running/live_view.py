"""``run --live``: what the containers do, while they do it, in wall time on a terminal."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.text import Figure, flatten, show
from tinycontainer.trace import Account, Row, Tally, TraceEvent, events, from_pairs
from tinycontainer.trace.sinks import Locate, locate_by_number

from ...printing import add_column
from ...usage import (
    TIME_KEYS,
    WORK_KEYS,
    format_share,
    usage_cells,
    usage_heads,
)
from ...verb import VerbRefused

_REFRESHES_PER_SECOND: Final = 8
_MAX_ROWS: Final = 40
_MAX_REFUSALS: Final = 8
_REFUSAL_COLUMNS: Final = 72
_LEFT_OUT: Final = MappingProxyType({"ran ms": 2, "priority": 2, "hook": 1})
"""Columns that a narrow terminal does without, in this order, and the gap for which they go."""


@dataclass(slots=True)
class LiveView:
    """A sink that a terminal shows while events arrive.

    Attributes:
        tally: counts the same events.
        monotonic_ns: the time of the host, for what has passed since the last event.
        locate: says where a trap was.
    """

    tally: Tally
    monotonic_ns: Callable[[], int]
    locate: Locate = locate_by_number
    _priorities: dict[bytes, int] = field(default_factory=dict)
    _refusals: dict[bytes, str] = field(default_factory=dict)
    _hooks: dict[bytes, str] = field(default_factory=dict)
    _seen: tuple[int, int] = (0, 0)

    def __call__(self, event: TraceEvent) -> None:
        """Accept one event."""
        self._seen = event.at_ns, self.monotonic_ns()
        match event:
            case events.Dispatched(uid=uid):
                self._priorities[uid] = event.rank
            case events.Reconfigured(uid=uid):
                self._priorities[uid] = event.priority
            case events.HookBegan(uid=uid):
                self._hooks[uid] = event.hook
            case events.HookEnded(uid=uid):
                self._hooks.pop(uid, None)
                if event.frames:
                    place = self.locate(uid, from_pairs(event.frames))
                    self._note(uid, f"{event.hook}: {event.detail} {place}")
            case events.Refused(uid=uid):
                self._note(uid, f"{event.call}({event.subject}): {event.reason}")
            case events.LoadRefused(uid=uid):
                self._note(uid, f"{event.verb}: {event.reason}")
            case events.RightExpired(uid=uid):
                self._note(uid, f"{event.token} token: expired")
            case events.Withdrawn(uid=uid):
                self._note(uid, f"all rights withdrawn by sequence {event.sequence}")
            case events.ReplacementUndone(uid=uid):
                self._note(uid, f"replacement undone: {event.reason}")

    def _note(self, uid: bytes, refusal: str) -> None:
        """Keep a refusal, as the newest."""
        self._refusals.pop(uid, None)
        self._refusals[uid] = refusal

    def show(self, columns: int) -> Group:
        """The present state: a table with a row for each container, and the last refusals.

        Args:
            columns: how wide the terminal is.
        """
        rows = list(self.tally.rows.values())  # a copy: rich calls this from a thread of its own
        at_ns, seen_ns = self._seen
        now_ns = at_ns + max(0, self.monotonic_ns() - seen_ns) if seen_ns else 0
        account = self.tally.account(now_ns)
        lines: list[Mapping[str, object]] = [self._cells(row, account) for row in rows[:_MAX_ROWS]]
        idle_share = format_share(account.idle_share / 100, account.idle_ns)
        lines.append({"state": "idle", "share": idle_share})
        parts: list[RenderableType] = [
            Text(f"{now_ns / NS_PER_MS:.0f} ms of device time; end with ctrl-c", style="bold"),
            _make_table(lines, columns),
        ]
        if len(rows) > _MAX_ROWS:
            parts.append(Text(f"and {len(rows) - _MAX_ROWS} more"))
        return Group(*parts, *self._last_refusals())

    def _cells(self, row: Row, account: Account) -> dict[str, object]:
        """The cells of a container by the heads of their columns."""
        used_ns = account.used_ns.get(row.uid, 0)  # also since the last event
        statistics = replace(row.statistics, execution_ns=used_ns)
        values = statistics.as_dict(account.shares.get(row.uid, 0))
        return {
            "container": show(row.uid),
            "state": row.state,
            "hook": self._hooks.get(row.uid, ""),
            "priority": Figure(self._priorities.get(row.uid, "")),
            **_by_head(TIME_KEYS, usage_cells(values, TIME_KEYS)),
            **_by_head(WORK_KEYS, usage_cells(values, WORK_KEYS)),
        }

    def _last_refusals(self) -> Iterator[Text]:
        newest = list(self._refusals.items())[: -_MAX_REFUSALS - 1 : -1]
        if newest:
            yield Text("Last refusals", style="bold")
        for uid, refusal in newest:
            yield Text(f"{show(uid)}  {flatten(refusal)[:_REFUSAL_COLUMNS]}")

    @contextmanager
    def on_terminal(self) -> Iterator[None]:
        """Show the table on the terminal until the run ends.

        Raises:
            VerbRefused: there is no terminal.
        """
        console = require_terminal()
        with Live(
            console=console,
            get_renderable=lambda: self.show(console.width),
            refresh_per_second=_REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            yield


def _by_head(keys: Sequence[str], cells: Sequence[Figure]) -> Mapping[str, Figure]:
    return dict(zip(usage_heads(keys), cells, strict=True))


def _make_table(lines: Sequence[Mapping[str, object]], columns: int) -> Table:
    """A table of the columns for which there is room; without borders, so that there is more."""
    heads = ["container", "state", "hook", "priority", *usage_heads((*TIME_KEYS, *WORK_KEYS))]
    cells = {head: [line.get(head, Figure("")) for line in lines] for head in heads}
    widths = {head: max(map(len, (head, *map(str, column)))) for head, column in cells.items()}
    for head, gap in _LEFT_OUT.items():
        if _full_width(widths, gap) > columns:
            del widths[head]
    gap = 2 if _full_width(widths, 2) <= columns else 1
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    for head in widths:
        add_column(table, head, cells[head])
    for place in range(len(lines)):
        table.add_row(*(Text(flatten(str(cells[head][place]))) for head in widths))
    return table


def _full_width(widths: Mapping[str, int], gap: int) -> int:
    return sum(widths.values()) + gap * (len(widths) - 1)


def require_terminal() -> Console:
    """The terminal that standard output goes to.

    Raises:
        VerbRefused: there is none.
    """
    if not sys.stdout.isatty():
        raise VerbRefused("--live needs a terminal; use --trace and look at the file with `report`")
    return Console()
