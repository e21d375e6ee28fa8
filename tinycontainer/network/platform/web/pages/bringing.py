"""The forms by which parties bring what is theirs to a release, but for the plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session
from starlette.responses import Response

from tinycontainer.metadata import ContainerType
from tinycontainer_tokens import Kind, Role

from ...actor import PlatformScope
from ...catalogue import artefacts, envelopes, releases, sboms
from ...catalogue.artefacts import ArtefactKind
from ...catalogue.cyclonedx import MAX_SBOM_BYTES, SoftwareComponent
from ...catalogue.forms import mask_of
from ...refusing import PlatformRefused, bad_request
from ...tables.catalogue import ReleaseRow
from ..parts import PlatformParts
from ..release_bodies import CodeGiven, DataGiven, Number, ReleaseListed, RightsGiven, Uid
from .forms import SentForm, fill, read_form, read_upload
from .rendering import PageWriter
from .route import attempt
from .terms import ALL_CALLS, read_calls, read_terms, tick_calls, write_terms
from .visitors import Visitor, sending, uploading, visiting

_TYPES: Final = ("wasm", "bpf")


@dataclass(frozen=True, slots=True)
class BroughtContent:
    """Something that a party brings to a release.

    Attributes:
        name: last part of its path.
        role: of the party.
        title: of its page.
        file: what the file is, in words; empty if it comes without one.
        kind: of the artefact; None if it comes without a file.
        terms: whose claims can be said with it; None if there are none.
        hint: what happens with it.
    """

    name: str
    role: Role
    title: str
    file: str
    kind: ArtefactKind | None
    terms: Kind | None
    hint: str


_CODE: Final = BroughtContent(
    "code", Role.DEVELOPER, "Code", "The code section: a WebAssembly module, or eBPF",
    ArtefactKind.CODE, Kind.CODE,
    "Other code takes the place of what is there, and what was signed of that is dropped.",
)  # fmt: skip
_DATA: Final = BroughtContent(
    "data", Role.PROVIDER, "Data", "The data section: settings, a model, keys' public halves",
    ArtefactKind.DATA, Kind.DATA,
    "Other data take the place of what is there, and what was signed of those is dropped.",
)  # fmt: skip
_SBOM: Final = BroughtContent(
    "sbom", Role.DEVELOPER, "SBOM: the software inside",
    "A document of CycloneDX 1.4 to 1.6 in JSON",
    ArtefactKind.SBOM, None,
    "Nobody signs it. It says which devices run a component, so that nobody searches for it later.",
)  # fmt: skip
_ENVELOPE: Final = BroughtContent(
    "envelope", Role.INFRASTRUCTURE, "Update envelope", "An envelope of SUIT for this container",
    ArtefactKind.ENVELOPE, None,
    "Devices that take updates get it instead of the container; each judges it by its own keys.",
)  # fmt: skip
_RIGHTS: Final = BroughtContent(
    "rights", Role.OWNER, "Rights", "", None, Kind.MASK,
    "Nothing is allowed before you sign it.",
)  # fmt: skip


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of contents.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """
    for each in (_CODE, _DATA, _SBOM, _ENVELOPE):
        _add_upload(router, parts, writer, each)
    _add_rights(router, parts, writer)


def _add_upload(
    router: APIRouter, parts: PlatformParts, writer: PageWriter, brought: BroughtContent
) -> None:
    path = f"/releases/{{uid}}/{{number}}/{brought.name}"

    @router.get(path)
    def show_upload(
        visitor: Annotated[Visitor, Depends(visiting(PlatformScope.PUBLISH))],
        uid: Uid,
        number: Number,
    ) -> Response:
        return _write(parts, writer, brought, visitor, uid, number, None)

    @router.post(path)
    def bring_file(
        visitor: Annotated[Visitor, Depends(uploading(PlatformScope.PUBLISH))],
        uid: Uid,
        number: Number,
        form: Annotated[SentForm, Depends(read_upload)],
    ) -> Response:
        return attempt(
            lambda: _bring(parts, brought, visitor, uid, number, form),
            partial(_write, parts, writer, brought, visitor, uid, number, form.fields),
        )


