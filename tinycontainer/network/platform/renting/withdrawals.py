"""Withdrawals in the database: an owner takes back every right of a container, by one token."""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from tinycontainer.interfaces.syscalls import mask_to_bytes
from tinycontainer_tokens import (
    Claims,
    Expectation,
    KeyEntry,
    KeyMaterial,
    KeyStore,
    Kind,
    Profile,
    Role,
    TokenRefused,
    verify,
)
from tinycontainer_tokens.claims import encode
from tinycontainer_tokens.envelope import parse, proof_holds, read_protected
from tinycontainer_tokens.unverified import read_unverified

from ..actor import Actor
from ..audit import note
from ..catalogue.applications import find_application
from ..catalogue.keys import keys_of, material_of
from ..refusing import PlatformRefused, conflict, forbidden
from ..releases.parts import MASK
from ..tables.catalogue import ApplicationRow, ReleaseRow, ReleaseToken
from ..tables.renting import RentalRow, WithdrawalRow
from .rental import RentalEvent, RentalState

_MAX_SEQUENCE = (1 << 64) - 1


def lock_sequences(session: Session, application_id: int) -> None:
    """Let nobody else count up the sequences of a container until the transaction ends."""
    session.execute(
        select(ApplicationRow.id).where(ApplicationRow.id == application_id).with_for_update()
    )


def highest_sequence(session: Session, application_id: int, owner_id: int) -> int:
    """The highest sequence of the masks of a container that an owner has signed; 0 for none.

    Those by which it has taken back its rights count too.
    """
    tokens = session.scalars(
        select(ReleaseToken.token)
        .join(ReleaseRow, ReleaseRow.id == ReleaseToken.release_id)
        .where(
            ReleaseRow.application_id == application_id,
            ReleaseRow.owner_id == owner_id,
            ReleaseToken.part == MASK.name,
        )
    )
    counted = [_sequence_of(each) for each in tokens]
    last = last_withdrawal(session, application_id, owner_id)
    return max((0 if last is None else last.sequence, *counted))


def next_sequence(highest: int) -> int:
    """The sequence after the highest one.

    Raises:
        PlatformRefused: there is none.
    """
    if highest >= _MAX_SEQUENCE:
        raise conflict("no sequence is higher than the last one; give the devices another key")
    return highest + 1


def last_withdrawal(session: Session, application_id: int, owner_id: int) -> WithdrawalRow | None:
    """The last time that an owner has taken back its rights of a container; None for never."""
    query: Select[WithdrawalRow] = select(WithdrawalRow).where(
        WithdrawalRow.application_id == application_id, WithdrawalRow.organisation_id == owner_id
    )
    # Each one has a higher sequence than those before it.
    return session.scalar(query.order_by(WithdrawalRow.id.desc()).limit(1))


def to_withdraw(
    session: Session, actor: Actor, uid: bytes, fingerprint: str, above: int
) -> tuple[int, bytes]:
    """What an owner signs to take back its rights: the sequence, and the claims.

    Args:
        session: of a transaction.
        actor: who asks.
        uid: of the container.
        fingerprint: of the key that is to sign.
        above: a sequence that the one of the token has to exceed, as the signer knows.

    Raises:
        PlatformRefused: there is no such container that it sees, it is not the owner of a release,
            has no such key, or there is no higher sequence.
    """
    application = _find_owned(session, actor, uid)
    withdrawing_key(session, actor, fingerprint)
    highest = highest_sequence(session, application.id, actor.organisation_id)
    sequence = next_sequence(max(highest, above))
    return sequence, _payload(uid, sequence)


def withdrawing_key(session: Session, actor: Actor, fingerprint: str) -> KeyMaterial:
    """A key with which the organisation can take back its rights.

    Raises:
        PlatformRefused: it has no such key as owner, or has withdrawn it.
    """
    found = _keys_of(session, actor).get(fingerprint)
    if found is None:
        raise conflict(f"key: {actor.organisation} has no such key as owner, or withdrew it")
    return found


