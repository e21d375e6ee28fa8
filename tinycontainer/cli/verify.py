"""``verify``: every check of every token, with its result."""

import time
from pathlib import Path
from typing import Any

import click

from tinycontainer_tokens import Outcome, Profile

from ..errors import MetadataError
from ..inspection import claims_as_dict
from ..text import show
from ..toolchain.artefact import Artefact, read_artefact
from ..verification import TokenReport, Trust, examine, riot_objection
from .keys import trusted_keys
from .output import ExitCode, Refusal, json_option, print_json


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--profile",
    type=click.Choice([profile.value for profile in Profile]),
    default=Profile.RFC9052.value,
    show_default=True,
    help="Layout that the tokens must have.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="[ROLE=]KEY",
    help="A key file, or a raw Ed25519 public key of 64 hexadecimal digits. Without ROLE it stands"
    " in every role, which only riot-2024 allows. Can be repeated.",
)
@click.option(
    "--keys",
    "key_directory",
    type=click.Path(path_type=Path),
    help="Directory with ROLE.pub or ROLE.cose of each role.",
)
@click.option("--code", type=click.Path(path_type=Path), help="The code section.")
@click.option("--data", type=click.Path(path_type=Path), help="The data section.")
@click.option("--device-id", help="What an audience claim must name.")
@click.option(
    "--at", "at_s", type=click.IntRange(min=0), help="Time in Unix seconds; by default now."
)
@json_option
def verify(
    file: Path,
    profile: str,
    keys: tuple[str, ...],
    key_directory: Path | None,
    code: Path | None,
    data: Path | None,
    device_id: str | None,
    at_s: int | None,
    as_json: bool,
) -> int:
    """Verify all tokens of FILE and say for each which check failed.

    FILE is a bundle, metadata, or a directory of the C firmware's examples. Without code or data,
    which the first and the last bring along, their tokens' signatures are still checked.
    The exit code is 0 if no check failed.

    Example: tinycontainerctl verify courier.tcb --keys keys
    """
    wanted = Profile(profile)
    store = trusted_keys(keys, key_directory, wanted, "--key")
    subject = _artefact(file, code, data)
    reports = examine(
        subject.metadata,
        subject.code,
        subject.data,
        Trust(keys=store, profiles=(wanted,), device_id=device_id),
        int(time.time()) if at_s is None else at_s,
        profile=wanted,
    )
    objection = riot_objection(subject.metadata) if wanted is Profile.RIOT_2024 else None
    valid = objection is None and all(report.acceptable for report in reports)
    if as_json:
        print_json(_as_dict(file, wanted, objection, reports, valid=valid))
    else:
        _print(objection, reports)
    return ExitCode.DONE if valid else ExitCode.REFUSED


def _artefact(file: Path, code: Path | None, data: Path | None) -> Artefact:
    try:
        return read_artefact(file, code, data)
    except MetadataError as error:
        raise Refusal(str(error), ExitCode.REFUSED) from None


def _status(report: TokenReport) -> str:
    if report.verification is None:
        return "absent"
    if not report.verification.valid:
        return "invalid"
    content_known = report.verification.steps[-1].outcome is Outcome.PASSED
    has_content = report.verification.require().sha256 is not None
    return "valid" if content_known or not has_content else "signature-valid"


def _as_dict(
    file: Path,
    profile: Profile,
    objection: str | None,
    reports: tuple[TokenReport, ...],
    *,
    valid: bool,
) -> dict[str, Any]:
    return {
        "file": show(file.name),
        "profile": profile,
        "valid": valid,
        "form_objection": objection,
        "tokens": [_report(report) for report in reports],
    }


def _report(report: TokenReport) -> dict[str, Any]:
    verification = report.verification
    if verification is None:
        return {"place": report.place, "status": _status(report)}
    failure, claims = verification.failure, verification.claims
    return {
        "place": report.place,
        "status": _status(report),
        "failed_check": None if failure is None else failure.check,
        "problem": None if failure is None else failure.detail,
        "claims": None if claims is None else claims_as_dict(claims),
        "steps": [
            {
                "number": step.number,
                "check": step.check,
                "outcome": step.outcome,
                "detail": step.detail,
            }
            for step in verification.steps
        ],
    }


def _print(objection: str | None, reports: tuple[TokenReport, ...]) -> None:
    if objection is not None:
        click.echo(f"form: {objection}")
    for report in reports:
        click.echo(f"{report.place}: {_status(report)}")
        for step in report.verification.steps if report.verification else ():
            detail = f": {step.detail}" if step.detail else ""
            click.echo(f"  {step.number:2}. {step.check:<10} {step.outcome}{detail}")
