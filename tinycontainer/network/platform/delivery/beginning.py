"""What a delivery asks of a device, through its gateway; it is the same however often it asks."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Final

from .gateway_answers import GatewayFailed
from .gateway_client import GatewayClient
from .progress import DeliveryProgress, DeliveryStep, DeliveryWaits
from .task import DeliveryTask

DEADLINE_S: Final = 90_000
"""For how long a request waits for its device: who was not heard for 25 hours is gone."""
_BLOB_GONE_S: Final = 5.0
_OCTETS: Final = {"Content-Type": "application/octet-stream"}


def begin(task: DeliveryTask, progress: DeliveryProgress, client: GatewayClient) -> DeliveryWaits:
    """Ask for what a step is about.

    Args:
        task: what is to be reached.
        progress: names the step; no request is under way.
        client: the gateway of the device.

    Raises:
        GatewayFailed: nobody knows whether it was asked for; asking again does no harm.
    """
    return _Beginning(task, progress, client).begin()


class _Beginning:
    """One step whose request is not under way."""

    def __init__(
        self, task: DeliveryTask, progress: DeliveryProgress, client: GatewayClient
    ) -> None:
        self._task = task
        self._progress = progress
        self._client = client
        self._container = f"tc/c/{task.uid.hex()}"

    def begin(self) -> DeliveryWaits:
        """Ask for what the step is about."""
        task, progress = self._task, self._progress
        match progress.step:
            case DeliveryStep.LOOK | DeliveryStep.CONFIRM:
                job = self._submit("GET", self._container)
            case DeliveryStep.UPDATE:
                job = self._submit("GET", "tc/su")
            case DeliveryStep.KEEP:
                self._client.keep_blob(self._blob(), task.envelope or task.bundle)
                return DeliveryWaits(replace(progress, step=DeliveryStep.PUT), 0.0)
            case DeliveryStep.PUT:
                try:
                    job = self._put()
                except GatewayFailed as failure:
                    if failure.reason != "unknown-blob":
                        raise
                    kept = replace(progress, step=DeliveryStep.KEEP)
                    return DeliveryWaits(kept, _BLOB_GONE_S)  # it has made room for others
            case DeliveryStep.START:
                job = self._change("POST", self._container, task.sha256, "start")
            case DeliveryStep.REMOVE:
                job = self._change("DELETE", self._container, progress.etag)
            case DeliveryStep.WITHDRAW:
                place = f"{self._container}/w"
                job = self._change("POST", place, "", headers=_OCTETS, body=task.token)
        return DeliveryWaits(replace(progress, gateway_job=job), 0.0)

    def _blob(self) -> str:
        """The SHA-256 of what the device is given."""
        read = self._task.envelope
        return self._task.sha256 if read is None else sha256(read()).hexdigest()

    def _put(self) -> str:
        etag, query = self._progress.etag, [f"blob={self._blob()}"]
        if self._task.envelope is not None:
            return self._change("POST", "tc/su", etag, *query, headers=_OCTETS)
        if self._progress.is_trial:
            query.append(f"confirm={self._task.confirm_ms}")
        headers = {**_OCTETS, "If-Match": f'"{etag}"'} if etag else _OCTETS
        return self._change("PUT", self._container, etag, *query, headers=headers)

    def _change(
        self,
        method: str,
        path: str,
        about: str,
        *query: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> str:
        """Ask for a change, with the id that it has however often it is asked for.

        Args:
            method: of HTTP.
            path: below the device.
            about: what is changed: the version that is there, or is to be.
            query: without the id.
            headers: of the request.
            body: of the request.
        """
        said = b"|".join((self._task.nonce, self._progress.step.encode(), about.encode()))
        parts = "&".join((*query, f"id={sha256(said).hexdigest()[:16]}"))
        return self._submit(method, f"{path}?{parts}", headers, body)

    def _submit(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> str:
        place = f"/devices/{self._task.device}/{target}"
        return self._client.submit(method, place, headers or {}, body, deadline_s=DEADLINE_S)
