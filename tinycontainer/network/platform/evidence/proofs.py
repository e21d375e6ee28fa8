"""How far devices have proved what they say, for those who own or operate them."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from ..actor import Actor
from ..fleet.devices import is_seen
from ..tables.evidence import DeviceEvidenceRow
from ..tables.fleet import DeviceRow
from .asking import EvidenceTrouble


class ProofState(StrEnum):
    """Whether a device proves what it says."""

    TROUBLE = "trouble"
    """Something does not fit."""
    PROVED = "proved"
    UNPROVED = "not proved"
    """There is a key, and nothing was proved by it yet."""
    NO_KEY = "no key"
    """Nothing can be proved."""


@dataclass(frozen=True, slots=True)
class DeviceProof:
    """How far a device has proved what it says.

    Attributes:
        device: its name.
        state: in a word.
        number: of the newest event that is proved; None if none is.
        stated_s: Unix time at which the last good statement came; None if none did.
        series: the current one; 0 if the device was never asked.
        series_s: Unix time at which it began; None if the device was never asked.
        trouble: what did not fit last, even if all fits again; None if there was nothing.
        detail: the same in one line of printable ASCII.
        trouble_s: Unix time since which it did not fit.
        trouble_until_s: Unix time from which on all fitted again; None if it does not.
    """

    device: str
    state: ProofState
    number: int | None
    stated_s: float | None
    series: int
    series_s: float | None
    trouble: EvidenceTrouble | None
    detail: str
    trouble_s: float | None
    trouble_until_s: float | None


def list_proofs(
    session: Session,
    actor: Actor,
    after: str,
    most: int,
    *,
    device: str | None = None,
    state: ProofState | None = None,
) -> tuple[DeviceProof, ...]:
    """How far devices that the organisation owns or operates have proved what they say, by name.

    Args:
        session: of a transaction.
        actor: who asks.
        after: name after which they begin.
        most: how many.
        device: name of the only one that is meant; None for all.
        state: of those that are meant; None for all.
    """
    wanted = [is_seen(actor), DeviceRow.name > after]
    if device is not None:
        wanted.append(DeviceRow.name == device)
    if state is not None:
        wanted.append(_state() == state.value)
    query = (
        select(DeviceRow.name, DeviceEvidenceRow, _state().label("state"))
        .outerjoin(DeviceEvidenceRow, DeviceEvidenceRow.device_id == DeviceRow.id)
        .where(*wanted)
        .order_by(DeviceRow.name)
        .limit(most)
    )
    return tuple(
        _proof_of(name, row, ProofState(word)) for name, row, word in session.execute(query)
    )


def count_proofs(session: Session, actor: Actor) -> dict[ProofState, int]:
    """How many devices that the organisation owns or operates are in each state."""
    query = (
        select(_state().label("state"), func.count().label("devices"))
        .select_from(DeviceRow)
        .outerjoin(DeviceEvidenceRow, DeviceEvidenceRow.device_id == DeviceRow.id)
        .where(is_seen(actor))
        .group_by("state")
    )
    found = {row.state: row.devices for row in session.execute(query)}
    return {state: found.get(state.value, 0) for state in ProofState}


def _state() -> ColumnElement[str]:
    """The state of a device, for a query."""
    is_open = and_(DeviceEvidenceRow.problem != "", DeviceEvidenceRow.problem_until_s.is_(None))
    return case(
        (is_open, ProofState.TROUBLE.value),
        (DeviceRow.evidence_key.is_(None), ProofState.NO_KEY.value),
        (DeviceEvidenceRow.proved_number.is_not(None), ProofState.PROVED.value),
        else_=ProofState.UNPROVED.value,
    )


def _proof_of(name: str, row: DeviceEvidenceRow | None, state: ProofState) -> DeviceProof:
    if row is None:
        return DeviceProof(name, state, None, None, 0, None, None, "", None, None)
    return DeviceProof(
        device=name,
        state=state,
        number=row.proved_number,
        stated_s=row.stated_s,
        series=row.series,
        series_s=row.series_s,
        trouble=_trouble_of(row.problem),
        detail=row.problem_detail,
        trouble_s=row.problem_s,
        trouble_until_s=row.problem_until_s,
    )


def _trouble_of(word: str) -> EvidenceTrouble | None:
    return EvidenceTrouble(word) if word in {*EvidenceTrouble} else None
