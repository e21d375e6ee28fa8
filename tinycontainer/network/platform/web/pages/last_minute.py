"""The last minute of a device as a picture: values in, geometry out.

What is not known is no activity and no rest: it is a gap, and said in words.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from tinycontainer.interfaces.clock import NS_PER_MS

from ...delivery.progress import ContainerState, ReportedContainer
from ...rollouts.watching import MINUTE_S, DeviceLook

WIDTH: Final = 600
HEIGHT: Final = 40
MOST_MARKS: Final = 100
"""In a lane."""
_GAP_S: Final = 5.0
"""Two looks further apart say nothing of the time between."""
_SCALES: Final = (0.0001, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Share of the processor that is all of the height of a lane."""
_HATCH: Final = 10
"""From one line of a hatched stretch to the next."""
_LEAST_SHOWN: Final = 0.0001
"""Share of the processor."""
_NS_PER_S: Final = 1000 * NS_PER_MS
_ABSENT: Final = "not there"


class MinuteMarkKind(StrEnum):
    """What happened at a mark."""

    CRASH = "crash"
    REFUSAL = "refusal"
    """Of a load, a start or another change."""
    REFUSED_CALL = "refused call"
    MISS = "missed deadline"


_SEVERAL: Final = {
    MinuteMarkKind.CRASH: "crashes",
    MinuteMarkKind.REFUSAL: "refusals",
    MinuteMarkKind.REFUSED_CALL: "refused calls",
    MinuteMarkKind.MISS: "missed deadlines",
}


@dataclass(frozen=True, slots=True)
class MinuteSpan:
    """A stretch of a lane.

    Attributes:
        x: where it begins, 0 to `WIDTH`.
        width: of it.
        state: of the container; empty if it is not known, ``not there`` if there is none.
    """

    x: float
    width: float
    state: str


@dataclass(frozen=True, slots=True)
class MinuteMark:
    """Something that happened.

    Attributes:
        x: when, 0 to `WIDTH`.
        kind: what.
    """

    x: float
    kind: MinuteMarkKind


@dataclass(frozen=True, slots=True)
class MinuteLane:
    """A container in the last minute.

    Attributes:
        uid: of it.
        spans: its states, without a gap between them.
        hatch: a path of SVG: lines over the spans of which nothing is known; empty for none.
        work: a path of SVG: what it used of the processor; empty if it is not known to use any.
        marks: the oldest first.
        words: the same for those who do not see it, without a full stop.
    """

    uid: bytes
    spans: tuple[MinuteSpan, ...]
    hatch: str
    work: str
    marks: tuple[MinuteMark, ...]
    words: str


@dataclass(frozen=True, slots=True)
class LastMinute:
    """The picture.

    Attributes:
        lanes: by uid.
        scale_percent: the share of the processor that is all of the height of a lane; 0 if no
            container is known to use any.
        unknown_s: for how many of the 60 s nothing is known.
    """

    lanes: tuple[MinuteLane, ...]
    scale_percent: float
    unknown_s: int


