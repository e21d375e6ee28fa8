"""A timeline as Chrome trace event JSON, which Perfetto (ui.perfetto.dev) opens.

One track per container in the order of ranks: hooks as slices, in them what the container did;
above them the wait before a hook; calls, refusals, missed deadlines and faults as instants. One
track for the processor. Counters for open descriptors and for fuel: instructions so far.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from tinycontainer.text import flatten, show

from .timeline import Activity, HookSpan, Lane, Timeline

_PROCESS: Final = 1
_PROCESSOR: Final = 1
_FIRST_LANE: Final = 2
_NS_PER_US: Final = 1000


def perfetto_json(timeline: Timeline) -> str:
    """The trace as one JSON object, in ASCII, an event in each line."""
    lines = ",\n".join(json.dumps(event, separators=(",", ":")) for event in _events(timeline))
    return f'{{"displayTimeUnit":"ns","traceEvents":[\n{lines}\n]}}\n'


def _events(timeline: Timeline) -> Iterator[dict[str, Any]]:
    yield _meta("process_name", _PROCESSOR, name="device")
    yield from _track(_PROCESSOR, "processor")
    for track, lane in enumerate(timeline.lanes, start=_FIRST_LANE):
        yield from _track(track, show(lane.uid) or "(no uid)")
    for track, lane in enumerate(timeline.lanes, start=_FIRST_LANE):
        yield from _lane(track, lane)
    if timeline.is_cut:
        words = "the run is too long for single hooks from here on; what follows is only marked"
        at_ns = timeline.detailed_until_ns
        yield {"ph": "i", "s": "g", "name": words, **_place(_PROCESSOR, at_ns)}


def _lane(track: int, lane: Lane) -> Iterator[dict[str, Any]]:
    name = show(lane.uid)
    for hook in lane.hooks:
        yield _slice(
            track,
            _title(hook),
            hook.begin_ns,
            hook.end_ns,
            {
                "how": flatten(hook.how) or "not ended",
                "execution_us": hook.used_ns / _NS_PER_US,
                "instructions": hook.instructions,
            },
        )
    for span in lane.spans:
        if span.activity is Activity.RUNNING:
            yield _slice(_PROCESSOR, name, span.begin_ns, span.end_ns)
        if span.activity is not Activity.ASLEEP:
            yield _slice(track, span.activity, span.begin_ns, span.end_ns)
    for mark in lane.marks:
        yield {
            "ph": "i",
            "s": "t",
            "cat": mark.kind,
            "name": flatten(mark.text) or str(mark.kind),
            **_place(track, mark.at_ns),
        }
    for at_ns, count in lane.descriptors:
        yield _counter(track, f"descriptors of {name}", at_ns, count)
    yield from _fuel(track, name, lane)


def _fuel(track: int, name: str, lane: Lane) -> Iterator[dict[str, Any]]:
    """Instructions so far, at the beginning and the end of each hook."""
    used = 0
    for hook in lane.hooks:
        yield _counter(track, f"fuel of {name}", hook.begin_ns, used)
        used += hook.instructions
        yield _counter(track, f"fuel of {name}", hook.end_ns, used)


def _title(hook: HookSpan) -> str:
    name = flatten(hook.name)
    return f"{name} {hook.number}" if hook.number else name


def _track(track: int, name: str) -> Iterator[dict[str, Any]]:
    yield _meta("thread_name", track, name=name)
    yield _meta("thread_sort_index", track, sort_index=track)


def _meta(kind: str, track: int, **values: object) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": _PROCESS, "tid": track, "args": values}


def _slice(
    track: int, name: str, begin_ns: int, end_ns: int, values: dict[str, object] | None = None
) -> dict[str, Any]:
    length_us = (end_ns - begin_ns) / _NS_PER_US
    slice_ = {"ph": "X", "name": str(name), **_place(track, begin_ns), "dur": length_us}
    return {**slice_, "args": values} if values else slice_


def _counter(track: int, name: str, at_ns: int, value: float) -> dict[str, Any]:
    return {"ph": "C", "name": name, **_place(track, at_ns), "args": {"value": value}}


def _place(track: int, at_ns: int) -> dict[str, Any]:
    return {"pid": _PROCESS, "tid": track, "ts": at_ns / _NS_PER_US}
