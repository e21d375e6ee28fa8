"""Threads in which a worker works, beside the server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event, Thread
from typing import Final

from ..database import PlatformDatabaseError
from .watching import MOST_OF_GATEWAY
from .worker import RolloutWorker

IDLE_S: Final = 0.2
"""How long a thread waits when nothing is due."""
FAILED_S: Final = 5.0
"""How long a thread waits when the database cannot be used."""
WATCHERS: Final = 2 * MOST_OF_GATEWAY
"""Threads that ask the devices that somebody looks at: no gateway that is slow holds up all."""
GRACE_S: Final = 5.0
"""How long all threads together may take to end; then they are left behind, as by a kill."""


@asynccontextmanager
async def working(
    worker: RolloutWorker, deliveries: int, when_broken: Callable[[], object]
) -> AsyncIterator[None]:
    """Let a worker work in threads until the block is left.

    Args:
        worker: what works.
        deliveries: how many jobs at the same time.
        when_broken: is called, in its thread, if one cannot go on; why is raised when the block is
            left.
    """
    ended = Event()
    broken: list[BaseException] = []

    def go_on(work: Callable[[], bool]) -> None:
        try:
            _go_on(work, worker.say, ended)
        except BaseException as error:
            broken.append(error)
            when_broken()

    several = [worker.watch] * WATCHERS + [worker.deliver] * deliveries
    works = (worker.step, worker.look, *several)
    threads = [Thread(target=go_on, args=(each,), daemon=True) for each in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        await asyncio.to_thread(_join, threads)
    if broken:
        raise broken[0]


def _join(threads: list[Thread]) -> None:
    for thread in threads:
        thread.join(GRACE_S / len(threads))


def _go_on(work: Callable[[], bool], say: Callable[[str], None], ended: Event) -> None:
    """Do what is due until the event is set."""
    while not ended.is_set():
        try:
            wait_s = 0.0 if work() else IDLE_S
        except PlatformDatabaseError as error:
            say(str(error))
            wait_s = FAILED_S
        ended.wait(wait_s)
