"""A check that a runtime keeps the promises of its interface, on samples of its own code.

It covers admission, budgets, preemption, traps and isolation.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import (
    Completed,
    Hook,
    Instance,
    Outcome,
    Preempted,
    Runtime,
    RuntimeLimits,
    Trapped,
    are_frames,
)

from .contract import ContractBroken, require

_BUDGETS = (1, 2, 7, 64, 1000, 1 << 40)
"""In instructions; the last is never used up."""
_MAX_RESUMES = 1_000_000
_CALL_COST = 100


@dataclass(frozen=True)
class RuntimeSamples:
    """Code of the runtime's own kind.

    Attributes:
        busy: each loop calls some natives, works for a while and returns ``busy_returns``; it has a
            start and a stop hook, and keeps state between loops.
        busy_returns: what its first loops return, in order.
        endless: its loop never ends.
        trapping: its loop traps, its stop hook does not.
        only_loop: has neither a start hook nor a stop hook.
        inadmissible: code that the runtime must refuse.
        data: data section of all instances.
    """

    busy: bytes
    busy_returns: tuple[int, ...]
    endless: bytes
    trapping: bytes
    only_loop: bytes
    inadmissible: tuple[bytes, ...]
    data: bytes = b"data section"


@dataclass
class RecordingNatives:
    """Natives that record every call and return what a test sets.

    Attributes:
        meter: pays for the calls.
        data: the data section.
        calls: the calls so far, each with its arguments.
        readable: what a read returns, cut to the size asked for.
    """

    meter: Meter
    data: bytes = b""
    calls: list[tuple[object, ...]] = field(default_factory=list)
    readable: bytes = b"read me"

    def heartbeat(self) -> int:
        """See `Natives.heartbeat`."""
        return self._record(0, "heartbeat")

    def open(self, endpoint_id: int, /) -> int:
        """See `Natives.open`."""
        return self._record(1, "open", endpoint_id)

    def close(self, fd: int, /) -> int:
        """See `Natives.close`."""
        return self._record(0, "close", fd)

    def read(self, fd: int, size: int, /) -> bytes | int:
        """See `Natives.read`."""
        self._record(0, "read", fd, size)
        return self.readable[:size]

    def write(self, fd: int, data: bytes, /) -> int:
        """See `Natives.write`."""
        return self._record(len(data), "write", fd, data)

    def log(self, line: bytes, /) -> None:
        """See `Natives.log`."""
        self._record(0, "log", line)

    def data_size(self) -> int:
        """See `Natives.data_size`."""
        return self._record(len(self.data), "data_size")

    def data_read(self, offset: int, size: int, /) -> bytes:
        """See `Natives.data_read`."""
        self._record(0, "data_read", offset, size)
        return self.data[offset : offset + size]

    def _record(self, result: int, *call: object) -> int:
        self.meter.spend(_CALL_COST)
        self.calls.append(call)
        return result


@dataclass
class _Bench:
    """One instance with a meter of its own."""

    runtime: Runtime
    code: bytes
    data: bytes
    limits: RuntimeLimits

    def __post_init__(self) -> None:
        self.used = 0
        self.meter = Meter(self._charge)
        self.natives = RecordingNatives(self.meter, self.data)
        self.instance: Instance = self.runtime.create(
            self.code, self.data, self.natives, self.meter, self.limits
        )

    def _charge(self, instructions: int) -> None:
        self.used += instructions

    def resume(self, budget: int) -> Outcome:
        self.meter.refill(budget)
        outcome = self.instance.resume()
        self.meter.settle()
        if isinstance(outcome, Preempted):
            require(self.meter.left <= 0, "Preempted means that the budget is gone")
        if isinstance(outcome, Trapped):
            inside = are_frames(outcome.frames, len(self.code))
            require(inside, "the frames of a trap are few, and lie in the code")
        return outcome

    def finish(self, hook: Hook, budget: int) -> Outcome:
        """Run a hook to its end, resuming it with the same budget each time."""
        self.instance.begin(hook)
        for _ in range(_MAX_RESUMES):
            before = self.used
            outcome = self.resume(budget)
            if not isinstance(outcome, Preempted):
                return outcome
            require(self.used > before, "every resume that is preempted uses something")
        raise ContractBroken(f"the hook {hook} of a sample does not end")


def check_runtime(
    runtime: Runtime, samples: RuntimeSamples, limits: RuntimeLimits | None = None
) -> None:
    """Check that a runtime keeps `tinycontainer.interfaces.runtime.Runtime`.

    Args:
        runtime: the runtime.
        samples: code to check it with.
        limits: what the code may need; by default the limits of a device.

    Raises:
        ContractBroken: a promise is broken; it names the first one.
    """
    bounds = limits or RuntimeLimits()

    def bench(code: bytes) -> _Bench:
        return _Bench(runtime, code, samples.data, bounds)

    _check_admission(runtime, samples, bounds)
    _check_budgets(bench, samples)
    _check_missing_hooks(bench, samples)
    _check_endless(bench, samples)
    _check_trap(bench, samples)
    _check_isolation(bench, samples)


def _check_admission(runtime: Runtime, samples: RuntimeSamples, limits: RuntimeLimits) -> None:
    for code in (samples.busy, samples.endless, samples.trapping, samples.only_loop):
        runtime.admit(code, limits)
    for code in (*samples.inadmissible, b"", b"\0" * 64):
        try:
            runtime.admit(code, limits)
        except InadmissibleCode:
            continue
        raise ContractBroken(f"inadmissible code of {len(code)} bytes is refused")


@dataclass(frozen=True)
class _Course:
    """How the hooks of an instance ended, what they called, and what they cost."""

    outcomes: list[Outcome]
    calls: list[tuple[object, ...]]
    used_instructions: int


def _run_busy(busy: _Bench, samples: RuntimeSamples, budget: int) -> _Course:
    outcomes = [busy.finish(Hook.START, budget)]
    outcomes += [busy.finish(Hook.LOOP, budget) for _ in samples.busy_returns]
    outcomes.append(busy.finish(Hook.STOP, budget))
    busy.instance.finalize()
    return _Course(outcomes, busy.natives.calls, busy.used)


def _check_budgets(bench: Callable[[bytes], _Bench], samples: RuntimeSamples) -> None:
    """Whatever the budgets, a container does the same and pays the same."""
    expected = [Completed(), *map(Completed, samples.busy_returns), Completed()]
    first_budget, *other_budgets = _BUDGETS
    first = _run_busy(bench(samples.busy), samples, first_budget)
    require(first.outcomes == expected, f"hooks end as {expected}, not as {first.outcomes}")
    require(bool(first.calls), "the busy sample calls natives")
    for budget in other_budgets:
        course = _run_busy(bench(samples.busy), samples, budget)
        require(course == first, f"a budget of {budget} changes neither course nor cost")


def _check_missing_hooks(bench: Callable[[bytes], _Bench], samples: RuntimeSamples) -> None:
    each = bench(samples.only_loop)
    for hook in (Hook.START, Hook.STOP):
        require(each.finish(hook, 1) == Completed(), "a missing hook completes at once")


def _check_endless(bench: Callable[[bytes], _Bench], samples: RuntimeSamples) -> None:
    each = bench(samples.endless)
    each.instance.begin(Hook.LOOP)
    for _ in range(100):
        require(isinstance(each.resume(100), Preempted), "an endless loop is preempted")
    each.instance.abort()
    require(each.finish(Hook.STOP, 1000) == Completed(), "another hook runs after an abort")
    each.instance.finalize()


def _check_trap(bench: Callable[[bytes], _Bench], samples: RuntimeSamples) -> None:
    each = bench(samples.trapping)
    outcome = each.finish(Hook.LOOP, 7)
    require(isinstance(outcome, Trapped) and bool(outcome.code), "a trap has a code")
    require(each.finish(Hook.STOP, 7) == Completed(), "another hook runs after a trap")


def _check_isolation(bench: Callable[[bytes], _Bench], samples: RuntimeSamples) -> None:
    alone = bench(samples.busy)
    used = bench(samples.busy)
    for each in samples.busy_returns:
        require(used.finish(Hook.LOOP, 64) == Completed(each), "loops return what they should")
    expected = Completed(samples.busy_returns[0])
    require(alone.finish(Hook.LOOP, 64) == expected, "instances of one code share no state")
