"""The gateway: everything of it put together, and served until it is ended."""

import asyncio
import os
import resource
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from typing import Any, Final

import aiocoap
import uvicorn

from tinycontainer.interfaces.network.recent_messages import bound_recent_messages

from ..agent.address import Address
from ..agent.ending import Ending
from ..agent.protection import ProtectedSite, Protection
from ..agent.requests.rates import Rates
from .audit import AuditFile
from .blobs import Blobs
from .coap_site import DoubleSite, GatewaySite
from .devices.cache import AnswerCache
from .devices.carrier import CoapCarrier
from .devices.devices import AT_ONCE, Devices, NotThere
from .devices.jobs import JobLimits, Jobs
from .devices.watching import Inventory, Watching
from .directory.registrations import Registration, RegistrationChange
from .directory.resources import DirectoryResources
from .directory.table import MAX_REGISTRATIONS, Directory
from .gateway_file import CoapTable, GatewayPlan
from .job import Job
from .metrics import Metrics
from .store import GatewayStore
from .web.access import Access
from .web.application import Application
from .web.asking import needed_verbs
from .web.connection import MORE_CONNECTIONS
from .web.openapi import write_openapi
from .web.page import read_page_files
from .web.parts import Parts
from .web.server import WebServer, configure, listen

GRACE_S: Final = 2
"""How long requests over HTTP may go on after the end of the gateway has begun."""
LOOK_S: Final = 1.0
"""How often it is looked who has fallen asleep, or is gone."""
HEARD_S: Final = 10
"""How exactly those who look are told when a device was heard."""
_S_PER_HOUR: Final = 3600
_BLOCKS_PER_S: Final = 2000
"""Of blobs, for each host."""
_MAX_CONNECTIONS: Final = 4096
_OTHER_FILES: Final = 256
"""That are open beside connections; without them no device could be asked."""
_BURST_S: Final = 2
"""For how many seconds' worth somebody may ask at once."""


@dataclass(frozen=True, slots=True)
class ServedGateway:
    """A gateway that is to be served.

    Attributes:
        plan: its file.
        contexts: the open OSCORE context of each listed device, by its name.
        when_ready: is called once it answers.
    """

    plan: GatewayPlan
    contexts: Mapping[str, Any]
    when_ready: Callable[[], None]


async def serve_gateway(served: ServedGateway, ending: Ending) -> None:
    """Serve a gateway until its end is asked for.

    Args:
        served: the gateway.
        ending: asks for the end; asked again, requests over HTTP are not waited for.

    Raises:
        OSError: an address cannot be used.
        StateFileError: its state cannot be used.
        DeviceFileError: its audit cannot be written, or its certificate cannot be used.
    """
    plan, limits = served.plan, served.plan.content.limits
    loop = asyncio.get_running_loop()
    audit_path = None if plan.content.audit is None else plan.path(plan.content.audit, "audit")
    with (
        closing(listen(plan.http)) as listener,
        closing(GatewayStore(plan.path(plan.content.state, "state"), loop.call_later)) as store,
        closing(AuditFile(audit_path, limits.audit_bytes, time.time)) as audit,
    ):
        async with _coap(plan.coap) as coap:
            parts = _assemble(served, store, audit, coap)
            application = Application(parts, read_page_files())
            server = WebServer(_web_config(plan, application), served.when_ready)

            def end() -> None:
                server.should_exit = True
                server.force_exit = ending.is_urgent
                parts.watching.close()
                parts.inventory.close()

            ending.when_asked = end
            server.should_exit = ending.is_asked
            async with asyncio.TaskGroup() as group:
                behind = [
                    group.create_task(parts.jobs.run(lambda job: _may_still(parts, job))),
                    group.create_task(_watch_presence(parts)),
                ]
                await server.serve(sockets=[listener])
                for task in behind:
                    task.cancel()


