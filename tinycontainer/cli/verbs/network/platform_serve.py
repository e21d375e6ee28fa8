"""``platform serve``: serve the platform over HTTP."""

import asyncio
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import click

from tinycontainer.interfaces.private_files import read_regular_file
from tinycontainer.network.agent.ending import until_interrupted
from tinycontainer.network.agent.log_lines import few_log_lines
from tinycontainer.network.platform.log import PlatformLog
from tinycontainer.network.platform.platform_file import PlatformPlan, read_platform_file
from tinycontainer.text import flatten

from ...options import json_option, path_argument
from ...printing import print_json
from ...verb import ExitCode, Verb, VerbRefused, say
from .requirements import require_platform


@click.command(cls=Verb)
@path_argument("platform_file")
@click.option("--check", is_flag=True, help="Check the file and all it names; serve nothing.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@json_option
def serve(platform_file: Path, check: bool, quiet: bool, as_json: bool) -> int:
    """Serve the platform of PLATFORM_FILE over HTTP, until it is interrupted.

    SIGTERM and Ctrl-C end it; what it has acknowledged is in its database. A database of an older
    version is brought up to date at the start.

    Example: tinycontainerctl platform serve platform.toml --check
    """
    require_platform()
    plan = read_platform_file(platform_file)
    _check(plan)
    if check:
        if as_json:
            print_json({"file": plan.name, "http": plan.web_uri})
        elif not quiet:
            click.echo(f"{plan.name}: can be served at {plan.web_uri}")
        return ExitCode.DONE
    if not quiet and plan.content.http.insecure and not plan.http.is_loopback:
        problem = f"passwords that are sent to {plan.web_uri} cross the network in clear"
        say(f"warning: {plan.name}: http.insecure is set: {problem}")

    log = PlatformLog(click.echo if as_json else say, time.time, as_json)

    def when_ready() -> None:
        log.note("serving", http=plan.web_uri)
        if not as_json and not quiet:
            click.echo(f"serving {plan.web_uri}; Ctrl-C ends it")

    _serve(plan, when_ready, log)
    return ExitCode.DONE


def _check(plan: PlatformPlan) -> None:
    """Look at all that the file names; change nothing.

    Raises:
        DeviceFileError: the certificate or its key cannot be used.
        PlatformDatabaseError: the database cannot be used.
    """
    from tinycontainer.network.platform.database import PlatformDatabase  # noqa: PLC0415 - optional
    from tinycontainer.network.platform.gateway_clients import make_clients  # noqa: PLC0415

    _check_tls(plan)
    make_clients(plan)
    database = PlatformDatabase(plan.database_url)
    try:
        database.check()
    finally:
        database.close()


def _check_tls(plan: PlatformPlan) -> None:
    http = plan.content.http
    if http.key is None:
        return
    key = plan.path(http.key, "http.key")
    certificate = plan.path(http.certificate or "", "http.certificate")
    read_regular_file(key, 1, is_private=True)
    try:
        # An empty passphrase, so that nobody is asked for the one of an encrypted key.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key, password=str)
    except OSError as error:  # ssl.SSLError is one
        problem = f"cannot be used with its key: {flatten(error.strerror or str(error))}"
        raise plan.error("http.certificate", problem) from None


def _serve(plan: PlatformPlan, when_ready: Callable[[], None], log: PlatformLog) -> None:
    from tinycontainer.network.platform.assembly import Surroundings  # noqa: PLC0415 - optional
    from tinycontainer.network.platform.serving import serve_platform  # noqa: PLC0415

    with few_log_lines(log.warn, time.monotonic):
        try:
            asyncio.run(
                until_interrupted(
                    lambda ending: serve_platform(plan, Surroundings(), ending, when_ready, log)
                )
            )
        except OSError as error:
            problem = flatten(error.strerror or str(error))
            raise VerbRefused(f"{plan.web_uri}: cannot be used: {problem}") from error
