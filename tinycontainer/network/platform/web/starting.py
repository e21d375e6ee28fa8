"""Starts a rollout once its devices are judged: for the API and for pages alike."""

from dataclasses import dataclass

from ..actor import Actor
from ..fleet.judgement import Judge, JudgedRelease
from ..refusing import conflict
from ..rollouts import control
from ..rollouts.judging import gather_for
from .judgement_bodies import JudgementShown
from .parts import PlatformParts
from .rollout_bodies import RolloutShown


@dataclass(frozen=True, slots=True)
class JudgedTargets:
    """The devices that a draft is for, as they were judged.

    Attributes:
        found: what they would say.
        at_s: Unix time of the judgement.
    """

    found: JudgedRelease
    at_s: int

    def shown(self) -> JudgementShown:
        """Counted, by reasons."""
        return JudgementShown.of(self.found, self.at_s)


def judge_targets(parts: PlatformParts, judge: Judge, actor: Actor, number: int) -> JudgedTargets:
    """Whether the devices that a draft is for would take the release, and if not, why.

    Args:
        parts: what it works on.
        judge: says what devices would do.
        actor: who asks.
        number: of the rollout.

    Raises:
        PlatformRefused: there is no such draft that it may see, its release is not complete, or
            too much is judged just now.
    """
    at_s = int(parts.now_s())
    with parts.database.reading() as session:
        asked = gather_for(session, actor, number, parts.now_s())
    return JudgedTargets(judge.judge(asked, at_s), at_s)


def start_judged(
    parts: PlatformParts, judge: Judge, actor: Actor, number: int, despite: int
) -> RolloutShown:
    """Start a draft whose devices are judged now.

    Args:
        parts: what it works on.
        judge: says what devices would do.
        actor: who asks.
        number: of the rollout.
        despite: how many devices will not take the release, or were not judged.

    Raises:
        PlatformRefused: it cannot be judged or started, or that is not how many they are.
    """
    found = judge_targets(parts, judge, actor, number).shown()
    others = found.devices - found.accepted
    if others != despite:
        problem = f"{others} of {found.devices} devices would not take it, or were not judged"
        raise conflict(f"despite: {problem}; look at its judgement, and give this number")
    with parts.changing(actor) as session:
        kept = found.model_dump(mode="json")
        row = control.start_rollout(session, actor, number, kept, parts.now_s())
        session.flush()
        return RolloutShown.of(row, control.names_of(session, (row,)))
