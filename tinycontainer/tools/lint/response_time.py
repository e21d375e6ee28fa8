"""How late loops can be: response-time analysis for fixed priorities with slices among equals.

All times in ns. `specs/lint.md` states the formulas, why they hold, and what they assume.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

_MOST_STEPS: Final = 1000
"""Steps of an iteration; after them a bound in closed form is used instead."""


@dataclass(frozen=True, slots=True)
class Task:
    """The loops of one container.

    Attributes:
        rank: lower is better.
        cost_ns: longest execution of one loop; None for no limit.
        period_ns: shortest time between two of them becoming due; 0: due again at once.
        jobs: how many loops there are at most; None for no limit.
    """

    rank: int
    cost_ns: int | None
    period_ns: int
    jobs: int | None = None

    @property
    def is_endless(self) -> bool:
        """Whether it leaves nothing to those of a worse rank."""
        return self.cost_ns is None or (self.period_ns == 0 and self.jobs is None)

    @property
    def utilisation(self) -> Fraction:
        """Its share of the processor in the long run; 0 for what is endless or soon over."""
        if self.cost_ns is None or self.period_ns == 0:
            return Fraction(0)
        return Fraction(self.cost_ns, self.period_ns)

    def demand_ns(self, releases: int) -> int:
        """The most that so many loops execute; only for a task that is not endless."""
        releases = releases if self.jobs is None else min(releases, self.jobs)
        return releases * (self.cost_ns or 0)

    def releases(self, window_ns: int, carried: int = 0) -> int:
        """How many loops can become due in a window, with those carried into it."""
        if self.period_ns == 0:
            return self.jobs or 0
        return -(-window_ns // self.period_ns) + carried


@dataclass(frozen=True, slots=True)
class Sharing:
    """How the processor is shared.

    Attributes:
        slice_ns: how long a task runs before an equal has its turn.
        unit_ns: longest stretch that is not interrupted.
    """

    slice_ns: int
    unit_ns: int


@dataclass(frozen=True, slots=True)
class Lateness:
    """The worst case of one task's loops.

    Attributes:
        response_ns: from being due until the loop has ended.
        start_ns: from being due until the loop has begun.
    """

    response_ns: int
    start_ns: int


def utilisation_until(tasks: Sequence[Task], rank: int) -> Fraction:
    """Share of the processor that a rank and all better ones use together."""
    return sum((task.utilisation for task in tasks if task.rank <= rank), Fraction(0))


def find_lateness(task: Task, others: Sequence[Task], sharing: Sharing) -> Lateness | None:
    """Find the worst case of a task among others.

    Args:
        task: with a limited cost.
        others: all other tasks.
        sharing: how they share.

    Returns:
        None if nothing bounds it, because better ranks use all the time.
    """
    better = [other for other in others if other.rank < task.rank]
    equals = [other for other in others if other.rank == task.rank]
    if any(other.is_endless for other in better) or sum(o.utilisation for o in better) >= 1:
        return None
    response_ns = _response_by_slices(task, better, equals, sharing)
    busy_ns = _response_by_load(task, better, equals, sharing)
    if busy_ns is not None:
        response_ns = min(response_ns, busy_ns)
    return Lateness(response_ns, _find_start(better, equals, sharing))


def _response_by_slices(
    task: Task, better: Sequence[Task], equals: Sequence[Task], sharing: Sharing
) -> int:
    """Every equal has at most one turn for each slice of the task's own.

    R = C + B + sum over better ceil(R/T) C + sum over equals min(k (q + B), (ceil(R/T) + 1) C)
    """
    cost_ns = task.cost_ns or 0
    unit_ns = sharing.unit_ns
    turns_ns = -(-cost_ns // sharing.slice_ns) * (sharing.slice_ns + unit_ns)

    def equal_ns(other: Task, window_ns: int) -> int:
        if other.is_endless:
            return turns_ns
        return min(turns_ns, other.demand_ns(other.releases(window_ns, carried=1)))

    def demand_ns(window_ns: int) -> int:
        return (
            cost_ns
            + unit_ns
            + sum(other.demand_ns(other.releases(window_ns)) for other in better)
            + sum(equal_ns(other, window_ns) for other in equals)
        )

    ceiling_ns = _bound_in_closed_form(cost_ns + unit_ns + turns_ns * len(equals), better)
    found_ns = _find_fixed_point(cost_ns + unit_ns, demand_ns, ceiling_ns)
    return ceiling_ns if found_ns is None else found_ns


def _response_by_load(
    task: Task, better: Sequence[Task], equals: Sequence[Task], sharing: Sharing
) -> int | None:
    """Every equal is served first; None beyond the period, where this proves nothing.

    R = C + B + sum over better and equals ceil(R/T) C
    """
    served_first = (*better, *equals)
    if any(other.is_endless for other in served_first):
        return None
    own_ns = (task.cost_ns or 0) + sharing.unit_ns

    def demand_ns(window_ns: int) -> int:
        return own_ns + sum(o.demand_ns(o.releases(window_ns)) for o in served_first)

    return _find_fixed_point(own_ns, demand_ns, task.period_ns)


def _find_start(better: Sequence[Task], equals: Sequence[Task], sharing: Sharing) -> int:
    """Every equal has at most one turn before the task's first.

    S = B + sum over equals min(q + B, C) + sum over better (floor(S/T) + 1) C
    """
    turn_ns = sharing.slice_ns + sharing.unit_ns
    own_ns = sharing.unit_ns + sum(
        turn_ns if other.cost_ns is None else min(turn_ns, other.cost_ns) for other in equals
    )

    def demand_ns(window_ns: int) -> int:
        # The next nanosecond's releases are included: a better task that becomes due together with
        # this one is served first.
        return own_ns + sum(o.demand_ns(o.releases(window_ns + 1)) for o in better)

    ceiling_ns = _bound_in_closed_form(own_ns + 1, better)
    found_ns = _find_fixed_point(own_ns, demand_ns, ceiling_ns)
    return ceiling_ns if found_ns is None else found_ns


def _bound_in_closed_form(own_ns: int, better: Sequence[Task]) -> int:
    """The bound of the iteration, which follows from ceil(R/T) C being at most R U + C."""
    once_ns = sum(
        other.demand_ns(other.releases(0, carried=1)) for other in better if other.period_ns
    ) + sum(other.demand_ns(other.jobs or 0) for other in better if not other.period_ns)
    left = 1 - sum((other.utilisation for other in better), Fraction(0))
    whole = Fraction(own_ns + once_ns) / left
    return -(-whole.numerator // whole.denominator)


def _find_fixed_point(window_ns: int, demand_ns: Callable[[int], int], limit_ns: int) -> int | None:
    """The least window that covers its demand; None beyond the limit, or after too many steps."""
    for _ in range(_MOST_STEPS):
        needed_ns = demand_ns(window_ns)
        if needed_ns <= window_ns:
            return window_ns
        if needed_ns > limit_ns:
            return None
        window_ns = needed_ns
    return None
