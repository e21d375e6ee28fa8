"""The agent: one thread, in which the device runs in slices and changes only between them."""

import asyncio
from collections.abc import Callable
from typing import Final

from tinycontainer.device.device import BareDevice
from tinycontainer.interfaces.clock import NS_PER_S

from .coap_server import Observers

SLICE_MS: Final = 5
"""How long the device runs before the agent looks at requests."""


class Agent:
    """Runs a device, and lets requests in between its slices.

    Args:
        device: the device, in wall time.
        observers: are woken between slices.
    """

    def __init__(self, device: BareDevice, observers: Observers) -> None:
        self._device = device
        self._observers = observers
        self._asked = asyncio.Event()
        self._has_changed = False

    def note_change(self) -> None:
        """Something has changed on the device: observers are woken after this slice."""
        self._has_changed = True

    def poke(self) -> None:
        """A request may have made the device due now."""
        self._asked.set()

    async def run(self, until_ended: Callable[[], bool]) -> None:
        """Run the device until a condition holds, which is checked between slices."""
        while not until_ended():
            self._asked.clear()
            due_ns = self._device.run_due(SLICE_MS)
            if self._has_changed:
                self._has_changed = False
                self._observers.wake()
            if not until_ended():
                await self._rest(due_ns)

    async def _rest(self, due_ns: int | None) -> None:
        """Let requests in; sleep until the device is due or a request comes."""
        wait_s = None if due_ns is None else (due_ns - self._device.now_ns) / NS_PER_S
        if wait_s is not None and wait_s <= 0:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(wait_s):
                await self._asked.wait()
        except TimeoutError:
            return
