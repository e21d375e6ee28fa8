"""A connection over HTTP, bounded in time and in memory before anybody knows who asks.

The library bounds neither a head nor the requests that are sent ahead, and waits for the rest of a
request, or for a client to read its answer, without an end.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .joined_writes import JoinedWrites

HEAD_BYTES: Final = 64 * 1024
"""Of a head; and what a payload may have beside it, in chunks."""
HEAD_S: Final = 15.0
"""How long a head may take, and a payload beyond what its length allows."""
PAYLOAD_BYTES_PER_S: Final = 1024
"""A payload that comes more slowly is not waited for."""
UNREAD_S: Final = 30.0
"""How long a client may read nothing of what it is sent."""
AHEAD: Final = 8
"""Requests that are sent before those before them are answered."""
MORE_CONNECTIONS: Final = 64
"""Beyond the limit of the server; until then, requests are answered with 503."""
LOOK_S: Final = 5.0
"""How exactly time is kept."""
_BESIDE_A_BYTE: Final = 6
"""A chunk of one byte has five others around it."""


class Connection(HttpToolsProtocol):
    """The library's connection, within bounds; one that is beyond them ends."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._beside_bytes = 0
        self._payload_bytes = 0
        self._began_s: float | None = None
        self._left_bytes = 0
        self._read_s = 0.0
        self._looking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]
        most = self.limit_concurrency
        if most is not None and len(self.connections) > most + MORE_CONNECTIONS:
            transport.abort()
            return
        self._began_s = self._read_s = self.loop.time()
        self._looking = self.loop.call_later(LOOK_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        super().connection_lost(exc)
        if self._looking is not None:
            self._looking.cancel()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._beside_bytes += len(data)
        super().data_received(data)
        if self._beside_bytes > HEAD_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._began_s, self._payload_bytes = self.loop.time(), 0

    def on_headers_complete(self) -> None:
        """Its head is there."""
        if self.transport.is_closing():
            return
        super().on_headers_complete()
        if len(self.pipeline) > AHEAD:
            self.transport.abort()

    def on_body(self, body: bytes) -> None:
        """A piece of its payload is there."""
        self._payload_bytes += len(body)
        self._beside_bytes = max(0, self._beside_bytes - _BESIDE_A_BYTE * len(body))
        if self.cycle is not None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._began_s, self._beside_bytes = None, 0
        if self.cycle is not None:
            super().on_message_complete()

    def _look(self) -> None:
        """End it if its client is too slow."""
        now_s = self.loop.time()
        if self._is_late(now_s) or self._is_unread(now_s):
            self.transport.abort()
            return
        self._looking = self.loop.call_later(LOOK_S, self._look)

    def _is_late(self, now_s: float) -> bool:
        if self._began_s is None:
            return False
        if self.flow.read_paused:  # it is the gateway, or a device, that is slow
            self._began_s, self._payload_bytes = now_s, 0
        return now_s - self._began_s > HEAD_S + self._payload_bytes / PAYLOAD_BYTES_PER_S

    def _is_unread(self, now_s: float) -> bool:
        left = self.transport.get_write_buffer_size()
        if left == 0 or (left != self._left_bytes and not self.transport.is_closing()):
            self._read_s = now_s
        self._left_bytes = left
        return now_s - self._read_s > UNREAD_S
