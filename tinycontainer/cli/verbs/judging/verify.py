"""``verify``: check every token of a container, and say why a check failed."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.device.containers.verification import TokenReport, Trust, verify_tokens
from tinycontainer.errors import MetadataError
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.text import show
from tinycontainer.tools.artefact.artefact import Artefact, read_artefact
from tinycontainer.tools.artefact.disguises import is_like_token
from tinycontainer.tools.explain.causes.token import explain_token
from tinycontainer.tools.explain.contradictions import Problem, find_form_problem, find_type_problem
from tinycontainer.tools.explain.explanation import Explanation
from tinycontainer.tools.explain.lone_token import examine_lone
from tinycontainer.tools.explain.undecodable import explain_undecodable
from tinycontainer.tools.firmware.c_layout import open_layout
from tinycontainer_tokens import KeyStore, Kind, Profile

from ...keys import read_trusted_keys
from ...options import json_option
from ...printing import print_json
from ...verb import ExitCode, Verb
from .reports import problem_as_dict, problem_lines, report_as_dict, report_lines


@click.command(cls=Verb)
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
    help="A key file, or a raw Ed25519 public key of 64 hexadecimal digits. Without ROLE it is"
    " for every role, which only riot-2024 allows. Can be repeated.",
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
    """Verify all tokens of FILE: every check in order, and the likely cause of a failure.

    FILE is a bundle, metadata, a directory of the C firmware's examples, or a single token. Without
    code or data, which the first and the third bring along, their tokens' signatures are still
    checked. The exit code is 0 if no check failed.

    Example: tinycontainerctl verify courier.tcb --keys keys
    """
    wanted = Profile(profile)
    store = read_trusted_keys(keys, key_directory, wanted, "--key")
    trust = Trust(keys=store, profiles=(wanted,), device_id=device_id)
    found = _judge(file, code, data, trust, int(time.time()) if at_s is None else at_s)
    explained = [(report, found.explain(report, store)) for report in found.reports]
    if as_json:
        problems = [problem_as_dict(problem) for problem in found.problems]
        print_json(
            {"file": show(file.name), "profile": wanted, "valid": found.valid}
            | {"form_objection": found.form_objection, "problems": problems}
            | {"tokens": [report_as_dict(*each) for each in explained]}
        )
    else:
        _print(found, explained)
    return ExitCode.DONE if found.valid else ExitCode.REFUSED


def _print(
    found: "_Judgement", explained: Iterable[tuple[TokenReport, Explanation | None]]
) -> None:
    for problem in found.problems:
        click.echo("\n".join(problem_lines(problem)))
    for each in explained:
        click.echo("\n".join(report_lines(*each)))


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What was found; the artefact is None if the file is no container."""

    artefact: Artefact | None
    problems: tuple[Problem, ...]
    reports: tuple[TokenReport, ...]

    @property
    def valid(self) -> bool:
        return not self.problems and all(report.acceptable for report in self.reports)

    @property
    def form_objection(self) -> str | None:
        return next((each.problem for each in self.problems if each.check == "form"), None)

    def explain(self, report: TokenReport, keys: KeyStore) -> Explanation | None:
        if self.artefact is None:
            return None
        return explain_token(report, self.artefact, self.reports, keys)


def _judge(
    file: Path, code: Path | None, data: Path | None, trust: Trust, now_s: int
) -> _Judgement:
    content = None if file.is_dir() else read_bounded(file, MAX_BUNDLE_BYTES)
    if content is not None and is_like_token(content):
        parts = {
            kind: read_bounded(path, MAX_BUNDLE_BYTES)
            for kind, path in ((Kind.CODE, code), (Kind.DATA, data))
            if path is not None
        }
        lone, report = examine_lone(content, parts, trust, now_s)
        return _Judgement(lone, (), (report,))
    try:
        artefact = read_artefact(file, code, data)
    except MetadataError as error:
        if content is None:
            content = read_bounded(open_layout(file).metadata, MAX_BUNDLE_BYTES)
        return _Judgement(None, (explain_undecodable(content, error),), ())
    wanted = trust.profiles[0]
    reports = verify_tokens(
        artefact.metadata, artefact.code, artefact.data, trust, now_s, profile=wanted
    )
    form = find_form_problem(artefact) if wanted is Profile.RIOT_2024 else None
    problems = tuple(each for each in (form, find_type_problem(artefact)) if each is not None)
    return _Judgement(artefact, problems, reports)
