"""A loaded container: what the rooms of the device know of it."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from tinycontainer.errors import InvalidTransition
from tinycontainer.interfaces.debug_info import Chain
from tinycontainer.interfaces.runtime import Hook, Runtime, TrapFrame
from tinycontainer.metadata import Bundle, Metadata, Timing
from tinycontainer.symbols.places import describe_places
from tinycontainer.trace import Statistics, Tracer, to_pairs
from tinycontainer.trace.events import Transitioned

from . import lifecycle
from .judgement import Approved
from .lifecycle import Condition, Event, State
from .memory import Section, Slot
from .verification import Grant


class ExitReason(StrEnum):
    """Why a container left the state RUNNING."""

    RETURNED = "returned"
    LIFETIME = "lifetime"
    TRAP = "trap"
    OVERRUN = "overrun"
    MISSED_HEARTBEAT = "missed-heartbeat"
    CREATION_FAILED = "creation-failed"
    INTERRUPTED = "interrupted"
    """The operator interrupted the device in the middle of its hook."""
    STOPPED = "stopped"
    KILLED = "killed"
    DELETED = "deleted"
    EXPIRED = "expired"
    """Its metadata, code or data token expired (TC-TOK-30)."""
    REPLACED = "replaced"
    """Another version takes its place (TC-LOAD-16)."""
    UNCONFIRMED = "unconfirmed"
    """It took the place of another version, and did not complete a loop in time (TC-LOAD-18)."""


_REQUESTED: Final = frozenset(
    {ExitReason.STOPPED, ExitReason.KILLED, ExitReason.DELETED, ExitReason.REPLACED}
)
_ENDED_BY_OPERATOR: Final = frozenset({ExitReason.STOPPED, ExitReason.KILLED})


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of a start.

    Attributes:
        reason: what ended it.
        hook: the hook that was in progress or had just ended; None if it was none of its doing.
        value: what the loop returned.
        detail: trap code and more; possibly untrusted text.
        frames: where the hook trapped, as in `tinycontainer.interfaces.runtime.Trapped`; none if it
            did not, or if that is not known.
        places: the same in lines of the source, where the device's owner has given debug files.
            Untrusted, and never recorded.
    """

    reason: ExitReason
    hook: Hook | None = None
    value: int = 0
    detail: str = ""
    frames: tuple[TrapFrame, ...] = ()
    places: Chain = field(default=(), compare=False)

    @property
    def was_requested(self) -> bool:
        """Whether management asked for it, and so has recorded it."""
        return self.reason in _REQUESTED

    def __str__(self) -> str:
        return " ".join(filter(None, (self.words, describe_places(self.places, self.frames))))

    @property
    def words(self) -> str:
        """The end in one line, without the place of a trap."""
        parts = [str(self.reason)]
        if self.reason is ExitReason.RETURNED:
            parts.append(str(self.value))
        if self.hook is not None and self.reason is not ExitReason.RETURNED:
            parts.append(f"in {self.hook}")
        if self.detail:
            parts.append(self.detail)
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Succession:
    """What is still to be done for a version of a container that takes the place of another.

    Attributes:
        starts: whether it has yet to be started.
        resumes: whether that goes on with the start of before, so that its lifetime does.
        joint: the change of several containers that it is part of: it is started once all that
            leave are gone. None if it comes alone.
        predecessor: what comes back if it does not complete a loop; None if it is final.
        within_ns: how long that may take, from its start.
        deadline_ns: when that time is over; None before its start.
    """

    starts: bool
    resumes: bool = False
    joint: "JointChange | None" = None
    predecessor: "Container | None" = None
    within_ns: int = 0
    deadline_ns: int | None = None

    def begun(self, now_ns: int) -> "Succession | None":
        """What remains to be done once it is started; None for nothing."""
        if self.predecessor is None:
            return None
        return replace(self, starts=False, deadline_ns=now_ns + self.within_ns)


@dataclass(frozen=True, slots=True, eq=False)
class JointChange:
    """Several containers that change together (TC-UPD-21).

    Attributes:
        leaving: those that are deleted or replaced.
        coming: those that take their places, and those that are new.
    """

    leaving: "tuple[Container, ...]"
    coming: "tuple[Container, ...]"

    @property
    def is_in_progress(self) -> bool:
        """Whether one of those that leave is not gone yet."""
        return any(container.state is not State.GONE for container in self.leaving)


