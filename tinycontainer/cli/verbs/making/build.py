"""``build``: make a container's code with a compiler of this machine."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from tinycontainer.assembly import Installation, read_plan
from tinycontainer.device.containers.limits import BOARDS
from tinycontainer.errors import BuildFailed, BuildRefused, InadmissibleCode
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.interfaces.building import Disassembler
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer.symbols.symbol_directory import SUFFIX
from tinycontainer.text import flatten, show
from tinycontainer.tools.authoring.building import (
    MAX_OUTPUT_BYTES,
    BuiltContainer,
    build_directory,
    build_file,
    suffix_of,
)
from tinycontainer.tools.authoring.programs import Programs
from tinycontainer.tools.packing.manifest import MANIFEST_NAME

from ...installation import with_installation
from ...options import force_option, json_option, path_argument, path_option
from ...output_files import require_absent, write_file
from ...printing import print_json
from ...verb import ExitCode, Verb, VerbRefused, say


@click.command(cls=Verb)
@path_argument("source")
@path_option(
    "--out",
    "-o",
    help="The code made of a file; by default named after it, in the current directory.",
)
@click.option(
    "--board",
    type=click.Choice(list(BOARDS)),
    help="Whose limits the code must keep; by default the board default.",
)
@path_option("--device", help="Device file whose limits the code must keep, in place of a board's.")
@click.option(
    "--disasm", is_flag=True, help="Print the program readably; writes nothing without -o."
)
@force_option
@json_option
@with_installation
def build(
    installation: Installation,
    source: Path,
    out: Path | None,
    board: str | None,
    device: Path | None,
    disasm: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Make the code of a container from SOURCE.

    SOURCE is a directory with container.toml, whose table [build] names language, sources and
    flags; every compiler on the search path is considered. It runs with your rights: build only
    sources that you trust. SOURCE can also be an object that clang made for BPF
    (`clang --target=bpfel -mcpu=v2 -ffreestanding -Os -g -c app.c`), or a module of WebAssembly
    that another build has linked.

    The code is written without anything for debuggers. What they need lies beside it in
    NAME.debug: --symbols of other verbs reads it, and no device does.

    Example: tinycontainerctl build mapper/mapper.o -o app.rbf --disasm
    """
    if source.is_dir() or source.name == MANIFEST_NAME:
        if out is not None or disasm:
            raise VerbRefused("--out and --disasm are for a file; container.toml names the code")
        limits = _read_limits(board, device)
        _build_directory(source, installation, limits, as_json=as_json)
        return
    if board is not None or device is not None:
        raise VerbRefused("--board and --device are for a directory; `pack` judges the container")
    _build_file(source, installation, out, disasm=disasm, force=force, as_json=as_json)


def _read_limits(board: str | None, device: Path | None) -> RuntimeLimits:
    if device is None:
        return BOARDS[board or "default"].runtime
    if board is not None:
        raise VerbRefused("give either --board or --device")
    return read_plan(device).content.make_capacity().runtime


def _build_directory(
    source: Path, installation: Installation, limits: RuntimeLimits, *, as_json: bool
) -> None:
    python = sys.executable if find_spec("ziglang") is not None else None
    lines: list[str] = []

    def report(line: str) -> None:
        lines.append(line)
        if not as_json:
            say(flatten(line))

    try:
        made = build_directory(source, installation, Programs(os.environ, python), limits, report)
    except BuildFailed as error:
        raise VerbRefused(str(error), ExitCode.REFUSED) from None
    except BuildRefused as error:
        raise VerbRefused(f"{show(str(source))}: {error}", ExitCode.REFUSED) from None
    files = {made.code_path: made.built.code, made.debug_path: made.built.debug_file}
    for path, content in files.items():
        write_file(path, content)
    result = _describe(made.built, made.code_path, made.debug_path)
    if as_json:
        print_json(result | {"output": [flatten(line) for line in lines]})
        return
    _print_result(made.built, made.code_path, made.debug_path)


def _build_file(
    source: Path,
    installation: Installation,
    out: Path | None,
    *,
    disasm: bool,
    force: bool,
    as_json: bool,
) -> None:
    content = read_bounded(source, MAX_OUTPUT_BYTES)
    try:
        lines = list(_disassemble(content, installation)) if disasm else []
        built = build_file(content, installation) if out is not None or not disasm else None
    except (BuildRefused, InadmissibleCode) as error:
        raise VerbRefused(f"{show(str(source))}: {error}") from None
    if built is None:
        _print_disassembly(lines, as_json=as_json)
        return
    path = out or Path(f"{source.stem}{suffix_of(content)}")
    debug_path = path.with_suffix(SUFFIX)
    require_absent((path, debug_path), force=force)
    write_file(path, built.code)
    write_file(debug_path, built.debug_file)
    if as_json:
        print_json(_describe(built, path, debug_path) | {"disassembly": lines})
        return
    _print_disassembly(lines, as_json=False)
    _print_result(built, path, debug_path)


def _disassemble(content: bytes, installation: Installation) -> list[str]:
    builder = installation.builder("wasm" if content.startswith(b"\0asm") else "rbpf")
    if not isinstance(builder, Disassembler):
        raise BuildRefused("", "only rBPF is shown readably; for WebAssembly use wasm-objdump -d")
    return list(builder.disassemble(content))


def _print_disassembly(lines: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"file": None, "bytes": None, "disassembly": lines})
        return
    for line in lines:
        click.echo(line)


def _describe(built: BuiltContainer, path: Path, debug_path: Path) -> dict[str, object]:
    return {
        "file": str(path),
        "bytes": len(built.code),
        "debug_file": str(debug_path),
        "places": len(built.debug.rows),
        "notes": list(built.notes),
    }


def _print_result(built: BuiltContainer, path: Path, debug_path: Path) -> None:
    click.echo(f"{show(str(path))}: {len(built.code)} bytes")
    click.echo(f"{show(str(debug_path))}: {len(built.debug.rows)} places in the source")
    for note in built.notes:
        click.echo(f"note: {note}")
