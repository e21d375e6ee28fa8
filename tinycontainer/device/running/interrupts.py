"""An operator's interrupt (Ctrl-C) waits until nothing of the device is torn by it (ADR 21).

While the device is at work, SIGINT is only noted, and the turn in progress ends at its next unit.
Between two turns, and at the end of a management call, the handler that was there before gets it.
"""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

PATIENCE_S: Final = 1.0
"""An operator who interrupts again after so long is let through at once: a driver hangs."""


class Interrupts:
    """Holds SIGINT back, in the main thread; what another thread does is never interrupted by it.

    Args:
        end_turn: ends the turn in progress soon, without an error.

    """

    def __init__(self, end_turn: Callable[[], None]) -> None:
        self._end_turn = end_turn
        self._before: Callable[[int, FrameType | None], Any] | None = None
        self._holder: FrameType | None = None
        self._lets_in = False
        self._held: list[FrameType | None] = []
        self._held_since_s = 0.0

    @property
    def ends_the_run(self) -> bool:
        """Whether an interrupt waits that is going to be raised as KeyboardInterrupt."""
        return bool(self._held) and self._before is signal.default_int_handler

    def hold(self, holder: FrameType) -> None:
        """Hold interrupts back from now on.

        Args:
            holder: the frame for which they are held; they are no longer, once it has ended.
        """
        self._holder = holder
        self._lets_in = False
        if threading.current_thread() is not threading.main_thread():
            return
        before = signal.getsignal(signal.SIGINT)
        if callable(before) and before != self._note:
            self._before = before
            signal.signal(signal.SIGINT, self._note)

    def release(self) -> None:
        """Put the handler of before back, and give it what was held.

        Raises:
            KeyboardInterrupt: an operator interrupted, and the handler of before is Python's own.
        """
        self._restore()
        self.deliver()
        self._before = None

    def deliver(self) -> None:
        """Give what was held to the handler of before.

        Raises:
            KeyboardInterrupt: as `release`.
        """
        while self._held:
            self._call_before(self._held.pop(0))

    def deliver_while(self, sleep: Callable[[int], None], until_ns: int) -> None:
        """Sleep, and let an interrupt in at any moment meanwhile.

        Raises:
            KeyboardInterrupt: as `release`.
        """
        self._lets_in = True
        try:
            self.deliver()
            sleep(until_ns)
        finally:
            self._lets_in = False

    def _note(self, _number: int, frame: FrameType | None) -> None:
        if not is_running(self._holder, frame):  # its end was itself interrupted
            self._restore()
            self._call_before(frame)
        elif self._lets_in or self._is_out_of_patience():
            self.deliver()  # also the first one, so that the next one has to wait again
            self._call_before(frame)
        elif not self._held:  # another one is the same wish
            self._held_since_s = time.monotonic()
            self._held.append(frame)
            if self.ends_the_run:
                self._end_turn()

    def _is_out_of_patience(self) -> bool:
        return bool(self._held) and time.monotonic() - self._held_since_s > PATIENCE_S

    def _call_before(self, frame: FrameType | None) -> None:
        before = self._before or signal.default_int_handler
        before(signal.SIGINT, frame)

    def _restore(self) -> None:
        if self._before is not None and signal.getsignal(signal.SIGINT) == self._note:
            signal.signal(signal.SIGINT, self._before)


def is_running(wanted: FrameType | None, frame: FrameType | None) -> bool:
    """Whether a frame is one of those that lead to another one."""
    while frame is not None:
        if frame is wanted:
            return True
        frame = frame.f_back
    return False
