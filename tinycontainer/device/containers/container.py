"""A loaded container: what the rooms of the device know of it."""

from dataclasses import dataclass, field
from enum import StrEnum

from tinycontainer.interfaces.runtime import Hook, Runtime
from tinycontainer.metadata import Metadata, Timing
from tinycontainer.trace import Tracer
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


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of a start.

    Attributes:
        reason: what ended it.
        hook: the hook that was in progress or had just ended; None if it was none of its doing.
        value: what the loop returned.
        detail: trap code and more; possibly untrusted text.
    """

    reason: ExitReason
    hook: Hook | None = None
    value: int = 0
    detail: str = ""

    def __str__(self) -> str:
        parts = [str(self.reason)]
        if self.reason is ExitReason.RETURNED:
            parts.append(str(self.value))
        if self.hook is not None and self.reason is not ExitReason.RETURNED:
            parts.append(f"in {self.hook}")
        if self.detail:
            parts.append(self.detail)
        return " ".join(parts)


@dataclass(slots=True)
class Statistics:
    """What a container has done since it was loaded. Times in ns."""

    starts: int = 0
    loops: int = 0
    execution_ns: int = 0
    calls: int = 0
    refusals: int = 0
    deadline_misses: int = 0
    skipped_periods: int = 0


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
        statistics: what it has done.
        replaced: its metadata of before, until a reconfiguration is complete.
    """

    slot: Slot
    metadata: Metadata
    runtime: Runtime
    grant: Grant
    condition: Condition = field(default_factory=lambda: Condition(State.PROVISIONING))
    last_exit: Exit | None = None
    statistics: Statistics = field(default_factory=Statistics)
    replaced: Metadata | None = None

    @classmethod
    def approved(cls, slot: Slot, approved: Approved) -> "Container":
        """A container that lies in a slot and was judged."""
        return cls(slot, approved.metadata, approved.runtime, approved.grant)

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
    def code(self) -> bytes:
        """Its sealed code."""
        return self.slot.read(Section.CODE)

    @property
    def data(self) -> bytes:
        """Its data section."""
        return self.slot.read(Section.DATA)

    def apply(
        self, event: Event, tracer: Tracer, reason: str = "", end: Exit | None = None
    ) -> None:
        """Go through the life-cycle table.

        Args:
            event: what happens to it.
            tracer: records it.
            reason: why, for the record.
            end: kept as the end of its last start, if it was RUNNING.

        Raises:
            InvalidTransition: the event has no place here; nothing has changed.
        """
        before = self.condition
        condition = lifecycle.after(before, event)
        last_exit = end if end and before.state is State.RUNNING else self.last_exit
        # One step: no interrupt finds a container that has ended without a reason (ADR 21).
        self.condition, self.last_exit = condition, last_exit
        if tracer.on:
            after = self.condition
            tracer.emit(Transitioned(self.uid, before.state, event, after.state, reason))
