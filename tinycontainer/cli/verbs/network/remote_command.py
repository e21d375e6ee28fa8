"""What an operator asks of a device: checked, carried out, and printed."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.errors import MetadataError
from tinycontainer.files.fields import check_uid, uid_from_text
from tinycontainer.metadata import Bundle, decode
from tinycontainer.network.agent.operator.answers import SeenContainer, SeenUpdate
from tinycontainer.network.agent.operator.client import Client, Requests
from tinycontainer.network.agent.operator.published_client import PublishedClient
from tinycontainer.network.agent.requests.published_table import Action
from tinycontainer.text import show
from tinycontainer_tokens.envelope import MAX_TOKEN_BYTES

from ...keys import read_evidence_key
from ...printing import print_json, print_table
from ...verb import ExitCode, VerbRefused
from .remote_evidence import NONCE_BYTES, show_evidence
from .seen_containers import describe_change, print_containers

_WITH_SUBJECT: Final = {
    "show": "uid", "load": "bundle", "replace": "bundle", "reconfigure": "file", "judge": "bundle",
    "update": "envelope", "start": "uid", "stop": "uid", "kill": "uid", "delete": "uid",
    "withdraw": "uid",
}  # fmt: skip
_WITHOUT: Final = ("ls", "watch", "events", "last-update")
WHATS: Final = (*_WITHOUT, "id", "evidence", *_WITH_SUBJECT)
_IN_VERSION_1: Final = ("show", "load", "start", "stop", "delete", "id")
_BELONGS_TO: Final = {
    "--confirm": ("replace",), "--replaces": ("judge",), "--since": ("events",),
    "--follow": ("events",), "--key": ("evidence",),
}  # fmt: skip
_FETCHING: Final = "fetching"
_MAX_BUNDLE_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class RemoteCommand:
    """What the command line of ``remote`` asks for.

    Attributes:
        what: which request.
        subject: a file, a uid or an identifier; empty if there is none.
        token_file: of a withdrawal; empty if there is none.
        replaces: judge a bundle as the replacement of a loaded container.
        confirm_ms: time within which a new version must complete a loop.
        since: the number above which events are shown.
        follow: whether to go on with new events.
        v1: whether to use version 1.
        as_json: whether to print JSON.
        key_file: public key of the device, for evidence.
    """

    what: str
    subject: str
    token_file: str
    replaces: bool
    confirm_ms: int | None
    since: int
    follow: bool
    v1: bool
    as_json: bool
    key_file: Path | None

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
            "--key": self.key_file is not None,
        }
        for name, whats in _BELONGS_TO.items():
            if given[name] and self.what not in whats:
                raise click.UsageError(f"{name} belongs to {' and '.join(whats)}")
        if self.what in _WITH_SUBJECT and not self.subject:
            raise click.UsageError(f"{self.what} takes one SUBJECT: a {_WITH_SUBJECT[self.what]}")
        if self.what in _WITHOUT and self.subject:
            raise click.UsageError(f"{self.what} takes no SUBJECT")
        if (self.what == "withdraw") != bool(self.token_file):
            raise click.UsageError("withdraw, and nothing else, takes a TOKENFILE after the uid")
        if self.what == "evidence" and self.key_file is None:
            raise click.UsageError("evidence needs --key, the public key of the device")
        if _WITH_SUBJECT.get(self.what) == "uid" or (self.what == "evidence" and self.subject):
            self.parse_uid()
        if self.v1 and self.what not in _IN_VERSION_1:
            raise click.UsageError(f"version 1 has no {self.what}; leave --v1 out")


def carry_out(command: RemoteCommand, requests: Requests) -> ExitCode:
    """Send the requests of a command, and print the answers.

    Raises:
        VerbRefused: a file cannot be used.
        DeviceRefused: the device refuses it.
        Unreachable: the device does not answer.
        AnswerUnreadable: the answer has another form than the specification says.
    """
    client = Client(requests)
    code = ExitCode.DONE
    match command.what:
        case "watch":
            _watch(client, command)
        case "events" if command.follow:
            for number, event in client.follow(command.since):
                click.echo(_json_line(number=number, event=event) if command.as_json else event)
        case "id":
            _identify(client, command)
        case "evidence" if command.key_file is not None:
            uid = command.parse_uid() if command.subject else None
            key, nonce = read_evidence_key(command.key_file), requests.random_bytes(NONCE_BYTES)
            show_evidence(client, key, command.key_file, nonce, uid, as_json=command.as_json)
        case "show" if command.v1:
            _show_published(PublishedClient(requests), command)
        case "ls":
            print_containers(command.what, client.containers(), as_json=command.as_json)
        case "show":
            container = client.container(command.parse_uid())
            print_containers(command.what, [container], as_json=command.as_json)
        case "events":
            _print(command, ("number", "event"), client.events(command.since)[1])
        case "last-update":
            code = _show_update(client.last_update(), command)
        case "update":
            code = _update(client, command)
        case "judge":
            rows = client.judge(_read(command.subject), replaces=command.replaces)
            _print(command, ("check", "holds", "problem"), rows)
            code = ExitCode.REFUSED if any(row[1] is False for row in rows) else code
        case _ if command.v1:
            _change_published(PublishedClient(requests), command)
        case _:
            _change(client, command)
    return code


def _change(client: Client, command: RemoteCommand) -> None:
    match command.what:
        case "load":
            content = _read(command.subject)
            client.load(_uid_of_bundle(command.subject, content), content)
        case "replace":
            content = _read(command.subject)
            uid = _uid_of_bundle(command.subject, content)
            client.replace(uid, content, command.confirm_ms)
        case "reconfigure":
            metadata = _read_metadata(command.subject)
            client.reconfigure(_uid_of(command.subject, metadata), metadata)
        case "delete":
            client.delete(command.parse_uid())
        case "withdraw":
            client.withdraw(command.parse_uid(), _read(command.token_file, MAX_TOKEN_BYTES))
        case verb:
            client.order(command.parse_uid(), verb)
    _say_done(command)


def _update(client: Client, command: RemoteCommand) -> ExitCode:
    """Apply an envelope, and wait until the device has fetched what it does not carry."""
    client.update(_read(command.subject))
    found = client.last_update()
    if found.state == _FETCHING:
        found = next(each for each in client.follow_update() if each.state != _FETCHING)
    return _show_update(found, command)


def _show_update(found: SeenUpdate, command: RemoteCommand) -> ExitCode:
    if command.as_json:
        print_json({"update": asdict(found)})
    else:
        about = f" {found.sequence} of {', '.join(found.uids)}" if found.uids else ""
        why = f": {found.reason}: {found.problem}" if found.reason else ""
        click.echo(f"update{about}: {found.state}{why}")
    return ExitCode.REFUSED if found.reason else ExitCode.DONE


def _change_published(client: PublishedClient, command: RemoteCommand) -> None:
    if command.what == "load":
        bundle = _decode_bundle(command.subject, _read(command.subject))
        client.load(bundle.metadata, bundle.data, bundle.code)
    else:
        client.order(command.parse_uid(), Action[command.what.upper()])
    _say_done(command)


def _identify(client: Client, command: RemoteCommand) -> None:
    if command.subject:
        client.set_device_id(command.identifier)
        _say_done(command)
        return
    identifier = show(client.device_id(), 64)
    if command.as_json:
        print_json({"id": identifier})
    else:
        click.echo(identifier)


def _show_published(client: PublishedClient, command: RemoteCommand) -> None:
    uid = command.parse_uid()
    is_running = client.is_running(uid)
    if command.as_json:
        print_json({"uid": show(uid), "running": is_running})
    else:
        click.echo(f"{show(uid)}: {'running' if is_running else 'not running, or not there'}")


def _watch(client: Client, command: RemoteCommand) -> None:
    """Print each container that is new or has changed, and the uids that are gone."""
    before: dict[str, SeenContainer] = {}
    for containers in client.watch():
        now = {each.uid: each for each in containers}
        lines = [(uid, None) for uid in before if uid not in now]
        changed = [(uid, each) for uid, each in now.items() if each.differs_from(before.get(uid))]
        for uid, each in (*lines, *changed):
            click.echo(describe_change(uid, each, as_json=command.as_json))
        before = now


def _names(columns: Iterable[str]) -> list[str]:
    return [column.replace(" ", "_") for column in columns]


def _print(
    command: RemoteCommand, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
) -> None:
    if command.as_json:
        names = _names(columns)
        print_json({command.what: [dict(zip(names, row, strict=True)) for row in rows]})
    else:
        print_table(command.what, columns, rows)


def _say_done(command: RemoteCommand) -> None:
    if command.as_json:
        print_json({"done": command.what, "subject": show(command.subject)})
    else:
        click.echo(f"{command.what} {show(command.subject)}: done")


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


def _read(name: str, most_bytes: int = _MAX_BUNDLE_BYTES) -> bytes:
    try:
        with Path(name).open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        problem = show(error.strerror or "")
        raise VerbRefused(f"{show(name)}: cannot be read: {problem}") from error
    if len(content) > most_bytes:
        raise VerbRefused(f"{show(name)}: has more than {most_bytes} bytes")
    return content
