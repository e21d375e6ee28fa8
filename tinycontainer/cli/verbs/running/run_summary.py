"""The summary of a run: how each container fared, what was refused, and what was replaced."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.text import flatten, show
from tinycontainer.trace import Row, Tally, describe_frames, from_pairs, to_pairs

from ...printing import print_table

_COLUMNS: Final = MappingProxyType(
    {
        "uid": "container",
        "state": "state",
        "starts": "starts",
        "loops": "loops",
        "execution_ms": "ran ms",
        "share_percent": "ran %",
        "calls": "calls",
        "refusals": "refused",
        "deadline_misses": "late",
        "ended_by": "ended by",
    }
)
"""Columns of the first table, by the key of the value."""


def summarize_run(now_ns: int, tally: Tally) -> dict[str, Any]:
    """The summary as plain values; containers that were deleted are in it too.

    Args:
        now_ns: device time at the end.
        tally: what was counted until then.
    """
    return {
        "device_time_ms": now_ns / NS_PER_MS,
        "containers": [_row_as_dict(row, now_ns) for row in tally.rows.values()],
        "refusals": [
            {
                "uid": show(kind.uid),
                "what": flatten(kind.what),
                "reason": flatten(kind.reason),
                "count": count,
            }
            for kind, count in sorted(tally.refusals.items())
        ],
        "replacements": [
            {
                "uid": show(row.uid),
                "accepted": row.replaced,
                "confirmed": row.confirmed,
                "undone": row.undone,
                "undone_why": flatten(row.undone_why),
            }
            for row in tally.rows.values()
            if row.replaced or row.confirmed or row.undone
        ],
    }


def print_summary(summary: dict[str, Any]) -> None:
    """Print a summary as tables."""
    for title, columns, rows in summary_tables(summary):
        print_table(title, columns, rows)


def summary_tables(
    summary: dict[str, Any],
) -> Iterator[tuple[str, tuple[str, ...], list[tuple[object, ...]]]]:
    """Captions, columns and rows of a summary."""
    yield (
        f"Who ran, in {summary['device_time_ms']:.3f} ms of device time",
        tuple(_COLUMNS.values()),
        [tuple(_cell(row, key) for key in _COLUMNS) for row in summary["containers"]],
    )
    if summary["refusals"]:
        yield (
            "What was refused, and why",
            ("container", "what", "reason", "times"),
            [tuple(row.values()) for row in summary["refusals"]],
        )
    if summary["replacements"]:
        yield (
            "What another version took the place of",
            ("container", "accepted", "confirmed", "undone", "because"),
            [tuple(row.values()) for row in summary["replacements"]],
        )


def _row_as_dict(row: Row, now_ns: int) -> dict[str, Any]:
    """One container."""
    return {
        "uid": show(row.uid),
        "state": flatten(row.state),
        "starts": row.starts,
        "loops": row.loops,
        "execution_ns": row.execution_ns,
        "execution_ms": round(row.execution_ns / NS_PER_MS, 3),
        # Rounded down, so that the shares of all containers never add up to more than 100.
        "share_percent": row.execution_ns * 1000 // max(1, now_ns) / 10,
        "calls": row.calls,
        "refusals": row.refusals,
        "deadline_misses": row.deadline_misses,
        "ended_by": flatten(row.ended),
        "frames": [list(each) for each in to_pairs(row.trapped_at)],
    }


def _cell(row: dict[str, Any], key: str) -> object:
    """A value of the first table; a trap ends with its place."""
    if key != "ended_by":
        return row[key]
    return " ".join(filter(None, (row[key], describe_frames(from_pairs(row["frames"])))))
