"""The device: loads containers, runs them side by side, and answers its owner's questions.

Management calls check, post and return; they never run container code. From inside a driver or a
sink they raise RuntimeError, and so does everything that another thread wants meanwhile: a device
belongs to one thread at a time. A call that is interrupted is done as a whole or not begun.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from tinycontainer.errors import LoadError
from tinycontainer.interfaces.clock import NS_PER_MS, Clock, to_unix_s
from tinycontainer.interfaces.updating import ContainerChange
from tinycontainer.state import KEPT_EVENTS, StoredAnswer, StoredEvents
from tinycontainer.trace import Sink, Tracer
from tinycontainer.trace.events import LoadRefused
from tinycontainer_tokens import Accepted

from .calls.service import Service
from .containers.container import Exit, ExitReason
from .containers.controller import Controller
from .containers.joint_changes import require_sound
from .containers.judgement import LoadCheck, decode_bundle
from .containers.lifecycle import Event
from .containers.memory import Section
from .containers.view import View
from .looking import Looking, require_uid, to_uid
from .running.executor import Executor
from .running.management import Management
from .setup import Setup

MAX_PROBLEM_CHARACTERS: Final = 1000
"""Of the problem of a refused update, which may be somebody else's text; the rest is cut off."""


class BareDevice(Looking):
    """One microcontroller's worth of containers, made of parts that are given.

    `tinycontainer.Device` adds to it how one is made of a device file.

    Args:
        setup: what it is made of.
        clock: its time; a device begins at whatever the clock says.
        sinks: take every event. A sink must not call the device back.
    """

    def __init__(self, setup: Setup, clock: Clock, sinks: Sequence[Sink] = ()) -> None:
        self._setup = setup
        self._clock = clock
        self._tracer = Tracer(sinks, self._settled_now_ns)
        self._controller = Controller(setup.rules, setup.state, self._epoch_s, self._tracer)
        self._service = Service(
            setup.capacity, setup.drivers, self._controller.find, clock, self._tracer
        )
        self._executor = Executor(
            setup.capacity,
            setup.scheduling,
            setup.epoch_s,
            clock,
            self._controller,
            self._service,
            self._tracer,
        )
        self._managing = Management(self._tracer, self._executor.interrupts, self._recover)

    # Loading.

    def load(self, bundle: bytes) -> View:
        """Load a bundle; its container is READY.

        Args:
            bundle: untrusted bytes, CBOR ``[metadata, data, code]``.

        Raises:
            LoadError: it is refused; the device is as before.
        """
        try:
            parts = decode_bundle(bundle, self._setup.capacity)
        except LoadError as refusal:
            with self._managing:
                self._controller.record_refusal(refusal)
            raise
        with self._managing:
            return self._view(self._controller.load(parts.metadata, parts.code, parts.data))

    def judge(self, bundle: bytes, *, replaces: bool = False) -> tuple[LoadCheck, ...]:
        """Make every check of a load, and change nothing; a load ends at the first that fails.

        Args:
            bundle: untrusted bytes, CBOR ``[metadata, data, code]``.
            replaces: whether to judge it as `replace` would.
        """
        with self._managing:
            return self._controller.judge(bundle, replaces=replaces)

    def replace(self, bundle: bytes, confirm_ms: int | None = None) -> View:
        """Let another version take the place of a loaded container with the same uid.

        It is judged now, while the old one goes on. Then the old one is wound down as by `stop`
        and erased, and the new one is READY in its slot, and started if the old one was RUNNING.

        Args:
            bundle: untrusted bytes, CBOR ``[metadata, data, code]``.
            confirm_ms: how long after its start the new one may take to complete a loop, in ms of
                the device's time. If it does not, the old one comes back with the rights that it
                had. None makes the change final.

        Returns:
            What is loaded under the uid: the old one, as long as it is winding down.

        Raises:
            LoadError: it is refused; nothing has changed.
            ValueError: a time that is not positive.
        """
        if confirm_ms is not None and confirm_ms <= 0:
            raise ValueError(f"a version cannot be confirmed within {confirm_ms} ms")
        with self._managing:
            within_ns = None if confirm_ms is None else confirm_ms * NS_PER_MS
            old = self._controller.versions.replace(bundle, within_ns)
            self._executor.started.end(old)
            return self._view(self._controller.get(old.uid))

    def change_together(self, changes: Sequence[ContainerChange], number: Accepted) -> None:
        """Load, replace or delete several containers: all of them, or none (TC-UPD-20).

        All are judged now. Those that leave wind down, as by `stop`, and those that come are
        started once the last of them is gone. What is loaded already with the same sections, and
        runs if it should, goes on.

        Args:
            changes: at least one; one for each uid.
            number: number and digest of the update that asks for it, recorded for each uid.

        Raises:
            ContainerRefused: one of them is refused; nothing has changed.
            ValueError: no change, two of one uid, not all sections of one, or no such number.
        """
        require_sound(changes, number)
        with self._managing:
            joint = self._controller.joint_changes.make(changes, number)
            for container in joint.leaving:
                self._executor.started.end(container)
            self._executor.started.succeed_together(joint)

    def refuse_update(self, uid: bytes, reason: str, problem: str) -> None:
        """See `Updatable.refuse_update`."""
        with self._managing:
            cut = problem[:MAX_PROBLEM_CHARACTERS]
            self._tracer.mark(LoadRefused(uid, "update", reason, cut))

    def load_sections(self, metadata: bytes, code: bytes, data: bytes) -> View:
        """Load a container from its three sections, as the firmware receives them.

        Raises:
            LoadError: it is refused; the device is as before.
        """
        with self._managing:
            return self._view(self._controller.load(metadata, code, data))

    def begin_load(self) -> None:
        """Begin a load, section by section: metadata, code, data.

        Raises:
            LoadError: no slot is free, or a load is under way, which ends it.
        """
        with self._managing:
            self._controller.begin_load()

    def open_section(self, section: Section, size_bytes: int) -> None:
        """Announce the next section and its length; an empty one is complete at once.

        Raises:
            LoadError: out of order or too large; the load is over.
        """
        with self._managing:
            self._controller.open_section(section, size_bytes)

    def write_section(self, chunk: bytes) -> None:
        """Give bytes of the announced section.

        Raises:
            LoadError: too many; the load is over.
        """
        with self._managing:
            self._controller.write_section(chunk)

    def end_load(self) -> View:
        """End the transfer and judge it; the container is READY.

        Raises:
            LoadError: it is refused; the device is as before.
        """
        with self._managing:
            return self._view(self._controller.end_load())

    def abandon_load(self) -> None:
        """Give up the load that is under way, if there is one."""
        with self._managing:
            self._controller.abandon_load()

    # What outlasts a boot.

    def restore(self) -> None:
        """Put back what the state remembers, each container in its slot, judged again.

        Those that ran are started again, and what is left of their lifetime goes on. What is
        refused is kept aside in the state, with the reason.

        Raises:
            StateFileError: the state cannot be read or written.
        """
        state = self._setup.state
        if state is None:
            return
        with self._managing:
            for entry in state.containers():
                known = self._controller.journal.has(entry)
                if known or self._controller.find(entry.uid) is not None:
                    continue  # it is done already: an interrupted call can be made again
                try:
                    container = self._controller.restore(entry)
                except LoadError as error:
                    state.set_aside(entry.slot, str(error))
                else:
                    self._executor.started.succeed(container)
            self._executor.record_what_changed()

    def events(self, since: int = 0, most: int = KEPT_EVENTS) -> StoredEvents:
        """Milestones that the state keeps, as JSON; none without a state (TC-STATE-18).

        Args:
            since: only those with a higher number; 0 for all.
            most: the oldest of them, as many as this.

        Raises:
            SequenceStoreError: the state cannot be read or written, or the device is closed.
        """
        state = self._setup.state
        if state is None:
            return StoredEvents(0, ())
        with self._managing:
            self._controller.journal.record_milestones()
            return state.events(since, most)

    def close(self, *, recording: bool = True) -> None:
        """Let the state go, if there is one; the device is of no more use.

        Args:
            recording: whether to record before what is not recorded yet.

        Raises:
            StateFileError: it cannot be recorded; the state is let go all the same.
        """
        state = self._setup.state
        if state is None:
            return
        journal = self._controller.journal
        with self._managing:
            try:
                if recording and not journal.is_closed:
                    self._executor.record_what_changed(time_too=True)
            finally:
                journal.is_closed = True
                state.close()

    # Managing.

    def start(self, uid: bytes | str) -> None:
        """Let a READY container run.

        Raises:
            UnknownContainer: it is not loaded.
            InvalidTransition: it is not READY, or is going to be started by an update.
            LoadError: a token of its metadata is not valid at this time.
        """
        with self._managing:
            self._executor.started.start(self._controller.start(to_uid(uid)))

    def stop(self, uid: bytes | str) -> None:
        """Let a RUNNING container end: its hook has a grace, its stop hook runs.

        Raises:
            UnknownContainer: it is not loaded.
            InvalidTransition: it is not RUNNING.
        """
        self._end(uid, Event.STOP, ExitReason.STOPPED)

    def kill(self, uid: bytes | str) -> None:
        """End a container at once; no more of its code runs.

        Raises:
            UnknownContainer: it is not loaded.
            InvalidTransition: it is neither RUNNING nor STOPPING.
        """
        self._end(uid, Event.KILL, ExitReason.KILLED)

    def delete(self, uid: bytes | str) -> None:
        """Forget a container; one that runs is stopped first.

        Raises:
            UnknownContainer: it is not loaded.
        """
        self._end(uid, Event.DELETE, ExitReason.DELETED)

    def withdraw(self, uid: bytes | str, token: bytes) -> None:
        """Take back every right of a container by its owner's token alone; it is deleted.

        Bundles with an older mask token are refused from then on, whether it was loaded or not. The
        same token again succeeds, and changes nothing.

        Args:
            uid: of the container: 1 to 63 bytes.
            token: untrusted bytes: a mask token of ``rfc9052`` that allows no call, with a higher
                sequence than every one that was accepted before.

        Raises:
            LoadError: it is refused; nothing has changed.
            ValueError: no such uid.
        """
        raw = require_uid(uid)
        with self._managing:
            container = self._controller.withdrawals.withdraw(raw, token)
            if container is not None:
                self._executor.started.end(container)

    def reconfigure(self, metadata: bytes) -> View:
        """Change a loaded container's rights and timing by new metadata, all or nothing.

        Args:
            metadata: untrusted metadata whose tokens fit the loaded code and data.

        Raises:
            LoadError: it is refused; nothing has changed.
        """
        with self._managing:
            container = self._controller.reconfigure(metadata)
            self._executor.started.complete_reconfiguration(container)
            return self._view(container)

    # Running.

    def run(self, for_ms: int | None = None) -> None:
        """Run started containers.

        Args:
            for_ms: how long, in ms of the device's time; None: until no container is started.

        Raises:
            ValueError: a negative duration.
        """
        if for_ms is not None and for_ms < 0:
            raise ValueError(f"a device cannot run for {for_ms} ms")
        end_ns = None if for_ms is None else self._clock.now_ns() + for_ms * NS_PER_MS
        with self._managing:
            self._executor.run(end_ns)

    def run_until(self, at_ms: int) -> None:
        """Run started containers until a moment of the device's time, in ms."""
        with self._managing:
            self._executor.run(at_ms * NS_PER_MS)

    def run_due(self, for_ms: int) -> int | None:
        """Run what is due, and never sleep.

        Args:
            for_ms: for how long at most, in ms of the device's time.

        Returns:
            When something is due next, in ns of the device's time; None if nothing is.
        """
        with self._managing:
            end_ns = self._clock.now_ns() + for_ms * NS_PER_MS
            return self._executor.run(end_ns, sleeps=False)

    @property
    def trace_sha256(self) -> bytes | None:
        """SHA-256 of the trace since the boot; None of a device whose trace is not recorded."""
        return None

    def wind_down(self) -> None:
        """Let every started container end as by `stop`, because the device is switched off.

        After a boot it is started again.
        """
        with self._managing:
            self._executor.started.wind_down()

    def end_trace(self, reason: str = "over") -> int:
        """Record what is in progress, and that the trace ends; call it once, at the end.

        Args:
            reason: ``over``, or ``interrupted`` by the operator.

        Returns:
            Device time of the last event, in ns: the end of the run.
        """
        with self._managing:
            return self._executor.end_trace(reason)

    @contextmanager
    def answering(self, answer: StoredAnswer) -> Iterator[None]:
        """Record an answer together with the change that is made within, if one is."""
        journal = self._controller.journal
        journal.answer = answer
        try:
            yield
        finally:
            journal.answer = None

    # How it holds together.

    def _end(self, uid: bytes | str, event: Event, reason: ExitReason) -> None:
        with self._managing:
            container = self._controller.end(to_uid(uid), event, Exit(reason))
            self._executor.started.end(container)

    def _recover(self) -> None:
        self._service.recover()
        self._controller.recover()
        self._executor.recover()

    def _epoch_s(self) -> int:
        return to_unix_s(self._setup.epoch_s, self._clock.now_ns())
