"""``inspect``: what a metadata file, a bundle or a token holds."""

from pathlib import Path

import click

from .. import inspection
from ..errors import MetadataError
from ..text import show
from ..toml_file import read_bounded
from ..toolchain.artefact import MAX_FILE_BYTES
from .output import Refusal, json_option, outline, print_json


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def inspect(file: Path, as_json: bool) -> None:
    """Show all fields of FILE: metadata, a bundle, or a single token. Nothing is verified.

    Example: tinycontainerctl inspect courier.metadata
    """
    content = read_bounded(file, MAX_FILE_BYTES)
    try:
        values = inspection.inspect(content)
    except MetadataError as error:
        raise Refusal(f"{show(str(file))}: {error}") from None
    if as_json:
        print_json(values)
        return
    for line in outline(values):
        click.echo(line)
