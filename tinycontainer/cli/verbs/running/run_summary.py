"""The summary of a run: how each container fared, what was refused, and what was replaced."""

from collections.abc import Iterator
from typing import Any

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.debug_info import SourcePlace
from tinycontainer.symbols.places import Symbolizer, places_as_list
from tinycontainer.text import Figure, flatten, show
from tinycontainer.trace import Row, Tally, describe_frames, from_pairs, to_pairs

from ...printing import print_table
from ...usage import TIME_KEYS, WORK_KEYS, format_count, usage_cells, usage_heads


def summarize_run(now_ns: int, tally: Tally, symbolizer: Symbolizer) -> dict[str, Any]:
    """The summary as plain values; containers that were deleted are in it too.

    Args:
        now_ns: device time at the end.
        tally: what was counted until then.
        symbolizer: has seen the same events; it knows lines of the source.
    """
    account = tally.account(now_ns)
    return {
        "device_time_ms": now_ns / NS_PER_MS,
        "idle_ns": account.idle_ns,
        "idle_percent": account.idle_share / 100,
        "containers": [
            _row_as_dict(row, account.shares[uid], symbolizer) for uid, row in tally.rows.items()
        ],
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
    containers = summary["containers"]
    yield (
        f"Who ran, in {summary['device_time_ms']:.3f} ms of device time",
        ("container", "state", "starts", *usage_heads(TIME_KEYS), "ended by"),
        [*map(_time_row, containers), _idle_row(summary)],
    )
    if containers:
        yield (
            "What they used, and how they fared",
            ("container", *usage_heads(WORK_KEYS)),
            [(row["uid"], *usage_cells(row, WORK_KEYS)) for row in containers],
        )
    if calls := list(_chain_rows(containers)):
        yield "Where they trapped", ("container", "", "function (line)"), calls
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


def _row_as_dict(row: Row, share: int, symbolizer: Symbolizer) -> dict[str, Any]:
    """One container."""
    return {
        "uid": show(row.uid),
        "state": flatten(row.state),
        "starts": row.statistics.starts,
        **row.statistics.as_dict(share),
        "ended_by": flatten(row.ended),
        "frames": [list(each) for each in to_pairs(row.trapped_at)],
        "places": places_as_list(symbolizer.find(row.uid, row.trapped_at)),
    }


def _time_row(row: dict[str, Any]) -> tuple[object, ...]:
    starts = format_count(row["starts"])
    ended = " ".join(filter(None, (row["ended_by"], _describe_end(row))))
    return row["uid"], row["state"], starts, *usage_cells(row, TIME_KEYS), ended


def _describe_end(row: dict[str, Any]) -> str:
    """Where a container trapped: the innermost call. The others have a table of their own."""
    if not row["places"]:
        return describe_frames(from_pairs(row["frames"]))
    return f"at {_words(row['places'][0])}"


def _words(place: dict[str, Any]) -> str:
    return str(SourcePlace(**place))


def _chain_rows(containers: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for row in containers:
        for number, place in enumerate(row["places"]):
            yield row["uid"] if number == 0 else "", "called by" if number else "in", _words(place)


def _idle_row(summary: dict[str, Any]) -> tuple[object, ...]:
    """The rest of the time. It has no name, which every container has."""
    values = {
        "execution_ns": summary["idle_ns"],
        "execution_ms": summary["idle_ns"] / NS_PER_MS,
        "share_percent": summary["idle_percent"],
    }
    return "", "idle", Figure(""), *usage_cells(values, TIME_KEYS), ""
