"""OSCORE inside HTTP (RFC 8613, section 11): what is protected from end to end passes untouched."""

import base64
import binascii
from collections.abc import Sequence
from typing import Final

from ...agent.requests.message import CoapAnswer, CoapRequest, Code, Method, Option
from .answering import HttpAnswer, refusal_of
from .media_types import OSCORE
from .problems import HttpRefused, bad_request

HEADER: Final = "oscore"
MAX_OPTION_BYTES: Final = 255
_EMPTY: Final = "AA"
"""Stands for an option without a value."""


def read_protected(content_type: str, values: Sequence[str], payload: bytes) -> CoapRequest:
    """A protected message, as the device is to get it.

    Args:
        content_type: of the HTTP request.
        values: of its header fields OSCORE.
        payload: of the message.

    Raises:
        HttpRefused: it is none.
    """
    if content_type.partition(";")[0].strip().lower() != OSCORE:
        raise HttpRefused(
            415, "unsupported-media-type", f"a device itself takes {OSCORE} only; see /openapi.json"
        )
    if len(values) != 1:
        raise bad_request("OSCORE: this header field is needed, once")
    if not payload:
        raise bad_request("payload: is missing")
    option = ((int(Option.OSCORE), _decode(values[0])),)
    return CoapRequest(b"", Method.POST, (), (), option, payload)


def write_protected(answer: CoapAnswer) -> HttpAnswer:
    """The answer to a protected message.

    Raises:
        HttpRefused: it is not protected, so it is an error that only the gateway can read.
    """
    value = dict(answer.options).get(Option.OSCORE)
    if value is None or answer.code not in (Code.CHANGED, Code.CONTENT):
        if answer.code < Code.BAD_REQUEST:
            raise HttpRefused(502, "bad-answer", "the device answered without protection")
        raise refusal_of(answer)
    encoded = base64.urlsafe_b64encode(value).decode().rstrip("=") if value else _EMPTY
    headers = {"content-type": OSCORE, "OSCORE": encoded, "cache-control": "no-store"}
    return HttpAnswer(200, headers, answer.payload)


def _decode(text: str) -> bytes:
    if text == _EMPTY:
        return b""
    is_alphabet = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    try:
        padded = text + "=" * (-len(text) % 4)
        found = base64.urlsafe_b64decode(padded) if is_alphabet else b""
    except (binascii.Error, ValueError):
        found = b""
    if not 1 <= len(found) <= MAX_OPTION_BYTES:
        raise bad_request("OSCORE: is not base64url without padding")
    return found
