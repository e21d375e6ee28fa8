"""Tells those who wait that something was written into the database."""

import asyncio
from contextlib import suppress
from typing import Final

from starlette.concurrency import run_in_threadpool

from .database import PlatformDatabase

LOOK_S: Final = 0.4
"""After how long the database is asked again, as long as somebody waits."""


class ChangeWatch:
    """Waits for changes of the database; one question to it serves all who wait in a loop.

    Args:
        database: that is watched.
    """

    def __init__(self, database: PlatformDatabase) -> None:
        self._database = database
        self._asking = asyncio.Lock()
        self._ended = asyncio.Event()
        self._asked_s = float("-inf")
        self._version: object = None
        self._number = 0

    async def wait(self, seen: int, within_s: float) -> int | None:
        """Wait for a change.

        Args:
            seen: number of the change after which something was read; 0 if nothing was.
            within_s: after how long to return in any case.

        Returns:
            Number of the newest change; None if the platform ends.

        Raises:
            PlatformDatabaseError: the database cannot be reached.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_s
        while not self._ended.is_set():
            await self._ask()
            if self._number != seen or loop.time() >= until_s:
                return self._number
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), LOOK_S)
        return None

    def end(self) -> None:
        """Let nobody wait any more. To be called in the loop of those who wait."""
        self._ended.set()

    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._asking:
            if loop.time() < self._asked_s + LOOK_S:
                return
            version = await run_in_threadpool(self._database.version)
            self._asked_s = loop.time()
            if version != self._version or not self._number:
                self._version = version
                self._number += 1
