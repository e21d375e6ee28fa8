"""Timing: limits, caps, and whether the schedule of all containers together can hold.

A duration or period of 0 is no limit or no waiting (`tinycontainer.metadata.Timing`).
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from tinycontainer.device.containers.limits import Cap, Policy
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.runtime import Hook
from tinycontainer.metadata import Timing
from tinycontainer.metadata.model import PRIORITIES

from .response_time import Lateness, Sharing, Task, find_lateness, utilisation_until
from .rule import Chapter, Finding, OwnedFinding, Rule, Severity
from .subject import Audit, AuditSubject

BEYOND_CAP: Final = Rule(
    "TCL401",
    Severity.ERROR,
    "The metadata asks for more than the device file's caps allow; the load is refused.",
    "Lower the value in the metadata, or raise the cap for this uid.",
)
LONGER_THAN_PERIOD: Final = Rule(
    "TCL402",
    Severity.ERROR,
    "One loop may take longer than its period.",
    "Lengthen the period, or lower the loop's longest duration.",
)
OVERLOAD: Final = Rule(
    "TCL403",
    Severity.ERROR,
    "The loops of a priority and all better ones ask for more time than there is.",
    "Lengthen periods or lower loop durations until the shares add up to less than 100 %.",
)
TOO_LATE: Final = Rule(
    "TCL404",
    Severity.ERROR,
    "In the worst case the gap between two loops exceeds period-max.",
    "Shorten the loops that rank above it, give it a better priority, or lengthen period-max.",
)
ENDLESS_LOOP: Final = Rule(
    "TCL405",
    Severity.WARNING,
    "A loop has no limit: one that never ends keeps whoever ranks lower from running.",
    "Set loop-max-duration or exec-time, or a cap in the device file.",
)
ENDLESS_START: Final = Rule(
    "TCL406",
    Severity.WARNING,
    "The start hook has no limit: one that never ends keeps whoever ranks lower from running.",
    "Set start-max-duration, or a cap in the device file.",
)
ENDLESS_STOP: Final = Rule(
    "TCL407",
    Severity.NOTE,
    "The stop hook has no limit of its own; only the device's grace ends it.",
    "Set stop-max-duration.",
)
BEST_PRIORITY: Final = Rule(
    "TCL408",
    Severity.NOTE,
    "The container asks for the best priority there is; nobody can come before it.",
    "Give third parties a lower priority, and cap best_priority in the device file.",
)
ALWAYS_DUE: Final = Rule(
    "TCL409",
    Severity.WARNING,
    "The loop is due again as soon as it ends, so whoever ranks lower never runs.",
    "Set a period, a lifetime, or the lowest priority.",
)
GAP_BELOW_PERIOD: Final = Rule(
    "TCL410",
    Severity.ERROR,
    "The longest allowed gap between two loops is shorter than the period: each gap is a miss.",
    "Set period-max to at least the period.",
)
SLIPS: Final = Rule(
    "TCL411",
    Severity.WARNING,
    "In the worst case a loop has not ended when its next one is due, and periods are skipped.",
    "Shorten the loops that rank above it, lengthen its period, or state a period-max to bear.",
)

_PLACE: Final = "timing"
LONGEST_LINE_INSTRUCTIONS: Final = 64
"""Longest straight line of code, which nothing interrupts (ADR 3, ``unit_instructions`` in
``specs/tables.toml``); bulk operations and drivers can take longer."""


def check_timing(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Judge the timing of one container by itself."""
    timing = subject.metadata.timing
    cap = audit.host.caps.of(subject.uid)
    for excess in cap.excesses(timing):
        yield BEYOND_CAP.finding(_PLACE, str(excess))
    if timing.priority == PRIORITIES[0]:
        yield BEST_PRIORITY.finding("priority", f"priority {timing.priority}")
    if _exceeds_period(timing):
        message = f"a loop may take {timing.loop_max_ms} ms; its period is {timing.period_ms} ms"
        yield LONGER_THAN_PERIOD.finding(_PLACE, message)
    if _allows_no_gap(timing):
        message = f"period-max is {timing.period_max_ms} ms, the period {timing.period_ms} ms"
        yield GAP_BELOW_PERIOD.finding(_PLACE, message)
    if _can_starve_others(audit, timing):
        yield from _check_starving(audit, subject, cap)
    if not timing.stop_max_ms and cap.stop_max_ms is None and _may_have(subject, Hook.STOP):
        grace_ms = audit.host.scheduling.grace_ns // NS_PER_MS
        message = f"the stop hook has no limit but the device's grace of {grace_ms} ms"
        yield ENDLESS_STOP.finding(_PLACE, message)


def _exceeds_period(timing: Timing) -> bool:
    return 0 < timing.period_ms < timing.loop_max_ms


def _allows_no_gap(timing: Timing) -> bool:
    return 0 < timing.period_max_ms < timing.period_ms


def _may_have(subject: AuditSubject, hook: Hook) -> bool:
    """Whether the code has a hook; True if that is not known."""
    return subject.facts is None or hook in subject.facts.hooks


def _can_starve_others(audit: Audit, timing: Timing) -> bool:
    """Whether any container can rank lower; equals take turns."""
    rank_of = audit.host.scheduling.policy.rank_of
    return rank_of(timing.priority) < rank_of(PRIORITIES[-1])


def _check_starving(audit: Audit, subject: AuditSubject, cap: Cap) -> Iterator[Finding]:
    timing = subject.metadata.timing
    below = _list_lower_priorities(audit, timing)
    if not timing.loop_max_ms and cap.loop_max_ms is None:
        yield ENDLESS_LOOP.finding(_PLACE, f"a loop has no limit; below it: {below}")
    elif not timing.period_ms and not timing.lifetime_loops:
        yield ALWAYS_DUE.finding(_PLACE, f"period 0 and no lifetime; below it: {below}")
    if not timing.start_max_ms and cap.start_max_ms is None and _may_have(subject, Hook.START):
        yield ENDLESS_START.finding(_PLACE, f"the start hook has no limit; below it: {below}")


