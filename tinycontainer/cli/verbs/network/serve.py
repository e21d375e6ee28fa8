"""``serve``: run a device in wall time, managed over CoAP."""

import asyncio
import json
import os
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.agent.requests.message import CoapAnswer, CoapRequest
from tinycontainer.agent.supervision import READY, STOPPING, Supervisor
from tinycontainer.assembly import Device, DevicePlan, Installation, boot, make_setup, read_plan
from tinycontainer.interfaces.clock import WallClock
from tinycontainer.state import MemoryState
from tinycontainer.text import flatten, show
from tinycontainer.trace import Human, JsonLines, Sink

from ...installation import with_installation
from ...options import json_option, path_argument
from ...verb import ExitCode, Verb, VerbRefused, say
from ..running.listeners import print_lines

_LOOPBACK: Final = ("[::1]", "127.0.0.1")


@click.command(cls=Verb)
@path_argument("device_file")
@click.option("--check", is_flag=True, help="Check the file and all it names; serve nothing.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@json_option
@with_installation
def serve(
    installation: Installation, /, device_file: Path, check: bool, quiet: bool, as_json: bool
) -> int:
    """Serve the device of DEVICE_FILE over CoAP, in wall time, until it is interrupted.

    Its table [agent] says where, and who may do what. SIGTERM and Ctrl-C let the containers end
    with their grace; a second one ends at once. With --json every event is a line. systemd is told
    when it is ready, and that it is alive.

    Example: tinycontainerctl serve device.toml --check
    """
    plan = read_plan(device_file)
    address = _find_address(plan)
    if check:
        _check(plan, installation)
        if not quiet:
            click.echo(f"{plan.name}: can be served at coap://{address}")
        return ExitCode.DONE
    _require_network()
    if plan.content.trust.allow_unsigned:
        say("warning: allow_unsigned is set: missing tokens are accepted")
    if not quiet:
        say(f"warning: {plan.name}: agent.insecure is set: who reaches coap://{address} may do all")
    return _serve(plan, installation, address, quiet=quiet, as_json=as_json)


def _find_address(plan: DevicePlan) -> Any:
    from tinycontainer.agent.address import Address  # noqa: PLC0415 - needs no network

    table = plan.content.agent
    if not table.insecure:
        raise plan.error(
            "agent.insecure",
            "nobody is known who may manage the device; write insecure = true in [agent] to let"
            " everybody on this machine do so",
        )
    try:
        address = Address.parse(table.bind or _default_host())
    except ValueError as error:
        raise plan.error("agent.bind", f"{show(table.bind or '')}: {error}") from None
    if not address.is_loopback:
        raise plan.error(
            "agent.bind",
            f"{address} can be reached from outside, and nothing is protected; use a loopback"
            " address such as [::1]:5683",
        )
    return address


def _default_host() -> str:
    """The loopback address of IPv6, or of IPv4 where that is off."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return _LOOPBACK[1]
    return _LOOPBACK[0]


def _check(plan: DevicePlan, installation: Installation) -> None:
    make_setup(plan, WallClock(), installation, is_reader=True)


def _require_network() -> None:
    try:
        import aiocoap  # noqa: F401, PLC0415 - an optional part
    except ImportError:
        raise VerbRefused(
            "aiocoap is not installed; it comes with: pip install 'tinycontainer[network]'"
        ) from None


def _serve(
    plan: DevicePlan, installation: Installation, address: Any, *, quiet: bool, as_json: bool
) -> int:
    from tinycontainer.agent.changes import Changes  # noqa: PLC0415 - aiocoap is optional
    from tinycontainer.agent.identity import DeviceId  # noqa: PLC0415
    from tinycontainer.agent.log_lines import few_log_lines  # noqa: PLC0415
    from tinycontainer.agent.requests.rights import Peers  # noqa: PLC0415
    from tinycontainer.agent.serving import Served  # noqa: PLC0415
    from tinycontainer.agent.serving import serve as serve_device  # noqa: PLC0415

    supervisor = _find_supervisor()
    changes = Changes()
    sinks: list[Sink] = [changes]
    if as_json:
        sinks.append(JsonLines(_write))
    elif not quiet:
        sinks.append(Human(click.echo))
    clock = WallClock()
    remembers = plan.content.state.file is not None
    show_line = print_lines(quiet=quiet or as_json)
    setup = make_setup(plan, clock, installation, show_line, remembers=remembers)
    state = setup.state or MemoryState()
    setup = replace(setup, state=state)
    device = Device(setup, clock, sinks)
    fixed = plan.content.device.id
    served = Served(
        device=device,
        setup=setup,
        state=state,
        changes=changes,
        device_id=DeviceId(None if fixed is None else fixed.encode(), state),
        peers=Peers({}, is_protected=False),
        when_asked=_tell_json if as_json else _ignore if quiet else _tell,
    )

    def when_ready() -> None:
        if as_json:
            _write(json.dumps({"event": "serving", "uri": f"coap://{address}"}) + "\n")
        elif not quiet:
            click.echo(f"serving {plan.name} at coap://{address}; Ctrl-C ends it")
        _tell_supervisor(supervisor, READY)

    def when_ending() -> None:
        _tell_supervisor(supervisor, STOPPING)

    try:
        boot(device, setup, plan)
        with few_log_lines(say, time.monotonic):
            serving = serve_device(served, address, when_ready, when_ending)
            asyncio.run(supervisor.watch(serving))
    except OSError as error:
        device.close(recording=False)
        problem = flatten(error.strerror or str(error))
        raise VerbRefused(f"coap://{address}: cannot be used: {problem}") from error
    except BaseException:
        device.close(recording=False)
        raise
    device.end_trace()
    device.close()
    return ExitCode.DONE


def _find_supervisor() -> Supervisor:
    try:
        return Supervisor.find(os.environ, os.getpid())
    except ValueError as error:
        raise VerbRefused(str(error)) from None


def _tell_supervisor(supervisor: Supervisor, state: str) -> None:
    try:
        supervisor.tell(state)
    except OSError as error:
        problem = flatten(error.strerror or str(error))
        say(f"warning: NOTIFY_SOCKET: {state} cannot be told: {problem}")


def _write(text: str) -> None:
    click.echo(text, nl=False)


def _ignore(_request: CoapRequest, _answer: CoapAnswer) -> None:
    pass


def _tell(request: CoapRequest, answer: CoapAnswer) -> None:
    click.echo(f"{'':17}{_describe(request)}: {answer.code.dotted}")


def _tell_json(request: CoapRequest, answer: CoapAnswer) -> None:
    asked = {"event": "asked", "what": _describe(request), "code": answer.code.dotted}
    _write(json.dumps(asked) + "\n")


def _describe(request: CoapRequest) -> str:
    path = show("/" + "/".join(request.path), 160)
    query = show("&".join(request.query), 80)
    return f"{request.method.name} {path}{'?' if query else ''}{query}"
