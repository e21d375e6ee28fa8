"""An event loop whose time jumps to what is due next, for what waits for long."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _JumpingSelector(selectors.SelectSelector):
    now_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("nothing is due any more")
        self.now_s += max(0.0, timeout)
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


def run_virtually(work: Coroutine[Any, Any, Any], for_s: float) -> None:
    """Run something that does not end for so many virtual seconds; what it raises is raised."""

    async def run() -> None:
        done, _ = await asyncio.wait([asyncio.ensure_future(work)], timeout=for_s)
        for task in done:
            task.result()
            raise RuntimeError("it has ended")

    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        runner.run(run())
