"""Joint changes: several containers come, go or are replaced, all or nothing.

All are judged while the device is as it was. What they leave is recorded in one step, and then
posted as replacements and deletes are. Those that leave wind down side by side. Those that come are
started once the last of them is gone, so that no new version meets an old peer (ADR 35). Clauses
TC-UPD-20 to TC-UPD-23.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tinycontainer.errors import ContainerRefused, LoadError, LoadReason
from tinycontainer.interfaces.updating import UPDATE_NUMBERS, ContainerChange, UpdateSection
from tinycontainer.state import StoredContainer
from tinycontainer.text import show
from tinycontainer.trace import TraceEvent, Tracer
from tinycontainer.trace.events import Updated
from tinycontainer_tokens import Accepted, SequenceSubject

from .change import ChangeInProgress
from .container import Container, JointChange, Succession
from .journal import AcceptedTokens, after_event, describe
from .judgement import Judgement, Rules, Sections, capacity_checks, require_all
from .lifecycle import Event
from .memory import MemoryManager, Slot
from .records import deleting, loaded, record_refusal
from .versions import Versions, replacing


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one container of a joint change will be, once all of them are accepted.

    Attributes:
        uid: its uid.
        before: what is loaded under it; None if nothing is.
        coming: what takes its place, or is new here; None if it is deleted or stays as it is.
        stays: whether it has these sections already, and runs if it should.
        accepted: its tokens.
    """

    uid: bytes
    before: Container | None
    coming: Container | None = None
    stays: bool = False
    accepted: AcceptedTokens = ()

    @property
    def leaves(self) -> bool:
        """Whether what is loaded now is deleted or replaced."""
        return self.before is not None and not self.stays


class JointChanges:
    """Changes several containers at once.

    Args:
        rules: what they are judged by.
        epoch_s: the device's time in Unix seconds.
        memory: knows the slots that are free.
        find: finds a loaded container.
        versions: puts one version of a container in the place of another.
        change: records what is accepted.
        take_in: takes a container that is new here.
        tracer: records what happens.
    """

    def __init__(
        self,
        rules: Rules,
        epoch_s: Callable[[], int],
        memory: MemoryManager,
        find: Callable[[bytes], Container | None],
        versions: Versions,
        change: ChangeInProgress,
        take_in: Callable[[Container], None],
        tracer: Tracer,
    ) -> None:
        self._rules = rules
        self._epoch_s = epoch_s
        self._memory = memory
        self._find = find
        self._versions = versions
        self._change = change
        self._take_in = take_in
        self._tracer = tracer

    def make(self, changes: Sequence[ContainerChange], number: Accepted) -> JointChange:
        """Make a joint change: those that leave are DELETING or STOPPING then.

        Args:
            changes: one of each uid.
            number: number and digest of the update that asks for it, recorded for each uid.

        Returns:
            Who leaves, and who comes.

        Raises:
            ContainerRefused: one of them is refused; nothing has changed.
        """
        free = iter(self._memory.free_numbers())
        plans = [self._plan(change, free) for change in changes]
        accepted = [(SequenceSubject(plan.uid, None), number) for plan in plans]
        accepted += [each for plan in plans for each in plan.accepted]
        joint = JointChange(
            tuple(plan.before for plan in plans if plan.before is not None and plan.leaves),
            tuple(plan.coming for plan in plans if plan.coming is not None),
        )
        updated = deque(_updated(plan.uid, number) for plan in plans)
        try:
            self._change.make(
                lambda: self._carry_out(plans, joint, updated),
                lambda: _slots_after(plans),
                accepted,
                told=lambda: tuple(_milestones(plans, number)),
            )
        except LoadError as error:
            raise self._refuse(b"", error) from error
        return joint

    # How each is judged.

    def _plan(self, change: ContainerChange, free: Iterator[int]) -> _Plan:
        try:
            before = self._find(change.uid)
            if not change.sections:
                return _Plan(change.uid, _require_loaded(before))
            sections = Sections(
                change.sections[UpdateSection.METADATA],
                change.sections[UpdateSection.CODE],
                change.sections[UpdateSection.DATA],
            )
            return self._plan_version(change, sections, before, free)
        except LoadError as error:
            raise self._refuse(change.uid, error) from error

    def _plan_version(
        self,
        change: ContainerChange,
        sections: Sections,
        before: Container | None,
        free: Iterator[int],
    ) -> _Plan:
        require_all(capacity_checks(sections, self._rules.capacity))

        def require_possible(uid: bytes) -> None:
            if uid != change.uid:
                problem = f"the metadata is of {show(uid)}, not of {show(change.uid)}"
                raise LoadError(LoadReason.METADATA, problem)
            if before is not None:
                self._versions.require_changeable(uid)

        judgement = Judgement(self._rules, sections, self._epoch_s(), require_possible)
        approved = judgement.require()
        accepted = approved.grant.accepted
        if before is not None and _has_all(before, sections, starts=change.starts):
            return _Plan(change.uid, before, stays=True, accepted=accepted)
        number = next(free, None) if before is None else before.slot.number
        if number is None:
            raise LoadError(LoadReason.NO_SLOT, "too few slots are free; delete a container first")
        slot = Slot(number, self._rules.capacity)
        slot.fill(sections.contents())
        slot.uid = change.uid
        coming = Container.approved(slot, approved)
        if change.starts or (before is not None and before.is_to_run):
            coming.succession = Succession(starts=True)
        return _Plan(change.uid, before, coming, accepted=accepted)

    # What is recorded, and made then.

    def _carry_out(
        self, plans: Sequence[_Plan], joint: JointChange, updated: deque[Updated]
    ) -> None:
        """Make all changes; an interrupt can let this be done twice (ADR 21)."""
        for plan in plans:
            before, coming = plan.before, plan.coming
            if coming is not None and coming.succession is not None:
                coming.succession = Succession(starts=True, joint=joint)
            if before is None and coming is not None:
                self._memory.exchange(coming.slot)
                self._take_in(coming)
            elif before is not None and plan.leaves:
                self._versions.supersede(before, coming)
        while updated:  # each once, also if this is done twice
            self._tracer.mark(updated.popleft())

    def _refuse(self, uid: bytes, error: LoadError) -> ContainerRefused:
        record_refusal(self._tracer, "update", uid, error)
        return ContainerRefused(uid, error)


