"""Random devices with scripted containers, and a judge of how they are scheduled.

The judge knows only the semantics of scheduling. It gets every unit of work in order, and works out
by itself which containers were ready at that time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from support.scripted import Program, Script, Steps
from support.tokens.forging import Forger
from support.worlds import World, blueprint, times, trusted
from tinycontainer.device.containers.limits import Policy, Scheduling
from tinycontainer.device.containers.verification import Trust
from tinycontainer.interfaces.clock import NS_PER_MS, VirtualClock
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.tools.packing.packing import TokenOptions
from tinycontainer.trace import TraceEvent
from tinycontainer.trace.events import HookBegan, HookEnded
from tinycontainer_tokens import Kind

CALL_INSTRUCTIONS = 100
GROWTH_BYTES = 7
"""By so much the memory of a container grows with each unit of work."""
EPOCH_S = 1_000_000
_EXPIRING_FACTOR = 50


@dataclass(frozen=True)
class Tenant:
    """One container of a random world; units cost instructions."""

    priority: int
    period_ms: int
    start: tuple[int, ...]
    loop: tuple[int, ...]
    lifetime: int
    is_endless: bool
    loop_max_ms: int = 0
    expires: Kind | None = None
    expires_after_s: int = 0

    @property
    def longest_unit(self) -> int:
        return max(CALL_INSTRUCTIONS, *self.start, *self.loop)


@dataclass(frozen=True)
class Plan:
    """A random world."""

    tenants: tuple[Tenant, ...]
    policy: Policy
    slice_ns: int
    instruction_ns: int
    run_ms: int

    def rank(self, number: int) -> int:
        return self.tenants[number].priority if self.policy is Policy.PRIORITY else 0


def tenants(*, limited: bool = False) -> st.SearchStrategy[Tenant]:
    """Containers; limited ones have a longest duration for their loops."""
    unit = st.sampled_from([1, 7, 20, 63, 64, 100, 250, 900])
    return st.builds(
        Tenant,
        priority=st.sampled_from([0, 3, 12, 12, 12, 15]),
        period_ms=st.sampled_from([0, 0, 1, 3, 7, 20]),
        start=st.lists(unit, min_size=1, max_size=3).map(tuple),
        loop=st.lists(unit, min_size=1, max_size=30).map(tuple),
        lifetime=st.sampled_from([0, 0, 0, 1, 4]),
        is_endless=st.sampled_from([False, True, True] if limited else [False, False, True]),
        loop_max_ms=st.sampled_from([1, 2, 5, 13]) if limited else st.just(0),
    )


def plans(*, limited: bool = False) -> st.SearchStrategy[Plan]:
    """Worlds of 2 to 6 containers."""
    return st.builds(
        Plan,
        tenants=st.lists(tenants(limited=limited), min_size=2, max_size=6).map(tuple),
        policy=st.sampled_from(list(Policy)),
        slice_ns=st.sampled_from([10_000_000, 2_345_678, 1_000_000, 150_000]),
        instruction_ns=st.sampled_from([700, 1000, 3333, 20_000]),
        run_ms=st.integers(20, 60),
    )


def expiring_plans() -> st.SearchStrategy[Plan]:
    """Worlds in which tokens expire: everything takes longer, as tokens expire by the second."""
    expiries = st.tuples(
        st.sampled_from([None, Kind.MASK, Kind.CODE, Kind.METADATA]), st.integers(1, 2)
    )
    return st.builds(_let_expire, plans(), st.lists(expiries, min_size=6, max_size=6))


def _let_expire(plan: Plan, expiries: list[tuple[Kind | None, int]]) -> Plan:
    expiring = tuple(
        replace(
            tenant,
            period_ms=tenant.period_ms * _EXPIRING_FACTOR,
            expires=place,
            expires_after_s=after_s,
        )
        for tenant, (place, after_s) in zip(plan.tenants, expiries, strict=False)
    )
    return replace(
        plan,
        tenants=expiring,
        slice_ns=plan.slice_ns * _EXPIRING_FACTOR,
        instruction_ns=plan.instruction_ns * _EXPIRING_FACTOR,
        run_ms=plan.run_ms * _EXPIRING_FACTOR,
    )


@dataclass(frozen=True)
class Unit:
    """A unit of work that was begun, and whether its container had a right to heartbeats then."""

    number: int
    at_ns: int
    instructions: int
    may_beat: bool = True


class IdleClock(VirtualClock):
    """Virtual time that knows how much of it was slept."""

    def __init__(self, instruction_ns: int) -> None:
        super().__init__(instruction_ns)
        self.slept_ns = 0

    def sleep_until(self, deadline_ns: int) -> None:
        before_ns = self.now_ns()
        super().sleep_until(deadline_ns)
        self.slept_ns += self.now_ns() - before_ns


@dataclass
class Run:
    """A random world and its record: events and units of work in the order in which they came."""

    plan: Plan
    silent: bool = False
    record: list[TraceEvent | Unit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._expiring = any(tenant.expires for tenant in self.plan.tenants)
        self.clock = IdleClock(self.plan.instruction_ns)
        self.world = World(
            clock=self.clock,
            scheduling=Scheduling(
                self.plan.policy, self.plan.slice_ns, call_instructions=CALL_INSTRUCTIONS
            ),
            sinks=(self.record.append,),
            trust=Trust(keys=trusted()),
            epoch_s=EPOCH_S,
            bare=not self._expiring,
            silent=self.silent,
        )
        for number, tenant in enumerate(self.plan.tenants):
            security = times(
                period=tenant.period_ms, lifetime=tenant.lifetime, loop=tenant.loop_max_ms
            )
            program = Program(
                self._script(number, tenant.loop, tenant.is_endless),
                start=self._script(number, tenant.start, False),
                growth_bytes=GROWTH_BYTES,
            )
            plan = blueprint(str(number), priority=tenant.priority, security=security)
            if tenant.expires is None:
                self.world.run(plan, program)
            else:
                options = TokenOptions(sequence=1, expires_s=EPOCH_S + tenant.expires_after_s)
                self.world.programs[str(number)] = program
                bundle = Forger(tenant.expires, options=options).pack(plan)
                self.world.device.load(bundle.encode())
                self.world.device.start(str(number))

    def until(self, *moments_ms: int) -> "Run":
        """Run to each of these moments in turn."""
        for at_ms in moments_ms:
            self.world.device.run_until(at_ms)
        return self

    @property
    def totals(self) -> tuple[object, ...]:
        """What is left to see in the end."""
        return (self.world.device.now_ns, self.clock.slept_ns, *self.world.device)

    @property
    def units(self) -> list[Unit]:
        return [item for item in self.record if isinstance(item, Unit)]

    def _script(self, number: int, costs: tuple[int, ...], is_endless: bool) -> Script:
        def script(natives: Natives) -> Steps:
            while True:
                for cost in costs:
                    now_ns = self.world.device.now_ns
                    may_beat = not self._expiring or bool(self.world.device[str(number)].mask)
                    self.record.append(Unit(number, now_ns, cost, may_beat))
                    yield cost
                if not is_endless:
                    return 0

        return script


@dataclass
class _Seen:
    """What the judge knows of a container."""

    ready_ns: int | None = 0
    planned_ns: int = 0
    loops: int = 0
    waited_for: dict[int, int] = field(default_factory=dict)


class Judge:
    """Goes through a record and calls `on_served` whenever a container is served.

    Args:
        plan: what is run.
        on_served: gets the container, the time, and the judge.
    """

    def __init__(self, plan: Plan, on_served: Callable[[int, int, "Judge"], None]) -> None:
        self._plan, self._on_served = plan, on_served
        self._seen = {number: _Seen() for number in range(len(plan.tenants))}
        self.served = 0

    def is_ready(self, number: int, at_ns: int) -> bool:
        """Whether a container has something to do."""
        ready_ns = self._seen[number].ready_ns
        return ready_ns is not None and ready_ns <= at_ns

    def waited_for(self, number: int) -> dict[int, int]:
        """How long other containers ran since this one was served or became ready, in ns."""
        return self._seen[number].waited_for

    def watch(self, record: list[TraceEvent | Unit]) -> None:
        """Go through all of it."""
        for item in record:
            if isinstance(item, Unit):
                self._serve(item.number, item.at_ns, item.instructions)
            elif isinstance(item, HookBegan):
                self._seen[int(item.uid)].ready_ns = item.at_ns
                self._serve(int(item.uid), item.at_ns, CALL_INSTRUCTIONS)
            elif isinstance(item, HookEnded):
                self._end_hook(item)

    def _serve(self, number: int, at_ns: int, instructions: int) -> None:
        self.served += 1
        self._on_served(number, at_ns, self)
        self._seen[number].waited_for.clear()
        end_ns = at_ns + instructions * self._plan.instruction_ns
        for other, seen in self._seen.items():
            if other != number and seen.ready_ns is not None and seen.ready_ns < end_ns:
                waited_ns = end_ns - max(at_ns, seen.ready_ns)
                seen.waited_for[number] = seen.waited_for.get(number, 0) + waited_ns

    def _end_hook(self, event: HookEnded) -> None:
        seen, tenant = self._seen[int(event.uid)], self._plan.tenants[int(event.uid)]
        seen.waited_for.clear()
        seen.ready_ns = seen.planned_ns = self._next_ns(seen, tenant, event)
        if event.hook == "stop":
            seen.ready_ns = None

    def _next_ns(self, seen: _Seen, tenant: Tenant, event: HookEnded) -> int:
        """When the next hook is due, of whatever kind."""
        if event.hook != "loop" or event.how != "completed":
            return event.at_ns
        seen.loops += 1
        if tenant.period_ms == 0 or seen.loops == tenant.lifetime:
            return event.at_ns
        return max(event.at_ns, seen.planned_ns + tenant.period_ms * NS_PER_MS)
