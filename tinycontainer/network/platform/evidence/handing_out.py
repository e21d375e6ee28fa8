"""All that a device has proved, with what anybody needs to check it without this platform."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from tinycontainer.state import CHAIN_BYTES

from ..tables.evidence import DeviceEventRow, DeviceEvidenceRow
from ..tables.fleet import DeviceRow
from .known import PAGE


@dataclass(frozen=True, slots=True)
class HandedEvidence:
    """The evidence of a device, of its current series, and a page of events.

    Attributes:
        device: its row.
        row: how much it has proved; None if it was never asked.
        chain: the chain value before the first event here, or after the newest if there is none.
        events: by number; at most `PAGE`.
        following: number after which those begin that follow; None if there are no more.
    """

    device: DeviceRow
    row: DeviceEvidenceRow | None
    chain: bytes
    events: tuple[DeviceEventRow, ...]
    following: int | None


def hand_out(session: Session, device: DeviceRow, since: int) -> HandedEvidence:
    """Find the evidence of a device.

    Args:
        session: of a transaction.
        device: whose.
        since: number after which events begin.
    """
    row = session.get(DeviceEvidenceRow, device.id)
    if row is None:
        return HandedEvidence(device, None, bytes(CHAIN_BYTES), (), None)
    query = (
        select(DeviceEventRow)
        .where(
            DeviceEventRow.device_id == device.id,
            DeviceEventRow.series == row.series,
            DeviceEventRow.number > since,
        )
        .order_by(DeviceEventRow.number)
        .limit(PAGE + 1)
    )
    found = tuple(session.scalars(query))
    events = found[:PAGE]
    chain = events[0].previous_chain if events else row.proved_chain or bytes(CHAIN_BYTES)
    following = events[-1].number if len(found) > PAGE else None
    return HandedEvidence(device, row, chain, events, following)
