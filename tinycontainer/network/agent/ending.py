"""How something that is served is told to end: first in order, then at once."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any


class Ending:
    """The wish that something that is served ends.

    Attributes:
        when_asked: is called each time that somebody asks for it.
    """

    def __init__(self) -> None:
        self.when_asked: Callable[[], None] = lambda: None
        self._count = 0

    @property
    def is_asked(self) -> bool:
        """Whether it is to end."""
        return self._count > 0

    @property
    def is_urgent(self) -> bool:
        """Whether it is to end at once: somebody asked again."""
        return self._count > 1

    def ask(self) -> None:
        """Ask for it; for the second time, that it comes at once."""
        self._count += 1
        self.when_asked()


async def until_interrupted(serve: Callable[[Ending], Awaitable[None]]) -> None:
    """Serve something until SIGTERM or SIGINT; a second one ends it at once.

    Args:
        serve: serves it until its ending is asked for.
    """
    ending = Ending()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ending.ask)
    await serve(ending)


@asynccontextmanager
async def served_beside(
    works: Mapping[Ending, Coroutine[Any, Any, None]],
) -> AsyncIterator[None]:
    """Serve things beside the block, each until its ending is asked for; that ends them in order.

    Args:
        works: what serves them, by the ending of each.

    Raises:
        Exception: what one of them raises, which ends the block; the first, if several do.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works.values()]
            try:
                yield
            finally:
                for ending in works:
                    ending.ask()
                await asyncio.gather(*tasks, return_exceptions=True)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
