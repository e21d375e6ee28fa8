"""``suit verify``: whether a device would take an update, step by step, and why not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tinycontainer.assembly import Installation, read_plan
from tinycontainer.state import SqliteState
from tinycontainer.text import flatten, show
from tinycontainer.tools.updates.judging import (
    JudgedContainer,
    JudgedStep,
    UpdateJudgement,
    judge_update,
)
from tinycontainer.tools.updates.known_device import KnownDevice, know_device
from tinycontainer_tokens import StepOutcome

from ...installation import with_installation
from ...keys import read_update_keys
from ...options import json_option, path_argument, path_option
from ...printing import print_json
from ...verb import ExitCode, Verb, VerbRefused
from ..judging.reports import (
    check_lines,
    checks_as_dicts,
    explanation_as_dict,
    explanation_lines,
)
from .given_payloads import find_payloads, payload_option, read_envelope_file, read_payloads

_INDENT = 6


@click.command(cls=Verb, short_help="Say whether a device would take an envelope, and if not, why.")
@path_argument("file")
@path_option(
    "--device",
    "device_file",
    help="The device file: its keys, identity, capacities and state; containers are judged too.",
)
@path_option(
    "--key",
    "key_files",
    multiple=True,
    help="Key file to verify by, in place of a device file; can be repeated.",
)
@payload_option
@click.option(
    "--at",
    "at_s",
    type=click.IntRange(min=0),
    help="Time in Unix seconds; by default the device's at its start in virtual time.",
)
@json_option
@with_installation
def verify(
    installation: Installation,
    /,
    file: Path,
    device_file: Path | None,
    key_files: tuple[Path, ...],
    given: dict[str, Path],
    at_s: int | None,
    as_json: bool,
) -> int:
    """Make every step of a device's judgement of the envelope FILE, up to the first that fails.

    For a failure you get what was expected, what was found, and the likely cause. With --device all
    steps are made, as that device would now, and each container is judged as by `explain`; nothing
    is changed. With --key alone nobody asks who the update is for, what was accepted before, and
    whether the containers would be loaded. Payloads that `create` has written beside FILE are found
    there. The exit code is 0 if nothing speaks against it.

    Example: tinycontainerctl suit verify signed.suit --device device.toml
    """
    content = read_envelope_file(file)
    device = _know(installation, device_file, key_files)
    try:
        payloads = find_payloads(file, content) | read_payloads(given)
        now_s = 0 if device.setup is None else device.setup.epoch_s
        judgement = judge_update(content, device, payloads, now_s if at_s is None else at_s)
    finally:
        _let_go(device)
    found = _Report(file, device_file, judgement)
    if as_json:
        print_json(found.as_dict())
    else:
        for line in found.lines():
            click.echo(line)
    return ExitCode.DONE if judgement.reason is None else ExitCode.REFUSED


def _know(
    installation: Installation, device_file: Path | None, key_files: tuple[Path, ...]
) -> KnownDevice:
    if (device_file is None) == (not key_files):
        raise VerbRefused("give either --device or --key")
    if device_file is not None:
        return know_device(read_plan(device_file), installation)
    names = tuple(f"the key of {show(str(path))}" for path in key_files)
    return KnownDevice(read_update_keys(key_files, "--key"), names)


def _let_go(device: KnownDevice) -> None:
    """Close the state that was looked at."""
    if device.setup is not None and isinstance(device.setup.sequences, SqliteState):
        device.setup.sequences.close()


@dataclass(frozen=True, slots=True)
class _Report:
    """What was found out, for people and programs."""

    file: Path
    device_file: Path | None
    judgement: UpdateJudgement

    @property
    def verdict(self) -> str:
        judgement = self.judgement
        if judgement.reason is not None:
            last = judgement.steps[-1].step
            refuses = (
                "it is refused" if self.device_file is None else "this device would not take it"
            )
            # A detail can begin with the name of its reason, as that of the step envelope does.
            says_reason = last.detail.startswith(f"{judgement.reason}: ")
            parts = refuses, "" if says_reason else judgement.reason, last.detail
            return flatten(": ".join(filter(None, parts)))
        if judgement.is_repetition:
            return "this device has taken it already: nothing would change"
        if self.device_file is not None and judgement.is_complete:
            return "this device would take it"
        return "nothing speaks against it, as far as it was judged"

    def as_dict(self) -> dict[str, Any]:
        judgement = self.judgement
        examined = judgement.examined
        return {
            "file": show(self.file.name),
            "device": None if self.device_file is None else show(self.device_file.name),
            "refused": judgement.reason is not None,
            "complete": judgement.reason is None and judgement.is_complete,
            "reason": judgement.reason,
            "verdict": self.verdict,
            "sequence": None if examined is None else examined.manifest.sequence_number,
            "digest": None if examined is None else examined.envelope.digest.value.hex(),
            "uids": [] if examined is None else [show(uid) for uid in examined.uids],
            "signers": list(judgement.signers),
            "is_repetition": judgement.is_repetition,
            "steps": [_step_as_dict(each) for each in judgement.steps],
        }

    def lines(self) -> Iterator[str]:
        width = max(len(each.step.check) for each in self.judgement.steps)
        for each in self.judgement.steps:
            step = each.step
            detail = f": {flatten(step.detail)}" if step.detail else ""
            yield f"{step.number:3}. {step.check:<{width}} {step.outcome}{detail}"
            if step.outcome is StepOutcome.FAILED and not each.containers:
                yield from explanation_lines(each.explanation, _INDENT)
            for container in each.containers:
                yield from _container_lines(container)
        if self.judgement.signers:
            yield f"signed by {', '.join(self.judgement.signers)}"
        yield self.verdict


def _container_lines(container: JudgedContainer) -> Iterator[str]:
    does = "would be deleted" if container.is_deleted else "would be loaded"
    refusal = container.refusal
    if refusal is not None:
        does = f"would be refused: {refusal.reason}"
    yield f"{' ' * _INDENT}{show(container.uid)} {does}"
    if refusal is not None:
        yield from check_lines(container.checks, _INDENT)


def _step_as_dict(judged: JudgedStep) -> dict[str, Any]:
    step = judged.step
    return {
        "number": step.number,
        "check": step.check,
        "outcome": step.outcome,
        "detail": flatten(step.detail),
        **explanation_as_dict(judged.explanation),
        "containers": [
            {
                "uid": show(container.uid),
                "uid_hex": container.uid.hex(),
                "deleted": container.is_deleted,
                "refused": container.refusal is not None,
                "checks": checks_as_dicts(container.checks),
            }
            for container in judged.containers
        ],
    }
