"""What the operator wishes of a device: checked, carried out, and printed."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.agent.operator.answers import SeenContainer
from tinycontainer.agent.operator.client import Client, Requests
from tinycontainer.agent.operator.published_client import PublishedClient
from tinycontainer.agent.published import Action
from tinycontainer.errors import MetadataError
from tinycontainer.files.fields import check_uid, uid_from_text
from tinycontainer.metadata import Bundle, decode
from tinycontainer.text import show

from ...printing import print_json, print_table
from ...verb import ExitCode, VerbRefused

_WITH_SUBJECT: Final = {
    "show": "uid", "load": "bundle", "replace": "bundle", "reconfigure": "file", "judge": "bundle",
    "start": "uid", "stop": "uid", "kill": "uid", "delete": "uid",
}  # fmt: skip
_WITHOUT: Final = ("ls", "watch", "events")
WHATS: Final = (*_WITHOUT, "id", *_WITH_SUBJECT)
_IN_VERSION_1: Final = ("show", "load", "start", "stop", "delete", "id")
_BELONGS_TO: Final = {
    "--confirm": ("replace",), "--replaces": ("judge",), "--since": ("events",),
    "--follow": ("events",),
}  # fmt: skip
_MAX_BUNDLE_BYTES: Final = 64 << 20
_COLUMNS: Final = ("slot", "uid", "state", "loops", "last exit", "bundle")


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line.

    Attributes:
        what: which request.
        subject: a file, a uid or an identifier; empty if there is none.
        replaces: judge as the successor of what is loaded.
        confirm_ms: within which a new version completes a loop.
        since: the number above which events are shown.
        follow: whether to go on.
        v1: whether in version 1.
        as_json: whether to print JSON.
    """

    what: str
    subject: str
    replaces: bool
    confirm_ms: int | None
    since: int
    follow: bool
    v1: bool
    as_json: bool

    def parse_uid(self) -> bytes:
        """The subject as a uid, in the form that all verbs take.

        Raises:
            VerbRefused: it is none.
        """
        try:
            return uid_from_text(check_uid(self.subject))
        except UnicodeEncodeError:
            problem = "is no UTF-8 text; write hex: and the digits of the uid"
        except ValueError as error:
            problem = f"is no uid: {error}"
        raise VerbRefused(f"{show(self.subject)}: {problem}")

    @property
    def identifier(self) -> bytes:
        """The subject as an identifier of a device; any bytes."""
        return self.subject.encode("utf-8", "surrogateescape")

    def require_fitting(self) -> None:
        """Refuse what does not go together, and what is no uid.

        Raises:
            UsageError: options or arguments do not go together.
            VerbRefused: the subject is no uid where there must be one.
        """
        given = {
            "--confirm": self.confirm_ms is not None,
            "--replaces": self.replaces,
            "--since": self.since > 0,
            "--follow": self.follow,
        }
        for name, whats in _BELONGS_TO.items():
            if given[name] and self.what not in whats:
                raise click.UsageError(f"{name} belongs to {' and '.join(whats)}")
        if self.what in _WITH_SUBJECT and not self.subject:
            raise click.UsageError(f"{self.what} takes one SUBJECT: a {_WITH_SUBJECT[self.what]}")
        if self.what in _WITHOUT and self.subject:
            raise click.UsageError(f"{self.what} takes no SUBJECT")
        if _WITH_SUBJECT.get(self.what) == "uid":
            self.parse_uid()
        if self.v1 and self.what not in _IN_VERSION_1:
            raise click.UsageError(f"version 1 has no {self.what}; leave --v1 out")


def carry_out(wish: Wish, requests: Requests) -> ExitCode:
    """Ask for what is wished, and print what is answered.

    Raises:
        VerbRefused: a file cannot be used.
        DeviceRefused: the device refuses it.
        Unreachable: the device does not answer.
        AnswerUnreadable: the answer is not what it should be.
    """
    client = Client(requests)
    code = ExitCode.DONE
    match wish.what:
        case "watch":
            _watch(client, wish)
        case "events" if wish.follow:
            for number, event in client.follow(wish.since):
                click.echo(_json_line(number=number, event=event) if wish.as_json else event)
        case "id":
            _identify(client, wish)
        case "show" if wish.v1:
            _show_published(PublishedClient(requests), wish)
        case "ls":
            _print(wish, _COLUMNS, [_row(each) for each in client.containers()])
        case "show":
            _print(wish, _COLUMNS, [_row(client.container(wish.parse_uid()))])
        case "events":
            _print(wish, ("number", "event"), client.events(wish.since)[1])
        case "judge":
            rows = client.judge(_read(wish.subject), replaces=wish.replaces)
            _print(wish, ("check", "holds", "problem"), rows)
            code = ExitCode.REFUSED if any(row[1] is False for row in rows) else code
        case _ if wish.v1:
            _change_published(PublishedClient(requests), wish)
        case _:
            _change(client, wish)
    return code


