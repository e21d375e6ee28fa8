"""``schema``: print the JSON Schema of a file or of a verb's answer."""

from typing import Final

import click

from tinycontainer.files.device_file import DeviceFile
from tinycontainer.files.toml_file import Table
from tinycontainer.scenario.expectations import ExpectationsFile
from tinycontainer.scenario.script import ScriptFile
from tinycontainer.tools.packing.manifest import ManifestFile

from ...answers import ANSWERS
from ...printing import print_json
from ...verb import Verb

_MODELS: Final[dict[str, type[Table]]] = {
    "device": DeviceFile,
    "container": ManifestFile,
    "script": ScriptFile,
    "expectations": ExpectationsFile,
}

_ANSWERS: Final = {f"json-{verb.replace(' ', '-')}": form for verb, form in ANSWERS.items()}


@click.command(cls=Verb)
@click.argument("what", metavar="WHAT", type=click.Choice([*_MODELS, *_ANSWERS]))
@click.option("--json", is_flag=True, expose_value=False, help="A schema is always JSON.")
def schema(what: str) -> None:
    """Print a JSON Schema: of a file, or of what a verb prints with --json.

    WHAT is device, container, script or expectations, which are TOML, or json- and the words of a
    verb, such as json-run or json-sign-mask. The schema of an answer has a version in its $id.

    Example: tinycontainerctl schema container
    """
    model = _MODELS.get(what)
    print_json(_ANSWERS[what].schema() if model is None else model.model_json_schema())
