"""``compare``: run the same containers on two engines; show what differs."""

from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.assembly import Installation, read_plan
from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.scenario.script import read_script
from tinycontainer.text import flatten, show
from tinycontainer.tools.differential import (
    Act,
    Bench,
    ContainerPair,
    Difference,
    DifferenceKind,
    EngineRun,
    RunComparison,
    compare_runs,
    run_on,
)
from tinycontainer.tools.differential.bench import make_bare_plan, remove_tokens
from tinycontainer.trace import describe_frames

from ...installation import with_installation
from ...options import duration_option, json_option, path_argument, path_option
from ...printing import print_json, print_table
from ...verb import ExitCode, Verb, VerbRefused

_DEFAULT_MS: Final = 10_000
_SHOWN_BYTES: Final = 100
_SHOWN_DIGEST_CHARACTERS: Final = 36
_VERDICTS: Final = {
    DifferenceKind.REAL: "DIFFERENT",
    DifferenceKind.TIME: "same up to a result that depends on time",
}


@click.command(cls=Verb)
@path_argument("bundles", nargs=-1, metavar="BUNDLE...")
@path_option(
    "--device",
    "device_file",
    help="The device file; by default a device that asks for no tokens, allows every call and has"
    " no drivers. Containers that it lists are run too.",
)
@path_option("--script", help="Management in mid-run (TOML).")
@click.option(
    "--engines",
    default="pywasm,wasmtime",
    show_default=True,
    help="Two engines, separated by a comma; see `runtimes`.",
)
@duration_option("--for", "for_ms", help="How long, in virtual time: 500ms, 10s (default), 2m.")
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
    """Run the same containers on two engines, in virtual time, and show what differs first.

    The comparison covers every native call with its arguments and result, log lines, exits, trap
    codes, the fuel of every hook, memory after every hook, and the trace with its times. One kind
    of difference is expected and reported as such: results that depend on time after a trap
    (engines charge hooks that trap differently). The exit code is 1 if anything else differs, and
    if a bundle was refused or did not run on both engines, as then nothing is known of it.

    Example: tinycontainerctl compare courier.tcb mapper.tcb --device device.toml
    """
    bench = _read_bench(bundles, device_file, script, for_ms)
    names = engines.split(",")
    if len(names) != 2:
        raise VerbRefused(f"--engines takes two engines separated by a comma, not {show(engines)}")
    left, right = (run_on(bench, name.strip(), installation) for name in names)
    found = compare_runs(left, right)
    if as_json:
        print_json(_comparison_as_dict(left, right, found))
    else:
        _print_comparison(left, right, found)
    return ExitCode.DONE if found.same else ExitCode.REFUSED


def _read_bench(
    bundles: tuple[Path, ...], device_file: Path | None, script: Path | None, for_ms: int | None
) -> Bench:
    plan = make_bare_plan() if device_file is None else read_plan(device_file)
    limit_bytes = MAX_BUNDLE_BYTES
    contents = [(path.name, read_bounded(path, limit_bytes)) for path in bundles]
    if device_file is None:
        contents = [(name, remove_tokens(content)) for name, content in contents]
    steps = () if script is None else read_script(script)
    if not contents and not steps and not plan.content.containers:
        raise VerbRefused(
            "there is nothing to compare: name a bundle, or a device file that lists one"
        )
    return Bench(plan, tuple(contents), steps, _DEFAULT_MS if for_ms is None else for_ms)


def _comparison_as_dict(left: EngineRun, right: EngineRun, found: RunComparison) -> dict[str, Any]:
    return {
        "engines": [left.engine, right.engine],
        "alike": found.same,
        "compared_all": found.compared_all,
        "preempted": found.preempted,
        "refused": [[*left.refused, *left.surprises], [*right.refused, *right.surprises]],
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
                "ran": each.ran,
                "difference": None
                if each.difference is None
                else _difference_as_dict(each.difference),
            }
            for each in found.containers
        ],
    }


def _difference_as_dict(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {
        "kind": difference.kind.value,
        "act": difference.number,
        "before": [_describe_act(act) for act in difference.before],
        "left": _describe_act(difference.left),
        "right": _describe_act(difference.right),
    }


def _describe_act(act: Act | None) -> str:
    """An act in one line; what a container put into it is escaped."""
    if act is None:
        return "nothing more"
    text = f"{act.what}({', '.join(map(_show_value, act.arguments))})"
    if act.result is not None:
        text += f" -> {_show_value(act.result)}"
    if act.frames:
        text += f" {', called '.join(describe_frames([each]) for each in act.frames)}"
    if act.fuel is not None:
        text += f", fuel {act.fuel}"
    return text + (f", memory {act.memory[:_SHOWN_DIGEST_CHARACTERS]}" if act.memory else "")


def _show_value(value: object) -> str:
    if isinstance(value, bytes):
        return f'"{show(value, _SHOWN_BYTES)}"'
    return flatten(str(value))


def _print_comparison(left: EngineRun, right: EngineRun, found: RunComparison) -> None:
    rows = [
        (show(each.uid), each.acts, each.hooks, each.fuel, _verdict(each))
        for each in found.containers
    ]
    columns = ("container", "acts alike", "hooks", "fuel of these", "verdict")
    print_table(f"{show(left.engine)} against {show(right.engine)}", columns, rows)
    for each in found.containers:
        if each.difference is not None:
            _print_difference(each.uid, left, right, each.difference)
    for word, ours, theirs in (
        ("refused", left.refused, right.refused),
        ("script", left.surprises, right.surprises),
    ):
        for one, other in zip_longest(ours, theirs, fillvalue="nothing"):
            also = "" if one == other else f" | {flatten(other)}"
            click.echo(f"{word}: {flatten(one)}{also}")
    until = "" if found.events_due == len(left.record.events) else ", up to the first trap"
    click.echo(f"trace: {found.events} of {found.events_due} events are equal{until}")
    if found.events_differ is not None:
        click.echo(f"  {show(left.engine)}: {flatten(str(found.events_differ[0]))}")
        click.echo(f"  {show(right.engine)}: {flatten(str(found.events_differ[1]))}")
    if not any(each.ran for each in found.containers):
        click.echo("nothing was compared: no container ran on both engines")
    elif not found.compared_all:
        click.echo("not everything was compared: see what was refused or did not run")


def _verdict(pair: ContainerPair) -> str:
    if pair.difference is not None:
        return _VERDICTS[pair.difference.kind]
    return "same" if pair.ran else "not compared: it did not run on both engines"


def _print_difference(
    uid: bytes, left: EngineRun, right: EngineRun, difference: Difference
) -> None:
    click.echo(f"{show(uid)}: act {difference.number} differs ({difference.kind})")
    for act in difference.before:
        click.echo(f"  both: {_describe_act(act)}")
    click.echo(f"  {show(left.engine)}: {_describe_act(difference.left)}")
    click.echo(f"  {show(right.engine)}: {_describe_act(difference.right)}")