@dataclass(frozen=True, slots=True)
class MinuteEvent:
    """An event that has a mark.

    Attributes:
        uid: of the container.
        at_s: Unix time.
        kind: what it was.
    """

    uid: bytes
    at_s: float
    kind: MinuteMarkKind


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What is known of a container between two looks.

    Attributes:
        begin_s, end_s: Unix time.
        state: as for `MinuteSpan`.
        share: of the processor, 0 to 1; None if it is not known.
        refused_calls, misses: how many came in between.
    """

    begin_s: float
    end_s: float
    state: str
    share: float | None = None
    refused_calls: int = 0
    misses: int = 0


def draw_last_minute(
    looks: Sequence[DeviceLook], events: Iterable[MinuteEvent], uids: Iterable[bytes], now_s: float
) -> LastMinute:
    """Draw the 60 s that end now, or with the newest look if that is a moment ago.

    Args:
        looks: at the device, the oldest first.
        events: that are known.
        uids: of containers that have a lane in any case.
        now_s: Unix time.
    """
    end_s = looks[-1].at_s if looks and now_s - _GAP_S < looks[-1].at_s <= now_s else now_s
    begin_s = end_s - MINUTE_S
    seen = [each for each in looks if begin_s <= each.at_s <= end_s]
    found = {uid for look in seen if look.containers for uid in look.containers}
    stretches = {uid: _read(uid, seen, begin_s, end_s) for uid in sorted(found.union(uids))}
    most = max((each.share or 0.0 for row in stretches.values() for each in row), default=0.0)
    scale = next((each for each in _SCALES if most <= each), 1.0) if most else 0.0
    by_uid: dict[bytes, list[MinuteEvent]] = {}
    for event in events:
        if begin_s <= event.at_s <= end_s + 1:
            by_uid.setdefault(event.uid, []).append(event)
    lanes = tuple(
        _draw(uid, row, by_uid.get(uid, []), begin_s, scale) for uid, row in stretches.items()
    )
    known_s = sum(max(0.0, b.at_s - a.at_s) for a, b in pairwise(seen) if _is_known(a, b))
    return LastMinute(lanes, 100 * scale, round(MINUTE_S - known_s))


def _read(uid: bytes, looks: Sequence[DeviceLook], begin_s: float, end_s: float) -> list[_Stretch]:
    """All of the minute of a container, the oldest first."""
    found, at_s = [], begin_s
    for before, after in pairwise(looks):
        if before.at_s > at_s:
            found.append(_Stretch(at_s, before.at_s, ""))
        found.append(_read_between(uid, before, after))
        at_s = after.at_s
    if at_s < end_s:
        found.append(_Stretch(at_s, end_s, ""))
    return found


def _is_known(before: DeviceLook, after: DeviceLook) -> bool:
    is_near = 0 < after.at_s - before.at_s <= _GAP_S
    return is_near and before.containers is not None and after.containers is not None


def _read_between(uid: bytes, before: DeviceLook, after: DeviceLook) -> _Stretch:
    bare = _Stretch(before.at_s, after.at_s, "")
    if not _is_known(before, after) or before.containers is None or after.containers is None:
        return bare
    first, last = before.containers.get(uid), after.containers.get(uid)
    if first is None:
        return _Stretch(before.at_s, after.at_s, _ABSENT)
    if last is None or not _goes_on(first, last):
        return _Stretch(before.at_s, after.at_s, first.state.value)
    return _compare(first, last, before.at_s, after.at_s)


def _goes_on(first: ReportedContainer, last: ReportedContainer) -> bool:
    """Whether what was used can be compared: it counts from the load on."""
    if first.usage is None or last.usage is None or first.sha256 != last.sha256:
        return False
    return last.usage.execution_ns >= first.usage.execution_ns


def _compare(
    first: ReportedContainer, last: ReportedContainer, begin_s: float, end_s: float
) -> _Stretch:
    state = first.state.value
    if first.usage is None or last.usage is None:
        return _Stretch(begin_s, end_s, state)
    used_s = (last.usage.execution_ns - first.usage.execution_ns) / _NS_PER_S
    return _Stretch(
        begin_s=begin_s,
        end_s=end_s,
        state=state,
        share=min(1.0, used_s / (end_s - begin_s)),
        refused_calls=max(0, last.usage.refusals - first.usage.refusals),
        misses=max(0, last.usage.deadline_misses - first.usage.deadline_misses),
    )


def _draw(
    uid: bytes,
    stretches: Sequence[_Stretch],
    events: Sequence[MinuteEvent],
    begin_s: float,
    scale: float,
) -> MinuteLane:
    counted = Counter({event.kind: 0 for event in events})
    marks = []
    for event in events:
        counted[event.kind] += 1
        marks.append(MinuteMark(_place(event.at_s, begin_s), event.kind))
    for each in stretches:
        for kind, count in (
            (MinuteMarkKind.REFUSED_CALL, each.refused_calls),
            (MinuteMarkKind.MISS, each.misses),
        ):
            if count:
                counted[kind] += count
                marks.append(MinuteMark(_place(each.end_s, begin_s), kind))
    spans = _join(stretches, begin_s)
    return MinuteLane(
        uid=uid,
        spans=spans,
        hatch="".join(_hatch(each) for each in spans if not each.state),
        work=_path(stretches, begin_s, scale),
        marks=tuple(sorted(marks, key=lambda each: each.x)[-MOST_MARKS:]),
        words=_write(stretches, counted),
    )


def _hatch(span: MinuteSpan) -> str:
    """Lines over a span; at least one, so that it is seen."""
    lines = max(1, int(span.width / _HATCH))
    step = span.width / lines
    return "".join(
        f"M{span.x + step * number:.4g} {HEIGHT}l{step:.4g} {-HEIGHT}" for number in range(lines)
    )


def _join(stretches: Sequence[_Stretch], begin_s: float) -> tuple[MinuteSpan, ...]:
    """Stretches of one state as one."""
    found: list[MinuteSpan] = []
    for each in stretches:
        x, end = _place(each.begin_s, begin_s), _place(each.end_s, begin_s)
        if found and found[-1].state == each.state:
            x = found.pop().x
        found.append(MinuteSpan(x, round(end - x, 1), each.state))
    return tuple(found)


def _path(stretches: Sequence[_Stretch], begin_s: float, scale: float) -> str:
    """A column for each stretch in which it worked."""
    columns = []
    for each in stretches:
        if each.share and scale:
            height = max(1.0, round(HEIGHT * each.share / scale, 1))
            x, end = _place(each.begin_s, begin_s), _place(each.end_s, begin_s)
            columns.append(f"M{x:g} {HEIGHT}v{-height:g}h{end - x:.4g}v{height:g}z")
    return "".join(columns)


def _write(stretches: Sequence[_Stretch], counted: Mapping[MinuteMarkKind, int]) -> str:
    """A lane in words."""
    by_state: Counter[str] = Counter()
    for each in stretches:
        by_state[each.state] += round(1000 * (each.end_s - each.begin_s))
    unknown_ms = by_state.pop("", 0)
    parts = [f"{_word(state)} for {_seconds(ms)}" for state, ms in by_state.items()]
    known = [each for each in stretches if each.share is not None]
    long_s = sum(each.end_s - each.begin_s for each in known)
    if long_s:
        used_s = sum((each.share or 0.0) * (each.end_s - each.begin_s) for each in known)
        parts.append(f"{_percent(used_s / long_s)} of the processor")
    elif ContainerState.RUNNING.value in by_state:
        parts.append("the device does not say what it used")
    parts += [
        f"{count} {kind if count == 1 else _SEVERAL[kind]}" for kind, count in counted.items()
    ]
    if unknown_ms:
        parts.append(f"nothing is known of {_seconds(unknown_ms)}")
    return ", ".join(parts)


def _word(state: str) -> str:
    return state if state == _ABSENT else state.lower()


def _percent(share: float) -> str:
    if not share:
        return "none"
    return f"{round(100 * share, 2):g} %" if share >= _LEAST_SHOWN else "under 0.01 %"


def _seconds(ms: int) -> str:
    return f"{max(1, round(ms / 1000))} s"


def _place(at_s: float, begin_s: float) -> float:
    return round(min(WIDTH, max(0.0, (at_s - begin_s) * WIDTH / MINUTE_S)), 1)
