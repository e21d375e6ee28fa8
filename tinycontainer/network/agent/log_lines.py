"""What the libraries of the network log: one line a second at most, whatever they are sent."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from tinycontainer.text import flatten

LIBRARIES: Final = ("coap", "coap-server", "asyncio", "aiocoap", "uvicorn")
SECONDS_PER_LINE: Final = 1.0
MAX_CHARACTERS: Final = 200


class LogLines(logging.Handler):
    """Passes warnings on, shortened and not too often; it counts the others.

    Args:
        write: writes a line.
        now_s: monotonic seconds.
    """

    def __init__(self, write: Callable[[str], None], now_s: Callable[[], float]) -> None:
        super().__init__(logging.WARNING)
        self._write = write
        self._now_s = now_s
        self._next_s = float("-inf")
        self._passed_over = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or count it."""
        now_s = self._now_s()
        if now_s < self._next_s:
            self._passed_over += 1
            return
        # Never the traceback, and no more of the text than a line: it can hold what a peer sent.
        text = flatten(record.getMessage())[:MAX_CHARACTERS]
        more = f" (and {self._passed_over} more)" if self._passed_over else ""
        self._next_s, self._passed_over = now_s + SECONDS_PER_LINE, 0
        self._write(f"warning: network: {text}{more}")


@contextmanager
def few_log_lines(write: Callable[[str], None], now_s: Callable[[], float]) -> Iterator[None]:
    """Within the block, log the libraries in this way only."""
    handler = LogLines(write, now_s)
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    before = [(each.handlers[:], each.propagate, each.level) for each in loggers]
    for each in loggers:
        each.handlers[:], each.propagate = [handler], False
        each.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for each, (handlers, propagate, level) in zip(loggers, before, strict=True):
            each.handlers[:], each.propagate = handlers, propagate
            each.setLevel(level)
