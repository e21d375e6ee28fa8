"""``state``: show and judge what a device remembers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.device.containers.journal import decode_exit
from tinycontainer.errors import MetadataError
from tinycontainer.jsonl import parse_object, whole_number
from tinycontainer.metadata import decode
from tinycontainer.metadata.codec import MAX_METADATA_BYTES
from tinycontainer.state import (
    KEPT_EVENTS,
    LAST_S,
    Ownership,
    SqliteState,
    StoredContainer,
    StoredEvent,
)
from tinycontainer.text import flatten, show
from tinycontainer.tools.artefact.moments import format_utc
from tinycontainer.trace import describe, parse_event

from ...options import json_option, path_argument
from ...printing import print_json, print_table
from ...verb import ExitCode, Verb, VerbRefused

_SHOWN_HEX: Final = 12


def _parse_time(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> int | None:
    if text is None:
        return None
    try:
        if text.isascii() and text.isdigit():
            time_s = int(text)
        else:
            moment = datetime.fromisoformat(text)
            zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            time_s = int(zoned.timestamp())
    except (ValueError, OverflowError):
        time_s = -1
    if not 0 <= time_s <= LAST_S:
        raise click.BadParameter(
            f"{show(text, 40)} is no time such as 2026-01-31T12:00:00Z or 1769860800"
        )
    return time_s


@click.command(cls=Verb)
@path_argument("file")
@click.option(
    "--check", is_flag=True, help="Judge it too; the exit code is 1 if a container does not fit."
)
@click.option(
    "--set-time",
    "time_s",
    metavar="TIME",
    callback=_parse_time,
    help="Set the remembered time, also back: ISO 8601 (UTC if it names no zone) or Unix seconds.",
)
@click.option("--events", "with_events", is_flag=True, help="Show the events that are kept, too.")
@json_option
def state(file: Path, check: bool, time_s: int | None, with_events: bool, as_json: bool) -> int:
    """Show what the state file FILE of a device holds: containers, sequences, boots and time.

    With --events it also shows what the device has granted, refused and ended of late.

    Nothing is changed, and a device may use the file meanwhile. --set-time alone changes the
    remembered time, and is refused while a device uses the file: it is for a clock that once ran
    ahead. A damaged file is refused and stays as it is.

    Example: tinycontainerctl state device.db --check
    """
    if time_s is not None and (check or with_events):
        raise click.UsageError("--set-time stands alone, without --check and --events")
    if not file.exists():
        raise VerbRefused(f"{show(str(file))}: cannot be read: there is no such file")
    if time_s is not None:
        _set_time(file, time_s, as_json=as_json)
        return ExitCode.DONE
    found = SqliteState(file, is_reader=True)
    try:
        values = _as_dict(file, found, with_events=with_events)
        problems = list(_problems(found.containers())) if check else []
    finally:
        found.close()
    if as_json:
        print_json(values | ({"problems": problems} if check else {}))
    else:
        _print(values)
        _print_judgement(values, problems, check=check)
    return ExitCode.REFUSED if problems else ExitCode.DONE


def _set_time(file: Path, time_s: int, *, as_json: bool) -> None:
    found = SqliteState(file, Ownership.SOLE)
    try:
        before_s = found.set_time(time_s).time_s
    finally:
        found.close()
    name = show(file.name)
    if as_json:
        print_json({"file": name, "before_s": before_s, "time_s": time_s})
    else:
        click.echo(f"{name}: the time was {format_utc(before_s)}; it is {format_utc(time_s)} now")


def _problems(containers: tuple[StoredContainer, ...]) -> Iterator[str]:
    for container in containers:
        place = f"slot {container.slot}"
        try:
            uid = decode(container.metadata, MAX_METADATA_BYTES).uid
        except MetadataError as error:
            yield flatten(f"{place}: the metadata cannot be decoded: {error}")
            continue
        if uid != container.uid:
            yield f"{place}: the metadata is of {show(uid)}, not of {show(container.uid)}"


def _as_dict(file: Path, found: SqliteState, *, with_events: bool) -> dict[str, Any]:
    boot = found.remembered()
    events = found.events(0, KEPT_EVENTS)
    entries = [_event_as_dict(each) for each in events.entries] if with_events else []
    return {
        "file": show(file.name),
        "boots": boot.count,
        "time_s": boot.time_s,
        "time": format_utc(boot.time_s),
        "device_id": show(found.device_id() or b""),
        "events": {"newest": events.newest, "kept": len(events.entries)}
        | ({"entries": entries} if with_events else {}),
        "containers": [_container_as_dict(each) for each in found.containers()],
        "kept_aside": [
            _container_as_dict(each.container) | {"problem": each.problem}
            for each in found.kept_aside()
        ],
        "sequences": [
            {
                "uid": show(subject.uid),
                "kind": subject.kind_name,
                "endpoint": subject.endpoint_id,
                "sequence": accepted.sequence,
                "token_sha256": accepted.token_sha256.hex(),
            }
            for subject, accepted in found.sequences()
        ],
        "updates": [
            {
                "uid": show(uid),
                "sequence": accepted.sequence,
                "digest": accepted.token_sha256.hex(),
            }
            for uid, accepted in found.updates()
        ],
    }


def _container_as_dict(container: StoredContainer) -> dict[str, Any]:
    return {
        "slot": container.slot,
        "uid": show(container.uid),
        "bundle_sha256": container.bundle_sha256().hex(),
        "wants_to_run": container.wants_to_run,
        "loops": container.loops,
        "last_exit": _describe_exit(container.last_exit),
    }


def _event_as_dict(entry: StoredEvent) -> dict[str, Any]:
    """An event, with its number and its time; only its bytes if it is none that a device writes."""
    try:
        values = parse_object(entry.content + b"\n")
        time_s = whole_number(values.pop("time_s", None), range(LAST_S + 1))
        text = flatten(describe(parse_event(values)) or "")
    except ValueError:
        return {"number": entry.number, "content": entry.content.hex()}
    event = {name: _flatten(value) for name, value in values.items()}
    of_the_entry = {"number": entry.number, "time": format_utc(time_s), "text": text}
    return of_the_entry | event | of_the_entry  # an event may have a number of its own


def _flatten(value: Any) -> Any:
    if isinstance(value, list):
        return [_flatten(each) for each in value]
    return flatten(value) if isinstance(value, str) else value


def _describe_exit(last_exit: bytes) -> str:
    """How the last start ended, as a run shows it; as bytes if that cannot be read."""
    found = decode_exit(last_exit)
    if found is None:
        return f"h'{last_exit.hex()}'" if last_exit else ""
    return flatten(str(found))


def _print(values: dict[str, Any]) -> None:
    events = values["events"]
    time = values["time"] if values["time_s"] else "not known yet"
    identity = f"; identifier {values['device_id']}" if values["device_id"] else ""
    click.echo(
        f"{values['file']}: {_count(values['boots'], 'boot')}; time {time};"
        f" {_count(events['newest'], 'event')}, {events['kept']} of them kept{identity}"
    )
    _print_rows(
        "Events",
        ("number", "time", "uid", "what"),
        [
            (
                each["number"],
                each.get("time", ""),
                each.get("uid", ""),
                each.get("text", f"h'{each.get('content')}'"),
            )
            for each in events.get("entries", ())
        ],
    )
    _print_rows(
        "Containers",
        ("slot", "uid", "bundle", "wanted", "loops", "last exit"),
        [_container_cells(each) for each in values["containers"]],
    )
    _print_rows(
        "Set aside",
        ("slot", "uid", "bundle", "wanted", "loops", "last exit", "problem"),
        [(*_container_cells(each), each["problem"]) for each in values["kept_aside"]],
    )
    _print_rows(
        "Newest accepted tokens",
        ("uid", "kind", "endpoint", "sequence", "token"),
        [
            (
                each["uid"],
                each["kind"],
                each["endpoint"] if each["kind"] == "endpoint" else "",
                each["sequence"],
                _cut(each["token_sha256"]),
            )
            for each in values["sequences"]
        ],
    )
    _print_rows(
        "Newest updates",
        ("uid", "sequence", "digest"),
        [(each["uid"], each["sequence"], _cut(each["digest"])) for each in values["updates"]],
    )


def _print_rows(title: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    if rows:
        click.echo()
        print_table(title, columns, rows)


def _container_cells(values: dict[str, Any]) -> tuple[object, ...]:
    return (
        values["slot"],
        values["uid"],
        _cut(values["bundle_sha256"]),
        "running" if values["wants_to_run"] else "stopped",
        values["loops"],
        values["last_exit"],
    )


def _print_judgement(values: dict[str, Any], problems: list[str], *, check: bool) -> None:
    for problem in problems:
        click.echo(problem)
    if check and not problems:
        click.echo(f"sound: {_count(len(values['containers']), 'container')}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _cut(digits: str) -> str:
    return f"{digits[:_SHOWN_HEX]}..."
