"""``suit create``: an envelope that brings containers to devices, or deletes them there."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from tinycontainer.assembly import DevicePlan, read_identity, read_plan
from tinycontainer.errors import EnvelopeError
from tinycontainer.files.fields import check_uid, uid_from_text
from tinycontainer.files.update_table import check_class, check_vendor
from tinycontainer.interfaces.network.coap_uri import parse_coap_uri
from tinycontainer.interfaces.updating import UpdateIdentity
from tinycontainer.suit.drafts import UpdateDraft, make_envelope
from tinycontainer.suit.envelope.decoder import decode_envelope
from tinycontainer.suit.envelope.profile import MAX_SEQUENCE_NUMBER
from tinycontainer.suit.rules import derive_identity
from tinycontainer.text import show
from tinycontainer.tools.updates.outside_payloads import Placement, check_base, place
from tinycontainer.tools.updates.sources import UpdateSource, read_source

from ...options import force_option, gather_options, json_option, path_argument, path_option
from ...output_files import require_absent, write_file
from ...printing import print_json
from ...verb import Verb, VerbRefused


def _checked(
    check: Callable[[str], str],
) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """A callback that refuses an option's value as a check does."""

    def callback(
        _context: click.Context, _parameter: click.Parameter, text: str | None
    ) -> str | None:
        try:
            return None if text is None else check(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return callback


def _parse_uids(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[bytes, ...]:
    try:
        return tuple(uid_from_text(check_uid(text)) for text in texts)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@dataclass(frozen=True, slots=True)
class _Addressee:
    """The options that say which devices an update is for.

    Attributes:
        device: a device file, in place of the names.
        vendor, class_name: names, or UUIDs.
        device_id: the name of one device; None for all of the class.
    """

    device: Path | None
    vendor: str | None
    class_name: str | None
    device_id: str | None

    def read_plan(self) -> DevicePlan | None:
        """The device file, if one was given.

        Raises:
            VerbRefused: neither a file nor both names were given, or more than that.
        """
        names = self.vendor is not None, self.class_name is not None
        if self.device is not None and not any(names):
            return read_plan(self.device)
        if self.device is not None or not all(names):
            raise VerbRefused("give either --device, or --vendor and --class")
        return None

    def identity(self, plan: DevicePlan | None) -> UpdateIdentity:
        """The identifiers that the update names; a device's only if one was asked for."""
        if plan is None:
            return derive_identity(self.vendor or "", self.class_name or "", self.device_id)
        found = read_identity(plan)
        vendor = plan.content.update.vendor or plan.content.device.vendor
        device_id = derive_identity(vendor, "", self.device_id).device_id
        return replace(found, device_id=device_id)


_addressee_options = gather_options(
    "addressee",
    _Addressee,
    path_option("--device", help="Device file that says which vendor and class it is for."),
    click.option(
        "--vendor",
        callback=_checked(check_vendor),
        help="The vendor's domain, or a UUID, in place of a device file.",
    ),
    click.option(
        "--class",
        "class_name",
        callback=_checked(check_class),
        help="What kind of device it is for, or a UUID.",
    ),
    click.option("--device-id", help="The id of the only device that it is for; default all."),
)


@click.command(cls=Verb, short_help="Make an envelope of bundles, or one that deletes containers.")
@path_argument("sources", nargs=-1)
@path_option("--out", "-o", required=True, help="The envelope.")
@click.option(
    "--sequence",
    type=click.IntRange(0, MAX_SEQUENCE_NUMBER),
    required=True,
    help="Number of the update; higher than that of each container's last one.",
)
@_addressee_options
@click.option("--start", "starts", is_flag=True, help="Let the device start the containers.")
@click.option(
    "--remove",
    "removed",
    multiple=True,
    metavar="UID",
    callback=_parse_uids,
    help="Delete this container, in place of bringing any; can be repeated.",
)
@click.option(
    "--fetch",
    "base",
    metavar="URI",
    callback=_checked(check_base),
    help="Leave the sections out: devices fetch them below this URI, such as"
    " coap://[2001:db8::7]/updates. Their files are written beside the envelope.",
)
@click.option(
    "--severed-install", is_flag=True, help="Let the install sequence lie outside of the manifest."
)
@click.option("--description", help="What the update does, for people.")
@click.option("--reference-uri", help="Where the whole manifest can be found, for people.")
@force_option
@json_option
def create(
    sources: tuple[Path, ...],
    out: Path,
    sequence: int,
    addressee: _Addressee,
    starts: bool,
    removed: tuple[bytes, ...],
    base: str | None,
    severed_install: bool,
    description: str | None,
    reference_uri: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make an envelope of SOURCES, bundles or container directories, which nobody has signed yet.

    The bundle of a directory is the one beside it, which `pack` has made. All containers of an
    envelope change together, or none does. With --remove it deletes containers.

    Example: tinycontainerctl suit create courier.tcb --sequence 2 --device device.toml
    -o update.suit
    """
    plan = addressee.read_plan()
    if bool(sources) == bool(removed):
        raise VerbRefused("give either SOURCES that the update brings, or --remove UID")
    if removed and (starts or base or severed_install):
        option = "--start" if starts else "--fetch" if base else "--severed-install"
        raise VerbRefused(f"{option}: does not go together with --remove; leave it out")
    brought = _read_sources(sources)
    _require_possible(brought, plan)
    placed = place(brought, base, starts=starts)
    draft = UpdateDraft(
        sequence,
        addressee.identity(plan),
        placed.versions,
        removed,
        severed_install,
        description,
        reference_uri,
    )
    content = _make(draft)
    remarks = _find_remarks(base, plan)
    made = _Made(out, draft, content, placed, tuple(brought), remarks)
    made.write(force=force)
    if as_json:
        print_json(made.as_dict())
    else:
        for line in made.lines():
            click.echo(line)


def _read_sources(paths: Iterable[Path]) -> list[UpdateSource]:
    found: dict[bytes, UpdateSource] = {}
    for path in paths:
        source = read_source(path)
        if source.uid in found:
            problem = f"{source.name}: holds {show(source.uid)}, as {found[source.uid].name} does"
            raise VerbRefused(f"{problem}; an update brings each container once")
        found[source.uid] = source
    return list(found.values())


def _require_possible(sources: Iterable[UpdateSource], plan: DevicePlan | None) -> None:
    """Refuse sections that the device of a file has no room for."""
    if plan is None:
        return
    limits = plan.content.make_capacity().section_limits
    for source in sources:
        for section, content in source.sections.items():
            if len(content) > limits[section]:
                problem = f"{section} of {len(content)} bytes; {limits[section]} fit into"
                raise VerbRefused(f"{source.name}: {problem} the device of {plan.name}")


def _find_remarks(base: str | None, plan: DevicePlan | None) -> tuple[str, ...]:
    """What the device of a file would refuse, unless its file is changed."""
    if plan is None or base is None:
        return ()
    servers = {parse_coap_uri(server).origin for server in plan.content.update.fetch}
    if parse_coap_uri(base).origin in servers:
        return ()
    listed = ", ".join(sorted(servers)) or "none"
    problem = f"does not fetch from there (`fetch` of [update] lists: {listed})"
    return (f"the device of {plan.name} {problem}",)


def _make(draft: UpdateDraft) -> bytes:
    try:
        return make_envelope(draft)
    except EnvelopeError as error:
        raise VerbRefused(f"no device would take it: {error.place}: {error.problem}") from None


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made.

    Attributes:
        out: where the envelope is to lie.
        draft: what it says.
        content: its bytes.
        placed: what it brings, and what lies beside it.
        sources: where that comes from.
        remarks: what else to say of it.
    """

    out: Path
    draft: UpdateDraft
    content: bytes
    placed: Placement
    sources: tuple[UpdateSource, ...]
    remarks: tuple[str, ...]

    @property
    def added_bytes(self) -> int:
        """How many bytes the envelope and its payloads have beyond the bundles."""
        outside = sum(map(len, self.placed.files.values()))
        bundles = sum(len(source.bundle.encode()) for source in self.sources)
        return len(self.content) + outside - bundles

    def write(self, *, force: bool) -> None:
        """Write the envelope and the payloads that it leaves out.

        A payload that is there already with these bytes is left alone, as its name is its hash.

        Raises:
            VerbRefused: a file exists, or cannot be written.
        """
        require_absent((self.out,), force=force)
        beside = {self.out.parent / name: each for name, each in self.placed.files.items()}
        missing = {
            path: each
            for path, each in beside.items()
            if not (path.is_file() and path.read_bytes() == each)
        }
        require_absent(missing, force=force)
        for path, each in missing.items():
            write_file(path, each)
        write_file(self.out, self.content)

    def as_dict(self) -> dict[str, Any]:
        identity = self.draft.identity
        return {
            "file": str(self.out),
            "bytes": len(self.content),
            "sequence": self.draft.sequence_number,
            "digest": decode_envelope(self.content).digest.value.hex(),
            "vendor_id": identity.vendor_id.hex(),
            "class_id": identity.class_id.hex(),
            "device_id": None if identity.device_id is None else identity.device_id.hex(),
            "containers": [
                {
                    "uid": show(source.uid),
                    "uid_hex": source.uid.hex(),
                    "source": source.name,
                    "bytes": {
                        "metadata": len(source.bundle.metadata),
                        "code": len(source.bundle.code),
                        "data": len(source.bundle.data),
                    },
                }
                for source in self.sources
            ],
            "removed": [show(uid) for uid in self.draft.removed],
            "added_bytes": self.added_bytes,
            "payload_files": [str(self.out.parent / name) for name in self.placed.files],
            "remarks": list(self.remarks),
        }

    def lines(self) -> Iterator[str]:
        name = show(str(self.out))
        yield f"{name}: {len(self.content)} bytes, update {self.draft.sequence_number}"
        for source in self.sources:
            sizes = ", ".join(f"{each} {len(part)}" for each, part in source.sections.items())
            yield f"brings {show(source.uid)} ({sizes} bytes)"
        for uid in self.draft.removed:
            yield f"deletes {show(uid)}"
        for file, content in self.placed.files.items():
            yield f"{show(str(self.out.parent / file))}: {len(content)} bytes, to be fetched"
        yield from self.remarks
        if self.sources:
            signature = "a signature adds about 80 more"
            yield f"the envelope adds {self.added_bytes} bytes to the bundles; {signature}"
        yield f"nobody has signed it yet; `tinycontainerctl suit sign {name} --key KEY` does"
