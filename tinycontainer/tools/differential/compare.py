"""Two records compared, and the first difference of each container named by its kind.

Until something happens at which the engines are known to count differently (a hook that traps, or a
preemption where they stop in different places), everything has to be equal, the trace and its times
included. From then on device time is shifted between the two runs: each container's calls and
results still have to be equal, up to the numbers of descriptors, and apart from results that depend
on time or on other containers.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Final

from tinycontainer.interfaces.runtime import Ability
from tinycontainer.trace import as_dict

from .bench import Run
from .record import Act

CONTEXT_ACTS: Final = 5
"""How many acts are shown in front of a difference."""

_ON_DESCRIPTORS: Final = frozenset({"read", "write", "close"})


class DifferenceKind(StrEnum):
    """What a difference means."""

    REAL = "real"
    """The engines disagree."""
    FLOATS = "floats"
    """A known deviation of floating point: it vanishes where that is corrected."""
    TIME = "time"
    """A result that depends on time or on other containers, after time has shifted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first difference of a container, or of the trace.

    Attributes:
        kind: what it means.
        number: of the act, from 0.
        left: what it is on one engine; None if nothing more came.
        right: what it is on the other.
        before: what both did just before.
    """

    kind: DifferenceKind
    number: int
    left: Act | None
    right: Act | None
    before: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class ContainerPair:
    """One container on both engines.

    Attributes:
        uid: which.
        acts: how many acts were compared.
        hooks: how many hooks completed.
        fuel: what these were charged.
        difference: the first one; None if there is none.
    """

    uid: bytes
    acts: int
    hooks: int
    fuel: int
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs, compared.

    Attributes:
        containers: by uid.
        events: how many events of the traces are equal.
        events_due: how many have to be.
        events_differ: the first two that differ although they have to be equal, as plain values.
        preempted: whether any hook was preempted.
    """

    containers: tuple[ContainerPair, ...]
    events: int
    events_due: int
    events_differ: tuple[object, object] | None
    preempted: bool

    @property
    def kinds(self) -> frozenset[DifferenceKind]:
        """Kinds of the differences that were found."""
        found = {each.difference.kind for each in self.containers if each.difference is not None}
        # A difference of containers shows in the trace too; one in the trace alone is real.
        return frozenset(found or ({DifferenceKind.REAL} if self.events_differ else ()))

    @property
    def alike(self) -> bool:
        """Whether no difference is real."""
        return DifferenceKind.REAL not in self.kinds


def compare(left: Run, right: Run, exact: Run | None = None) -> RunComparison:
    """Compare two runs of the same containers.

    Args:
        left: on one engine.
        right: on the other.
        exact: on the left engine with floating point corrected, if there is such an engine; what
            does not differ there is a deviation of floats.
    """
    shifts = _shift(left, right), _shift(right, left)
    uids = sorted(left.record.acts.keys() | right.record.acts.keys())
    containers = []
    for uid in uids:
        found = _container(uid, left, right, shifts)
        difference = found.difference
        if exact is not None and difference is not None and difference.kind is DifferenceKind.REAL:
            again = _container(uid, exact, right, (_shift(exact, right), _shift(right, exact)))
            if again.difference is None:
                found = _as_floats(found, difference)
        containers.append(found)
    return _with_traces(left, right, shifts, containers)


def _shift(run: Run, other: Run) -> int | None:
    """How many events come before the first at which the two may count differently."""
    shared = run.abilities & other.abilities
    shifts = []
    if Ability.COUNTED_TRAPS not in shared:
        shifts.append(run.record.trapped)
    if not {Ability.PREEMPT, Ability.SHORT_UNITS} <= shared:
        shifts.append(run.record.preempted)
    return min((shift for shift in shifts if shift is not None), default=None)


def _as_floats(found: ContainerPair, difference: Difference) -> ContainerPair:
    told = Difference(
        DifferenceKind.FLOATS,
        difference.number,
        difference.left,
        difference.right,
        difference.before,
    )
    return ContainerPair(found.uid, found.acts, found.hooks, found.fuel, told)


