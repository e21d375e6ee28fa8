"""Blobs by their SHA-256: bundles and envelopes, signed already, fetched once and given to many."""

import asyncio
import http.client
import threading
import time
import urllib.error
import urllib.request
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Final

from .store import GatewayStore

FETCH_S: Final = 30.0
"""How long one may take, from the first byte to the last."""
SILENT_S: Final = 5.0
"""How long nothing may come of one."""
FETCHES: Final = 8
"""Blobs that are fetched at a time."""
WAITING: Final = 256
"""How many may wait for these together."""
HELD_BYTES: Final = 32 << 20
"""Of blobs that are held in memory, or one: devices ask for theirs in many blocks."""
_PIECE_BYTES: Final = 1 << 16


class BlobsBusy(Exception):
    """Too much is being fetched now."""


class Blobs:
    """All blobs that a gateway has, and those that it can get.

    Args:
        store: keeps them.
        most_bytes: of one.
        all_bytes: of all together.
        origin: URL that has others, by their hash in hexadecimal digits after it; None if none has.
        now_s: Unix time.
    """

    def __init__(
        self,
        store: GatewayStore,
        most_bytes: int,
        all_bytes: int,
        origin: str | None,
        now_s: Callable[[], float],
    ) -> None:
        self._store = store
        self._all_bytes = all_bytes
        self._origin = origin
        self._now_s = now_s
        self._held: OrderedDict[bytes, bytes] = OrderedDict()
        self._held_bytes = 0
        self._fetching: dict[bytes, asyncio.Task[bytes | None]] = {}
        self._waiting = 0
        self.most_bytes: Final = most_bytes

    def keep(self, digest: bytes, content: bytes) -> bool:
        """Keep a blob; False if its hash is another one."""
        if sha256(content).digest() != digest:
            return False
        self._store.keep_blob(digest, content, self._now_s(), self._all_bytes)
        self._hold(digest, content)
        return True

    async def find(
        self, digest: bytes, may_fetch: Callable[[], bool] = lambda: True
    ) -> bytes | None:
        """A blob: from here or, the first time, from where it is kept; None if it is nowhere.

        Args:
            digest: its SHA-256.
            may_fetch: whether it is fetched if it is not here.

        Raises:
            BlobsBusy: it is not here, and too much is being fetched.
        """
        found = self._held.get(digest)
        if found is None:
            found = self._store.blob(digest, self._now_s())
        if found is not None:
            self._hold(digest, found)
            return found
        if self._origin is None or not may_fetch():
            return None
        task = self._fetching.get(digest)
        if self._waiting >= WAITING or (task is None and len(self._fetching) >= FETCHES):
            raise BlobsBusy
        if task is None:  # all who ask meanwhile wait for one fetch
            task = self._fetching[digest] = asyncio.create_task(self._fetch(digest))
            task.add_done_callback(lambda _: self._fetching.pop(digest, None))
        self._waiting += 1
        try:
            # The library bounds no head; one without an end keeps its place among those fetched.
            async with asyncio.timeout(FETCH_S + SILENT_S):
                return await asyncio.shield(task)
        except TimeoutError:
            return None
        finally:
            self._waiting -= 1

    async def _fetch(self, digest: bytes) -> bytes | None:
        url = f"{self._origin}{digest.hex()}"
        content = await _aside(lambda: _download(url, self.most_bytes))
        if content is None or not self.keep(digest, content):
            return None
        return content

    def _hold(self, digest: bytes, content: bytes) -> None:
        self._held_bytes += len(content) - len(self._held.pop(digest, b""))
        self._held[digest] = content
        while self._held_bytes > min(HELD_BYTES, self._all_bytes) and len(self._held) > 1:
            self._held_bytes -= len(self._held.popitem(last=False)[1])


async def _aside(work: Callable[[], bytes | None]) -> bytes | None:
    """Do something in a thread of its own, for which the end of the program does not wait."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bytes | None] = loop.create_future()

    def end(found: bytes | None) -> None:
        if not done.done():
            done.set_result(found)

    def run() -> None:
        found = work()
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(end, found)

    threading.Thread(target=run, daemon=True).start()
    return await done


def _download(url: str, most_bytes: int) -> bytes | None:
    """What a URL has; None if it has nothing, or too much."""
    opener = urllib.request.build_opener(_NoRedirects)
    content = bytearray()
    end_s = time.monotonic() + FETCH_S
    try:
        with opener.open(url, timeout=SILENT_S) as answer:
            while piece := answer.read1(_PIECE_BYTES):
                content += piece
                if len(content) > most_bytes or time.monotonic() > end_s:
                    return None
            if answer.length:  # of what was promised, some is missing
                return None
    except urllib.error.HTTPError as error:
        error.close()  # it holds the answer open
        return None
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
        return None
    return bytes(content)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object, **_options: object) -> None:
        """Follow none: what the file names is what is meant."""
