"""What a device says that a container has used (TC-MGMT-09)."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from tinycontainer.trace.account import WHOLE

_END: Final = 1 << 64
_SHARES: Final = ("share", "idle_share")


@dataclass(frozen=True, slots=True)
class ReportedUsage:
    """What a container has used since it was loaded, as its device has said; 0 to 2**64 - 1 each.

    Attributes:
        share: of the processor, in hundredths of a per cent; at most `WHOLE`.
        idle_share: of the time in which no container ran; the same.
        execution_ns: time that its hooks used, in ns.
        instructions: what its hooks were charged for.
        peak_memory_bytes: its memory at its largest; 0 where its runtime does not say.
        calls: granted calls.
        refusals: refused calls.
        deadline_misses: gaps between loops that grew too long.
        skipped_periods: planned loops that were not made up.
    """

    share: int
    idle_share: int
    execution_ns: int
    instructions: int
    peak_memory_bytes: int
    calls: int
    refusals: int
    deadline_misses: int
    skipped_periods: int

    @classmethod
    def of(cls, values: object) -> "ReportedUsage":
        """Read untrusted values by these names.

        Raises:
            ValueError: one is not what it should be.
        """
        names = [each.name for each in fields(cls)]
        if not isinstance(values, dict) or values.keys() != set(names):
            raise ValueError("usage: is none of a container")
        return cls.of_row([values[name] for name in names])

    @classmethod
    def of_row(cls, row: object) -> "ReportedUsage":
        """Read untrusted values in the order in which a device gives them.

        Raises:
            ValueError: one is not what it should be.
        """
        if not isinstance(row, list) or len(row) != len(fields(cls)):
            raise ValueError("usage: has not the values of a container")
        if not all(type(each) is int and 0 <= each < _END for each in row):
            raise ValueError("usage: one is no number of 64 bits")
        usage = cls(*row)
        if max(usage.share, usage.idle_share) > WHOLE:
            raise ValueError("usage: a share is more than all")
        return usage

    def as_dict(self) -> dict[str, Any]:
        """For `of`."""
        return asdict(self)
