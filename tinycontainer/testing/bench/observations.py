"""What is seen of a device on the bench: a sink that keeps what tests ask for, within bounds."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tinycontainer.interfaces.clock import NS_PER_MS, NS_PER_US
from tinycontainer.symbols.places import Symbolizer
from tinycontainer.symbols.symbol_directory import Symbols
from tinycontainer.tools.pictures import Timeline, TimelineBuilder
from tinycontainer.trace import TraceEvent, events, from_pairs

KEPT_NS: Final = 50 * NS_PER_MS
"""How far back the report of a failed test goes."""
MAX_RECENT: Final = 2000
MAX_LINES: Final = 100_000
MAX_ITEMS: Final = 50_000
_FAULT: Final = "fault"


@dataclass(frozen=True, slots=True)
class MeasuredHook:
    """A hook of a container that has ended, and what it used.

    Attributes:
        hook: start, loop or stop.
        number: counts the loops of a start from 1; 0 for other hooks.
        how: completed, trapped, overrun or aborted.
        result: what a loop returned.
        instructions: what it was charged for, its calls included.
        used_us: its execution time in microseconds of device time.
        memory_bytes: how much memory the container has at its end; 0 if its runtime does not say.
        ended_ms: device time of its end.
        detail: code and place of a trap; untrusted text.
    """

    hook: str
    number: int
    how: str
    result: int
    instructions: int
    used_us: int
    memory_bytes: int
    ended_ms: float
    detail: str = ""


@dataclass(slots=True)
class Seen:
    """What was seen of one container.

    Attributes:
        lines: lines of its log, as text.
        hooks: its hooks that have ended.
        refusals: its calls that were refused.
        writes: what it has written, by endpoint id; one entry for each call.
        faults: why it was stopped by a fault, each with its time in ms.
        dropped: log lines and refusals beyond the device's rate, which are not recorded.
        loop: number of the loop in progress.
        in_progress: the hook in progress and since when, in words; empty if there is none.
        endpoints: endpoint ids of its descriptors.
    """

    lines: list[str] = field(default_factory=list)
    hooks: list[MeasuredHook] = field(default_factory=list)
    refusals: list[events.Refused] = field(default_factory=list)
    writes: dict[int, list[bytes]] = field(default_factory=dict)
    faults: list[tuple[float, str]] = field(default_factory=list)
    dropped: int = 0
    loop: int = 0
    in_progress: str = ""
    endpoints: dict[int, int] = field(default_factory=dict)


class Observations:
    """A sink for all events of a device.

    Args:
        symbols: debug information of the containers under test.

    Attributes:
        count: how many events there were.
        symbolizer: knows where in their sources they trap.
    """

    def __init__(self, symbols: Symbols) -> None:
        self.symbolizer = Symbolizer(symbols)
        self._builder = TimelineBuilder(max_items=MAX_ITEMS)
        self._recent: deque[TraceEvent] = deque(maxlen=MAX_RECENT)
        self._seen: dict[bytes, Seen] = {}
        self.count = 0

    def __call__(self, event: TraceEvent) -> None:
        """Accept one event."""
        self.count += 1
        self.symbolizer(event)
        self._builder(event)
        self._recent.append(event)
        uid = getattr(event, "uid", None)
        if isinstance(uid, bytes):
            self._note(self.of(uid), event)

    def of(self, uid: bytes) -> Seen:
        """What was seen of a container."""
        return self._seen.setdefault(uid, Seen())

    def recent(self) -> Iterator[TraceEvent]:
        """The newest events, `MAX_RECENT` at most."""
        return iter(self._recent)

    def timeline(self, now_ns: int) -> Timeline:
        """Who ran when until now; ask for it once, at the end."""
        return self._builder.build(now_ns)

    def _note(self, seen: Seen, event: TraceEvent) -> None:
        match event:
            case events.Logged():
                if len(seen.lines) < MAX_LINES:
                    seen.lines.append(event.line.decode("utf-8", "backslashreplace"))
            case events.HookBegan():
                self._begin_hook(seen, event)
            case events.HookEnded():
                seen.in_progress = ""
                seen.hooks.append(self._measure(seen, event))
            case events.Refused():
                seen.refusals.append(event)
            case events.Called():
                _note_call(seen, event)
            case events.Dropped():
                seen.dropped += event.logs + event.refusals
            case events.Transitioned(trigger=trigger) if trigger == _FAULT:
                place = self.symbolizer.describe(event.uid, from_pairs(event.frames))
                reason = " ".join(filter(None, (event.reason, place)))
                seen.faults.append((event.at_ns / NS_PER_MS, reason))

    def _begin_hook(self, seen: Seen, event: events.HookBegan) -> None:
        seen.loop = event.number
        number = f" {event.number}" if event.number else ""
        seen.in_progress = f"in {event.hook}{number} since {event.at_ns / NS_PER_MS:.3f} ms"

    def _measure(self, seen: Seen, event: events.HookEnded) -> MeasuredHook:
        return MeasuredHook(
            hook=str(event.hook),
            number=seen.loop,
            how=event.how,
            result=event.result,
            instructions=event.instructions,
            used_us=event.used_ns // NS_PER_US,
            memory_bytes=event.memory_bytes,
            ended_ms=event.at_ns / NS_PER_MS,
            detail=event.detail,
        )


def _note_call(seen: Seen, event: events.Called) -> None:
    if event.call == "open":
        seen.endpoints[event.result] = event.subject
    elif event.call == "write" and event.subject in seen.endpoints and event.data:
        seen.writes.setdefault(seen.endpoints[event.subject], []).append(event.data)
