"""Blobs by their SHA-256: bundles and envelopes, signed already, fetched once and given to many."""

import asyncio
import http.client
import urllib.error
import urllib.request
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from .store import GatewayStore

FETCH_S: Final = 30.0
HELD: Final = 4
"""Blobs that are held in memory: devices ask for theirs in many blocks."""


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
        self._fetching: dict[bytes, asyncio.Task[bytes | None]] = {}
        self.most_bytes: Final = most_bytes

    def keep(self, digest: bytes, content: bytes) -> bool:
        """Keep a blob; False if its hash is another one."""
        if sha256(content).digest() != digest:
            return False
        self._store.keep_blob(digest, content, self._now_s(), self._all_bytes)
        self._hold(digest, content)
        return True

    async def find(self, digest: bytes, *, fetches: bool = True) -> bytes | None:
        """A blob: from here or, the first time, from where it is kept; None if it is nowhere.

        Args:
            digest: its SHA-256.
            fetches: whether it is fetched if it is not here.
        """
        found = self._held.get(digest)
        if found is None:
            found = self._store.blob(digest, self._now_s())
        if found is not None:
            self._hold(digest, found)
            return found
        if self._origin is None or not fetches:
            return None
        task = self._fetching.get(digest)
        if task is None:  # all who ask meanwhile wait for one fetch
            task = self._fetching[digest] = asyncio.create_task(self._fetch(digest))
            task.add_done_callback(lambda _: self._fetching.pop(digest, None))
        return await asyncio.shield(task)

    async def _fetch(self, digest: bytes) -> bytes | None:
        url = f"{self._origin}{digest.hex()}"
        content = await asyncio.to_thread(_download, url, self.most_bytes)
        if content is None or not self.keep(digest, content):
            return None
        return content

    def _hold(self, digest: bytes, content: bytes) -> None:
        self._held[digest] = content
        self._held.move_to_end(digest)
        while len(self._held) > HELD:
            self._held.popitem(last=False)


def _download(url: str, most_bytes: int) -> bytes | None:
    """What a URL has; None if it has nothing, or too much."""
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(url, timeout=FETCH_S) as answer:
            content: bytes = answer.read(most_bytes + 1)
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
        return None
    return content if len(content) <= most_bytes else None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object, **_options: object) -> None:
        """Follow none: what the file names is what is meant."""
