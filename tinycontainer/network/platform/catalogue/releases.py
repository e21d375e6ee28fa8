"""Releases in the database: who adds what, who signs what, and what is complete."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tinycontainer.metadata import Bundle, ContainerType
from tinycontainer_tokens import KeyMaterial, Kind, Profile, Role, TokenRefused
from tinycontainer_tokens.envelope import parse, proof_holds

from ..actor import Actor
from ..audit import note
from ..refusing import PlatformRefused, bad_request, conflict, forbidden, not_found
from ..releases.parts import ReleasePart
from ..releases.release import NotToBeSigned, Release, ReleaseCode
from ..tables.catalogue import ApplicationRow, ArtefactRow, ReleaseRow, ReleaseToken
from ..tables.people import Organisation
from .artefacts import require_artefact
from .forms import PlanForm, TokenTerms
from .keys import keys_of, material_of
from .visibility import is_party

MOST_RELEASES: Final = 1000
"""Releases of one application."""


@dataclass(frozen=True, slots=True)
class Parties:
    """The organisations that make a release together, by name.

    Attributes:
        provider, infrastructure, owner: beside the developer, whose application it is.
    """

    provider: str
    infrastructure: str
    owner: str


def add_release(
    session: Session,
    actor: Actor,
    uid: bytes,
    number: int,
    parties: Parties,
    profile: Profile,
    signs_endpoints: bool,
    now_s: float,
) -> ReleaseRow:
    """Begin a release of an application of the organisation.

    Raises:
        PlatformRefused: there is no such application, the number is taken or not above those
            before, or an organisation is not what it is named for.
    """
    application = session.scalar(select(ApplicationRow).where(ApplicationRow.uid == uid))
    if application is None or application.organisation_id != actor.organisation_id:
        raise not_found("application")
    numbers = session.scalars(
        select(ReleaseRow.number).where(ReleaseRow.application_id == application.id)
    ).all()
    if numbers and number <= max(numbers):
        raise conflict(f"number: release {max(numbers)} is there; the next one has a higher number")
    if len(numbers) >= MOST_RELEASES:
        raise conflict(f"an application has at most {MOST_RELEASES} releases")
    if profile is Profile.RIOT_2024 and signs_endpoints:
        raise bad_request("signs_endpoints: riot-2024 knows no tokens of endpoints")
    row = ReleaseRow(
        application=application,
        number=number,
        developer_id=actor.organisation_id,
        provider_id=_find_party(session, parties.provider, Role.PROVIDER),
        infrastructure_id=_find_party(session, parties.infrastructure, Role.INFRASTRUCTURE),
        owner_id=_find_party(session, parties.owner, Role.OWNER),
        profile=profile.value,
        signs_endpoints=signs_endpoints,
        terms={},
        created_s=now_s,
    )
    session.add(row)
    session.flush()
    detail = {"profile": profile.value, **asdict(parties)}
    note(session, actor, "release-begun", name_of(row), detail, now_s)
    return row


def find_release(
    session: Session, actor: Actor, uid: bytes, number: int, *, to_change: bool = False
) -> ReleaseRow:
    """A release to which the organisation is a party.

    Args:
        session: of a transaction.
        actor: who asks.
        uid: of the container.
        number: of the release.
        to_change: nobody else changes it until the transaction ends.

    Raises:
        PlatformRefused: there is none that it may see.
    """
    query = (
        select(ReleaseRow)
        .join(ReleaseRow.application)
        .where(ApplicationRow.uid == uid, ReleaseRow.number == number, is_party(actor))
    )
    if to_change:
        query = query.with_for_update(of=ReleaseRow)
    row = session.scalar(query)
    if row is None:
        raise not_found("release")
    return row


def list_releases(session: Session, actor: Actor, before: int, most: int) -> tuple[ReleaseRow, ...]:
    """The releases that the organisation is a party to, the newest first.

    Args:
        session: of a transaction.
        actor: who asks.
        before: id of the row before which they begin.
        most: how many.
    """
    query = select(ReleaseRow).where(is_party(actor), ReleaseRow.id < before)
    return tuple(session.scalars(query.order_by(ReleaseRow.id.desc()).limit(most)))


def names_of(session: Session, row: ReleaseRow) -> dict[int, str]:
    """The names of a release's parties, by their ids."""
    ids = {party_id(row, role) for role in Role}
    query = select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids))
    return {found.id: found.name for found in session.execute(query)}


