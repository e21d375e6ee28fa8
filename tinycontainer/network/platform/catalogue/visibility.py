"""Which releases an organisation sees: those that it is a party to."""

from sqlalchemy import ColumnElement, or_

from ..actor import Actor
from ..tables.catalogue import ReleaseRow


def is_party(actor: Actor) -> ColumnElement[bool]:
    """Whether the organisation is one of a release's four parties, for a query."""
    own = actor.organisation_id
    return or_(
        ReleaseRow.developer_id == own,
        ReleaseRow.provider_id == own,
        ReleaseRow.infrastructure_id == own,
        ReleaseRow.owner_id == own,
    )
