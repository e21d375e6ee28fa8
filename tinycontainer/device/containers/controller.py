"""The controller: decides what may be loaded, changed, started and removed.

It runs no container code. Whatever it refuses, nothing has changed.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TypeVar

from tinycontainer import metadata as metadata_codec
from tinycontainer.errors import (
    InadmissibleCode,
    LoadError,
    LoadReason,
    MetadataError,
    RuntimeMissing,
    UnknownContainer,
)
from tinycontainer.interfaces.runtime import Runtime, RuntimeLimits
from tinycontainer.metadata import ContainerType, Metadata
from tinycontainer.text import show
from tinycontainer.trace import Tracer
from tinycontainer.trace.events import Loaded, LoadRefused, Reconfigured, Transitioned
from tinycontainer_tokens import SequenceStore, SequenceStoreError

from .container import Container
from .lifecycle import Condition, Event, State, after, require_possible
from .limits import Capacity, Caps
from .loading import Loading
from .memory import MemoryManager, Section, Slot
from .verification import Grant, Trust, grant_rights, verify_tokens

_Result = TypeVar("_Result")


def require_runtime(
    container_type: ContainerType, runtimes: Mapping[ContainerType, Runtime]
) -> Runtime:
    """The runtime for a container type.

    Raises:
        RuntimeMissing: none of the runtimes is for this type.
    """
    runtime = runtimes.get(container_type)
    if runtime is None:
        installed = tuple(sorted(known.name.lower() for known in runtimes))
        raise RuntimeMissing(container_type.value, container_type.name.lower(), installed)
    return runtime


def admit(runtime: Runtime, code: bytes, limits: RuntimeLimits) -> None:
    """Ask a runtime whether it takes code.

    Raises:
        LoadError: it does not, or failed over it.
    """
    try:
        runtime.admit(code, limits)
    except InadmissibleCode as error:
        raise LoadError(LoadReason.CODE_INADMISSIBLE, str(error)) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        problem = f"the runtime failed: {type(error).__name__}"
        raise LoadError(LoadReason.CODE_INADMISSIBLE, problem) from error


@contextmanager
def _refusing_without_store() -> Iterator[None]:
    try:
        yield
    except SequenceStoreError as error:
        raise LoadError(LoadReason.SEQUENCE_STORE, str(error)) from error


class Controller:
    """Keeps the containers of a device.

    Args:
        capacity: what fits.
        caps: what metadata may ask for.
        trust: whom to believe.
        runtimes: what can be run, by container type.
        sequences: what was accepted before.
        epoch_s: the device's time in Unix seconds.
        tracer: records every acceptance and refusal.
    """

    def __init__(
        self,
        capacity: Capacity,
        caps: Caps,
        trust: Trust,
        runtimes: Mapping[ContainerType, Runtime],
        sequences: SequenceStore,
        epoch_s: Callable[[], int],
        tracer: Tracer,
    ) -> None:
        self._capacity = capacity
        self._caps = caps
        self._trust = trust
        self._runtimes = runtimes
        self._sequences = sequences
        self._epoch_s = epoch_s
        self._tracer = tracer
        self._memory = MemoryManager(capacity)
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
        uid = b""
        try:
            decoded = self._decode(slot.read(Section.METADATA))
            uid = decoded.uid
            container = self._judge(slot, decoded)
            self._make_change(container.grant, lambda: self._take_in(container))
        except LoadError as error:
            named = slot.uid or b""
            self._memory.release(slot)
            self._report("load", uid, error)
            self._trace_rejected(named)
            raise
        self._announce(container)
        return container

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
            decoded = self._decode(raw)
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

    def _decode(self, raw: bytes) -> Metadata:
        try:
            return metadata_codec.decode(raw, self._capacity.metadata_bytes)
        except MetadataError as error:
            raise LoadError.from_metadata_error(LoadReason.METADATA, error) from error

    def _judge(self, slot: Slot, decoded: Metadata) -> Container:
        self._memory.name(slot, decoded.uid)
        runtime = require_runtime(decoded.container.type, self._runtimes)
        self._caps.check(decoded.uid, decoded.timing)
        code = slot.read(Section.CODE)
        granted = self._verify(decoded, code, slot.read(Section.DATA))
        admit(runtime, code, self._capacity.runtime)
        return Container(slot, decoded, runtime, granted)

    def _judge_change(self, decoded: Metadata) -> tuple[Container, Grant]:
        container = self.find(decoded.uid)
        if container is None:
            raise LoadError(LoadReason.UNKNOWN_UID, f"no container {show(decoded.uid)} is loaded")
        if container.state not in (State.READY, State.RUNNING):
            raise LoadError(LoadReason.WRONG_STATE, f"not possible in state {container.state}")
        if decoded.container.type is not container.metadata.container.type:
            raise LoadError(LoadReason.TYPE_CHANGED, "the container type cannot change")
        self._caps.check(decoded.uid, decoded.timing)
        return container, self._verify(decoded, container.code, container.data)

    def _verify(self, decoded: Metadata, code: bytes, data: bytes) -> Grant:
        with _refusing_without_store():
            reports = verify_tokens(
                decoded, code, data, self._trust, self._epoch_s(), self._sequences
            )
            return grant_rights(decoded, reports, self._trust, self._sequences)

    def _make_change(self, granted: Grant, make: Callable[[], None]) -> None:
        """Let the sequence store accept the tokens of a change, then make it."""
        self._change = granted, make
        try:
            # It judges once more: another device may have accepted a newer token meanwhile.
            with _refusing_without_store():
                self._sequences.accept(granted.accepted)
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
            if all(self._sequences.newest(subject) == each for subject, each in granted.accepted):
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
