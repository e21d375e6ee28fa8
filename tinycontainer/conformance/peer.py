"""The implementation under judgement: an untrusted process that answers line by line.

Whatever it does, each request ends within its time, with an answer or with an error.
"""

import os
import selectors
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from tinycontainer.text import show

from .descendants import Brood
from .errors import ProtocolError, Silence
from .protocol import MAX_LINE_BYTES, write_line

_CHUNK_BYTES: Final = 1 << 16
_KEPT_STDERR_BYTES: Final = 500
_LAST_WORDS_S: Final = 0.2
"""A process that closes its output may take so long to end; what it says then is kept."""


class Peer(Protocol):
    """Something that answers lines."""

    def ask(self, values: dict[str, Any], within_s: float) -> bytes:
        """Send one request and wait for its answer.

        Args:
            values: the request.
            within_s: how long the answer may take, in seconds of real time.

        Returns:
            The line of the answer, without its end.

        Raises:
            ProtocolError: there is no answer, or it is too long.
        """
        ...

    def end(self) -> None:
        """End the conversation."""
        ...


class ProcessPeer:
    """A peer that is a process; `end` kills it and its children.

    Args:
        command: the program and its arguments.
        now_s: a clock that never goes back.

    Raises:
        Silence: the program cannot be started.
    """

    def __init__(self, command: Sequence[str], now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._brood = Brood()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the operator names the command
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,  # `selectors` sees what the system holds, not what Python has buffered
                start_new_session=True,  # a process group of its own, which `end` kills as a whole
                env=self._brood.environment,
            )
        except (OSError, ValueError) as error:
            name = show(command[0] if command else "", 100)
            raise Silence(f"{name}: cannot be started: {show(str(error), 100)}") from None
        self._received = bytearray()
        self._last_words = b""
        self._streams = selectors.DefaultSelector()
        self._input = _descriptor(self._process.stdin)
        self._output = _descriptor(self._process.stdout)
        self._errors = _descriptor(self._process.stderr)
        for each in (self._input, self._output, self._errors):
            os.set_blocking(each, False)
        self._streams.register(self._output, selectors.EVENT_READ)
        self._streams.register(self._errors, selectors.EVENT_READ)

    def ask(self, values: dict[str, Any], within_s: float) -> bytes:
        """See `Peer.ask`."""
        if self._received:
            raise ProtocolError("the implementation: says more than it was asked")
        deadline_s = self._now_s() + within_s
        pending = memoryview(write_line(values))
        self._streams.register(self._input, selectors.EVENT_WRITE)
        try:
            while b"\n" not in self._received:
                pending = self._exchange(pending, deadline_s, within_s)
        finally:
            with suppress(KeyError):
                self._streams.unregister(self._input)
        line, _, rest = bytes(self._received).partition(b"\n")
        self._received = bytearray(rest)  # if anything is left, the next request fails
        return line

    def _exchange(self, pending: memoryview, deadline_s: float, within_s: float) -> memoryview:
        """Wait for streams and serve them. Returns what is still to be written."""
        left_s = deadline_s - self._now_s()
        if left_s <= 0:
            raise Silence(f"the implementation gives no answer within {within_s:g} s")
        for key, _ in self._streams.select(left_s):
            if key.fd == self._input:
                pending = self._write(pending)
            elif key.fd == self._output:
                self._read()
            else:
                self._read_errors(key.fd)
        return pending

    def _write(self, pending: memoryview) -> memoryview:
        try:
            pending = pending[os.write(self._input, pending[:_CHUNK_BYTES]) :]
        except BlockingIOError:
            return pending
        except OSError:
            raise self._silence() from None
        if not pending:
            self._streams.unregister(self._input)
        return pending

    def _read(self) -> None:
        try:
            chunk = os.read(self._output, _CHUNK_BYTES)
        except BlockingIOError:
            return
        if not chunk:
            raise self._silence()
        self._received += chunk
        if len(self._received) > MAX_LINE_BYTES:
            raise ProtocolError(f"the implementation: a line has more than {MAX_LINE_BYTES} bytes")

    def _read_errors(self, descriptor: int) -> None:
        """Keep the end of what it says on its standard error."""
        try:
            chunk = os.read(descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return
        if not chunk:
            self._streams.unregister(descriptor)
        self._last_words = (self._last_words + chunk)[-_KEPT_STDERR_BYTES:]

    def _silence(self) -> Silence:
        with suppress(OSError, KeyError, subprocess.TimeoutExpired):
            self._process.wait(_LAST_WORDS_S)
            self._read_errors(self._errors)
        lines = self._last_words.strip().splitlines()
        last = f"; it said: {show(lines[-1], 200)}" if lines else ""
        return Silence(f"the implementation is gone{last}")

    def end(self) -> None:
        """Kill the process and what it started, and wait for it."""
        self._streams.close()
        self._brood.kill(self._process.pid)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        self._process.wait()


def _descriptor(stream: Any) -> int:
    return int(stream.fileno())
