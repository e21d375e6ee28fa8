"""``schema``: print the JSON Schema of a file that people write."""

from typing import Final

import click

from tinycontainer.files.device_file import DeviceFile
from tinycontainer.files.toml_file import Table
from tinycontainer.scenario.expectations import ExpectationsFile
from tinycontainer.scenario.script import ScriptFile
from tinycontainer.tools.packing.manifest import ManifestFile

from ...printing import print_json
from ...verb import Verb

_MODELS: Final[dict[str, type[Table]]] = {
    "device": DeviceFile,
    "container": ManifestFile,
    "script": ScriptFile,
    "expectations": ExpectationsFile,
}


@click.command(cls=Verb)
@click.argument("file", type=click.Choice(list(_MODELS)))
@click.option("--json", is_flag=True, expose_value=False, help="A schema is always JSON.")
def schema(file: str) -> None:
    """Print the JSON Schema of a device file, a manifest, a script or expectations (all are TOML).

    Example: tinycontainerctl schema container
    """
    print_json(_MODELS[file].model_json_schema())
