"""``build``: make a container's code from what a compiler makes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from tinycontainer.assembly import Installation
from tinycontainer.errors import BuildRefused, InadmissibleCode
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.metadata.codec import MAX_SECTION_BYTES
from tinycontainer.text import show

from ...installation import with_installation
from ...options import force_option, json_option, path_argument, path_option
from ...output_files import require_absent, write_file
from ...printing import print_json
from ...verb import Verb, VerbRefused

_SUFFIX: Final = ".rbf"


@click.group()
def build() -> None:
    """Make the code of a container from what a compiler makes."""


@build.command(cls=Verb)
@path_argument("source")
@path_option(
    "--out",
    "-o",
    help="The .rbf file; by default named after SOURCE, in the current directory.",
)
@click.option(
    "--disasm", is_flag=True, help="Print the program readably; writes nothing without -o."
)
@force_option
@json_option
@with_installation
def rbpf(
    installation: Installation,
    source: Path,
    out: Path | None,
    disasm: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Convert SOURCE, an object made by clang for BPF, into a .rbf file.

    Compile with `clang --target=bpfel -mcpu=v2 -ffreestanding -Os -g -c app.c`; all functions but
    start, loop and stop have to be inlined. With --disasm, SOURCE can be a .rbf file too.

    Example: tinycontainerctl build rbpf mapper/mapper.o -o app.rbf --disasm
    """
    builder = installation.builder("rbpf")
    content = read_bounded(source, MAX_SECTION_BYTES)
    try:
        lines = list(builder.disassemble(content)) if disasm else []
        code = builder.build(content) if out is not None or not disasm else None
    except (BuildRefused, InadmissibleCode) as error:
        raise VerbRefused(f"{show(str(source))}: {error}") from None
    path = None if code is None else out or Path(f"{source.stem}{_SUFFIX}")
    if code is not None and path is not None:
        require_absent((path,), force=force)
        write_file(path, code)
    _print_result(path, code, lines, as_json=as_json)


def _print_result(
    path: Path | None, code: bytes | None, lines: Sequence[str], *, as_json: bool
) -> None:
    if as_json:
        print_json(
            {
                "file": None if path is None else str(path),
                "bytes": None if code is None else len(code),
                "disassembly": list(lines),
            }
        )
        return
    for line in lines:
        click.echo(line)
    if path is not None and code is not None:
        click.echo(f"{show(str(path))}: {len(code)} bytes")
