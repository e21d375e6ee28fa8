"""The line protocol between a judge and an implementation: one JSON object per line, each way.

The judge sends requests; the implementation answers each with exactly one line. Byte strings, uids
and log lines included, are hexadecimal digits, so nothing in a line has to be escaped. The page
`specs/conformance-protocol.md` is normative; our judge and our shim follow it.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import Field, ValidationError

from tinycontainer.device.containers.limits import Policy
from tinycontainer.files.toml_file import Table
from tinycontainer.interfaces.nesting import require_shallow_text
from tinycontainer.text import show
from tinycontainer_tokens import Profile

from .description import DeviceDescription, Hex
from .errors import ProtocolError, ReportedFailure, Unsupported

PROTOCOL_VERSION: Final = 4
KNOWN_VERSIONS: Final = (PROTOCOL_VERSION, 3, 2, 1)
"""The newest first."""
MAX_LINE_BYTES: Final = 1 << 20
"""Longest line, either way, its end included."""
MAX_EVENTS: Final = 10_000
MAX_ADVANCE_MS: Final = 3_600_000
MAX_REFUSALS: Final = 1000
MAX_TEXT: Final = 300

EventKind = Literal[
    "log",
    "state",
    "call-refused",
    "descriptor-closed",
    "deadline-missed",
    "periods-skipped",
    "dropped",
    "revoked",
    "right-expired",
    "replacing",
    "replacement-confirmed",
    "replacement-undone",
    "updated",
]
Ability = Literal["bundles", "rbpf", "tinyml", "judge", "replace", "boot", "store", "suit"]
"""What an implementation need not have. Cases that need it are skipped without it."""
NEW_IN: Final[Mapping[str, int]] = MappingProxyType(
    {
        "judge": 2,
        "replace": 2,
        "replacing": 2,
        "replacement-confirmed": 2,
        "replacement-undone": 2,
        "boot": 3,
        "store": 3,
        "suit": 4,
        "updated": 4,
    }
)
"""The version with which an ability or a kind of event has come; all others are of the first."""
StateName = Literal["ready", "running", "stopping", "gone"]
Word = Annotated[str, Field(pattern=r"^[a-z0-9-]{0,40}$")]
_Number = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
_Natural = Annotated[int, Field(ge=0, lt=1 << 63)]


class EventReply(Table):
    """One thing that happened; which fields it has depends on its kind."""

    event: EventKind
    uid: Hex
    at_us: _Natural = Field(0, description="device time")
    line: Hex = ""
    state: StateName | None = None
    why: Word = ""
    call: Word = ""
    reason: Word = ""
    result: _Number = -1
    endpoint: _Natural = 0
    token: Word = ""
    count: _Natural = 0
    within_ms: _Natural = 0
    number: _Natural = 0


class HelloReply(Table):
    """The answer to ``hello``: who answers, and which part of the suite applies to it."""

    protocol: int
    name: str = Field(max_length=MAX_TEXT)
    version: str = Field(max_length=MAX_TEXT)
    profiles: list[Profile]
    policies: list[Policy]
    events: list[EventKind]
    reasons: bool = Field(description="whether its refusals carry the words of the specification")
    abilities: list[Ability] = Field(default_factory=list)


class StateReply(Table):
    """The answer to ``state``: where a container is in its life."""

    state: StateName
    last_exit: Word = ""
    loops: _Natural = 0


class EventsReply(Table):
    """The answer to ``events``: what happened since the last such request."""

    events: list[EventReply] = Field(max_length=MAX_EVENTS)


class JudgeReply(Table):
    """The answer to ``judge``: the reasons for which the device refuses, in the order of checks."""

    refusals: list[Word] = Field(max_length=MAX_REFUSALS)


class UpdateReply(Table):
    """The answer to ``update``: it is accepted."""

    repetition: bool = Field(description="it was accepted before, and nothing changes")


class NothingReply(Table):
    """The answer to all other verbs: it is done."""


class HelloRequest(Table):
    """Begins a conversation."""

    protocol: int


class ResetRequest(Table):
    """Forgets everything and becomes this device."""

    device: DeviceDescription


class LoadRequest(Table):
    """Loads a container from its three sections."""

    metadata: Hex
    code: Hex
    data: Hex


class BundleRequest(Table):
    """Loads a container from the bytes of a bundle."""

    bundle: Hex


class SectionRequest(Table):
    """Announces a section of the load that is under way."""

    section: Literal["metadata", "code", "data"]
    size: _Natural


class BytesRequest(Table):
    """Gives bytes of the announced section."""

    bytes: Hex


class UidRequest(Table):
    """Names a container; the verb says what to do with it."""

    uid: Hex


class ReconfigureRequest(Table):
    """Replaces the metadata of a loaded container."""

    metadata: Hex


class JudgeRequest(LoadRequest):
    """Asks what a load of these sections, or a replacement by them, would be refused for."""

    replaces: bool


class ReplaceRequest(LoadRequest):
    """Lets another version take the place of the loaded container with its uid."""

    confirm_ms: int | None = Field(gt=0, le=MAX_ADVANCE_MS)


class UpdateRequest(Table):
    """Gives the device an update."""

    envelope: Hex


class AdvanceRequest(Table):
    """Lets device time pass."""

    ms: int = Field(ge=0, le=MAX_ADVANCE_MS)


class StoreRequest(Table):
    """Lets nothing be recorded from now on, or everything again."""

    works: bool


class NothingRequest(Table):
    """A request without fields."""


REQUESTS: Final[dict[str, type[Table]]] = {
    "hello": HelloRequest,
    "reset": ResetRequest,
    "load": LoadRequest,
    "bundle": BundleRequest,
    "judge": JudgeRequest,
    "replace": ReplaceRequest,
    "update": UpdateRequest,
    "begin": NothingRequest,
    "section": SectionRequest,
    "bytes": BytesRequest,
    "end": NothingRequest,
    "start": UidRequest,
    "stop": UidRequest,
    "kill": UidRequest,
    "delete": UidRequest,
    "reconfigure": ReconfigureRequest,
    "advance": AdvanceRequest,
    "boot": NothingRequest,
    "store": StoreRequest,
    "state": UidRequest,
    "events": NothingRequest,
}
"""The fields of each verb's request."""

