"""``remote``: manage a device over CoAP."""

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click

from tinycontainer.text import show

from ...options import duration_option, json_option
from ...printing import print_json, print_table
from ...verb import ExitCode, Verb, VerbRefused

_WHATS: Final = ("ls", "load", "replace", "start", "stop", "kill", "delete", "judge", "events")
_MAX_BUNDLE_BYTES: Final = 64 << 20


@click.command(cls=Verb)
@click.argument("uri")
@click.argument("what", type=click.Choice(_WHATS))
@click.argument("subject", required=False)
@click.option("--replaces", is_flag=True, help="judge: as the successor of what is loaded.")
@duration_option("--confirm", help="replace: within which the new version completes a loop.")
@click.option("--since", type=click.IntRange(min=0), default=0, help="events: above this number.")
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(min=0.1, max=600), default=10.0,
    metavar="SECONDS", help="How long each of three tries waits for an answer.",
)  # fmt: skip
@json_option
def remote(
    uri: str,
    what: str,
    subject: str | None,
    replaces: bool,
    confirm: int | None,
    since: int,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Manage the device at URI, such as coap://[::1]:5683.

    SUBJECT is a bundle for load, replace and judge, a uid for start, stop, kill and delete.

    Example: tinycontainerctl remote coap://[::1] ls
    """
    _check_uri(uri)
    if confirm is not None and what != "replace":
        raise click.UsageError("--confirm belongs to replace")
    if (subject is None) != (what in ("ls", "events")):
        raise click.UsageError(f"{what} takes {'one' if subject is None else 'no'} SUBJECT")
    try:
        import aiocoap  # noqa: F401, PLC0415 - an optional part
    except ImportError:
        raise VerbRefused(
            "aiocoap is not installed; it comes with: pip install 'tinycontainer[network]'"
        ) from None
    from tinycontainer.agent.operator.answers import AnswerUnreadable  # noqa: PLC0415
    from tinycontainer.agent.operator.client import (  # noqa: PLC0415
        Client,
        CoapTransport,
        DeviceRefused,
        Unreachable,
    )

    client = Client(CoapTransport(uri, timeout_s), os.urandom)
    try:
        return _do(client, what, subject or "", replaces, confirm, since, as_json)
    except DeviceRefused as error:
        raise VerbRefused(str(error), ExitCode.REFUSED) from error
    except AnswerUnreadable as error:
        raise VerbRefused(f"the answer of {show(uri)} cannot be read: {error}") from error
    except Unreachable as error:
        raise VerbRefused(f"{show(uri)}: cannot be reached: {error}; is it served?") from error


def _check_uri(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        (parts.hostname or "").encode("idna")
        is_sound = parts.scheme == "coap" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_sound = False
    if not is_sound or parts.path not in ("", "/") or parts.query or parts.fragment or "@" in uri:
        raise VerbRefused(f"{show(uri, 80)}: is no URI such as coap://[::1]:5683")


def _do(
    client: Any,
    what: str,
    subject: str,
    replaces: bool,
    confirm: int | None,
    since: int,
    as_json: bool,
) -> ExitCode:
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    code = ExitCode.DONE
    match what:
        case "ls":
            columns = ("slot", "uid", "state", "loops", "last exit", "bundle")
            found = client.containers()
            rows = [(c.slot, c.uid, c.state, c.loops, c.last_exit, c.sha256) for c in found]
        case "events":
            columns = ("number", "event")
            rows = client.events(since)[1]
        case "judge":
            columns = ("check", "holds", "problem")
            rows = client.judge(_read(subject), replaces=replaces)
            code = ExitCode.REFUSED if any(row[1] is False for row in rows) else code
        case _:
            _change(client, what, subject, confirm)
            if as_json:
                print_json({"done": what, "subject": show(subject)})
            else:
                click.echo(f"{what} {show(subject)}: done")
            return code
    if as_json:
        names = [column.replace(" ", "_") for column in columns]
        print_json({what: [dict(zip(names, row, strict=True)) for row in rows]})
    else:
        print_table(what, columns, rows)
    return code


def _change(client: Any, what: str, subject: str, confirm: int | None) -> None:
    from tinycontainer.agent.requests.bundles import find_uid_of_bundle  # noqa: PLC0415

    if what in ("load", "replace"):
        bundle = _read(subject)
        uid = find_uid_of_bundle(bundle)
        if uid is None:
            raise VerbRefused(f"{show(subject)}: is no bundle with readable metadata")
        if what == "load":
            client.load(uid, bundle)
        else:
            client.replace(uid, bundle, confirm)
    elif what == "delete":
        client.delete(subject.encode("utf-8", "surrogateescape"))
    else:
        client.order(subject.encode("utf-8", "surrogateescape"), what)


def _read(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            content = file.read(_MAX_BUNDLE_BYTES + 1)
    except OSError as error:
        problem = show(error.strerror or "")
        raise VerbRefused(f"{show(name)}: cannot be read: {problem}") from error
    if len(content) > _MAX_BUNDLE_BYTES:
        raise VerbRefused(f"{show(name)}: has more than {_MAX_BUNDLE_BYTES} bytes")
    return content
