"""Payloads of HTTP requests, within bounds, whole or in pieces."""

from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import ClientDisconnect, Request

from .problems import HttpRefused, bad_request

MAX_LENGTH_DIGITS: Final = 12


class HttpBody:
    """The payload of a request.

    Args:
        request: that it came with.
        most_bytes: of it.
    """

    def __init__(self, request: Request, most_bytes: int) -> None:
        self._request = request
        self._most_bytes = most_bytes
        digits = request.headers.get("content-length", "")
        if digits and not (digits.isascii() and digits.isdigit()):
            raise bad_request("Content-Length: is no number")
        self.size = int(digits[:MAX_LENGTH_DIGITS]) if digits else None
        if self.size is not None and self.size > most_bytes:
            raise self._too_large()
        if "content-encoding" in request.headers:
            problem = "payloads are taken as they are; leave Content-Encoding out"
            raise HttpRefused(415, "unsupported-media-type", problem)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The payload in pieces.

        Raises:
            HttpRefused: it is longer than is allowed, or its client is gone.
        """
        came = 0
        try:
            async for piece in self._request.stream():
                came += len(piece)
                if came > self._most_bytes:
                    raise self._too_large()
                if piece:
                    yield piece
        except ClientDisconnect:
            raise bad_request("the payload has no end") from None

    async def whole(self) -> bytes:
        """All of the payload.

        Raises:
            HttpRefused: it is longer than is allowed, or its client is gone.
        """
        return b"".join([piece async for piece in self.pieces()])

    def _too_large(self) -> HttpRefused:
        return HttpRefused(413, "too-large", f"at most {self._most_bytes} bytes are taken")
