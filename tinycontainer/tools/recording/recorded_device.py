"""A device whose management calls are written down, with their outcomes."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from tinycontainer.assembly import Device
from tinycontainer.device.containers.joint_changes import require_sound
from tinycontainer.device.containers.judgement import LoadCheck
from tinycontainer.device.containers.view import View
from tinycontainer.device.device import MAX_PROBLEM_CHARACTERS
from tinycontainer.device.looking import require_uid, to_uid
from tinycontainer.device.setup import Setup
from tinycontainer.errors import TinyContainerError
from tinycontainer.interfaces.clock import Clock
from tinycontainer.interfaces.updating import ContainerChange, UpdateSection
from tinycontainer.state import KEPT_EVENTS, StoredEvents
from tinycontainer.text import show
from tinycontainer.trace import Account, Sink, TraceEvent, as_dict
from tinycontainer_tokens import Accepted, SequenceStoreError

from .parts import note_parts
from .tape import TapeWriter

INTERRUPTED: Final = "interrupted"
FAILURES: Final = (TinyContainerError, SequenceStoreError, KeyboardInterrupt)
"""What a management call may end with, and a tape has."""


def describe_failure(error: BaseException) -> str:
    """The text that stands for a failed management call on a tape; empty stands for success."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return f"{type(error).__name__}: {str(error)[:MAX_PROBLEM_CHARACTERS]}"


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

    @property
    def sha256(self) -> bytes:
        """The hash of the events so far."""
        return self._hash.digest()


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
            note_parts(self._tape, bundle)
            return super().load(bundle)

    def load_sections(self, metadata: bytes, code: bytes, data: bytes) -> View:
        """See `Device.load_sections`."""
        sections = metadata, code, data
        with self._noted("load-sections", sizes=[len(section) for section in sections]):
            for section in sections:
                note_parts(self._tape, section)
            return super().load_sections(metadata, code, data)

    def reconfigure(self, metadata: bytes) -> View:
        """See `Device.reconfigure`."""
        with self._noted("reconfigure", size=len(metadata)):
            note_parts(self._tape, metadata)
            return super().reconfigure(metadata)

    def replace(self, bundle: bytes, confirm_ms: int | None = None) -> View:
        """See `Device.replace`."""
        with self._noted("replace", size=len(bundle), confirm_ms=confirm_ms):
            note_parts(self._tape, bundle)
            return super().replace(bundle, confirm_ms)

    def change_together(self, changes: Sequence[ContainerChange], number: Accepted) -> None:
        """See `Device.change_together`."""
        require_sound(changes, number)
        said = [
            [show(each.uid), [len(each.sections[name]) for name in _order(each)], each.starts]
            for each in changes
        ]
        digest = number.token_sha256.hex()
        with self._noted("change-together", changes=said, sequence=number.sequence, digest=digest):
            for change in changes:
                for name in _order(change):
                    note_parts(self._tape, change.sections[name])
            super().change_together(changes, number)

    def refuse_update(self, uid: bytes, reason: str, problem: str) -> None:
        """See `Device.refuse_update`."""
        cut = problem[:MAX_PROBLEM_CHARACTERS]
        with self._noted("refuse-update", uid=show(uid), reason=reason, problem=cut):
            super().refuse_update(uid, reason, cut)

    def newest_update(self, uid: bytes) -> Accepted | None:
        """See `Device.newest_update`; it reads the sequences."""
        with self._noted("newest-update", uid=show(uid)):
            return super().newest_update(uid)

    def judge(self, bundle: bytes, *, replaces: bool = False) -> tuple[LoadCheck, ...]:
        """See `Device.judge`; it changes nothing, but reads the clock and the sequences."""
        with self._noted("judge", size=len(bundle), replaces=replaces):
            note_parts(self._tape, bundle)
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

    def withdraw(self, uid: bytes | str, token: bytes) -> None:
        """See `Device.withdraw`."""
        raw = require_uid(uid)
        with self._noted("withdraw", uid=show(raw), size=len(token)):
            note_parts(self._tape, token)
            super().withdraw(raw, token)

    def run(self, for_ms: int | None = None) -> None:
        """See `Device.run`."""
        with self._noted_run("run", ms=for_ms):
            super().run(for_ms)

    def run_until(self, at_ms: int) -> None:
        """See `Device.run_until`."""
        with self._noted_run("run-until", ms=at_ms):
            super().run_until(at_ms)

    def run_due(self, for_ms: int) -> int | None:
        """See `Device.run_due`."""
        with self._noted_run("run-due", ms=for_ms):
            return super().run_due(for_ms)

    def wind_down(self) -> None:
        """See `Device.wind_down`."""
        with self._noted("wind-down"):
            super().wind_down()

    def restore(self) -> None:
        """See `Device.restore`."""
        with self._noted("restore"):
            super().restore()

    def events(self, since: int = 0, most: int = KEPT_EVENTS) -> StoredEvents:
        """See `Device.events`; what waits for that is recorded in the state before."""
        with self._noted("events", since=since, most=most):
            return super().events(since, most)

    @property
    def now_ns(self) -> int:
        """See `Device.now_ns`."""
        with self._noted("look"):
            return super().now_ns

    @property
    def trace_sha256(self) -> bytes:
        """See `Device.trace_sha256`: what the tape has as ``digest`` at this place."""
        return self._digest.sha256

    def account(self) -> Account:
        """See `Device.account`; of the world it reads the time."""
        with self._noted("look"):
            return super().account()

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
        raw = to_uid(uid)
        with self._noted(verb, uid=show(raw)):
            deed(raw)

    @contextmanager
    def _noted(self, verb: str, **values: Any) -> Iterator[None]:
        answer = self._controller.journal.answer
        if answer is not None:  # it is recorded in the state together with what this call changes
            values["answer"] = [
                each.hex() for each in (answer.peer, answer.request_id, answer.content)
            ]
        self._tape.note(do=verb, **values)
        try:
            yield
        except FAILURES as error:
            self._tape.note(done=describe_failure(error), **self._digest.now)
            raise
        self._tape.note(done="", **self._digest.now)

    @contextmanager
    def _noted_run(self, verb: str, **values: Any) -> Iterator[None]:
        """Here and nowhere else it shows that the tape cannot be written.

        A request that was carried out must not look like one that has failed.
        """
        with self._noted(verb, **values):
            yield
        self._tape.raise_failure()


def _order(change: ContainerChange) -> list[UpdateSection]:
    """The sections of a change in the order in which a tape has them; none of a deletion."""
    return [name for name in UpdateSection if name in change.sections]
