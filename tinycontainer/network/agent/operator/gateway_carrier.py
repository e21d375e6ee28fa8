"""Carries protected messages through a gateway, and waits for devices that sleep (TC-GW-34)."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from tinycontainer.interfaces.network.http_uri import HttpUri
from tinycontainer.text import show

from .answers import AnswerUnreadable
from .client import Asleep, DeviceRefused, Unreachable
from .gateway_replies import (
    JOB_GOES_ON,
    JOB_HAS_ANSWER,
    OSCORE_TYPE,
    ProtectedMessage,
    describe_return,
    is_asleep,
    read_job,
    read_job_state,
    read_protected,
    write_option,
)
from .http_connection import HttpConnection, HttpReply

MAX_WAIT_S: Final = 20
"""For how long the gateway is asked to hold a question about a job."""
AGAIN_S: Final = 1.0
"""At least so long after a question about a job the next one is asked."""
CANCEL_S: Final = 2.0
"""How long to try to cancel a job at most."""
MAX_LINE_CHARACTERS: Final = 400
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the operator waits.

    Attributes:
        timeout_s: for an answer of the gateway.
        sleep_s: for a sleeping device; 0 not to wait for one.
    """

    timeout_s: float
    sleep_s: float = 0.0


@dataclass(frozen=True, slots=True)
class OperatorTime:
    """Where time comes from.

    Attributes:
        now_s: monotonic seconds.
        sleep: lets seconds pass.
    """

    now_s: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that a gateway wants to see. It is never shown.

    Attributes:
        token: as it was given; empty if there is none.
    """

    token: str = field(default="", repr=False)

    def headers(self) -> dict[str, str]:
        """The header that every request bears."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


class GatewayCarrier:
    """Carries protected messages to one device.

    Args:
        connection: to the gateway.
        device: its URI at the gateway.
        bearer: what the gateway wants to see.
        patience: how long to wait.
        timing: where time comes from.
    """

    def __init__(
        self,
        connection: HttpConnection,
        device: HttpUri,
        bearer: Bearer,
        patience: Patience,
        timing: OperatorTime,
    ) -> None:
        self._connection = connection
        self._device = device
        self._bearer = bearer
        self._patience = patience
        self._timing = timing
        self._asleep_since_s: float | None = None

    def carry(self, message: ProtectedMessage) -> ProtectedMessage:
        """The answer to a message; OSCORE has yet to prove it.

        Raises:
            TimeoutError: there was none.
            Asleep: the device sleeps, and nobody waits for it any longer.
            Unreachable: there cannot be one.
            DeviceRefused: the gateway, or the device without protection, says that it failed.
            AnswerUnreadable: what the gateway replies is no answer.
        """
        try:
            return self._carry(message)
        except (DeviceRefused, AnswerUnreadable, Unreachable) as error:
            raise self._retell(error) from error.__cause__

    def has_answered(self) -> None:
        """The device has proved that it is awake."""
        self._asleep_since_s = None

    def _carry(self, message: ProtectedMessage) -> ProtectedMessage:
        reply = self._post(message)
        if is_asleep(reply):
            if not self._patience.sleep_s:
                back = describe_return(reply)
                raise Asleep(f"{self._name} sleeps; {back}; --wait waits for it")
            reply = self._leave_message(message)
        return read_protected(reply)

    def _leave_message(self, message: ProtectedMessage) -> HttpReply:
        """Let the gateway keep the same message until the device is back, and wait for it."""
        if self._asleep_since_s is None:
            self._asleep_since_s = self._timing.now_s()
        until_s = self._asleep_since_s + self._patience.sleep_s
        if self._timing.now_s() >= until_s:
            raise Asleep(f"{self._name} still sleeps")
        left_s = math.ceil(until_s - self._timing.now_s())
        # Should this client be ended meanwhile, the gateway gives up by itself.
        headers = {"Prefer": "respond-async", "Job-Deadline": str(left_s)}
        reply = self._post(message, headers)
        if reply.status != 202:  # it is back already, or something else is wrong
            return reply
        job = read_job(reply, self._device)
        try:
            state = self._wait_for(job, until_s)
        except BaseException:  # whoever gives up, Ctrl-C included, takes the request back
            self._cancel(job)
            raise
        if state in JOB_HAS_ANSWER:
            return self._get_result(job)
        if state in JOB_GOES_ON:
            raise Asleep(f"{self._name} still sleeps; {self._cancel(job)}")
        if state == "unknown":
            raise TimeoutError
        if state == "expired":
            raise Asleep(f"{self._name} still sleeps")
        raise Unreachable(f"the gateway says that it did not send the request: it is {state}")

    def _wait_for(self, job: HttpUri, until_s: float) -> str:
        """The state in which a job ends, or in which it is when there is no time left."""
        state = "queued"
        while state in JOB_GOES_ON and (left_s := until_s - self._timing.now_s()) > 0:
            again_s = min(self._timing.now_s() + AGAIN_S, until_s)
            with suppress(TimeoutError):
                state = read_job_state(self._get(job.path, min(MAX_WAIT_S, math.ceil(left_s))))
            pause_s = again_s - self._timing.now_s()
            if state in JOB_GOES_ON and pause_s > 0:
                self._timing.sleep(pause_s)
        return state

    def _get_result(self, job: HttpUri) -> HttpReply:
        for _ in range(_TRIES):
            with suppress(TimeoutError):
                return self._get(f"{job.path}/result", 0)
        raise TimeoutError

    def _cancel(self, job: HttpUri) -> str:
        """Cancel a job; what to say of that."""
        headers = self._bearer.headers()
        timeout_s = min(self._patience.timeout_s, CANCEL_S)
        with suppress(TimeoutError, AnswerUnreadable, Unreachable):
            reply = self._connection.exchange("DELETE", job.path, headers, b"", timeout_s)
            if 200 <= reply.status < 300:
                return "the gateway says that it has dropped the request"
        return "the gateway did not drop the request, so it may yet be carried out"

    def _post(self, message: ProtectedMessage, more: dict[str, str] | None = None) -> HttpReply:
        headers = {
            "Content-Type": OSCORE_TYPE,
            "OSCORE": write_option(message.option),
            **self._bearer.headers(),
            **(more or {}),
        }
        return self._connection.exchange(
            "POST", self._device.path, headers, message.payload, self._patience.timeout_s
        )

    def _get(self, path: str, wait_s: int) -> HttpReply:
        headers = self._bearer.headers()
        if wait_s:
            headers["Prefer"] = f"wait={wait_s}"
        timeout_s = wait_s + self._patience.timeout_s
        return self._connection.exchange("GET", path, headers, b"", timeout_s)

    @property
    def _name(self) -> str:
        return show(self._device.name, 64)

    def _retell(self, error: Exception) -> Exception:
        """The same error, bounded; where a gateway repeats the token, it is taken out."""
        text = str(error)
        if self._bearer.token:
            text = text.replace(self._bearer.token, "...")
        is_long = len(text) > MAX_LINE_CHARACTERS
        return type(error)(f"{text[:MAX_LINE_CHARACTERS]}..." if is_long else text)
