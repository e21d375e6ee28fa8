"""What a gateway answers to the platform: nothing in it is trusted."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from tinycontainer.interfaces.nesting import require_shallow_text
from tinycontainer.text import flatten

from ...gateway.directory.presence import Presence
from ...gateway.gateway_file import NAME
from ...gateway.job import JobState
from ...gateway.web.problems import MEDIA_TYPE, TYPE
from ..exchange import ServerReply

JOB: Final = re.compile(r"/jobs/[0-9a-f]{32}")
"""Where a job is."""
MAX_DEVICES: Final = 20_000
"""Of one gateway: twice what it keeps registrations of."""
MAX_DETAIL_CHARACTERS: Final = 512
_NAME: Final = re.compile(NAME)
_REASON: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+){0,7}")
_MAX_REASON_CHARACTERS: Final = 64
_CODE: Final = re.compile(r"[45]\.[0-3][0-9]")
_NO_REASON: Final = "refused"
_MAX_SECONDS: Final = 1e12


class GatewayFailed(Exception):
    """A gateway that does not do what it is asked; the text is one line of printable ASCII.

    Attributes:
        reason: of a problem that the gateway names; else empty.
        refuses_token: whether the token of the platform is not good for what was asked.
        after_s: after how many seconds the gateway wants to be asked again; None if it says none.
    """

    def __init__(
        self,
        problem: str,
        *,
        reason: str = "",
        refuses_token: bool = False,
        after_s: int | None = None,
    ) -> None:
        super().__init__(f"the gateway: {problem}")
        self.reason = reason
        self.refuses_token = refuses_token
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class GatewayProblem:
    """A refusal, of the gateway or of a device; its texts are fit to be shown.

    Attributes:
        reason: small letters, digits and hyphens; ``refused`` if none is named.
        detail: at most `MAX_DETAIL_CHARACTERS`; empty if there is none.
        code: of the device's answer, such as ``4.22``; empty if it is the gateway that refuses.
    """

    reason: str
    detail: str
    code: str


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """What the directory of a gateway says of a device.

    Attributes:
        name: at the gateway.
        presence: whether it can be reached.
        back_s: in how many seconds it is expected; 0 if it is awake or overdue, None if it is gone.
        heard_s: Unix time at which it was heard last; 0 if it never was.
    """

    name: str
    presence: Presence
    back_s: float | None
    heard_s: float


def read_json(body: bytes) -> Any:
    """A value of JSON.

    Args:
        body: of bounded length.

    Raises:
        GatewayFailed: it is none.
    """
    try:
        text = body.decode("utf-8")
        require_shallow_text(text)
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        _refuse("it is no JSON")


def read_devices(body: bytes) -> dict[str, ListedDevice]:
    """The directory of a gateway, by names.

    Args:
        body: of bounded length.

    Raises:
        GatewayFailed: it cannot be read.
    """
    # Each device has one object and one list, so that the parser makes little of a lot.
    if body.count(b"{") > MAX_DEVICES or body.count(b"[") > MAX_DEVICES + 1:
        _refuse(f"it has more than {MAX_DEVICES} devices")
    rows = read_json(body)
    if not isinstance(rows, list):
        _refuse("it is no list of devices")
    found = {device.name: device for device in map(_device, rows)}
    if len(found) != len(rows):
        _refuse("two devices have one name")
    return found


def read_device(body: bytes) -> ListedDevice:
    """What the directory says of one device.

    Raises:
        GatewayFailed: it cannot be read.
    """
    return _device(read_json(body))


def read_job_state(body: bytes) -> JobState:
    """The state of a job.

    Raises:
        GatewayFailed: it cannot be read.
    """
    state = _object(read_json(body)).get("state")
    if not isinstance(state, str) or state not in set(JobState):
        _refuse("the state of its job is not known")
    return JobState(state)


def read_problem(reply: ServerReply) -> GatewayProblem:
    """The problem of a reply (RFC 9457); one that cannot be read has no detail."""
    values: dict[str, Any] = {}
    if reply.media_type == MEDIA_TYPE:
        try:
            values = _object(read_json(reply.body))
        except GatewayFailed:
            values = {}
    kind, code = _text(values.get("type")), _text(values.get("code"))
    reason = kind.removeprefix(TYPE) if kind.startswith(TYPE) else ""
    return GatewayProblem(
        *read_refusal(reason, values.get("detail")), code if _CODE.fullmatch(code) else ""
    )


def read_refusal(reason: object, detail: object) -> tuple[str, str]:
    """Reason and detail of a refusal, fit to be shown.

    Args:
        reason: untrusted; becomes ``refused`` if it is none.
        detail: untrusted; becomes empty if it is no text, and is cut.
    """
    word = _text(reason)
    is_sound = len(word) <= _MAX_REASON_CHARACTERS and _REASON.fullmatch(word) is not None
    shown = flatten(_text(detail)[:MAX_DETAIL_CHARACTERS])[:MAX_DETAIL_CHARACTERS]
    return word if is_sound else _NO_REASON, shown


def _device(value: object) -> ListedDevice:
    values = _object(value)
    name, presence, back_s = values.get("name"), values.get("presence"), values.get("back_s")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        _refuse("a device has no name")
    if not isinstance(presence, str) or presence not in set(Presence):
        _refuse("the presence of a device is not known")
    return ListedDevice(
        name=name,
        presence=Presence(presence),
        back_s=None if back_s is None else _seconds(back_s),
        heard_s=_seconds(values.get("heard_s")),
    )


def _seconds(value: Any) -> float:
    is_sound = isinstance(value, int | float) and 0 <= value <= _MAX_SECONDS
    if isinstance(value, bool) or not is_sound:
        _refuse("a time is no number of seconds")
    return float(value)


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse("an object is missing")
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError


def _refuse(problem: str) -> NoReturn:
    raise GatewayFailed(f"its answer cannot be used: {problem}")
