"""Changes in the timing of a container, in words with numbers."""

from collections.abc import Iterator

from tinycontainer.metadata import Timing

TimingChange = tuple[str, str]
"""The kind, such as ``raised``, and a clause that says it."""


def list_timing_changes(old: Timing, new: Timing) -> Iterator[TimingChange]:
    """The differences between two timings as they apply; 0 is no limit in both."""
    if (old.loop_max_ms, old.period_ms) != (new.loop_max_ms, new.period_ms):
        yield _share_kind(old, new), f"runs {_loop(new)} instead of {_loop(old)}"
    if old.period_max_ms != new.period_max_ms:
        yield (
            _limit_kind(old.period_max_ms, new.period_max_ms),
            f"the longest gap between two loop starts is {_gap(new)} instead of {_gap(old)}",
        )
    if old.lifetime_loops != new.lifetime_loops:
        yield (
            _limit_kind(old.lifetime_loops, new.lifetime_loops),
            f"one start lasts {_lifetime(new)} instead of {_lifetime(old)}",
        )
    for hook in ("start", "stop"):
        before = getattr(old, f"{hook}_max_ms")
        after = getattr(new, f"{hook}_max_ms")
        if before != after:
            yield (
                _limit_kind(before, after),
                f"its {hook} hook may take {_upto(after)} instead of {_upto(before)}",
            )
    if old.priority != new.priority:
        kind = "raised" if new.priority < old.priority else "lowered"
        change = f"priority {kind} from {old.priority} to {new.priority}"
        yield kind, f"{change} (0 is the highest)"


def _loop(timing: Timing) -> str:
    if timing.period_ms == 0:
        limit = f"up to {timing.loop_max_ms} ms a loop" if timing.loop_max_ms else "without limit"
        return f"{limit}, loop after loop"
    if timing.loop_max_ms == 0:
        return f"without limit every {timing.period_ms} ms"
    share = 100 * timing.loop_max_ms / timing.period_ms
    return f"up to {timing.loop_max_ms} ms of every {timing.period_ms} ms ({share:.3g} %)"


def _gap(timing: Timing) -> str:
    return (
        f"{timing.period_max_ms} ms" if timing.period_max_ms else "until the wake-up after the next"
    )


def _lifetime(timing: Timing) -> str:
    return f"{timing.lifetime_loops} loops" if timing.lifetime_loops else "any number of loops"


def _upto(limit_ms: int) -> str:
    return f"up to {limit_ms} ms" if limit_ms else "any time"


def _limit_kind(old: int, new: int) -> str:
    """Whether a limit was raised or lowered, where 0 is none."""
    return "raised" if old and (new == 0 or new > old) else "lowered"


def _share_kind(old: Timing, new: Timing) -> str:
    """Whether a container may take more of the time, or less."""
    before = _share(old)
    after = _share(new)
    if before == after:
        return "changed"
    return "raised" if after > before else "lowered"


def _share(timing: Timing) -> float:
    if timing.loop_max_ms == 0 or timing.period_ms == 0:
        return 1.0
    return timing.loop_max_ms / timing.period_ms
