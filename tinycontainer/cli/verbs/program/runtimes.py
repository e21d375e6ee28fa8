"""``runtimes``: what can run containers here, and what it can."""

from typing import Any

import click

from tinycontainer.assembly import Installation, InstalledRuntime
from tinycontainer.text import flatten, show

from ...output import json_option, print_json, print_table
from ...verb import Verb, with_installation


@click.command(cls=Verb)
@json_option
@with_installation
def runtimes(installation: Installation, as_json: bool) -> None:
    """List the runtimes that are installed, with their versions and abilities.

    A device file chooses one for a container type (`[runtimes] wasm = "wasmtime"`), `run --engine`
    for one run. Abilities: preempt, a hook goes on where its budget ended (without it a hook runs
    as a whole, or is stopped); short-units, it can be stopped every few instructions;
    counted-stacks, calls and operands are counted, not only bounded in bytes; counted-traps, a hook
    that traps is charged in full; exact-floats, floating point is exact to the bit.

    Example: tinycontainerctl runtimes
    """
    found = installation.describe_runtimes()
    if as_json:
        print_json({"runtimes": [_as_dict(each) for each in found]})
        return
    rows = [tuple(map(str, _row(_as_dict(each)))) for each in found]
    print_table("Runtimes", ("name", "default", "engine", "abilities", "notes"), rows)


def _as_dict(runtime: InstalledRuntime) -> dict[str, Any]:
    said = runtime.description
    return {
        "name": show(runtime.name),
        "default": runtime.chosen,
        "works": not runtime.problem,
        "problem": flatten(runtime.problem),
        "engine": show(said.engine) if said else "",
        "abilities": sorted(said.abilities) if said else [],
        "notes": [flatten(note) for note in said.notes] if said else [],
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