def require_sound(changes: Sequence[ContainerChange], number: Accepted) -> None:
    """Check what the caller of an update answers for.

    Raises:
        ValueError: no change, two of one uid, not all sections of one, or no such number.
    """
    if not changes or len({change.uid for change in changes}) < len(changes):
        raise ValueError("an update has at least one change, and one for each uid")
    if any(change.sections and len(change.sections) < len(UpdateSection) for change in changes):
        raise ValueError("a change has all sections, or none for a deletion")
    if number.sequence not in UPDATE_NUMBERS:
        raise ValueError(f"the number of an update has 64 bits, unlike {number.sequence}")


def _require_loaded(container: Container | None) -> Container:
    if container is None:
        raise LoadError(LoadReason.UNKNOWN_UID, "no container of this uid is loaded")
    return container


def _has_all(container: Container, sections: Sections, *, starts: bool) -> bool:
    """Whether a container has these sections already, and runs if it should."""
    same = container.metadata.raw == sections.metadata and container.code == sections.code
    return same and container.data == sections.data and (container.is_to_run or not starts)


def _slots_after(plans: Iterable[_Plan]) -> Iterator[StoredContainer | int]:
    for plan in plans:
        if plan.coming is not None:
            yield describe(plan.coming, wants_to_run=plan.coming.succession is not None)
        elif plan.before is not None and plan.leaves:
            yield after_event(plan.before, Event.DELETE, None)


def _milestones(plans: Iterable[_Plan], number: Accepted) -> Iterator[TraceEvent]:
    for plan in plans:
        if plan.before is None and plan.coming is not None:
            yield loaded(plan.coming)
        elif plan.coming is not None:
            yield replacing(plan.coming)
        elif plan.before is not None and plan.leaves and not plan.before.is_leaving:
            yield deleting(plan.before)
        yield _updated(plan.uid, number)


def _updated(uid: bytes, number: Accepted) -> Updated:
    return Updated(uid, number.sequence)
