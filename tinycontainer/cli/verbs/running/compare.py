"""``compare``: the same containers on two engines, and the first thing that differs."""

from pathlib import Path
from typing import Any

import click

from tinycontainer.assembly import Installation, read_plan
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.interfaces.runtime import Ability
from tinycontainer.metadata.bundle import OVERHEAD_BYTES
from tinycontainer.scenario.script import read_script
from tinycontainer.text import flatten, show
from tinycontainer.tools.artefact.artefact import MAX_FILE_BYTES
from tinycontainer.tools.differential import (
    Act,
    Bench,
    Difference,
    DifferenceKind,
    EngineRun,
    RunComparison,
    compare_runs,
    run_on,
)
from tinycontainer.tools.differential.bench import make_bare_plan, remove_tokens

from ...durations import duration_ms
from ...output import ExitCode, Refusal, json_option, print_json, print_table
from ...verb import Verb, with_installation

_CORRECTED = "{engine}-exact"
"""The engine that corrects another one's floating point, if there is one of this name."""
_SHOWN_CHARACTERS = 100


@click.command(cls=Verb)
@click.argument("bundles", nargs=-1, type=click.Path(path_type=Path), metavar="BUNDLE...")
@click.option(
    "--device",
    "device_file",
    type=click.Path(path_type=Path),
    help="The device file; by default a device that asks for no tokens, allows every call and has"
    " no drivers. Containers that it lists are run too.",
)
@click.option("--script", type=click.Path(path_type=Path), help="Management in mid-run (TOML).")
@click.option(
    "--engines",
    default="pywasm,wasmtime",
    show_default=True,
    help="Two engines, separated by a comma; see `runtimes`.",
)
@click.option(
    "--for",
    "for_ms",
    metavar="DURATION",
    callback=duration_ms,
    help="How long, in virtual time: 500ms, 10s (default), 2m.",
)
@json_option
@with_installation
def compare(
    installation: Installation,
    bundles: tuple[Path, ...],
    device_file: Path | None,
    script: Path | None,
    engines: str,
    for_ms: int | None,
    as_json: bool,
) -> int:
    """EngineRun the same containers on two engines, in virtual time, and say what differs first.

    Compared are every native call with its arguments and result, log lines, exits, trap codes, fuel
    of every hook, memory behind every hook, and the trace with its times. Known deviations of
    floating point, and results that depend on time after a trap has shifted it (engines charge
    hooks that trap differently), are told apart. The exit code is 1 if anything else differs.

    Example: tinycontainerctl compare courier.tcb mapper.tcb --device device.toml
    """
    bench = _bench(bundles, device_file, script, for_ms)
    names = engines.split(",")
    if len(names) != 2:
        raise Refusal(f"--engines takes two engines separated by a comma, not {show(engines)}")
    left, right = (run_on(bench, name.strip(), installation) for name in names)
    found = compare_runs(left, right)
    twin = _CORRECTED.format(engine=left.engine)
    if not found.alike and _corrects(left, twin, installation):
        found = compare_runs(left, right, run_on(bench, twin, installation))
    if as_json:
        print_json(_as_dict(left, right, found))
    else:
        _print(left, right, found)
    return ExitCode.DONE if found.alike and left.refused == right.refused else ExitCode.REFUSED


def _bench(
    bundles: tuple[Path, ...], device_file: Path | None, script: Path | None, for_ms: int | None
) -> Bench:
    plan = make_bare_plan() if device_file is None else read_plan(device_file)
    limit_bytes = MAX_FILE_BYTES + OVERHEAD_BYTES
    contents = [(path.name, read_bounded(path, limit_bytes)) for path in bundles]
    if device_file is None:
        contents = [(name, remove_tokens(content)) for name, content in contents]
    steps = () if script is None else read_script(script)
    if not contents and not steps and not plan.content.containers:
        raise Refusal("there is nothing to compare: name a bundle, or a device file that lists one")
    return Bench(plan, tuple(contents), steps, 10_000 if for_ms is None else for_ms)


def _corrects(left: EngineRun, twin: str, installation: Installation) -> bool:
    there = twin if "." in twin else f"wasm.{twin}"
    return Ability.EXACT_FLOATS not in left.abilities and there in installation.runtime_names()


def _as_dict(left: EngineRun, right: EngineRun, found: RunComparison) -> dict[str, Any]:
    return {
        "engines": [left.engine, right.engine],
        "alike": found.alike and left.refused == right.refused,
        "preempted": found.preempted,
        "refused": [list(left.refused), list(right.refused)],
        "trace": {
            "equal_events": found.events,
            "events_to_compare": found.events_due,
            "first_difference": found.events_differ,
        },
        "containers": [
            {
                "uid": show(each.uid),
                "acts": each.acts,
                "completed_hooks": each.hooks,
                "fuel": each.fuel,
                "difference": None if each.difference is None else _difference(each.difference),
            }
            for each in found.containers
        ],
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "kind": difference.kind.value,
        "act": difference.number,
        "before": [_words(act) for act in difference.before],
        "left": _words(difference.left),
        "right": _words(difference.right),
    }


def _words(act: Act | None) -> str:
    """An act in a line of text, inert whatever a container put into it."""
    if act is None:
        return "nothing more"
    text = f"{act.what}({', '.join(map(_value, act.arguments))})"
    if act.result is not None:
        text += f" -> {_value(act.result)}"
    if act.fuel is not None:
        text += f", fuel {act.fuel}"
    return text + (f", memory {act.memory[:36]}" if act.memory else "")


def _value(value: object) -> str:
    if isinstance(value, bytes):
        return f'"{show(value, _SHOWN_CHARACTERS)}"'
    return flatten(str(value))


def _print(left: EngineRun, right: EngineRun, found: RunComparison) -> None:
    rows = [
        (show(each.uid), each.acts, each.hooks, each.fuel, _verdict(each.difference))
        for each in found.containers
    ]
    columns = ("container", "acts alike", "hooks", "fuel of these", "verdict")
    print_table(f"{show(left.engine)} against {show(right.engine)}", columns, rows)
    for each in found.containers:
        if each.difference is not None:
            _print_difference(each.uid, left, right, each.difference)
    for one, other in zip(left.refused, right.refused, strict=False):
        click.echo(f"refused: {flatten(one)}" + ("" if one == other else f" | {flatten(other)}"))
    behind = "" if found.events_due == len(left.record.events) else ", up to the first trap"
    click.echo(f"trace: {found.events} of {found.events_due} events are equal{behind}")
    if found.events_differ is not None:
        click.echo(f"  {show(left.engine)}: {flatten(str(found.events_differ[0]))}")
        click.echo(f"  {show(right.engine)}: {flatten(str(found.events_differ[1]))}")


def _verdict(difference: Difference | None) -> str:
    if difference is None:
        return "same"
    return {
        DifferenceKind.REAL: "DIFFERENT",
        DifferenceKind.FLOATS: "same but for floating point",
        DifferenceKind.TIME: "same up to a result that depends on time",
    }[difference.kind]


def _print_difference(
    uid: bytes, left: EngineRun, right: EngineRun, difference: Difference
) -> None:
    click.echo(f"{show(uid)}: act {difference.number} differs ({difference.kind})")
    for act in difference.before:
        click.echo(f"  both: {_words(act)}")
    click.echo(f"  {show(left.engine)}: {_words(difference.left)}")
    click.echo(f"  {show(right.engine)}: {_words(difference.right)}")
