"""``explain``: say whether a device would load a container, and if not, why."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tinycontainer.assembly import Installation, make_setup, read_plan
from tinycontainer.device.containers.judgement import LoadCheck, Sections
from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.device.setup import Setup
from tinycontainer.errors import MetadataError
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.metadata import Bundle
from tinycontainer.text import flatten, show
from tinycontainer.tools.artefact.artefact import is_bundle
from tinycontainer.tools.artefact.moments import format_utc
from tinycontainer.tools.explain.admission import (
    ExplainedCheck,
    explain_bundle,
    explain_sections,
)
from tinycontainer.tools.firmware.c_layout import open_layout

from ...installation import with_installation
from ...options import json_option
from ...printing import print_json
from ...verb import ExitCode, Verb
from .reports import check_lines, checks_as_dicts


@click.command(cls=Verb)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--device",
    "device_file",
    type=click.Path(path_type=Path),
    required=True,
    help="The device file: its capacities, caps, keys, runtimes and state.",
)
@click.option("--code", type=click.Path(path_type=Path), help="The code section.")
@click.option("--data", type=click.Path(path_type=Path), help="The data section.")
@click.option(
    "--at",
    "at_s",
    type=click.IntRange(min=0),
    help="Time in Unix seconds; by default the device's at its start in virtual time.",
)
@json_option
@with_installation
def explain(
    installation: Installation,
    file: Path,
    device_file: Path,
    code: Path | None,
    data: Path | None,
    at_s: int | None,
    as_json: bool,
) -> int:
    """Say whether the device of a device file would load FILE, and if not, why.

    It makes every check of a load on an empty device, also after one that failed. For each failure
    you get what was expected, what was found, and the likely cause. FILE is a bundle,
    metadata with --code and --data, or a directory of the C firmware's examples. Nothing is loaded
    and no sequence is recorded. The exit code is 0 if it would load.

    Example: tinycontainerctl explain courier.tcb --device device.toml
    """
    plan = read_plan(device_file)
    clock = VirtualClock(plan.content.scheduling.instruction_ns)
    setup = make_setup(plan, clock, installation, is_reader=True)
    now_s = setup.epoch_s if at_s is None else at_s
    checks = _checks(file, code, data, setup, now_s)
    refusal = next((each.check for each in checks if each.check.failed), None)
    if as_json:
        print_json(_as_dict(file, now_s, checks, refusal))
    else:
        _print(now_s, checks, refusal)
    return ExitCode.DONE if refusal is None else ExitCode.REFUSED


def _checks(
    file: Path, code: Path | None, data: Path | None, setup: Setup, now_s: int
) -> tuple[ExplainedCheck, ...]:
    limit_bytes = max(MAX_BUNDLE_BYTES, setup.capacity.bundle_bytes)
    name = show(file.resolve().name)
    if file.is_dir():
        layout = open_layout(file)
        code = layout.code if code is None and layout.code.is_file() else code
        data = layout.data if data is None and layout.data.is_file() else data
        file = layout.metadata
    given_code = None if code is None else read_bounded(code, limit_bytes)
    given_data = None if data is None else read_bounded(data, limit_bytes)
    content = read_bounded(file, limit_bytes)
    if is_bundle(content):
        return explain_bundle(name, _exchanged(content, given_code, given_data), setup, now_s)
    return explain_sections(name, Sections(content, given_code, given_data), setup, now_s)


def _exchanged(content: bytes, code: bytes | None, data: bytes | None) -> bytes:
    """A bundle with given sections in place of its own; a malformed one stays as it is."""
    if code is None and data is None:
        return content
    try:
        parts = Bundle.decode(content, len(content))
    except MetadataError:
        return content
    code = parts.code if code is None else code
    return replace(parts, code=code, data=parts.data if data is None else data).encode()


def _verdict(refusal: LoadCheck | None) -> str:
    if refusal is None:
        return "this device would load it"
    # The check of a bundle has the name of its reason, and says nothing more.
    names = dict.fromkeys((str(refusal.reason), refusal.name))
    return ": ".join(("this device would not load it", *names, refusal.detail))


def _as_dict(
    file: Path, now_s: int, checks: tuple[ExplainedCheck, ...], refusal: LoadCheck | None
) -> dict[str, Any]:
    return {
        "file": show(file.name),
        "at": format_utc(now_s),
        "would_load": refusal is None,
        "reason": None if refusal is None else refusal.reason,
        "verdict": flatten(_verdict(refusal)),
        "checks": checks_as_dicts(checks),
    }


def _print(now_s: int, checks: tuple[ExplainedCheck, ...], refusal: LoadCheck | None) -> None:
    click.echo(f"at {format_utc(now_s)}:")
    for line in check_lines(checks):
        click.echo(line)
    click.echo(flatten(_verdict(refusal)))
