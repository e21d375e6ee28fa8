"""Releases one after the other: what comes before a release, and what the next one takes over."""

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from tinycontainer_tokens import Profile, Role

from ..actor import Actor
from ..refusing import conflict, forbidden
from ..tables.catalogue import ApplicationRow, ReleaseRow
from ..tables.people import Organisation
from .forms import PlanForm, TokenTerms
from .releases import (
    Parties,
    add_plan,
    add_release,
    names_of,
    require_open_to,
    require_party,
)
from .visibility import is_party


def organisations_with(session: Session, role: Role, most: int) -> tuple[str, ...]:
    """The names of organisations with a role, in their order.

    Args:
        session: of a transaction.
        role: that they have.
        most: how many.
    """
    has_role = (literal(",") + Organisation.roles + literal(",")).contains(f",{role.value},")
    query = select(Organisation.name).where(has_role).order_by(Organisation.name).limit(most)
    return tuple(session.scalars(query))


def own_applications(session: Session, actor: Actor) -> tuple[ApplicationRow, ...]:
    """The applications of an organisation, the newest first.

    Raises:
        PlatformRefused: the organisation is no developer.
    """
    if Role.DEVELOPER not in actor.roles:
        raise forbidden(f"{actor.organisation} is no developer")
    own = ApplicationRow.organisation_id == actor.organisation_id
    query = select(ApplicationRow).where(own).order_by(ApplicationRow.id.desc())
    return tuple(session.scalars(query))


def next_number(session: Session, uid: bytes) -> int:
    """The number above those of all releases of a container."""
    query = (
        select(func.max(ReleaseRow.number))
        .join(ReleaseRow.application)
        .where(ApplicationRow.uid == uid)
    )
    return (session.scalar(query) or 0) + 1


def begin_next(session: Session, actor: Actor, row: ReleaseRow, now_s: float) -> ReleaseRow:
    """Begin the next release of a container, with the parties and the profile of another one.

    Args:
        session: of a transaction that writes.
        actor: who asks.
        row: of the release from which these are taken.
        now_s: Unix time.

    Raises:
        PlatformRefused: the organisation is not the developer, or as for `add_release`.
    """
    require_party(actor, row, Role.DEVELOPER)
    names = names_of(session, row)
    parties = Parties(names[row.provider_id], names[row.infrastructure_id], names[row.owner_id])
    uid = row.application.uid
    return add_release(
        session, actor, uid, next_number(session, uid), parties, Profile(row.profile),
        row.signs_endpoints, now_s,
    )  # fmt: skip


def complete_before(session: Session, actor: Actor, row: ReleaseRow) -> ReleaseRow | None:
    """The last complete release before another one of the same container, if it may be seen."""
    query = select(ReleaseRow).where(
        ReleaseRow.application_id == row.application_id,
        ReleaseRow.number < row.number,
        ReleaseRow.completed_s.is_not(None),
        is_party(actor),
    )
    return session.scalar(query.order_by(ReleaseRow.number.desc()).limit(1))


def plan_before(session: Session, row: ReleaseRow) -> PlanForm | None:
    """The last plan of the same infrastructure for the same container before a release."""
    query = select(ReleaseRow.plan).where(
        ReleaseRow.application_id == row.application_id,
        ReleaseRow.infrastructure_id == row.infrastructure_id,
        ReleaseRow.number < row.number,
        ReleaseRow.plan.is_not(None),
    )
    found = session.scalar(query.order_by(ReleaseRow.number.desc()).limit(1))
    return None if found is None else PlanForm.model_validate(found)


def take_plan_before(session: Session, actor: Actor, row: ReleaseRow, now_s: float) -> None:
    """Add the plan of the version before; its terms are not taken, as they would have ended.

    Raises:
        PlatformRefused: the organisation is not the infrastructure, or there is none.
    """
    require_open_to(actor, row, Role.INFRASTRUCTURE)
    plan = plan_before(session, row)
    if plan is None:
        raise conflict("plan: no version before has one of yours; write it")
    add_plan(session, actor, row, plan, TokenTerms(), now_s)
