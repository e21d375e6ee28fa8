"""Jobs as a worker has them while no transaction is open."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final

from sqlalchemy.orm import Session

from ..catalogue.releases import bundle_of
from ..database import PlatformDatabase
from ..delivery.progress import DeliveryProgress
from ..delivery.task import DeliveryKind, DeliveryTask
from ..tables.catalogue import ApplicationRow, ArtefactRow, ReleaseRow
from ..tables.rollouts import JobRow, RolloutRow
from .terms import RolloutTerms

_KEPT_BUNDLES: Final = 8


@dataclass(frozen=True, slots=True)
class TakenJob:
    """A job that a worker has the lease of.

    Attributes:
        number: of its row.
        lease: under which it is worked on.
        gateway: through which its device is reached; empty if it no longer is.
        task: what is to be reached.
        progress: how far it is.
        is_cancelled: whether it is to end.
        deadline_s: Unix time when it ends; None for never.
    """

    number: int
    lease: str
    gateway: str
    task: DeliveryTask
    progress: DeliveryProgress
    is_cancelled: bool
    deadline_s: float | None


@dataclass(slots=True)
class TaskLoader:
    """Makes tasks of jobs. Bundles are put together when they are needed, and a few are kept.

    Attributes:
        database: where they are read from.
    """

    database: PlatformDatabase
    _read_kept: Callable[[int], bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._read_kept = lru_cache(_KEPT_BUNDLES)(self._read_bundle)

    def load(self, session: Session, row: JobRow) -> TakenJob:
        """All that a job needs.

        Args:
            session: of a transaction.
            row: of the job, whose lease was taken.
        """
        return TakenJob(
            number=row.id,
            lease=row.lease or "",
            gateway=row.device.gateway or "",
            task=self._task(session, row),
            progress=_read_progress(row.progress),
            is_cancelled=row.is_cancelled,
            deadline_s=row.deadline_s,
        )

    def _task(self, session: Session, row: JobRow) -> DeliveryTask:
        kind = DeliveryKind(row.kind)
        uid = session.get_one(ApplicationRow, row.application_id).uid
        device = row.device.endpoint or row.device.name
        if kind is not DeliveryKind.DELIVER:
            return DeliveryTask(kind, device, uid, row.nonce, token=row.token or b"")
        release = session.get_one(ReleaseRow, row.release_id)
        terms = RolloutTerms.of(session.get_one(RolloutRow, row.rollout_id))
        envelope = None
        if row.device.takes_updates and release.envelope_sha256 is not None:
            key = (release.infrastructure_id, release.envelope_sha256)
            envelope = partial(self._read_artefact, key)
        return DeliveryTask(
            kind=kind,
            device=device,
            uid=uid,
            nonce=row.nonce,
            sha256=release.bundle_sha256 or "",
            bundle=partial(self._read_kept, release.id),
            envelope=envelope,
            starts=terms.starts,
            confirm_ms=terms.confirm_ms or None,
        )

    def _read_bundle(self, release_id: int) -> bytes:
        with self.database.reading() as session:
            return bundle_of(session, session.get_one(ReleaseRow, release_id)).encode()

    def _read_artefact(self, key: tuple[int, str]) -> bytes:
        with self.database.reading() as session:
            return session.get_one(ArtefactRow, key).content


def _read_progress(text: str) -> DeliveryProgress:
    """How far a job is; one that nobody can read begins anew, by looking at the device."""
    try:
        return DeliveryProgress.from_json(text)
    except ValueError:
        return DeliveryProgress()