def _add_rights(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    path = "/releases/{uid}/{number}/rights"

    @router.get(path)
    def show_rights(
        visitor: Annotated[Visitor, Depends(visiting(PlatformScope.PUBLISH))],
        uid: Uid,
        number: Number,
    ) -> Response:
        return _write(parts, writer, _RIGHTS, visitor, uid, number, None)

    @router.post(path)
    def allow_calls(
        visitor: Annotated[Visitor, Depends(sending(PlatformScope.PUBLISH))],
        uid: Uid,
        number: Number,
        form: Annotated[Mapping[str, str], Depends(read_form)],
    ) -> Response:
        def allow() -> str:
            values = {"syscalls": read_calls(form), "terms": read_terms(form)}
            given = fill(RightsGiven, values)
            with parts.changing(visitor.actor) as session:
                row = _find(session, visitor, uid, number, to_change=True)
                mask = mask_of(given.syscalls)
                releases.add_rights(session, visitor.actor, row, mask, given.terms, parts.now_s())
            return f"/releases/{uid}/{number}"

        return attempt(allow, partial(_write, parts, writer, _RIGHTS, visitor, uid, number, form))


def _write(
    parts: PlatformParts,
    writer: PageWriter,
    brought: BroughtContent,
    visitor: Visitor,
    uid: str,
    number: int,
    form: Mapping[str, str] | None,
    status: int = 200,
    refusal: str = "",
) -> Response:
    """The form; with what is there, or with what was sent."""
    with parts.database.reading() as session:
        row = _find(session, visitor, uid, number)
        releases.require_party(visitor.actor, row, brought.role)
        if form is None and brought is not _SBOM:
            releases.require_open_to(visitor.actor, row, brought.role)
        is_there = _digest_there(row, brought) is not None
        return writer.write(
            "bring",
            visitor,
            status=status,
            refusal=refusal,
            release=ReleaseListed.of(row),
            brought=brought,
            calls=ALL_CALLS if brought in (_CODE, _RIGHTS) else (),
            asked=read_calls(tick_calls(row.syscalls)) if brought is _RIGHTS else [],
            types=_types_of(row) if brought is _CODE else (),
            has_terms=brought.terms is not None and row.profile == "rfc9052",
            is_there=is_there,
            hint=brought.hint if is_there or brought not in (_CODE, _DATA) else "",
            may_be_empty=brought is _DATA,
            most_bytes=_most_bytes(parts, brought),
            values={**_nothing(), **(_values_there(row, brought) if form is None else form)},
        )


def _bring(
    parts: PlatformParts,
    brought: BroughtContent,
    visitor: Visitor,
    uid: str,
    number: int,
    form: SentForm,
) -> str:
    """Keep a file and add it to a release, both or neither."""
    actor, now_s = visitor.actor, parts.now_s()
    with parts.database.reading() as session:
        row = _find(session, visitor, uid, number)
        releases.require_party(actor, row, brought.role)
        there = _digest_there(row, brought)
    content = b"" if "empty" in form.fields and brought is _DATA else form.content
    if content is None and there is None:
        raise bad_request("file: choose one")
    most_bytes = _most_bytes(parts, brought)
    if content is not None and len(content) > most_bytes:
        raise PlatformRefused(413, "content-too-large", f"file: is longer than {most_bytes} bytes")
    components = sboms.read_document(content or b"") if brought is _SBOM else ()
    with parts.changing(actor) as session:
        row = _find(session, visitor, uid, number, to_change=True)
        digest = there or ""
        if content is not None and brought.kind is not None:
            digest = sha256(content).hexdigest()
            artefacts.keep_artefact(session, actor, digest, brought.kind, content, now_s)
            session.flush()
        _add(session, visitor, row, brought, digest, form.fields, components, now_s)
    return f"/releases/{uid}/{number}"


def _add(
    session: Session,
    visitor: Visitor,
    row: ReleaseRow,
    brought: BroughtContent,
    digest: str,
    form: Mapping[str, str],
    components: tuple[SoftwareComponent, ...],
    now_s: float,
) -> None:
    actor = visitor.actor
    values: dict[str, Any] = {"sha256": digest, "terms": read_terms(form)}
    if brought is _CODE:
        code = fill(CodeGiven, {**values, "type": form.get("type"), "syscalls": read_calls(form)})
        kind, calls = ContainerType[code.type.upper()], mask_of(code.syscalls)
        releases.add_code(session, actor, row, digest, kind, calls, code.terms, now_s)
    elif brought is _DATA:
        data = fill(DataGiven, values)
        releases.add_data(session, actor, row, digest, data.terms, now_s)
    elif brought is _SBOM:
        sboms.add_sbom(session, actor, row, digest, components, now_s)
    else:
        envelopes.add_envelope(session, actor, row, digest, now_s)


def _find(
    session: Session, visitor: Visitor, uid: str, number: int, *, to_change: bool = False
) -> ReleaseRow:
    return releases.find_release(
        session, visitor.actor, bytes.fromhex(uid), number, to_change=to_change
    )


def _most_bytes(parts: PlatformParts, brought: BroughtContent) -> int:
    most_bytes = parts.limits.payload_bytes
    return min(most_bytes, MAX_SBOM_BYTES) if brought is _SBOM else most_bytes


def _digest_there(row: ReleaseRow, brought: BroughtContent) -> str | None:
    """Of the file that can stay while something is said anew beside it."""
    return {"code": row.code_sha256, "data": row.data_sha256}.get(brought.name)


def _types_of(row: ReleaseRow) -> tuple[str, ...]:
    there = _type_of(row)
    return _TYPES if there in _TYPES else (*_TYPES, there)


def _type_of(row: ReleaseRow) -> str:
    if row.container_type is None:
        return _TYPES[0]
    return ContainerType(row.container_type).name.lower()


def _values_there(row: ReleaseRow, brought: BroughtContent) -> dict[str, str]:
    """What the form has before anybody has filled it in."""
    found = {} if brought.terms is None else write_terms(row.terms.get(brought.terms.name, {}))
    if brought is _CODE:
        return {**found, "type": _type_of(row), **tick_calls(row.syscalls)}
    if brought is _RIGHTS:
        return {**found, **tick_calls(row.syscalls if row.mask is None else row.mask)}
    return found


def _nothing() -> dict[str, str]:
    return {"type": "", "empty": "", **tick_calls(0), **write_terms({})}
