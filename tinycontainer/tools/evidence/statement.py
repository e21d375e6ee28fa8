"""What a device states of itself: values, and their one form as bytes (TC-EVID-04)."""

from dataclasses import dataclass
from typing import Final

from tinycontainer.state import CHAIN_BYTES, LAST_S, MAX_COUNT
from tinycontainer_tokens.cbor import Value, decode, encode
from tinycontainer_tokens.claims import MAX_UID_BYTES

MAX_STATEMENT_BYTES: Final = 64 * 1024
"""Of a signed statement: what a device makes, and what is looked at."""
NONCE_BYTES: Final = range(8, 32 + 1)
"""How long a nonce is: as hexadecimal digits, 16 to 64."""
_MAX_STATE: Final = 4
_MAX_LOOPS: Final = (1 << 64) - 1
_UID_BYTES: Final = range(1, MAX_UID_BYTES + 1)
_SHA256_BYTES: Final = 32
_ID, _NONCE, _BOOTS, _TIME, _NEWEST, _CHAIN, _CONTAINERS, _UID, _OWN, _TRACE, _OLDEST = range(1, 12)
_NEEDED: Final = frozenset({_NONCE, _BOOTS, _TIME, _NEWEST, _CONTAINERS, _OLDEST})
_OF_ALL: Final = _NEEDED | {_ID, _CHAIN, _TRACE}
_OF_ONE: Final = _NEEDED | {_ID, _UID, _OWN}


class StatementTooLong(Exception):
    """More is to be stated than fits into `MAX_STATEMENT_BYTES`."""


@dataclass(frozen=True, slots=True)
class StatedContainer:
    """A container, as a device states it.

    Attributes:
        uid: 1 to 63 bytes.
        state: 1 READY, 2 RUNNING, 3 STOPPING, 4 DELETING; 0 for none of them.
        bundle_sha256: SHA-256 of its bundle.
        loops: completed loops of its last start.
    """

    uid: bytes
    state: int
    bundle_sha256: bytes
    loops: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What a device states of itself at one moment.

    Attributes:
        nonce: 8 to 32 bytes that whoever asks has drawn.
        boots: how often it was started.
        time_s: its Unix time.
        oldest_event: number of the oldest event that it keeps; one above the newest if none.
        newest_event: number of the newest event that is covered; 0 if there never was one.
        containers: by slot; only the one with the uid if there is a uid.
        device_id: its identifier; None if it has none.
        event_chain: the chain value after the newest event; None if there is a uid.
        uid: of the container to which the statement is limited; None if it covers all.
        own_events_sha256: digest of the kept events of that container; None without a uid.
        trace_sha256: SHA-256 of the trace since the boot; None if the device records none.
    """

    nonce: bytes
    boots: int
    time_s: int
    oldest_event: int
    newest_event: int
    containers: tuple[StatedContainer, ...]
    device_id: bytes | None = None
    event_chain: bytes | None = None
    uid: bytes | None = None
    own_events_sha256: bytes | None = None
    trace_sha256: bytes | None = None

    def encode(self) -> bytes:
        """The statement in deterministic CBOR; what it has not is left out."""
        values: dict[int, Value | None] = {
            _ID: self.device_id,
            _NONCE: self.nonce,
            _BOOTS: self.boots,
            _TIME: self.time_s,
            _NEWEST: self.newest_event,
            _CHAIN: self.event_chain,
            _CONTAINERS: [
                [each.uid, each.state, each.bundle_sha256, each.loops] for each in self.containers
            ],
            _UID: self.uid,
            _OWN: self.own_events_sha256,
            _TRACE: self.trace_sha256,
            _OLDEST: self.oldest_event,
        }
        return encode({key: value for key, value in values.items() if value is not None})

    @classmethod
    def decode(cls, content: bytes) -> "Statement":
        """Read a statement strictly: exactly the keys, types and bounds that there are.

        Args:
            content: untrusted bytes.

        Raises:
            CborError: it is no CBOR in deterministic form.
            ValueError: it is something else than a statement.
        """
        values = decode(content, MAX_STATEMENT_BYTES)
        if not isinstance(values, dict):
            raise ValueError("it is no map")
        allowed = _OF_ONE if _UID in values else _OF_ALL
        needed = _NEEDED | ({_OWN} if _UID in values else {_CHAIN})
        wrong = sorted(needed - values.keys() | values.keys() - allowed)
        if wrong:
            raise ValueError(f"key {wrong[0]} is missing, or does not belong there")
        rows = values[_CONTAINERS]
        if not isinstance(rows, list):
            raise ValueError(f"{_CONTAINERS}: is no array")
        return cls(
            nonce=_bytes(values[_NONCE], _NONCE, NONCE_BYTES),
            boots=_integer(values[_BOOTS], _BOOTS, MAX_COUNT),
            time_s=_integer(values[_TIME], _TIME, LAST_S),
            oldest_event=_integer(values[_OLDEST], _OLDEST, MAX_COUNT),
            newest_event=_integer(values[_NEWEST], _NEWEST, MAX_COUNT),
            containers=tuple(map(_container, rows)),
            device_id=_bytes_if_there(values, _ID, range(1, MAX_STATEMENT_BYTES)),
            event_chain=_bytes_if_there(values, _CHAIN, _exactly(CHAIN_BYTES)),
            uid=_bytes_if_there(values, _UID, _UID_BYTES),
            own_events_sha256=_bytes_if_there(values, _OWN, _exactly(_SHA256_BYTES)),
            trace_sha256=_bytes_if_there(values, _TRACE, _exactly(_SHA256_BYTES)),
        )


def _container(row: Value) -> StatedContainer:
    if not isinstance(row, list) or len(row) != 4:
        raise ValueError(f"{_CONTAINERS}: a container is not four values")
    return StatedContainer(
        _bytes(row[0], _CONTAINERS, _UID_BYTES),
        _integer(row[1], _CONTAINERS, _MAX_STATE),
        _bytes(row[2], _CONTAINERS, _exactly(_SHA256_BYTES)),
        _integer(row[3], _CONTAINERS, _MAX_LOOPS),
    )


def _exactly(length: int) -> range:
    return range(length, length + 1)


def _integer(value: Value, key: int, most: int) -> int:
    if not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{key}: is no whole number of 0 to {most}")
    return value


def _bytes(value: Value, key: int, lengths: range) -> bytes:
    if not isinstance(value, bytes) or len(value) not in lengths:
        raise ValueError(f"{key}: is not {lengths[0]} to {lengths[-1]} bytes")
    return value


def _bytes_if_there(values: dict[int, Value], key: int, lengths: range) -> bytes | None:
    return _bytes(values[key], key, lengths) if key in values else None
