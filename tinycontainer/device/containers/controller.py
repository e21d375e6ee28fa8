"""The controller: decides what may be loaded, changed, started and removed.

It runs no container code. Whatever it refuses, nothing has changed.
"""

from collections.abc import Callable
from typing import TypeVar

from tinycontainer.errors import LoadError, LoadReason, UnknownContainer
from tinycontainer.metadata import Metadata
from tinycontainer.state import DeviceState, StoredContainer
from tinycontainer.text import show
from tinycontainer.trace import Tracer
from tinycontainer.trace.events import Transitioned

from . import lifecycle
from .change import ChangeInProgress
from .container import Container, Exit, Succession
from .joint_changes import JointChanges
from .journal import Journal, after_event, decode_exit, describe, with_metadata
from .judgement import (
    Judgement,
    LoadCheck,
    Rules,
    Sections,
    capacity_checks,
    check,
    decode_bundle,
    decode_metadata,
    passed,
    refused,
    refusing_without_store,
)
from .lifecycle import Event, State, require_possible
from .loading import Loading
from .memory import MemoryManager, Section
from .records import loaded, reconfigured, record_refusal, record_rejected
from .verification import Grant, grant_rights, verify_tokens
from .versions import Versions
from .withdrawals import Withdrawals

_Result = TypeVar("_Result")


