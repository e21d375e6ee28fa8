"""Two records compared, and the first difference of each container named by its kind.

Until something happens at which the engines are known to count differently (a hook that traps, or a
preemption where they stop in different places), everything has to be equal, the trace and its times
included. From then on device time is shifted between the two runs: each container's calls and
results still have to be equal, up to the numbers of descriptors, and apart from results that depend
on time or on other containers.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import zip_longest
from typing import Final, TypeAlias

from tinycontainer.interfaces.runtime import Ability
from tinycontainer.trace import as_dict

from .bench import EngineRun
from .record import Act

CONTEXT_ACTS: Final = 5
"""How many acts are shown before a difference."""

Shifts: TypeAlias = tuple[int | None, int | None]
"""For each run: how many events come before its time can shift; None if it never does."""

_ON_DESCRIPTORS: Final = frozenset({"read", "write", "close"})


class DifferenceKind(StrEnum):
    """The meaning of a difference."""

    REAL = "real"
    """The engines disagree."""
    TIME = "time"
    """A result that depends on time or on other containers, after time has shifted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first difference of a container, or of the trace.

    Attributes:
        kind: its meaning.
        number: of the act, from 0.
        left: the act on one engine; None if there was no further act.
        right: the act on the other engine.
        before: the acts just before, the same on both.
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
        uid: of the container.
        acts: how many acts were compared.
        hooks: how many hooks completed.
        fuel: instructions that these were charged.
        difference: the first one; None if there is none.
        ran: whether it ran on both engines; without that nothing is known of it.
        is_wanted: whether it is of a bundle that was named, and not only beside these.
    """

    uid: bytes
    acts: int
    hooks: int
    fuel: int
    difference: Difference | None
    ran: bool = True
    is_wanted: bool = True


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs, compared.

    Attributes:
        containers: by uid.
        events: how many events of the traces are equal.
        events_due: how many must be equal.
        events_differ: the first two that differ although they must be equal, as plain values.
        preempted: whether any hook was preempted.
        refused_alike: whether both refused the same bundles, and the same steps of the script
            went otherwise than expected.
        refused_bundles: whether there is a bundle that both refused.
    """

    containers: tuple[ContainerPair, ...]
    events: int
    events_due: int
    events_differ: tuple[object, object] | None
    preempted: bool
    refused_alike: bool = True
    refused_bundles: bool = False

    @property
    def compared_all(self) -> bool:
        """Whether something was compared, and everything that was to be."""
        return (
            any(each.ran for each in self.containers)
            and all(each.ran for each in self.containers if each.is_wanted)
            and not self.refused_bundles
        )

    @property
    def same(self) -> bool:
        """Whether the verdict is that the engines do the same: compared, and no difference."""
        return self.alike and self.compared_all

    @property
    def kinds(self) -> frozenset[DifferenceKind]:
        """Kinds of the differences that were found."""
        found = {each.difference.kind for each in self.containers if each.difference is not None}
        # A difference of containers shows in the trace too; one in the trace alone is real.
        return frozenset(found or ({DifferenceKind.REAL} if self.events_differ else ()))

    @property
    def alike(self) -> bool:
        """Whether no difference is real."""
        return DifferenceKind.REAL not in self.kinds and self.refused_alike


def compare_runs(left: EngineRun, right: EngineRun) -> RunComparison:
    """Compare two runs of the same containers.

    Args:
        left: on one engine.
        right: on the other.
    """
    uids = sorted(left.record.acts.keys() | right.record.acts.keys())
    containers = [_compare_container(uid, left, right) for uid in uids]
    return replace(
        _compare_traces(left, right, containers),
        refused_alike=(left.refused, left.surprises) == (right.refused, right.surprises),
        refused_bundles=bool(left.refused) and bool(right.refused),
    )


def _ran(uid: bytes, run: EngineRun) -> bool:
    """Whether a hook of a container ran on the engine itself, not only on the device's others."""
    acts = run.record.acts.get(uid, [])
    is_of_type = run.record.types.get(uid) == run.container_type
    return is_of_type and any(act.what == "begins" for act in acts)


def _find_shifts(left: EngineRun, right: EngineRun) -> Shifts:
    return (_find_shift(left, right), _find_shift(right, left))


def _find_shift(run: EngineRun, other: EngineRun) -> int | None:
    """How many events come before the first at which the two may count differently."""
    shared = run.abilities & other.abilities
    shifts = []
    if Ability.COUNTED_TRAPS not in shared:
        shifts.append(run.record.trapped)
    if not {Ability.PREEMPT, Ability.SHORT_UNITS} <= shared:
        shifts.append(run.record.preempted)
    return min((shift for shift in shifts if shift is not None), default=None)


def _compare_container(uid: bytes, left: EngineRun, right: EngineRun) -> ContainerPair:
    ours = left.record.acts.get(uid, [])
    theirs = right.record.acts.get(uid, [])
    counted = Ability.COUNTED_TRAPS in left.abilities & right.abilities
    ran = _ran(uid, left) and _ran(uid, right)
    wanted = uid in left.loaded | right.loaded
    walk = _Walk(_find_shifts(left, right), counted)
    for number, (one, other) in enumerate(zip_longest(ours, theirs)):
        kind = walk.kind_of(one, other)
        if kind is not None:
            before = tuple(ours[max(0, number - CONTEXT_ACTS) : number])
            difference = Difference(kind, number, one, other, before)
            return ContainerPair(uid, number, walk.hooks, walk.fuel, difference, ran, wanted)
        if walk.over:
            break
    return ContainerPair(uid, min(len(ours), len(theirs)), walk.hooks, walk.fuel, None, ran, wanted)


class _Walk:
    """Goes through the acts of one container on both engines."""

    def __init__(self, shifts: Shifts, counted_traps: bool) -> None:
        self._shifts = shifts
        self._counted_traps = counted_traps
        self._renumbered = False
        self.over = False
        self.hooks = 0
        self.fuel = 0

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
        alike = self._alike_in_shifted_time(one, other) if shifted else self._alike(one, other)
        if not (alike and _are_at_same_place(one, other)):
            return self._classify(one, other) if shifted else DifferenceKind.REAL
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
        ours = one.arguments
        theirs = other.arguments
        # In shifted time descriptors are opened in another order, so their numbers differ; memory
        # holds these numbers, so it is not compared from the first such number on.
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

    def _classify(self, one: Act, other: Act) -> DifferenceKind:
        by_time = "state" in (one.what, other.what)
        unsteady = one.what == other.what and not (one.steady and other.steady)
        return DifferenceKind.TIME if by_time or unsteady else DifferenceKind.REAL


def _are_at_same_place(one: Act, other: Act) -> bool:
    """Whether both trapped in the same calls; not every runtime knows its place (TC-RT-28)."""
    return one.frames == other.frames or not (one.frames and other.frames)


def _number(result: object) -> int:
    return result if isinstance(result, int) else 0


def _compare_traces(
    left: EngineRun, right: EngineRun, containers: list[ContainerPair]
) -> RunComparison:
    shifts = _find_shifts(left, right)
    due = min((shift for shift in shifts if shift is not None), default=None)
    ours = left.record.events[:due]
    theirs = right.record.events[:due]
    number = 0
    differ: tuple[object, object] | None = None
    for one, other in zip_longest(ours, theirs):
        first = None if one is None else as_dict(one, with_data=True)
        second = None if other is None else as_dict(other, with_data=True)
        if first != second:
            differ = (first, second)
            break
        number += 1
    preempted = any(run.record.preempted is not None for run in (left, right))
    return RunComparison(tuple(containers), number, max(len(ours), len(theirs)), differ, preempted)