def add_code(
    session: Session,
    actor: Actor,
    row: ReleaseRow,
    digest: str,
    container_type: ContainerType,
    syscalls: int,
    terms: TokenTerms,
    now_s: float,
) -> None:
    """Add the code, or other code in its place.

    Raises:
        PlatformRefused: the organisation is not the developer, or has no such artefact.
    """
    require_open_to(actor, row, Role.DEVELOPER)
    require_artefact(session, actor, digest)
    row.code_sha256, row.container_type, row.syscalls = digest, int(container_type), syscalls
    _say_terms(row, terms, now_s, Kind.CODE)
    detail = {"sha256": digest, "type": container_type.name.lower()}
    _settle(session, actor, row, "code-added", detail, now_s)


def add_data(
    session: Session, actor: Actor, row: ReleaseRow, digest: str, terms: TokenTerms, now_s: float
) -> None:
    """Add the data, or other data in their place.

    Raises:
        PlatformRefused: the organisation is not the provider, or has no such artefact.
    """
    require_open_to(actor, row, Role.PROVIDER)
    require_artefact(session, actor, digest)
    row.data_sha256 = digest
    _say_terms(row, terms, now_s, Kind.DATA)
    _settle(session, actor, row, "data-added", {"sha256": digest}, now_s)


def add_plan(
    session: Session, actor: Actor, row: ReleaseRow, plan: PlanForm, terms: TokenTerms, now_s: float
) -> None:
    """Add timing and endpoints, or others in their place.

    Raises:
        PlatformRefused: the organisation is not the infrastructure.
    """
    require_open_to(actor, row, Role.INFRASTRUCTURE)
    row.plan = plan.stored()
    _say_terms(row, terms, now_s, Kind.METADATA)
    detail = {"endpoints": [each.id for each in plan.endpoints]}
    _settle(session, actor, row, "plan-added", detail, now_s)


def add_rights(
    session: Session, actor: Actor, row: ReleaseRow, mask: int, terms: TokenTerms, now_s: float
) -> None:
    """Say which calls the owner allows, and for how long mask and endpoints are.

    Raises:
        PlatformRefused: the organisation is not the owner.
    """
    require_open_to(actor, row, Role.OWNER)
    row.mask = mask
    _say_terms(row, terms, now_s, Kind.MASK, Kind.ENDPOINT)
    _settle(session, actor, row, "rights-added", {"mask": mask}, now_s)


def to_sign(
    session: Session, row: ReleaseRow, part: ReleasePart, key: KeyMaterial
) -> tuple[bytes, bytes | None]:
    """What is signed of a part: the claims, and what they cover; None for a mask.

    Raises:
        PlatformRefused: it cannot be signed now.
    """
    release = load_release(session, row)
    try:
        return release.payload(part, key), release.covered(part, key)
    except NotToBeSigned as error:
        raise conflict(str(error)) from None


def signing_key(
    session: Session, actor: Actor, row: ReleaseRow, part: ReleasePart, fingerprint: str
) -> KeyMaterial:
    """A key with which the organisation can sign a part of a release.

    Raises:
        PlatformRefused: it is not the party that signs this, has no such key, or has withdrawn it.
    """
    require_party(actor, row, part.role)
    for each in keys_of(session, actor.organisation_id, part.role):
        if each.fingerprint == fingerprint:
            return material_of(each)
    raise conflict(f"key: {actor.organisation} has no such key as {part.role}, or withdrew it")


def add_token(
    session: Session, actor: Actor, row: ReleaseRow, part: ReleasePart, token: bytes, now_s: float
) -> None:
    """Take a token, once it is verified.

    Raises:
        PlatformRefused: the organisation is not the party that signs this, or the token is not
            what is to be signed, by one of its keys.
    """
    require_open_to(actor, row, part.role)
    keys = {
        each.fingerprint: material_of(each)
        for each in keys_of(session, actor.organisation_id, part.role)
    }
    try:
        changed = load_release(session, row).with_token(part, token, tuple(keys.values()))
    except NotToBeSigned as error:
        raise conflict(str(error)) from None
    except TokenRefused as error:
        raise PlatformRefused(422, "token-refused", f"{part.name}: {error}") from None
    fingerprint = next(each for each, key in keys.items() if proof_holds(parse(token), key))
    made = ReleaseToken(
        part=part.name, token=token, fingerprint=fingerprint, person=actor.person, signed_s=now_s
    )
    row.tokens = [*(each for each in row.tokens if each.part != part.name), made]
    note(session, actor, f"{part.name}-signed", name_of(row), {"key": fingerprint}, now_s)
    _keep_settled(session, actor, row, changed, now_s)


def bundle_of(session: Session, row: ReleaseRow) -> Bundle:
    """The container.

    Raises:
        PlatformRefused: something is not signed yet.
    """
    try:
        return load_release(session, row).bundle()
    except NotToBeSigned as error:
        raise conflict(str(error)) from None


