"""``model``: show what a model needs, and whether a container could load it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.assembly import Installation
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.interfaces.model_report import ModelReport, TensorFacts
from tinycontainer.text import show

from ...installation import with_installation
from ...options import json_option, path_argument
from ...printing import print_json, print_table
from ...verb import ExitCode, Verb, VerbRefused

MAX_MODEL_BYTES: Final = 1 << 24
_FORMAT: Final = "tflite"


@click.command(cls=Verb)
@path_argument("file")
@json_option
@with_installation
def model(installation: Installation, file: Path, as_json: bool) -> int:
    """Show a TensorFlow Lite model: inputs, outputs, operators, needs, and the check's verdict.

    Nothing of the model is run; no inference runtime has to be installed. The model is refused if
    no container with the default quotas could load it.

    Example: tinycontainerctl model compliance/autoencoder.tflite
    """
    inspector = installation.model_inspectors().get(_FORMAT)
    if inspector is None:
        raise VerbRefused(f"no inspector for {_FORMAT} is installed")
    report = inspector(read_bounded(file, MAX_MODEL_BYTES))
    if as_json:
        print_json(_as_values(report))
    else:
        _print_report(file, report)
    return ExitCode.REFUSED if report.code else ExitCode.DONE


def _as_values(report: ModelReport) -> dict[str, Any]:
    values = asdict(report)
    for side in ("inputs", "outputs"):
        for tensor in values[side]:
            tensor["name"] = show(tensor["name"])
    return values | {"accepted": not report.code}


def _print_report(file: Path, report: ModelReport) -> None:
    if report.inputs:
        rows = [("input", *_tensor_row(each)) for each in report.inputs]
        rows += [("output", *_tensor_row(each)) for each in report.outputs]
        columns = ("", "name", "type", "shape", "bytes", "scale", "zero point")
        print_table(f"{show(str(file))}, {report.size_bytes} bytes", columns, rows)
        print_table("Operators", ("operator", "times"), sorted(report.operators.items()))
        needs = [
            (each.quota, each.needed, each.default, "yes" if each.needed <= each.default else "NO")
            for each in report.needs
        ]
        print_table("What it needs", ("quota", "needed", "default", "fits"), needs)
    if report.code:
        click.echo(f"REFUSED with code {report.code}: {report.verdict}")
    else:
        click.echo(f"the check: {report.verdict}")


def _tensor_row(tensor: TensorFacts) -> tuple[object, ...]:
    shape = " x ".join(map(str, tensor.shape))
    scale = f"{tensor.scale:.6g}" if tensor.scale else ""
    zero_point = tensor.zero_point if tensor.scale else ""
    return show(tensor.name), tensor.type, shape, tensor.size_bytes, scale, zero_point
