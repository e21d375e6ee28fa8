"""Checks elsewhere what a platform hands out of a device; the platform is believed nothing."""

import json
import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from tinycontainer.interfaces.nesting import require_shallow_text
from tinycontainer.network.agent.operator.evidence import Proof
from tinycontainer.state import CHAIN_BYTES, MAX_COUNT, MAX_EVENT_BYTES, StoredEvent
from tinycontainer.tools.evidence import (
    MAX_STATEMENT_BYTES,
    EvidenceFault,
    EvidenceRefused,
    check_events,
    check_statement,
)
from tinycontainer_tokens import KeyMaterial

from .known import MOST_EVENTS, PAGE, ProvedUpTo

_MOST_PAGES: Final = MOST_EVENTS // PAGE + 1
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){1,64}")


@dataclass(frozen=True, slots=True)
class HandedPage:
    """A page of what a platform hands out, read and not checked.

    Attributes:
        statement: signed, as it says.
        nonce: drawn by the platform.
        chain: the chain value before the first event.
        events: the oldest first.
        following: number after which those begin that follow; None if there are no more.
    """

    statement: bytes
    nonce: bytes
    chain: bytes
    events: tuple[StoredEvent, ...]
    following: int | None


def check_handed(
    fetch: Callable[[int], bytes], public_key: KeyMaterial, since: ProvedUpTo | None
) -> Proof:
    """Check all that a platform has of a device.

    Args:
        fetch: gives what the platform answers who asks for events above a number.
        public_key: of the device: Ed25519.
        since: how far it was proved before; None for all that the device keeps, at the least.

    Raises:
        EvidenceRefused: it proves nothing.
    """
    last = 0 if since is None else since.number
    first = read_handed(fetch(last))
    statement = check_statement(first.statement, public_key, first.nonce)
    events, page = first.events, first
    for _ in range(_MOST_PAGES):
        if page.following is None or page.following >= statement.newest_event:
            break
        page = read_handed(fetch(page.following))
        events = (*events, *page.events)
    if since is None:
        return Proof(statement, check_events(statement, first.chain, events))
    return Proof(statement, check_events(statement, since.chain, events, since.number))


def read_handed(body: bytes) -> HandedPage:
    """Read an answer of a platform.

    Args:
        body: untrusted, of bounded length.

    Raises:
        EvidenceRefused: it is something else, or the platform has no statement.
    """
    try:
        text = body.decode("utf-8")
        require_shallow_text(text)
        values = json.loads(text)
    except ValueError:
        _refuse("it is no JSON")
    if not isinstance(values, dict):
        _refuse("it is no object")
    if values.get("statement") is None:
        _refuse("there is no statement of the device yet")
    rows = values.get("events")
    if not isinstance(rows, list) or len(rows) > PAGE:
        _refuse(f"events are no list of at most {PAGE}")
    following = values.get("next")
    return HandedPage(
        statement=_bytes(values["statement"], MAX_STATEMENT_BYTES),
        nonce=_hex(values.get("nonce")),
        chain=_hex(values.get("chain")),
        events=tuple(map(_event, rows)),
        following=None if following is None else _number(following),
    )


def read_chain(text: str) -> bytes:
    """A chain value of hexadecimal digits.

    Raises:
        ValueError: it is none.
    """
    if re.fullmatch(rf"[0-9a-fA-F]{{{2 * CHAIN_BYTES}}}", text) is None:
        raise ValueError(f"is not {2 * CHAIN_BYTES} hexadecimal digits")
    return bytes.fromhex(text)


def _event(row: Any) -> StoredEvent:
    if not isinstance(row, dict):
        _refuse("an event is no object")
    return StoredEvent(_number(row.get("number")), _bytes(row.get("content"), MAX_EVENT_BYTES))


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        _refuse("the number of an event is missing")
    return value


def _hex(value: Any) -> bytes:
    if not isinstance(value, str) or _HEX.fullmatch(value) is None:
        _refuse("nonce or chain value are no hexadecimal digits")
    return bytes.fromhex(value)


def _bytes(value: Any, most: int) -> bytes:
    try:
        found = b64decode(value, validate=True) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or len(found) > most:
        _refuse(f"what should be base64 of at most {most} bytes is something else")
    return found


def _refuse(problem: str) -> NoReturn:
    raise EvidenceRefused(EvidenceFault.FORM, f"the platform's answer: {problem}")
