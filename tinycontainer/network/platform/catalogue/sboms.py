"""What software is in a release, as its developer says; nobody signs it."""

from typing import Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from tinycontainer_tokens import Role

from ..actor import Actor
from ..audit import note
from ..refusing import bad_request, conflict
from ..tables.catalogue import ReleaseRow
from ..tables.components import ReleaseComponentRow
from .artefacts import require_artefact
from .cyclonedx import MAX_SBOM_BYTES, CycloneDxError, SoftwareComponent, read_components
from .releases import name_of, require_party

MOST_OF_ALL: Final = 1_000_000
"""Components of all releases of one developer together."""


def read_sbom(
    session: Session, actor: Actor, row: ReleaseRow, digest: str
) -> tuple[SoftwareComponent, ...]:
    """Read the components of a release from an artefact, whatever it was brought for.

    It can take a second, so that it is not done while others wait to write.

    Args:
        session: of a transaction.
        actor: who asks.
        row: of the release.
        digest: SHA-256 of the artefact.

    Raises:
        PlatformRefused: the organisation is not the developer, has no such artefact, or it is no
            document of CycloneDX that can be used.
    """
    require_party(actor, row, Role.DEVELOPER)
    artefact = require_artefact(session, actor, digest)
    _require_short(artefact.size_bytes)
    return read_document(artefact.content)


def read_document(content: bytes) -> tuple[SoftwareComponent, ...]:
    """Read the components from a document. It can take a second.

    Args:
        content: untrusted bytes.

    Raises:
        PlatformRefused: it is no document of CycloneDX that can be used.
    """
    _require_short(len(content))
    try:
        return read_components(content)
    except CycloneDxError as error:
        raise bad_request(f"sbom: {error}") from None


def add_sbom(
    session: Session,
    actor: Actor,
    row: ReleaseRow,
    digest: str,
    components: tuple[SoftwareComponent, ...],
    now_s: float,
) -> None:
    """Say what is in a release, or something else in its place; no token changes by it.

    Args:
        session: of a transaction that writes.
        actor: who says it.
        row: of the release.
        digest: SHA-256 of an artefact of the organisation.
        components: what was read from it.
        now_s: Unix time.

    Raises:
        PlatformRefused: the organisation is not the developer, or its releases would have too
            many components.
    """
    require_party(actor, row, Role.DEVELOPER)
    if row.sbom_sha256 == digest:
        return
    _require_room(session, row, len(components))
    session.execute(delete(ReleaseComponentRow).where(ReleaseComponentRow.release_id == row.id))
    rows = [
        {
            "release_id": row.id,
            "position": position,
            "name": each.name,
            "version": each.version,
            "purl": each.purl,
        }
        for position, each in enumerate(components)
    ]
    if rows:
        session.execute(insert(ReleaseComponentRow), rows)
    detail = {"sha256": digest, "before": row.sbom_sha256, "components": len(components)}
    row.sbom_sha256, row.sbom_components = digest, len(components)
    note(session, actor, "sbom-added", name_of(row), detail, now_s)


def components_of(session: Session, row: ReleaseRow) -> tuple[SoftwareComponent, ...]:
    """The components of a release, in the order of its document."""
    query = (
        select(ReleaseComponentRow)
        .where(ReleaseComponentRow.release_id == row.id)
        .order_by(ReleaseComponentRow.position)
    )
    return tuple(
        SoftwareComponent(each.name, each.version, each.purl) for each in session.scalars(query)
    )


def _require_short(size_bytes: int) -> None:
    if size_bytes > MAX_SBOM_BYTES:
        raise bad_request(f"sbom: document: is longer than {MAX_SBOM_BYTES} bytes")


def _require_room(session: Session, row: ReleaseRow, count: int) -> None:
    others = select(func.coalesce(func.sum(ReleaseRow.sbom_components), 0)).where(
        ReleaseRow.developer_id == row.developer_id, ReleaseRow.id != row.id
    )
    if (session.scalar(others) or 0) + count > MOST_OF_ALL:
        raise conflict(f"the releases of a developer have at most {MOST_OF_ALL} components")
