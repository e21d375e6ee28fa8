"""A release before its rollout: judged by the profiles of the devices that it is for."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import BoundedSemaphore
from typing import Final

from sqlalchemy.orm import Session

from tinycontainer.errors import RuntimeUnavailable
from tinycontainer.interfaces.analysis import Analyser
from tinycontainer.metadata import Bundle, ContainerType
from tinycontainer.tools.lint import CodeTools
from tinycontainer.tools.rollouts import Query
from tinycontainer_tokens import Role

from ..actor import Actor
from ..catalogue.releases import bundle_of, find_release, party_id
from ..refusing import failed, forbidden, too_many
from ..tables.fleet import DeviceProfile
from .finding import find_targets
from .judging import Bounds, FleetJudgement, Runtimes, TargetDevice, judge_fleet
from .linting import FleetLint, lint_fleet
from .profile_content import ProfileContent, read_profile
from .profiles import load_profiles

MOST_PROFILES: Final = 64
"""Judged at once: those that most devices have."""
MOST_CASES: Final = 128
MOST_SECONDS: Final = 5.0
MOST_LINT_SECONDS: Final = 2.0
"""For what is only shown, when all is judged."""
AT_ONCE: Final = 2
"""Judgements that are made at the same time."""
WAIT_S: Final = 5.0
"""For one of these to end."""
MOST_KEPT: Final = 128
"""Profiles that stay checked, so that the next judgement is faster."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a judgement is made of, as the database had it.

    Attributes:
        bundle: the container.
        targets: the devices.
        profiles: what they accept, by id; as far as they are judged.
    """

    bundle: Bundle
    targets: tuple[TargetDevice, ...]
    profiles: Mapping[int, DeviceProfile]


def gather(session: Session, actor: Actor, uid: bytes, number: int, query: Query) -> Asked:
    """Read all that a judgement is made of.

    Args:
        session: of a transaction.
        actor: who asks.
        uid: of the container.
        number: of the release.
        query: which devices it is for.

    Raises:
        PlatformRefused: there is no such release that it may see, it may not judge it, or the
            release is not complete.
    """
    row = find_release(session, actor, uid, number)
    judging = {party_id(row, role) for role in (Role.OWNER, Role.INFRASTRUCTURE)}
    if actor.organisation_id not in judging:
        raise forbidden("only the owner and the infrastructure of a release have devices for it")
    return gather_targets(session, bundle_of(session, row), find_targets(session, actor, query))


def gather_targets(session: Session, bundle: Bundle, targets: tuple[TargetDevice, ...]) -> Asked:
    """Read the profiles of some devices; the session is of no more use then.

    Args:
        session: of a transaction.
        bundle: the container.
        targets: the devices.
    """
    frequent = Counter(each.profile_id for each in targets).most_common(MOST_PROFILES)
    profiles = load_profiles(session, [each for each, _ in frequent])
    session.expunge_all()  # so that they can be read when the transaction is over
    return Asked(bundle, targets, profiles)


@dataclass(frozen=True, slots=True)
class JudgedRelease:
    """What is said of a release and its devices.

    Attributes:
        fleet: which devices would take it. This alone decides.
        lint: what else should be known of it. It is advice, and hinders nothing.
    """

    fleet: FleetJudgement
    lint: FleetLint


class Judge:
    """Judges releases, few at the same time; threads can share it.

    Args:
        runtimes: makes what admits code.
        analysers: finds what says what code does.
        monotonic_s: seconds that only go on.
    """

    def __init__(
        self,
        runtimes: Callable[[], Runtimes],
        analysers: Callable[[], Mapping[ContainerType, Analyser]],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._runtimes = runtimes
        self._analysers = analysers
        self._bounds = Bounds(MOST_CASES, MOST_SECONDS, monotonic_s)
        self._lint_bounds = Bounds(MOST_CASES, MOST_LINT_SECONDS, monotonic_s)
        self._free = BoundedSemaphore(AT_ONCE)
        self._read = lru_cache(MOST_KEPT)(_read)

    @property
    def analysers(self) -> Mapping[ContainerType, Analyser]:
        """What says what code does, by container type."""
        return self._analysers()

    def judge(self, asked: Asked, now_s: int) -> JudgedRelease:
        """Say which devices would take a release, and what else should be known of it.

        Args:
            asked: the release and the devices.
            now_s: time of the devices in Unix seconds.

        Raises:
            PlatformRefused: too much is judged just now, or no runtime works here.
        """
        if not self._free.acquire(timeout=WAIT_S):
            raise too_many("other releases are judged just now", WAIT_S)

        def find_profile(number: int) -> ProfileContent | None:
            row = asked.profiles.get(number)
            return (
                None if row is None else self._read(row.device_file, tuple(row.key_files.items()))
            )

        try:
            runtimes = self._runtimes()
            tools = CodeTools(self.analysers, runtimes)
            bundle, targets = asked.bundle, asked.targets
            return JudgedRelease(
                judge_fleet(bundle, targets, find_profile, runtimes, now_s, self._bounds),
                lint_fleet(bundle, targets, find_profile, tools, now_s, self._lint_bounds),
            )
        except RuntimeUnavailable:
            raise failed("no release can be judged here; its operator sees why") from None
        finally:
            self._free.release()


def _read(device_file: str, key_files: tuple[tuple[str, str], ...]) -> ProfileContent:
    return read_profile(device_file, dict(key_files))
