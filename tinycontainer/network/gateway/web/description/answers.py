"""What comes back: successes by their form, and refusals by their status."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ...metrics import CONTENT_TYPE
from ..answering import STATUS
from ..media_types import COSE, EVENT_STREAM, JSON, OCTETS, OSCORE
from ..problems import MEDIA_TYPE
from .schemas import TEXT, Schema, array, reference

CBOR: Final = "application/cbor"
_BYTES: Final[Schema] = {}
"""What is not text has no schema (OpenAPI 3.1, section 4.8.14.3)."""


@dataclass(frozen=True, slots=True)
class Success:
    """A success.

    Attributes:
        description: what has come about.
        content: schema of each media type that it can have; none if it has no content.
        headers: descriptions of header fields that it can have, by name.
    """

    description: str
    content: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """It as a response object of OpenAPI."""
        written: dict[str, Any] = {"description": self.description}
        if self.content:
            written["content"] = {
                name: {"schema": schema} if schema else {} for name, schema in self.content.items()
            }
        if self.headers:
            written["headers"] = _headers(self.headers)
        return written


_CACHING: Final = {
    "ETag": "Of what the device has, where it has one.",
    "Age": "How many seconds ago the answer came from the device.",
}
_STREAM: Final[Schema] = {
    "type": "string",
    "description": "Server-sent events, until the client leaves. The data of each is one line of"
    " JSON.",
}


def from_device(schema: Schema, *, is_stream: bool = False) -> Success:
    """What a device has answered, as JSON or as it is.

    Args:
        schema: of the JSON.
        is_stream: whether it can be observed.
    """
    content = {JSON: schema, CBOR: _BYTES}
    if is_stream:
        content[EVENT_STREAM] = _STREAM
    return Success("What the device has answered.", content, _CACHING)


def from_gateway(description: str, schema: Schema, *, is_stream: bool = False) -> Success:
    """What the gateway itself answers, as JSON or as a stream."""
    content = {JSON: schema}
    if is_stream:
        content[EVENT_STREAM] = _STREAM
    return Success(description, content)


CREATED: Final = Success("It is there now.")
DONE: Final = Success("It is done.")
UNCHANGED: Final = Success("It has not changed.", headers=_CACHING)
ACCEPTED: Final = Success(
    "A job was made of it.",
    {JSON: reference("Job")},
    {"Location": "Of the job.", "Preference-Applied": "respond-async"},
)
CBOR_BYTES: Final = Success("What the device has.", {CBOR: _BYTES}, _CACHING)
COSE_BYTES: Final = Success("What the device has signed of itself.", {COSE: _BYTES})
OCTET_BYTES: Final = Success("What was kept.", {OCTETS: _BYTES}, {"ETag": "Its SHA-256."})
IDENTIFIER: Final = Success("The identifier of the device.", {OCTETS: _BYTES})
PROTECTED: Final = Success(
    "What the device has answered; only its peer can read it.",
    {OSCORE: _BYTES},
    {"OSCORE": "The OSCORE option of the answer."},
)
RESULT: Final = Success(
    "What the device has answered.", {JSON: {}, CBOR: _BYTES, OCTETS: _BYTES, OSCORE: _BYTES}
)
NUMBERS: Final = Success("All numbers, as Prometheus reads them.", {CONTENT_TYPE: TEXT})
DESCRIPTION: Final = Success("This description.", {JSON: {"type": "object"}})

_REFUSALS: Final[Mapping[int, str]] = {
    400: "The request cannot be read.",
    401: "No token, or one that is not known.",
    403: "The token, or the gateway itself, has no right to it; or a page of another site asks.",
    404: "There is no such thing that this token may know of.",
    405: "The resource does not have this method.",
    406: "The resource does not have this media type.",
    409: "It does not fit the state.",
    412: "A condition of the header fields does not hold.",
    413: "The payload is too large.",
    415: "Payloads of this media type are not taken here.",
    422: "It was judged, and refused.",
    429: "Asked too often.",
    500: "The device has failed.",
    501: "The device does not have this method.",
    502: "The device has answered what cannot be used.",
    503: "It cannot be done now: the device sleeps, has no room, or the gateway is busy.",
    504: "The device does not answer, or is not registered now.",
}
_REFUSAL_HEADERS: Final[Mapping[int, Mapping[str, str]]] = {
    401: {"WWW-Authenticate": "Which token is needed."},
    405: {"Allow": "The methods that the resource has."},
    429: {"Retry-After": "In how many seconds to ask again."},
    503: {"Retry-After": "In how many seconds to ask again, where that is known."},
}

ALWAYS: Final = frozenset({401, 403, 429, 503})
"""What anything that needs a token can be refused with."""
RELAYED: Final = frozenset({status for status in STATUS.values() if status >= 400}) | ALWAYS | {504}
"""What a request to a device can be refused with."""


def refusals() -> dict[str, Any]:
    """The refusals as components of OpenAPI, by the names that `refusal` refers to."""
    return {f"refused-{status}": _refusal(status) for status in sorted(_REFUSALS)}


def refusal(status: int) -> dict[str, Any]:
    """A reference to a refusal."""
    return {"$ref": f"#/components/responses/refused-{status}"}


def _refusal(status: int) -> dict[str, Any]:
    written: dict[str, Any] = {
        "description": _REFUSALS[status],
        "content": {MEDIA_TYPE: {"schema": reference("Problem")}},
    }
    headers = _REFUSAL_HEADERS.get(status)
    if headers is not None:
        written["headers"] = _headers(headers)
    return written


def _headers(descriptions: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: {"description": description, "schema": {"type": "string"}}
        for name, description in descriptions.items()
    }


def listed(name: str) -> Schema:
    """An array of what a schema describes."""
    return array(reference(name))
