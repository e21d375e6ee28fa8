"""``serve``: run a device in wall time, managed over CoAP."""

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tinycontainer.assembly import (
    DevicePlan,
    Installation,
    boot,
    make_setup,
    read_evidence_key,
    read_plan,
)
from tinycontainer.interfaces.clock import WallClock
from tinycontainer.network.agent.address import Address
from tinycontainer.network.agent.ending import Ending, until_interrupted
from tinycontainer.network.agent.known_peers import read_proofs
from tinycontainer.network.agent.requests.message import CoapAnswer, CoapRequest
from tinycontainer.network.agent.served_plan import find_address
from tinycontainer.network.agent.supervision import Supervisor
from tinycontainer.state import MemoryState
from tinycontainer.text import flatten

from ...installation import with_installation
from ...options import json_option, path_argument
from ...printing import print_json
from ...symbols import open_symbols, symbols_option
from ...verb import ExitCode, Verb, VerbRefused, say
from ..running.listeners import print_lines
from ..running.taping import NoTape
from .reporting import ServeReporter, show_place
from .requirements import require_network
from .tape_options import TapeOptions, tape_options


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
    address = find_address(plan)
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
    from tinycontainer.network.agent.making import opened_protection  # noqa: PLC0415 - aiocoap is optional

    with opened_protection(plan) as protection, recording.opened() as tape:
        reporter = ServeReporter(
            _find_supervisor(), quiet, as_json, open_symbols(symbol_directory, at_once=True)
        )
        _serve(plan, installation, address, protection, tape, reporter)
    if tape.cut:
        say(f"warning: {tape.cut}")
    return ExitCode.DONE


def _check(plan: DevicePlan, installation: Installation) -> None:
    read_proofs(plan)
    setup = make_setup(plan, WallClock(), installation, is_reader=True)
    read_evidence_key(plan, setup.trust, setup.update_rules)


def _serve(
    plan: DevicePlan,
    installation: Installation,
    address: Address,
    protection: Any,
    tape: NoTape,
    reporter: ServeReporter,
) -> None:
    from tinycontainer.network.agent.changes import Changes  # noqa: PLC0415 - aiocoap is optional
    from tinycontainer.network.agent.log_lines import few_log_lines  # noqa: PLC0415
    from tinycontainer.network.agent.making import make_served  # noqa: PLC0415
    from tinycontainer.network.agent.serving import serve as serve_device  # noqa: PLC0415

    changes = Changes()
    clock = WallClock()
    remembers = plan.content.state.file is not None
    show_line = tape.show_line(print_lines(quiet=reporter.quiet or reporter.as_json))
    setup = make_setup(plan, clock, installation, show_line, remembers=remembers)
    state = setup.state or MemoryState()
    setup = replace(setup, state=state, symbols=reporter.symbols)
    device = tape.device(plan, setup, clock, [changes, *reporter.sinks])

    def when_asked(request: CoapRequest, answer: CoapAnswer) -> None:
        peer = served.peers.find(request.peer)
        who = None if peer is None else peer.name
        tape.note_request(who, request.method.name, show_place(request), answer.code.dotted)
        reporter.report_request((who or "") if served.peers.is_protected else "", request, answer)

    served = make_served(
        plan, device, setup, state, changes, protection, when_asked, reporter.report_registration
    )

    def when_ready() -> None:
        reporter.report_ready(plan.name, f"coap://{address}")
        registration = served.registration
        if registration is not None and registration.rhythm.sleep_s:
            reporter.report_sleep(registration.rhythm.awake_s, registration.rhythm.sleep_s)

    async def serve_until_ending(ending: Ending) -> None:
        serving = serve_device(served, address, ending, when_ready, reporter.report_ending)
        await reporter.supervisor.watch(serving)

    try:
        boot(device, setup, plan)
        with few_log_lines(say, time.monotonic):
            asyncio.run(until_interrupted(serve_until_ending))
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
