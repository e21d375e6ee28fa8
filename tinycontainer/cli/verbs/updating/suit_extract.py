"""``suit extract``: the bundles that an envelope brings, as files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tinycontainer.errors import EnvelopeError, UpdateRefused
from tinycontainer.suit.envelope.decoder import decode_envelope
from tinycontainer.text import show
from tinycontainer.tools.updates.file_names import make_file_name
from tinycontainer.tools.updates.opening import bundle_of, extract_changes, open_envelope

from ...options import force_option, json_option, path_argument, path_option
from ...output_files import refuse_unwritable, require_absent, write_file
from ...printing import print_json
from ...verb import ExitCode, Verb, VerbRefused
from .given_payloads import find_payloads, payload_option, read_envelope_file, read_payloads

_NOT_VERIFIED = "nobody's signature was verified; `suit verify` does"


@dataclass(frozen=True, slots=True)
class _Extracted:
    """One file of what an envelope holds.

    Attributes:
        kind: ``bundle`` or ``payload``.
        name: the uid, or the payload's name.
        content: its bytes.
    """

    kind: str
    name: bytes
    content: bytes

    @property
    def file_name(self) -> str:
        name = make_file_name(self.name)
        return f"{name}.tcb" if self.kind == "bundle" else name


@click.command(cls=Verb, short_help="Write the bundles that an envelope brings.")
@path_argument("file")
@path_option("--out", "-o", required=True, help="Directory for the files; made if there is none.")
@click.option(
    "--payloads",
    "raw",
    is_flag=True,
    help="Write the integrated payloads as they are, in place of bundles; of any envelope.",
)
@payload_option
@force_option
@json_option
def extract(
    file: Path, out: Path, raw: bool, given: dict[str, Path], force: bool, as_json: bool
) -> None:
    """Write the bundles that the envelope FILE brings, as UID.tcb in a directory.

    The digests of the manifest and of every section are compared; one that does not match is
    refused. Signatures are not verified: anybody can have made it. With --payloads nothing is
    compared. Payloads that `create` has written beside FILE are found there. Characters of a uid
    that are not letters, digits or one of -_.# become %XX.

    Example: tinycontainerctl suit extract update.suit -o unpacked
    """
    content = read_envelope_file(file)
    if raw and given:
        raise VerbRefused("--payload: does not go together with --payloads; leave it out")
    name = show(str(file))
    removed: tuple[bytes, ...] = ()
    try:
        if raw:
            found = _payloads(content)
        else:
            found, removed = _bundles(content, find_payloads(file, content) | read_payloads(given))
    except EnvelopeError as error:
        raise VerbRefused(f"{name}: {error}") from None
    except UpdateRefused as error:
        raise VerbRefused(f"{name}: {error}", ExitCode.REFUSED) from None
    files = {out / each.file_name: each for each in found}
    _write(out, files, force=force)
    if as_json:
        print_json(_as_dict(file, files, removed, compared=not raw))
    else:
        _print(files, removed, compared=not raw)


def _payloads(content: bytes) -> list[_Extracted]:
    payloads = decode_envelope(content).payloads
    return [_Extracted("payload", name.encode(), each) for name, each in payloads.items()]


def _bundles(
    content: bytes, payloads: dict[str, bytes]
) -> tuple[list[_Extracted], tuple[bytes, ...]]:
    changes = extract_changes(open_envelope(content), payloads)
    found = [
        _Extracted("bundle", change.uid, bundle_of(change).encode())
        for change in changes
        if change.sections
    ]
    return found, tuple(change.uid for change in changes if not change.sections)


def _write(out: Path, files: dict[Path, _Extracted], *, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise VerbRefused(f"{show(str(out))}: is not a directory")
    require_absent(files, force=force, making=out)
    with refuse_unwritable(out):
        out.mkdir(parents=True, exist_ok=True)
    for path, each in files.items():
        write_file(path, each.content)


def _as_dict(
    file: Path, files: dict[Path, _Extracted], removed: tuple[bytes, ...], *, compared: bool
) -> dict[str, Any]:
    return {
        "file": show(file.name),
        "files": [
            {
                "file": str(path),
                "kind": each.kind,
                "name": show(each.name),
                "bytes": len(each.content),
            }
            for path, each in files.items()
        ],
        "removed": [show(uid) for uid in removed],
        "digests_compared": compared,
        "signatures_verified": False,
    }


def _print(files: dict[Path, _Extracted], removed: tuple[bytes, ...], *, compared: bool) -> None:
    for path, each in files.items():
        click.echo(f"{show(str(path))}: {len(each.content)} bytes, {each.kind} {show(each.name)}")
    for uid in removed:
        click.echo(f"the update deletes {show(uid)}")
    if not files and not removed:
        click.echo("the envelope carries no payload")
    held = "the digests hold" if compared else "no digest was compared"
    click.echo(f"{held}; {_NOT_VERIFIED}")
