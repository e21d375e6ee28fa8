"""Through which gateway a device is reached: its infrastructure says so."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..actor import Actor, acting_for
from ..audit import note
from ..refusing import bad_request, conflict, forbidden
from ..tables.fleet import DeviceRow
from ..tables.people import Organisation
from .devices import find_device, lock_fleet


@dataclass(frozen=True, slots=True)
class DeviceConnection:
    """How a device is reached.

    Attributes:
        gateway: by its name in the platform's file.
        endpoint: name of the device at the gateway.
        takes_updates: whether it is brought releases by envelopes of SUIT, where they have one.
    """

    gateway: str
    endpoint: str
    takes_updates: bool = False


def connect_device(
    session: Session,
    actor: Actor,
    name: str,
    connection: DeviceConnection,
    gateways: Mapping[str, str],
    now_s: float,
) -> DeviceRow:
    """Say through which gateway a device is reached.

    Args:
        session: of a transaction that writes.
        actor: who asks.
        name: of the device.
        connection: how it is reached.
        gateways: the organisation of each gateway of the platform's file.
        now_s: Unix time.

    Raises:
        PlatformRefused: there is no such device that it may see, it does not operate it, it has no
            such gateway, or another device is reached so.
    """
    row = _find_operated(session, actor, name)
    gateway, endpoint = connection.gateway, connection.endpoint
    if gateways.get(gateway) != actor.organisation:
        raise bad_request("gateway: your organisation has none of this name in the platform's file")
    others = select(DeviceRow.id).where(
        DeviceRow.gateway == gateway, DeviceRow.endpoint == endpoint, DeviceRow.id != row.id
    )
    if session.scalar(others) is not None:
        raise conflict("endpoint: another device is reached so")
    row.gateway, row.endpoint = gateway, endpoint
    row.takes_updates, row.look_due_s = connection.takes_updates, now_s
    session.flush()
    detail = asdict(connection)
    note(session, actor, "device-connected", name, detail, now_s)
    return row


def disconnect_device(session: Session, actor: Actor, name: str, now_s: float) -> DeviceRow:
    """Say that a device is reached no more.

    Raises:
        PlatformRefused: there is none that it may see, or it does not operate it.
    """
    row = _find_operated(session, actor, name)
    row.gateway = row.endpoint = row.look_due_s = None
    session.flush()
    note(session, actor, "device-disconnected", name, {}, now_s)
    return row


def disconnect_foreign(session: Session, gateways: Mapping[str, str], now_s: float) -> None:
    """Take devices from gateways that the platform's file gives to another organisation now.

    A gateway that the file does not name any more is asked nothing; it may be back tomorrow.

    Args:
        session: of a transaction that writes.
        gateways: the organisation of each gateway of the platform's file.
        now_s: Unix time.
    """
    connected = (
        select(DeviceRow, Organisation.name)
        .join(Organisation, Organisation.id == DeviceRow.infrastructure_id)
        .where(DeviceRow.gateway.in_(gateways))
        .order_by(DeviceRow.id)
    )
    for row, infrastructure in session.execute(connected).all():
        if row.gateway is not None and gateways[row.gateway] != infrastructure:
            detail = {"gateway": row.gateway}
            row.gateway = row.endpoint = row.look_due_s = None
            who = acting_for(row.infrastructure_id)
            note(session, who, "device-disconnected", row.name, detail, now_s)


def _find_operated(session: Session, actor: Actor, name: str) -> DeviceRow:
    lock_fleet(session, find_device(session, actor, name).organisation_id)
    row = find_device(session, actor, name, to_change=True)
    if row.infrastructure_id != actor.organisation_id:
        raise forbidden("only the infrastructure that operates a device says how it is reached")
    return row
