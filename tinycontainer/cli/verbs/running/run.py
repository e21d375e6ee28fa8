"""``run``: run a device file, in virtual or wall time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.assembly import Installation, read_plan
from tinycontainer.network.agent.log_lines import few_log_lines
from tinycontainer.scenario.expectations import ExpectationJudge, read_expectations
from tinycontainer.scenario.script import count_late_steps, read_script
from tinycontainer.symbols.places import Symbolizer
from tinycontainer.text import flatten
from tinycontainer.tools.pictures import TimelineBuilder
from tinycontainer.trace import Human, Sink, Tally

from ...installation import with_installation
from ...options import (
    DEFAULT_FILE_BYTES,
    duration_option,
    force_option,
    json_option,
    path_argument,
    path_option,
    size_option,
)
from ...printing import print_json
from ...symbols import open_symbols, symbols_option
from ...verb import ExitCode, Verb, VerbRefused, say
from .expectation_report import expectations_as_dicts, print_expectations, say_unmet
from .listeners import print_lines, trace_to
from .live_view import LiveView, require_terminal
from .picture_files import PictureFiles, picture_options
from .run_summary import print_summary, summarize_run
from .running_modes import RunRequest, RunResult, run_afresh, run_replayed

_DEFAULT_VIRTUAL_MS: Final = 10_000
_FAILURES: Final[dict[str, Callable[[Tally], bool]]] = {
    "fault": lambda tally: any(row.faults for row in tally.rows.values()),
    "refusal": lambda tally: bool(tally.refusals),
    "miss": lambda tally: any(row.statistics.deadline_misses for row in tally.rows.values()),
}
"""What `--fail-on` looks for. Refused loads count as refusals; what a script expects counts too."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of ``run``; each is described where it is declared."""

    for_ms: int | None
    virtual: bool | None
    engine: str | None
    script: Path | None
    trace: Path | None
    trace_data: bool
    state: bool
    record: Path | None
    replay: Path | None
    file_limit: int | None
    live: bool
    fail_on: tuple[str, ...]
    expect: Path | None
    symbol_directory: Path | None
    pictures: PictureFiles
    force: bool
    as_json: bool

    @property
    def wall(self) -> bool:
        """Whether the run is in wall time."""
        return self.live if self.virtual is None else not self.virtual

    @property
    def end_ms(self) -> int | None:
        """Device time at which to stop; None for no end."""
        return _DEFAULT_VIRTUAL_MS if self.for_ms is None and not self.wall else self.for_ms

    @property
    def limit_bytes(self) -> int:
        """The longest that a trace and a recording become."""
        return DEFAULT_FILE_BYTES if self.file_limit is None else self.file_limit

    def check(self) -> None:
        """Refuse what does not go together, before anything is run.

        Raises:
            VerbRefused: options contradict each other, a file exists, or there is no terminal for
                the live view.
        """
        if self.replay is not None and self._sets_what_a_recording_fixes():
            raise VerbRefused(
                "--replay repeats a recording as it is: leave --for, --virtual, --wall, --engine,"
                " --script, --state, --record and --live out"
            )
        if self.live:
            if not self.wall or self.as_json:
                raise VerbRefused("--live shows a run in wall time: leave --virtual and --json out")
            require_terminal()
        if self.trace_data and self.trace is None:
            raise VerbRefused("--trace-data is about a trace: give --trace")
        if self.file_limit is not None and self.trace is None and self.record is None:
            raise VerbRefused("--file-limit bounds what --trace or --record writes: give one")
        self.pictures.check(self.trace, self.record, force=self.force)

    def _sets_what_a_recording_fixes(self) -> bool:
        given = (self.for_ms, self.virtual, self.engine, self.script, self.record)
        return self.live or self.state or any(option is not None for option in given)


