"""Who is there: all devices of a gateway, and each of them."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ...devices.devices import AT_ONCE, GatewayDevice, NotThere
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
        names = self._parts.devices.names()
        if not wants_stream(request):
            return as_json(200, await self._look_at_all(names, holder))
        changes = self._parts.inventory.changes()
        source = inventory(changes, lambda name: self._look(name, holder), names)
        return self._streams.respond(source, holder)

    async def show_device(self, request: Request, holder: Holder) -> HttpAnswer:
        """GET /devices/{name}."""
        device = find_device(self._parts.devices, request, holder)
        require(holder, TokenVerb.READ)
        return as_json(200, self._describe(device))

    async def _look_at_all(self, names: list[str], holder: Holder) -> list[dict[str, Any]]:
        found = []
        for number, name in enumerate(names):
            described = self._look(name, holder)
            if described is not None:
                found.append(described)
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)  # others get their turn
        return found

    def _look(self, name: str, holder: Holder) -> dict[str, Any] | None:
        try:
            device = self._parts.devices.find(name)
        except NotThere:
            return None
        return self._describe(device) if holder.reaches(device.groups) else None

    def _describe(self, device: GatewayDevice) -> dict[str, Any]:
        return describe_device(device, self._parts.jobs.waiting(device.name))
