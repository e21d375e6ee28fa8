"""Timing: limits, caps, and whether the schedule of all containers together can hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Final

from tinycontainer.device.containers.limits import Cap, Policy
from tinycontainer.errors import LoadError
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.metadata import Timing
from tinycontainer.metadata.model import PRIORITIES

from .finding import Finding, Rule, Severity, found
from .response_time import Lateness, Sharing, Task, lateness, utilisation_until
from .subject import Audit, AuditSubject

BEYOND_CAP = Rule(
    "TCL401",
    Severity.ERROR,
    "The metadata asks for more than the device file's caps allow; the load is refused.",
    "Lower the value in the metadata, or raise the cap for this uid.",
)
LONGER_THAN_PERIOD = Rule(
    "TCL402",
    Severity.ERROR,
    "One loop may take longer than its period.",
    "Lengthen the period, or lower the loop's longest duration.",
)
OVERLOAD = Rule(
    "TCL403",
    Severity.ERROR,
    "The loops of a priority and all better ones ask for more time than there is.",
    "Lengthen periods or lower loop durations until the shares add up to less than 100 %.",
)
TOO_LATE = Rule(
    "TCL404",
    Severity.ERROR,
    "In the worst case the gap between two loops exceeds period-max.",
    "Shorten the loops that rank above it, give it a better priority, or lengthen period-max.",
)
ENDLESS_LOOP = Rule(
    "TCL405",
    Severity.WARNING,
    "A loop has no limit: one that never ends keeps whoever ranks lower from running.",
    "Set loop-max-duration or exec-time, or a cap in the device file.",
)
ENDLESS_START = Rule(
    "TCL406",
    Severity.WARNING,
    "The start hook has no limit: one that never ends keeps whoever ranks lower from running.",
    "Set start-max-duration, or a cap in the device file.",
)
ENDLESS_STOP = Rule(
    "TCL407",
    Severity.NOTE,
    "The stop hook has no limit of its own; only the device's grace ends it.",
    "Set stop-max-duration.",
)
BEST_PRIORITY = Rule(
    "TCL408",
    Severity.NOTE,
    "The container asks for the best priority there is; nobody can come before it.",
    "Give third parties a lower priority, and cap best_priority in the device file.",
)
ALWAYS_DUE = Rule(
    "TCL409",
    Severity.WARNING,
    "The loop is due again as soon as it ends, so whoever ranks lower never runs.",
    "Set a period, a lifetime, or the lowest priority.",
)
GAP_BELOW_PERIOD = Rule(
    "TCL410",
    Severity.ERROR,
    "The longest allowed gap between two loops is shorter than the period: each gap is a miss.",
    "Set period-max to at least the period.",
)
SLIPS = Rule(
    "TCL411",
    Severity.WARNING,
    "In the worst case a loop has not ended when its next one is due, and periods are skipped.",
    "Shorten the loops that rank above it, lengthen its period, or state a period-max to bear.",
)

RULES: Final = (
    BEYOND_CAP,
    LONGER_THAN_PERIOD,
    OVERLOAD,
    TOO_LATE,
    ENDLESS_LOOP,
    ENDLESS_START,
    ENDLESS_STOP,
    BEST_PRIORITY,
    ALWAYS_DUE,
    GAP_BELOW_PERIOD,
    SLIPS,
)

PLACE: Final = "timing"
_UNIT_INSTRUCTIONS: Final = 64
"""Longest straight line of code; bulk operations and drivers can take longer."""


def check_timing(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Judge the timing of one container by itself."""
    timing = subject.metadata.timing
    cap = audit.host.caps.by_uid.get(subject.uid, audit.host.caps.default)
    yield from _caps(cap, timing)
    if timing.priority == PRIORITIES[0]:
        yield found(BEST_PRIORITY, "priority", f"priority {timing.priority}")
    if timing.loop_max_ms and timing.period_ms and timing.loop_max_ms > timing.period_ms:
        message = f"a loop may take {timing.loop_max_ms} ms; its period is {timing.period_ms} ms"
        yield found(LONGER_THAN_PERIOD, PLACE, message)
    if timing.period_max_ms and timing.period_max_ms < timing.period_ms:
        message = f"period-max is {timing.period_max_ms} ms, the period {timing.period_ms} ms"
        yield found(GAP_BELOW_PERIOD, PLACE, message)
    yield from _unlimited(audit, subject, cap)


def _caps(cap: Cap, timing: Timing) -> Iterator[Finding]:
    for each in fields(cap):
        try:
            Cap(**{each.name: getattr(cap, each.name)}).check(timing)
        except LoadError as error:
            yield found(BEYOND_CAP, PLACE, error.problem)


def _unlimited(audit: Audit, subject: AuditSubject, cap: Cap) -> Iterator[Finding]:
    timing, hooks = subject.metadata.timing, subject.facts.hooks if subject.facts else None
    if _can_starve(audit, timing):
        below = _below(audit, timing)
        if not timing.loop_max_ms and cap.loop_max_ms is None:
            yield found(ENDLESS_LOOP, PLACE, f"a loop has no limit; below it: {below}")
        elif not timing.period_ms and not timing.lifetime_loops:
            yield found(ALWAYS_DUE, PLACE, f"period 0 and no lifetime; below it: {below}")
        begins = hooks is None or "start" in hooks
        if not timing.start_max_ms and cap.start_max_ms is None and begins:
            yield found(ENDLESS_START, PLACE, f"the start hook has no limit; below it: {below}")
    ends = hooks is None or "stop" in hooks
    if not timing.stop_max_ms and cap.stop_max_ms is None and ends:
        grace_ms = audit.host.scheduling.grace_ns // NS_PER_MS
        message = f"the stop hook has no limit but the device's grace of {grace_ms} ms"
        yield found(ENDLESS_STOP, PLACE, message)


