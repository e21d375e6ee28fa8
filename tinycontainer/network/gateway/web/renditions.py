"""Answers of devices as JSON, with the names that `tinycontainerctl remote --json` uses."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from ...agent.operator.answers import (
    AnswerUnreadable,
    read_checks,
    read_container,
    read_containers,
    read_device,
    read_events,
    read_update,
)
from ...agent.requests.message import CoapAnswer, Option, from_uint
from .media_types import JSON

MAX_READ_BYTES: Final = 160 * 1024
"""Of an answer that is read: more than 32 events can have."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """Makes JSON of answers.

    Attributes:
        read: makes values of an answer.
        media_type: of what it makes.
    """

    read: Callable[[CoapAnswer], Any]
    media_type: str = JSON

    def render(self, answer: CoapAnswer) -> bytes:
        """An answer as JSON.

        Raises:
            AnswerUnreadable: it is not what the specification says.
        """
        return json.dumps(self.read(answer)).encode()


def rendition_of(kind: str, uid: str = "") -> Rendition | None:
    """What makes JSON of the answers of a kind of resource; None if nothing does.

    Args:
        kind: of the resource.
        uid: in the digits of the request, for ``published``.
    """
    if kind == "published":
        return Rendition(lambda answer: _published(answer, uid))
    read = _READERS.get(kind)
    return None if read is None else Rendition(_bounded(read))


def event_as_dict(number: int, event: str) -> dict[str, Any]:
    """An event of a device's ring; what it holds is a line of JSON, or shown as it is."""
    try:
        content = json.loads(event, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        content = event
    return {"number": number, "event": content}


def _refuse(name: str) -> float:
    """Python reads and writes NaN and Infinity, which are no JSON."""
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


def require_readable(answer: CoapAnswer) -> None:
    """Refuse an answer that is longer than those of devices are.

    To read it takes its time, in which nobody else is answered.

    Raises:
        AnswerUnreadable: it is.
    """
    if len(answer.payload) > MAX_READ_BYTES:
        raise AnswerUnreadable(f"it has more than {MAX_READ_BYTES} bytes")


# one for each reader, by which what was rendered is found again
def _bounded(read: Callable[[CoapAnswer], Any]) -> Callable[[CoapAnswer], Any]:
    def read_bounded(answer: CoapAnswer) -> Any:
        require_readable(answer)
        return read(answer)

    return read_bounded


def _events(answer: CoapAnswer) -> dict[str, Any]:
    newest, rows = read_events(answer.payload)
    return {"newest": newest, "events": [event_as_dict(number, each) for number, each in rows]}


def _judged(answer: CoapAnswer) -> list[dict[str, Any]]:
    return [
        {"check": name, "holds": holds, "problem": problem}
        for name, holds, problem in read_checks(answer.payload)
    ]


def _published(answer: CoapAnswer, uid: str) -> dict[str, Any]:
    status = dict(answer.options).get(Option.STATUS)
    if status is None:
        raise AnswerUnreadable("a status is missing")
    return {"uid": uid, "running": from_uint(status[:4]) == 1}


_READERS: Final[Mapping[str, Callable[[CoapAnswer], Any]]] = {
    "device": lambda answer: asdict(read_device(answer.payload)),
    "containers": lambda answer: [each.as_dict() for each in read_containers(answer.payload)],
    "container": lambda answer: read_container(answer.payload).as_dict(),
    "events": _events,
    "update": lambda answer: asdict(read_update(answer.payload)),
    "judge": _judged,
}