def withdraw_rights(
    session: Session, actor: Actor, uid: bytes, token: bytes, now_s: float
) -> WithdrawalRow:
    """Take back every right of a container on the devices of the organisation.

    Args:
        session: of a transaction that writes.
        actor: who asks.
        uid: of the container.
        token: of a mask that allows no call; untrusted bytes.
        now_s: Unix time.

    Raises:
        PlatformRefused: there is no such container that it sees, it is not the owner of a release,
            or the token is not one that takes back its rights.
    """
    application = _find_owned(session, actor, uid)
    lock_sequences(session, application.id)
    fingerprint, sequence = _verify(token, uid, _keys_of(session, actor))
    highest = highest_sequence(session, application.id, actor.organisation_id)
    if sequence <= highest:
        raise conflict(f"token: counts {sequence}, but {highest} was signed before; count it up")
    row = WithdrawalRow(
        application=application,
        organisation_id=actor.organisation_id,
        token=token,
        fingerprint=fingerprint,
        digits=str(sequence),
        person=actor.person,
        created_s=now_s,
    )
    session.add(row)
    session.flush()
    ended = _withdraw_rentals(session, actor, application.id, now_s)
    detail = {"sequence": sequence, "key": fingerprint, "rentals": ended}
    note(session, actor, "rights-withdrawn", uid.hex(), detail, now_s)
    return row


def _find_owned(session: Session, actor: Actor, uid: bytes) -> ApplicationRow:
    application = find_application(session, actor, uid)
    owned = select(ReleaseRow.id).where(
        ReleaseRow.application_id == application.id, ReleaseRow.owner_id == actor.organisation_id
    )
    if session.scalar(owned.limit(1)) is None:
        raise forbidden(f"{actor.organisation} is not the owner of a release of this application")
    return application


def _keys_of(session: Session, actor: Actor) -> dict[str, KeyMaterial]:
    """The keys with which the organisation can sign as owner, by their fingerprints."""
    keys = keys_of(session, actor.organisation_id, Role.OWNER)
    return {each.fingerprint: material_of(each) for each in keys}


def _verify(token: bytes, uid: bytes, keys: dict[str, KeyMaterial]) -> tuple[str, int]:
    """The fingerprint of the key that has made a token, and the token's sequence."""
    expected = Expectation(kind=Kind.MASK, profile=Profile.RFC9052, uid=uid, now_s=0)
    store = KeyStore([KeyEntry(Role.OWNER, Profile.RFC9052, each) for each in keys.values()])
    try:
        sequence = verify(token, expected, store).require().sequence or 0
    except TokenRefused as error:
        raise PlatformRefused(422, "token-refused", f"token: {error}") from None
    envelope = parse(token)
    fingerprint = next(each for each, key in keys.items() if proof_holds(envelope, key))
    is_named = read_protected(envelope) == keys[fingerprint].kid
    if not is_named or envelope.payload != _payload(uid, sequence):
        raise conflict("token: says something else than is to be signed")
    return fingerprint, sequence


def _payload(uid: bytes, sequence: int) -> bytes:
    """The claims of a token that takes back every right, in their one form."""
    claims = Claims(mask=mask_to_bytes(0), uid=uid, sequence=sequence, kind=Kind.MASK)
    return encode(claims, Kind.MASK, Profile.RFC9052)


def _sequence_of(token: bytes) -> int:
    """The sequence of a token that was verified when it came; 0 if its layout has none."""
    claims = read_unverified(token, Kind.MASK).claims
    return 0 if claims is None else claims.sequence or 0


def _withdraw_rentals(
    session: Session, actor: Actor, application_id: int, now_s: float
) -> list[int]:
    """End the rentals that were granted: their numbers."""
    granted = session.scalars(
        select(RentalRow)
        .join(RentalRow.release)
        .where(
            ReleaseRow.application_id == application_id,
            ReleaseRow.owner_id == actor.organisation_id,
            RentalRow.state == RentalState.GRANTED.value,
            RentalRow.until_s > now_s,
        )
        .order_by(RentalRow.id)
        .with_for_update(of=RentalRow)
    ).all()
    for row in granted:
        row.state = RentalState(row.state).after(RentalEvent.WITHDRAW).value
        row.decided_by, row.decided_s = actor.person, now_s
    return [row.id for row in granted]
