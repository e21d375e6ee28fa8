"""``gateway``: serve devices to the web: CoAP on one side, HTTP on the other."""

import asyncio
import json
import resource
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import click

from tinycontainer.interfaces.network.security_context import SecurityContext
from tinycontainer.network.agent.ending import until_interrupted
from tinycontainer.network.agent.log_lines import few_log_lines
from tinycontainer.network.gateway.gateway_file import GatewayPlan, read_gateway_file
from tinycontainer.network.gateway.named_files import read_contexts
from tinycontainer.text import flatten

from ...options import json_option, path_argument
from ...printing import print_json
from ...verb import ExitCode, Verb, VerbRefused, say
from .requirements import require_gateway


@click.command(cls=Verb)
@path_argument("gateway_file")
@click.option("--check", is_flag=True, help="Check the file and all it names; serve nothing.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@json_option
def gateway(gateway_file: Path, check: bool, quiet: bool, as_json: bool) -> int:
    """Serve the devices of GATEWAY_FILE over HTTP, until it is interrupted.

    Devices register with it over CoAP; whoever has a token asks it over HTTP, and it asks the
    devices, or waits for those that sleep. SIGTERM and Ctrl-C end it; what it has acknowledged is
    in its state file.

    Example: tinycontainerctl gateway gateway.toml --check
    """
    plan = read_gateway_file(gateway_file)
    contexts = read_contexts(plan)
    places = {"http": _web_uri(plan), "coap": f"coap://{plan.coap}"}
    if check:
        if as_json:
            print_json({"file": plan.name, **places})
        elif not quiet:
            click.echo(f"{plan.name}: can be served at {places['http']} and {places['coap']}")
        return ExitCode.DONE
    require_gateway()
    if not quiet:
        _warn(plan)

    def when_ready() -> None:
        if as_json:
            click.echo(json.dumps({"event": "serving", **places}))
        elif not quiet:
            click.echo(f"serving {places['http']} and {places['coap']}; Ctrl-C ends it")

    _serve(plan, contexts, when_ready)
    return ExitCode.DONE


def _web_uri(plan: GatewayPlan) -> str:
    scheme = "http" if plan.content.http.certificate is None else "https"
    return f"{scheme}://{plan.http}"


def _warn(plan: GatewayPlan) -> None:
    if plan.content.http.insecure:
        problem = f"everybody who reaches {_web_uri(plan)} may do everything"
        say(f"warning: {plan.name}: http.insecure is set: {problem}")
    if plan.content.coap.insecure:
        problem = f"every device that reaches coap://{plan.coap} may register"
        say(f"warning: {plan.name}: coap.insecure is set: {problem}")


def _serve(
    plan: GatewayPlan, contexts: Mapping[str, SecurityContext], when_ready: Callable[[], None]
) -> None:
    # aiocoap and the web server are optional parts.
    from tinycontainer.interfaces.network.oscore import open_contexts  # noqa: PLC0415
    from tinycontainer.network.gateway.gateway import (  # noqa: PLC0415
        ServedGateway,
        serve_gateway,
    )

    _let_open_many_files()
    with open_contexts(contexts) as opened, few_log_lines(say, time.monotonic):
        try:
            served = ServedGateway(plan, opened, when_ready)
            asyncio.run(until_interrupted(lambda ending: serve_gateway(served, ending)))
        except OSError as error:
            problem = flatten(error.strerror or str(error))
            places = f"{_web_uri(plan)} or coap://{plan.coap}"
            raise VerbRefused(f"{places}: cannot be used: {problem}") from error


def _let_open_many_files() -> None:
    """Take all that the system gives: a context is an open file, and so is each client."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):  # some systems name a limit that they do not give
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
