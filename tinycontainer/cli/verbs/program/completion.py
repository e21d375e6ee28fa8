"""``completion``: print the script that teaches a shell our verbs and options."""

from typing import Final

import click
from click.shell_completion import get_completion_class

from ...options import json_option
from ...printing import print_json
from ...verb import COMPLETION_VARIABLE, PROGRAM, Verb, VerbRefused

_SHELLS: Final = ("bash", "zsh", "fish")


@click.command(cls=Verb)
@click.argument("shell", type=click.Choice(_SHELLS))
@json_option
@click.pass_context
def completion(context: click.Context, shell: str, as_json: bool) -> None:
    """Print the completion script for SHELL, to be sourced from its start-up file.

    Example: tinycontainerctl completion bash
    """
    completion_class = get_completion_class(shell)
    if completion_class is None:
        raise VerbRefused(f"click knows no completion for {shell}; use another shell")
    program = context.find_root().command
    script = completion_class(program, {}, PROGRAM, COMPLETION_VARIABLE).source()
    if as_json:
        print_json({"shell": shell, "script": script})
    else:
        click.echo(script)