def _can_starve(audit: Audit, timing: Timing) -> bool:
    """Whether anybody can rank lower; equals take turns."""
    return _ranked(audit) and timing.priority < PRIORITIES[-1]


def _ranked(audit: Audit) -> bool:
    return audit.host.scheduling.policy is Policy.PRIORITY


def _below(audit: Audit, timing: Timing) -> str:
    worse = [
        f"{each.shown} ({each.metadata.timing.priority})"
        for each in audit.peers().values()
        if each.metadata.timing.priority > timing.priority
    ]
    return ", ".join(worse) or f"whoever has priority {timing.priority + 1} or a higher number"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One container in the schedule."""

    subject: AuditSubject
    timing: Timing
    task: Task


def check_schedule(audit: Audit) -> Iterator[tuple[AuditSubject | None, Finding]]:
    """Judge the timing of all containers together."""
    entries = [_entry(audit, subject) for subject in audit.peers().values()]
    tasks = [entry.task for entry in entries]
    overloaded: int | None = None
    for rank in sorted({task.rank for task in tasks}):
        if overloaded is None and utilisation_until(tasks, rank) > 1:
            overloaded = rank
            if all(task.utilisation <= 1 for task in tasks if task.rank <= rank):
                yield None, found(OVERLOAD, "schedule", _load(tasks, rank, ranked=_ranked(audit)))
    for number, entry in enumerate(entries):
        others = tasks[:number] + tasks[number + 1 :]
        if overloaded is None or entry.task.rank < overloaded:
            for finding in _deadline(audit, entry, others):
                yield entry.subject, finding


def _entry(audit: Audit, subject: AuditSubject) -> _Entry:
    timing = subject.metadata.timing
    task = Task(
        rank=timing.priority if _ranked(audit) else 0,
        cost_ns=timing.loop_max_ms * NS_PER_MS or None,
        period_ns=timing.period_ms * NS_PER_MS,
        jobs=timing.lifetime_loops or None,
    )
    return _Entry(subject, timing, task)


def _load(tasks: Sequence[Task], rank: int, *, ranked: bool) -> str:
    shares: dict[int, Fraction] = {}
    for task in tasks:
        if task.rank <= rank:
            shares[task.rank] = shares.get(task.rank, Fraction(0)) + task.utilisation
    total = percent(sum(shares.values(), Fraction(0)))
    if not ranked:
        return f"all loops together take {total} of the time"
    listed = ", ".join(f"priority {each}: {percent(shares[each])}" for each in sorted(shares))
    return f"priority {rank} and better take {total} of the time ({listed})"


def _deadline(audit: Audit, entry: _Entry, others: Sequence[Task]) -> Iterator[Finding]:
    task, timing = entry.task, entry.timing
    better = [other for other in others if other.rank < task.rank]
    if task.cost_ns is None or any(other.is_endless for other in better):
        return  # findings of their own
    if timing.period_ms and timing.loop_max_ms > timing.period_ms:
        return
    if timing.period_max_ms and timing.period_max_ms < timing.period_ms:
        return
    if not timing.period_ms and not timing.period_max_ms:
        return  # it has no deadline
    total = percent(utilisation_until((*others, task), task.rank))
    worst = lateness(task, others, sharing_of(audit))
    if worst is None:
        message = f"priorities better than {timing.priority} leave no time; {total} are taken"
        yield found(TOO_LATE if timing.period_max_ms else SLIPS, PLACE, message)
    else:
        yield from _late(timing, worst, total)


def _late(timing: Timing, worst: Lateness, total: str) -> Iterator[Finding]:
    response_ns, period_ns = worst.response_ns, timing.period_ms * NS_PER_MS
    numbers = (
        f"a loop of {timing.loop_max_ms} ms ends up to {in_ms(response_ns)} ms after it is due"
    )
    if timing.period_max_ms:
        gap_ns = max(period_ns, response_ns) + worst.start_ns
        if gap_ns > timing.period_max_ms * NS_PER_MS:
            gap = f"{numbers}, and two loops begin up to {in_ms(gap_ns)} ms apart"
            deadline = f"deadline (period-max) {timing.period_max_ms} ms"
            yield found(TOO_LATE, PLACE, f"{gap}; {deadline}, utilisation {total}")
    elif response_ns > period_ns:
        deadline = f"deadline (period) {timing.period_ms} ms"
        yield found(SLIPS, PLACE, f"{numbers}; {deadline}, utilisation {total}")


def sharing_of(audit: Audit) -> Sharing:
    """Slice and longest unit of the device."""
    scheduling = audit.host.scheduling
    unit = max(_UNIT_INSTRUCTIONS, scheduling.call_instructions)
    return Sharing(scheduling.slice_ns, unit * audit.host.instruction_ns)


def in_ms(time_ns: int) -> str:
    """A time in ms, rounded up to the microsecond."""
    time_us = -(-time_ns // 1000)
    return f"{time_us // 1000}.{time_us % 1000:03}".rstrip("0").rstrip(".")


def percent(share: Fraction) -> str:
    """A share in percent, rounded up to a hundredth."""
    hundredths = -(-share.numerator * 10_000 // share.denominator)
    return f"{hundredths // 100}.{hundredths % 100:02}".rstrip("0").rstrip(".") + " %"
