"""The answers of `remote` and the lines of `serve`."""

from typing import Literal

from pydantic import ConfigDict, Field

from .base import AnswerTable, UsageTable


class QuietRow(AnswerTable):
    """A container of an older device, which does not say what it used."""

    slot: int
    uid: str
    """Escaped."""
    state: str
    loops: int
    last_exit: str
    """Empty if no start has ended."""
    bundle: str
    """SHA-256 in hexadecimal digits."""


class SeenRow(UsageTable):
    """A container of the device."""

    slot: int
    uid: str
    """Escaped."""
    state: str
    last_exit: str
    """Empty if no start has ended."""
    bundle: str
    """SHA-256 in hexadecimal digits."""
    idle_percent: float
    """The share of device time in which nothing ran."""


class ListedAnswer(AnswerTable):
    """`remote ls`."""

    ls: list[SeenRow | QuietRow]


class ShownAnswer(AnswerTable):
    """`remote show`."""

    show: list[SeenRow | QuietRow]


class PublishedAnswer(AnswerTable):
    """`remote --v1 show`."""

    uid: str
    running: bool


class RemoteCheck(AnswerTable):
    """A check of a load."""

    check: str
    holds: bool | None
    """Null if it was not made."""
    problem: str


class JudgedAnswer(AnswerTable):
    """`remote judge`."""

    judge: list[RemoteCheck]


class SeenUpdateRow(AnswerTable):
    """What has become of an update."""

    state: Literal["none", "fetching", "done", "repeated", "refused"]
    count: int
    """Updates since the boot."""
    uids: list[str]
    sequence: int
    digest: str
    """SHA-256 of the manifest; empty if it is not known."""
    reason: str
    """Why it was refused; empty if it was not."""
    problem: str


class UpdateAnswer(AnswerTable):
    """`remote update` and `remote last-update`."""

    update: SeenUpdateRow


class NumberedEvent(AnswerTable):
    """An event of the device; with --follow, each line is one."""

    number: int
    event: str
    """In words."""


class EventsAnswer(AnswerTable):
    """`remote events`."""

    events: list[NumberedEvent]


class ProvedContainer(AnswerTable):
    """A container as the device has stated it."""

    uid: str
    """Escaped."""
    state: str
    loops: int
    bundle: str
    """SHA-256 in hexadecimal digits."""


class ProvedDevice(AnswerTable):
    """What a device has proved."""

    id: str
    """Escaped; empty if it has none."""
    time_s: int
    """Unix time of the device."""
    boots: int
    uid: str
    """Of the container to which the proof is limited; empty if it is not."""
    containers: list[ProvedContainer]
    oldest: int
    """Number of the oldest event that the device keeps."""
    newest: int
    """Number of the newest event."""
    chain: str
    """The chain value after it, in hexadecimal digits; empty with a uid."""
    trace: str
    """SHA-256 of the trace since the boot; empty if the device records none."""
    events: list[NumberedEvent]


class EvidenceAnswer(AnswerTable):
    """`remote evidence` and `platform evidence`."""

    evidence: ProvedDevice


class DeviceIdAnswer(AnswerTable):
    """`remote id`."""

    id: str
    """Escaped."""


class DoneAnswer(AnswerTable):
    """A change that was made."""

    done: str
    """What was asked for."""
    subject: str
    """The file, uid or identifier."""


class GoneContainer(AnswerTable):
    """`remote watch`: a container that is gone."""

    uid: str
    state: Literal["GONE"]


RemoteAnswer = (
    ListedAnswer
    | ShownAnswer
    | PublishedAnswer
    | JudgedAnswer
    | EventsAnswer
    | UpdateAnswer
    | EvidenceAnswer
    | DeviceIdAnswer
    | DoneAnswer
    | SeenRow
    | QuietRow
    | GoneContainer
    | NumberedEvent
)


class CheckedAnswer(AnswerTable):
    """`serve --check`: the device file can be served."""

    file: str
    uri: str


class ServingLine(AnswerTable):
    """The device is served from now on."""

    event: Literal["serving"]
    uri: str


class AskedLine(AnswerTable):
    """Somebody has asked for something, and got an answer."""

    event: Literal["asked"]
    what: str
    """Method, path and query."""
    code: str
    """Of the answer, such as `2.05`."""
    who: str = ""
    """The name of the peer, where requests are protected."""


class RegistrationLine(AnswerTable):
    """The device is registered with its directory from now on, or is not."""

    event: Literal["registration"]
    state: Literal["registered", "lost"]
    directory: str
    """URI of the gateway."""
    problem: str
    """Why it is not; empty if it is."""


class SleepingLine(AnswerTable):
    """The device sleeps: said once, when it is served."""

    event: Literal["sleeping"]
    awake_s: int
    """How long it is awake after the last registration or answered request."""
    sleep_s: int
    """How long it then cannot be reached."""


class TracedLine(AnswerTable):
    """An event of the trace, with its fields."""

    model_config = ConfigDict(extra="allow")

    event: str = Field(pattern="^[a-z-]+$")
    at_ns: int
    """Device time."""


ServeLine = CheckedAnswer | ServingLine | AskedLine | RegistrationLine | SleepingLine | TracedLine


class CheckedGateway(AnswerTable):
    """`gateway --check`: the file can be served."""

    file: str
    http: str
    coap: str


class GatewayLine(AnswerTable):
    """The gateway is served from now on."""

    event: Literal["serving"]
    http: str
    coap: str


GatewayAnswer = CheckedGateway | GatewayLine
