"""HTTP over plain sockets: a client that costs little, for many requests and many streams."""

import asyncio
from collections.abc import AsyncIterator
from typing import Self


class Connection:
    """A connection that is kept open: one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, web: str) -> Self:
        """Connect with a server.

        Args:
            web: its URI.
        """
        host, port = web.removeprefix("http://").split(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    def close(self) -> None:
        """Close it."""
        self._writer.close()

    def send(self, method: str, path: str, *fields: str) -> None:
        """Send a request without a payload."""
        lines = (f"{method} {path} HTTP/1.1", "Host: localhost", *fields, "", "")
        self._writer.write("\r\n".join(lines).encode())

    async def ask(self, method: str, path: str, *fields: str) -> tuple[int, bytes, bytes]:
        """Send a request without a payload: status, head and payload of the answer."""
        self.send(method, path, *fields)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return int(head[9:12]), head, await self._reader.readexactly(int(length or 0))

    async def events(self) -> AsyncIterator[str]:
        """The kinds of the events that come after `send` has asked for a stream."""
        while line := await self._reader.readline():
            if line.startswith(b"event: "):
                yield line.removeprefix(b"event: ").decode().strip()


async def open_streams(
    web: str, paths: list[str]
) -> tuple[list[Connection], list[AsyncIterator[str]]]:
    """Open a stream of events on each path: the connections, and the kinds of their events."""
    connections = []
    for path in paths:
        connection = await Connection.open(web)
        connection.send("GET", path, "Accept: text/event-stream")
        connections.append(connection)
    return connections, [each.events() for each in connections]
