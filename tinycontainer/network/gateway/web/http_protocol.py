"""The library's reader of HTTP, with a bound for what comes before the payload of a request.

The library itself keeps whatever header a stranger sends, and waits for its end for ever.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .joined_writes import JoinedWrites

MAX_HEAD_BYTES: Final = 64 * 1024
HEAD_S: Final = 20.0
"""How long the head of a request may take, from its first byte or the begin of its connection."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes connections whose requests have heads that are too long, or too slow."""

    _head_bytes = 0
    _is_in_head = True
    _ending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client is there."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request, or of several."""
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if not self._is_in_head:
            self._head_bytes = 0
            self._is_in_head = True
            self._await_head()

    def on_headers_complete(self) -> None:
        """Its payload comes next."""
        self._is_in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._stop_waiting()
        self._ending = self.loop.call_later(HEAD_S, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
