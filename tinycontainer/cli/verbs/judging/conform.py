"""``conform``: judge an implementation by the cases of the specification."""

import math
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

import click

from tinycontainer.conformance.cases.case import GROUPS, Case, read_cases
from tinycontainer.conformance.judging.report import as_junit, as_values, count_outcomes
from tinycontainer.conformance.judging.suite import (
    CaseOutcome,
    CaseResult,
    Judgement,
    Suite,
    Verdict,
    judge_results,
    read_bundles,
    read_expected,
)
from tinycontainer.conformance.peer import ProcessPeer
from tinycontainer.text import flatten, show

from ...options import force_option, json_option, path_option
from ...output_files import require_absent, write_file
from ...printing import print_json
from ...verb import ExitCode, Verb, VerbRefused

_OWN_COMMAND: Final = (sys.executable, "-m", "tinycontainer.conformance.shim")
_MAX_TIMEOUT_S: Final = 600
_MAX_NAME_BYTES: Final = 200


@click.command(cls=Verb)
@click.option(
    "--implementation",
    metavar="COMMAND",
    help="Program to judge, with its arguments; by default our own device.",
)
@path_option(
    "--cases",
    "directory",
    help="Directory with cases/ and bundles/; by default the specification's own.",
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    type=click.Choice(GROUPS),
    help="Only cases of this group. Can be repeated.",
)
@click.option(
    "--case",
    "only",
    multiple=True,
    metavar="ID",
    help="Only this case, or this one beside the groups. Can be repeated.",
)
@path_option(
    "--expected-failures",
    help="Cases that are known to fail (TOML). If one of them passes, that is a failure.",
)
@path_option("--junit", help="Write a report as JUnit XML.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=_MAX_TIMEOUT_S),
    default=20,
    show_default=True,
    callback=lambda _context, _parameter, seconds: _require_number(seconds),
    help="Seconds for one answer; five times as many where device time passes.",
)
@force_option
@json_option
def conform(
    implementation: str | None,
    directory: Path | None,
    groups: tuple[str, ...],
    only: tuple[str, ...],
    expected_failures: Path | None,
    junit: Path | None,
    timeout: float,
    force: bool,
    as_json: bool,
) -> int:
    """Judge an implementation of TinyContainer by the cases of the specification.

    The implementation is a program that speaks the protocol of specs/conformance-protocol.md on its
    standard input and output: one JSON object per line, each way. It is started once and killed at
    the end. Cases that need what it does not offer are skipped, and the report names them. The exit
    code is 0 only if no case failed, none passed that was expected to fail, and at least one case
    was judged. It conforms only if all cases of what it announces were judged, and passed.

    Example: tinycontainerctl conform --group loading
    """
    command = _OWN_COMMAND if implementation is None else _split_command(implementation)
    if junit is not None:
        require_absent((junit,), force=force)
    with ExitStack() as stack:
        packaged = files("tinycontainer_specs").joinpath("conformance")
        root = stack.enter_context(as_file(packaged)) if directory is None else directory
        all_cases = read_cases(root)
        expected = {} if expected_failures is None else read_expected(expected_failures, all_cases)
        cases = _choose_cases(all_cases, groups, only)
        suite = Suite(partial(ProcessPeer, command), read_bundles(root, cases), timeout, expected)
    results = suite.judge(cases, _print_nothing if as_json else _print_result)
    if junit is not None:
        write_file(junit, as_junit(results, suite.hello))
    judgement = judge_results(results, all_cases, suite.hello)
    if as_json:
        print_json(as_values(results, suite.hello, judgement))
    else:
        _print_totals(results, suite, judgement)
    is_good = judgement.verdict is not Verdict.FAILS
    return ExitCode.DONE if is_good else ExitCode.REFUSED


def _require_number(seconds: float) -> float:
    if math.isnan(seconds):  # which is within every range
        raise click.BadParameter("nan is no number of seconds")
    return seconds


def _split_command(command: str) -> Sequence[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise VerbRefused(f"--implementation: {error}") from None
    if not words:
        raise VerbRefused("--implementation: names no program")
    return words


def _choose_cases(
    cases: Sequence[Case], groups: tuple[str, ...], only: tuple[str, ...]
) -> list[Case]:
    unknown = [name for name in only if name not in {case.id for case in cases}]
    if unknown:
        raise VerbRefused(f"--case: there is no case {show(unknown[0])} here")
    chosen = [case for case in cases if case.group in groups or case.id in only]
    if not chosen and groups:
        raise VerbRefused(f"--group: there are no cases of {', '.join(groups)} here")
    return chosen or list(cases)


def _print_nothing(_result: CaseResult) -> None:
    pass


def _print_result(result: CaseResult) -> None:
    """One line for a case, and its problems if it did not pass."""
    passed = result.outcome is CaseOutcome.PASSED
    click.echo(f"{'ok' if passed else result.outcome.value.upper():6} {result.case.id}")
    if passed:
        return
    click.echo(f"       {show(result.case.title)} ({', '.join(result.case.clauses)})")
    for problem in result.problems:
        click.echo(f"       {flatten(problem)}")


def _print_totals(results: Sequence[CaseResult], suite: Suite, judgement: Judgement) -> None:
    hello = suite.hello
    name = "the implementation"
    if hello is not None:
        name = show(f"{hello.name} {hello.version}", _MAX_NAME_BYTES)
    found = ", ".join(
        f"{number} {word}" for word, number in count_outcomes(results).items() if number
    )
    seconds = sum(result.seconds for result in results)
    click.echo(f"{len(results)} cases in {seconds:.1f} s: {found}; {name} {judgement.verdict}")
    if judgement.verdict is Verdict.PASSED_IN_PART:
        click.echo(f"that is no conformance: {judgement.describe_missing()}")
