"""What a failed test shows of its device: the last 50 ms, who ran when, logs and traps."""

from collections.abc import Iterator
from typing import Final

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.text import flatten, show
from tinycontainer.tools.pictures import clip_timeline, text_chart
from tinycontainer.trace import TraceEvent, describe, events
from tinycontainer.trace.sinks import Locate

from .observations import KEPT_NS
from .rig import Rig

_COLUMNS: Final = 100
_MAX_EVENTS: Final = 60
_MIN_EVENTS: Final = 12
"""As many are shown even if they are older."""
_MAX_LINES: Final = 20
_DATA_BYTES: Final = 32


def describe_rig(rig: Rig) -> str:
    """The lines that the report of a failed test has about a device."""
    return "\n".join(_lines(rig))


def _lines(rig: Rig) -> Iterator[str]:
    now_ns = rig.device.now_ns
    engine = f", on {rig.engine}" if rig.engine else ""
    yield f"{rig.name}{engine}, at {now_ns / NS_PER_MS:.3f} ms of device time"
    for view in rig.device:
        facts = [str(view.state), f"{view.loops} loops"]
        facts += [rig.observations.of(view.uid).in_progress]
        facts += [f"last ended: {flatten(str(view.last_exit))}"] if view.last_exit else []
        facts += [] if view.uid in rig.uids else ["played by the test"]
        yield f"{show(view.uid)}: {', '.join(filter(None, facts))}"
    timeline = clip_timeline(rig.observations.timeline(now_ns), now_ns - KEPT_NS, now_ns)
    yield from ("", "The last 50 ms:", *text_chart(timeline, _COLUMNS), "")
    yield from _recent_lines(rig, now_ns)
    for uid in rig.uids:
        yield from _log_lines(rig, uid)


def _recent_lines(rig: Rig, now_ns: int) -> Iterator[str]:
    locate = rig.observations.symbolizer.describe
    described = [(event, _describe(event, locate)) for event in rig.observations.recent()]
    found = [(event, line) for event, line in described if line is not None]
    young = sum(event.at_ns >= now_ns - KEPT_NS for event, _ in found)
    if young > _MAX_EVENTS:
        yield f"({young - _MAX_EVENTS} earlier events of these 50 ms are not shown)"
    shown = min(_MAX_EVENTS, max(_MIN_EVENTS, young))
    for event, line in found[-shown:]:
        uid = show(getattr(event, "uid", b""), 20)
        yield f"{event.at_ns / NS_PER_MS:12.3f} ms  {uid:<16}  {line}"


def _log_lines(rig: Rig, uid: bytes) -> Iterator[str]:
    seen = rig.observations.of(uid)
    if seen.lines:
        cut = f", the last {_MAX_LINES} of {len(seen.lines)}" * (len(seen.lines) > _MAX_LINES)
        yield from ("", f"Log of {show(uid)}{cut}:")
        yield from (f"  {show(line)}" for line in seen.lines[-_MAX_LINES:])
    if seen.dropped:
        yield f"  ({seen.dropped} log lines and refusals were beyond the device's rate)"
    for at_ms, reason in seen.faults[-_MAX_LINES:]:
        yield f"Fault of {show(uid)} at {at_ms:.3f} ms: {flatten(reason)}"


def _describe(event: TraceEvent, locate: Locate) -> str | None:
    match event:
        case events.Called():
            data = f' "{show(event.data, _DATA_BYTES)}"' if event.data else ""
            return f"{event.call}({event.subject}) = {event.result}{data}"
        case events.HookBegan():
            return f"{event.hook}{f' {event.number}' if event.number else ''} begins"
        case events.HookEnded():
            detail = f": {flatten(event.detail)}" if event.detail else ""
            return f"{event.hook} {event.how}, {event.instructions} instructions{detail}"
    return describe(event, locate)
