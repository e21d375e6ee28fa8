"""``run``: run a device file, in virtual or wall time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ..assembly import Device, assemble, load_listed, read_plan
from ..clock import NS_PER_MS, Clock, VirtualClock, WallClock
from ..script import Step, Surprise, play, read_script, untaken
from ..text import flatten, show
from ..trace import Human, JsonLines, Row, Sink, Tally
from .durations import duration_ms
from .output import (
    ExitCode,
    Refusal,
    force_option,
    json_option,
    print_json,
    print_table,
    require_absent,
)
from .progress import progress
from .verb import Verb

_DEFAULT_VIRTUAL_MS = 10_000


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
@click.option("--virtual/--wall", default=True, help="Virtual (default) or wall time.")
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
@force_option
@json_option
def run(
    device_file: Path,
    for_ms: int | None,
    virtual: bool,
    engine: str | None,
    script: Path | None,
    trace: Path | None,
    trace_data: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Run the device of DEVICE_FILE and print its log and what became of its containers.

    Example: tinycontainerctl run device.toml --script script.toml --for 10s --trace trace.jsonl
    """
    plan = read_plan(device_file)
    if engine is not None:
        plan = plan.on_engine(engine)
    steps = () if script is None else read_script(script)
    scheduling = plan.content.scheduling
    clock: Clock = VirtualClock(scheduling.instruction_ns) if virtual else WallClock()
    end_ms = _DEFAULT_VIRTUAL_MS if for_ms is None and virtual else for_ms
    tally = Tally()
    with traced_to(trace, force=force, with_data=trace_data) as sinks:
        sinks.append(tally)
        if not as_json:
            sinks.append(Human(click.echo))
        device = Device(assemble(plan, clock, screen(as_json)), clock, sinks)
        if plan.content.trust.allow_unsigned:
            click.echo("warning: allow_unsigned is set: absent tokens are forgiven", err=True)
        load_listed(device, plan)
        surprises, interrupted = _play(device, steps, end_ms)
    values = summary(device, tally)
    late = untaken(steps, end_ms)
    if as_json:
        said = {"surprises": [str(surprise) for surprise in surprises], "steps_not_taken": late}
        print_json(values | said)
    else:
        print_summary(values)
        _hint(listed=bool(plan.content.containers) or bool(steps), late=late)
    for surprise in surprises:
        click.echo(f"error: script: {flatten(str(surprise))}", err=True)
    if interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.REFUSED if surprises else ExitCode.DONE


def _hint(*, listed: bool, late: int) -> None:
    if not listed:
        click.echo("the device file lists no containers; add some, or give a --script")
    if late:
        click.echo(f"{late} steps of the script lie behind the end of the run and were not taken")


def _play(
    device: Device, steps: tuple[Step, ...], end_ms: int | None
) -> tuple[list[Surprise], bool]:
    """Play a script; an operator who interrupts it still sees what became of the containers."""
    try:
        with progress(end_ms) as tick:
            return play(device, steps, end_ms, tick), False
    except KeyboardInterrupt:
        return [], True


@contextmanager
def traced_to(path: Path | None, *, force: bool, with_data: bool = False) -> Iterator[list[Sink]]:
    """A list of sinks that begins with a trace file, if one is wished.

    Raises:
        Refusal: the file exists, or cannot be written.
    """
    if path is None:
        yield []
        return
    require_absent((path,), force=force)
    with _refusing(path):
        file = path.open("w", encoding="ascii")

    def write(line: str) -> None:
        with _refusing(path):
            file.write(line)

    try:
        yield [JsonLines(write, with_data=with_data)]
    finally:
        with _refusing(path):
            file.close()


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refusal(f"{show(str(path))}: cannot be written: {error.strerror}") from None


def summary(device: Device, tally: Tally) -> dict[str, Any]:
    """What became of a device's containers, those that are gone included, as plain values."""
    return {
        "device_time_ms": device.now_ns / NS_PER_MS,
        "containers": [_row_as_dict(row) for row in tally.rows.values()],
        "refusals": [
            {"uid": show(kind.uid), "what": kind.what, "reason": kind.reason, "count": count}
            for kind, count in sorted(tally.refusals.items())
        ],
    }


def print_summary(values: dict[str, Any]) -> None:
    """The same as two tables."""
    print_table(
        f"Who ran, in {values['device_time_ms']:.3f} ms of device time",
        ("container", "state", "starts", "loops", "ran ms", "calls", "refused", "late", "ended by"),
        [tuple(row.values()) for row in values["containers"]],
    )
    if values["refusals"]:
        print_table(
            "What was refused, and why",
            ("container", "what", "reason", "times"),
            [tuple(row.values()) for row in values["refusals"]],
        )


def _row_as_dict(row: Row) -> dict[str, Any]:
    return {
        "uid": show(row.uid),
        "state": row.state,
        "starts": row.starts,
        "loops": row.loops,
        "execution_ms": round(row.execution_ns / NS_PER_MS, 3),
        "calls": row.calls,
        "refusals": row.refusals,
        "deadline_misses": row.deadline_misses,
        "ended_by": flatten(row.ended),
    }


def screen(as_json: bool) -> Callable[[bytes], None]:
    """Where the console driver shows its lines; nowhere if the output is JSON."""

    def show_line(line: bytes) -> None:
        if not as_json:
            click.echo(f"{'':17}{show(line)}")

    return show_line
