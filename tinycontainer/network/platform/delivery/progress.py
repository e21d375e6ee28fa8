"""How far a delivery has come, and what a step of it ends with."""

import json
import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypeAlias

from tinycontainer.interfaces.nesting import require_shallow_text
from tinycontainer.text import flatten
from tinycontainer_tokens import cbor

from ...agent.operator.answers import STATES
from .gateway_answers import JOB
from .usage import ReportedUsage

MAX_POLLS: Final = 8
"""So often is counted; then it is asked as seldom as it ever is."""
MAX_ROUNDS: Final = 8
"""How often a delivery looks again because the device is not as it was."""
ETAG_DIGITS: Final = 16
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_ETAG: Final = re.compile(r"(?:[0-9a-f]{16})?")
_MAX_LAST_EXIT_CHARACTERS: Final = 512
_MAX_LOOPS: Final = 1 << 64
_USAGE: Final = 7


class DeliveryStep(StrEnum):
    """What is done next."""

    LOOK = "look"
    """See what the device has; every delivery begins with it."""
    KEEP = "keep"
    """Have the gateway keep the content."""
    PUT = "put"
    """Load, replace or update."""
    START = "start"
    REMOVE = "remove"
    WITHDRAW = "withdraw"
    CONFIRM = "confirm"
    """See what has become of a change that the device has accepted."""
    UPDATE = "update"
    """See what has become of an update whose payloads the device fetches."""


class ContainerState(StrEnum):
    """The state of a container, as a device reports it."""

    READY = "READY"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    DELETING = "DELETING"


@dataclass(frozen=True, slots=True)
class ReportedContainer:
    """A container, as its device has said; its texts are fit to be shown.

    Attributes:
        state: of it.
        sha256: of its bundle, in small hexadecimal digits.
        last_exit: the end of its last start; empty if there was none.
        loops: that it has completed.
        usage: what it has used; None if the device does not say it.
    """

    state: ContainerState
    sha256: str
    last_exit: str
    loops: int
    usage: ReportedUsage | None = None

    @classmethod
    def of(cls, values: dict[str, Any]) -> "ReportedContainer":
        """Read untrusted values, of these names.

        Raises:
            ValueError: one is not what it should be.
        """
        state, sha256, last_exit, loops = (
            values.get(name) for name in ("state", "sha256", "last_exit", "loops")
        )
        if not isinstance(state, str) or state not in set(ContainerState):
            raise ValueError("state: is none of a container")
        if not isinstance(sha256, str) or _SHA256.fullmatch(sha256) is None:
            raise ValueError("sha256: is not 64 hexadecimal digits")
        if not isinstance(last_exit, str):
            raise ValueError("last_exit: is no text")
        if type(loops) is not int or not 0 <= loops < _MAX_LOOPS:
            raise ValueError("loops: is no number of 64 bits")
        shown = flatten(last_exit[:_MAX_LAST_EXIT_CHARACTERS])[:_MAX_LAST_EXIT_CHARACTERS]
        said = values.get("usage")
        usage = None if said is None else ReportedUsage.of(said)
        return cls(ContainerState(state), sha256, shown, loops, usage)

    @property
    def etag(self) -> str:
        """By which the device knows this version, in hexadecimal digits."""
        return self.sha256[:ETAG_DIGITS]


