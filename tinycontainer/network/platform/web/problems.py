"""Refused requests, as problem details (RFC 9457), whatever has refused them."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, IntegrityError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tinycontainer.errors import TinyContainerError
from tinycontainer.text import flatten, show

from ...gateway.web.problems import MEDIA_TYPE, TYPE
from ..refusing import PlatformRefused, bad_request, conflict, failed

MAX_CHARACTERS: Final = 500
_MAX_PLACE_BYTES: Final = 80
_MAX_SHOWN: Final = 8
HANDLED: Final = (
    PlatformRefused,
    RequestValidationError,
    HTTPException,
    IntegrityError,
    DataError,
    TinyContainerError,
)


def handlers() -> dict[Any, Any]:
    """What makes an answer of each kind of error, as the library wants it."""

    async def refuse(_request: Request, error: Exception) -> Response:
        return respond(explain(error))

    return dict.fromkeys(HANDLED, refuse)


def respond(refusal: PlatformRefused) -> Response:
    """The answer to a refused request."""
    return Response(write(refusal), refusal.status, refusal.headers, MEDIA_TYPE)


def write(refusal: PlatformRefused) -> bytes:
    """A refusal as JSON."""
    reason = flatten(refusal.reason)
    problem = {
        "type": TYPE + reason,
        "title": reason.replace("-", " "),
        "status": refusal.status,
        "detail": flatten(refusal.detail)[:MAX_CHARACTERS],
    }
    return json.dumps(problem).encode() + b"\n"


def explain(error: Exception) -> PlatformRefused:
    """An error as a refusal; nothing of what was sent, and nothing of the inside, is in it."""
    match error:
        case PlatformRefused():
            return error
        case RequestValidationError():
            return bad_request(_name_misfits(error.errors()))
        case HTTPException():
            return _explain_status(error.status_code, error.headers or {})
        case IntegrityError():
            return conflict("somebody has changed the same at the same time; look and try again")
        case DataError():
            return bad_request("the database cannot keep a value of this, such as the character 0")
        case TinyContainerError():
            return failed("the platform cannot use its database now; try again later")
    return PlatformRefused(500, "internal", "the platform has failed; its operator sees why")


def _explain_status(status: int, headers: Mapping[str, str]) -> PlatformRefused:
    match status:
        case 404:
            detail = "there is no such resource; see /openapi.json"
        case 405:
            detail = "this resource has no such method; see /openapi.json"
        case 413:
            detail = "the body is longer than the platform takes"
        case 503:
            detail = "too much is sent to the platform just now; try again"
        case _:
            detail = "the request cannot be read"
    known = {each.value for each in HTTPStatus}
    phrase = HTTPStatus(status).phrase if status in known else "refused"
    return PlatformRefused(status, phrase.lower().replace(" ", "-"), detail, headers)


def _name_misfits(errors: Sequence[Any]) -> str:
    """What does not fit, and where; never the value, which can be a secret."""
    named = [_name_misfit(each) for each in errors[:_MAX_SHOWN]]
    more = len(errors) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "")


def _name_misfit(error: Any) -> str:
    kind = error.get("type", "")
    place = ".".join(str(each) for each in error.get("loc", ())[1:]) or "body"
    if kind == "json_invalid":
        return "body: is not JSON"
    if kind == "extra_forbidden":
        return f"{show(place, _MAX_PLACE_BYTES)}: is not known here"
    return f"{show(place, _MAX_PLACE_BYTES)}: {error.get('msg', 'cannot be used')}"
