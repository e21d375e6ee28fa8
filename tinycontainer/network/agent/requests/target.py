"""What a request of version 2 is about: its path and its query."""

from dataclasses import dataclass, field
from typing import Final

from tinycontainer.text import show
from tinycontainer_tokens.claims import MAX_UID_BYTES

from .message import CoapRequest, Code
from .refusing import CoapRefused, bad_request

ID_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Target:
    """What a request of version 2 is about.

    Attributes:
        kind: of the resource: ``device``, ``containers``, ``container``, ``metadata``,
            ``withdrawal``, ``judge``, ``update``, ``events`` or ``evidence``.
        uid: of the container; None if it is about none.
        query: its parts, without the id.
        request_id: 8 bytes; None if the request has none.
    """

    kind: str
    uid: bytes | None = None
    query: dict[str, str] = field(default_factory=dict)
    request_id: bytes | None = None

    @classmethod
    def of(cls, request: CoapRequest) -> "Target":
        """Read path and query of a request.

        Raises:
            CoapRefused: there is no such resource, or the query cannot be read.
        """
        kind, uid = _find(request.path)
        query: dict[str, str] = {}
        for part in request.query:
            name, _, value = part.partition("=")
            if name in query:
                raise bad_request(f"query: {show(name, 20)} is there twice")
            query[name] = value
        digits = query.pop("id", None)
        return cls(kind, uid, query, None if digits is None else _to_request_id(digits))


def _find(path: tuple[str, ...]) -> tuple[str, bytes | None]:
    match path:
        case ("tc",):
            return "device", None
        case ("tc", "c"):
            return "containers", None
        case ("tc", "j"):
            return "judge", None
        case ("tc", "su"):
            return "update", None
        case ("tc", "e"):
            return "events", None
        case ("tc", "ev"):
            return "evidence", None
        case ("tc", "c", digits):
            return "container", _to_uid(digits)
        case ("tc", "c", digits, "m"):
            return "metadata", _to_uid(digits)
        case ("tc", "c", digits, "w"):
            return "withdrawal", _to_uid(digits)
    raise not_found()


def _to_uid(digits: str) -> bytes:
    try:
        uid = bytes.fromhex(digits)
    except ValueError:
        raise not_found() from None
    if not 1 <= len(uid) <= MAX_UID_BYTES or len(digits) != 2 * len(uid):
        raise not_found()
    return uid


def _to_request_id(digits: str) -> bytes:
    try:
        found = bytes.fromhex(digits)
    except ValueError:
        found = b""
    if len(digits) != ID_DIGITS or len(found) != ID_DIGITS // 2:
        raise bad_request(f"id: is not {ID_DIGITS} hexadecimal digits")
    return found


def not_found() -> CoapRefused:
    """There is no such resource."""
    return CoapRefused(Code.NOT_FOUND, "not-found", "there is no such resource")
