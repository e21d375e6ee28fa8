"""What a gateway replies, read as what it is: nothing in it is proved (TC-GW-56).

A reply either carries a protected message, which OSCORE proves later, or is the reason why it does
not. None of the reasons can mean that something was done.
"""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from tinycontainer.interfaces.network.http_uri import HttpUri
from tinycontainer.text import show

from .answers import AnswerUnreadable
from .client import DeviceRefused, Unproved
from .http_connection import HttpReply

OSCORE_TYPE: Final = "application/oscore"
PROBLEM_TYPE: Final = "application/problem+json"
ASLEEP: Final = "urn:tinycontainer:problem:asleep"
JOB_GOES_ON: Final = frozenset({"queued", "sending"})
JOB_HAS_ANSWER: Final = frozenset({"done", "challenged"})
_JOB_STATES: Final = JOB_GOES_ON | JOB_HAS_ANSWER | {"unknown", "cancelled", "expired"}
UNPROVED: Final = (
    "what came as its answer is not protected by this context for this request,"
    " so nobody knows whether it was done"
)
_EMPTY: Final = "AA"
"""How the header says that the option has no bytes (RFC 8613, section 11.1)."""
_MAX_OPTION_BYTES: Final = 255
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+")
_CODE: Final = re.compile(r"[45]\.[0-3][0-9]")
_SECONDS: Final = re.compile(r"[0-9]{1,7}")
_GATEWAY_TIMEOUT: Final = 504


@dataclass(frozen=True, slots=True)
class ProtectedMessage:
    """What HTTP carries of a message of OSCORE.

    Attributes:
        option: value of its option OSCORE.
        payload: what is encrypted.
    """

    option: bytes
    payload: bytes


def write_option(value: bytes) -> str:
    """The header OSCORE for a value of the option."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=") or _EMPTY


def read_option(header: str) -> bytes:
    """The value of the option that a header OSCORE stands for.

    Raises:
        ValueError: it is none, or not in the one form.
    """
    if header == _EMPTY:
        return b""
    if len(header) > 2 * _MAX_OPTION_BYTES or not _BASE64URL.fullmatch(header):
        raise ValueError("is not base64url")
    value = base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))
    if len(value) > _MAX_OPTION_BYTES or write_option(value) != header:
        raise ValueError("is not base64url in its one form")
    return value


def read_protected(reply: HttpReply) -> ProtectedMessage:
    """The protected message in a reply.

    Raises:
        TimeoutError: the gateway got no answer from the device.
        Unproved: it answers for the device.
        DeviceRefused: it, or the device without protection, says that it failed.
    """
    if reply.status == _GATEWAY_TIMEOUT:
        raise TimeoutError
    if reply.status != 200:
        raise DeviceRefused(describe(reply))
    header = reply.header("oscore")
    try:
        if reply.media_type == OSCORE_TYPE and header is not None:
            return ProtectedMessage(read_option(header), reply.body)
    except ValueError:
        pass
    raise Unproved(UNPROVED)


def is_asleep(reply: HttpReply) -> bool:
    """Whether a gateway says that the device sleeps."""
    return reply.status == 503 and _read_problem(reply).get("type") == ASLEEP


def describe_return(reply: HttpReply) -> str:
    """When a sleeping device may be back, as the gateway says."""
    after = reply.header("retry-after") or ""
    return (
        f"it may be back in {int(after)} s"
        if _SECONDS.fullmatch(after)
        else "nobody knows how long"
    )


def describe(reply: HttpReply) -> str:
    """Why a gateway has no answer of the device, in one line without a bound on its length."""
    problem = _read_problem(reply)
    texts = [problem.get(key) for key in ("title", "detail")]
    shown = [show(each) for each in texts if isinstance(each, str) and each]
    why = ": ".join(shown) or "without a reason"
    code = problem.get("code")
    if isinstance(code, str) and _CODE.fullmatch(code):
        side = "is its side of the context the same?"
        return f"it answered without protection: {code} {why}; {side}"
    return f"the gateway refused: {reply.status} {why}"


def read_job(reply: HttpReply, device: HttpUri) -> HttpUri:
    """Where the job is that a gateway has made of a request.

    Raises:
        AnswerUnreadable: it does not say, or names a place that is not its own.
    """
    try:
        return device.resolve(reply.header("location") or "")
    except ValueError as error:
        raise AnswerUnreadable(f"the place of its job {error}") from None


def read_job_state(reply: HttpReply) -> str:
    """The state of a job.

    Raises:
        DeviceRefused: the gateway does not say.
        AnswerUnreadable: it says what is no state.
    """
    if reply.status != 200:
        raise DeviceRefused(describe(reply))
    state = _read_object(reply.body).get("state")
    if not isinstance(state, str) or state not in _JOB_STATES:
        raise AnswerUnreadable("the state of its job is not known")
    return state


def _read_problem(reply: HttpReply) -> dict[str, Any]:
    return _read_object(reply.body) if reply.media_type == PROBLEM_TYPE else {}


def _read_object(content: bytes) -> dict[str, Any]:
    """A JSON object; an empty one if it is something else."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
