"""``inspect``: show every byte of a container, a token or an update."""

from pathlib import Path

import click

from tinycontainer.errors import MetadataError
from tinycontainer.text import show
from tinycontainer.tools.inspect.contents import read_contents

from ...options import json_option
from ...trees import print_contents
from ...verb import Verb, VerbRefused


@click.command(cls=Verb)
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def inspect(file: Path, as_json: bool) -> None:
    """Show FILE item by item: offset, bytes, CBOR diagnostic notation, meaning.

    FILE is metadata, a bundle, a single token, a SUIT envelope, or a directory of the C firmware's
    examples. Nothing is verified. CBOR inside a byte string is opened, as << >>; a key of a map is
    in the line of its value. What is cut to fit the terminal ends with three full stops; piped,
    more is shown. Key files are refused.

    Example: tinycontainerctl inspect courier.metadata
    """
    try:
        found = read_contents(file)
    except MetadataError as error:
        raise VerbRefused(f"{show(str(file))}: {error}") from None
    print_contents(file, found, as_json=as_json)
