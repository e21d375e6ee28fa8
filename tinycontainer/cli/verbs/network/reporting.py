"""What `serve` reports: to its operator, in lines or in JSON, and to its supervisor."""

import json
from dataclasses import dataclass

import click

from tinycontainer.network.agent.requests.message import CoapAnswer, CoapRequest, Code
from tinycontainer.network.agent.supervision import READY, STOPPING, Supervisor
from tinycontainer.symbols.places import Symbolizer
from tinycontainer.symbols.symbol_directory import Symbols
from tinycontainer.text import flatten, show
from tinycontainer.trace import Human, JsonLines, Sink

from ...verb import say


@dataclass(frozen=True, slots=True)
class ServeReporter:
    """Reports what happens on a served device.

    Attributes:
        supervisor: has started the program, such as systemd.
        quiet: report nothing to the operator.
        as_json: report everything in lines of JSON.
        symbols: debug files, for the places of traps.
    """

    supervisor: Supervisor
    quiet: bool
    as_json: bool
    symbols: Symbols

    @property
    def sinks(self) -> list[Sink]:
        """Report the events of the device."""
        if self.as_json:
            return [JsonLines(_write)]
        if self.quiet:
            return []
        symbolizer = Symbolizer(self.symbols)
        return [symbolizer, Human(click.echo, symbolizer.describe)]

    def report_request(self, who: str, request: CoapRequest, answer: CoapAnswer) -> None:
        """Report a request; one that comes in blocks only after its last block.

        Args:
            who: the name of a peer; empty where all are one.
            request: what was asked.
            answer: what was answered.
        """
        if answer.code is Code.CONTINUE:
            return
        what = f"{request.method.name} {show_place(request)}"
        if self.as_json:
            line = {"event": "asked", "what": what, "code": answer.code.dotted}
            _write(json.dumps(line | ({"who": who} if who else {})) + "\n")
        elif not self.quiet:
            name = f"{who}: " if who else ""
            click.echo(f"{'':17}{name}{what}: {answer.code.dotted}")

    def report_ready(self, name: str, uri: str) -> None:
        """Report that a device is served."""
        if self.as_json:
            _write(json.dumps({"event": "serving", "uri": uri}) + "\n")
        elif not self.quiet:
            click.echo(f"serving {name} at {uri}; Ctrl-C ends it")
        self._notify_supervisor(READY)

    def report_sleep(self, awake_s: int, sleep_s: int) -> None:
        """Report that a device sleeps, for how long, and for how long it is awake in between."""
        if self.as_json:
            line = {"event": "sleeping", "awake_s": awake_s, "sleep_s": sleep_s}
            _write(json.dumps(line) + "\n")
        elif not self.quiet:
            click.echo(f"{'':17}it sleeps for {sleep_s} s whenever nobody asked for {awake_s} s")

    def report_registration(self, directory: str, problem: str) -> None:
        """Report a change: a device is registered, or is not.

        Args:
            directory: URI of the gateway.
            problem: why it is not; empty if it is.
        """
        if self.as_json:
            state = "lost" if problem else "registered"
            line = {"event": "registration", "state": state, "directory": directory}
            _write(json.dumps(line | {"problem": problem}) + "\n")
        elif not self.quiet:
            what = f"not registered at {directory}: {problem}"
            click.echo(f"{'':17}{what if problem else f'registered at {directory}'}")

    def report_ending(self) -> None:
        """Report that the device winds down."""
        self._notify_supervisor(STOPPING)

    def _notify_supervisor(self, state: str) -> None:
        try:
            self.supervisor.notify(state)
        except OSError as error:
            problem = flatten(error.strerror or str(error))
            say(f"warning: NOTIFY_SOCKET: {state} cannot be sent: {problem}")


def show_place(request: CoapRequest) -> str:
    """Path and query of a request, fit to be shown."""
    path = show("/" + "/".join(request.path), 160)
    query = show("&".join(request.query), 80)
    return f"{path}{'?' if query else ''}{query}"


def _write(text: str) -> None:
    click.echo(text, nl=False)
