"""``diff``: say what changes between two versions of a container."""

from itertools import groupby
from pathlib import Path
from typing import Any

import click

from tinycontainer.text import flatten
from tinycontainer.tools.artefact.artefact import read_artefact
from tinycontainer.tools.diff.comparison import Change, Comparison, compare_versions

from ...options import json_option
from ...printing import print_json
from ...verb import ExitCode, Verb


@click.command(cls=Verb)
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there is any difference.")
@json_option
def diff(old: Path, new: Path, exit_code: bool, as_json: bool) -> int:
    """Say what changes from OLD to NEW: rights, endpoints, timing, tokens, code and data.

    Both are bundles, metadata, or directories of the C firmware's examples. At the end it says
    whether a running container can be changed from the one to the other, and which descriptors
    close. Nothing is verified. The exit code is 0, unless --exit-code is given.

    Example: tinycontainerctl diff mapper-granted.tcb mapper-revoked.tcb
    """
    before = read_artefact(old)
    after = read_artefact(new)
    found = compare_versions(before, after)
    if as_json:
        print_json({"old": before.name, "new": after.name, **_as_dict(found)})
    else:
        for line in _lines(found):
            click.echo(flatten(line))
    return ExitCode.REFUSED if exit_code and found.changes else ExitCode.DONE


def _as_dict(found: Comparison) -> dict[str, Any]:
    verdict = found.reconfiguration
    return {
        "changes": [
            {"area": change.area, "kind": change.kind, "text": flatten(change.text)}
            for change in found.changes
        ],
        "reconfiguration": {
            "possible": verdict.possible,
            "obstacles": list(map(flatten, verdict.obstacles)),
            "unsettled": list(map(flatten, verdict.unsettled)),
            "closes": [
                {"endpoint": number, "reason": flatten(reason)} for number, reason in verdict.closes
            ],
        },
    }


def _lines(found: Comparison) -> list[str]:
    if not found.changes:
        return ["no difference"]
    lines: list[str] = []
    for area, changes in groupby(found.changes, key=_area):
        lines.append(f"{area}:")
        lines += [f"  {change.text}" for change in changes]
    verdict = found.reconfiguration
    lines.append("reconfiguration of a running container:")
    lines.append("  possible" if verdict.possible else "  not possible")
    lines += [f"  because {obstacle}" for obstacle in verdict.obstacles]
    lines += [f"  the descriptor of endpoint {n} would close: {why}" for n, why in verdict.closes]
    if verdict.possible:
        if not verdict.closes:
            lines.append("  no descriptor would close")
        lines += [f"  not judged here: {each}" for each in verdict.unsettled]
    return lines


def _area(change: Change) -> str:
    return change.area
