"""Devices and jobs of the gateway as JSON."""

from typing import Any

from ...agent.requests.message import CoapRequest, Option
from ..devices.devices import GatewayDevice
from ..job import Job


def describe_device(device: GatewayDevice, jobs: int) -> dict[str, Any]:
    """A device.

    Args:
        device: as the gateway knows it.
        jobs: how many wait for it.
    """
    registration = device.registration
    described: dict[str, Any] = {
        "name": device.name,
        "groups": sorted(device.groups),
        "presence": device.availability.presence.value,
        "protected": device.is_protected,
        "heard_s": round(device.heard_s, 3),
        "back_s": _rounded(device.availability.back_s),
        "jobs": jobs,
    }
    if registration is not None:
        described |= {
            "base": registration.base,
            "registered_s": round(registration.renewed_s, 3),
            "lifetime_s": registration.lifetime_s,
            "sleep_s": registration.sleep_s,
            "awake_s": registration.awake_s,
        }
    return described


def describe_job(job: Job) -> dict[str, Any]:
    """A job, without what was asked in it and what was answered."""
    request = job.request
    is_protected = request.option(Option.OSCORE) is not None
    return {
        "id": job.id,
        "device": job.device,
        "state": job.state.value,
        "method": request.method.name,
        "path": "" if is_protected else _place_of(request),
        "protected": is_protected,
        "created_s": round(job.created_s, 3),
        "deadline_s": round(job.deadline_s, 3),
        "ended_s": round(job.ended_s, 3),
        "attempts": job.attempts,
        "code": "" if job.answer is None else job.answer.code.dotted,
    }


def _place_of(request: CoapRequest) -> str:
    """Path and query of a request, without its id."""
    query = "&".join(part for part in request.query if not part.startswith("id="))
    return "/" + "/".join(request.path) + (f"?{query}" if query else "")


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
