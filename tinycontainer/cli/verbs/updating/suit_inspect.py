"""``suit inspect``: every byte of an envelope, with its offset and meaning."""

from pathlib import Path

import click

from tinycontainer.errors import MetadataError
from tinycontainer.text import show
from tinycontainer.tools.inspect.contents import read_envelope_contents

from ...options import json_option, path_argument
from ...trees import print_contents
from ...verb import Verb, VerbRefused


@click.command(cls=Verb, short_help="Show every byte of an envelope.")
@path_argument("file")
@json_option
def inspect(file: Path, as_json: bool) -> None:
    """Show the envelope FILE item by item: offset, bytes, CBOR diagnostic notation, meaning.

    Commands and parameters have their names, components their uid and section, payloads the
    component that fetches them; metadata is opened as in a bundle. What lies outside of our profile
    says so in its line. Nothing is verified. Other envelopes of the draft are shown too.

    Example: tinycontainerctl suit inspect update.suit
    """
    try:
        found = read_envelope_contents(file)
    except MetadataError as error:
        raise VerbRefused(f"{show(str(file))}: {error}") from None
    print_contents(file, found, as_json=as_json)
