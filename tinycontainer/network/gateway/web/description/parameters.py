"""What requests can have in their path, their query and their header fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..asking import ACTIONS, MAX_ETAGS
from .schemas import COUNT, DEVICE_NAME, JOB_ID, SHA256, TEXT, Schema, one_of

_HEX_UID: Final[Schema] = {"type": "string", "pattern": "^([0-9a-fA-F]{2}){1,63}$"}
_FLAG: Final[Schema] = {"type": "string", "maxLength": 0}
_TAGS: Final = f"At most {MAX_ETAGS}, as a device has given them, or *."


@dataclass(frozen=True, slots=True)
class HttpParameter:
    """Something that a request can have.

    Attributes:
        place: ``path``, ``query`` or ``header``.
        name: of it there.
        schema: of its value.
        description: what it does.
        is_needed: whether a request must have it.
    """

    place: str
    name: str
    schema: Schema
    description: str
    is_needed: bool = False

    def as_dict(self) -> dict[str, Any]:
        """It as a parameter object of OpenAPI."""
        written: dict[str, Any] = {
            "name": self.name,
            "in": self.place,
            "description": self.description,
            "schema": self.schema,
        }
        if self.is_needed:
            written["required"] = True
        if self.schema is _FLAG:
            written["allowEmptyValue"] = True
        return written


def _path(name: str, schema: Schema, description: str) -> HttpParameter:
    return HttpParameter("path", name, schema, description, is_needed=True)


def _query(name: str, schema: Schema, description: str) -> HttpParameter:
    return HttpParameter("query", name, schema, description)


def _header(name: str, schema: Schema, description: str) -> HttpParameter:
    return HttpParameter("header", name, schema, description)


PARAMETERS: Final[Mapping[str, HttpParameter]] = {
    "device": _path("name", DEVICE_NAME, "Name of the device."),
    "uid": _path("uid", _HEX_UID, "uid of the container in hexadecimal digits."),
    "job": _path("id", JOB_ID, "Of the job."),
    "sha256": _path("sha256", SHA256, "Of the blob."),
    "start": _query("start", _FLAG, "Start it. One of start, stop and kill is needed."),
    "stop": _query("stop", _FLAG, "Let it end, then stop it."),
    "kill": _query("kill", _FLAG, "End it at once."),
    "replaces": _query("replaces", _FLAG, "Judge it as a replacement of what is loaded."),
    "confirm": _query(
        "confirm",
        {"type": "integer", "minimum": 1},
        "Within how many ms a replacement must complete a loop, else the old one comes back.",
    ),
    "since": _query("since", COUNT, "Only events with a higher number."),
    "nonce": HttpParameter(
        "query",
        "nonce",
        {"type": "string", "pattern": "^([0-9a-fA-F]{2}){8,32}$"},
        "Drawn for this request; it is in the answer.",
        is_needed=True,
    ),
    "limited-uid": _query("uid", _HEX_UID, "uid of the container to which it is limited."),
    "request-id": _query(
        "id",
        {"type": "string", "pattern": "^[0-9a-fA-F]{16}$"},
        "Of the change. A change that is asked for again with the same one is made once. Without"
        " one, the gateway draws it.",
    ),
    "blob": _query("blob", SHA256, "SHA-256 of a blob that is the payload, which then is empty."),
    "action": HttpParameter("query", "action", one_of(*ACTIONS), "What is asked.", is_needed=True),
    "published-uid": _query("uid", _HEX_UID, "uid of the container; of all actions but load."),
    "if-match": _header("If-Match", TEXT, f"Replace what has one of these tags. {_TAGS}"),
    "if-none-match": _header("If-None-Match", TEXT, f"Answer 304 if nothing has changed. {_TAGS}"),
    "if-absent": _header("If-None-Match", TEXT, "With *: only if nothing is there yet."),
    "prefer": _header(
        "Prefer",
        TEXT,
        "respond-async makes a job of the request, which waits for the device; wait=N waits up to"
        " N seconds (at most 60) for its end.",
    ),
    "prefer-wait": _header("Prefer", TEXT, "wait=N waits up to N seconds for the end of the job."),
    "job-deadline": _header(
        "Job-Deadline",
        {"type": "integer", "minimum": 0, "maximum": 99_999_999},
        "In how many seconds the job is not to be sent any more.",
    ),
    "last-event-id": _header(
        "Last-Event-ID",
        {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
        "Of a stream: go on after this event.",
    ),
    "oscore": HttpParameter(
        "header",
        "OSCORE",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{2,340}$"},
        "The OSCORE option in base64url without padding (RFC 8613, section 11).",
        is_needed=True,
    ),
}
"""By names of this description; in OpenAPI they are its components."""