class Controller:
    """Keeps the containers of a device.

    Args:
        rules: what it judges by.
        state: remembers the containers; None if nothing does.
        epoch_s: the device's time in Unix seconds.
        tracer: records every acceptance and refusal.

    Attributes:
        journal: what the state gets to know.
        versions: puts one version of a container in the place of another.
        joint_changes: changes several containers at once.
        withdrawals: takes back the rights of containers.
    """

    def __init__(
        self,
        rules: Rules,
        state: DeviceState | None,
        epoch_s: Callable[[], int],
        tracer: Tracer,
    ) -> None:
        self._rules = rules
        self._epoch_s = epoch_s
        self._tracer = tracer
        self._memory = MemoryManager(rules.capacity)
        self._loading = Loading(self._memory)
        self._containers: dict[int, Container] = {}
        self._loads_whole = False
        self.journal = Journal(rules.sequences, state, epoch_s, tracer)
        self._change = ChangeInProgress(rules.sequences, self.journal)
        self.versions = Versions(rules, epoch_s, self.find, self._change, tracer)
        self.joint_changes = JointChanges(
            rules,
            epoch_s,
            self._memory,
            self.find,
            self.versions,
            self._change,
            self._take_in,
            tracer,
        )
        self.withdrawals = Withdrawals(
            rules, epoch_s, self.find, self.versions, self._change, tracer
        )

    def containers(self) -> tuple[Container, ...]:
        """All containers, by slot."""
        # `sorted` takes all at once: another thread may look while this one begins a change.
        return tuple(sorted(self._containers.values(), key=lambda each: each.slot.number))

    def find(self, uid: bytes) -> Container | None:
        """The container with this uid, if it is loaded."""
        slot = self._memory.find(uid)
        return None if slot is None else self._containers.get(slot.number)

    def get(self, uid: bytes) -> Container:
        """The container with this uid.

        Raises:
            UnknownContainer: it is not loaded.
        """
        container = self.find(uid)
        if container is None:
            raise UnknownContainer(f"no container {show(uid)} is loaded")
        return container

    def recover(self) -> None:
        """Complete or undo what an interrupted call has left (ADR 21)."""
        self.journal.tell_again()
        self.journal.find_out()
        self._change.recover()
        self.journal.is_behind = True
        if self._loads_whole:
            self._loading.slot = None
            self._loads_whole = False
        under_way = () if self._loading.slot is None else (self._loading.slot,)
        loaded = [container.slot for container in self.containers()]
        self._memory.retain([*loaded, *under_way])
        for container in self.containers():
            self.announce(container)
        self.journal.forget_told()

    # Loading: all at once, or section by section.

    def load(self, metadata: bytes, code: bytes, data: bytes) -> Container:
        """Load a container from its three sections; if that is interrupted, nothing is left of it.

        Raises:
            LoadError: it is refused; the slot is free again.
        """
        self._loads_whole = True
        try:
            self.begin_load()
            for section, content in Sections(metadata, code, data).contents():
                self.open_section(section, len(content or b""))
                if content:  # an empty section is complete once it is announced
                    self.write_section(content)
            container = self.end_load()
        except LoadError:  # anything else is for `recover`
            self._loads_whole = False
            raise
        self._loads_whole = False
        return container

    def begin_load(self) -> None:
        """Begin a load. Raises LoadError, as all of the protocol does; the load is then over."""
        self._traced(self._loading.begin)

    def open_section(self, section: Section, size_bytes: int) -> None:
        """Announce a section and its length."""
        self._traced(lambda: self._loading.open(section, size_bytes))

    def write_section(self, chunk: bytes) -> None:
        """Give bytes of the announced section."""
        self._traced(lambda: self._loading.write(chunk))

    def abandon_load(self) -> None:
        """Give up the load that is under way, if there is one."""
        self._loading.abandon()

    def record_refusal(self, error: LoadError) -> None:
        """Record a load that was refused before its first section; one under way is given up."""
        self._loading.abandon()
        record_refusal(self._tracer, "load", b"", error)

    def end_load(self) -> Container:
        """Judge what was transferred; on success the container is READY.

        Raises:
            LoadError: it is refused; the slot is free again.
        """
        slot = self._traced(self._loading.finish)
        sections = Sections(*(slot.read(section) for section in Section))
        judgement = self._judgement(sections, lambda uid: self._memory.name(slot, uid))
        try:
            container = Container.approved(slot, judgement.require())
            self._change.make(
                lambda: self._take_in(container),
                lambda: (describe(container, wants_to_run=False),),
                container.grant.accepted,
                told=lambda: (loaded(container),),
            )
        except LoadError as error:
            named = slot.uid or b""
            self._memory.release(slot)
            record_refusal(self._tracer, "load", judgement.uid, error)
            record_rejected(self._tracer, named)
            raise
        self.announce(container)
        return container

    def restore(self, entry: StoredContainer) -> Container:
        """Judge a remembered container again, and put it into its slot.

        It has yet to be announced and started.

        Raises:
            LoadError: it is refused; the slot is free again.
        """
        sections = Sections(entry.metadata, entry.code, entry.data)
        slot = None

        def take_uid(uid: bytes) -> None:
            if uid != entry.uid:
                problem = f"the metadata is of {show(uid)}, not of {show(entry.uid)}"
                raise LoadError(LoadReason.METADATA, problem)
            self._memory.require_new(uid)

        try:
            slot = self._memory.take(entry.slot)
            slot.fill(sections.contents())
            container = Container.approved(slot, self._judgement(sections, take_uid).require())
            self._memory.name(slot, container.uid)
        except LoadError as error:
            if slot is not None:
                self._memory.release(slot)
            record_refusal(self._tracer, "restore", entry.uid, error)
            raise
        container.last_exit = decode_exit(entry.last_exit)
        container.loops_begun = entry.loops
        if entry.wants_to_run:
            container.succession = Succession(starts=True, resumes=True)
        self._take_in(container)
        self.journal.restored(entry)  # only now: what is known as recorded is recorded as gone
        return container

    def judge(self, bundle: bytes, *, replaces: bool) -> tuple[LoadCheck, ...]:
        """Make every check of a load of a bundle, and change nothing.

        Args:
            bundle: untrusted bytes.
            replaces: whether it is to take the place of the container with its uid.
        """
        try:
            sections = Sections.of(decode_bundle(bundle, self._rules.capacity))
        except LoadError as error:
            return (refused("bundle", error),)
        fitting = capacity_checks(sections, self._rules.capacity)
        if replaces:
            judgement = self.versions.judgement(sections, to_confirm=False)
            return (passed("bundle"), *fitting, *judgement.checks())
        slot = check("slot", self._loading.require_possible)
        judgement = self._judgement(sections, self._memory.require_new)
        return (passed("bundle"), slot, *fitting, *judgement.checks())

    # Management calls on loaded containers.

    def start(self, uid: bytes) -> Container:
        """Let a READY container run.

        Raises:
            LoadError: a token has expired or is not valid yet.
            InvalidTransition: it is not READY, or is going to be started by an update.
            UnknownContainer: it is not loaded.
        """
        container = self.get(uid)
        # First the state: a token's problem is of no interest where it could not start anyway.
        container.require_startable()
        try:
            container.grant.validity.check(self._epoch_s())
        except LoadError as error:
            record_refusal(self._tracer, "start", uid, error)
            raise
        self._make_transition(container, Event.START)
        return container

    def end(self, uid: bytes, event: Event, end: Exit) -> Container:
        """Stop, kill or delete a container, which is STOPPING or DELETING then.

        Raises:
            InvalidTransition: it is in no state for that.
            LoadError: it cannot be recorded; nothing has changed.
            UnknownContainer: it is not loaded.
        """
        container = self.get(uid)
        require_possible(container.condition, event)
        self._make_transition(container, event, end)
        return container

    def reconfigure(self, raw: bytes) -> Container:
        """Put new metadata in the place of a container's own, all or nothing.

        Args:
            raw: untrusted metadata whose tokens fit the loaded code and data.

        Returns:
            The container, already changed; it keeps its metadata of before until all that
            follows is done.

        Raises:
            LoadError: it is refused; nothing has changed.
        """
        uid = b""
        try:
            decoded = decode_metadata(raw, self._rules.capacity.metadata_bytes)
            uid = decoded.uid
            container, granted = self._judge_change(decoded)
            told = reconfigured(container.metadata, decoded, granted)

            def make() -> None:
                is_new = container.metadata is not decoded
                _replace(container, decoded, granted)
                if is_new:  # an interrupt can let it be made twice (ADR 21)
                    self._tracer.mark(told)

            self._change.make(
                make,
                lambda: (with_metadata(container, decoded.raw),),
                granted.accepted,
                told=lambda: (told,),
            )
        except LoadError as error:
            record_refusal(self._tracer, "reconfigure", uid, error)
            raise
        container.apply(Event.RECONFIGURED, self._tracer)
        return container

    def announce(self, container: Container) -> None:
        """Make a container READY that was accepted, unless it is."""
        if container.state is State.PROVISIONING:
            if not container.is_announced:  # an interrupt can let this be done twice (ADR 21)
                container.is_announced = True
                self._tracer.mark(loaded(container))
            container.apply(Event.LOADED, self._tracer)

    def forget(self, container: Container) -> None:
        """Forget a container that is GONE; its successor, if it has one, takes its place."""
        successor = container.successor
        if successor is None:
            del self._containers[container.slot.number]
            self._memory.release(container.slot)
            return
        self._containers[container.slot.number] = successor
        self._memory.exchange(successor.slot)
        succession = successor.succession
        if succession is None or succession.predecessor is not container:
            container.slot.erase()

    # How a container is judged, step by step.

    def _judgement(self, sections: Sections, take_uid: Callable[[bytes], None]) -> Judgement:
        return Judgement(self._rules, sections, self._epoch_s(), take_uid)

    def _judge_change(self, decoded: Metadata) -> tuple[Container, Grant]:
        container = self.versions.require_changeable(decoded.uid)
        if decoded.container.type is not container.metadata.container.type:
            raise LoadError(LoadReason.TYPE_CHANGED, "the container type cannot change")
        self._rules.caps.check(decoded.uid, decoded.timing)
        return container, self._verify(decoded, container.code, container.data)

    def _verify(self, decoded: Metadata, code: bytes, data: bytes) -> Grant:
        trust, sequences = self._rules.trust, self._rules.sequences
        with refusing_without_store():
            reports = verify_tokens(decoded, code, data, trust, self._epoch_s(), sequences)
            return grant_rights(decoded, reports, trust, sequences)

    def _make_transition(self, container: Container, event: Event, end: Exit | None = None) -> None:
        before = container.condition

        def make() -> None:
            if container.condition is before:  # an interrupt can let it be made twice (ADR 21)
                container.apply(event, self._tracer, end=end)

        def told() -> tuple[Transitioned]:
            following = lifecycle.after(before, event)
            return (Transitioned(container.uid, before.state, event, following.state, ""),)

        # A start that a succession owes is recorded already, with what has led to it.
        succession = container.succession
        is_recorded = event is Event.START and succession is not None and succession.starts
        after = None if is_recorded else lambda: (after_event(container, event, end),)
        try:
            self._change.make(make, after, told=told)
        except LoadError as error:
            record_refusal(self._tracer, event.value, container.uid, error)
            raise

    def _take_in(self, container: Container) -> None:
        self._containers[container.slot.number] = container

    # What is recorded.

    def _traced(self, step: Callable[[], _Result]) -> _Result:
        try:
            return step()
        except LoadError as error:
            record_refusal(self._tracer, "load", b"", error)
            raise


def _replace(container: Container, decoded: Metadata, granted: Grant) -> None:
    """Put new metadata and rights in the place of a container's own, in one step."""
    # An interrupt may let it be done twice; what was replaced is then known already (ADR 21).
    if container.metadata is not decoded:
        before = container.metadata
        container.metadata, container.grant, container.replaced = decoded, granted, before
    container.slot.replace_metadata(decoded.raw)
