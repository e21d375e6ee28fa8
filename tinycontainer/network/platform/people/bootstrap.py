"""The first people of an organisation, whom nobody on the platform can add."""

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from tinycontainer_tokens import Role

from ..actor import PersonRight
from ..audit import note
from .identifying import actor_of
from .organisation import NewPerson, add_organisation, add_person

_NAME: Final = re.compile(r"[a-z0-9.-]{1,63}")


@dataclass(frozen=True, slots=True)
class NewOrganisation:
    """An organisation that is to be added.

    Attributes:
        name: of it.
        roles: which parties it is.
        admin: name of its first admin.
    """

    name: str
    roles: frozenset[Role]
    admin: str


def is_login_name(name: str) -> bool:
    """Whether somebody, or an organisation, can be called so."""
    return _NAME.fullmatch(name) is not None


def bootstrap(
    session: Session, new: NewOrganisation, password_hash: str, most: int, now_s: float
) -> None:
    """Add an organisation and its first admin.

    Args:
        session: of a transaction that writes.
        new: what is added.
        password_hash: of the admin.
        most: people of an organisation.
        now_s: Unix time.

    Raises:
        PlatformRefused: a name is taken.
    """
    organisation = add_organisation(session, new.name, new.roles, now_s)
    person = add_person(
        session, organisation, NewPerson(new.admin, password_hash, PersonRight.ADMIN), most, now_s
    )
    detail = {"admin": new.admin, "roles": organisation.roles}
    note(session, actor_of(person), "organisation-added", new.name, detail, now_s)
