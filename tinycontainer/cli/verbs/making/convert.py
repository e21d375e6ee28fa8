"""``convert``: write a container in another form."""

from pathlib import Path

import click

from tinycontainer.assembly import Installation
from tinycontainer.metadata import Bundle
from tinycontainer.tools.artefact.artefact import read_artefact

from ...installation import with_installation
from ...options import force_option, json_option, path_argument, path_option
from ...verb import Verb, VerbRefused
from .container_files import ContainerFiles, container_files_options


@click.command(cls=Verb)
@path_argument("source")
@path_option("--code", help="The code section, if not in SOURCE.")
@path_option("--data", help="The data section, if not in SOURCE.")
@container_files_options
@force_option
@json_option
@with_installation
def convert(
    installation: Installation,
    /,
    source: Path,
    code: Path | None,
    data: Path | None,
    files: ContainerFiles,
    force: bool,
    as_json: bool,
) -> None:
    """Write SOURCE, a bundle or a directory of the C firmware's examples, in other forms.

    Example: tinycontainerctl convert courier.tcb --header courier.h -o copy.tcb
    """
    found = read_artefact(source, code, data)
    if found.code is None or found.data is None:
        missing = "code" if found.code is None else "data"
        raise VerbRefused(f"{found.name}: has no {missing} section; give --{missing} FILE")
    bundle = Bundle(found.metadata.raw, found.data, found.code)
    files.write(bundle, source, installation, force=force, as_json=as_json)
