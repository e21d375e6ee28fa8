"""Who is there: all devices of a gateway, and each of them."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ...devices.devices import GatewayDevice, NotThere
from ...gateway_file import TokenVerb
from ..access import Holder
from ..answering import HttpAnswer, as_json
from ..parts import Parts
from ..streams import inventory
from ..views import describe_device
from .common import OpenStreams, find_device, require, wants_stream


class InventoryResources:
    """All devices, now or as they come and go.

    Args:
        parts: what the resources work on.
        streams: that are open.
    """

    def __init__(self, parts: Parts, streams: OpenStreams) -> None:
        self._parts = parts
        self._streams = streams

    async def list_devices(self, request: Request, holder: Holder) -> HttpAnswer | Response:
        """GET /devices."""
        require(holder, TokenVerb.READ)
        seen = [each for each in self._parts.devices if holder.reaches(each.groups)]
        if not wants_stream(request):
            return as_json(200, [self._describe(each) for each in seen])
        changes = self._parts.inventory.changes()
        names = [each.name for each in seen]
        source = inventory(changes, lambda name: self._look(name, holder), names)
        return self._streams.respond(source, holder)

    async def show_device(self, request: Request, holder: Holder) -> HttpAnswer:
        """GET /devices/{name}."""
        device = find_device(self._parts.devices, request, holder)
        require(holder, TokenVerb.READ)
        return as_json(200, self._describe(device))

    def _look(self, name: str, holder: Holder) -> dict[str, Any] | None:
        try:
            device = self._parts.devices.find(name)
        except NotThere:
            return None
        return self._describe(device) if holder.reaches(device.groups) else None

    def _describe(self, device: GatewayDevice) -> dict[str, Any]:
        return describe_device(device, self._parts.jobs.waiting(device.name))
