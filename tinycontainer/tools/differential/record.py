"""A record of everything that containers do on a runtime, made at the runtime's interface.

The trace drops records above a rate, and shows what the service makes of a call. So the record
wraps the runtime: it sees each call with arguments and result, each hook with its outcome and its
charge, and the memory after each hook.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TypeVar

from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import (
    Completed,
    Hook,
    Inspectable,
    Instance,
    Natives,
    Outcome,
    Preempted,
    Runtime,
    RuntimeLimits,
    TrapFrame,
    Trapped,
)
from tinycontainer.trace.events import HookBegan, Loaded, TraceEvent, Transitioned

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a container did, or that was done to it.

    Attributes:
        what: a native call's name, ``begins``, ``completed``, ``trapped``, ``state``, or ``memory``
            for what is left at the end.
        arguments: of a call: numbers and bytes; of a hook: its name.
        result: a call's result, a loop's value, a trap, or the reason of a change of state.
        fuel: instructions that a hook was charged in all; None for everything else.
        memory: SHA-256 of linear memory after a hook; empty where it cannot be read.
        endpoint: of a call on a descriptor: the endpoint that it was opened for, None if unknown.
        steady: whether its result depends on nothing but what this container did before.
        frames: where a hook trapped; compared only with a runtime that says it too.
        event: how many events the trace had before it; not part of what is compared.
    """

    what: str
    arguments: tuple[object, ...] = ()
    result: object = None
    fuel: int | None = None
    memory: str = ""
    endpoint: int | None = None
    steady: bool = True
    frames: tuple[TrapFrame, ...] = field(default=(), compare=False)
    event: int = field(default=0, compare=False)


@dataclass
class RunRecord:
    """The record of one run. It is also a sink: events show whose hook begins.

    Attributes:
        acts: of each container, in order.
        events: the trace of the device.
        preempted: how many events the trace had when a hook was first preempted; None if none was.
        trapped: the same of a hook that trapped.
        uid: whose hook began last.
        living: instances that are not finalized.
        types: the container type of each container that was loaded.
        is_steady: whether an endpoint's results depend on nothing but its container's own calls.
    """

    is_steady: Callable[[bytes, int], bool]
    types: dict[bytes, str] = field(default_factory=dict)
    acts: dict[bytes, list[Act]] = field(default_factory=dict)
    events: list[TraceEvent] = field(default_factory=list)
    preempted: int | None = None
    trapped: int | None = None
    uid: bytes = b""
    living: list["_RecordedInstance"] = field(default_factory=list)

    def __call__(self, event: TraceEvent) -> None:
        """Take an event."""
        self.events.append(event)
        if isinstance(event, HookBegan):
            self.uid = event.uid
        elif isinstance(event, Loaded):
            self.types[event.uid] = event.type
        elif isinstance(event, Transitioned) and event.uid:  # a refused load has no name
            change = f"{event.before} -> {event.after}"
            self.add(event.uid, Act("state", (change, event.trigger), event.reason))

    def add(self, uid: bytes, act: Act) -> None:
        """Note an act of a container."""
        self.acts.setdefault(uid, []).append(replace(act, event=len(self.events)))

    def wrapped(self, runtime: Runtime) -> Runtime:
        """Wrap a runtime."""
        return _RecordedRuntime(runtime, self)

    def finish(self) -> None:
        """Note what the containers that are still alive have in memory."""
        for instance in self.living:
            instance.note_memory()


@dataclass(slots=True)
class _RecordedRuntime:
    _inner: Runtime
    _record: RunRecord

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        self._inner.admit(code, limits)

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> Instance:
        recorded = _RecordedNatives(natives, self._record)
        inner = self._inner.create(code, data, recorded, meter, limits)
        instance = _RecordedInstance(inner, meter, self._record, recorded)
        self._record.living.append(instance)
        return instance


