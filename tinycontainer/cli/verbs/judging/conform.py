"""``conform``: judge an implementation, ours or any other, by the cases of the specification."""

import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path

import click

from tinycontainer.conformance.cases.case import GROUPS, Case, read_cases
from tinycontainer.conformance.judging.report import as_junit, as_values, counts
from tinycontainer.conformance.judging.suite import (
    CaseOutcome,
    CaseResult,
    Suite,
    conforms,
    process,
    read_bundles,
    read_expected,
)
from tinycontainer.text import flatten, show

from ...output import (
    ExitCode,
    Refusal,
    force_option,
    json_option,
    print_json,
    require_absent,
    write_file,
)
from ...verb import Verb

_OWN = (sys.executable, "-m", "tinycontainer.conformance.shim")
_MAX_TIMEOUT_S = 600


@click.command(cls=Verb)
@click.option(
    "--implementation",
    metavar="COMMAND",
    help="Program to judge, with its arguments; by default our own device.",
)
@click.option(
    "--cases",
    "directory",
    type=click.Path(path_type=Path),
    help="Directory with cases/ and bundles/; by default the specification's own.",
)
@click.option("--group", type=click.Choice(GROUPS), help="Only cases of this group.")
@click.option("--case", "only", metavar="ID", help="Only this case.")
@click.option(
    "--expected-failures",
    type=click.Path(path_type=Path),
    help="Cases that are known to fail (TOML). One that passes after all is a failure.",
)
@click.option("--junit", type=click.Path(path_type=Path), help="Write a report as JUnit XML.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=_MAX_TIMEOUT_S),
    default=20,
    show_default=True,
    help="Seconds for one answer; while device time goes on, five times that longer.",
)
@force_option
@json_option
def conform(
    implementation: str | None,
    directory: Path | None,
    group: str | None,
    only: str | None,
    expected_failures: Path | None,
    junit: Path | None,
    timeout: float,
    force: bool,
    as_json: bool,
) -> int:
    """Judge an implementation of TinyContainer by the cases of the specification.

    The implementation is a program that speaks the protocol of specs/conformance-protocol.md on its
    standard input and output: one JSON object per line, each way. It is started once and killed in
    the end. What it does not offer is skipped and told. The exit code is 0 only if no case failed,
    none passed that was expected to fail, and something was judged at all.

    Example: tinycontainerctl conform --group loading
    """
    command = _OWN if implementation is None else _split(implementation)
    if junit is not None:
        require_absent((junit,), force=force)
    with ExitStack() as stack:
        packaged = files("tinycontainer_specs").joinpath("conformance")
        root = stack.enter_context(as_file(packaged)) if directory is None else directory
        every = read_cases(root)
        expected = {} if expected_failures is None else read_expected(expected_failures, every)
        cases = _chosen(every, group, only)
        suite = Suite(process(command), read_bundles(root, cases), timeout, expected)
    results = suite.judge(cases, _silent if as_json else _tell)
    if junit is not None:
        write_file(junit, as_junit(results, suite.hello))
    if as_json:
        print_json(as_values(results, suite.hello))
    else:
        _sum_up(results, suite)
    return ExitCode.DONE if conforms(results) else ExitCode.REFUSED


def _split(command: str) -> Sequence[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise Refusal(f"--implementation: {error}") from None
    if not words:
        raise Refusal("--implementation: names no program")
    return words


def _chosen(cases: Sequence[Case], group: str | None, only: str | None) -> list[Case]:
    chosen = [case for case in cases if group in (None, case.group) and only in (None, case.id)]
    if not chosen:
        raise Refusal(f"--case: there is no case {show(only or '')} here")
    return chosen


def _silent(_result: CaseResult) -> None:
    pass


def _tell(result: CaseResult) -> None:
    """One line for a case, and what is wrong with it."""
    good = result.outcome is CaseOutcome.PASSED
    click.echo(f"{'ok' if good else result.outcome.value.upper():6} {result.case.id}")
    if good:
        return
    click.echo(f"       {show(result.case.title)} ({', '.join(result.case.clauses)})")
    for problem in result.problems:
        click.echo(f"       {flatten(problem)}")


def _sum_up(results: Sequence[CaseResult], suite: Suite) -> None:
    hello = suite.hello
    name = "the implementation" if hello is None else show(f"{hello.name} {hello.version}", 200)
    found = ", ".join(f"{number} {word}" for word, number in counts(results).items() if number)
    seconds = sum(result.seconds for result in results)
    verdict = "conforms" if conforms(results) else "does not conform"
    click.echo(f"{len(results)} cases in {seconds:.1f} s: {found}; {name} {verdict}")
