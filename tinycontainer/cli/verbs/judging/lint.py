"""``lint``: audit containers before an owner signs their masks."""

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
    CodeTools,
    Finding,
    Severity,
    audit_containers,
    gather_host,
    gather_subject,
)
from tinycontainer.tools.lint.sarif import make_sarif
from tinycontainer_tokens import Profile

from ...installation import with_installation
from ...options import at_option, json_option, path_argument, path_option
from ...printing import print_json
from ...verb import ExitCode, Verb


@click.command(cls=Verb)
@path_argument("files", nargs=-1, metavar="FILE...")
@path_option(
    "--device",
    "device_file",
    help="Device file: its capacities, caps, drivers and keys apply, and the containers that it"
    " lists are audited too.",
)
@click.option(
    "--profile",
    type=click.Choice([profile.value for profile in Profile]),
    help="Judge by this profile; by default each container by that of its tokens.",
)
@at_option
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
    audit = _gather_audit(
        installation,
        files,
        None if device_file is None else read_plan(device_file),
        None if profile is None else Profile(profile),
        int(time.time()) if at_s is None else at_s,
    )
    findings = audit_containers(audit)
    if as_sarif_log:
        print_json(make_sarif(audit, findings, version("tinycontainer"), Path.cwd()))
    elif as_json:
        print_json(_as_dict(audit, findings))
    else:
        for line in _report_lines(audit, findings):
            click.echo(line)
    failed = any(finding.severity.reaches(Severity(fail_on)) for finding in findings)
    return ExitCode.REFUSED if failed else ExitCode.DONE


def _gather_audit(
    installation: Installation,
    files: Sequence[Path],
    plan: DevicePlan | None,
    profile: Profile | None,
    now_s: int,
) -> Audit:
    runtimes = installation.runtimes() if plan is None else choose_runtimes(plan, installation)
    tools = CodeTools(installation.analysers(), runtimes)
    host = gather_host(plan, profile, frozenset(runtimes))
    given = [(read_artefact(path), path) for path in files]
    if plan is not None:
        listed, missing = _read_listed(plan, {artefact.metadata.uid for artefact, _ in given})
        given += listed
        host = replace(host, missing=missing)
    subjects = tuple(
        gather_subject(artefact, path, host.capacity, tools) for artefact, path in given
    )
    return Audit(subjects, host, now_s, profile)


def _read_listed(
    plan: DevicePlan, given: set[bytes]
) -> tuple[list[tuple[Artefact, Path]], tuple[str, ...]]:
    """The containers that a device file lists, without those given, and the bundles not there."""
    listed = []
    missing = []
    for number, entry in enumerate(plan.content.containers):
        path = plan.file(entry.bundle, f"containers[{number}].bundle")
        if not path.exists():
            missing.append(entry.bundle)
            continue
        artefact = read_artefact(path)
        if artefact.metadata.uid not in given:
            listed.append((artefact, plan.path.parent / entry.bundle))
    return listed, tuple(missing)


def _as_dict(audit: Audit, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "device": None if audit.host.path is None else show(str(audit.host.path)),
        "profile": audit.profile,
        "at": audit.now_s,
        "containers": [
            {"uid": each.shown, "uid_hex": each.uid.hex(), "file": show(str(each.path))}
            for each in audit.subjects
        ],
        "counts": {severity: _count_of(findings, severity) for severity in Severity},
        "findings": [_finding_as_dict(audit, finding) for finding in findings],
    }


def _finding_as_dict(audit: Audit, finding: Finding) -> dict[str, Any]:
    subject = None if finding.subject is None else audit.subjects[finding.subject]
    return {
        "id": finding.rule.id,
        "severity": finding.severity,
        "uid": None if subject is None else subject.shown,
        "container": finding.subject,
        "place": finding.place,
        "message": finding.message,
        "advice": finding.rule.advice,
    }


def _report_lines(audit: Audit, findings: Sequence[Finding]) -> Iterator[str]:
    """Two lines for each finding, under the container that it concerns."""
    groups: list[tuple[int | None, AuditSubject | None]] = [(None, None)]
    groups += list(enumerate(audit.subjects))
    for number, subject in groups:
        own = [finding for finding in findings if finding.subject == number]
        if subject is not None:
            yield f"{subject.shown} ({show(str(subject.path))})" + ("" if own else ": no findings")
        elif own:
            yield audit.host.name
        for finding in own:
            yield f"  {finding.severity} {finding.rule.id} {finding.place}: {finding.message}"
            yield f"    {finding.rule.advice}"
    counts = ", ".join(
        _with_number(severity, _count_of(findings, severity)) for severity in Severity
    )
    yield f"{_with_number('container', len(audit.subjects))}: {counts}"


def _count_of(findings: Sequence[Finding], severity: Severity) -> int:
    return sum(finding.severity is severity for finding in findings)


def _with_number(name: str, number: int) -> str:
    return f"{number} {name}" + ("" if number == 1 else "s")
