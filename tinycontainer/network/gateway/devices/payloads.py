"""Payloads of requests, that come in pieces."""

from collections.abc import AsyncIterator


class PayloadPieces:
    """A payload that comes in pieces; it is read once.

    Args:
        pieces: of any length.
        size: of all of them in bytes; None if it is not known.
    """

    def __init__(self, pieces: AsyncIterator[bytes], size: int | None = None) -> None:
        self._pieces = pieces
        self._held = bytearray()
        self.size = size

    async def take(self, most: int) -> tuple[bytes, bool]:
        """The next bytes, as many as there are up to a number; and whether more follow them."""
        while len(self._held) <= most:
            piece = await anext(self._pieces, None)
            if piece is None:
                break
            self._held += piece
        taken = bytes(self._held[:most])
        del self._held[:most]
        return taken, bool(self._held)


async def whole(payload: bytes) -> AsyncIterator[bytes]:
    """The pieces of a payload that is there already."""
    yield payload
