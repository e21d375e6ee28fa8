"""The device that a test drives, step by step."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tinycontainer.assembly import Device
from tinycontainer.device.containers.container import Exit, ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.looking import to_uid
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.syscalls import Syscall
from tinycontainer.text import show
from tinycontainer.trace import Refusal
from tinycontainer.trace.events import Refused

from .budget import Budget
from .errors import BenchMisused, hides_frames
from .observations import MeasuredHook, Seen
from .pipe_end import PipeEnd
from .rig import Rig
from .scripted_sensor import ScriptedSensor
from .stepping import Stepper

__tracebackhide__ = hides_frames

DEFAULT_WITHIN_MS: Final = 1000
_CONSOLE: Final = "console"
_SHOWN_LINES: Final = 5
_CALLS: Final = tuple(call.name.lower() for call in Syscall)


class BenchDevice:
    """A device in virtual time that a test drives.

    Endpoint ids are those of the container under test, as in its manifest and its code. Where a
    method takes a ``uid``, the default is the container that was loaded first. Times are in ms of
    device time. A step in which a container under test ends by a fault (a trap, an overrun) fails,
    unless it is `expect_exit`.

    Args:
        rig: the device, and what belongs to it.
        budget: what the test may cost.
    """

    def __init__(self, rig: Rig, budget: Budget) -> None:
        self._rig = rig
        self._stepper = Stepper(rig, budget)

    # What is there, and what was seen.

    @property
    def device(self) -> Device:
        """The device itself, for what the bench has no step for."""
        return self._rig.device

    @property
    def uid(self) -> bytes:
        """uid of the container under test.

        Raises:
            BenchMisused: none is loaded.
        """
        if not self._rig.uids:
            raise BenchMisused(f"{self._rig.name} lists no container; load one")
        return self._rig.uids[0]

    @property
    def now_ms(self) -> float:
        """Device time."""
        return self._rig.device.now_ns / NS_PER_MS

    @property
    def state(self) -> State:
        """Where the container is in its life."""
        return self._rig.device[self.uid].state

    @property
    def last_exit(self) -> Exit | None:
        """The end of the container's last start; None if it has not ended one."""
        return self._rig.device[self.uid].last_exit

    @property
    def log(self) -> list[str]:
        """Lines that the container has logged."""
        return self.seen().lines

    @property
    def hooks(self) -> list[MeasuredHook]:
        """Hooks of the container that have ended, with what they used."""
        return self.seen().hooks

    @property
    def refusals(self) -> list[Refused]:
        """Calls of the container that were refused."""
        return self.seen().refusals

    def seen(self, uid: bytes | str | None = None) -> Seen:
        """What was seen of a container."""
        return self._rig.observations.of(self._uid(uid))

    def written(self, which: int | str, uid: bytes | str | None = None) -> list[bytes]:
        """What a container has written to an endpoint, one entry for each call.

        Args:
            which: an endpoint id, or the name of a driver or of its recording.
            uid: the container.

        Raises:
            BenchMisused: there is no such endpoint.
        """
        owner = self._uid(uid)
        endpoints = self._rig.endpoints(owner)
        writes = self.seen(owner).writes
        return [
            data
            for endpoint_id in self._rig.parts.endpoint_ids(which, endpoints)
            for data in writes.get(endpoint_id, ())
        ]

    def console(self, which: int | str | None = None, uid: bytes | str | None = None) -> list[str]:
        """Lines that a container has written to a console, as text.

        Args:
            which: an endpoint id, or the name of a driver; by default the one console.
            uid: the container.

        Raises:
            BenchMisused: there is no such endpoint, or not only one console.
        """
        writes = self.written(_CONSOLE if which is None else which, uid)
        return [data.decode("utf-8", "backslashreplace") for data in writes]

    # The world around the container.

    def load(self, path: Path | str) -> bytes:
        """Load one more container: a directory with a manifest, a manifest, or a bundle.

        Returns:
            Its uid.

        Raises:
            StepNotMet: the device refuses it.
        """
        return self._rig.load(Path(path))

    def sensor(self, which: int | str) -> ScriptedSensor:
        """Replace a driver of the device file by a sensor whose measurements the test sets.

        Args:
            which: an endpoint id, or the name of a driver or of its recording.

        Raises:
            BenchMisused: there is no such driver, more than one, or a container has it open.
        """
        endpoints = self._rig.endpoints(self.uid) if self._rig.uids else {}
        switch = self._rig.parts.switches[self._rig.parts.place(which, endpoints)]
        if switch.was_used:
            raise BenchMisused(f"{which}: was opened already; script it before start()")
        if switch.sensor is None:
            switch.sensor = ScriptedSensor(lambda: self._rig.device.now_ns)
        return switch.sensor

    def pipe(self, endpoint_id: int, uid: bytes | str | None = None) -> PipeEnd:
        """Play the container at the other end of a pipe.

        Args:
            endpoint_id: the container's own end.
            uid: the container.

        Raises:
            BenchMisused: the endpoint is no pipe, or its peer is loaded.
        """
        return self._rig.pipe(self._uid(uid), endpoint_id)

    # Steps.

    def start(self, uid: bytes | str | None = None) -> "BenchDevice":
        """Start a container; its hooks run with the next step.

        Returns:
            The device.
        """
        self._rig.device.start(self._uid(uid))
        return self

    def stop(self, uid: bytes | str | None = None) -> None:
        """Let a container end; its stop hook runs with the next step."""
        self._rig.device.stop(self._uid(uid))

    def run(self, for_ms: int) -> None:
        """Run for a time.

        Raises:
            StepNotMet: a container under test faulted, or the budget is spent.
        """
        self._stepper.advance(f"run(for_ms={for_ms})", for_ms, lambda: False)

    def run_until(
        self, holds: Callable[["BenchDevice"], bool], within_ms: int = DEFAULT_WITHIN_MS
    ) -> None:
        """Run until a condition holds, which is looked at once in every ms of device time.

        Args:
            holds: gets this device.
            within_ms: how long that may take.

        Raises:
            StepNotMet: it does not hold within that time.
        """
        step = f"run_until(..., within_ms={within_ms})"
        if not self._stepper.advance(step, within_ms, lambda: holds(self)):
            raise self._stepper.unmet(step, "the condition does not hold", self.uid)

    def expect_log(
        self,
        text: str | re.Pattern[str],
        within_ms: int = DEFAULT_WITHIN_MS,
        uid: bytes | str | None = None,
    ) -> str:
        """Run until the log has a line with a text.

        Lines up to the one that an earlier `expect_log` has found do not count again.

        Args:
            text: part of the line, or a pattern to search in it.
            within_ms: how long that may take; 0 looks at what is there.
            uid: whose log.

        Returns:
            The whole line.

        Raises:
            StepNotMet: there is no such line within that time.
        """
        owner = self._uid(uid)
        step = f"expect_log({_quote(text)}, within_ms={within_ms})"
        lines = self.seen(owner).lines
        found = self._stepper.await_next(
            step, within_ms, lambda: lines, _finder(text), ("log", owner)
        )
        if found is None:
            raise self._stepper.unmet(step, _describe_lines("log", lines), owner)
        return found

    def expect_console(
        self,
        text: str | re.Pattern[str],
        within_ms: int = DEFAULT_WITHIN_MS,
        which: int | str | None = None,
        uid: bytes | str | None = None,
    ) -> str:
        """Run until a container has written a line with a text to a console; see `expect_log`.

        Args:
            text: part of the line, or a pattern to search in it.
            within_ms: how long that may take; 0 looks at what is there.
            which: see `console`.
            uid: whose line.

        Returns:
            The whole line.

        Raises:
            StepNotMet: there is no such line within that time.
        """
        owner = self._uid(uid)
        step = f"expect_console({_quote(text)}, within_ms={within_ms})"
        found = self._stepper.await_next(
            step,
            within_ms,
            lambda: self.console(which, owner),
            _finder(text),
            ("console", owner, which),
        )
        if found is None:
            problem = _describe_lines("console", self.console(which, owner))
            raise self._stepper.unmet(step, problem, owner)
        return found

    def expect_refused(
        self,
        call: str | None = None,
        reason: str | None = None,
        within_ms: int = DEFAULT_WITHIN_MS,
        uid: bytes | str | None = None,
    ) -> Refused:
        """Run until the device refuses a call; earlier ones that were found do not count again.

        Args:
            call: open, close, read, write or heartbeat; None for any.
            reason: one of `tinycontainer.trace.Refusal`, such as unknown-endpoint; None for any.
            within_ms: how long that may take; 0 looks at what is there.
            uid: whose call.

        Returns:
            The refusal.

        Raises:
            StepNotMet: nothing like it is refused within that time.
            BenchMisused: there is no such call or reason.
        """
        _require("call", call, _CALLS)
        _require("reason", reason, tuple(Refusal))
        owner = self._uid(uid)
        step = f"expect_refused(call={call!r}, reason={reason!r}, within_ms={within_ms})"
        refusals = self.seen(owner).refusals

        def fits(refusal: Refused) -> bool:
            return call in (None, refusal.call) and reason in (None, str(refusal.reason))

        found = self._stepper.await_next(
            step, within_ms, lambda: refusals, fits, ("refused", owner)
        )
        if found is None:
            seen = [f"{each.call}({each.subject}): {each.reason}" for each in refusals]
            raise self._stepper.unmet(step, _describe_lines("list of refusals", seen), owner)
        return found

    def expect_exit(
        self,
        reason: str | None = None,
        within_ms: int = DEFAULT_WITHIN_MS,
        uid: bytes | str | None = None,
    ) -> Exit:
        """Run until a container has ended, by a fault or otherwise.

        Args:
            reason: one of `tinycontainer.ExitReason`, such as trap; None for any.
            within_ms: how long that may take.
            uid: the container.

        Returns:
            How it ended.

        Raises:
            StepNotMet: it goes on, or ended for another reason.
            BenchMisused: there is no such reason.
        """
        _require("reason", reason, tuple(ExitReason))
        owner = self._uid(uid)
        step = f"expect_exit({reason!r}, within_ms={within_ms})"
        self._stepper.forgive_faults(owner)
        self._stepper.advance(step, within_ms, lambda: self._ended(owner) is not None)
        self._stepper.know_faults(owner)
        ended = self._ended(owner)
        if ended is None:
            raise self._stepper.unmet(step, "it has not ended", owner)
        if reason not in (None, str(ended.reason)):
            raise self._stepper.unmet(step, f"it ended otherwise: {show(str(ended))}", owner)
        return ended

    # How a step is made.

    def _uid(self, uid: bytes | str | None) -> bytes:
        return self.uid if uid is None else to_uid(uid)

    def _ended(self, uid: bytes) -> Exit | None:
        view = self._rig.device[uid]
        return view.last_exit if view.state is State.READY else None


def _finder(text: str | re.Pattern[str]) -> Callable[[str], bool]:
    if isinstance(text, re.Pattern):
        return lambda line: text.search(line) is not None
    if not isinstance(text, str) or not text:
        raise BenchMisused(f"{text!r} is looked for in lines: give text, or a pattern of re")
    return lambda line: text in line


def _quote(text: str | re.Pattern[str]) -> str:
    return repr(text.pattern if isinstance(text, re.Pattern) else text)


def _describe_lines(what: str, lines: Sequence[str]) -> str:
    if not lines:
        return f"the {what} is empty"
    last = ", ".join(repr(line) for line in lines[-_SHOWN_LINES:])
    return f"the {what} has {len(lines)} entries, the last: {last}"


def _require(what: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise BenchMisused(f"{what} {value!r} is none of {', '.join(known)}")
