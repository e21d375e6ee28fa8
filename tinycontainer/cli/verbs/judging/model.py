"""``model``: show what a model needs, and whether a container could load it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.assembly import DevicePlan, Installation, read_plan
from tinycontainer.device.containers.limits import BOARDS
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.interfaces.model_report import ModelInspector, ModelReport, TensorFacts
from tinycontainer.text import show
from tinycontainer.tools.firmware.board import DEFAULT_BOARD

from ...installation import with_installation
from ...options import json_option, path_argument, path_option
from ...printing import print_json, print_table
from ...verb import ExitCode, Verb, VerbRefused

MAX_MODEL_BYTES: Final = 1 << 24
_FORMAT: Final = "tflite"
_DRIVER: Final = "tinyml"


@dataclass(frozen=True, slots=True)
class _Host:
    """Where a model would run.

    Attributes:
        name: of a board, or the place of a driver in a device file, fit to be shown.
        board: whose quotas hold where the options say nothing.
        options: of the driver.
    """

    name: str
    board: str
    options: Mapping[str, object]


@click.command(cls=Verb)
@path_argument("file")
@click.option(
    "--board",
    type=click.Choice(list(BOARDS)),
    help="Whose quotas hold; the usual ones without it.",
)
@path_option("--device", help="Device file whose quotas hold, in place of a board's.")
@json_option
@with_installation
def model(
    installation: Installation,
    file: Path,
    board: str | None,
    device: Path | None,
    as_json: bool,
) -> int:
    """Show a TensorFlow Lite model: inputs, outputs, operators, needs, and the check's verdict.

    Nothing of the model is run; no inference runtime has to be installed. The model is refused if
    no container could load it: with the default quotas, on the board, or on the device asked about.
    A refused model is shown as well, with everything for which it is refused.

    Example: tinycontainerctl model compliance/autoencoder.tflite --board desk-ml
    """
    inspector = installation.model_inspectors().get(_FORMAT)
    if inspector is None:
        raise VerbRefused(f"no inspector for {_FORMAT} is installed")
    if board is not None and device is not None:
        raise VerbRefused("--board and --device exclude each other: name one of them")
    content = read_bounded(file, MAX_MODEL_BYTES)
    if device is None:
        host = _Host(board or DEFAULT_BOARD, board or DEFAULT_BOARD, {})
        report = inspector(content, host.board, host.options)
    else:
        host, report = _judge_on_device(inspector, content, read_plan(device))
    if as_json:
        print_json(_as_values(host, report))
    else:
        _print_report(file, host, report)
    return ExitCode.REFUSED if report.code else ExitCode.DONE


def _judge_on_device(
    inspector: ModelInspector, content: bytes, plan: DevicePlan
) -> tuple[_Host, ModelReport]:
    """The first driver of a device that accepts a model; if none does, the first one.

    Raises:
        DeviceFileError: a driver's options cannot be used.
        VerbRefused: the device has no such driver.
    """
    found = []
    for number, entry in enumerate(plan.content.drivers):
        if entry.driver != _DRIVER:
            continue
        place = f"drivers[{number}]"
        host = _Host(f"{plan.name}, {place}", plan.content.device.board, entry.options)
        try:
            report = inspector(content, host.board, host.options)
        except ValueError as error:
            raise plan.error(place, str(error)) from None
        found.append((host, report))
    if not found:
        raise VerbRefused(f"{plan.name} has no driver {_DRIVER}: no container can load a model")
    return next((each for each in found if not each[1].code), found[0])


def _as_values(host: _Host, report: ModelReport) -> dict[str, Any]:
    values = asdict(report)
    for side in ("inputs", "outputs"):
        for tensor in values[side]:
            tensor["name"] = show(tensor["name"])
    return values | {"accepted": not report.code, "host": host.name}


def _print_report(file: Path, host: _Host, report: ModelReport) -> None:
    if report.operators:
        rows = [("input", *_tensor_row(each)) for each in report.inputs]
        rows += [("output", *_tensor_row(each)) for each in report.outputs]
        columns = ("", "name", "type", "shape", "bytes", "scale", "zero point")
        print_table(f"{show(str(file))}, {report.size_bytes} bytes", columns, rows)
        print_table("Operators", ("operator", "times"), sorted(report.operators.items()))
        needs = [
            (each.quota, each.needed, each.default, "yes" if each.needed <= each.default else "NO")
            for each in report.needs
        ]
        heads = ("quota", "needed", "allowed", "fits")
        print_table(f"What it needs ({host.name})", heads, needs)
    if not report.code:
        click.echo(f"the check: {report.verdict}")
        return
    first, *others = report.problems
    click.echo(f"REFUSED with code {report.code}: {first}")
    for problem in others:
        click.echo(f"  and: {problem}")


def _tensor_row(tensor: TensorFacts) -> tuple[object, ...]:
    shape = " x ".join(map(str, tensor.shape))
    scale = f"{tensor.scale:.6g}" if tensor.scale else ""
    zero_point = tensor.zero_point if tensor.scale else ""
    return show(tensor.name), tensor.type, shape, tensor.size_bytes, scale, zero_point