@dataclass(slots=True)
class Container:
    """A container that is loaded.

    Attributes:
        slot: where it lies.
        metadata: what it is.
        runtime: what runs it.
        grant: what its tokens allow.
        condition: where it is in its life.
        last_exit: the end of its last start.
        loops_begun: loops of its last start so far.
        statistics: what it has done since it was loaded.
        replaced: its metadata of before, until a reconfiguration is complete.
        successor: what takes its place once it is erased.
        succession: what is still to be done because it took the place of another.
        is_announced: whether an event has said that it is loaded.
    """

    slot: Slot
    metadata: Metadata
    runtime: Runtime
    grant: Grant
    condition: Condition = field(default_factory=lambda: Condition(State.PROVISIONING))
    last_exit: Exit | None = None
    loops_begun: int = 0
    statistics: Statistics = field(default_factory=Statistics)
    replaced: Metadata | None = None
    successor: "Container | None" = None
    succession: Succession | None = None
    is_announced: bool = False

    @classmethod
    def approved(cls, slot: Slot, approved: Approved) -> "Container":
        """A container that lies in a slot and was judged."""
        return cls(slot, approved.metadata, approved.runtime, approved.grant)

    def revived(self, *, starts: bool) -> "Container":
        """The same container, to be loaded again after it was erased.

        Args:
            starts: whether it is also started.
        """
        return replace(
            self,
            condition=Condition(State.PROVISIONING),
            successor=None,
            succession=Succession(starts=True, resumes=True) if starts else None,
            is_announced=False,
        )

    @property
    def uid(self) -> bytes:
        """Its uid."""
        return self.metadata.uid

    @property
    def timing(self) -> Timing:
        """Its scheduling."""
        return self.metadata.timing

    @property
    def state(self) -> State:
        """Its state."""
        return self.condition.state

    @property
    def is_leaving(self) -> bool:
        """Whether it is erased once it has wound down, or is already."""
        return self.condition.delete_pending or self.state in (State.DELETING, State.GONE)

    @property
    def is_to_run(self) -> bool:
        """Whether it runs, or is yet to be started."""
        waits = self.succession is not None and self.succession.starts
        return waits or self.state is State.RUNNING

    @property
    def waits_for_others(self) -> bool:
        """Whether it is started once all that leave with a joint change are gone."""
        joint = None if self.succession is None else self.succession.joint
        return joint is not None and joint.is_in_progress

    def require_startable(self) -> None:
        """Check that it can be started now.

        Raises:
            InvalidTransition: it is not READY, or waits for others.
        """
        lifecycle.require_possible(self.condition, Event.START)
        if self.waits_for_others:
            problem = "start is not possible until the update that it is part of is complete"
            raise InvalidTransition(problem)

    @property
    def is_unconfirmed(self) -> bool:
        """Whether the version that was here before may still come back."""
        return self.succession is not None and self.succession.predecessor is not None

    @property
    def wants_to_run(self) -> bool:
        """Whether it was started, and ended neither on request nor by itself; or is yet to be."""
        if self.is_to_run:
            return True
        # That was meant for the device; one that is switched off would go on after a boot.
        return self.last_exit is not None and self.last_exit.reason is ExitReason.INTERRUPTED

    @property
    def predecessor_starts(self) -> bool:
        """Whether the version of before, if it comes back, is started: a trial is no stop."""
        return self.last_exit is None or self.last_exit.reason not in _ENDED_BY_OPERATOR

    @property
    def code(self) -> bytes:
        """Its sealed code."""
        return self.slot.read(Section.CODE)

    @property
    def data(self) -> bytes:
        """Its data section."""
        return self.slot.read(Section.DATA)

    @property
    def bundle(self) -> bytes:
        """Its sections as a bundle."""
        return Bundle(self.metadata.raw, self.data, self.code).encode()

    def apply(
        self,
        event: Event,
        tracer: Tracer,
        reason: str = "",
        end: Exit | None = None,
        successor: "Container | None" = None,
    ) -> None:
        """Go through the life-cycle table.

        Args:
            event: what happens to it.
            tracer: records it.
            reason: why, for the record.
            end: kept as the end of its last start, if it was RUNNING; its frames are recorded.
            successor: what takes its place if it is deleted; None for nothing.

        Raises:
            InvalidTransition: the event has no place here; nothing has changed.
        """
        before = self.condition
        condition = lifecycle.after(before, event)
        last_exit = end if end and before.state is State.RUNNING else self.last_exit
        if event is not Event.DELETE:
            successor = self.successor
        # One step: no interrupt finds a container that has ended without a reason (ADR 21).
        self.condition, self.last_exit, self.successor = condition, last_exit, successor
        frames = to_pairs(end.frames) if end else ()
        tracer.mark(Transitioned(self.uid, before.state, event, condition.state, reason, frames))
