"""The controller: decides what may be loaded, changed, started and removed.

It runs no container code. Whatever it refuses, nothing has changed.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from tinycontainer.errors import LoadError, LoadReason, UnknownContainer
from tinycontainer.metadata import Metadata
from tinycontainer.text import show
from tinycontainer.trace import Tracer
from tinycontainer.trace.events import Loaded, LoadRefused, Reconfigured, Transitioned
from tinycontainer_tokens import SequenceStoreError

from .container import Container
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
from .lifecycle import Condition, Event, State, after, require_possible
from .loading import Loading
from .memory import MemoryManager, Section
from .verification import Grant, grant_rights, verify_tokens

_Result = TypeVar("_Result")


class Controller:
    """Keeps the containers of a device.

    Args:
        rules: what it judges by.
        epoch_s: the device's time in Unix seconds.
        tracer: records every acceptance and refusal.
    """

    def __init__(self, rules: Rules, epoch_s: Callable[[], int], tracer: Tracer) -> None:
        self._rules = rules
        self._epoch_s = epoch_s
        self._tracer = tracer
        self._memory = MemoryManager(rules.capacity)
        self._loading = Loading(self._memory)
        self._containers: dict[int, Container] = {}
        self._loads_whole = False
        # What is done once the sequence store has accepted the tokens of a change.
        self._change: tuple[Grant, Callable[[], None]] | None = None

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
        self._repeat_change()
        if self._loads_whole:
            self._loading.slot = None
            self._loads_whole = False
        under_way = () if self._loading.slot is None else (self._loading.slot,)
        loaded = [container.slot for container in self.containers()]
        self._memory.retain([*loaded, *under_way])
        for container in self.containers():
            if container.state is State.PROVISIONING:
                self._announce(container)

    # Loading: all at once, or section by section.

    def load(self, metadata: bytes, code: bytes, data: bytes) -> Container:
        """Load a container from its three sections; if that is interrupted, nothing is left of it.

        Raises:
            LoadError: it is refused; the slot is free again.
        """
        self._loads_whole = True
        try:
            self.begin_load()
            contents = {Section.METADATA: metadata, Section.CODE: code, Section.DATA: data}
            for section, content in contents.items():
                self.open_section(section, len(content))
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
        self._report("load", b"", error)

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
            self._make_change(container.grant, lambda: self._take_in(container))
        except LoadError as error:
            named = slot.uid or b""
            self._memory.release(slot)
            self._report("load", judgement.uid, error)
            self._trace_rejected(named)
            raise
        self._announce(container)
        return container

    def judge(self, bundle: bytes) -> tuple[LoadCheck, ...]:
        """Make every check of a load of a bundle, and change nothing.

        Args:
            bundle: untrusted bytes.
        """
        try:
            parts = decode_bundle(bundle, self._rules.capacity)
        except LoadError as error:
            return (refused("bundle", error),)
        sections = Sections(parts.metadata, parts.code, parts.data)
        return (
            passed("bundle"),
            check("slot", self._loading.require_possible),
            *capacity_checks(sections, self._rules.capacity),
            *self._judgement(sections, self._memory.require_new).checks(),
        )

    # Management calls on loaded containers.

    def start(self, uid: bytes) -> Container:
        """Let a READY container run.

        Raises:
            LoadError: a token has expired or is not valid yet.
            InvalidTransition: it is not READY.
            UnknownContainer: it is not loaded.
        """
        container = self.get(uid)
        # First the state: a token's problem is of no interest where it could not start anyway.
        require_possible(container.condition, Event.START)
        try:
            container.grant.validity.check(self._epoch_s())
        except LoadError as error:
            self._report("start", uid, error)
            raise
        container.apply(Event.START, self._tracer)
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
            before = container.metadata
            self._make_change(granted, lambda: _replace(container, decoded, granted))
        except LoadError as error:
            self._report("reconfigure", uid, error)
            raise
        self._trace_reconfigured(container, before)
        container.apply(Event.RECONFIGURED, self._tracer)
        return container

    def forget(self, container: Container) -> None:
        """Forget a container that is GONE."""
        del self._containers[container.slot.number]
        self._memory.release(container.slot)

    # How a container is judged, step by step.

    def _judgement(self, sections: Sections, take_uid: Callable[[bytes], None]) -> Judgement:
        return Judgement(self._rules, sections, self._epoch_s(), take_uid)

    def _judge_change(self, decoded: Metadata) -> tuple[Container, Grant]:
        container = self.find(decoded.uid)
        if container is None:
            raise LoadError(LoadReason.UNKNOWN_UID, f"no container {show(decoded.uid)} is loaded")
        if container.state not in (State.READY, State.RUNNING):
            raise LoadError(LoadReason.WRONG_STATE, f"not possible in state {container.state}")
        if decoded.container.type is not container.metadata.container.type:
            raise LoadError(LoadReason.TYPE_CHANGED, "the container type cannot change")
        self._rules.caps.check(decoded.uid, decoded.timing)
        return container, self._verify(decoded, container.code, container.data)

    def _verify(self, decoded: Metadata, code: bytes, data: bytes) -> Grant:
        trust, sequences = self._rules.trust, self._rules.sequences
        with refusing_without_store():
            reports = verify_tokens(decoded, code, data, trust, self._epoch_s(), sequences)
            return grant_rights(decoded, reports, trust, sequences)

    def _make_change(self, granted: Grant, make: Callable[[], None]) -> None:
        """Let the sequence store accept the tokens of a change, then make it."""
        self._change = granted, make
        try:
            # It judges once more: another device may have accepted a newer token meanwhile.
            with refusing_without_store():
                self._rules.sequences.accept(granted.accepted)
        except Exception:
            self._change = None
            raise
        make()
        self._change = None

    def _repeat_change(self) -> None:
        """Make an interrupted change whose tokens are recorded: without it, that would be half."""
        if self._change is None:
            return
        granted, make = self._change
        with suppress(SequenceStoreError):
            if all(
                self._rules.sequences.newest(subject) == each for subject, each in granted.accepted
            ):
                make()
        self._change = None  # only now: this may be interrupted, too

    def _take_in(self, container: Container) -> None:
        self._containers[container.slot.number] = container

    def _announce(self, container: Container) -> None:
        self._trace_loaded(container)
        container.apply(Event.LOADED, self._tracer)

    # What is recorded.

    def _traced(self, step: Callable[[], _Result]) -> _Result:
        try:
            return step()
        except LoadError as error:
            self._report("load", b"", error)
            raise

    def _trace_rejected(self, named: bytes) -> None:
        """Record the end under the slot's own name: a uid that is claimed may be another's."""
        condition = Condition(State.PROVISIONING)
        for event in (Event.REJECTED, Event.ERASED):
            before = condition
            condition = after(before, event)
            if self._tracer.on:
                self._tracer.emit(Transitioned(named, before.state, event, condition.state, ""))

    def _report(self, verb: str, uid: bytes, error: LoadError) -> None:
        if self._tracer.on:
            self._tracer.emit(LoadRefused(uid, verb, error.reason, error.problem))

    def _trace_loaded(self, container: Container) -> None:
        if not self._tracer.on:
            return
        self._tracer.emit(
            Loaded(
                uid=container.uid,
                slot=container.slot.number,
                type=container.metadata.container.type.name.lower(),
                profile=container.grant.profile or "",
                unsigned=container.grant.unsigned,
                metadata_bytes=len(container.metadata.raw),
                code_bytes=len(container.code),
                data_bytes=len(container.data),
            )
        )

    def _trace_reconfigured(self, container: Container, before: Metadata) -> None:
        if not self._tracer.on:
            return
        old = set(before.endpoints or ())
        new = set(container.metadata.endpoints or ())
        self._tracer.emit(
            Reconfigured(
                uid=container.uid,
                mask=container.grant.mask,
                priority=container.timing.priority,
                revoked=tuple(sorted(endpoint.endpoint_id for endpoint in old - new)),
                granted=tuple(sorted(endpoint.endpoint_id for endpoint in new - old)),
            )
        )


def _replace(container: Container, decoded: Metadata, granted: Grant) -> None:
    """Put new metadata and rights in the place of a container's own, in one step."""
    # An interrupt may let it be done twice; what was replaced is then known already (ADR 21).
    if container.metadata is not decoded:
        before = container.metadata
        container.metadata, container.grant, container.replaced = decoded, granted, before
    container.slot.replace_metadata(decoded.raw)
