"""Which devices a rollout is for, when it starts and later."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import (
    Candidate,
    DeviceProgress,
    ProgressEvent,
    Query,
    RolloutState,
    assign_waves,
    parse_query,
    wave_of_late_joiner,
)

from ..fleet.devices import MATCHED_COLUMNS, lock_fleet
from ..fleet.judging import TargetDevice
from ..renting.checking import rental_query
from ..tables.catalogue import ReleaseRow
from ..tables.fleet import DeviceRow
from ..tables.rollouts import DeviceContainerRow, RolloutDeviceRow, RolloutRow, RolloutWaveRow
from .claims import cancel_jobs, lock_overlapping, settle_claims
from .progress import lock_rollout, move_device
from .terms import RolloutTerms

_OPEN: Final = tuple(each.value for each in RolloutState if each.is_open)
_AT_ONCE: Final = 500


def find_targets(session: Session, rollout: RolloutRow, now_s: float) -> tuple[TargetDevice, ...]:
    """The devices that a rollout would be for if it started now, as they are judged.

    Args:
        session: of a transaction.
        rollout: a draft.
        now_s: Unix time.
    """
    return tuple(
        TargetDevice(row.name, row.profile_id, row.device_id)
        for row, _ in _meant(session, rollout, now_s)
    )


def find_candidates(
    session: Session, release: ReleaseRow, infrastructure_id: int, query: Query, now_s: float
) -> tuple[Candidate, ...]:
    """The devices that a rollout of a release would be for if it started now, by name.

    Args:
        session: of a transaction.
        release: that is to be rolled out.
        infrastructure_id: who operates the devices.
        query: which of these.
        now_s: Unix time.
    """
    queries = _with_offered(session, release, query, now_s)
    return tuple(each for _, each in _matching(session, release, infrastructure_id, queries))


def assign_targets(session: Session, rollout: RolloutRow, now_s: float) -> int:
    """Put the devices that a rollout is for into its waves.

    Args:
        session: of a transaction that writes.
        rollout: locked, and without devices.
        now_s: Unix time.

    Returns:
        How many there are.
    """
    found = list(_meant(session, rollout, now_s))
    ids = {row.name: row.id for row, _ in found}
    plan = RolloutTerms.of(rollout).plan
    candidates = (candidate for _, candidate in found)
    waves = assign_waves(candidates, plan.waves, plan.strata_keys, rollout.salt)
    rollout.waves = [_empty_wave(number, wave.per_cent) for number, wave in enumerate(plan.waves)]
    for name, number in waves.items():
        rollout.waves[number].waiting += 1
        session.add(_waiting(rollout, ids[name], number, now_s))
    session.flush()
    return len(waves)


def join_rollouts(session: Session, device: DeviceRow, now_s: float) -> None:
    """Put a device that has come or changed into the open rollouts that are for it.

    Args:
        session: of a transaction that writes.
        device: whose row is there.
        now_s: Unix time.
    """
    lock_fleet(session, device.organisation_id)
    joined: dict[int, list[RolloutRow]] = defaultdict(list)
    for rollout in _find_others(session, device):
        if _is_meant(session, rollout, device, now_s):
            joined[rollout.release.application_id].append(rollout)
    for those in joined.values():
        _join(session, those, device, now_s)


def wake_rollouts(session: Session, device: DeviceRow, now_s: float) -> None:
    """Look again at the rollouts that wait for a device, because it can be reached now."""
    query = (
        select(RolloutRow.id)
        .join(RolloutDeviceRow, RolloutDeviceRow.rollout_id == RolloutRow.id)
        .where(
            RolloutDeviceRow.device_id == device.id,
            RolloutDeviceRow.progress == DeviceProgress.WAITING.value,
            RolloutRow.state == RolloutState.RUNNING.value,
        )
        .order_by(RolloutRow.id)
    )
    lock_fleet(session, device.organisation_id)
    for number in session.scalars(query).all():
        lock_rollout(session, number).due_s = now_s


def leave_rollouts(session: Session, device: DeviceRow, now_s: float) -> None:
    """Take a device that goes out of all rollouts that have not done with it."""
    query = (
        select(RolloutDeviceRow)
        .where(RolloutDeviceRow.device_id == device.id)
        .order_by(RolloutDeviceRow.rollout_id)
    )
    lock_fleet(session, device.organisation_id)
    for row in session.scalars(query).all():
        rollout = lock_rollout(session, row.rollout_id)
        session.refresh(row)
        if DeviceProgress(row.progress) in (DeviceProgress.DONE, DeviceProgress.SKIPPED):
            continue
        cancel_jobs(session, row)
        move_device(rollout, row, ProgressEvent.SKIP, now_s)
        if RolloutState(rollout.state).is_open:
            rollout.due_s = now_s
    session.flush()


def _join(
    session: Session, rollouts: Sequence[RolloutRow], device: DeviceRow, now_s: float
) -> None:
    """Put a device into rollouts of one application, which overlap: they are locked together."""
    overlapping = lock_overlapping(session, rollouts[0])
    numbers = {each.id for each in rollouts}
    for rollout in overlapping:
        if rollout.id not in numbers or not RolloutState(rollout.state).is_open:
            continue
        waves = RolloutTerms.of(rollout).plan.waves
        wave = wave_of_late_joiner(device.name, waves, rollout.wave, rollout.salt)
        rollout.waves[wave].waiting += 1
        session.add(_waiting(rollout, device.id, wave, now_s))
        rollout.due_s = now_s
    session.flush()
    settle_claims(session, overlapping, [device.id], now_s)


def _queries_of(session: Session, rollout: RolloutRow, now_s: float) -> tuple[Query, ...]:
    return _with_offered(session, rollout.release, parse_query(rollout.query), now_s)


def _with_offered(
    session: Session, release: ReleaseRow, query: Query, now_s: float
) -> tuple[Query, ...]:
    """What devices have to meet: those of a rented release are offered ones."""
    offered = rental_query(session, release, now_s)
    return (query,) if offered is None else (query, offered)


def _meant(session: Session, rollout: RolloutRow, now_s: float) -> Iterator[tuple[Any, Candidate]]:
    queries = _queries_of(session, rollout, now_s)
    return _matching(session, rollout.release, rollout.organisation_id, queries)


def _matching(
    session: Session, release: ReleaseRow, infrastructure_id: int, queries: Sequence[Query]
) -> Iterator[tuple[Any, Candidate]]:
    """The devices of the release's owner that infrastructure operates, as far as they are meant.

    Each with columns of its row: to make an object of every row would take most of the time.
    """
    found = (
        select(*MATCHED_COLUMNS, ReleaseRow.number.label("version"))
        .outerjoin(
            DeviceContainerRow,
            (DeviceContainerRow.device_id == DeviceRow.id)
            & (DeviceContainerRow.application_id == release.application_id),
        )
        .outerjoin(ReleaseRow, ReleaseRow.id == DeviceContainerRow.reported_release_id)
        .where(
            DeviceRow.infrastructure_id == infrastructure_id,
            DeviceRow.organisation_id == release.owner_id,
        )
        .order_by(DeviceRow.name)
    )
    for row in session.execute(found.execution_options(yield_per=_AT_ONCE)):
        candidate = Candidate(row.name, row.kind, row.group, row.labels, row.version)
        if all(query.matches(candidate) for query in queries):
            yield row, candidate


def _is_meant(session: Session, rollout: RolloutRow, device: DeviceRow, now_s: float) -> bool:
    kept = session.get(DeviceContainerRow, (device.id, rollout.release.application_id))
    release = None if kept is None or kept.reported_release_id is None else kept.reported_release_id
    version = None if release is None else session.get_one(ReleaseRow, release).number
    candidate = Candidate(device.name, device.kind, device.group, device.labels, version)
    return all(each.matches(candidate) for each in _queries_of(session, rollout, now_s))


def _find_others(session: Session, device: DeviceRow) -> Sequence[RolloutRow]:
    """The open rollouts that can be for a device and that it is not in."""
    is_known = exists().where(
        RolloutDeviceRow.rollout_id == RolloutRow.id, RolloutDeviceRow.device_id == device.id
    )
    query = select(RolloutRow).where(
        RolloutRow.organisation_id == device.infrastructure_id,
        RolloutRow.owner_id == device.organisation_id,
        RolloutRow.state.in_(_OPEN),
        ~is_known,
    )
    return session.scalars(query.order_by(RolloutRow.id)).all()


def _empty_wave(number: int, per_cent: int) -> RolloutWaveRow:
    return RolloutWaveRow(
        number=number,
        per_cent=per_cent,
        waiting=0,
        told=0,
        done=0,
        failed=0,
        superseded=0,
        skipped=0,
        forgiven=0,
    )


def _waiting(rollout: RolloutRow, device_id: int, wave: int, now_s: float) -> RolloutDeviceRow:
    return RolloutDeviceRow(
        rollout_id=rollout.id,
        device_id=device_id,
        wave=wave,
        progress=DeviceProgress.WAITING.value,
        attempts=0,
        reason="",
        detail="",
        changed_s=now_s,
    )
