"""What `pack`, `assemble` and `convert` write: a bundle, and files of the C firmware's build."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from tinycontainer import metadata as metadata_codec
from tinycontainer.assembly import read_plan
from tinycontainer.device.containers.limits import BOARDS
from tinycontainer.device.containers.verification import profile_of
from tinycontainer.metadata import Bundle, Metadata
from tinycontainer.text import show
from tinycontainer.tools.firmware.board import RIOT_BOARD, require_fit
from tinycontainer.tools.firmware.c_header import c_header
from tinycontainer.tools.firmware.c_layout import layout_files, only_source
from tinycontainer_tokens import Profile

from ...output import Refusal, print_json, require_absent, write_file


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a container goes.

    Attributes:
        out: the bundle; by default named after its source, in the current directory.
        layout: a directory of the C firmware's examples.
        header: a C header.
        board: whose capacities are not to be exceeded.
        device: a device file with capacities of its own, in place of a board's.
    """

    out: Path | None
    layout: Path | None
    header: Path | None
    board: str | None
    device: Path | None

    def write(self, bundle: Bundle, source: Path, *, force: bool, as_json: bool) -> None:
        """Check the container against the board, and write all files or none.

        Args:
            bundle: the container.
            source: what it was made of.
            force: whether files may be overwritten.
            as_json: how to say what was written.

        Raises:
            LoadError: the container does not fit the board.
            Refusal: a file exists, or cannot be written.
        """
        metadata = metadata_codec.decode(bundle.metadata, len(bundle.metadata))
        fits = self._require_fit(bundle, metadata)
        files = dict(self._files(bundle, metadata, source))
        require_absent(files, force=force)
        if self.layout is not None:
            self.layout.mkdir(parents=True, exist_ok=True)
        _write(files, bundle, fits, as_json=as_json)

    def write_metadata(self, content: bytes, source: Path, *, force: bool, as_json: bool) -> None:
        """The same for metadata alone, where the sections are not at hand.

        Raises:
            LoadError: the metadata does not fit the board.
            Refusal: other outputs are wished, a file exists, or it cannot be written.
        """
        if self.layout is not None or self.header is not None:
            raise Refusal("--layout and --header hold the sections; leave --metadata-only out")
        bundle = Bundle(content, b"", b"")
        fits = self._require_fit(bundle, metadata_codec.decode(content, len(content)))
        path = self.out or Path(f"{_name(source)}.metadata")
        require_absent((path,), force=force)
        _write({path: content}, bundle, fits, as_json=as_json)

    def _require_fit(self, bundle: Bundle, metadata: Metadata) -> str:
        """Check the capacity; returns whose it was."""
        if self.device is not None and self.board is not None:
            raise Refusal("give either --board or --device")
        if self.device is not None:
            content = read_plan(self.device).content
            capacity = content.capacity.capacity(content.device.board)
            require_fit(bundle, capacity, firmware=False)
            return f"the device of {show(str(self.device))}"
        board = self.board or _board_of(metadata)
        require_fit(bundle, BOARDS[board], firmware=board == RIOT_BOARD)
        return f"the board {board}"

    def _files(
        self, bundle: Bundle, metadata: Metadata, source: Path
    ) -> Iterator[tuple[Path, bytes]]:
        bundle_path = self.out or Path(f"{_name(source)}.tcb")
        if not bundle_path.name:
            raise Refusal(f"{show(str(bundle_path))}: is no file name")
        metadata_path = bundle_path.with_suffix(".metadata")
        if metadata_path == bundle_path:
            raise Refusal(f"{show(str(bundle_path))}: .metadata is the suffix of the metadata file")
        yield bundle_path, bundle.encode()
        yield metadata_path, bundle.metadata
        if self.layout is not None:
            code = only_source(source if source.is_dir() else source.parent)
            kind = metadata.container.type
            yield from layout_files(self.layout, bundle, kind, code).items()
        if self.header is not None:
            text = metadata.uid.decode("utf-8", "surrogateescape")
            yield self.header, c_header(text, bundle).encode("ascii")


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options that its `Outputs` come from."""

    @click.option(
        "--out",
        "-o",
        type=click.Path(path_type=Path),
        help="The bundle; the metadata lies beside it with the suffix .metadata."
        " By default named after the source, in the current directory.",
    )
    @click.option(
        "--layout",
        type=click.Path(path_type=Path),
        help="Write a directory of the C firmware's examples too; its name is the container's.",
    )
    @click.option(
        "--header",
        type=click.Path(path_type=Path),
        help="Write a C header with the three sections as arrays too.",
    )
    @click.option(
        "--board",
        type=click.Choice(list(BOARDS)),
        help="Whose capacities the container must fit; by default riot-2024 for that profile.",
    )
    @click.option(
        "--device",
        type=click.Path(path_type=Path),
        help="Device file whose capacities the container must fit, in place of a board's.",
    )
    @wraps(command)
    def with_outputs(
        *arguments: Any,
        out: Path | None,
        layout: Path | None,
        header: Path | None,
        board: str | None,
        device: Path | None,
        **options: Any,
    ) -> Any:
        outputs = Outputs(out, layout, header, board, device)
        return command(*arguments, outputs=outputs, **options)

    return with_outputs


def _name(source: Path) -> str:
    return source.resolve().name if source.is_dir() else source.stem


def _write(files: dict[Path, bytes], bundle: Bundle, fits: str, *, as_json: bool) -> None:
    for path, content in files.items():
        write_file(path, content)
    _tell(bundle, files, fits, as_json=as_json)


def _board_of(metadata: Metadata) -> str:
    return RIOT_BOARD if profile_of(metadata) is Profile.RIOT_2024 else "default"


def _tell(bundle: Bundle, files: dict[Path, bytes], fits: str, *, as_json: bool) -> None:
    sizes = {
        "metadata": len(bundle.metadata),
        "code": len(bundle.code),
        "data": len(bundle.data),
    }
    if as_json:
        print_json({"files": [str(path) for path in files], "bytes": sizes, "fits": fits})
        return
    listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
    for path, content in files.items():
        click.echo(f"{show(str(path))}: {len(content)} bytes")
    click.echo(f"fits {fits} ({listed} bytes)")