@click.command(cls=Verb)
@path_argument("device_file")
@duration_option(
    "--for",
    "for_ms",
    help="How long, in device time: 500ms, 10s, 2m. By default 10s in virtual time, and until"
    " interrupted, or nothing runs any more, in wall time.",
)
@click.option("--virtual/--wall", default=None, help="Virtual (default) or wall time.")
@click.option(
    "--engine",
    metavar="NAME",
    help="Run WebAssembly on this engine, whatever the device file says; see `runtimes`.",
)
@path_option("--script", help="Management in mid-run (TOML).")
@path_option("--trace", help="Write all events to this file (JSON lines).")
@click.option("--trace-data", is_flag=True, help="Put payload into the trace, not only its hash.")
@click.option(
    "--state",
    is_flag=True,
    help="Go on from the device's state file, and record there all that outlasts a boot.",
)
@path_option(
    "--record",
    help="Keep all that the device gets from outside, payload included, in this file (mode 0600).",
)
@path_option(
    "--replay",
    help="Repeat a recorded run exactly; the drivers' data sources are not needed.",
)
@size_option(
    "--file-limit",
    help="The longest that a trace and a recording become; the run goes on without them. By default"
    f" {DEFAULT_FILE_BYTES >> 20}MiB.",
)
@click.option("--live", is_flag=True, help="Show what happens while it does, in wall time.")
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(list(_FAILURES)),
    help="End with exit code 1 if a container faulted, something was refused, or a deadline was"
    " missed. Can be repeated.",
)
@path_option(
    "--expect",
    help="End with exit code 1 if an expectation of this file (TOML) does not hold at the end of"
    " the run, whether that is scripted, replayed, or in wall time; see `schema expectations`.",
)
@symbols_option
@picture_options
@force_option
@json_option
@with_installation
def run(installation: Installation, /, device_file: Path, **given: Any) -> int:
    """Run the device of DEVICE_FILE; print its log and a summary of what its containers did.

    Example: tinycontainerctl run device.toml --script script.toml --for 10s --trace trace.jsonl
    """
    options = RunOptions(**given)
    options.check()
    plan = read_plan(device_file)
    steps = () if options.script is None else read_script(options.script)
    if plan.content.trust.allow_unsigned:
        say("warning: allow_unsigned is set: missing tokens are accepted")
    judge = ExpectationJudge(() if options.expect is None else read_expectations(options.expect))
    tally = Tally()
    symbolizer = Symbolizer(open_symbols(options.symbol_directory, at_once=options.wall))
    builder = TimelineBuilder()
    with _sinks(options, tally, symbolizer) as sinks:
        sinks.extend([judge, *options.pictures.sinks(builder)])
        show_line = print_lines(quiet=options.as_json or options.live)
        request = RunRequest(
            plan=plan,
            steps=steps,
            end_ms=options.end_ms,
            wall=options.wall,
            sinks=sinks,
            show_line=show_line,
            installation=installation,
            engine=options.engine,
            remembers=options.state,
        )
        result = _run(request, options)
    options.pictures.write(builder.build(result.now_ns), f"{plan.name}: who ran when")
    late_steps = count_late_steps(steps, options.end_ms)
    summary = summarize_run(result.now_ns, tally, symbolizer)
    findings = judge.results()
    if options.as_json:
        more = {
            "surprises": [str(surprise) for surprise in result.surprises],
            "steps_not_taken": late_steps,
            "expectations": expectations_as_dicts(findings),
        }
        print_json(summary | more)
    else:
        print_summary(summary)
        if findings:
            print_expectations(findings)
        if not (plan.content.containers or steps or options.replay or tally.rows):
            click.echo("the device file lists no containers; add some, or give a --script")
        if late_steps:
            click.echo(f"{late_steps} steps of the script are after the end of the run; use --for")
    say_unmet(findings)
    return _exit_code(result, tally, options, unmet=any(not each.held for each in findings))


def _run(request: RunRequest, options: RunOptions) -> RunResult:
    if options.replay is not None:
        return run_replayed(request, options.replay)
    with few_log_lines(say, time.monotonic):  # of drivers that reach others over a network
        return run_afresh(request, options.record, options.limit_bytes, force=options.force)


@contextmanager
def _sinks(options: RunOptions, tally: Tally, symbolizer: Symbolizer) -> Iterator[list[Sink]]:
    """What receives the events; a live view is on the terminal meanwhile."""
    with trace_to(
        options.trace,
        force=options.force,
        with_data=options.trace_data,
        limit_bytes=options.limit_bytes,
    ) as sinks:
        sinks += [tally, symbolizer]
        if options.live:
            view = LiveView(tally, time.monotonic_ns, symbolizer.describe)
            sinks.append(view)
            with view.on_terminal():
                yield sinks
            return
        if not options.as_json:
            sinks.append(Human(click.echo, symbolizer.describe))
        yield sinks


def _exit_code(result: RunResult, tally: Tally, options: RunOptions, *, unmet: bool) -> ExitCode:
    for surprise in result.surprises:
        say(f"error: script: {flatten(str(surprise))}")
    if result.cut:
        say(f"{'error' if options.replay else 'warning'}: {result.cut}")
    if result.interrupted:
        return ExitCode.INTERRUPTED
    failures = [name for name in options.fail_on if _FAILURES[name](tally)]
    for name in failures:
        say(f"error: --fail-on {name}: the run had at least one")
    is_half = bool(result.cut) and options.replay is not None
    is_refused = bool(result.surprises or failures) or is_half or unmet
    return ExitCode.REFUSED if is_refused else ExitCode.DONE
