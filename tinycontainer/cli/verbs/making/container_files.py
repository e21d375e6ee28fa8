"""The files that `pack`, `assemble` and `convert` make of a container: a bundle, and C files."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from tinycontainer import metadata as metadata_codec
from tinycontainer.assembly import Installation, choose_runtimes, read_plan
from tinycontainer.device.containers.controller import admit, require_runtime
from tinycontainer.device.containers.limits import BOARDS
from tinycontainer.device.containers.verification import profile_of
from tinycontainer.errors import RuntimeUnavailable
from tinycontainer.interfaces.runtime import Runtime
from tinycontainer.metadata import Bundle, ContainerType, Metadata
from tinycontainer.text import show
from tinycontainer.tools.artefact.artefact import Artefact
from tinycontainer.tools.firmware.board import RIOT_BOARD, board_of, require_fit
from tinycontainer.tools.firmware.c_header import (
    is_c_identifier,
    make_c_header,
    make_c_identifier,
)
from tinycontainer.tools.firmware.c_layout import make_layout_files, read_only_source
from tinycontainer.tools.lint import CodeTools, Finding
from tinycontainer.tools.lint.firmware import audit_for_firmware
from tinycontainer_tokens import KeyStore, Profile

from ...options import gather_options, path_option
from ...output_files import require_absent, write_file
from ...printing import print_json
from ...verb import VerbRefused


@dataclass(frozen=True, slots=True)
class ContainerFiles:
    """Which files to make of a container, and for which board.

    Attributes:
        out: the bundle; by default named after its source, in the current directory.
        layout: a directory of the C firmware's examples.
        header: a C header.
        board: the board that the container has to fit; by default that of its profile.
        device: a device file whose capacities the container has to fit, in place of a board's.
    """

    out: Path | None
    layout: Path | None
    header: Path | None
    board: str | None
    device: Path | None

    def write(
        self,
        bundle: Bundle,
        source: Path,
        installation: Installation,
        *,
        keys: KeyStore | None = None,
        force: bool,
        as_json: bool,
    ) -> None:
        """Check that the container fits the board, write all files or none, and print them.

        Its code is judged too, by the runtime that would run it: a container fits where it loads.
        What the firmware would not do with it is printed, as `lint` finds it.

        Args:
            bundle: the container.
            source: the file or directory that it was made of.
            installation: what is installed.
            keys: of those who signed it, if they are known.
            force: whether files that exist are overwritten.
            as_json: whether to print one JSON object.

        Raises:
            LoadError: the container does not fit the board, or its code is not admitted.
            VerbRefused: a file exists, or cannot be written.
        """
        metadata = metadata_codec.decode(bundle.metadata, len(bundle.metadata))
        fitted = self._require_fit(bundle, metadata)
        judged = self._admit_code(bundle.code, metadata, installation)
        files = list(self._make_files(bundle, metadata, source))
        require_absent((path for path, _ in files), force=force, making=self.layout)
        if self.layout is not None:
            self.layout.mkdir(parents=True, exist_ok=True)
        found = self._judge_for_firmware(bundle, metadata, keys, installation)
        _write_files(dict(files), bundle, fitted, found, code_judged=judged, as_json=as_json)

    def _judge_for_firmware(
        self,
        bundle: Bundle,
        metadata: Metadata,
        keys: KeyStore | None,
        installation: Installation,
    ) -> tuple[Finding, ...]:
        if self._board_for(metadata) != RIOT_BOARD:
            return ()
        artefact = Artefact(show(metadata.uid), metadata, bundle.code, bundle.data)
        return audit_for_firmware(artefact, keys, CodeTools(installation.analysers(), {}))

    def _board_for(self, metadata: Metadata) -> str:
        """The board that the container is for; also beside a device file, which has capacities."""
        return self.board or board_of(profile_of(metadata))

    def write_metadata(self, content: bytes, source: Path, *, force: bool, as_json: bool) -> None:
        """Do the same for metadata alone, where the sections are not at hand.

        Args:
            content: the metadata.
            source: the manifest that it was made of.
            force: whether a file that exists is overwritten.
            as_json: whether to print one JSON object.

        Raises:
            LoadError: the metadata does not fit the board.
            VerbRefused: files that hold the sections are requested, a file exists, or it cannot be
                written.
        """
        if self.layout is not None or self.header is not None:
            raise VerbRefused("--layout and --header hold the sections; leave --metadata-only out")
        bundle = Bundle(content, b"", b"")
        fitted = self._require_fit(bundle, metadata_codec.decode(content, len(content)))
        path = self.out or Path(f"{_name_of(source)}.metadata")
        require_absent((path,), force=force)
        _write_files({path: content}, bundle, fitted, (), code_judged=False, as_json=as_json)

    def _require_fit(self, bundle: Bundle, metadata: Metadata) -> str:
        """Check the capacity, and return in words which device has it."""
        if self.device is not None and self.board is not None:
            raise VerbRefused("give either --board or --device")
        if self.device is not None:
            content = read_plan(self.device).content
            capacity = content.make_capacity()
            require_fit(metadata, bundle, capacity, firmware=False)
            return f"the device of {show(str(self.device))}"
        board = self._board_for(metadata)
        require_fit(metadata, bundle, BOARDS[board], firmware=board == RIOT_BOARD)
        return f"the board {board}"

    def _admit_code(self, code: bytes, metadata: Metadata, installation: Installation) -> bool:
        """Let the runtime judge the code, and return whether there is a runtime for it."""
        container_type = metadata.container.type
        if self.device is None:
            board = BOARDS[self._board_for(metadata)]
            # Boards run types for which nothing is installed here; their code is not judged.
            runtime = _find_runtime(container_type, installation)
            if runtime is not None:
                admit(runtime, code, board.runtime)
            return runtime is not None
        plan = read_plan(self.device)
        runtimes = choose_runtimes(plan, installation)
        require_runtime(container_type, runtimes)
        caps = plan.content.caps.make_caps().of(metadata.uid)
        for excess in caps.excesses(metadata.timing):
            raise excess.refusal
        admit(runtimes[container_type], code, plan.content.make_capacity().runtime)
        return True

    def _make_files(
        self, bundle: Bundle, metadata: Metadata, source: Path
    ) -> Iterator[tuple[Path, bytes]]:
        bundle_path = self.out or Path(f"{_name_of(source)}.tcb")
        if not bundle_path.name:
            raise VerbRefused(f"{show(str(bundle_path))}: is no file name")
        metadata_path = bundle_path.with_suffix(".metadata")
        if metadata_path == bundle_path:
            raise VerbRefused(
                f"{show(str(bundle_path))}: .metadata is the suffix of the metadata file"
            )
        yield bundle_path, bundle.encode()
        yield metadata_path, bundle.metadata
        if self.layout is not None:
            _require_layout_name(self.layout.resolve().name, metadata.uid)
            c_source = read_only_source(source if source.is_dir() else source.parent)
            container_type = metadata.container.type
            yield from make_layout_files(self.layout, bundle, container_type, c_source).items()
        if self.header is not None:
            name = metadata.uid.decode("utf-8", "surrogateescape")
            yield self.header, make_c_header(name, bundle).encode("ascii")


profile_option = click.option(
    "--profile",
    type=click.Choice([profile.value for profile in Profile]),
    help="The rules of the tokens; by default the manifest's.",
)


container_files_options = gather_options(
    "files",
    ContainerFiles,
    path_option(
        "--out",
        "-o",
        help="The bundle; the metadata lies beside it with the suffix .metadata."
        " By default named after the source, in the current directory.",
    ),
    path_option(
        "--layout",
        help="Write a directory of the C firmware's examples too; its name is the container's.",
    ),
    path_option(
        "--header",
        help="Write a C header with the three sections as arrays too.",
    ),
    click.option(
        "--board",
        type=click.Choice(list(BOARDS)),
        help="Whose capacities the container must fit; by default riot-2024 for that profile.",
    ),
    path_option(
        "--device",
        help="Device file whose capacities the container must fit, in place of a board's.",
    ),
)
"""The options of a verb that gets `ContainerFiles`."""


def _find_runtime(container_type: ContainerType, installation: Installation) -> Runtime | None:
    try:
        return installation.runtimes().get(container_type)
    except RuntimeUnavailable:  # it cannot work in this process, and need not, to write files
        return None


def _require_layout_name(name: str, uid: bytes) -> None:
    """Refuse a directory that the firmware cannot build, or whose container its shell cannot find.

    Raises:
        VerbRefused: its name is no C identifier, or is not the uid though it could be.
    """
    usable = make_c_identifier(name)
    if name != usable:
        raise VerbRefused(
            f"--layout: the firmware's build makes C names of the directory's, and {show(name)} is"
            f" none; {usable} would be one"
        )
    if os.fsencode(name) != uid and is_c_identifier(uid.decode("utf-8", "surrogateescape")):
        raise VerbRefused(
            f"--layout: the firmware's shell takes the directory's name, {show(name)}, for the uid;"
            f" name it {show(uid)}"
        )


def _name_of(source: Path) -> str:
    return source.resolve().name if source.is_dir() else source.stem


def _write_files(
    files: dict[Path, bytes],
    bundle: Bundle,
    fitted: str,
    found: tuple[Finding, ...],
    *,
    code_judged: bool,
    as_json: bool,
) -> None:
    for path, content in files.items():
        write_file(path, content)
    sizes_bytes = {
        "metadata": len(bundle.metadata),
        "code": len(bundle.code),
        "data": len(bundle.data),
    }
    if as_json:
        print_json(
            {
                "files": [str(path) for path in files],
                "bytes": sizes_bytes,
                "fits": fitted,
                "code_judged": code_judged,
                "firmware": [
                    {"id": each.rule.id, "place": each.place, "message": each.message}
                    for each in found
                ],
            }
        )
        return
    for path, content in files.items():
        click.echo(f"{show(str(path))}: {len(content)} bytes")
    listed = ", ".join(f"{name} {size_bytes}" for name, size_bytes in sizes_bytes.items())
    unjudged = "" if code_judged else "; no runtime has judged its code"
    click.echo(f"fits {fitted} ({listed} bytes){unjudged}")
    for each in found:
        click.echo(f"the firmware: {each.place}: {each.message} ({each.rule.id})")
