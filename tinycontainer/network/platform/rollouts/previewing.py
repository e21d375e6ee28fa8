"""What a rollout would be for, before it is drafted."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import Wave, size_waves
from tinycontainer_tokens import Role

from ..actor import Actor
from ..catalogue.releases import find_release, require_party
from ..fleet.devices import read_query
from .targets import find_candidates

MOST_EXAMPLES: Final = 5
MOST_KINDS: Final = 8


@dataclass(frozen=True, slots=True)
class TargetPreview:
    """The devices that a query means now.

    Attributes:
        devices: how many.
        waves: how many of them would be in each wave.
        kinds: the most frequent kinds, and how many of each.
        examples: the names of some of them.
    """

    devices: int
    waves: tuple[int, ...]
    kinds: dict[str, int]
    examples: tuple[str, ...]


def preview_targets(
    session: Session,
    actor: Actor,
    uid: bytes,
    number: int,
    query: str,
    waves: tuple[Wave, ...],
    now_s: float,
) -> TargetPreview:
    """Count the devices that a rollout would be for; nothing is kept.

    Args:
        session: of a transaction.
        actor: who asks.
        uid: of the container.
        number: of the release.
        query: which devices.
        waves: the steps; their shares rise to 100 per cent.
        now_s: Unix time.

    Raises:
        PlatformRefused: there is no such release that it may see, it is not its infrastructure, or
            it is no query.
    """
    release = find_release(session, actor, uid, number)
    require_party(actor, release, Role.INFRASTRUCTURE)
    own = actor.organisation_id
    found = find_candidates(session, release, own, read_query(query), now_s)
    kinds = Counter(each.kind for each in found).most_common(MOST_KINDS)
    examples = tuple(each.name for each in found[:MOST_EXAMPLES])
    return TargetPreview(len(found), size_waves(len(found), waves), dict(kinds), examples)
