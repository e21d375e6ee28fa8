"""What a served device tells: its operator, in lines or in JSON, and its supervisor."""

import json
from dataclasses import dataclass

import click

from tinycontainer.agent.requests.message import CoapAnswer, CoapRequest, Code
from tinycontainer.agent.supervision import READY, STOPPING, Supervisor
from tinycontainer.text import flatten, show
from tinycontainer.trace import Human, JsonLines, Sink

from ...verb import say


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells what happens.

    Attributes:
        supervisor: what has started the program, such as systemd.
        quiet: tell the operator nothing.
        as_json: tell everything in lines of JSON.
    """

    supervisor: Supervisor
    quiet: bool
    as_json: bool

    @property
    def sinks(self) -> list[Sink]:
        """Tell the events of the device."""
        if self.as_json:
            return [JsonLines(_write)]
        return [] if self.quiet else [Human(click.echo)]

    def asked(self, who: str, request: CoapRequest, answer: CoapAnswer) -> None:
        """Tell that somebody has asked; of what comes in blocks only when all have come.

        Args:
            who: the name of a peer; empty where all are one.
            request: what was asked.
            answer: what was answered.
        """
        if answer.code is Code.CONTINUE:
            return
        what = f"{request.method.name} {show_place(request)}"
        if self.as_json:
            told = {"event": "asked", "what": what, "code": answer.code.dotted}
            _write(json.dumps(told | ({"who": who} if who else {})) + "\n")
        elif not self.quiet:
            name = f"{who}: " if who else ""
            click.echo(f"{'':17}{name}{what}: {answer.code.dotted}")

    def ready(self, name: str, uri: str) -> None:
        """Tell that a device is served."""
        if self.as_json:
            _write(json.dumps({"event": "serving", "uri": uri}) + "\n")
        elif not self.quiet:
            click.echo(f"serving {name} at {uri}; Ctrl-C ends it")
        self._tell_supervisor(READY)

    def ending(self) -> None:
        """Tell that the device winds down."""
        self._tell_supervisor(STOPPING)

    def _tell_supervisor(self, state: str) -> None:
        try:
            self.supervisor.tell(state)
        except OSError as error:
            problem = flatten(error.strerror or str(error))
            say(f"warning: NOTIFY_SOCKET: {state} cannot be told: {problem}")


def show_place(request: CoapRequest) -> str:
    """Path and query of a request, fit to be shown."""
    path = show("/" + "/".join(request.path), 160)
    query = show("&".join(request.query), 80)
    return f"{path}{'?' if query else ''}{query}"


def _write(text: str) -> None:
    click.echo(text, nl=False)
