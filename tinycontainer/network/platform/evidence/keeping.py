"""Keeps what was learnt of devices: events, and how far they were proved."""

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from tinycontainer.state import StoredEvent, extend_chain

from ..fleet.devices import lock_device
from ..tables.catalogue import ApplicationRow
from ..tables.evidence import DeviceEventRow, DeviceEvidenceRow
from ..tables.fleet import DeviceRow
from ..tables.rollouts import DETAIL_CHARACTERS, DeviceContainerRow
from .asking import FoundEvidence, KnownEvidence
from .content import EvidenceKind, read_event
from .known import MOST_EVENTS, ProvedUpTo

SALT_BYTES: Final = 16


def read_known(session: Session, device_id: int) -> KnownEvidence | None:
    """What is known of a device; None if there is no such device.

    Args:
        session: of a transaction.
        device_id: of its row.
    """
    device = session.get(DeviceRow, device_id)
    if device is None:
        return None
    row = session.get(DeviceEvidenceRow, device_id)
    if row is None:
        return KnownEvidence(device.evidence_key)
    newest = select(func.max(DeviceEventRow.number)).where(*_in_series(row))
    proved = None
    if row.proved_number is not None and row.proved_chain is not None:
        proved = ProvedUpTo(row.proved_number, row.proved_chain)
    return KnownEvidence(device.evidence_key, session.scalar(newest) or 0, proved)


def keep_evidence(
    session: Session,
    device_id: int,
    known: KnownEvidence,
    found: FoundEvidence,
    now_s: float,
    random_bytes: Callable[[int], bytes],
) -> None:
    """Keep what was learnt of a device, unless something else has become known meanwhile.

    Args:
        session: of a transaction that writes.
        device_id: of its row.
        known: what was known when it was asked.
        found: what was learnt.
        now_s: Unix time.
        random_bytes: draws a number of unpredictable bytes.
    """
    device = lock_device(session, device_id)
    if device is None or read_known(session, device_id) != known:
        return
    row = session.get(DeviceEvidenceRow, device_id)
    if row is None:
        row = _begin(device_id, now_s, random_bytes(SALT_BYTES))
        session.add(row)
    if found.begins_series:
        row.series, row.series_s = row.series + 1, now_s
        row.proved_number = row.proved_chain = None
    _keep_trouble(row, found, now_s)
    if found.proved is not None:
        row.proved_number, row.proved_chain = found.proved.number, found.proved.chain
        row.statement, row.nonce, row.stated_s = found.statement, found.nonce, now_s
    session.flush()
    if found.events:
        _keep_events(session, row, found)


def forget_proofs(session: Session, device_id: int) -> None:
    """Take nothing of a device for proved any more, because its key is another one.

    Args:
        session: of a transaction that writes.
        device_id: of its row.
    """
    row = session.get(DeviceEvidenceRow, device_id)
    if row is None:
        return
    row.proved_number = row.proved_chain = row.statement = row.nonce = row.stated_s = None
    row.problem = row.problem_detail = ""
    row.problem_s = row.problem_until_s = None
    own = DeviceEventRow.device_id == device_id
    session.execute(update(DeviceEventRow).where(own).values(is_proved=False))


def _begin(device_id: int, now_s: float, salt: bytes) -> DeviceEvidenceRow:
    return DeviceEvidenceRow(
        device_id=device_id, salt=salt, series=1, series_s=now_s, problem="", problem_detail=""
    )


def _keep_trouble(row: DeviceEvidenceRow, found: FoundEvidence, now_s: float) -> None:
    """Keep what does not fit; or that it fits again, so that it is still seen what did not."""
    if found.trouble is not None:
        is_same = row.problem == found.trouble and row.problem_until_s is None
        row.problem_s = row.problem_s if is_same else now_s
        row.problem, row.problem_detail = found.trouble.value, found.detail[:DETAIL_CHARACTERS]
        row.problem_until_s = None
    if _is_over(row, found):
        row.problem_until_s = now_s


def _is_over(row: DeviceEvidenceRow, found: FoundEvidence) -> bool:
    """Whether nothing is wrong any more; that a device was set up anew is over at once."""
    if not row.problem or row.problem_until_s is not None:
        return False
    if found.trouble is not None:
        return found.begins_series
    return found.proved is not None


def _keep_events(session: Session, row: DeviceEvidenceRow, found: FoundEvidence) -> None:
    first = found.events[0].number
    replaced = (*_in_series(row), DeviceEventRow.number >= first)
    # What was not proved is given anew each time, and can be another thing then.
    session.execute(delete(DeviceEventRow).where(*replaced, ~DeviceEventRow.is_proved))
    proved = 0 if found.proved is None else found.proved.number
    releases = _releases_of(session, row.device_id)
    rows, chain = [], found.chain
    for event in found.events:
        rows.append(_row_of(row, event, chain, releases))
        rows[-1].is_proved = event.number <= proved
        chain = extend_chain(chain, [event])
    session.add_all(rows)
    session.flush()
    _drop_oldest(session, row.device_id)


def _row_of(
    row: DeviceEvidenceRow,
    event: StoredEvent,
    chain: bytes,
    releases: Mapping[bytes, tuple[int | None, int | None]],
) -> DeviceEventRow:
    facts = read_event(event.content)
    desired, reported = releases.get(facts.uid or b"", (None, None))
    # What was refused is what was to come, else it is what was there.
    ids = (desired, reported) if facts.kind is EvidenceKind.REFUSED else (reported, desired)
    return DeviceEventRow(
        device_id=row.device_id,
        series=row.series,
        number=event.number,
        content=event.content,
        previous_chain=chain,
        kind=facts.kind.value,
        uid=facts.uid,
        at_s=facts.at_s,
        release_id=next((each for each in ids if each is not None), None),
    )


def _in_series(row: DeviceEvidenceRow) -> tuple[ColumnElement[bool], ...]:
    """Whether an event is of the current series of a device, for a query."""
    return DeviceEventRow.device_id == row.device_id, DeviceEventRow.series == row.series


def _releases_of(session: Session, device_id: int) -> dict[bytes, tuple[int | None, int | None]]:
    """The releases that a device is to have and has, by uid."""
    query = (
        select(
            ApplicationRow.uid,
            DeviceContainerRow.desired_release_id,
            DeviceContainerRow.reported_release_id,
        )
        .join(ApplicationRow, ApplicationRow.id == DeviceContainerRow.application_id)
        .where(DeviceContainerRow.device_id == device_id)
    )
    return {uid: (desired, reported) for uid, desired, reported in session.execute(query)}


def _drop_oldest(session: Session, device_id: int) -> None:
    own = DeviceEventRow.device_id == device_id
    newest_first = select(DeviceEventRow.id).where(own).order_by(DeviceEventRow.id.desc())
    last = session.scalar(newest_first.offset(MOST_EVENTS).limit(1))
    if last is not None:
        session.execute(delete(DeviceEventRow).where(own, DeviceEventRow.id <= last))