def load_release(session: Session, row: ReleaseRow) -> Release:
    """A release with all that is there of it."""
    code = _content(session, row.developer_id, row.code_sha256)
    data = _content(session, row.provider_id, row.data_sha256)
    return _release_of(row, code, data)


def look_at(row: ReleaseRow) -> Release:
    """A release without the bytes of code and data: enough to see how far it is."""
    return _release_of(
        row,
        None if row.code_sha256 is None else b"",
        None if row.data_sha256 is None else b"",
    )


def name_of(row: ReleaseRow) -> str:
    """By what a release is named, such as ``626f78/3``."""
    return f"{row.application.uid.hex()}/{row.number}"


def party_id(row: ReleaseRow, role: Role) -> int:
    """The organisation that has a role in a release."""
    return {
        Role.DEVELOPER: row.developer_id,
        Role.PROVIDER: row.provider_id,
        Role.INFRASTRUCTURE: row.infrastructure_id,
        Role.OWNER: row.owner_id,
    }[role]


def require_party(actor: Actor, row: ReleaseRow, role: Role) -> None:
    """Refuse who does not have a role in a release.

    Raises:
        PlatformRefused: the organisation is another party.
    """
    if party_id(row, role) != actor.organisation_id:
        raise forbidden(f"{actor.organisation} is not the {role} of this release")


def _release_of(row: ReleaseRow, code: bytes | None, data: bytes | None) -> Release:
    uid = row.application.uid
    terms = {Kind[name]: TokenTerms.model_validate(said) for name, said in row.terms.items()}
    return Release(
        uid=uid,
        number=row.number,
        profile=Profile(row.profile),
        code=None if code is None else ReleaseCode(code, ContainerType(row.container_type or 0)),
        data=data,
        plan=None if row.plan is None else PlanForm.model_validate(row.plan).plan(uid),
        mask=row.mask,
        signs_endpoints=row.signs_endpoints,
        terms={kind: said.options(row.number) for kind, said in terms.items()},
        tokens={ReleasePart.parse(each.part): each.token for each in row.tokens},
    )


def _content(session: Session, organisation_id: int, digest: str | None) -> bytes | None:
    if digest is None:
        return None
    return session.scalar(
        select(ArtefactRow.content).where(
            ArtefactRow.organisation_id == organisation_id, ArtefactRow.sha256 == digest
        )
    )


def _say_terms(row: ReleaseRow, terms: TokenTerms, now_s: float, *kinds: Kind) -> None:
    said = terms.model_dump(mode="json", exclude_none=True)
    if said and row.profile == Profile.RIOT_2024.value:
        raise bad_request(f"terms: riot-2024 tokens cannot carry {min(said)}")
    if terms.expires is not None and terms.expires <= max(terms.not_before or 0, now_s):
        raise bad_request("terms: expires is not after not_before, or is over already")
    row.terms = {**row.terms, **{kind.name: said for kind in kinds}}


def _settle(
    session: Session,
    actor: Actor,
    row: ReleaseRow,
    deed: str,
    detail: Mapping[str, object],
    now_s: float,
) -> None:
    """Drop the tokens that say something else now."""
    note(session, actor, deed, name_of(row), detail, now_s)
    _keep_settled(session, actor, row, load_release(session, row).settled(), now_s)


def _keep_settled(
    session: Session, actor: Actor, row: ReleaseRow, release: Release, now_s: float
) -> None:
    kept = {part.name for part in release.tokens}
    dropped = [each.part for each in row.tokens if each.part not in kept]
    row.tokens = [each for each in row.tokens if each.part in kept]
    if dropped:
        note(session, actor, "tokens-dropped", name_of(row), {"parts": dropped}, now_s)
    if release.is_complete and row.completed_s is None:
        note(session, actor, "release-completed", name_of(row), {}, now_s)
    row.completed_s = (row.completed_s or now_s) if release.is_complete else None
    session.flush()


def require_open_to(actor: Actor, row: ReleaseRow, role: Role) -> None:
    """Refuse whoever is not this party, and every change of what devices were given.

    Raises:
        PlatformRefused: the organisation is not the party, or a rollout was started.
    """
    require_party(actor, row, role)
    if row.bundle_sha256 is not None:
        raise conflict("a rollout of this release was started; begin a release of a higher number")


def _find_party(session: Session, name: str, role: Role) -> int:
    found = session.scalar(select(Organisation).where(Organisation.name == name))
    if found is None or role.value not in found.roles.split(","):
        raise bad_request(f"{role}: there is no organisation of this name with this role")
    return found.id
