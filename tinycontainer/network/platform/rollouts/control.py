"""What an operator does with rollouts."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import (
    DeviceProgress,
    IllegalRolloutEvent,
    ProgressEvent,
    RolloutEvent,
    RolloutState,
)
from tinycontainer_tokens import Role

from ..actor import Actor
from ..audit import note
from ..catalogue.releases import bundle_of, find_release, name_of, party_id
from ..fleet.devices import read_query
from ..refusing import conflict, forbidden, not_found
from ..renting.checking import rental_problem
from ..tables.catalogue import ReleaseRow
from ..tables.fleet import DeviceRow
from ..tables.people import Organisation
from ..tables.rollouts import RolloutDeviceRow, RolloutRow
from .claims import call_off, cancel_jobs, lock_overlapping, settle_claims
from .progress import move_device, move_rollout
from .steps import release_claims
from .targets import assign_targets
from .terms import NewRollout

MOST_OPEN: Final = 1000
"""Rollouts of an organisation that have not ended."""
_SALT_BYTES: Final = 16


def add_rollout(
    session: Session,
    actor: Actor,
    new: NewRollout,
    now_s: float,
    random_bytes: Callable[[int], bytes],
) -> RolloutRow:
    """Draft a rollout of a release that is complete.

    Raises:
        PlatformRefused: there is no such release that it may see, it is not its infrastructure,
            something is not signed, or it is no query.
    """
    release = find_release(session, actor, new.uid, new.number, to_change=True)
    if party_id(release, Role.INFRASTRUCTURE) != actor.organisation_id:
        raise forbidden(f"{actor.organisation} is not the infrastructure of this release")
    read_query(new.query)
    bundle_of(session, release)
    own = RolloutRow.organisation_id == actor.organisation_id
    count = select(func.count()).where(own, RolloutRow.ended_s.is_(None))
    if (session.scalar(count) or 0) >= MOST_OPEN:
        raise conflict(f"{MOST_OPEN} rollouts have not ended; cancel some first")
    row = RolloutRow(
        organisation_id=actor.organisation_id,
        owner_id=release.owner_id,
        release=release,
        name=new.name,
        query=new.query,
        plan=new.terms.stored(),
        priority=new.terms.plan.priority,
        state=RolloutState.DRAFT.value,
        wave=0,
        salt=random_bytes(_SALT_BYTES).hex(),
        halt_reason="",
        created_s=now_s,
    )
    session.add(row)
    session.flush()
    detail = {"release": name_of(release), "query": new.query}
    note(session, actor, "rollout-drafted", str(row.id), detail, now_s)
    return row


def start_rollout(
    session: Session,
    actor: Actor,
    number: int,
    judgement: Mapping[str, Any],
    now_s: float,
) -> RolloutRow:
    """Start a rollout, whose targets were judged just now.

    Args:
        session: of a transaction that writes.
        actor: who asks.
        number: of the rollout.
        judgement: what was said of its targets, as JSON can hold it; it is kept.
        now_s: Unix time.

    Raises:
        PlatformRefused: there is none that it may see, or run; it is for no device; or it has been
            started, or has ended; or the owner does not let the release, or not any more.
    """
    rollout = find_rollout(session, actor, number)
    _require_operator(actor, rollout)
    overlapping = lock_overlapping(session, rollout)
    release = rollout.release
    session.refresh(release, with_for_update={"of": ReleaseRow, "key_share": True})
    _move(session, rollout, RolloutEvent.START, actor, now_s)
    if problem := rental_problem(session, release, now_s):
        raise conflict(problem)
    release.bundle_sha256 = sha256(bundle_of(session, release).encode()).hexdigest()
    rollout.started_s, rollout.judgement = now_s, dict(judgement)
    if assign_targets(session, rollout, now_s) == 0:
        raise conflict("query: there is no such device of the release's owner; change the query")
    release_claims(session, rollout, overlapping, now_s)
    return rollout


def control_rollout(
    session: Session, actor: Actor, number: int, event: RolloutEvent, now_s: float
) -> RolloutRow:
    """Pause, resume or cancel a rollout.

    Args:
        session: of a transaction that writes.
        actor: who asks.
        number: of the rollout.
        event: PAUSE, RESUME or CANCEL.
        now_s: Unix time.

    Raises:
        PlatformRefused: there is none that it may see, or run; or its state does not allow it.
    """
    rollout = find_rollout(session, actor, number)
    _require_operator(actor, rollout)
    overlapping = lock_overlapping(session, rollout)
    _move(session, rollout, event, actor, now_s)
    if event is RolloutEvent.RESUME:
        # Whoever resumes knows of these failures.
        for wave in rollout.waves[: rollout.wave + 1]:
            wave.forgiven = wave.failed
    if event is RolloutEvent.CANCEL:
        call_off(session, rollout)
        release_claims(session, rollout, overlapping, now_s)
    return rollout


def retry_failed(session: Session, actor: Actor, number: int, now_s: float) -> RolloutRow:
    """Let the devices of an open rollout that have failed wait for another attempt.

    Raises:
        PlatformRefused: there is none that it may see, or run; or it is not open.
    """
    rollout = find_rollout(session, actor, number)
    _require_operator(actor, rollout)
    overlapping = lock_overlapping(session, rollout)
    if not RolloutState(rollout.state).is_open:
        raise conflict(f"the rollout is {rollout.state}; begin another one")
    failed = RolloutDeviceRow.progress == DeviceProgress.FAILED.value
    query = select(RolloutDeviceRow).where(RolloutDeviceRow.rollout_id == rollout.id, failed)
    rows = session.scalars(query).all()
    for row in rows:
        move_device(rollout, row, ProgressEvent.RETRY, now_s, attempts_left=1)
    settle_claims(session, overlapping, [row.device_id for row in rows], now_s)
    rollout.due_s = now_s
    note(session, actor, "rollout-retried", str(rollout.id), {"devices": len(rows)}, now_s)
    return rollout


def skip_device(session: Session, actor: Actor, number: int, name: str, now_s: float) -> None:
    """Take a device out of a rollout.

    Raises:
        PlatformRefused: there is none that it may see, or run, or no such device in it; or it has
            the version already.
    """
    rollout = find_rollout(session, actor, number)
    _require_operator(actor, rollout)
    overlapping = lock_overlapping(session, rollout)
    query = select(RolloutDeviceRow).join(DeviceRow, DeviceRow.id == RolloutDeviceRow.device_id)
    row = session.scalar(
        query.where(RolloutDeviceRow.rollout_id == rollout.id, DeviceRow.name == name)
    )
    if row is None:
        raise not_found("device in this rollout")
    if row.progress in (DeviceProgress.DONE.value, DeviceProgress.SKIPPED.value):
        raise conflict(f"the device is {row.progress} in this rollout")
    cancel_jobs(session, row)
    move_device(rollout, row, ProgressEvent.SKIP, now_s)
    settle_claims(session, overlapping, [row.device_id], now_s)
    if RolloutState(rollout.state).is_open:
        rollout.due_s = now_s
    note(session, actor, "device-skipped", str(rollout.id), {"device": name}, now_s)


def find_rollout(session: Session, actor: Actor, number: int) -> RolloutRow:
    """A rollout that the organisation runs, or that is for its devices.

    Raises:
        PlatformRefused: there is none that it may see.
    """
    query = select(RolloutRow).where(RolloutRow.id == number, _is_seen(actor))
    row = session.scalar(query)
    if row is None:
        raise not_found("rollout")
    return row


def list_rollouts(
    session: Session, actor: Actor, before: int, most: int, state: RolloutState | None = None
) -> tuple[RolloutRow, ...]:
    """The rollouts that the organisation sees, the newest first.

    Args:
        session: of a transaction.
        actor: who asks.
        before: number of the rollout before which they begin.
        most: how many.
        state: only those in this one; None for all.
    """
    query = select(RolloutRow).where(_is_seen(actor), RolloutRow.id < before)
    if state is not None:
        query = query.where(RolloutRow.state == state.value)
    return tuple(session.scalars(query.order_by(RolloutRow.id.desc()).limit(most)))


def list_of_release(
    session: Session, actor: Actor, release: ReleaseRow, most: int
) -> tuple[RolloutRow, ...]:
    """The rollouts of a release that the organisation sees, the newest first.

    Args:
        session: of a transaction.
        actor: who asks.
        release: whose they are.
        most: how many.
    """
    query = select(RolloutRow).where(_is_seen(actor), RolloutRow.release_id == release.id)
    return tuple(session.scalars(query.order_by(RolloutRow.id.desc()).limit(most)))


def list_rollout_devices(
    session: Session,
    rollout: RolloutRow,
    progress: DeviceProgress | None,
    after: str,
    most: int,
    reason: str | None = None,
) -> tuple[tuple[str, RolloutDeviceRow], ...]:
    """Devices of a rollout with their names, by name.

    Args:
        session: of a transaction.
        rollout: of which.
        progress: only those that are so far; None for all.
        after: name after which they begin.
        most: how many.
        reason: only those with this one; None for all.
    """
    query = (
        select(DeviceRow.name, RolloutDeviceRow)
        .join(DeviceRow, DeviceRow.id == RolloutDeviceRow.device_id)
        .where(RolloutDeviceRow.rollout_id == rollout.id, DeviceRow.name > after)
        .order_by(DeviceRow.name)
        .limit(most)
    )
    if progress is not None:
        query = query.where(RolloutDeviceRow.progress == progress.value)
    if reason is not None:
        query = query.where(RolloutDeviceRow.reason == reason)
    return tuple((name, row) for name, row in session.execute(query))


def names_of(session: Session, rows: tuple[RolloutRow, ...]) -> dict[int, str]:
    """The names of those who run rollouts, and of the owners of their devices, by their ids."""
    ids = {each for row in rows for each in (row.organisation_id, row.owner_id)}
    found = session.execute(
        select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids))
    )
    return {row.id: row.name for row in found}


def require_draft(rollout: RolloutRow) -> None:
    """Refuse a rollout that was started.

    Raises:
        PlatformRefused: it was.
    """
    if rollout.state != RolloutState.DRAFT.value:
        raise conflict(f"the rollout is {rollout.state}; begin another one")


def _is_seen(actor: Actor) -> ColumnElement[bool]:
    own = actor.organisation_id
    return or_(RolloutRow.organisation_id == own, RolloutRow.owner_id == own)


def _require_operator(actor: Actor, rollout: RolloutRow) -> None:
    if rollout.organisation_id != actor.organisation_id:
        raise forbidden("only the infrastructure that has drafted it runs a rollout")


def _move(
    session: Session, rollout: RolloutRow, event: RolloutEvent, actor: Actor, now_s: float
) -> None:
    try:
        move_rollout(session, rollout, event, now_s, actor)
    except IllegalRolloutEvent:
        raise conflict(f"a rollout that is {rollout.state} cannot {event}") from None
