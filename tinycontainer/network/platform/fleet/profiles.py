"""Profiles in the database: whose they are, and who sees them."""

from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, undefer_group

from tinycontainer_tokens import Role

from ..actor import Actor
from ..audit import note
from ..refusing import bad_request, conflict, forbidden, not_found
from ..tables.fleet import DeviceProfile, DeviceRow
from .profile_content import read_profile

MOST_PROFILES: Final = 256
"""Of one organisation."""


def add_profile(
    session: Session,
    actor: Actor,
    name: str,
    device_file: str,
    key_files: Mapping[str, str],
    now_s: float,
) -> DeviceProfile:
    """Take a profile for devices of the organisation.

    Args:
        session: of a transaction that writes.
        actor: whose organisation owns the devices.
        name: in words.
        device_file: untrusted TOML.
        key_files: untrusted PEM, by the names that the device file has for them.
        now_s: Unix time.

    Raises:
        PlatformRefused: the organisation is no owner or has too many, the same profile is there,
            or it cannot be taken.
    """
    require_owner(actor)
    content = read_profile(device_file, key_files)
    own = DeviceProfile.organisation_id == actor.organisation_id
    known = session.scalar(select(DeviceProfile).where(own, DeviceProfile.sha256 == content.sha256))
    if known is not None:
        raise conflict(f"the same profile is there already: {known.id} ({known.name})")
    if (session.scalar(select(func.count()).where(own)) or 0) >= MOST_PROFILES:
        raise conflict(
            f"an organisation has at most {MOST_PROFILES} profiles; delete an unused one"
        )
    row = DeviceProfile(
        organisation_id=actor.organisation_id,
        name=name,
        sha256=content.sha256,
        device_file=content.device_file,
        key_files=dict(content.key_files),
        created_s=now_s,
    )
    session.add(row)
    session.flush()
    detail = {"name": name, "sha256": content.sha256}
    note(session, actor, "profile-added", str(row.id), detail, now_s)
    return row


def delete_profile(session: Session, actor: Actor, number: int, now_s: float) -> None:
    """Forget a profile that no device has.

    Raises:
        PlatformRefused: there is none that it may see, it belongs to others, or a device has it.
    """
    row = find_profile(session, actor, number)
    if row.organisation_id != actor.organisation_id:
        raise forbidden("only the owner changes a profile")
    if (
        session.scalar(select(DeviceRow.id).where(DeviceRow.profile_id == row.id).limit(1))
        is not None
    ):
        raise conflict("devices have this profile; give them another one first")
    session.delete(row)
    note(session, actor, "profile-deleted", str(number), {"name": row.name}, now_s)


def find_profile(session: Session, actor: Actor, number: int) -> DeviceProfile:
    """A profile of the organisation, or one of a device that it operates, with its content.

    Raises:
        PlatformRefused: there is none that it may see.
    """
    query = select(DeviceProfile).where(DeviceProfile.id == number, _is_seen(actor))
    row = session.scalar(query.options(undefer_group("content")))
    if row is None:
        raise not_found("profile")
    return row


def list_profiles(
    session: Session, actor: Actor, after: int, most: int
) -> tuple[DeviceProfile, ...]:
    """The profiles that the organisation sees, without their content, by id.

    Args:
        session: of a transaction.
        actor: who asks.
        after: id after which they begin.
        most: how many.
    """
    query = select(DeviceProfile).where(DeviceProfile.id > after, _is_seen(actor))
    return tuple(session.scalars(query.order_by(DeviceProfile.id).limit(most)))


def own_profile_id(session: Session, actor: Actor, number: int) -> int:
    """The id of a profile of the organisation, for a device.

    Raises:
        PlatformRefused: it has none such.
    """
    own = DeviceProfile.organisation_id == actor.organisation_id
    found = session.scalar(select(DeviceProfile.id).where(DeviceProfile.id == number, own))
    if found is None:
        raise bad_request(f"profile: {actor.organisation} has no such profile")
    return found


def load_profiles(session: Session, numbers: Collection[int]) -> Mapping[int, DeviceProfile]:
    """Profiles with their content, by id.

    Args:
        session: of a transaction.
        numbers: ids of profiles of devices that whoever asks sees.
    """
    query = select(DeviceProfile).where(DeviceProfile.id.in_(numbers))
    return {row.id: row for row in session.scalars(query.options(undefer_group("content")))}


def require_owner(actor: Actor) -> None:
    """Refuse an organisation that owns no devices.

    Raises:
        PlatformRefused: it is no owner.
    """
    if Role.OWNER not in actor.roles:
        raise forbidden(f"{actor.organisation} is no {Role.OWNER}")


def _is_seen(actor: Actor) -> ColumnElement[bool]:
    operated = select(DeviceRow.profile_id).where(
        DeviceRow.infrastructure_id == actor.organisation_id
    )
    return or_(
        DeviceProfile.organisation_id == actor.organisation_id, DeviceProfile.id.in_(operated)
    )
