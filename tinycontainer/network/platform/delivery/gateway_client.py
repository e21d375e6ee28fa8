"""A gateway as the platform sees it: its directory, its blobs and its jobs, over HTTP."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from tinycontainer.tools.evidence import MAX_STATEMENT_BYTES

from ...gateway.job import JobState
from ..exchange import Server, ServerReply, ServerSilent
from .evidence_answers import EventPage, read_event_page
from .gateway_answers import (
    JOB,
    GatewayFailed,
    GatewayProblem,
    ListedDevice,
    read_device,
    read_devices,
    read_job_state,
    read_json,
    read_problem,
)
from .progress import ReportedContainer, read_containers

MAX_WAIT_S: Final = 2
"""For how long a gateway is asked to wait for the end of a job."""
_ACCEPT: Final = "application/json, */*;q=0.1"
_MAX_ANSWER_BYTES: Final = 1 << 16
_MAX_DIRECTORY_BYTES: Final = 4 << 20
_MAX_CONTAINERS_BYTES: Final = 1 << 20
_ASKED_ANEW: Final = {"If-None-Match": '"00"'}
"""A tag that no answer has, so that the gateway uses no answer again (TC-GW-23)."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]{1,4096}=*")
"""RFC 6750, section 2.1."""
_REDIRECTIONS: Final = range(300, 400)
_REFUSE_TOKEN: Final = (401, 403)
_NOT_NOW: Final = (429, 503, 504)


@dataclass(frozen=True, slots=True)
class DeviceReply:
    """What a device has answered, as its gateway says. All of it is untrusted.

    Attributes:
        status: of HTTP, in which the gateway tells the code of the device.
        body: parsed JSON of a success; None if there is none.
        problem: of a refusal; None for a success.
        after_s: after how many seconds the device wants to be asked again; None if it says none.
    """

    status: int
    body: Any = None
    problem: GatewayProblem | None = None
    after_s: int | None = None


