"""The group of all verbs, and the one place where their errors become lines and exit codes."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tinycontainer.errors import (
    DeviceFileError,
    LoadError,
    ReplayDiverged,
    RuntimeUnavailable,
    TinyContainerError,
)
from tinycontainer.text import flatten, show

from .late_verbs import LateGroup
from .verb import COMPLETION_VARIABLE, PROGRAM, ExitCode, VerbRefused, say

if TYPE_CHECKING:
    from tinycontainer.assembly import Installation

_EXIT_CODES = "; ".join(f"{int(code)} {code.meaning}" for code in ExitCode)


@click.group(
    cls=LateGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"Exit codes: {_EXIT_CODES}.",
)
@click.version_option(package_name="tinycontainer", prog_name=PROGRAM)
def cli() -> None:
    """Signed containers of mutually distrusting tenants on one microcontroller.

    Begin with `tinycontainerctl demo`. For a container of your own, `new` makes its directory,
    `build` compiles it, `keygen` makes keys, `pack` signs and bundles it, `run` runs it on a
    device, and `report` draws what happened.
    """


def run_verb(arguments: Sequence[str] | None, installation: "Installation | None") -> int:
    """See `tinycontainer.cli.main.main`."""
    try:
        result = cli.main(arguments, prog_name=PROGRAM, standalone_mode=False, obj=installation)
        code = result if isinstance(result, int) else ExitCode.DONE
    except click.exceptions.NoArgsIsHelpError as error:
        say(error.format_message())
        code = ExitCode.BAD_INPUT
    except (KeyboardInterrupt, click.exceptions.Abort) as error:
        if isinstance(error.__cause__, EOFError):
            # click takes any EOFError for the end of a dialogue. A dialogue of ours that is ended
            # (`click.prompt`) aborts without a cause; this one is a defect, of a library perhaps.
            raise error.__cause__ from None
        say("interrupted")
        code = ExitCode.INTERRUPTED
    except SystemExit:
        if COMPLETION_VARIABLE in os.environ:
            raise  # a shell asked for completions, and click has printed them
        code = ExitCode.OUTPUT_CLOSED
    except Exception as error:
        line, code = _explain(error)
        say(f"error: {flatten(line)}")
    return int(code)


def _explain(error: Exception) -> tuple[str, ExitCode]:
    """One line for an error that users can cause; anything else is a defect and is raised."""
    match error:
        case VerbRefused():
            return str(error), error.code
        case click.UsageError():
            context = f"; see {error.ctx.command_path} --help" if error.ctx else ""
            return _on_one_line(error).rstrip(".") + context, ExitCode.BAD_INPUT
        case click.ClickException():
            return _on_one_line(error), ExitCode.BAD_INPUT
        case RuntimeUnavailable():
            return str(error), ExitCode.NO_RUNTIME
        case LoadError() | ReplayDiverged() | DeviceFileError(__cause__=LoadError()):
            return str(error), ExitCode.REFUSED
        case TinyContainerError():
            return str(error), ExitCode.BAD_INPUT
        case OSError():
            name = show(str(error.filename)) if error.filename else "the system"
            return f"{name}: {error.strerror}", ExitCode.BAD_INPUT
    # Imported here because it brings all of cryptography, which no start of the program pays for.
    from tinycontainer_tokens import TokenError  # noqa: PLC0415

    if isinstance(error, TokenError):
        return str(error), ExitCode.BAD_INPUT
    raise error


def _on_one_line(error: click.ClickException) -> str:
    return " ".join(error.format_message().split())
