"""The program ``tinycontainerctl``: its verbs, and the one place where errors become lines."""

import os
import sys
from collections.abc import Sequence

import click

from tinycontainer.assembly import Installation
from tinycontainer.errors import (
    DeviceFileError,
    LoadError,
    ReplayDiverged,
    RuntimeUnavailable,
    TinyContainerError,
)
from tinycontainer.text import flatten, show
from tinycontainer_tokens import TokenError

from .output import ExitCode, Refusal
from .verb import EXIT_CODES
from .verbs.judging.conform import conform
from .verbs.judging.diff import diff
from .verbs.judging.explain import explain
from .verbs.judging.inspect import inspect
from .verbs.judging.lint import lint
from .verbs.judging.model import model
from .verbs.judging.verify import verify
from .verbs.making.assemble import assemble
from .verbs.making.build import build
from .verbs.making.convert import convert
from .verbs.making.keygen import keygen
from .verbs.making.pack import pack
from .verbs.making.sign import sign
from .verbs.program.completion import PROGRAM, VARIABLE, completion
from .verbs.program.runtimes import runtimes
from .verbs.program.schema import schema
from .verbs.running.compare import compare
from .verbs.running.demo import demo
from .verbs.running.report import report
from .verbs.running.run import run


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES) + ".",
)
@click.version_option(package_name="tinycontainer", prog_name="tinycontainerctl")
def cli() -> None:
    """Signed containers of mutually distrusting tenants on one microcontroller.

    Begin with `tinycontainerctl demo`. To make a container of your own: `keygen` makes the keys of
    the four roles, `pack` signs and bundles a container directory (`sign` and `assemble` do that on
    four machines). `inspect`, `verify`, `explain`, `lint` and `diff` look at the result, `run` runs
    it on a device, and `report` draws what happened.
    """


for _verb in (
    assemble,
    build,
    compare,
    completion,
    conform,
    convert,
    demo,
    diff,
    explain,
    inspect,
    keygen,
    lint,
    model,
    pack,
    report,
    run,
    runtimes,
    schema,
    sign,
    verify,
):
    cli.add_command(_verb)


def main(arguments: Sequence[str] | None = None, installation: Installation | None = None) -> int:
    """Run the program.

    Args:
        arguments: the command line without the program's name; by default the process's own.
        installation: what is installed; by default what this machine has, searched when needed.

    Returns:
        The exit code.
    """
    if installation is None:
        with Installation() as own:
            return main(arguments, own)
    try:
        result = cli.main(arguments, prog_name=PROGRAM, standalone_mode=False, obj=installation)
        code = result if isinstance(result, int) else ExitCode.DONE
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = ExitCode.BAD_INPUT
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("interrupted", err=True)
        code = ExitCode.INTERRUPTED
    except SystemExit:
        if VARIABLE in os.environ:
            raise  # a shell asked for completions, and has them
        code = ExitCode.OUTPUT_CLOSED
    except Exception as error:
        line, code = _explain(error)
        click.echo(f"error: {flatten(line)}", err=True)
    return int(code)


def _explain(error: Exception) -> tuple[str, ExitCode]:
    """One line for an error that users can cause; anything else is a defect and is raised."""
    match error:
        case Refusal():
            return str(error), error.code
        case click.UsageError():
            context = f"; see {error.ctx.command_path} --help" if error.ctx else ""
            return _on_one_line(error).rstrip(".") + context, ExitCode.BAD_INPUT
        case click.ClickException():
            return _on_one_line(error), ExitCode.BAD_INPUT
        case RuntimeUnavailable():
            return str(error), ExitCode.NO_RUNTIME
        case LoadError() | ReplayDiverged():
            return str(error), ExitCode.REFUSED
        case DeviceFileError(__cause__=LoadError()):
            return str(error), ExitCode.REFUSED
        case TinyContainerError() | TokenError():
            return str(error), ExitCode.BAD_INPUT
        case OSError():
            name = show(str(error.filename)) if error.filename else "the system"
            return f"{name}: {error.strerror}", ExitCode.BAD_INPUT
    raise error


def _on_one_line(error: click.ClickException) -> str:
    return " ".join(error.format_message().split())


def run_as_program() -> None:
    """The console script's entry point."""
    sys.exit(main())
