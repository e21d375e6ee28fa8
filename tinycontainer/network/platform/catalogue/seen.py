"""Whether what is signed is still what somebody has looked at."""

from hashlib import sha256

from sqlalchemy.orm import Session

from ..actor import Actor
from ..refusing import conflict
from ..releases.parts import ReleasePart
from ..tables.catalogue import ReleaseRow
from .keys import keys_of, material_of
from .releases import to_sign


def require_unchanged(
    session: Session, actor: Actor, row: ReleaseRow, part: ReleasePart, claims_sha256: str
) -> None:
    """Refuse to sign something else than somebody has looked at.

    Args:
        session: of a transaction.
        actor: who signs.
        row: of the release.
        part: which part.
        claims_sha256: of the claims that were looked at, as the newest key signs them.

    Raises:
        PlatformRefused: they are others by now, or cannot be signed now.
    """
    newest = material_of(keys_of(session, actor.organisation_id, part.role)[-1])
    payload, _ = to_sign(session, row, part, newest)
    if sha256(payload).hexdigest() != claims_sha256:
        raise conflict("it has changed since you looked at it; look again, and then sign")
