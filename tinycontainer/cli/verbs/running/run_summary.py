"""The summary of a run: how each container fared, and what was refused."""

from collections.abc import Iterator
from typing import Any

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.text import flatten, show
from tinycontainer.trace import Row, Tally

from ...printing import print_table


def summarize_run(now_ns: int, tally: Tally) -> dict[str, Any]:
    """The summary as plain values; containers that were deleted are in it too.

    Args:
        now_ns: device time at the end.
        tally: what was counted until then.
    """
    return {
        "device_time_ms": now_ns / NS_PER_MS,
        "containers": [_row_as_dict(row) for row in tally.rows.values()],
        "refusals": [
            {
                "uid": show(kind.uid),
                "what": flatten(kind.what),
                "reason": flatten(kind.reason),
                "count": count,
            }
            for kind, count in sorted(tally.refusals.items())
        ],
    }


def print_summary(summary: dict[str, Any]) -> None:
    """Print a summary as two tables."""
    for title, columns, rows in summary_tables(summary):
        print_table(title, columns, rows)


def summary_tables(
    summary: dict[str, Any],
) -> Iterator[tuple[str, tuple[str, ...], list[tuple[object, ...]]]]:
    """Captions, columns and rows of a summary."""
    yield (
        f"Who ran, in {summary['device_time_ms']:.3f} ms of device time",
        ("container", "state", "starts", "loops", "ran ms", "calls", "refused", "late", "ended by"),
        [tuple(row.values()) for row in summary["containers"]],
    )
    if summary["refusals"]:
        yield (
            "What was refused, and why",
            ("container", "what", "reason", "times"),
            [tuple(row.values()) for row in summary["refusals"]],
        )


def _row_as_dict(row: Row) -> dict[str, Any]:
    """One container; the columns of `summary_tables` are these values in this order."""
    return {
        "uid": show(row.uid),
        "state": flatten(row.state),
        "starts": row.starts,
        "loops": row.loops,
        "execution_ms": round(row.execution_ns / NS_PER_MS, 3),
        "calls": row.calls,
        "refusals": row.refusals,
        "deadline_misses": row.deadline_misses,
        "ended_by": flatten(row.ended),
    }