def _assemble(served: ServedGateway, store: GatewayStore, audit: AuditFile, coap: Any) -> Parts:
    """Put everything together; from then on devices are answered."""
    content = served.plan.content
    limits = content.limits
    inventory = Inventory()
    now_s = steady_clock(time.time, time.monotonic)

    def when_changed(registration: Registration, change: RegistrationChange) -> None:
        inventory.note_change(registration.name)
        devices.note_registered(registration)
        jobs.wake(registration.name)
        if change is RegistrationChange.MADE:
            watching.begin_anew(registration.name)

    listed = {each.name: frozenset(each.groups) for each in content.devices}
    directory = Directory(
        frozenset(listed),
        content.coap.insecure,
        store,
        now_s,
        secrets.token_bytes,
        when_changed,
    )
    devices = Devices(
        directory,
        listed,
        served.contexts,
        CoapCarrier(coap, secrets.token_bytes, limits.answer_s),
        AnswerCache(time.monotonic, limits.cache_ms / 1000),
        _rates(limits.device_requests_per_s),
        now_s,
    )
    job_limits = JobLimits(
        limits.jobs_per_device, limits.jobs, limits.job_bytes, limits.job_hours * _S_PER_HOUR
    )
    watching = Watching(devices)
    jobs = Jobs(store, devices, job_limits, now_s, secrets.token_bytes)
    jobs.when_changed = lambda job: inventory.note_change(job.device)
    blobs = Blobs(store, limits.payload_bytes, limits.blob_bytes, content.blobs_from, time.time)
    site = GatewaySite(
        DirectoryResources(directory, _directory_rates(content.coap)),
        blobs,
        _rates(_BLOCKS_PER_S),
        directory.has_host,
    )
    protected = ProtectedSite(site, Protection(served.contexts), time.monotonic)
    coap.serversite = DoubleSite(site, protected if served.contexts else None)
    return Parts(
        access=Access(content.tokens),
        rates=_rates(limits.requests_per_s),
        devices=devices,
        jobs=jobs,
        watching=watching,
        inventory=inventory,
        blobs=blobs,
        audit=audit,
        metrics=_metrics(devices, jobs, audit),
        limits=limits,
        openapi=write_openapi(),
        random_bytes=secrets.token_bytes,
    )


def steady_clock(
    wall_s: Callable[[], float], monotonic_s: Callable[[], float]
) -> Callable[[], float]:
    """Unix time that goes on evenly, whatever happens to the clock of the machine meanwhile.

    Else all jobs would be over, or all that sleep awake, when that clock is set.
    """
    offset_s = wall_s() - monotonic_s()
    return lambda: offset_s + monotonic_s()


def _may_still(parts: Parts, job: Job) -> bool:
    """Whether the owner of a job may have its request asked, by the file as it is now."""
    holder = parts.access.find(job.owner)
    if holder is None or not holder.reaches(parts.devices.groups(job.device)):
        return False
    return all(map(holder.may, needed_verbs(job.request)))


def _metrics(devices: Devices, jobs: Jobs, audit: AuditFile) -> Metrics:
    def presences() -> Mapping[str, float]:
        return Counter(each.availability.presence.value for each in devices)

    return Metrics(
        (
            ("gateway_devices", "Devices that are listed or registered", "presence", presences),
            ("gateway_jobs", "Jobs that are kept", "state", jobs.count),
            (
                "gateway_audit_lost", "Lines of the audit that could not be written", "reason",
                lambda: {"disk": audit.lost},
            ),
        )
    )  # fmt: skip


def _directory_rates(coap: CoapTable) -> Rates:
    """Bounds for devices that register: each change of a registration is written at once.

    Without protection, many devices are counted as the one host that they come from.
    """
    if coap.insecure:
        return Rates(time.monotonic, most_peers=MAX_REGISTRATIONS)
    return Rates(time.monotonic, per_s=10, burst=20, shared=20, most_peers=MAX_REGISTRATIONS)


def _rates(per_s: float) -> Rates:
    """Bounds for each one; all together are not bounded by it."""
    burst = max(1, int(per_s * _BURST_S))
    return Rates(time.monotonic, per_s, burst, shared=1_000_000, most_peers=MAX_REGISTRATIONS)


async def _watch_presence(parts: Parts) -> None:
    """Note who has fallen asleep, is awake again, is gone, or was heard again."""
    before: dict[str, object] = {}
    while True:
        now = {}
        for number, name in enumerate(parts.devices.names()):
            with suppress(NotThere):  # it was deleted meanwhile
                device = parts.devices.find(name)
                now[name] = (device.availability.presence, device.heard_s // HEARD_S)
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
        for name in now.keys() | before.keys():
            if now.get(name) != before.get(name):
                parts.inventory.note_change(name)
        before = {**now}
        await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def _coap(address: Address) -> AsyncIterator[Any]:
    """A context of aiocoap, for devices that ask and for those that are asked.

    Raises:
        OSError: the address cannot be used.
    """
    # By default two servers would share a port silently, and requests would go to either.
    os.environ["AIOCOAP_REUSE_PORT"] = "0"
    context = await aiocoap.Context.create_server_context(
        None, bind=(address.host, address.port), transports=["udp6"]
    )
    bound_recent_messages(context)
    try:
        yield context
    finally:
        await context.shutdown()


def _web_config(plan: GatewayPlan, application: Application) -> uvicorn.Config:
    http = plan.content.http
    tls = None
    if http.certificate is not None and http.key is not None:
        certificate = plan.path(http.certificate, "http.certificate")
        tls = (certificate, plan.path(http.key, "http.key"))
    try:
        return configure(application.asgi(), GRACE_S, _most_connections(), tls)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise plan.error("http.certificate", f"cannot be used with its key: {error}") from error


def _most_connections() -> int:
    """How many connections there may be, so that there are files left for everything else."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most == resource.RLIM_INFINITY:
        return _MAX_CONNECTIONS
    return max(1, min(_MAX_CONNECTIONS, most - MORE_CONNECTIONS - _OTHER_FILES))
