"""The devices that a draft is for, and its release, as they are judged before the start."""

from sqlalchemy.orm import Session

from ..actor import Actor
from ..catalogue.releases import bundle_of
from ..fleet.judgement import Asked, gather_targets
from .control import find_rollout, require_draft
from .targets import find_targets


def gather_for(session: Session, actor: Actor, number: int, now_s: float) -> Asked:
    """Read all that the judgement of a draft is made of.

    Args:
        session: of a transaction.
        actor: who asks.
        number: of the rollout.
        now_s: Unix time.

    Raises:
        PlatformRefused: there is no such rollout that it may see, or it is no draft; or its release
            is no longer complete.
    """
    rollout = find_rollout(session, actor, number)
    require_draft(rollout)
    bundle = bundle_of(session, rollout.release)
    targets = find_targets(session, rollout, now_s)
    return gather_targets(session, bundle, targets)
