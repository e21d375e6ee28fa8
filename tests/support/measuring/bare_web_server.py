"""A web server that is nothing but Starlette and uvicorn: one resource, with so many octets.

    python -m support.measuring.bare_web_server PORT BYTES PATH

Server and settings are those of the gateway, and so are the header fields of its answers.
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from support.serving import HOST

_FIELDS = {
    "cache-control": "private, max-age=1",
    "age": "0",
    "vary": "Accept, Authorization",
    "content-type": "application/json",
}


def serve(port: int, content: bytes, path: str) -> None:
    """Serve until it is killed."""

    async def give(_request: Request) -> Response:
        return Response(content, 200, _FIELDS)

    application = Starlette(routes=[Route(path, give)])
    uvicorn.run(
        application,
        host=HOST,
        port=port,
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    serve(int(sys.argv[1]), bytes(int(sys.argv[2])), sys.argv[3])
