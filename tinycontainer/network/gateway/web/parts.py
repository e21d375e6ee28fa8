"""What the resources over HTTP work on."""

from collections.abc import Callable
from dataclasses import dataclass

from ...agent.requests.rates import Rates
from ..audit import AuditFile
from ..blobs import Blobs
from ..devices.devices import Devices
from ..devices.jobs import Jobs
from ..devices.watching import Inventory, Watching
from ..gateway_file import LimitsTable
from ..metrics import Metrics
from .access import Access


@dataclass(frozen=True, slots=True)
class Parts:
    """What the resources work on.

    Attributes:
        access: knows who asks.
        rates: bounds how often each holder may ask.
        devices: all devices.
        jobs: what waits for them.
        watching: what is observed.
        inventory: who is there.
        blobs: by hash.
        audit: notes each request.
        metrics: counts it.
        limits: of the gateway's file.
        openapi: the description of all resources, as JSON.
        random_bytes: draws a number of unpredictable bytes.
    """

    access: Access
    rates: Rates
    devices: Devices
    jobs: Jobs
    watching: Watching
    inventory: Inventory
    blobs: Blobs
    audit: AuditFile
    metrics: Metrics
    limits: LimitsTable
    openapi: bytes
    random_bytes: Callable[[int], bytes]
