"""``completion``: the script that teaches a shell to complete our verbs and options."""

import click
from click.shell_completion import get_completion_class

from ...output import Refusal, json_option, print_json
from ...verb import Verb

_SHELLS = ("bash", "zsh", "fish")
PROGRAM = "tinycontainerctl"
VARIABLE = "_TINYCONTAINERCTL_COMPLETE"


@click.command(cls=Verb)
@click.argument("shell", type=click.Choice(_SHELLS))
@json_option
@click.pass_context
def completion(context: click.Context, shell: str, as_json: bool) -> None:
    """Print the completion script for SHELL, to be sourced from its start-up file.

    Example: tinycontainerctl completion bash
    """
    found = get_completion_class(shell)
    if found is None:
        raise Refusal(f"no completion is known for {shell}")
    script = found(context.find_root().command, {}, PROGRAM, VARIABLE).source()
    if as_json:
        print_json({"shell": shell, "script": script})
    else:
        click.echo(script)
