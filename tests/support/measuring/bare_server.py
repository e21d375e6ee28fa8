"""A server that is nothing but aiocoap: one resource, which answers so many octets.

    python -m support.measuring.bare_server PORT BYTES PATH

What is put comes in blocks as aiocoap assembles them, and is dropped. The answer to a GET has the
options of the agent's: a content format and an ETag.
"""

import asyncio
import sys
from typing import Any

import aiocoap
from aiocoap.resource import Resource, Site

from support.serving import HOST


class Bare(Resource):  # type: ignore[misc]
    """The resource.

    Args:
        content: what a GET is answered.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = content

    async def render_get(self, request: Any) -> Any:
        """Answer with the content."""
        return aiocoap.Message(payload=self._content, content_format=60, etag=b"12345678")

    async def render_put(self, request: Any) -> Any:
        """Drop what comes."""
        return aiocoap.Message(code=aiocoap.CHANGED)


async def serve(port: int, content: bytes, path: str) -> None:
    """Serve until it is killed."""
    site = Site()
    site.add_resource(path.strip("/").split("/"), Bare(content))
    await aiocoap.Context.create_server_context(site, bind=(HOST, port), transports=["udp6"])
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), bytes(int(sys.argv[2])), sys.argv[3]))
