"""Jobs: requests that wait for their device, and what has become of them."""

from collections.abc import AsyncGenerator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from ....agent.requests.message import CoapRequest, Option
from ...devices.devices import GatewayDevice
from ...devices.jobs import QueueFull
from ...job import IllegalJobEvent, Job
from ..access import Holder
from ..answering import HttpAnswer, as_json, write_answer
from ..asking import rendition_for
from ..forwarding import write_protected
from ..parts import Parts
from ..preferences import Preferences
from ..problems import HttpRefused, bad_request
from ..streams import write_event
from ..views import describe_job
from .common import OpenStreams, find_device, wants_stream

DEADLINE: Final = "job-deadline"
"""Header field: in how many seconds a job is not to be sent any more."""
JOBS_SHOWN: Final = 100
_ID_DIGITS: Final = 32
_FOLLOWED_S: Final = 3600
_QUEUE_S: Final = 30


class JobResources:
    """Jobs of whoever asks; those of others do not exist.

    Args:
        parts: what the resources work on.
        streams: that are open.
    """

    def __init__(self, parts: Parts, streams: OpenStreams) -> None:
        self._parts = parts
        self._streams = streams

    async def accept(
        self, request: Request, holder: Holder, device: GatewayDevice, asked: CoapRequest
    ) -> HttpAnswer:
        """Make a job of a request.

        Args:
            request: of HTTP.
            holder: who asks.
            device: that is asked.
            asked: what, with its payload.

        Raises:
            HttpRefused: too many jobs wait.
        """
        digits = request.headers.get(DEADLINE, "")
        if digits and not (digits.isascii() and digits.isdigit() and len(digits) <= 8):
            raise bad_request("Job-Deadline: is no number of seconds")
        patience_s = float(digits) if digits else None
        try:
            job = self._parts.jobs.accept(device.name, holder.name, asked, patience_s)
        except QueueFull as error:
            headers = {"Retry-After": str(_QUEUE_S)}
            raise HttpRefused(503, "queue-full", str(error), headers) from error
        request.state.note["job"] = job.id
        job = await self._await_end(request, job)
        headers = {"location": f"/jobs/{job.id}", "preference-applied": "respond-async"}
        return as_json(202, describe_job(job), headers)

    async def list_jobs(self, request: Request, holder: Holder) -> HttpAnswer:
        """GET /devices/{name}/jobs."""
        device = find_device(self._parts.devices, request, holder)
        found = self._parts.jobs.of_device(device.name, holder.name, JOBS_SHOWN)
        return as_json(200, [describe_job(job) for job in found])

    async def show(self, request: Request, holder: Holder) -> HttpAnswer | Response:
        """GET /jobs/{id}."""
        job = self._find(request, holder)
        if wants_stream(request):
            return self._streams.respond(self._follow(job), holder)
        return as_json(200, describe_job(await self._await_end(request, job)))

    async def cancel(self, request: Request, holder: Holder) -> HttpAnswer:
        """DELETE /jobs/{id}."""
        job = self._find(request, holder)
        try:
            return as_json(200, describe_job(self._parts.jobs.cancel(job)))
        except IllegalJobEvent as error:
            raise HttpRefused(409, "wrong-state", str(error)) from error

    async def result(self, request: Request, holder: Holder) -> HttpAnswer:
        """GET /jobs/{id}/result: the answer of the device, as if it were given now."""
        job = self._find(request, holder)
        if job.answer is None:
            ended = "it has no result" if job.state.has_ended else "ask later"
            raise HttpRefused(409, "no-result", f"the job is {job.state}; {ended}")
        if job.request.option(Option.OSCORE) is not None:
            return write_protected(job.answer)
        rendition = rendition_for(job.request, request.headers.get("accept"))
        is_conditional = job.request.option(Option.ETAG) is not None
        return write_answer(job.answer, rendition, 0, 0, may_be_valid=is_conditional)

    async def _await_end(self, request: Request, job: Job) -> Job:
        wait_s = Preferences.of(request.headers).wait_s
        return await self._parts.jobs.wait_for_end(job, wait_s) if wait_s else job

    async def _follow(self, job: Job) -> AsyncGenerator[bytes, None]:
        yield write_event("job", describe_job(job))
        while not job.state.has_ended:
            now = await self._parts.jobs.wait(job, _FOLLOWED_S)
            if now.state is not job.state:
                yield write_event("job", describe_job(now))
            job = now

    def _find(self, request: Request, holder: Holder) -> Job:
        job_id = str(request.path_params["id"])
        job = self._parts.jobs.find(job_id) if len(job_id) == _ID_DIGITS else None
        if job is None or job.owner != holder.name:
            raise HttpRefused(404, "unknown-job", "no job of yours has this id, or not any more")
        request.state.note["device"] = job.device
        return job
