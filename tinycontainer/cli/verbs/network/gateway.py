"""``gateway``: serve devices to the web: CoAP on one side, HTTP on the other."""

import asyncio
import json
import resource
import ssl
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinycontainer.errors import DeviceFileError
from tinycontainer.interfaces.network.security_context import SecurityContext, read_security_context
from tinycontainer.interfaces.private_files import read_regular_file
from tinycontainer.network.agent.log_lines import few_log_lines
from tinycontainer.network.gateway.gateway_file import GatewayPlan, read_gateway_file
from tinycontainer.text import flatten

from ...options import json_option, path_argument
from ...printing import print_json
from ...verb import ExitCode, Verb, VerbRefused, say
from .requirements import require_gateway

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    contexts = _read_contexts(plan)
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


def _read_contexts(plan: GatewayPlan) -> "Mapping[str, SecurityContext]":
    """The contexts of all devices; none is opened.

    Raises:
        DeviceFileError: one cannot be used, or two devices have one.
    """
    contexts: dict[str, SecurityContext] = {}
    owners: dict[bytes, str] = {}
    for number, device in enumerate(plan.content.devices):
        place = f"devices[{number}].context"
        try:
            found = read_security_context(plan.path(device.context, place))
        except DeviceFileError as error:
            raise plan.error(place, str(error)) from None
        other = owners.setdefault(found.recipient_id, device.name)
        if other != device.name:
            problem = f"is the one of {other} too; each device needs one of its own"
            raise plan.error(place, problem)
        contexts[device.name] = found
    _check_tls(plan)
    plan.path(plan.content.state, "state")
    if plan.content.audit is not None:
        plan.path(plan.content.audit, "audit")
    return contexts


def _check_tls(plan: GatewayPlan) -> None:
    if plan.content.http.key is not None:
        key = plan.path(plan.content.http.key, "http.key")
        certificate = plan.path(plan.content.http.certificate or "", "http.certificate")
        read_regular_file(key, 1, is_private=True)
        try:
            # An empty passphrase, so that nobody is asked for the one of an encrypted key.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key, password=str)
        except OSError as error:  # ssl.SSLError is one
            problem = f"cannot be used with its key: {flatten(error.strerror or str(error))}"
            raise plan.error("http.certificate", problem) from None


def _serve(plan: GatewayPlan, contexts: "Mapping[str, SecurityContext]", when_ready: Any) -> None:
    # aiocoap and the web server are optional parts.
    from tinycontainer.interfaces.network.oscore import open_context  # noqa: PLC0415
    from tinycontainer.network.gateway.gateway import (  # noqa: PLC0415
        ServedGateway,
        serve_gateway,
    )

    _let_open_many_files()
    with ExitStack() as held:
        opened = {
            name: held.enter_context(open_context(context)) for name, context in contexts.items()
        }
        held.enter_context(few_log_lines(say, time.monotonic))
        try:
            asyncio.run(serve_gateway(ServedGateway(plan, opened, when_ready)))
        except OSError as error:
            problem = flatten(error.strerror or str(error))
            places = f"{_web_uri(plan)} or coap://{plan.coap}"
            raise VerbRefused(f"{places}: cannot be used: {problem}") from error


def _let_open_many_files() -> None:
    """Take all that the system gives: a context is an open file, and so is each client."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):  # some systems name a limit that they do not give
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
