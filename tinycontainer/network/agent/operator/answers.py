"""What a device answers, read strictly: it comes from a network, and is untrusted."""

from dataclasses import dataclass
from typing import Any, Final

from tinycontainer.state import StoredEvent
from tinycontainer.text import flatten, show
from tinycontainer.trace.account import WHOLE, Statistics
from tinycontainer_tokens import CborError
from tinycontainer_tokens.cbor import decode

MAX_ANSWER_BYTES: Final = 1 << 20
_VERDICTS: Final = {0: False, 1: True, 2: None}
_USAGE: Final = 7
_USAGE_VALUES: Final = 9
_UPDATE_STATES: Final = ("none", "fetching", "done", "repeated", "refused")
STATES: Final = {1: "READY", 2: "RUNNING", 3: "STOPPING", 4: "DELETING"}


class AnswerUnreadable(ValueError):
    """An answer that is not what the specification says."""


@dataclass(frozen=True, slots=True)
class SeenContainer:
    """A container as the device describes it (TC-MGMT-09); its texts are fit to be shown.

    Attributes:
        uid: its uid.
        state: its state.
        last_exit: the end of its last start; empty if there was none.
        change: the number of its last change.
        sha256: of its bundle.
        slot: where it lies.
        statistics: what it did, so that its loops are in it; its starts are not known.
        share: its share of the processor, in hundredths of a per cent.
        idle_share: that of the time in which no container ran.
        says_usage: whether the device says more of it than its loops; an older one does not.
    """

    uid: str
    state: str
    last_exit: str
    change: int
    sha256: str
    slot: int
    statistics: Statistics
    share: int = 0
    idle_share: int = 0
    says_usage: bool = False

    @property
    def loops(self) -> int:
        """Completed loops."""
        return self.statistics.loops

    def differs_from(self, before: "SeenContainer | None") -> bool:
        """Whether it has changed, or was not there; what it uses grows all the time."""
        return before is None or self._steady != before._steady

    def as_dict(self) -> dict[str, Any]:
        """All that is known of it, for JSON; of an older device, no more than its loops."""
        known = {
            "slot": self.slot,
            "uid": self.uid,
            "state": self.state,
            "loops": self.loops,
            "last_exit": self.last_exit,
            "bundle": self.sha256,
        }
        if self.says_usage:
            known |= self.statistics.as_dict(self.share)
            known["idle_percent"] = self.idle_share / 100
        return known

    @property
    def _steady(self) -> tuple[object, ...]:
        return self.state, self.last_exit, self.change, self.sha256, self.slot, self.loops


@dataclass(frozen=True, slots=True)
class SeenDevice:
    """A device as it describes itself (TC-MGMT-09); its texts are fit to be shown.

    Attributes:
        id: its identifier; empty if it has none.
        slots: for containers.
        free_slots: those of them that are free.
        metadata_bytes: most bytes of metadata.
        code_bytes: most bytes of code.
        data_bytes: most bytes of data.
        boots: how often it was started.
        time_s: its Unix time.
        newest_event: number of its newest event.
    """

    id: str
    slots: int
    free_slots: int
    metadata_bytes: int
    code_bytes: int
    data_bytes: int
    boots: int
    time_s: int
    newest_event: int


def read_device(payload: bytes) -> SeenDevice:
    """Read the answer of GET /tc.

    Raises:
        AnswerUnreadable: it is something else.
    """
    values = _map(_decode(payload))
    numbers = (_uint(values.get(key)) for key in range(1, 9))
    return SeenDevice(show(_bytes(values.get(0)), 64), *numbers)


@dataclass(frozen=True, slots=True)
class SeenUpdate:
    """The last update since the boot of a device (TC-UPD-26); its texts are fit to be shown.

    Attributes:
        state: what has become of it: ``none``, ``fetching``, ``done``, ``repeated`` or ``refused``.
        count: how many there were.
        uids: of the containers that it is about.
        sequence: its number.
        digest: SHA-256 of its manifest; empty if that is not known.
        reason: why it was refused, else empty.
        problem: what exactly.
    """

    state: str
    count: int
    uids: tuple[str, ...]
    sequence: int
    digest: str
    reason: str
    problem: str


def read_update(payload: bytes) -> SeenUpdate:
    """Read the answer of GET /tc/su.

    Raises:
        AnswerUnreadable: it is something else.
    """
    values = _map(_decode(payload))
    state = _uint(values.get(0))
    if state >= len(_UPDATE_STATES):
        raise AnswerUnreadable("the state of an update is not known")
    return SeenUpdate(
        state=_UPDATE_STATES[state],
        count=_uint(values.get(1)),
        uids=tuple(show(_bytes(uid), 64) for uid in _list(values.get(2))),
        sequence=_uint(values.get(3)),
        digest=_bytes(values.get(4)).hex(),
        reason=_text(values.get(5)),
        problem=_text(values.get(6)),
    )


