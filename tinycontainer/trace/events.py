"""Typed events of a device's trace.

Plain slotted dataclasses: a frozen one costs four times as much to make. An event is built only
where a sink listens, and is not changed after it was emitted. Byte fields named ``data`` are
payload of a tenant; other byte fields are names or log lines. All of them are untrusted.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar


class Refusal(StrEnum):
    """Why the service refused a call; the container only sees -1."""

    MASKED = "masked"
    SIZE = "size"
    UNKNOWN_ENDPOINT = "unknown-endpoint"
    EXPIRED = "expired"
    ALREADY_OPEN = "already-open"
    NO_DESCRIPTOR = "no-descriptor"
    BAD_DESCRIPTOR = "bad-descriptor"
    NOT_OWNER = "not-owner"
    DIRECTION = "direction"
    NO_DRIVER = "no-driver"
    NOT_SERVED = "not-served"
    PEER_MISSING = "peer-missing"
    NO_CONSENT = "no-consent"
    DRIVER = "driver"
    DRIVER_FAILED = "driver-failed"


class Closing(StrEnum):
    """Why the service closed a descriptor that its owner had not closed."""

    STOPPED = "stopped"
    REVOKED = "revoked"
    EXPIRED = "expired"
    PEER_GONE = "peer-gone"


@dataclass(slots=True)
class TraceEvent:
    """What happened, and when.

    Attributes:
        at_ns: device time; set when the event is emitted.
    """

    name: ClassVar[str] = ""
    at_ns: int = field(default=0, init=False)


@dataclass(slots=True)
class Loaded(TraceEvent):
    """A container was accepted. Sizes in bytes; profile is empty if no token was there.

    unsigned names the places whose tokens were absent, and forgiven. code_sha256 is the hash of its
    code in hexadecimal digits, by which symbols for it are found; empty in traces of before.
    """

    name: ClassVar[str] = "loaded"
    uid: bytes
    slot: int
    type: str
    profile: str
    unsigned: tuple[str, ...]
    metadata_bytes: int
    code_bytes: int
    data_bytes: int
    code_sha256: str = ""


@dataclass(slots=True)
class LoadRefused(TraceEvent):
    """A load, a start, a reconfiguration, a replacement or a withdrawal was refused, and why.

    verb says which of them; uid is empty where it was not yet known.
    """

    name: ClassVar[str] = "load-refused"
    uid: bytes
    verb: str
    reason: str
    problem: str


@dataclass(slots=True)
class Reconfigured(TraceEvent):
    """New metadata took effect, with the endpoint ids that it revoked and that it granted."""

    name: ClassVar[str] = "reconfigured"
    uid: bytes
    mask: int
    priority: int
    revoked: tuple[int, ...]
    granted: tuple[int, ...]


@dataclass(slots=True)
class Replacing(TraceEvent):
    """Another version of a container was accepted, and takes its place once it has wound down.

    within_ns is how long it may then take to complete a loop; 0 if it is final.
    """

    name: ClassVar[str] = "replacing"
    uid: bytes
    within_ns: int


@dataclass(slots=True)
class ReplacementConfirmed(TraceEvent):
    """A version has completed a loop in time, and is final."""

    name: ClassVar[str] = "replacement-confirmed"
    uid: bytes


@dataclass(slots=True)
class ReplacementUndone(TraceEvent):
    """A version has not proved itself; the one of before comes back once it has wound down."""

    name: ClassVar[str] = "replacement-undone"
    uid: bytes
    reason: str


@dataclass(slots=True)
class Updated(TraceEvent):
    """The part of an update that is about this container was accepted.

    sequence is the update's number. Its digest is no part of the event: it covers signatures, and
    traces would differ from key to key.
    """

    name: ClassVar[str] = "updated"
    uid: bytes
    sequence: int


@dataclass(slots=True)
class Withdrawn(TraceEvent):
    """The owner has taken back every right of this container, loaded or not.

    sequence is that of the token: mask tokens with a lower one are refused from now on.
    """

    name: ClassVar[str] = "withdrawn"
    uid: bytes
    sequence: int


@dataclass(slots=True)
class RightExpired(TraceEvent):
    """A token of a started container has expired, and the right that it gave has ended.

    token is its kind (mask, endpoint, data, code or metadata); endpoint_id is 0 for other kinds
    than endpoint; expired_s is its exp in Unix seconds.
    """

    name: ClassVar[str] = "right-expired"
    uid: bytes
    token: str
    endpoint_id: int
    expired_s: int


@dataclass(slots=True)
class Transitioned(TraceEvent):
    """A container went through one row of the life-cycle table, on a trigger (its event there).

    frames are those of the trap that was the reason, as in `HookEnded`.
    """

    name: ClassVar[str] = "transition"
    uid: bytes
    before: str
    trigger: str
    after: str
    reason: str
    frames: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class Dispatched(TraceEvent):
    """Another container than before has the processor.

    rank is its place in the policy; late_ns how long it has waited since it was due, or since it
    last had the processor in the same hook.
    """

    name: ClassVar[str] = "dispatched"
    uid: bytes
    rank: int
    late_ns: int


@dataclass(slots=True)
class HookBegan(TraceEvent):
    """A hook begins; number counts the loops of this start from 1, and is 0 for other hooks."""

    name: ClassVar[str] = "hook-began"
    uid: bytes
    hook: str
    number: int


@dataclass(slots=True)
class HookEnded(TraceEvent):
    """A hook ended. used_ns is execution time, instructions what it was charged for.

    result is what a loop returned. frames say where a hook trapped: function and offset of each
    call in progress, the innermost first, as in `tinycontainer.interfaces.runtime.TrapFrame`.
    memory_bytes is how much memory the container has then; 0 where its runtime does not say.
    """

    name: ClassVar[str] = "hook-ended"
    uid: bytes
    hook: str
    how: str
    result: int
    used_ns: int
    instructions: int
    detail: str
    frames: tuple[tuple[int, int], ...] = ()
    memory_bytes: int = 0


@dataclass(slots=True)
class Called(TraceEvent):
    """A call was granted. subject is an endpoint id for open, else a descriptor or 0."""

    name: ClassVar[str] = "call"
    uid: bytes
    call: str
    subject: int
    result: int
    data: bytes


@dataclass(slots=True)
class Refused(TraceEvent):
    """A call was refused. result is what the container saw."""

    name: ClassVar[str] = "refused"
    uid: bytes
    call: str
    subject: int
    reason: str
    result: int
    detail: str


@dataclass(slots=True)
class DescriptorClosed(TraceEvent):
    """The service closed a descriptor."""

    name: ClassVar[str] = "descriptor-closed"
    uid: bytes
    fd: int
    reason: str


@dataclass(slots=True)
class Logged(TraceEvent):
    """A container wrote a line to the log."""

    name: ClassVar[str] = "log"
    uid: bytes
    line: bytes


@dataclass(slots=True)
class Dropped(TraceEvent):
    """Log lines and refusals of one hook that went beyond the rate and were not recorded."""

    name: ClassVar[str] = "dropped"
    uid: bytes
    logs: int
    refusals: int


@dataclass(slots=True)
class DeadlineMissed(TraceEvent):
    """The next loop had not begun at the end of the longest allowed gap."""

    name: ClassVar[str] = "deadline-missed"
    uid: bytes
    deadline_ns: int


@dataclass(slots=True)
class PeriodsSkipped(TraceEvent):
    """Planned wake-ups that passed during a loop and are not made up."""

    name: ClassVar[str] = "periods-skipped"
    uid: bytes
    count: int


@dataclass(slots=True)
class HookInProgress(TraceEvent):
    """A hook is in progress where the trace ends, with what it has used until then."""

    name: ClassVar[str] = "hook-in-progress"
    uid: bytes
    hook: str
    used_ns: int
    instructions: int
    memory_bytes: int = 0


@dataclass(slots=True)
class TraceEnded(TraceEvent):
    """The trace ends here, the last event of a file.

    reason is over (the run is), interrupted (by the operator) or full: the file has reached its
    bound, the run went on, and dropped events from this time on are not in the file.
    """

    name: ClassVar[str] = "trace-ended"
    reason: str
    dropped: int
