"""An organisation and its people: who is added, changed, and what is refused."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tinycontainer_tokens import Role

from ..actor import PersonRight
from ..refusing import conflict, not_found
from ..tables.people import Organisation, Person
from .identifying import end_sessions, end_tokens


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody who is to be added.

    Attributes:
        name: under which this one logs in.
        password_hash: of `Passwords`.
        right: in the organisation.
    """

    name: str
    password_hash: str
    right: PersonRight


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What is to be changed of a person; None to leave it.

    Attributes:
        right: in the organisation.
        is_disabled: ends all sessions and tokens.
        password_hash: ends all tokens and all sessions, but for that of whoever changes it.
        but_sha256: that session.
    """

    right: PersonRight | None = None
    is_disabled: bool | None = None
    password_hash: str | None = None
    but_sha256: str = ""


def add_organisation(
    session: Session, name: str, roles: Iterable[Role], now_s: float
) -> Organisation:
    """Add an organisation without people.

    Raises:
        PlatformRefused: its name is taken.
    """
    if session.scalars(select(Organisation).where(Organisation.name == name)).first():
        raise conflict(f"there is an organisation {name} already")
    wanted = set(roles)
    written = ",".join(each for each in Role if each in wanted)
    organisation = Organisation(name=name, roles=written, created_s=now_s)
    session.add(organisation)
    session.flush()
    return organisation


def lock_organisation(session: Session, organisation_id: int) -> Organisation:
    """The organisation, so that nobody else changes its people meanwhile."""
    query = (
        select(Organisation)
        .where(Organisation.id == organisation_id)
        .with_for_update(key_share=True)
    )
    return session.scalars(query).one()


def add_person(
    session: Session, organisation: Organisation, new: NewPerson, most: int, now_s: float
) -> Person:
    """Add somebody to an organisation, which is locked.

    Raises:
        PlatformRefused: the name is taken, by anybody on the platform, or there are too many.
    """
    if session.scalars(select(Person).where(Person.name == new.name)).first():
        raise conflict(f"the name {new.name} is taken; choose another one")
    if count_people(session, organisation.id) >= most:
        raise conflict(f"the organisation has {most} people already, which is the limit")
    person = Person(
        organisation_id=organisation.id,
        name=new.name,
        password_hash=new.password_hash,
        right=new.right.value,
        is_disabled=False,
        created_s=now_s,
    )
    session.add(person)
    session.flush()
    return person


def find_person(session: Session, organisation_id: int, name: str) -> Person:
    """Somebody of an organisation.

    Raises:
        PlatformRefused: nobody there has this name.
    """
    query = select(Person).where(Person.organisation_id == organisation_id, Person.name == name)
    found = session.scalars(query).first()
    if found is None:
        raise not_found("person")
    return found


def list_people(session: Session, organisation_id: int, after: str, most: int) -> Sequence[Person]:
    """People of an organisation by their names, from the one after a name on."""
    query = select(Person).where(Person.organisation_id == organisation_id, Person.name > after)
    return session.scalars(query.order_by(Person.name).limit(most)).all()


def count_people(session: Session, organisation_id: int) -> int:
    """How many people an organisation has, disabled ones included."""
    query = select(func.count()).select_from(Person)
    return session.scalar(query.where(Person.organisation_id == organisation_id)) or 0


def change_person(session: Session, person: Person, change: PersonChange) -> None:
    """Change a person of an organisation that is locked.

    Raises:
        PlatformRefused: nobody would be left who may change people.
    """
    if change.right is not None:
        person.right = change.right.value
    if change.is_disabled is not None:
        person.is_disabled = change.is_disabled
    if change.password_hash is not None:
        person.password_hash = change.password_hash
        end_sessions(session, person.id, change.but_sha256)
        end_tokens(session, person.id)
    if change.is_disabled:
        end_sessions(session, person.id)
        end_tokens(session, person.id)
    session.flush()
    if not _has_admin(session, person.organisation_id):
        raise conflict("nobody would be left who may change people; make somebody else admin first")


def _has_admin(session: Session, organisation_id: int) -> bool:
    query = select(Person.id).where(
        Person.organisation_id == organisation_id,
        Person.right == PersonRight.ADMIN.value,
        Person.is_disabled.is_(False),
    )
    return session.scalars(query.limit(1)).first() is not None
