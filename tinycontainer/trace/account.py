"""The account of a device: what each container used, and which share of the processor that is.

Every table, report, answer and picture takes its figures from here, whether they come from a device
or from a trace (TC-TOOL-14).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from tinycontainer.interfaces.clock import NS_PER_MS

WHOLE: Final = 10_000
"""All of the observed time, in hundredths of a per cent."""


@dataclass(slots=True)
class Statistics:
    """What a container has done.

    Attributes:
        starts: how often it was started.
        loops: completed loops.
        execution_ns: time that its hooks used, the one in progress included, in ns.
        instructions: its fuel: what its hooks were charged for.
        peak_memory_bytes: its memory at its largest; 0 where its runtime does not say.
        calls: granted calls.
        refusals: refused calls, those included that went beyond the recorded rate.
        deadline_misses: gaps between loops that grew too long.
        skipped_periods: planned loops that were not made up.
    """

    starts: int = 0
    loops: int = 0
    execution_ns: int = 0
    instructions: int = 0
    peak_memory_bytes: int = 0
    calls: int = 0
    refusals: int = 0
    deadline_misses: int = 0
    skipped_periods: int = 0

    def as_dict(self, share: int) -> dict[str, Any]:
        """What a container used, as plain values for JSON.

        Args:
            share: of the processor, in hundredths of a per cent.
        """
        return {
            "loops": self.loops,
            "execution_ns": self.execution_ns,
            "execution_ms": round(self.execution_ns / NS_PER_MS, 3),
            "share_percent": share / 100,
            "instructions": self.instructions,
            "peak_memory_bytes": self.peak_memory_bytes,
            "calls": self.calls,
            "refusals": self.refusals,
            "deadline_misses": self.deadline_misses,
            "skipped_periods": self.skipped_periods,
        }


@dataclass(frozen=True, slots=True)
class Account:
    """Who had the processor. All shares are in hundredths of a per cent and add up to `WHOLE`.

    Attributes:
        observed_ns: the time that is accounted for, in ns; not less than what was used.
        idle_ns: the part of it in which no hook ran, in ns. In wall time the device's own work is
            in it.
        gone_ns: the part that containers used that are not there any more, in ns.
        used_ns: execution time of each container, in ns.
        shares: of each container.
        idle_share: of the time in which no hook ran.
        gone_share: of containers that are not there any more.
    """

    observed_ns: int
    idle_ns: int
    gone_ns: int
    used_ns: Mapping[bytes, int]
    shares: Mapping[bytes, int]
    idle_share: int
    gone_share: int

    @classmethod
    def of(cls, observed_ns: int, used_ns: Mapping[bytes, int], gone_ns: int = 0) -> Self:
        """Make an account.

        Args:
            observed_ns: how long it was looked at, in ns.
            used_ns: execution time of each container, in ns.
            gone_ns: that of those that are not there any more, in ns.
        """
        used_ns = {uid: max(0, length_ns) for uid, length_ns in used_ns.items()}
        busy_ns = sum(used_ns.values()) + gone_ns
        idle_ns = max(0, observed_ns - busy_ns)  # a made-up trace can say more than there was
        *shares, gone_share, idle_share = divide_whole([*used_ns.values(), gone_ns, idle_ns])
        by_uid = dict(zip(used_ns, shares, strict=True))
        return cls(busy_ns + idle_ns, idle_ns, gone_ns, used_ns, by_uid, idle_share, gone_share)


def divide_whole(parts: Sequence[int]) -> list[int]:
    """The shares of parts in their sum, in hundredths of a per cent.

    Each is rounded down; what is then missing from `WHOLE` goes to those that lost most by it, one
    hundredth each. A part of nothing has no share; if all are nothing, the last one has all.

    Args:
        parts: at least one, none negative.
    """
    total = sum(parts)
    if total == 0:
        return [0] * (len(parts) - 1) + [WHOLE]
    divided = [divmod(part * WHOLE, total) for part in parts]
    shares = [share for share, _ in divided]
    by_loss = sorted(range(len(parts)), key=lambda place: -divided[place][1])
    for place in by_loss[: WHOLE - sum(shares)]:
        shares[place] += 1
    return shares
