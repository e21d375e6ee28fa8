"""What pages say of a rollout in words: what happens next, what a deed does, why devices fail."""

from typing import Final

from tinycontainer.tools.rollouts import RolloutEvent, RolloutState

from ...evidence.wording import REFUSALS
from ...rollouts.terms import RolloutTerms
from ..overviews import PaceShown, ThresholdsShown
from ..rollout_bodies import RolloutShown

KINDS: Final = {
    "done": "done",
    "told": "under way",
    "waiting": "waiting",
    "superseded": "superseded",
    "skipped": "skipped",
    "forgiven": "failed, forgiven",
    "failed": "failed",
    "accepted": "would take it",
    "refused": "would refuse it",
    "unjudged": "not judged",
}
"""What the parts of bars are."""
_UNJUDGED: Final = {
    "too-many-profiles": "there are more profiles than are judged at once",
    "out-of-time": "there was no time to judge its profile",
    "profile-not-readable": "its profile is of an older form; give it again",
}
"""Why a device was not judged; what devices themselves say is in `evidence.wording`."""
_DEEDS: Final = {
    "rollout-drafted": "drafted",
    "rollout-paused": "paused",
    "rollout-halted": "halted",
    "rollout-cancelled": "cancelled",
    "rollout-expired": "expired",
    "rollout-done": "ended",
    "rollout-retried": "retried what had failed",
    "device-skipped": "took a device out",
}
_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0
_DAY_S: Final = 86_400.0


def explain_reason(reason: str) -> str:
    """A reason in words; empty if nothing more is known of it than its name."""
    known = REFUSALS.get(reason)
    return _UNJUDGED.get(reason, "") if known is None else f"{known.means} {known.remedy}"


def name_deed(deed: str, after: str) -> str:
    """A deed of the audit in words.

    Args:
        deed: as the audit has it.
        after: the deed before it.
    """
    if deed == "rollout-running":
        return "started" if after == "rollout-drafted" else "resumed"
    return _DEEDS.get(deed, deed)


def tell_next(
    rollout: RolloutShown, terms: RolloutTerms, thresholds: ThresholdsShown | None
) -> str:
    """What a rollout does next, in a few sentences.

    Args:
        rollout: as it is now.
        terms: of it.
        thresholds: of the current wave, if it is open.
    """
    told = sum(each.told for each in rollout.waves)
    match rollout.state:
        case RolloutState.DRAFT:
            return "It has not been started. Nothing is sent to a device before."
        case RolloutState.RUNNING if thresholds is not None:
            return _tell_running(rollout, terms, thresholds)
        case RolloutState.PAUSED:
            return f"It is paused: no further device is told. {_go_on(told)}"
        case RolloutState.HALTED:
            waits = "no further device is told until somebody resumes it"
            return f"It has halted: {waits}. {_go_on(told)}"
        case _:
            return _tell_end(rollout)


def tell_pace(pace: PaceShown) -> str:
    """How fast it goes on, and for how long; empty if that cannot be said."""
    if pace.remaining_s is None:
        return ""
    lately = f"{pace.devices} devices were done in the last {write_span(pace.within_s)}"
    if not pace.remaining_s:
        return f"{lately}."
    left = write_span(pace.remaining_s)
    return f"{lately}. If it goes on like this, all others are done in about {left}."


def tell_deed(event: str, rollout: RolloutShown) -> str:
    """What pause, resume, cancel or retry will do."""
    told = sum(each.told for each in rollout.waves)
    failed = sum(each.failed for each in rollout.waves)
    match event:
        case RolloutEvent.PAUSE:
            return f"No further device is told for now. {_go_on(told)}"
        case RolloutEvent.RESUME:
            forgiven = f" The {failed} that have failed are forgiven: they do not halt it again."
            if failed == 1:
                forgiven = " The one that has failed is forgiven: it does not halt it again."
            return f"It goes on where it is.{forgiven if failed else ''}"
        case RolloutEvent.CANCEL if rollout.state is RolloutState.DRAFT:
            return "The draft is given up. No device was told anything."
        case RolloutEvent.CANCEL:
            called_off = f" What {_devices(told)} were told and have not got is called off."
            return (
                f"It ends for good: no further device is told.{called_off if told else ''}"
                " Devices that are done keep the release."
            )
        case _:
            those = "The device that has failed waits"
            counts = "counts"
            if failed != 1:
                those, counts = f"The {failed} devices that have failed wait", "count"
            when = "" if rollout.state is RolloutState.RUNNING else " once it is resumed"
            return f"{those} for another attempt, and {counts} no longer as failed{when}."


def write_span(seconds: float) -> str:
    """A span of time in words, roughly."""
    for unit_s, unit in ((_DAY_S, "day"), (_HOUR_S, "hour"), (_MINUTE_S, "minute")):
        if seconds >= unit_s:
            number = round(seconds / unit_s)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return "less than a minute"


def _tell_running(rollout: RolloutShown, terms: RolloutTerms, thresholds: ThresholdsShown) -> str:
    wave = rollout.waves[rollout.wave]
    failures = wave.failed - wave.forgiven
    judged = wave.waiting + wave.told + wave.done + failures
    begin = f"Wave {rollout.wave + 1} of {len(rollout.waves)}: {wave.done} of {judged} are done;"
    if rollout.wave + 1 < len(rollout.waves):
        following = f"the next wave begins at {thresholds.done};"
    elif terms.is_standing:
        following = "it is the last one, and stays open for devices that come later;"
    else:
        following = "it is the last one: the rollout ends when none waits or is under way;"
    halting = f"it halts at {thresholds.failures} failure{'' if thresholds.failures == 1 else 's'},"
    there = (
        "there is 1" if failures == 1 else f"there are {failures}" if failures else "there is none"
    )
    return f"{begin} {following} {halting} {there}."


def _tell_end(rollout: RolloutShown) -> str:
    done = sum(each.done for each in rollout.waves)
    every = sum(
        each.waiting + each.told + each.done + each.failed + each.superseded + each.skipped
        for each in rollout.waves
    )
    if not every:
        return f"It is {rollout.state}. No device was told anything."
    return f"It is {rollout.state}: {done} of {every} devices have the release by it."


def _go_on(told: int) -> str:
    if not told:
        return "None is under way."
    return (
        "The 1 that is under way goes on." if told == 1 else f"The {told} that are under way go on."
    )


def _devices(number: int) -> str:
    return "1 device" if number == 1 else f"{number} devices"
