"""Fetches payloads of updates over CoAP, while the device goes on (TC-UPD-14).

A payload is fetched in blocks, each asked for by itself: the library's own assembly has no bound.
Nothing protects it on its way; its digest is in the signed manifest.
"""

import asyncio
from typing import Any, Final

import aiocoap

from tinycontainer.interfaces.network.coap_client import make_coap_client
from tinycontainer.suit.processor import PayloadRequest

from .requests.message import BLOCK_BYTES
from .updates import Updates

FETCH_S: Final = 120.0
"""How long one payload may take."""
_SIZE_EXPONENT: Final = (BLOCK_BYTES // 16).bit_length() - 1


class Fetching:
    """Supplies updates with the payloads that they want.

    Args:
        updates: of the device.
    """

    def __init__(self, updates: Updates) -> None:
        self._updates = updates
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """A payload may be wanted."""
        self._wanted.set()

    async def run(self) -> None:
        """Fetch what is wanted, until this is cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while (request := self._updates.wanted) is not None:
                self._updates.supply(await fetch(request))


async def fetch(request: PayloadRequest) -> bytes | None:
    """A payload; None if it cannot be had within two minutes, or is longer than is of use."""
    try:
        async with asyncio.timeout(FETCH_S):
            client = await make_coap_client(protects=False)
            try:
                return await _fetch_blocks(client, request)
            finally:
                await client.shutdown()
    except Exception:  # whatever an answer does to the library, no payload has come
        return None


async def _fetch_blocks(client: Any, request: PayloadRequest) -> bytes | None:
    content = b""
    etag = None
    while True:
        answer = await client.request(
            _ask_block(request.uri, len(content) // BLOCK_BYTES), handle_blockwise=False
        ).response
        found, is_last = _read_block(answer, len(content))
        if found is None or len(content) + len(found) > request.most_bytes:
            return None
        if content and answer.opt.etag != etag:  # another version of it, in the middle
            return None
        content, etag = content + found, answer.opt.etag
        if is_last:
            return content


def _ask_block(uri: str, number: int) -> Any:
    message = aiocoap.Message(code=aiocoap.GET, uri=uri)
    message.opt.block2 = (number, False, _SIZE_EXPONENT)
    return message


def _read_block(answer: Any, begin: int) -> tuple[bytes | None, bool]:
    """The bytes of an answer, and whether they are the last; None if it is not what was asked."""
    payload = bytes(answer.payload)
    if answer.code != aiocoap.CONTENT:
        return None, True
    block = answer.opt.block2
    if block is None:
        return (payload, True) if begin == 0 else (None, True)
    is_next = block.start == begin and (not block.more or len(payload) == BLOCK_BYTES)
    return (payload, not block.more) if is_next and block.size == BLOCK_BYTES else (None, True)
