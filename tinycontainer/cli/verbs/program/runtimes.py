"""``runtimes``: list the installed runtimes and their abilities."""

from typing import Any

import click

from tinycontainer.assembly import Installation, InstalledRuntime
from tinycontainer.text import flatten, show

from ...installation import with_installation
from ...options import json_option
from ...printing import print_json, print_table
from ...verb import Verb


@click.command(cls=Verb)
@json_option
@with_installation
def runtimes(installation: Installation, as_json: bool) -> None:
    """List the runtimes that are installed, with their versions and abilities.

    A device file chooses one for a container type (`[runtimes] wasm = "wasmtime"`), `run --engine`
    for one run. Abilities: preempt, a hook continues where its budget ended (without it a hook runs
    to its end, or is aborted); short-units, a hook can be stopped every few instructions;
    counted-stacks, operands of nested calls are counted, not only bounded in bytes; counted-traps,
    a hook that traps is charged in full; exact-floats, floating point is exact to the bit.

    Example: tinycontainerctl runtimes
    """
    found = installation.describe_runtimes()
    if as_json:
        print_json({"runtimes": [_as_dict(each) for each in found]})
        return
    rows = [tuple(map(str, _row(_as_dict(each)))) for each in found]
    print_table("Runtimes", ("name", "default", "engine", "abilities", "notes"), rows)


def _as_dict(runtime: InstalledRuntime) -> dict[str, Any]:
    description = runtime.description
    return {
        "name": show(runtime.name),
        "default": runtime.chosen,
        "works": not runtime.problem,
        "problem": flatten(runtime.problem),
        "engine": show(description.engine) if description else "",
        "abilities": sorted(description.abilities) if description else [],
        "notes": [flatten(note) for note in description.notes] if description else [],
    }


def _row(values: dict[str, Any]) -> tuple[str, ...]:
    notes = values["notes"] if values["works"] else [f"does not work: {values['problem']}"]
    default = "yes" if values["default"] else ""
    return (
        values["name"],
        default,
        values["engine"],
        ", ".join(values["abilities"]),
        "; ".join(notes),
    )
