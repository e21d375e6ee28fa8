"""The operator's side of version 1, as the firmware has it (TC-MGMT-07)."""

from typing import Final

from ..published import CONTAINER_PATH, Action
from ..requests.message import CoapAnswer, CoapRequest, Code, Method, Option, from_uint, to_uint
from .client import DeviceRefused, Requests, require

MAX_SECTIONS_BYTES: Final = 3800
"""A load of version 1 is one datagram; an agent takes 4,096 bytes, the firmware 1,204."""
_METHODS: Final = {
    Action.LOAD: Method.POST,
    Action.START: Method.PUT,
    Action.STOP: Method.PUT,
    Action.DELETE: Method.DELETE,
    Action.IS_RUNNING: Method.GET,
}
_CODES: Final = {
    Action.LOAD: Code.CREATED,
    Action.START: Code.CHANGED,
    Action.STOP: Code.CHANGED,
    Action.DELETE: Code.DELETED,
    Action.IS_RUNNING: Code.CONTENT,
}


class PublishedClient:
    """Requests of version 1, and their answers.

    Args:
        requests: sends them; once each, as nothing tells a repetition from another request.
    """

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def load(self, metadata: bytes, data: bytes, code: bytes) -> None:
        """Load a container.

        Raises:
            DeviceRefused: it is too long for one datagram, or it is refused.
        """
        size = len(metadata) + len(data) + len(code)
        if size > MAX_SECTIONS_BYTES:
            problem = f"at most {MAX_SECTIONS_BYTES} bytes fit into a load of version 1, not {size}"
            raise DeviceRefused(f"{problem}; leave --v1 out")
        options = (Option.METADATA, metadata), (Option.DATA, data), (Option.CODE, code)
        self._ask(Action.LOAD, options)

    def order(self, uid: bytes, action: Action) -> None:
        """Start, stop or delete a container."""
        self._ask(action, ((Option.UID, uid),))

    def is_running(self, uid: bytes) -> bool:
        """Whether a container is RUNNING; not, if there is none."""
        answer = self._ask(Action.IS_RUNNING, ((Option.UID, uid),))
        return from_uint(dict(answer.options).get(Option.STATUS, b"")) == 1

    def _ask(self, action: Action, options: tuple[tuple[Option, bytes], ...]) -> CoapAnswer:
        number = (Option.ACTION, to_uint(int(action)))
        request = CoapRequest(b"", _METHODS[action], CONTAINER_PATH, (), (number, *options))
        return require(self._requests.send(request), _CODES[action])
