"""The answers of `state`: what a device remembers."""

from pydantic import ConfigDict, Field

from .base import AnswerTable


class KeptEvent(AnswerTable):
    """An event that the device remembers, with the fields of the trace; or only its bytes."""

    model_config = ConfigDict(extra="allow")

    number: int
    time: str = ""
    """In ISO 8601."""
    text: str = ""
    """In words."""
    content: str = ""
    """In hexadecimal digits, if it is none that a device writes."""


class KeptEvents(AnswerTable):
    """The events that are kept."""

    newest: int
    """The number of the newest."""
    kept: int
    """How many are kept."""
    entries: list[KeptEvent] = Field(default_factory=list)
    """With --events."""


class KeptContainer(AnswerTable):
    """A container that comes back at the next boot."""

    slot: int
    uid: str
    """Escaped."""
    bundle_sha256: str
    """In hexadecimal digits."""
    wants_to_run: bool
    """Whether it is started at a boot."""
    loops: int
    """Loops that its start has completed."""
    last_exit: str
    """How its last start ended; empty if none has."""


class AsideContainer(KeptContainer):
    """A container that was refused at a boot, and is kept aside."""

    problem: str
    """Why it was refused."""


class KeptSequence(AnswerTable):
    """The newest token that was accepted for one subject."""

    uid: str
    kind: str
    """`mask`, `endpoint`, `data`, `code` or `metadata`."""
    endpoint: int
    """The endpoint id; 0 for other kinds."""
    sequence: int
    token_sha256: str
    """In hexadecimal digits."""


class KeptUpdate(AnswerTable):
    """The newest update that was accepted for a container."""

    uid: str
    sequence: int
    digest: str
    """In hexadecimal digits."""


class StateAnswer(AnswerTable):
    """What the state file of a device holds."""

    file: str
    boots: int
    time_s: int
    """The remembered time in Unix seconds; 0 if it is not known."""
    time: str
    """The same in ISO 8601."""
    device_id: str
    """Escaped; empty if it was never set."""
    events: KeptEvents
    containers: list[KeptContainer]
    kept_aside: list[AsideContainer]
    sequences: list[KeptSequence]
    updates: list[KeptUpdate]
    problems: list[str] = Field(default_factory=list)
    """With --check: what is not sound."""


class SetTimeAnswer(AnswerTable):
    """The remembered time was set."""

    file: str
    before_s: int
    """Unix seconds."""
    time_s: int
    """Unix seconds."""
