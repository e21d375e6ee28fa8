"""An answer that comes in pieces, whose source ends with it."""

from collections.abc import AsyncGenerator, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class ClosingStream(StreamingResponse):
    """An answer in pieces. Its source is closed as soon as its client is gone.

    The library leaves that to the garbage collector: a device would be observed for nobody.

    Args:
        source: the pieces.
        status: of HTTP.
        headers: all but those of the connection.
        media_type: of the pieces; None if the headers have it.
    """

    def __init__(
        self,
        source: AsyncGenerator[bytes, None],
        status: int,
        headers: Mapping[str, str],
        media_type: str | None = None,
    ) -> None:
        super().__init__(source, status, headers, media_type)
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, until there are no more pieces or the client is gone."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._source.aclose()
