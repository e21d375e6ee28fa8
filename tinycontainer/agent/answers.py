"""What a device answers, read strictly: it comes from a network, and is untrusted."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import cbor2

from tinycontainer.text import flatten, show

MAX_ANSWER_BYTES: Final = 1 << 20
_MAX_ITEMS: Final = 1024
_MAX_DEPTH: Final = 8
_STATES: Final = {1: "READY", 2: "RUNNING", 3: "STOPPING", 4: "DELETING"}


class AnswerUnreadable(ValueError):
    """An answer that is not what the specification says."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container as the device describes it (TC-MGMT-09); its texts are fit to be shown."""

    uid: str
    state: str
    loops: int
    last_exit: str
    change: int
    sha256: str
    slot: int


def read_containers(payload: bytes) -> list[Container]:
    """Read the answer of GET /tc/c.

    Raises:
        AnswerUnreadable: it is something else.
    """
    return [_container(each) for each in _list(_decode(payload))]


def read_container(payload: bytes) -> Container:
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
    values = _map(_decode(payload))
    rows = [_row(each, 2) for each in _list(values.get(1))]
    return _uint(values.get(0)), [(_uint(row[0]), _event(row[1])) for row in rows]


def read_checks(payload: bytes) -> list[tuple[str, bool | None, str]]:
    """Read the answer of POST /tc/j: name, whether it holds, problem.

    Raises:
        AnswerUnreadable: it is something else.
    """
    checks = []
    for name, holds, problem in (_row(each, 3) for each in _list(_decode(payload))):
        if holds is not None and type(holds) is not bool:
            raise AnswerUnreadable("a verdict is neither true, false nor null")
        checks.append((_text(name), holds, "" if problem is None else _text(problem)))
    return checks


def read_problem(payload: bytes) -> str:
    """Read a problem detail (TC-MGMT-12) as one line.

    Raises:
        AnswerUnreadable: it is something else.
    """
    values = _map(_decode(payload))
    problem = values.get(-2)
    return _text(values.get(-1)) + ("" if problem is None else f": {_text(problem)}")


def _container(value: Any) -> Container:
    values = _map(value)
    state, last_exit = _uint(values.get(1)), values.get(3)
    digest = _bytes(values.get(5))
    if len(digest) != 32:
        raise AnswerUnreadable("a SHA-256 has not 32 bytes")
    return Container(
        uid=show(_bytes(values.get(0)), 64),
        state=_STATES.get(state, f"unknown ({state})"),
        loops=_uint(values.get(2)),
        last_exit="" if last_exit is None else _text(last_exit),
        change=_uint(values.get(4)),
        sha256=digest.hex(),
        slot=_uint(values.get(6)),
    )


def _event(value: Any) -> str:
    return flatten(_bytes(value)[:4096].decode("utf-8", "backslashreplace"))


def _decode(payload: bytes) -> Any:
    if len(payload) > MAX_ANSWER_BYTES:
        raise AnswerUnreadable(f"it has more than {MAX_ANSWER_BYTES} bytes")
    stream = io.BytesIO(payload)
    try:
        value = cbor2.CBORDecoder(stream).decode()
    except (cbor2.CBORError, ValueError, RecursionError, OverflowError, MemoryError) as error:
        raise AnswerUnreadable("it is no CBOR") from error
    if stream.tell() != len(payload) and stream.read(1):
        raise AnswerUnreadable("something follows its end")
    _bound(value, _MAX_DEPTH)
    return value


def _bound(value: Any, depth: int) -> None:
    if depth == 0:
        raise AnswerUnreadable("it is nested too deeply")
    for each in _children(value):
        _bound(each, depth - 1)


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, list | dict):
        if len(value) > _MAX_ITEMS:
            raise AnswerUnreadable(f"it has more than {_MAX_ITEMS} items")
        yield from value.values() if isinstance(value, dict) else value


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
