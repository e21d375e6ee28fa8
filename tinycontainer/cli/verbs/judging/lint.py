"""``lint``: the audit that an owner runs on containers before signing their masks."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from tinycontainer.assembly import DevicePlan, Installation, choose_runtimes, read_plan
from tinycontainer.text import show
from tinycontainer.tools.artefact.artefact import Artefact, read_artefact
from tinycontainer.tools.lint import (
    Audit,
    AuditSubject,
    Finding,
    Severity,
    Tools,
    audit,
    gather,
    host_of,
)
from tinycontainer.tools.lint.sarif import as_sarif
from tinycontainer_tokens import Profile

from ...output import ExitCode, json_option, print_json
from ...verb import Verb, with_installation


@click.command(cls=Verb)
@click.argument("files", nargs=-1, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "--device",
    "device_file",
    type=click.Path(path_type=Path),
    help="Device file: its capacities, caps, drivers and keys apply, and the containers that it"
    " lists are audited too.",
)
@click.option(
    "--profile",
    type=click.Choice([profile.value for profile in Profile]),
    help="Judge by this profile; by default each container by that of its tokens.",
)
@click.option(
    "--at", "at_s", type=click.IntRange(min=0), help="Time in Unix seconds; by default now."
)
@json_option
@click.option("--sarif", "as_sarif_log", is_flag=True, help="Print a SARIF 2.1.0 log.")
@click.option(
    "--fail-on",
    type=click.Choice([severity.value for severity in Severity]),
    default=Severity.ERROR.value,
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
@with_installation
def lint(
    installation: Installation,
    files: tuple[Path, ...],
    device_file: Path | None,
    profile: str | None,
    at_s: int | None,
    as_json: bool,
    as_sarif_log: bool,
    fail_on: str,
) -> int:
    """Audit containers: rights, endpoints, pipes, sizes, timing, tokens and form.

    Each FILE is a bundle, metadata, or a directory of the C firmware's examples; all are audited
    together, as the containers of one device. A container given stands in for a listed one of the
    same uid. Every rule is described in specs/lint.md.
    The exit code is 0 if nothing was found that is as bad as --fail-on, else 1.

    Example: tinycontainerctl lint courier.tcb mapper.tcb compliance.tcb --device device.toml
    """
    if as_json and as_sarif_log:
        raise click.UsageError("give either --json or --sarif")
    if not files and device_file is None:
        raise click.UsageError("give at least one FILE, or --device")
    case = _case(
        installation,
        files,
        None if device_file is None else read_plan(device_file),
        None if profile is None else Profile(profile),
        int(time.time()) if at_s is None else at_s,
    )
    findings = audit(case)
    if as_sarif_log:
        print_json(as_sarif(case, findings, version("tinycontainer"), Path.cwd()))
    elif as_json:
        print_json(_as_dict(case, findings))
    else:
        _print(case, findings)
    failed = any(finding.severity.reaches(Severity(fail_on)) for finding in findings)
    return ExitCode.REFUSED if failed else ExitCode.DONE


def _case(
    installation: Installation,
    files: Sequence[Path],
    plan: DevicePlan | None,
    profile: Profile | None,
    now_s: int,
) -> Audit:
    runtimes = installation.runtimes() if plan is None else choose_runtimes(plan, installation)
    tools = Tools(installation.analysers(), runtimes)
    host = host_of(plan, profile, frozenset(runtimes))
    given = [(read_artefact(path), path) for path in files]
    if plan is not None:
        listed, missing = _listed(plan, {artefact.metadata.uid for artefact, _ in given})
        given += listed
        host = replace(host, missing=missing)
    subjects = tuple(gather(artefact, path, host.capacity, tools) for artefact, path in given)
    return Audit(subjects, host, now_s, profile)


def _listed(
    plan: DevicePlan, given: set[bytes]
) -> tuple[list[tuple[Artefact, Path]], tuple[str, ...]]:
    """The containers that a device file lists, without those given, and bundles not there."""
    listed, missing = [], []
    for number, entry in enumerate(plan.content.containers):
        path = plan.file(entry.bundle, f"containers[{number}].bundle")
        if not path.exists():
            missing.append(entry.bundle)
            continue
        artefact = read_artefact(path)
        if artefact.metadata.uid not in given:
            listed.append((artefact, plan.path.parent / entry.bundle))
    return listed, tuple(missing)


def _as_dict(case: Audit, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "device": None if case.host.path is None else show(str(case.host.path)),
        "profile": case.profile,
        "at": case.now_s,
        "containers": [
            {"uid": each.shown, "uid_hex": each.uid.hex(), "file": show(str(each.path))}
            for each in case.subjects
        ],
        "counts": {severity: _count(findings, severity) for severity in Severity},
        "findings": [_finding(case, finding) for finding in findings],
    }


def _finding(case: Audit, finding: Finding) -> dict[str, Any]:
    subject = None if finding.subject is None else case.subjects[finding.subject]
    return {
        "id": finding.rule.id,
        "severity": finding.severity,
        "uid": None if subject is None else subject.shown,
        "container": finding.subject,
        "place": finding.place,
        "message": finding.message,
        "advice": finding.rule.advice,
    }


def _print(case: Audit, findings: Sequence[Finding]) -> None:
    for line in _lines(case, findings):
        click.echo(line)


def _lines(case: Audit, findings: Sequence[Finding]) -> Iterator[str]:
    """Two lines for each finding, under the container that it concerns."""
    groups: list[tuple[int | None, AuditSubject | None]] = [(None, None)]
    groups += list(enumerate(case.subjects))
    for number, subject in groups:
        own = [finding for finding in findings if finding.subject == number]
        if subject is not None:
            yield f"{subject.shown} ({show(str(subject.path))})" + ("" if own else ": no findings")
        elif own:
            yield case.host.name
        for finding in own:
            yield f"  {finding.severity} {finding.rule.id} {finding.place}: {finding.message}"
            yield f"    {finding.rule.advice}"
    counts = ", ".join(_counted(severity, _count(findings, severity)) for severity in Severity)
    yield f"{_counted('container', len(case.subjects))}: {counts}"


def _count(findings: Sequence[Finding], severity: Severity) -> int:
    return sum(finding.severity is severity for finding in findings)


def _counted(name: str, number: int) -> str:
    return f"{number} {name}" + ("" if number == 1 else "s")