def read_containers(payload: bytes) -> list[SeenContainer]:
    """Read the answer of GET /tc/c.

    Raises:
        AnswerUnreadable: it is something else.
    """
    return [_container(each) for each in _list(_decode(payload))]


def read_container(payload: bytes) -> SeenContainer:
    """Read the answer of GET /tc/c/{uid}.

    Raises:
        AnswerUnreadable: it is something else.
    """
    return _container(_decode(payload))


def read_events(payload: bytes) -> tuple[int, list[tuple[int, str]]]:
    """Read the answer of GET /tc/e: the newest number, and events with their numbers.

    Raises:
        AnswerUnreadable: it is something else.
    """
    newest, events, _ = read_stored_events(payload)
    return newest, [(event.number, _event(event.content)) for event in events]


def read_stored_events(payload: bytes) -> tuple[int, list[StoredEvent], bytes | None]:
    """Read the answer of GET /tc/e as it is kept: the newest number, events as bytes, chain value.

    Returns:
        The third is the chain value before the first event (TC-EVID-05); None if there is none.

    Raises:
        AnswerUnreadable: it is something else.
    """
    values = _map(_decode(payload))
    rows = [_row(each, 2) for each in _list(values.get(1))]
    events = [StoredEvent(_uint(number), _bytes(content)) for number, content in rows]
    chain = values.get(2)
    return _uint(values.get(0)), events, None if chain is None else _bytes(chain)


def read_checks(payload: bytes) -> list[tuple[str, bool | None, str]]:
    """Read the answer of POST /tc/j: name, whether it holds, problem.

    Raises:
        AnswerUnreadable: it is something else.
    """
    checks = []
    for name, holds, problem in (_row(each, 3) for each in _list(_decode(payload))):
        if type(holds) is not int or holds not in _VERDICTS:
            raise AnswerUnreadable("a verdict is not 0 to 2")
        checks.append((_text(name), _VERDICTS[holds], _text(problem)))
    return checks


def read_problem(payload: bytes) -> str:
    """Read a problem detail (TC-MGMT-12) as one line.

    Raises:
        AnswerUnreadable: it is something else.
    """
    return ": ".join(part for part in read_problem_parts(payload) if part)


def read_problem_parts(payload: bytes) -> tuple[str, str]:
    """Read reason and problem of a problem detail (TC-MGMT-12); the second can be empty.

    Raises:
        AnswerUnreadable: it is something else.
    """
    values = _map(_decode(payload))
    return _text(values.get(-1)), _text(values.get(-2, ""))


def _container(value: Any) -> SeenContainer:
    values = _map(value)
    state = _uint(values.get(1))
    digest = _bytes(values.get(5))
    if len(digest) != 32:
        raise AnswerUnreadable("a SHA-256 has not 32 bytes")
    share, idle_share, *used = _usage(values)
    return SeenContainer(
        uid=show(_bytes(values.get(0)), 64),
        state=STATES.get(state, f"unknown ({state})"),
        last_exit=_text(values.get(3)),
        change=_uint(values.get(4)),
        sha256=digest.hex(),
        slot=_uint(values.get(6)),
        statistics=Statistics(0, _uint(values.get(2)), *used),
        share=share,
        idle_share=idle_share,
        says_usage=_USAGE in values,
    )


def _usage(values: dict[Any, Any]) -> list[int]:
    """What a container used; nothing of a device that does not say it."""
    if _USAGE not in values:
        return [0] * _USAGE_VALUES
    usage = [_uint(each) for each in _row(values[_USAGE], _USAGE_VALUES)]
    if max(usage[:2]) > WHOLE:
        raise AnswerUnreadable("a share is more than all")
    return usage


def _event(content: bytes) -> str:
    return flatten(content[:4096].decode("utf-8", "backslashreplace"))


def _decode(payload: bytes) -> Any:
    try:
        return decode(payload, MAX_ANSWER_BYTES)
    except CborError as error:
        raise AnswerUnreadable(str(error)) from error


def _map(value: Any) -> dict[Any, Any]:
    if type(value) is not dict:
        raise AnswerUnreadable("a map is missing")
    return value


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise AnswerUnreadable("an array is missing")
    return value


def _row(value: Any, length: int) -> list[Any]:
    if len(row := _list(value)) != length:
        raise AnswerUnreadable(f"a row has not {length} values")
    return row


def _uint(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise AnswerUnreadable("a whole number is missing")
    return value


def _bytes(value: Any) -> bytes:
    if type(value) is not bytes:
        raise AnswerUnreadable("a byte string is missing")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise AnswerUnreadable("a text is missing")
    return flatten(value[:512])  # the device has escaped it; what is left is escaped here
