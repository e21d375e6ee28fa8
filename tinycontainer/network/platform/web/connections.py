"""How devices are reached, and what they run, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from tinycontainer.network.gateway.gateway_file import NAME

from ..actor import Actor, PlatformScope
from ..delivery.usage import ReportedUsage
from ..fleet import connections, devices
from ..fleet.connections import DeviceConnection
from ..fleet.standing import Standing
from ..rollouts.containers import ContainerOfDevice, list_containers
from ..rollouts.jobs import begin_jobs_anew
from ..rollouts.targets import wake_rollouts
from .bodies import JsonAnswer, JsonBody
from .callers import caller
from .fleet_bodies import DeviceShown, NamePath
from .parts import PlatformParts


class ConnectionGiven(JsonBody):
    """How a device is reached."""

    gateway: str = Field(pattern=f"^{NAME}$", description="by its name in the platform's file")
    endpoint: str = Field(pattern=f"^{NAME}$", description="name of the device at the gateway")
    takes_updates: bool = Field(
        False, description="bring releases by envelopes of SUIT, where they have one"
    )


class GatewaysShown(JsonAnswer):
    """The gateways of the organisation."""

    gateways: list[str]


class UsageShown(JsonAnswer):
    """What a container has used since it was loaded, as its device has said (TC-MGMT-09)."""

    share_percent: float
    """Of the processor, since the boot."""
    idle_percent: float
    """Of the time since the boot in which no container ran."""
    execution_ns: int
    instructions: int
    peak_memory_bytes: int
    calls: int
    refusals: int
    """Calls that the device has refused."""
    deadline_misses: int
    skipped_periods: int

    @classmethod
    def of(cls, usage: ReportedUsage) -> "UsageShown":
        """From what was said."""
        said = usage.as_dict()
        share, idle_share = said.pop("share"), said.pop("idle_share")
        return cls(share_percent=share / 100, idle_percent=idle_share / 100, **said)


class ContainerShown(JsonAnswer):
    """What a device is to run of an application, and what it has said that it runs."""

    uid: str
    desired: int | None
    """Number of the release; null if it is to run none."""
    desired_s: float | None
    reported: int | None
    """Number of the release; null if it runs none, or one that the platform does not know."""
    reported_sha256: str | None
    standing: Standing | None
    """Of the device with this container; null if it is to have none, and has none."""
    state: str
    """As the device has said it; ABSENT if it has none, empty as long as it has said nothing."""
    last_exit: str
    usage: UsageShown | None
    """Null if the device has not said it."""
    reported_s: float | None

    @classmethod
    def of(cls, found: ContainerOfDevice) -> "ContainerShown":
        """From what is known of it."""
        row = found.row
        return cls(
            uid=found.uid.hex(),
            desired=found.desired,
            desired_s=row.desired_s,
            reported=found.reported,
            reported_sha256=row.reported_sha256,
            standing=found.standing,
            state=row.reported_state,
            last_exit=row.reported_exit,
            usage=None if found.usage is None else UsageShown.of(found.usage),
            reported_s=row.reported_s,
        )


class ContainersShown(JsonAnswer):
    """What a device runs, by uid."""

    containers: list[ContainerShown]


def make_router(parts: PlatformParts) -> APIRouter:
    """The routes of connections, and of what devices run."""
    router = APIRouter(prefix="/api", tags=["fleet"])
    reader = Annotated[Actor, Depends(caller(PlatformScope.READ))]
    deployer = Annotated[Actor, Depends(caller(PlatformScope.DEPLOY))]

    @router.get("/gateways")
    def list_gateways(actor: reader) -> GatewaysShown:
        """The gateways of the organisation, as the platform's file names them."""
        own = (name for name, owner in parts.gateways.items() if owner == actor.organisation)
        return GatewaysShown(gateways=sorted(own))

    @router.put("/devices/{name}/connection")
    def connect_device(actor: deployer, name: NamePath, given: ConnectionGiven) -> DeviceShown:
        """As the infrastructure of a device: say through which gateway it is reached."""
        return reach_device(parts, actor, name, given)

    @router.delete("/devices/{name}/connection")
    def disconnect_device(actor: deployer, name: NamePath) -> DeviceShown:
        """As the infrastructure of a device: ask it nothing more."""
        with parts.changing(actor) as session:
            row = connections.disconnect_device(session, actor, name, parts.now_s())
            return DeviceShown.of(row, devices.names_of(session, (row,)))

    @router.get("/devices/{name}/containers")
    def list_device_containers(actor: reader, name: NamePath) -> ContainersShown:
        """What a device is to run, beside what it has said that it runs."""
        with parts.database.reading() as session:
            row = devices.find_device(session, actor, name)
            found = list_containers(session, row.id)
            return ContainersShown(containers=[ContainerShown.of(each) for each in found])

    return router


def reach_device(
    parts: PlatformParts, actor: Actor, name: str, given: ConnectionGiven
) -> DeviceShown:
    """Say through which gateway a device is reached, and begin what waits for that.

    Args:
        parts: what it works on.
        actor: who asks.
        name: of the device.
        given: how it is reached.

    Raises:
        PlatformRefused: as for `connections.connect_device`.
    """
    connection = DeviceConnection(given.gateway, given.endpoint, given.takes_updates)
    with parts.changing(actor) as session:
        now_s = parts.now_s()
        row = connections.connect_device(session, actor, name, connection, parts.gateways, now_s)
        begin_jobs_anew(session, row.id, now_s)
        wake_rollouts(session, row, now_s)
        return DeviceShown.of(row, devices.names_of(session, (row,)))
