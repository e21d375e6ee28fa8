"""An operator's interrupt, let in where a replay can repeat it: between turns and in sleep."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class InterruptGate:
    """Holds an interrupt back while a container is at work; a second one gets through anyway."""

    def __init__(self) -> None:
        self._is_open = self._is_pending = False

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Be the one who hears of interrupts; in the main thread only."""
        before = signal.signal(signal.SIGINT, self._interrupted)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Let an interrupt in at any moment, also one that came before."""
        self._is_open = True
        try:
            self.check()
            yield
        finally:
            self._is_open = False

    def check(self) -> None:
        """Let an interrupt in that came before.

        Raises:
            KeyboardInterrupt: there was one.
        """
        if self._is_pending:
            self._is_pending = False
            raise KeyboardInterrupt

    def _interrupted(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_open or self._is_pending:
            raise KeyboardInterrupt
        self._is_pending = True
