"""Notifies the supervisor of the device's process, such as systemd.

The protocol is that of sd_notify(3): a datagram of text to a socket that the environment names.
"""

import asyncio
import socket
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Final

READY: Final = "READY=1"
ALIVE: Final = "WATCHDOG=1"
STOPPING: Final = "STOPPING=1"


class Supervisor:
    """What supervises the process.

    Args:
        address: of a UNIX socket: a path, or ``@`` and an abstract name; empty if there is none.
        patience_s: it ends a process that has been silent for so long; None if it never does.
    """

    def __init__(self, address: str = "", patience_s: float | None = None) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._patience_s = patience_s

    @classmethod
    def find(cls, environment: Mapping[str, str], process_id: int) -> "Supervisor":
        """The supervisor that an environment names.

        Args:
            environment: of the process.
            process_id: its number; a watchdog can be that of another process.

        Raises:
            ValueError: what it says about one cannot be used.
        """
        address = environment.get("NOTIFY_SOCKET", "")
        if address and (address[0] not in "/@" or len(address) == 1):
            raise ValueError("NOTIFY_SOCKET: is neither a path nor an abstract name")
        text = environment.get("WATCHDOG_USEC", "")
        watched = environment.get("WATCHDOG_PID", "") or str(process_id)
        if not text or watched != str(process_id):
            return cls(address)
        if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) > 0):
            raise ValueError("WATCHDOG_USEC: is no number of microseconds")
        return cls(address, int(text) / 1e6)

    def notify(self, state: str) -> None:
        """Send the state of the process, without waiting.

        Raises:
            OSError: it cannot be sent.
        """
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(state.encode(), self._address)

    async def watch(self, work: Awaitable[None]) -> None:
        """Await some work; meanwhile notify the supervisor that the event loop is alive."""
        notifying = asyncio.create_task(self._notify_regularly())
        try:
            await work
        finally:
            notifying.cancel()

    async def _notify_regularly(self) -> None:
        while self._patience_s is not None:
            await asyncio.sleep(self._patience_s / 2)
            with suppress(OSError):  # the next one may arrive; if none does, the supervisor acts
                self.notify(ALIVE)
