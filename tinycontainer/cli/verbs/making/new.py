"""``new``: make the directory of a new container, which runs at once."""

import shlex
from pathlib import Path

import click

from tinycontainer.text import show
from tinycontainer.tools.authoring.new_container import STARTERS, NameRefused, make_container

from ...options import json_option, path_argument
from ...output_files import refuse_unwritable
from ...printing import print_json
from ...verb import Verb, VerbRefused

_NEXT = (
    "cd {directory}",
    "tinycontainerctl keygen keys",
    "tinycontainerctl pack . --keys keys",
    "tinycontainerctl run device.toml --for 10s --symbols .",
    "pytest",
    "tinycontainerctl build .  # after a change of the source",
)


@click.command(cls=Verb)
@path_argument("directory", metavar="NAME")
@click.option(
    "--lang",
    "language",
    type=click.Choice(list(STARTERS)),
    required=True,
    help="What it is written in; rbpf-c is C for an rBPF container.",
)
@json_option
def new(directory: Path, language: str, as_json: bool) -> None:
    """Make the directory NAME with a container that reads a sensor, shows it, and raises alarms.

    Source, bindings, manifest, a device file and tests are in it, and the built code too: you need
    no compiler until you change the source. NAME can be a path; its last part is the uid.

    Example: tinycontainerctl new thermometer --lang c
    """
    try:
        with refuse_unwritable(directory):
            made = make_container(directory, STARTERS[language])
    except NameRefused as error:
        raise VerbRefused(f"{show(str(directory))}: {error}") from None
    steps = [step.format(directory=shlex.quote(show(str(directory)))) for step in _NEXT]
    if as_json:
        print_json(
            {"directory": str(directory), "files": [str(each) for each in made], "next": steps}
        )
        return
    click.echo(f"{show(str(directory))}: a container in {STARTERS[language].words}")
    for path in made:
        click.echo(f"  {path}")
    click.echo("Next:")
    for step in steps:
        click.echo(f"  {step}")