Reply = TypeVar("Reply", bound=Table)


class RequestRefused(Exception):
    """The implementation refused a request; many cases expect that.

    Attributes:
        reason: in the words of the protocol, if the implementation uses them.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_line(line: bytes, who: str) -> dict[str, Any]:
    """Read the JSON object of a line.

    Args:
        line: untrusted bytes.
        who: who has sent it, for the error.

    Raises:
        ProtocolError: it is too long, or is not one JSON object.
    """
    if len(line) > MAX_LINE_BYTES:
        raise ProtocolError(f"{who}: a line has more than {MAX_LINE_BYTES} bytes")
    try:
        text = line.decode("utf-8")
        require_shallow_text(text)
        value = json.loads(text)
    except ValueError:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise ProtocolError(f"{who}: no JSON: {show(line.strip(), 60)}") from None
    if not isinstance(value, dict):
        raise ProtocolError(f"{who}: no JSON object: {show(line.strip(), 60)}")
    return value


def parse_reply(line: bytes, model: type[Reply]) -> Reply:
    """Read an answer to a request.

    Args:
        line: untrusted bytes.
        model: what the answer holds if the request was done.

    Raises:
        RequestRefused: the device refuses.
        Unsupported: the implementation cannot do this.
        ReportedFailure: it reports a failure.
        ProtocolError: the line does not follow the protocol.
    """
    values = parse_line(line, "the implementation")
    for key, failure in (("unsupported", Unsupported), ("error", ReportedFailure)):
        if key in values:
            raise failure(f"the implementation says: {show(str(values[key]), MAX_TEXT)}")
    if "refused" in values:
        raise RequestRefused(show(str(values["refused"]), 60))
    return check_values(values, model, "the implementation")


def check_values(values: dict[str, Any], model: type[Reply], who: str) -> Reply:
    """Check the values of a line against a model.

    Args:
        values: what the line holds.
        model: what it should hold.
        who: who has sent it, for the error.

    Raises:
        ProtocolError: they do not fit; it names the first place.
    """
    try:
        # By way of JSON, in which strict checks still accept names for enumerations.
        return model.model_validate_json(json.dumps(values))
    except ValueError as error:
        problem = "not what the protocol says"
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            problem = f"{show(place, 60)}: {show(first['msg'], 100)}"
        raise ProtocolError(f"{who}: {problem}") from None


def write_line(values: dict[str, Any]) -> bytes:
    """Encode one line, in ASCII."""
    return json.dumps(values, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
