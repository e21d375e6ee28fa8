"""Blobs by their hash, and the numbers of the gateway."""

from starlette.requests import Request

from ...gateway_file import TokenVerb
from ...metrics import CONTENT_TYPE
from ..access import Holder
from ..answering import HttpAnswer, as_json
from ..asking import read_sha256
from ..bodies import HttpBody
from ..media_types import OCTETS
from ..parts import Parts
from ..problems import HttpRefused
from .common import find_blob, require


class BlobResources:
    """What is signed already, and given to many.

    Args:
        parts: what the resources work on.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def put(self, request: Request, holder: Holder) -> HttpAnswer:
        """PUT /blobs/{sha256}."""
        require(holder, TokenVerb.STORE)
        digest = read_sha256(str(request.path_params["sha256"]))
        content = await HttpBody(request, self._parts.blobs.most_bytes).whole()
        if not self._parts.blobs.keep(digest, content):
            raise HttpRefused(422, "wrong-hash", "the payload has another SHA-256 than the path")
        return as_json(201, {"sha256": digest.hex(), "bytes": len(content)})

    async def get(self, request: Request, holder: Holder) -> HttpAnswer:
        """GET /blobs/{sha256}."""
        require(holder, TokenVerb.STORE)
        digest = read_sha256(str(request.path_params["sha256"]))
        found = await find_blob(self._parts.blobs, digest)
        if found is None:
            raise HttpRefused(404, "unknown-blob", "no blob has this hash")
        headers = {
            "content-type": OCTETS,
            "cache-control": "private, max-age=31536000, immutable",
            "etag": f'"{digest.hex()}"',
        }
        return HttpAnswer(200, headers, found)


class MetricsResource:
    """The numbers of the gateway.

    Args:
        parts: what the resources work on.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def get(self, _request: Request, holder: Holder) -> HttpAnswer:
        """GET /metrics."""
        require(holder, TokenVerb.MEASURE)
        return HttpAnswer(200, {"content-type": CONTENT_TYPE}, self._parts.metrics.write())