class GatewayClient:
    """A gateway as the platform sees it. Every call is one exchange, or two, each bounded.

    Args:
        server: where it is; the path of its URI comes before all others, and a request that waits
            takes `MAX_WAIT_S` of its time.
        token: bearer token of the platform; empty if there is none. It is never shown.
        upload_s: how long a request with a long payload and its answer may take together.

    Raises:
        ValueError: the token is none of RFC 6750.
    """

    def __init__(self, server: Server, token: str, upload_s: float) -> None:
        if token and _TOKEN.fullmatch(token) is None:
            raise ValueError("the token is no bearer token (RFC 6750)")
        self._server = server
        self._uploading = replace(server, timeout_s=upload_s)
        self._token = token

    def devices(self) -> dict[str, ListedDevice]:
        """The devices that the platform may know of, by name.

        Raises:
            GatewayFailed: the gateway does not say.
        """
        reply = self._ask(self._server, "GET", "/devices", limit_bytes=_MAX_DIRECTORY_BYTES)
        return read_devices(_require(reply, 200).body)

    def presence(self, name: str) -> ListedDevice | None:
        """What the directory says of a device; None if it knows none of this name.

        Args:
            name: at the gateway.

        Raises:
            GatewayFailed: the gateway does not say.
        """
        reply = self._ask(self._server, "GET", f"/devices/{name}")
        if _is_unknown(reply, "unknown-device"):
            return None
        found = read_device(_require(reply, 200).body)
        if found.name != name:
            raise GatewayFailed("its answer cannot be used: it is about another device")
        return found

    def containers(self, name: str) -> dict[bytes, ReportedContainer] | None:
        """What a device says just now of all its containers, by uid.

        Args:
            name: at the gateway.

        Returns:
            None if the device does not answer now, because it sleeps for instance.

        Raises:
            GatewayFailed: the gateway does not say.
        """
        target = f"/devices/{name}/tc/c"
        wanted = {"Accept": "application/cbor", **_ASKED_ANEW}
        reply = self._ask(self._server, "GET", target, wanted, limit_bytes=_MAX_CONTAINERS_BYTES)
        if reply.status in _NOT_NOW or _is_unknown(reply, "unknown-device"):
            return None
        try:
            return read_containers(_require(reply, 200).body)
        except ValueError as error:
            raise GatewayFailed(f"its answer cannot be used: {error}") from None

    def events(self, name: str, since: int) -> EventPage | None:
        """The events of a device above a number, as far as one answer holds them.

        Args:
            name: at the gateway.
            since: the number.

        Returns:
            None if the device does not answer now.

        Raises:
            GatewayFailed: the gateway does not say.
        """
        target = f"/devices/{name}/tc/e?since={since}"
        wanted = {"Accept": "application/cbor", **_ASKED_ANEW}
        reply = self._ask(self._server, "GET", target, wanted)
        if reply.status in _NOT_NOW or _is_unknown(reply, "unknown-device"):
            return None
        return read_event_page(_require(reply, 200).body, since)

    def evidence(self, name: str, nonce: bytes) -> bytes | None:
        """What a device signs of itself; nothing of it is checked.

        Args:
            name: at the gateway.
            nonce: 8 to 32 bytes, drawn for this.

        Returns:
            None if the device does not answer now.

        Raises:
            GatewayFailed: the gateway does not say, or the device signs nothing.
        """
        target = f"/devices/{name}/tc/ev?nonce={nonce.hex()}"
        wanted = {"Accept": "application/cose"}
        reply = self._ask(self._server, "GET", target, wanted, limit_bytes=MAX_STATEMENT_BYTES)
        if reply.status in _NOT_NOW or _is_unknown(reply, "unknown-device"):
            return None
        return _require(reply, 200).body

    def keep_blob(self, sha256: str, read: Callable[[], bytes]) -> None:
        """Have the gateway keep a content; nothing is read and sent if it has it.

        Args:
            sha256: of the content, in small hexadecimal digits.
            read: gives the content, which is at most as long as the gateway takes.

        Raises:
            GatewayFailed: it may not have it.
        """
        target = f"/blobs/{sha256}"
        reply = self._ask(self._server, "HEAD", target)
        if reply.status == 200:
            return
        if reply.status != 404:
            _refuse(reply)
        headers = {"Content-Type": "application/octet-stream"}
        _require(self._ask(self._uploading, "PUT", target, headers, read()), 201)

    def submit(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        deadline_s: int,
    ) -> str:
        """Make a job of a request to a device.

        Args:
            method: of HTTP.
            target: path and query.
            headers: beside those that every request has.
            body: empty if there is none.
            deadline_s: for how long it waits for its device at the most.

        Returns:
            Where the job is: ``/jobs/`` and 32 hexadecimal digits.

        Raises:
            GatewayFailed: nobody knows whether there is a job.
        """
        wanted = {"Prefer": "respond-async", "Job-Deadline": str(deadline_s), **headers}
        reply = _require(self._ask(self._uploading, method, target, wanted, body), 202)
        if JOB.fullmatch(reply.location) is None:
            raise GatewayFailed("it names no place of a job such as /jobs/ID")
        return reply.location

    def look_at(self, job: str, wait_s: int = 0) -> JobState | None:
        """The state of a job; None if the gateway does not know it, or not any more.

        Args:
            job: where it is.
            wait_s: for how long the gateway is to wait for its end; 0 to `MAX_WAIT_S`.

        Raises:
            GatewayFailed: the gateway does not say.
        """
        headers = {"Prefer": f"wait={min(wait_s, MAX_WAIT_S)}"} if wait_s else {}
        reply = self._ask(self._server, "GET", job, headers)
        if _is_unknown(reply, "unknown-job"):
            return None
        return read_job_state(_require(reply, 200).body)

    def result(self, job: str) -> DeviceReply | None:
        """What the device has answered to a job; None if there is no answer, or not any more.

        Args:
            job: where it is.

        Raises:
            GatewayFailed: the gateway does not say.
        """
        reply = self._ask(self._server, "GET", f"{job}/result")
        if reply.status in (200, 201, 204):
            has_json = reply.body and reply.media_type == "application/json"
            body = read_json(reply.body) if has_json else None
            return DeviceReply(reply.status, body)
        problem = read_problem(reply)
        if _is_unknown(reply, "unknown-job") or (
            reply.status == 409 and problem.reason == "no-result"
        ):
            return None
        if not problem.code and problem.reason != "bad-answer":
            _refuse(reply)
        return DeviceReply(reply.status, None, problem, reply.retry_after_s)

    def cancel(self, job: str) -> bool:
        """Cancel a job; whether the gateway says that it was cancelled now.

        Args:
            job: where it is.

        Raises:
            GatewayFailed: nobody knows.
        """
        reply = self._ask(self._server, "DELETE", job)
        if reply.status == 409 or _is_unknown(reply, "unknown-job"):
            return False
        state = read_job_state(_require(reply, 200).body)
        return state is JobState.CANCELLED

    def _ask(
        self,
        server: Server,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limit_bytes: int = _MAX_ANSWER_BYTES,
    ) -> ServerReply:
        sent = {"Accept": _ACCEPT, **(headers or {})}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        whole = f"{server.uri.path.rstrip('/')}{target}"
        try:
            reply = server.exchange(method, whole, sent, body, limit_bytes)
        except ServerSilent as error:
            raise GatewayFailed(str(error)) from None
        if not self._token:
            return reply
        # What a gateway says is shown to people, even where it repeats the token.
        return replace(reply, body=reply.body.replace(self._token.encode(), b"..."))


def _is_unknown(reply: ServerReply, reason: str) -> bool:
    return reply.status == 404 and read_problem(reply).reason == reason


def _require(reply: ServerReply, status: int) -> ServerReply:
    return reply if reply.status == status else _refuse(reply)


def _refuse(reply: ServerReply) -> NoReturn:
    if reply.status in _REDIRECTIONS:
        raise GatewayFailed("it leads elsewhere, which is not followed")
    problem = read_problem(reply)
    said = ": ".join(filter(None, (f"{reply.status} {problem.reason}", problem.detail)))
    if reply.status in _REFUSE_TOKEN:
        text = f"it refuses the token of the platform with {said}"
        raise GatewayFailed(text, reason=problem.reason, refuses_token=True)
    text = f"it refuses with {said}"
    raise GatewayFailed(text, reason=problem.reason, after_s=reply.retry_after_s)
