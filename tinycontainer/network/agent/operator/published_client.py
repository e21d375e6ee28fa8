"""The operator's side of version 1, as the firmware has it (TC-MGMT-07)."""

from typing import Final

from ..requests.message import CoapAnswer, CoapRequest, Option, from_uint, to_uint
from ..requests.published_table import CONTAINER_PATH, ROWS, Action
from .client import DeviceRefused, Requests, require

MAX_SECTIONS_BYTES: Final = 3800
"""A load of version 1 is one datagram; an agent accepts 4,096 bytes, the firmware 1,204."""


class PublishedClient:
    """Requests of version 1, and their answers.

    Args:
        requests: sends them; each once, as the device cannot see that one is a repetition.
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
        self._ask(Action.LOAD, metadata, data, code)

    def order(self, uid: bytes, action: Action) -> None:
        """Start, stop or delete a container."""
        self._ask(action, uid)

    def is_running(self, uid: bytes) -> bool:
        """Whether a container is RUNNING; False if it is not loaded."""
        answer = self._ask(Action.IS_RUNNING, uid)
        return from_uint(dict(answer.options).get(Option.STATUS, b"")) == 1

    def _ask(self, action: Action, *values: bytes) -> CoapAnswer:
        """Ask for an action with the options that it needs, in the order of its row."""
        row = ROWS[action]
        number = (Option.ACTION, to_uint(int(action)))
        options = number, *zip(row.needs, values, strict=True)
        request = CoapRequest(b"", row.method, CONTAINER_PATH, (), options)
        return require(self._requests.send(request), row.done)