class _RecordedInstance:
    def __init__(
        self, inner: Instance, meter: Meter, record: RunRecord, natives: "_RecordedNatives"
    ) -> None:
        self._inner = inner
        self._meter = meter
        self._record = record
        self._natives = natives
        self._hook = Hook.START
        self._used = 0

    def begin(self, hook: Hook) -> None:
        self._hook = hook
        self._used = 0
        self._natives.uid = self._record.uid
        self._add(Act("begins", (hook.value,)))
        self._inner.begin(hook)

    def resume(self) -> Outcome:
        before = self._meter.left
        outcome = self._inner.resume()
        self._meter.probe()
        self._used += before - self._meter.left
        here = len(self._record.events)
        if isinstance(outcome, Preempted):
            if self._record.preempted is None:
                self._record.preempted = here
            return outcome
        self._add(self._ended(outcome))
        if isinstance(outcome, Trapped) and self._record.trapped is None:
            self._record.trapped = here
        # Not every runtime knows where it trapped, so the device is not to say so for one of two.
        return replace(outcome, frames=()) if isinstance(outcome, Trapped) else outcome

    def abort(self) -> None:
        self._inner.abort()

    def finalize(self) -> None:
        self.note_memory()
        self._record.living.remove(self)
        self._inner.finalize()

    def note_memory(self) -> None:
        """Note what is in memory."""
        if self._natives.uid:
            self._add(Act("memory", memory=self._memory()))

    def _ended(self, outcome: Outcome) -> Act:
        hook = (self._hook.value,)
        if isinstance(outcome, Completed):
            return Act("completed", hook, outcome.value, self._used, self._memory())
        if isinstance(outcome, Trapped):
            said = f"{outcome.code}: {outcome.detail}" if outcome.detail else str(outcome.code)
            act = Act("trapped", hook, said, self._used, self._memory())
            return replace(act, frames=outcome.frames)
        return Act(type(outcome).__name__, hook)

    def _memory(self) -> str:
        if not isinstance(self._inner, Inspectable):
            return ""
        content = self._inner.load(0, self._inner.size())
        return f"{len(content)} bytes {sha256(content).hexdigest()}"

    def _add(self, act: Act) -> None:
        self._record.add(self._natives.uid, act)


class _RecordedNatives:
    """Natives that are recorded; see `tinycontainer.interfaces.runtime.Natives`."""

    def __init__(self, inner: Natives, record: RunRecord) -> None:
        self._inner = inner
        self._record = record
        self._endpoints: dict[int, int] = {}
        self.uid = b""

    def heartbeat(self, /) -> int:
        return self._note("heartbeat", (), self._inner.heartbeat())

    def open(self, endpoint_id: int, /) -> int:
        fd = self._inner.open(endpoint_id)
        if fd > 0:
            self._endpoints[fd] = endpoint_id
        return self._note("open", (endpoint_id,), fd, endpoint_id)

    def close(self, fd: int, /) -> int:
        return self._on("close", fd, (), self._inner.close(fd))

    def read(self, fd: int, size: int, /) -> bytes | int:
        return self._on("read", fd, (size,), self._inner.read(fd, size))

    def write(self, fd: int, data: bytes, /) -> int:
        return self._on("write", fd, (data,), self._inner.write(fd, data))

    def log(self, line: bytes, /) -> None:
        self._inner.log(line)
        self._note("log", (line,), None)

    def data_size(self, /) -> int:
        return self._note("data_size", (), self._inner.data_size())

    def data_read(self, offset: int, size: int, /) -> bytes:
        return self._note("data_read", (offset, size), self._inner.data_read(offset, size))

    def _on(self, what: str, fd: int, rest: tuple[object, ...], result: Result) -> Result:
        return self._note(what, (fd, *rest), result, self._endpoints.get(fd))

    def _note(
        self, what: str, arguments: tuple[object, ...], result: Result, endpoint: int | None = None
    ) -> Result:
        steady = endpoint is None or self._record.is_steady(self.uid, endpoint)
        act = Act(what, arguments, result, endpoint=endpoint, steady=steady)
        self._record.add(self.uid, act)
        return result
