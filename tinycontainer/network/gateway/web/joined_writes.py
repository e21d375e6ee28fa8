"""Sends head and body of an answer together: two system calls would cost as much as reading it."""

import asyncio
from typing import Any


class JoinedWrites:
    """A transport that holds one piece back until the next, or until nothing else is to be done.

    Args:
        transport: sends.
        loop: of the transport.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""
        self._flushing: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send soon; two pieces at once, so that no more than one is ever held."""
        if self._flushing is not None:
            self._held += data
            self._flush()
            return
        self._held = data
        # Unlike `call_soon` this makes no turn of the loop if it is cancelled.
        self._flushing = self._loop.call_later(0, self._flush)

    def close(self) -> None:
        """Send what is held, and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
            self._transport.write(self._held)
