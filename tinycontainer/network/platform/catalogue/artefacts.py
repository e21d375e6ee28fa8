"""Bytes by their hash. Who brings the same ones again changes nothing."""

from enum import StrEnum
from hashlib import sha256
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from tinycontainer_tokens.key_files import is_key_file

from ..actor import Actor
from ..audit import note
from ..refusing import PlatformRefused, bad_request, conflict, not_found
from ..tables.catalogue import ArtefactRow, ReleaseRow
from .visibility import is_party

MOST_BYTES: Final = 1 << 30
"""Of all artefacts of one organisation."""


class ArtefactKind(StrEnum):
    """What an artefact is for."""

    CODE = "code"
    DATA = "data"
    MODEL = "model"
    SBOM = "sbom"
    ENVELOPE = "envelope"


def keep_artefact(
    session: Session, actor: Actor, digest: str, kind: ArtefactKind, content: bytes, now_s: float
) -> ArtefactRow:
    """Keep some bytes for an organisation.

    Args:
        session: of a transaction that writes.
        actor: whose organisation brings them.
        digest: their SHA-256, in lower-case hexadecimal.
        kind: what they are for.
        content: the bytes.
        now_s: Unix time.

    Raises:
        PlatformRefused: they have another hash, are a private key, or are too many.
    """
    if sha256(content).hexdigest() != digest:
        raise bad_request("content: its SHA-256 is another one than the path says")
    if is_key_file(content):
        raise PlatformRefused(400, "private-key", "content: is a key file, and nothing to deploy")
    known = session.get(ArtefactRow, (actor.organisation_id, digest))
    if known is not None:
        return known
    held = session.scalar(
        select(func.coalesce(func.sum(ArtefactRow.size_bytes), 0)).where(
            ArtefactRow.organisation_id == actor.organisation_id
        )
    )
    if (held or 0) + len(content) > MOST_BYTES:
        raise conflict(f"the artefacts of {actor.organisation} would have more than {MOST_BYTES} B")
    row = ArtefactRow(
        organisation_id=actor.organisation_id,
        sha256=digest,
        kind=kind.value,
        size_bytes=len(content),
        content=content,
        created_s=now_s,
    )
    session.add(row)
    detail = {"kind": kind.value, "bytes": len(content)}
    note(session, actor, "artefact-kept", digest, detail, now_s)
    return row


def require_artefact(session: Session, actor: Actor, digest: str) -> ArtefactRow:
    """An artefact that the organisation has brought, for whatever it was.

    Raises:
        PlatformRefused: it has none.
    """
    row = session.get(ArtefactRow, (actor.organisation_id, digest))
    if row is None:
        raise not_found("artefact")
    return row


def read_artefact(session: Session, actor: Actor, digest: str) -> ArtefactRow:
    """An artefact of the organisation, or one of a release to which it is a party.

    Raises:
        PlatformRefused: there is none that it may see.
    """
    own = session.get(ArtefactRow, (actor.organisation_id, digest))
    if own is not None:
        return own
    query = (
        select(ArtefactRow)
        .join(
            ReleaseRow,
            or_(
                (ReleaseRow.code_sha256 == ArtefactRow.sha256)
                & (ReleaseRow.developer_id == ArtefactRow.organisation_id),
                (ReleaseRow.sbom_sha256 == ArtefactRow.sha256)
                & (ReleaseRow.developer_id == ArtefactRow.organisation_id),
                (ReleaseRow.data_sha256 == ArtefactRow.sha256)
                & (ReleaseRow.provider_id == ArtefactRow.organisation_id),
            ),
        )
        .where(ArtefactRow.sha256 == digest, is_party(actor))
        .limit(1)
    )
    found = session.scalar(query)
    if found is None:
        raise not_found("artefact")
    return found