def _list_lower_priorities(audit: Audit, timing: Timing) -> str:
    lower = [
        f"{each.shown} ({each.metadata.timing.priority})"
        for each in audit.peers().values()
        if each.metadata.timing.priority > timing.priority
    ]
    return ", ".join(lower) or f"whoever has priority {timing.priority + 1} or a higher number"


def check_schedule(audit: Audit) -> Iterator[OwnedFinding]:
    """Judge the timing of all containers together."""
    subjects = list(audit.peers().values())
    tasks = [_make_task(audit, subject.metadata.timing) for subject in subjects]
    overloaded = next(
        (rank for rank in sorted({t.rank for t in tasks}) if utilisation_until(tasks, rank) > 1),
        None,
    )
    if overloaded is not None:
        share = [task for task in tasks if task.rank <= overloaded]
        # A loop that exceeds the time alone is longer than its period: a finding of its own.
        if all(task.utilisation <= 1 for task in share):
            yield None, OVERLOAD.finding("schedule", _describe_load(audit, share))
    for number, (subject, task) in enumerate(zip(subjects, tasks, strict=True)):
        # From the overloaded rank on no loop has a bound; the overload is the one finding for all.
        if overloaded is None or task.rank < overloaded:
            others = tasks[:number] + tasks[number + 1 :]
            for finding in _check_deadline(audit, subject.metadata.timing, task, others):
                yield subject, finding


def _make_task(audit: Audit, timing: Timing) -> Task:
    return Task(
        rank=audit.host.scheduling.policy.rank_of(timing.priority),
        cost_ns=timing.loop_max_ms * NS_PER_MS or None,
        period_ns=timing.period_ms * NS_PER_MS,
        jobs=timing.lifetime_loops or None,
    )


def _describe_load(audit: Audit, tasks: Sequence[Task]) -> str:
    """The share of the time that tasks ask for, by rank."""
    shares: dict[int, Fraction] = {}
    for task in tasks:
        shares[task.rank] = shares.get(task.rank, Fraction(0)) + task.utilisation
    total = format_percent(sum(shares.values(), Fraction(0)))
    if audit.host.scheduling.policy is not Policy.PRIORITY:
        return f"all loops together take {total} of the time"
    listed = ", ".join(
        f"priority {rank}: {format_percent(share)}" for rank, share in sorted(shares.items())
    )
    return f"priority {max(shares)} and better take {total} of the time ({listed})"


def _check_deadline(
    audit: Audit, timing: Timing, task: Task, others: Sequence[Task]
) -> Iterator[Finding]:
    if task.cost_ns is None or any(o.is_endless for o in others if o.rank < task.rank):
        return  # an endless loop is a finding of its own
    if _exceeds_period(timing) or _allows_no_gap(timing):
        return  # findings of their own
    if not timing.period_ms and not timing.period_max_ms:
        return  # it has no deadline
    utilisation = format_percent(utilisation_until((*others, task), task.rank))
    worst = find_lateness(task, others, _sharing_of(audit))
    if worst is None:
        rule = TOO_LATE if timing.period_max_ms else SLIPS
        message = f"priorities better than {timing.priority} leave no time; {utilisation} are taken"
        yield rule.finding(_PLACE, message)
    else:
        yield from _check_lateness(timing, worst, utilisation)


def _check_lateness(timing: Timing, worst: Lateness, utilisation: str) -> Iterator[Finding]:
    period_ns = timing.period_ms * NS_PER_MS
    response = (
        f"a loop of {timing.loop_max_ms} ms ends up to {format_ms(worst.response_ns)} ms after it"
        " is due"
    )
    if timing.period_max_ms:
        gap_ns = max(period_ns, worst.response_ns) + worst.start_ns
        if gap_ns > timing.period_max_ms * NS_PER_MS:
            gap = f"{response}, and two loops begin up to {format_ms(gap_ns)} ms apart"
            deadline = f"deadline (period-max) {timing.period_max_ms} ms"
            yield TOO_LATE.finding(_PLACE, f"{gap}; {deadline}, utilisation {utilisation}")
    elif worst.response_ns > period_ns:
        deadline = f"deadline (period) {timing.period_ms} ms"
        yield SLIPS.finding(_PLACE, f"{response}; {deadline}, utilisation {utilisation}")


def _sharing_of(audit: Audit) -> Sharing:
    """Slice and longest uninterrupted stretch of the device."""
    scheduling = audit.host.scheduling
    unit_instructions = max(LONGEST_LINE_INSTRUCTIONS, scheduling.call_instructions)
    return Sharing(scheduling.slice_ns, unit_instructions * audit.host.instruction_ns)


def format_ms(time_ns: int) -> str:
    """A time in ms, rounded up to the microsecond: a bound must not be shown too small."""
    time_us = -(-time_ns // 1000)
    return f"{time_us // 1000}.{time_us % 1000:03}".rstrip("0").rstrip(".")


def format_percent(share: Fraction) -> str:
    """A share in percent, rounded up to a hundredth, so that 100 % is exceeded visibly."""
    hundredths = -(-share.numerator * 10_000 // share.denominator)
    return f"{hundredths // 100}.{hundredths % 100:02}".rstrip("0").rstrip(".") + " %"


CHAPTER: Final = Chapter(
    (
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
    ),
    check_timing,
    check_schedule,
)
