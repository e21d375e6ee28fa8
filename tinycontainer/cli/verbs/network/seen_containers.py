"""How containers of a device on the network are shown: tables, JSON, and a line for a change."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from tinycontainer.network.agent.operator.answers import SeenContainer
from tinycontainer.text import Figure
from tinycontainer.trace.account import WHOLE

from ...printing import print_json, print_table
from ...usage import WORK_KEYS, format_share, usage_cells, usage_heads

_HASH_DIGITS: Final = 16
"""As many digits of a bundle's SHA-256 are in a table; its ETag has as many. JSON has all."""


def print_containers(title: str, seen: Sequence[SeenContainer], *, as_json: bool) -> None:
    """Print containers, all of one answer.

    Args:
        title: what was asked for.
        seen: the containers.
        as_json: whether as one JSON object.
    """
    if as_json:
        print_json({title: [each.as_dict() for each in seen]})
        return
    columns = ("slot", "uid", "state", "share", "last exit", "bundle")
    print_table(title, columns, [*map(_life_row, seen), *_rest_rows(seen)])
    speaking = [each for each in seen if each.says_usage]
    if speaking:
        lines = [(each.uid, *usage_cells(each.as_dict(), WORK_KEYS)) for each in speaking]
        print_table("What they used, and how they fared", ("uid", *usage_heads(WORK_KEYS)), lines)


def describe_change(uid: str, seen: SeenContainer | None, *, as_json: bool) -> str:
    """A line about a container that is new, has changed, or (None) is gone."""
    if seen is None:
        return json.dumps({"uid": uid, "state": "GONE"}) if as_json else f"{uid}: GONE"
    if as_json:
        return json.dumps(seen.as_dict())
    last = f", last exit: {seen.last_exit}" if seen.last_exit else ""
    return f"{uid}: {seen.state}, {seen.loops} loops{last}"


def _life_row(seen: SeenContainer) -> tuple[object, ...]:
    share = format_share(seen.share / 100, seen.statistics.execution_ns)
    return (
        Figure(seen.slot),
        seen.uid,
        seen.state,
        share if seen.says_usage else Figure(""),
        seen.last_exit,
        seen.sha256[:_HASH_DIGITS],
    )


def _rest_rows(seen: Sequence[SeenContainer]) -> Iterator[tuple[object, ...]]:
    """The rest of the time: of containers that are gone or not shown to this peer, and of none."""
    if not seen or not all(each.says_usage for each in seen):
        return
    idle_share = seen[0].idle_share
    others = max(0, WHOLE - idle_share - sum(each.share for each in seen))
    for name, share in (("others", others), ("idle", idle_share)):
        if share:
            yield Figure(""), "", name, format_share(share / 100, 0), "", ""