def _container(
    uid: bytes, left: Run, right: Run, shifts: tuple[int | None, int | None]
) -> ContainerPair:
    ours, theirs = left.record.acts.get(uid, []), right.record.acts.get(uid, [])
    counted = Ability.COUNTED_TRAPS in left.abilities & right.abilities
    walk = _Walk(shifts, counted)
    for number, (one, other) in enumerate(zip_longest(ours, theirs)):
        kind = walk.kind_of(one, other)
        if kind is not None:
            before = tuple(ours[max(0, number - CONTEXT_ACTS) : number])
            difference = Difference(kind, number, one, other, before)
            return ContainerPair(uid, number, walk.hooks, walk.fuel, difference)
        if walk.over:
            break
    return ContainerPair(uid, min(len(ours), len(theirs)), walk.hooks, walk.fuel, None)


class _Walk:
    """Goes through the acts of one container on both engines."""

    def __init__(self, shifts: tuple[int | None, int | None], counted_traps: bool) -> None:
        self._shifts, self._counted_traps = shifts, counted_traps
        self._renumbered = False
        self.over = False
        self.hooks = self.fuel = 0

    def kind_of(self, one: Act | None, other: Act | None) -> DifferenceKind | None:
        """The kind of a difference; None if there is none."""
        shifted = self._is_shifted(one, 0) or self._is_shifted(other, 1)
        if one is None or other is None:
            # In shifted time one of them may have come further when the run ended.
            self.over = shifted or not any(shift is None for shift in self._shifts)
            return None if self.over else DifferenceKind.REAL
        if shifted and "memory" in (one.what, other.what):
            self.over = True  # the run's end, somewhere in a hook
            return None
        if not (self._alike_in_shifted_time(one, other) if shifted else self._alike(one, other)):
            return self._told_apart(one, other) if shifted else DifferenceKind.REAL
        if one.what == "completed":
            self.hooks += 1
            self.fuel += one.fuel or 0
        return None

    def _is_shifted(self, act: Act | None, side: int) -> bool:
        shift = self._shifts[side]
        return act is not None and shift is not None and act.event > shift

    def _alike(self, one: Act, other: Act) -> bool:
        if one.what == "trapped" and not self._counted_traps:
            return (one.what, one.arguments, one.result, one.memory) == (
                (other.what, other.arguments, other.result, other.memory)
            )
        return one == other

    def _alike_in_shifted_time(self, one: Act, other: Act) -> bool:
        if (one.what, one.endpoint) != (other.what, other.endpoint):
            return False
        ours, theirs = one.arguments, other.arguments
        if one.what in _ON_DESCRIPTORS and ours[0] != theirs[0]:
            self._renumbered = True
            ours, theirs = ours[1:], theirs[1:]
        if ours != theirs:
            return False
        if one.what == "open" and one.result != other.result:
            self._renumbered = True
            return min(_number(one.result), 1) == min(_number(other.result), 1)
        if one.what == "completed" and one.fuel != other.fuel:
            return False
        return one.result == other.result and (self._renumbered or one.memory == other.memory)

    def _told_apart(self, one: Act, other: Act) -> DifferenceKind:
        by_time = "state" in (one.what, other.what)
        unsteady = one.what == other.what and not (one.steady and other.steady)
        return DifferenceKind.TIME if by_time or unsteady else DifferenceKind.REAL


def _number(result: object) -> int:
    return result if isinstance(result, int) else 0


def _with_traces(
    left: Run, right: Run, shifts: tuple[int | None, int | None], containers: list[ContainerPair]
) -> RunComparison:
    due = min((shift for shift in shifts if shift is not None), default=None)
    ours, theirs = left.record.events[:due], right.record.events[:due]
    number = 0
    differ: tuple[object, object] | None = None
    for one, other in zip_longest(ours, theirs):
        first = None if one is None else as_dict(one, with_data=True)
        second = None if other is None else as_dict(other, with_data=True)
        if first != second:
            differ = first, second
            break
        number += 1
    preempted = any(run.record.preempted is not None for run in (left, right))
    return RunComparison(tuple(containers), number, max(len(ours), len(theirs)), differ, preempted)
