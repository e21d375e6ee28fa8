"""People over HTTP: those of the own organisation, and what they are."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request

from ..actor import Actor, PersonRight, PlatformScope
from ..audit import note
from ..people.identifying import Caller, read_roles
from ..people.organisation import (
    NewPerson,
    PersonChange,
    add_person,
    change_person,
    count_people,
    find_person,
    list_people,
    lock_organisation,
)
from ..people.secrets import derive_csrf
from ..refusing import bad_request, forbidden
from ..tables.people import Organisation, Person
from .bodies import (
    LOGIN_PATTERN,
    AddPerson,
    ChangePerson,
    LoginPath,
    MeAnswer,
    OrganisationAnswer,
    PeopleAnswer,
    PersonAnswer,
)
from .callers import caller, identify, identify_logged_in, session_token
from .parts import PlatformParts
from .sources import source_address


def make_router(parts: PlatformParts) -> APIRouter:
    """All resources about people."""
    router = APIRouter(prefix="/api", tags=["people"])

    @router.get("/me")
    def show_me(request: Request, asked: Annotated[Caller, Depends(identify)]) -> MeAnswer:
        """Who asks, and what that one may do."""
        actor = asked.actor
        return MeAnswer(
            name=actor.person,
            right=asked.right,
            organisation=actor.organisation,
            roles=sorted(actor.roles),
            scopes=sorted(actor.scopes),
            csrf=derive_csrf(session_token(request)) if asked.session_sha256 else "",
        )

    @router.get("/organisation")
    def show_organisation(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))],
    ) -> OrganisationAnswer:
        """The organisation of whoever asks."""
        with parts.database.reading() as session:
            found = session.get_one(Organisation, actor.organisation_id)
            return OrganisationAnswer(
                name=found.name,
                roles=sorted(read_roles(found)),
                people=count_people(session, found.id),
                created_s=found.created_s,
            )

    @router.get("/people")
    def show_people(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))],
        after: Annotated[str, Query(pattern=rf"{LOGIN_PATTERN}|^$")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> PeopleAnswer:
        """People of the own organisation."""
        with parts.database.reading() as session:
            found = list_people(session, actor.organisation_id, after, limit + 1)
            shown = [_show(each) for each in found[:limit]]
        return PeopleAnswer(people=shown, next=shown[-1].name if len(found) > limit else "")

    @router.post("/people", status_code=201)
    def add(body: AddPerson, asked: Annotated[Caller, Depends(identify_logged_in)]) -> PersonAnswer:
        """Add somebody to the own organisation. A token may not: the new one could do more."""
        return invite_person(parts, asked, body)

    @router.patch("/people/{name}")
    def change(
        name: LoginPath,
        body: ChangePerson,
        request: Request,
        asked: Annotated[Caller, Depends(identify_logged_in)],
    ) -> PersonAnswer:
        """Change somebody of the own organisation; everybody may change the own password."""
        return alter_person(parts, asked, name, body, source_address(request, parts))

    return router


def invite_person(parts: PlatformParts, asked: Caller, given: AddPerson) -> PersonAnswer:
    """Add somebody to the organisation of whoever asks.

    Args:
        parts: what it works on.
        asked: who has logged in.
        given: who is to be added.

    Raises:
        PlatformRefused: this one may not, the name is taken, or there are too many.
    """
    actor = asked.actor
    if not actor.may(PlatformScope.ADMINISTER):
        raise forbidden(f"this needs the scope {PlatformScope.ADMINISTER}")
    hashed = parts.passwords.hash(given.password)
    with parts.changing(actor) as session:
        organisation = lock_organisation(session, actor.organisation_id)
        new = NewPerson(given.name, hashed, given.right)
        added = add_person(session, organisation, new, parts.limits.people, parts.now_s())
        note(
            session, actor, "person-added", added.name, {"right": given.right.value}, parts.now_s()
        )
        return _show(added)


def alter_person(
    parts: PlatformParts, asked: Caller, name: str, given: ChangePerson, address: str
) -> PersonAnswer:
    """Change somebody of the organisation of whoever asks, or the own password.

    Args:
        parts: what it works on.
        asked: who has logged in.
        name: of who is changed.
        given: what is to be changed.
        address: where the request comes from, which bounds guesses of the own password.

    Raises:
        PlatformRefused: this one may not, nobody there has this name, the own password is wrong,
            or nobody would be left who may change people.
    """
    is_self = name == asked.actor.person
    wanted = _require_allowed(given, asked, is_self)
    if is_self and given.password is not None:
        _require_current(parts, given, asked, address)
    hashed = None if given.password is None else parts.passwords.hash(given.password)
    with parts.changing(asked.actor) as session:
        lock_organisation(session, asked.actor.organisation_id)
        person = find_person(session, asked.actor.organisation_id, name)
        kept = asked.session_sha256 if is_self else ""
        change_person(session, person, PersonChange(given.right, given.is_disabled, hashed, kept))
        note(session, asked.actor, "person-changed", name, wanted, parts.now_s())
        return _show(person)


def _require_allowed(body: ChangePerson, asked: Caller, is_self: bool) -> dict[str, object]:
    """What is to be changed, for the audit, if whoever asks may change it."""
    wanted = body.model_dump(exclude_none=True, mode="json")
    wanted.pop("current_password", None)
    if not wanted:
        raise bad_request("nothing is to be changed; give right, is_disabled or password")
    is_own_password = is_self and wanted.keys() == {"password"}
    if not asked.actor.may(PlatformScope.ADMINISTER) and not is_own_password:
        raise forbidden(f"this needs the scope {PlatformScope.ADMINISTER}")
    if "password" in wanted:
        wanted["password"] = "changed"
    return wanted


def _require_current(parts: PlatformParts, body: ChangePerson, asked: Caller, address: str) -> None:
    """Refuse to change the own password for somebody who does not know it.

    Raises:
        PlatformRefused: it is wrong or left out, or was wrong too often.
    """
    name = asked.actor.person
    with parts.database.reading() as session:
        kept = find_person(session, asked.actor.organisation_id, name).password_hash
    is_right = parts.log_ins.begin(name, address) and parts.passwords.is_right(
        kept, body.current_password or ""
    )
    if not is_right:
        problem = "current_password: is wrong, or was wrong too often; wait before you try again"
        raise forbidden(problem)
    parts.log_ins.succeed(name, address)


def _show(person: Person) -> PersonAnswer:
    return PersonAnswer(
        name=person.name,
        right=PersonRight(person.right),
        is_disabled=person.is_disabled,
        created_s=person.created_s,
    )
