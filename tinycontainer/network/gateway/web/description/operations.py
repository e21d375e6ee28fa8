"""Everything that can be asked, one row for each path and method.

Wherever GET is answered, HEAD is, without a content.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..media_types import OCTETS, OSCORE
from .answers import (
    ACCEPTED,
    ALWAYS,
    CBOR,
    CBOR_BYTES,
    COSE_BYTES,
    CREATED,
    DESCRIPTION,
    DONE,
    IDENTIFIER,
    NUMBERS,
    OCTET_BYTES,
    PROTECTED,
    RELAYED,
    RESULT,
    UNCHANGED,
    Success,
    from_device,
    from_gateway,
    listed,
    refusal,
)
from .schemas import reference


@dataclass(frozen=True, slots=True)
class HttpOperation:
    """Something that can be asked.

    Attributes:
        method: in small letters.
        path: with its parameters in braces.
        name: of the operation.
        summary: what it does.
        answers: successes by their status.
        refused: with which statuses.
        parameters: names in `PARAMETERS`.
        body: media types of the payload; none if it has none.
        is_open: whether everybody may ask it.
    """

    method: str
    path: str
    name: str
    summary: str
    answers: Mapping[int, Success]
    refused: frozenset[int] = ALWAYS
    parameters: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    is_open: bool = False

    def as_dict(self) -> dict[str, Any]:
        """It as an operation object of OpenAPI."""
        written: dict[str, Any] = {
            "operationId": self.name,
            "summary": self.summary,
            "responses": {
                **{str(status): answer.as_dict() for status, answer in self.answers.items()},
                **{str(status): refusal(status) for status in sorted(self.refused)},
            },
        }
        if self.parameters:
            written["parameters"] = [
                {"$ref": f"#/components/parameters/{name}"} for name in self.parameters
            ]
        if self.body:
            written["requestBody"] = {"content": {media_type: {} for media_type in self.body}}
        if self.is_open:
            written["security"] = []
        return written


_TC: Final = "/devices/{name}/tc"
_CONTAINER: Final = f"{_TC}/c/{{uid}}"
_LATER: Final = ("prefer", "job-deadline")
_LOOK: Final = ("device", "if-none-match", *_LATER)
_CHANGE: Final = ("device", "request-id", *_LATER)
_BUNDLE: Final = (*_CHANGE, "blob")


def _look(
    path: str,
    name: str,
    summary: str,
    answer: Success,
    parameters: tuple[str, ...] = (),
) -> HttpOperation:
    """Something of a device that is read."""
    answers = {200: answer, 202: ACCEPTED, 304: UNCHANGED}
    return HttpOperation("get", path, name, summary, answers, RELAYED, (*_LOOK, *parameters))


def _change(
    method: str,
    path: str,
    name: str,
    summary: str,
    answers: Mapping[int, Success],
    parameters: tuple[str, ...] = _CHANGE,
    body: tuple[str, ...] = (),
) -> HttpOperation:
    """Something of a device that is changed."""
    given = {**answers, 202: ACCEPTED}
    return HttpOperation(method, path, name, summary, given, RELAYED, parameters, body)


_OF_DEVICES: Final = (
    _look(_TC, "showDevice", "How a device describes itself", from_device(reference("Device"))),
    _look(
        f"{_TC}/c", "listContainers", "Its containers, now or whenever they change",
        from_device(listed("Container"), is_stream=True),
    ),
    _look(
        _CONTAINER, "showContainer", "A container, now or whenever it changes",
        from_device(reference("Container"), is_stream=True), ("uid",),
    ),
    _change(
        "put", _CONTAINER, "load", "Load a bundle; with If-Match, replace what is loaded",
        {201: CREATED, 204: DONE}, (*_BUNDLE, "uid", "confirm", "if-match", "if-absent"),
        (OCTETS,),
    ),
    _change(
        "post", _CONTAINER, "control", "Start or stop a container", {204: DONE},
        (*_CHANGE, "uid", "start", "stop", "kill"),
    ),
    _change(
        "delete", _CONTAINER, "delete", "Delete a container", {204: DONE},
        (*_CHANGE, "uid", "if-match"),
    ),
    _look(f"{_CONTAINER}/m", "readMetadata", "The metadata of a container", CBOR_BYTES, ("uid",)),
    _change(
        "put", f"{_CONTAINER}/m", "reconfigure", "Give a container new metadata", {204: DONE},
        (*_BUNDLE, "uid", "if-match"), (CBOR,),
    ),
    _change(
        "post", f"{_CONTAINER}/w", "withdraw",
        "Take back all rights of a container by a mask token of its owner; it is deleted",
        {204: DONE}, (*_BUNDLE, "uid"), (OCTETS,),
    ),
    _change(
        "post", f"{_TC}/j", "judge", "Judge a bundle; nothing changes",
        {200: from_device(listed("Check"))}, ("device", *_LATER, "blob", "replaces"), (OCTETS,),
    ),
    _look(
        f"{_TC}/su", "showUpdate", "The last update, now or whenever it changes",
        from_device(reference("Update"), is_stream=True),
    ),
    _change(
        "post", f"{_TC}/su", "update", "Update by a SUIT envelope", {204: DONE}, _BUNDLE, (OCTETS,)
    ),
    _look(
        f"{_TC}/e", "listEvents", "Its events, at most 32 at once, or as they come",
        from_device(reference("Events"), is_stream=True), ("since", "last-event-id"),
    ),
    _look(
        f"{_TC}/ev", "readEvidence", "What it has signed of itself, for a nonce", COSE_BYTES,
        ("nonce", "limited-uid"),
    ),
)  # fmt: skip

_PUBLISHED: Final = "/devices/{name}/container/"
_ACTION: Final = ("device", *_LATER, "action", "published-uid")
_OF_VERSION_1: Final = (
    _look(
        _PUBLISHED, "isRunning", "Version 1: whether a container runs (action is-running)",
        from_device(reference("Published")), ("action", "published-uid"),
    ),
    _change(
        "post", _PUBLISHED, "loadByVersion1", "Version 1: load a bundle (action load)",
        {201: CREATED}, _ACTION, (OCTETS,),
    ),
    _change(
        "put", _PUBLISHED, "controlByVersion1", "Version 1: start or stop (actions start, stop)",
        {204: DONE}, _ACTION,
    ),
    _change(
        "delete", _PUBLISHED, "deleteByVersion1", "Version 1: delete (action delete)",
        {204: DONE}, _ACTION,
    ),
    _look("/devices/{name}/device-id/", "readIdentifier", "The device's identifier", IDENTIFIER),
    _change(
        "post", "/devices/{name}/device-id/", "identify", "Set it, once", {204: DONE},
        ("device", *_LATER), (OCTETS,),
    ),
)  # fmt: skip

_JOB: Final = from_gateway("The job.", reference("Job"), is_stream=True)
_BLOB: Final = from_gateway("It is kept.", reference("Blob"))
_OF_GATEWAY: Final = (
    HttpOperation(
        "get", "/devices", "listDevices", "All devices, now or as they come and go",
        {200: from_gateway("The devices.", listed("ListedDevice"), is_stream=True)},
    ),
    HttpOperation(
        "get", "/devices/{name}", "findDevice", "A device as the gateway knows it",
        {200: from_gateway("The device.", reference("ListedDevice"))}, ALWAYS | {404}, ("device",),
    ),
    HttpOperation(
        "post", "/devices/{name}", "forward", "Pass on what is protected from end to end",
        {200: PROTECTED, 202: ACCEPTED}, RELAYED, ("device", "oscore", *_LATER), (OSCORE,),
    ),
    HttpOperation(
        "get", "/devices/{name}/jobs", "listJobs", "The newest jobs of a device, at most 100",
        {200: from_gateway("Jobs of this token.", listed("Job"))}, ALWAYS | {404}, ("device",),
    ),
    HttpOperation(
        "get", "/jobs/{id}", "showJob", "A job, now or until it ends", {200: _JOB},
        ALWAYS | {404}, ("job", "prefer-wait"),
    ),
    HttpOperation(
        "delete", "/jobs/{id}", "cancelJob", "Cancel a job that was not sent yet",
        {200: from_gateway("The job.", reference("Job"))}, ALWAYS | {404, 409}, ("job",),
    ),
    HttpOperation(
        "get", "/jobs/{id}/result", "showResult", "The answer of the device, as if it came now",
        {200: RESULT, 201: CREATED, 204: DONE, 304: UNCHANGED}, RELAYED, ("job",),
    ),
    HttpOperation(
        "get", "/blobs/{sha256}", "readBlob", "A payload that is kept", {200: OCTET_BYTES},
        ALWAYS | {400, 404}, ("sha256",),
    ),
    HttpOperation(
        "put", "/blobs/{sha256}", "keepBlob", "Keep a payload, for requests that name it",
        {201: _BLOB}, ALWAYS | {400, 413, 415, 422}, ("sha256",), (OCTETS,),
    ),
    HttpOperation("get", "/metrics", "readMetrics", "The numbers of the gateway", {200: NUMBERS}),
    HttpOperation(
        "get", "/openapi.json", "describe", "This description", {200: DESCRIPTION}, frozenset(),
        is_open=True,
    ),
)  # fmt: skip

OPERATIONS: Final = (*_OF_GATEWAY, *_OF_DEVICES, *_OF_VERSION_1)
