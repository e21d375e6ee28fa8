"""What several resources of the gateway do alike."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tinycontainer.text import show

from ....agent.requests.message import CoapAnswer
from ...blobs import Blobs, BlobsBusy
from ...devices.answers import BadAnswer, NoAnswer
from ...devices.devices import Answered, Devices, GatewayDevice, NotThere
from ...gateway_file import TokenVerb
from ..access import Holder
from ..closing_stream import ClosingStream
from ..media_types import EVENT_STREAM, AcceptedTypes
from ..problems import HttpRefused
from ..streams import with_signs_of_life

_BUSY_S: Final = 5


class OpenStreams:
    """The streams that are open, within a bound.

    Args:
        most: how many there may be.
        most_each: how many of them one holder may have.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self.counts: Counter[str] = Counter()

    def respond(self, source: AsyncGenerator[bytes, None], holder: Holder) -> Response:
        """Answer with a stream.

        Args:
            source: its events.
            holder: who gets it.

        Raises:
            HttpRefused: too many are open.
        """
        if self.counts.total() >= self._most or self.counts[holder.name] >= self._most_each:
            headers = {"Retry-After": str(_BUSY_S)}
            raise HttpRefused(503, "busy", "too many streams are open", headers)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return ClosingStream(self._counted(source, holder.name), 200, headers, EVENT_STREAM)

    async def _counted(
        self, source: AsyncGenerator[bytes, None], name: str
    ) -> AsyncGenerator[bytes, None]:
        self.counts[name] += 1
        try:
            async with aclosing(with_signs_of_life(source)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self.counts[name] -= 1


def require(holder: Holder, verb: TokenVerb) -> None:
    """Refuse what somebody has no right to.

    Raises:
        HttpRefused: it has none.
    """
    if not holder.may(verb):
        raise HttpRefused(403, "forbidden", f"{holder.name} has no right to {verb}")


def find_device(devices: Devices, request: Request, holder: Holder) -> GatewayDevice:
    """The device of a request's path.

    Raises:
        HttpRefused: there is none that this one may know of.
    """
    name = str(request.path_params["name"])
    try:
        device = devices.find(name)
    except NotThere:
        device = None
    if device is None or not holder.reaches(device.groups):
        raise HttpRefused(404, "unknown-device", f"no device has the name {show(name, 64)}")
    request.state.note["device"] = device.name
    return device


def wants_stream(request: Request) -> bool:
    """Whether a client accepts a stream of events, by this name."""
    # A HEAD has no stream: it would never end.
    return (
        request.method == "GET" and AcceptedTypes.parse(request.headers.get("accept")).wants_stream
    )


async def put_together(answered: Answered) -> CoapAnswer:
    """All of an answer.

    Raises:
        HttpRefused: its rest does not come, or cannot be used.
    """
    try:
        return await answered.whole()
    except NoAnswer as error:
        raise HttpRefused(504, "no-answer", "the device stopped to answer") from error
    except BadAnswer as error:
        raise HttpRefused(502, "bad-answer", f"the device: {error}") from error


async def find_blob(blobs: Blobs, digest: bytes) -> bytes | None:
    """A blob; None if it is nowhere.

    Raises:
        HttpRefused: too many are being fetched.
    """
    try:
        return await blobs.find(digest)
    except BlobsBusy as error:
        headers = {"Retry-After": str(_BUSY_S)}
        raise HttpRefused(503, "busy", "too many blobs are being fetched", headers) from error


def too_often(problem: str, wait_s: float) -> HttpRefused:
    """Somebody asks too often, or something is asked too often."""
    return HttpRefused(429, "too-many-requests", problem, {"Retry-After": str(int(wait_s) + 1)})
