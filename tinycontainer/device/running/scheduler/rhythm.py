"""When a container's next loop is due, and by when it has to have begun: pure functions."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WakeUp:
    """The next planned loop.

    Attributes:
        at_ns: when it is due.
        skipped: planned wake-ups that passed meanwhile and are not made up.
    """

    at_ns: int
    skipped: int


def next_wakeup(planned_ns: int, period_ns: int, now_ns: int) -> WakeUp:
    """Plan the loop after the one that has just ended.

    Args:
        planned_ns: when the ended loop was planned.
        period_ns: 0: due at once.
        now_ns: when the loop ended.
    """
    if period_ns == 0:
        return WakeUp(now_ns, 0)
    at_ns = planned_ns + period_ns
    if at_ns >= now_ns:
        return WakeUp(at_ns, 0)
    return WakeUp(now_ns, (now_ns - at_ns - 1) // period_ns + 1)


def gap_ends_ns(from_ns: int, period_ns: int, period_max_ns: int) -> int | None:
    """The latest moment at which a loop begins in time.

    Args:
        from_ns: when the loop is planned; with a longest gap, when the loop before it began.
        period_ns: without a longest gap the loop has until the wake-up after its own.
        period_max_ns: longest gap; 0: none is set.

    Returns:
        None if there is no such moment.
    """
    allowance_ns = period_max_ns or period_ns
    return from_ns + allowance_ns if allowance_ns else None
