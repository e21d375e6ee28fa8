"""``run``: run a device file, in virtual or wall time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tinycontainer.assembly import Installation, read_plan
from tinycontainer.scenario.script import count_late_steps, read_script
from tinycontainer.text import flatten
from tinycontainer.tools.pictures import TimelineBuilder
from tinycontainer.trace import Human, Sink, Tally

from ...durations import duration_ms
from ...output import ExitCode, Refusal, force_option, json_option, print_json
from ...verb import Verb, with_installation
from .drawing import Drawings, drawing_options
from .live import LiveView, require_terminal
from .outcome import print_summary, screen, summary, traced_to
from .runs import Order, Result, run_again, run_plainly, run_recorded

_DEFAULT_VIRTUAL_MS = 10_000


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of ``run``; each is described where it is declared."""

    for_ms: int | None
    virtual: bool | None
    engine: str | None
    script: Path | None
    trace: Path | None
    trace_data: bool
    record: Path | None
    replay: Path | None
    live: bool
    drawings: Drawings
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

    def check(self) -> None:
        """Refuse what does not go together, before anything is run.

        Raises:
            Refusal: it does not, a file exists, or there is no terminal to show a live view on.
        """
        given = (
            *(self.for_ms, self.virtual, self.engine, self.script),
            *(self.record, self.live or None),
        )
        if self.replay is not None and given != (None,) * len(given):
            raise Refusal(
                "--replay repeats a recording as it is: leave --for, --virtual, --wall, --engine,"
                " --script, --record and --live out"
            )
        if self.live:
            if not self.wall or self.as_json:
                raise Refusal("--live shows a run in wall time: leave --virtual and --json out")
            require_terminal()
        self.drawings.check(force=self.force)


@click.command(cls=Verb)
@click.argument("device_file", type=click.Path(path_type=Path))
@click.option(
    "--for",
    "for_ms",
    metavar="DURATION",
    callback=duration_ms,
    help="How long, in device time: 500ms, 10s, 2m. By default 10s in virtual time, and until"
    " interrupted, or nothing runs any more, in wall time.",
)
@click.option("--virtual/--wall", default=None, help="Virtual (default) or wall time.")
@click.option(
    "--engine",
    metavar="NAME",
    help="Run WebAssembly on this engine, whatever the device file says; see `runtimes`.",
)
@click.option("--script", type=click.Path(path_type=Path), help="Management in mid-run (TOML).")
@click.option(
    "--trace", type=click.Path(path_type=Path), help="Write all events to this file (JSON lines)."
)
@click.option("--trace-data", is_flag=True, help="Put payload into the trace, not only its hash.")
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    help="Keep all that the world told the device, payload included, in this file (mode 0600).",
)
@click.option(
    "--replay",
    type=click.Path(path_type=Path),
    help="Repeat a recorded run exactly; the drivers' data sources are not needed.",
)
@click.option("--live", is_flag=True, help="Show what happens while it does, in wall time.")
@drawing_options
@force_option
@json_option
@with_installation
def run(installation: Installation, /, device_file: Path, **options: Any) -> int:
    """Run the device of DEVICE_FILE and print its log and what became of its containers.

    Example: tinycontainerctl run device.toml --script script.toml --for 10s --trace trace.jsonl
    """
    wishes = Wishes(**options)
    wishes.check()
    plan = read_plan(device_file)
    steps = () if wishes.script is None else read_script(wishes.script)
    if plan.content.trust.allow_unsigned:
        click.echo("warning: allow_unsigned is set: absent tokens are forgiven", err=True)
    tally, builder = Tally(), TimelineBuilder()
    is_quiet = wishes.as_json or wishes.live
    with _listeners(wishes, tally) as sinks:
        sinks.extend(wishes.drawings.listeners(builder))
        order = Order(
            plan,
            steps,
            wishes.end_ms,
            wishes.wall,
            sinks,
            screen(is_quiet),
            installation,
            wishes.engine,
        )
        result = _run(order, wishes)
    wishes.drawings.write(builder.timeline(result.now_ns), f"{plan.name}: who ran when")
    late = count_late_steps(steps, wishes.end_ms)
    values = summary(result.now_ns, tally)
    if wishes.as_json:
        said = {"surprises": [str(each) for each in result.surprises], "steps_not_taken": late}
        print_json(values | said)
    else:
        print_summary(values)
        listed = bool(plan.content.containers) or bool(steps) or wishes.replay is not None
        _hint(listed=listed, late=late)
    return _end(result)


def _run(order: Order, wishes: Wishes) -> Result:
    if wishes.replay is not None:
        return run_again(order, wishes.replay)
    if wishes.record is not None:
        return run_recorded(order, wishes.record, force=wishes.force)
    return run_plainly(order)


@contextmanager
def _listeners(wishes: Wishes, tally: Tally) -> Iterator[list[Sink]]:
    """Who hears of what happens; a live view is on the terminal meanwhile."""
    with traced_to(wishes.trace, force=wishes.force, with_data=wishes.trace_data) as sinks:
        sinks.append(tally)
        if wishes.live:
            view = LiveView(tally)
            sinks.append(view)
            with view.shown():
                yield sinks
            return
        if not wishes.as_json:
            sinks.append(Human(click.echo))
        yield sinks


def _end(result: Result) -> ExitCode:
    for surprise in result.surprises:
        click.echo(f"error: script: {flatten(str(surprise))}", err=True)
    if result.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.REFUSED if result.surprises else ExitCode.DONE


def _hint(*, listed: bool, late: int) -> None:
    if not listed:
        click.echo("the device file lists no containers; add some, or give a --script")
    if late:
        click.echo(f"{late} steps of the script lie behind the end of the run and were not taken")