@dataclass(frozen=True, slots=True)
class DeliveryProgress:
    """How far a delivery has come: all that is remembered between two calls.

    Attributes:
        step: what is done next, or is under way.
        gateway_job: where the request is that is under way; empty if none is.
        polls: how often it was not answered by a device that is awake; 0 to `MAX_POLLS`.
        etag: of the version that is replaced or removed; empty if there is none.
        rounds: how often the device was not as it was when it was looked at.
        is_trial: whether the version that comes has to prove itself (TC-LOAD-17).
        was_started: whether the device has accepted the start.
        reported: what the device has said last; None if it has no such container, or has said
            nothing yet.
    """

    step: DeliveryStep = DeliveryStep.LOOK
    gateway_job: str = ""
    polls: int = 0
    etag: str = ""
    rounds: int = 0
    is_trial: bool = False
    was_started: bool = False
    reported: ReportedContainer | None = None

    def to_json(self) -> str:
        """As text, for `from_json`."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "DeliveryProgress":
        """Read what `to_json` has written.

        Args:
            text: of bounded length.

        Raises:
            ValueError: it is something else.
        """
        require_shallow_text(text)
        values = json.loads(text)
        if not isinstance(values, dict) or values.keys() != set(cls.__slots__):
            raise ValueError("is no progress of a delivery")
        reported = values["reported"]
        if reported is not None:
            reported = _read_reported(reported)
        progress = cls(**{**values, "reported": reported})
        progress._require_sound()
        return cls(**{**values, "step": DeliveryStep(progress.step), "reported": reported})

    def _require_sound(self) -> None:
        texts = (self.step, self.gateway_job, self.etag)
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("step, gateway_job, etag: one is no text")
        if self.gateway_job and JOB.fullmatch(self.gateway_job) is None:
            raise ValueError("gateway_job: is no place of a job")
        if _ETAG.fullmatch(self.etag) is None:
            raise ValueError("etag: is not 16 hexadecimal digits")
        for name, count, most in (
            ("polls", self.polls, MAX_POLLS),
            ("rounds", self.rounds, MAX_ROUNDS),
        ):
            if type(count) is not int or not 0 <= count <= most:
                raise ValueError(f"{name}: is not 0 to {most}")
        if type(self.is_trial) is not bool or type(self.was_started) is not bool:
            raise ValueError("is_trial, was_started: one is no truth value")


def read_containers(body: bytes) -> dict[bytes, ReportedContainer]:
    """Read what a device says of all its containers (TC-MGMT-09), by uid.

    Args:
        body: untrusted CBOR, of bounded length.

    Raises:
        ValueError: it is something else; the text is one line of printable ASCII.
    """
    rows = cbor.decode(body, max(1, len(body)))  # its error is a ValueError
    if not isinstance(rows, list):
        raise ValueError("is no list of containers")
    found = dict(map(_read_row, rows))
    if len(found) != len(rows):
        raise ValueError("two containers have one uid")
    return found


def _read_row(row: object) -> tuple[bytes, ReportedContainer]:
    if not isinstance(row, dict):
        raise ValueError("a container is no map")
    uid, state, loops, last_exit, digest = (row.get(key) for key in (0, 1, 2, 3, 5))
    if not isinstance(uid, bytes) or not isinstance(digest, bytes):
        raise ValueError("uid and digest of a container are not bytes")
    named = STATES.get(state) if isinstance(state, int) else None
    values = {"state": named, "sha256": digest.hex(), "last_exit": last_exit, "loops": loops}
    usage = ReportedUsage.of_row(row[_USAGE]) if _USAGE in row else None
    return uid, replace(ReportedContainer.of(values), usage=usage)


def _read_reported(values: object) -> ReportedContainer:
    # A platform of before has written no usage.
    if not isinstance(values, dict) or {"usage", *values} != set(ReportedContainer.__slots__):
        raise ValueError("reported: is no container")
    found = ReportedContainer.of(values)
    if found.last_exit != values["last_exit"]:
        raise ValueError("last_exit: is not fit to be shown")
    return found


@dataclass(frozen=True, slots=True)
class DeliveryWaits:
    """There is more to do.

    Attributes:
        progress: to go on with.
        after_s: after how many seconds; 0 for at once.
    """

    progress: DeliveryProgress
    after_s: float


@dataclass(frozen=True, slots=True)
class DeliveryReached:
    """The device has said that it is as it should be. This is the end.

    Attributes:
        reported: what it has said; None if it has no such container.
    """

    reported: ReportedContainer | None


@dataclass(frozen=True, slots=True)
class DeliveryRefused:
    """The device refuses, or has gone back. This is the end.

    Attributes:
        reason: the device's own, or one of `delivering`: small letters, digits and hyphens.
        detail: what exactly, in one line; empty if the device says no more.
        reported: what the device has said last of its container; None if it has none.
    """

    reason: str
    detail: str
    reported: ReportedContainer | None


@dataclass(frozen=True, slots=True)
class DeliveryLost:
    """The gateway cannot be used now; nothing was learnt.

    Attributes:
        problem: why, in one line of printable ASCII.
        after_s: after how many seconds to go on with the same progress.
        refuses_token: whether somebody has to give the platform another token, or that one rights.
    """

    problem: str
    after_s: float
    refuses_token: bool


DeliveryOutcome: TypeAlias = DeliveryWaits | DeliveryReached | DeliveryRefused | DeliveryLost
"""What a step ends with."""