def _change(client: Client, wish: Wish) -> None:
    match wish.what:
        case "load":
            content = _read(wish.subject)
            client.load(_uid_of_bundle(wish.subject, content), content)
        case "replace":
            content = _read(wish.subject)
            uid = _uid_of_bundle(wish.subject, content)
            client.replace(uid, content, wish.confirm_ms)
        case "reconfigure":
            metadata = _read_metadata(wish.subject)
            client.reconfigure(_uid_of(wish.subject, metadata), metadata)
        case "delete":
            client.delete(wish.parse_uid())
        case verb:
            client.order(wish.parse_uid(), verb)
    _say_done(wish)


def _change_published(client: PublishedClient, wish: Wish) -> None:
    if wish.what == "load":
        bundle = _decode_bundle(wish.subject, _read(wish.subject))
        client.load(bundle.metadata, bundle.data, bundle.code)
    else:
        client.order(wish.parse_uid(), Action[wish.what.upper()])
    _say_done(wish)


def _identify(client: Client, wish: Wish) -> None:
    if wish.subject:
        client.set_device_id(wish.identifier)
        _say_done(wish)
        return
    identifier = show(client.device_id(), 64)
    if wish.as_json:
        print_json({"id": identifier})
    else:
        click.echo(identifier)


def _show_published(client: PublishedClient, wish: Wish) -> None:
    uid = wish.parse_uid()
    is_running = client.is_running(uid)
    if wish.as_json:
        print_json({"uid": show(uid), "running": is_running})
    else:
        click.echo(f"{show(uid)}: {'running' if is_running else 'not running, or not there'}")


def _watch(client: Client, wish: Wish) -> None:
    """Print each container that is new or has changed, and the uids that are gone."""
    before: dict[str, SeenContainer] = {}
    for containers in client.watch():
        now = {each.uid: each for each in containers}
        lines = [(uid, None) for uid in before if uid not in now]
        changed = [(uid, each) for uid, each in now.items() if before.get(uid) != each]
        for uid, each in (*lines, *changed):
            click.echo(_describe_change(uid, each, as_json=wish.as_json))
        before = now


def _describe_change(uid: str, seen: SeenContainer | None, *, as_json: bool) -> str:
    if seen is None:
        return _json_line(uid=uid, state="GONE") if as_json else f"{uid}: GONE"
    if as_json:
        return _json_line(**dict(zip(_names(_COLUMNS), _row(seen), strict=True)))
    last = f", last exit: {seen.last_exit}" if seen.last_exit else ""
    return f"{uid}: {seen.state}, {seen.loops} loops{last}"


def _row(seen: SeenContainer) -> tuple[Any, ...]:
    return seen.slot, seen.uid, seen.state, seen.loops, seen.last_exit, seen.sha256


def _names(columns: Iterable[str]) -> list[str]:
    return [column.replace(" ", "_") for column in columns]


def _print(wish: Wish, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    if wish.as_json:
        names = _names(columns)
        print_json({wish.what: [dict(zip(names, row, strict=True)) for row in rows]})
    else:
        print_table(wish.what, columns, rows)


def _say_done(wish: Wish) -> None:
    if wish.as_json:
        print_json({"done": wish.what, "subject": show(wish.subject)})
    else:
        click.echo(f"{wish.what} {show(wish.subject)}: done")


def _json_line(**values: Any) -> str:
    return json.dumps(values)


def _decode_bundle(name: str, content: bytes) -> Bundle:
    try:
        return Bundle.decode(content, len(content))
    except MetadataError as error:
        raise VerbRefused(f"{show(name)}: is no bundle: {error}") from error


def _read_metadata(name: str) -> bytes:
    """The metadata of a bundle, or metadata by itself."""
    content = _read(name)
    try:
        return Bundle.decode(content, len(content)).metadata
    except MetadataError:
        return content


def _uid_of_bundle(name: str, content: bytes) -> bytes:
    return _uid_of(name, _decode_bundle(name, content).metadata)


def _uid_of(name: str, metadata: bytes) -> bytes:
    try:
        return decode(metadata, len(metadata)).uid
    except MetadataError as error:
        raise VerbRefused(f"{show(name)}: its metadata cannot be read: {error}") from error


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
