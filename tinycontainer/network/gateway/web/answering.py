"""Answers of devices as answers of HTTP (RFC 8075, section 7)."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tinycontainer.text import flatten

from ...agent.operator.answers import AnswerUnreadable, read_problem_parts
from ...agent.requests.message import CoapAnswer, Code, Format, Option, from_uint
from .media_types import media_type_of
from .problems import HttpRefused
from .renditions import Rendition

STATUS: Final[Mapping[Code, int]] = {
    Code.CREATED: 201,
    Code.DELETED: 200,
    Code.VALID: 304,
    Code.CHANGED: 200,
    Code.CONTENT: 200,
    Code.BAD_REQUEST: 400,
    Code.UNAUTHORIZED: 403,
    Code.BAD_OPTION: 400,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.NOT_ACCEPTABLE: 406,
    Code.INCOMPLETE: 400,
    Code.CONFLICT: 409,
    Code.PRECONDITION_FAILED: 412,
    Code.TOO_LARGE: 413,
    Code.UNSUPPORTED_FORMAT: 415,
    Code.UNPROCESSABLE: 422,
    Code.TOO_MANY_REQUESTS: 429,
    Code.INTERNAL_ERROR: 500,
    Code.NOT_IMPLEMENTED: 501,
    Code.BAD_GATEWAY: 502,
    Code.UNAVAILABLE: 503,
    Code.GATEWAY_TIMEOUT: 504,
    Code.PROXYING_NOT_SUPPORTED: 502,
}
"""The status of each code; an empty answer that says 200 is 204 (TC-GW-40)."""
_NO_CONTENT: Final = frozenset({Code.DELETED, Code.CHANGED})
_REASON: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+){0,7}")
_MAX_REASON_CHARACTERS: Final = 64
_ETAG_BYTES: Final = range(1, 8 + 1)
"""Of a tag; an option that is none of them counts as if it were not there (RFC 7252, 5.4.3)."""
_WAITS: Final = frozenset({Code.UNAVAILABLE, Code.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What an HTTP request is answered.

    Attributes:
        status: of HTTP.
        headers: all but those of the connection.
        body: all of it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


def write_answer(
    answer: CoapAnswer,
    rendition: Rendition | None,
    age_s: float,
    fresh_s: float,
    *,
    may_be_valid: bool = False,
) -> HttpAnswer:
    """An answer of a device, as HTTP.

    Args:
        answer: all of it, or its head if its payload follows in pieces.
        rendition: makes JSON of it; None if it stays as it is.
        age_s: how long ago it came.
        fresh_s: for how long it may be used, counted from when it came.
        may_be_valid: whether its client has named a tag, so that 2.03 is an answer to it.

    Raises:
        HttpRefused: it is an error, or cannot be used.
    """
    if answer.code >= Code.BAD_REQUEST:
        raise refusal_of(answer)
    status = STATUS.get(answer.code)
    if status is None or (answer.code is Code.VALID and not may_be_valid):
        raise HttpRefused(502, "bad-answer", f"the device answered {answer.code.dotted}")
    headers = _headers_of(answer, age_s, fresh_s)
    if status == 304:
        return HttpAnswer(status, headers)
    if rendition is not None and answer.code in (Code.CONTENT, Code.CHANGED):
        try:
            body = rendition.render(answer)
        except AnswerUnreadable as error:
            problem = f"the device's answer cannot be read: {flatten(str(error))}"
            raise HttpRefused(502, "bad-answer", problem) from error
        return HttpAnswer(status, {**headers, "content-type": rendition.media_type}, body)
    if not answer.payload and answer.code in _NO_CONTENT:
        status = 204
    elif answer.payload or answer.code is Code.CONTENT:
        headers["content-type"] = _media_type(answer)
    return HttpAnswer(status, headers, answer.payload)


def refusal_of(answer: CoapAnswer) -> HttpRefused:
    """An error of a device, as a problem."""
    options = dict(answer.options)
    status = STATUS.get(answer.code, 502)
    reason, detail = "refused", "the device refused it, without a reason"
    if answer.format is Format.PROBLEM:
        try:
            named, detail = read_problem_parts(answer.payload)
        except AnswerUnreadable:
            named, detail = "", "the device refused it, with a reason that cannot be read"
        # It becomes part of a URN and of the audit: no place for whatever a device would write.
        if len(named) <= _MAX_REASON_CHARACTERS and _REASON.fullmatch(named) is not None:
            reason = named
    headers = {}
    wait = options.get(Option.MAX_AGE)
    if wait is not None and answer.code in _WAITS:
        headers["Retry-After"] = str(from_uint(wait[:4]))
    size = options.get(Option.SIZE1)
    if size is not None and answer.code is Code.TOO_LARGE:
        detail += f" (at most {from_uint(size[:4])} bytes)"
    return HttpRefused(status, reason, detail, headers, answer.code.dotted)


def _headers_of(answer: CoapAnswer, age_s: float, fresh_s: float) -> dict[str, str]:
    options = dict(answer.options)
    headers = {}
    etag = options.get(Option.ETAG)
    if etag is not None and len(etag) in _ETAG_BYTES:
        headers["etag"] = f'"{etag.hex()}"'
    if fresh_s > 0:
        headers["cache-control"] = f"private, max-age={math.ceil(fresh_s)}"
        headers["age"] = str(int(age_s))
    else:
        headers["cache-control"] = "no-store" if answer.code is not Code.VALID else "no-cache"
    headers["vary"] = "Accept, Authorization"
    return headers


def _media_type(answer: CoapAnswer) -> str:
    number = dict(answer.options).get(Option.CONTENT_FORMAT)
    if number is None:
        return "application/octet-stream"
    return media_type_of(from_uint(number[:2]))


def as_json(status: int, value: object, headers: Mapping[str, str] | None = None) -> HttpAnswer:
    """An answer of the gateway itself."""
    body = json.dumps(value).encode() + b"\n"
    base = {"content-type": "application/json", "cache-control": "no-store"}
    return HttpAnswer(status, {**base, **(headers or {})}, body)
