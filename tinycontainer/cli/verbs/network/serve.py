"""``serve``: run a device in wall time, managed over CoAP."""

import asyncio
import os
import socket
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.assembly import DevicePlan, Installation, boot, make_setup, read_plan
from tinycontainer.interfaces.clock import WallClock
from tinycontainer.network.agent.presence import RegistrationTerms, Rhythm
from tinycontainer.network.agent.requests.message import CoapAnswer, CoapRequest
from tinycontainer.network.agent.supervision import Supervisor
from tinycontainer.state import MemoryState
from tinycontainer.text import flatten, show

from ...installation import with_installation
from ...options import json_option, path_argument
from ...printing import print_json
from ...symbols import open_symbols, symbols_option
from ...verb import ExitCode, Verb, VerbRefused, say
from ..running.listeners import print_lines
from ..running.taping import NoTape
from .known_peers import make_peers, read_proofs
from .reporting import ServeReporter, show_place
from .requirements import require_network
from .tape_options import TapeOptions, tape_options

_LOOPBACK: Final = ("[::1]", "127.0.0.1")


@click.command(cls=Verb)
@path_argument("device_file")
@click.option("--check", is_flag=True, help="Check the file and all it names; serve nothing.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@symbols_option
@tape_options
@json_option
@with_installation
def serve(
    installation: Installation,
    /,
    device_file: Path,
    check: bool,
    quiet: bool,
    symbol_directory: Path | None,
    recording: TapeOptions,
    as_json: bool,
) -> int:
    """Serve the device of DEVICE_FILE over CoAP, in wall time, until it is interrupted.

    Its table [agent] says where, and who may do what. SIGTERM and Ctrl-C let the containers end
    with their grace; a second one ends at once. With --json every event is a line. It notifies
    systemd when it is ready, and that it is alive.

    Example: tinycontainerctl serve device.toml --check
    """
    recording.check(check=check)
    plan = read_plan(device_file)
    address = _find_address(plan)
    if check:
        _check(plan, installation)
        if as_json:
            print_json({"file": plan.name, "uri": f"coap://{address}"})
        elif not quiet:
            click.echo(f"{plan.name}: can be served at coap://{address}")
        return ExitCode.DONE
    require_network()
    if plan.content.trust.allow_unsigned:
        say("warning: allow_unsigned is set: missing tokens are accepted")
    if plan.content.agent.insecure and not quiet:
        problem = f"agent.insecure is set: everybody who reaches coap://{address} may do all"
        say(f"warning: {plan.name}: {problem}")
    from tinycontainer.interfaces.network.oscore import open_context  # noqa: PLC0415
    from tinycontainer.network.agent.protection import Protection  # noqa: PLC0415 - aiocoap is optional

    proofs = read_proofs(plan)
    with ExitStack() as held:
        contexts = {
            name: held.enter_context(open_context(context))
            for name, context in proofs.contexts.items()
        }
        tape = held.enter_context(recording.opened())
        protection = Protection(contexts, proofs.identity, proofs.credentials)
        reporter = ServeReporter(
            _find_supervisor(), quiet, as_json, open_symbols(symbol_directory, at_once=True)
        )
        _serve(plan, installation, address, protection, tape, reporter)
    if tape.cut:
        say(f"warning: {tape.cut}")
    return ExitCode.DONE


def _find_address(plan: DevicePlan) -> Any:
    from tinycontainer.network.agent.address import Address  # noqa: PLC0415 - needs no network

    table = plan.content.agent
    if not table.insecure and not table.peers:
        raise plan.error(
            "agent.peers",
            "nobody may manage the device; write a table [[agent.peers]] with name,"
            " context and rights, or insecure = true in [agent] to let everybody on this machine",
        )
    try:
        address = Address.parse(table.bind or _default_host())
    except ValueError as error:
        raise plan.error("agent.bind", f"{show(table.bind or '')}: {error}") from None
    if table.insecure and not address.is_loopback:
        raise plan.error(
            "agent.bind",
            f"{address} can be reached from outside, and nothing is protected; write"
            " [[agent.peers]] instead of insecure, or use a loopback address such as [::1]:5683",
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
    read_proofs(plan)
    make_setup(plan, WallClock(), installation, is_reader=True)


def _find_registration(plan: DevicePlan) -> RegistrationTerms | None:
    table = plan.content.agent.registration
    if table is None:
        return None
    rhythm = Rhythm(table.lifetime_s, table.sleep_s, table.awake_s)
    return RegistrationTerms(table.directory, table.name, table.peer, rhythm)


def _serve(
    plan: DevicePlan,
    installation: Installation,
    address: Any,
    protection: Any,
    tape: NoTape,
    reporter: ServeReporter,
) -> None:
    from tinycontainer.network.agent.changes import Changes  # noqa: PLC0415 - aiocoap is optional
    from tinycontainer.network.agent.identity import DeviceId  # noqa: PLC0415
    from tinycontainer.network.agent.log_lines import few_log_lines  # noqa: PLC0415
    from tinycontainer.network.agent.serving import Served  # noqa: PLC0415
    from tinycontainer.network.agent.serving import serve as serve_device  # noqa: PLC0415

    changes = Changes()
    clock = WallClock()
    remembers = plan.content.state.file is not None
    show_line = tape.show_line(print_lines(quiet=reporter.quiet or reporter.as_json))
    setup = make_setup(plan, clock, installation, show_line, remembers=remembers)
    state = setup.state or MemoryState()
    setup = replace(setup, state=state, symbols=reporter.symbols)
    device = tape.device(plan, setup, clock, [changes, *reporter.sinks])
    fixed = plan.content.device.id
    peers = make_peers(plan)
    registration = _find_registration(plan)

    def when_asked(request: CoapRequest, answer: CoapAnswer) -> None:
        peer = peers.find(request.peer)
        who = None if peer is None else peer.name
        tape.note_request(who, request.method.name, show_place(request), answer.code.dotted)
        reporter.report_request((who or "") if peers.is_protected else "", request, answer)

    served = Served(
        device=device,
        setup=setup,
        state=state,
        changes=changes,
        device_id=DeviceId(None if fixed is None else fixed.encode(), state),
        peers=peers,
        protection=protection,
        when_asked=when_asked,
        updater=device.updater,
        registration=registration,
        when_registered=reporter.report_registration,
    )

    def when_ready() -> None:
        reporter.report_ready(plan.name, f"coap://{address}")
        if registration is not None and registration.rhythm.sleep_s:
            reporter.report_sleep(registration.rhythm.awake_s, registration.rhythm.sleep_s)

    try:
        boot(device, setup, plan)
        with few_log_lines(say, time.monotonic):
            serving = serve_device(served, address, when_ready, reporter.report_ending)
            asyncio.run(reporter.supervisor.watch(serving))
    except OSError as error:
        device.close(recording=False)
        tape.raise_failure()
        problem = flatten(error.strerror or str(error))
        raise VerbRefused(f"coap://{address}: cannot be used: {problem}") from error
    except BaseException:
        device.close(recording=False)
        raise
    device.end_trace()
    device.close()


def _find_supervisor() -> Supervisor:
    try:
        return Supervisor.find(os.environ, os.getpid())
    except ValueError as error:
        raise VerbRefused(str(error)) from None
