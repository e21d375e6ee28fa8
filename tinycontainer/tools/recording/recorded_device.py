"""A device whose management calls are written down, with their outcomes."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from tinycontainer.assembly import Device
from tinycontainer.device.containers.judgement import LoadCheck
from tinycontainer.device.containers.view import View
from tinycontainer.device.setup import Setup
from tinycontainer.errors import TinyContainerError
from tinycontainer.interfaces.clock import Clock
from tinycontainer.text import show
from tinycontainer.trace import Sink, TraceEvent, as_dict

from .tape import TapeWriter

PART_BYTES: Final = 32 * 1024
INTERRUPTED: Final = "interrupted"
_MAX_PROBLEM_CHARACTERS: Final = 1000


def describe_failure(error: BaseException) -> str:
    """The text that stands for a failed management call on a tape; empty stands for success."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return f"{type(error).__name__}: {str(error)[:_MAX_PROBLEM_CHARACTERS]}"


class Digest:
    """A sink that hashes the trace, payload included, so that a replay can be compared.

    Attributes:
        events: how many it has received.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.events = 0

    def __call__(self, event: TraceEvent) -> None:
        """Take one event."""
        line = json.dumps(as_dict(event, with_data=True), separators=(",", ":"))
        self._hash.update(line.encode("ascii"))
        self.events += 1

    @property
    def now(self) -> dict[str, object]:
        """Number and hash of the events so far, as a tape keeps them."""
        return {"events": self.events, "digest": self._hash.hexdigest()}


class RecordedDevice(Device):
    """A device that is recorded; its clock, drivers and sequences have to be, too.

    Args:
        setup: what it is made of.
        clock: its time.
        sinks: receive each event of the trace.
        tape: where management calls are written.
    """

    def __init__(self, setup: Setup, clock: Clock, sinks: Sequence[Sink], tape: TapeWriter) -> None:
        self._tape = tape
        self._digest = Digest()
        super().__init__(setup, clock, [self._digest, *sinks])

    def load(self, bundle: bytes) -> View:
        """See `Device.load`."""
        with self._noted("load", size=len(bundle)):
            self._note_parts(bundle)
            return super().load(bundle)

    def reconfigure(self, metadata: bytes) -> View:
        """See `Device.reconfigure`."""
        with self._noted("reconfigure", size=len(metadata)):
            self._note_parts(metadata)
            return super().reconfigure(metadata)

    def replace(self, bundle: bytes, confirm_ms: int | None = None) -> View:
        """See `Device.replace`."""
        with self._noted("replace", size=len(bundle), confirm_ms=confirm_ms):
            self._note_parts(bundle)
            return super().replace(bundle, confirm_ms)

    def judge(self, bundle: bytes, *, replaces: bool = False) -> tuple[LoadCheck, ...]:
        """See `Device.judge`; it changes nothing, but reads the clock and the sequences."""
        with self._noted("judge", size=len(bundle), replaces=replaces):
            self._note_parts(bundle)
            return super().judge(bundle, replaces=replaces)

    def start(self, uid: bytes | str) -> None:
        """See `Device.start`."""
        self._with_uid("start", super().start, uid)

    def stop(self, uid: bytes | str) -> None:
        """See `Device.stop`."""
        self._with_uid("stop", super().stop, uid)

    def kill(self, uid: bytes | str) -> None:
        """See `Device.kill`."""
        self._with_uid("kill", super().kill, uid)

    def delete(self, uid: bytes | str) -> None:
        """See `Device.delete`."""
        self._with_uid("delete", super().delete, uid)

    def run(self, for_ms: int | None = None) -> None:
        """See `Device.run`."""
        with self._noted("run", ms=for_ms):
            super().run(for_ms)

    def run_until(self, at_ms: int) -> None:
        """See `Device.run_until`."""
        with self._noted("run-until", ms=at_ms):
            super().run_until(at_ms)

    @property
    def now_ns(self) -> int:
        """See `Device.now_ns`."""
        with self._noted("look"):
            return super().now_ns

    def end_trace(self, reason: str = "over") -> int:
        """End the trace, and with it the recording: later calls are not recorded.

        Args:
            reason: see `Device.end_trace`.

        Returns:
            Device time at the end, in ns.

        Raises:
            OSError: the recording could not be written.
        """
        with self._noted("end-trace", reason=reason):
            end_ns = super().end_trace(reason)
        self._tape.end(end=end_ns, **self._digest.now)
        return end_ns

    def _with_uid(self, verb: str, deed: Callable[[bytes | str], None], uid: bytes | str) -> None:
        raw = uid.encode() if isinstance(uid, str) else uid
        with self._noted(verb, uid=show(raw)):
            deed(raw)

    def _note_parts(self, content: bytes) -> None:
        for begin in range(0, len(content), PART_BYTES):
            part = base64.b64encode(content[begin : begin + PART_BYTES])
            self._tape.note(part=part.decode("ascii"))

    @contextmanager
    def _noted(self, verb: str, **values: Any) -> Iterator[None]:
        self._tape.note(do=verb, **values)
        try:
            yield
        except (TinyContainerError, KeyboardInterrupt) as error:
            self._tape.note(done=describe_failure(error), **self._digest.now)
            raise
        self._tape.note(done="", **self._digest.now)
        self._tape.raise_failure()
