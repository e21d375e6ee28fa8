"""Requests on their way to a device that does not answer."""

import asyncio
import secrets
import socket
from typing import Any

import pytest

pytest.importorskip("aiocoap")

import aiocoap

from tinycontainer.network.agent.requests.message import CoapRequest, Method
from tinycontainer.network.gateway.devices.answers import NoAnswer
from tinycontainer.network.gateway.devices.carrier import CoapCarrier, Destination

LOOK = CoapRequest(b"", Method.GET, ("tc",))


class Copying:
    """Protects by making another message, as OSCORE does."""

    def protect(self, message: Any) -> tuple[Any, None]:
        """A message in place of another."""
        return message.copy(), None


@pytest.mark.parametrize("security", [None, Copying()], ids=["unprotected", "protected"])
def test_what_a_device_has_missed_is_given_up_and_nothing_of_another(security: Any) -> None:
    async def ask(base: str) -> None:
        context = await aiocoap.Context.create_client_context(transports=["udp6"])
        carrier = CoapCarrier(context, secrets.token_bytes, 30)
        try:
            asking = asyncio.create_task(
                carrier.exchange(Destination("sleeper", base, security), LOOK)
            )
            await asyncio.sleep(0.1)
            carrier.abandon("another", base)
            await asyncio.sleep(0.1)
            assert not asking.done()
            carrier.abandon("sleeper", base)
            with pytest.raises(NoAnswer):
                await asyncio.wait_for(asking, 5)
        finally:
            await context.shutdown()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        asyncio.run(ask(f"coap://127.0.0.1:{silent.getsockname()[1]}"))
