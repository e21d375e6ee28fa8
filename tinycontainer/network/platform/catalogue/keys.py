"""Public keys of organisations. No private key is ever taken."""

from hashlib import sha256
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tinycontainer_tokens import Algorithm, KeyFileError, KeyMaterial, Role
from tinycontainer_tokens.key_files import parse

from ..actor import Actor
from ..audit import note
from ..refusing import PlatformRefused, bad_request, conflict, forbidden, not_found
from ..tables.catalogue import PublicKey

MOST_KEYS: Final = 64
"""Of one organisation, the withdrawn ones among them."""


def fingerprint_of(key: KeyMaterial) -> str:
    """By what a key is named: SHA-256 of its 32 public bytes, in lower-case hexadecimal."""
    return sha256(key.public).hexdigest()


def add_key(
    session: Session, actor: Actor, role: Role, name: str, content: bytes, now_s: float
) -> PublicKey:
    """Take the public half of a key.

    Args:
        session: of a transaction that writes.
        actor: whose organisation signs with it.
        role: for which party; the organisation has this role.
        name: in words.
        content: the key file, PEM or COSE_Key.
        now_s: Unix time.

    Raises:
        PlatformRefused: it is no public key, or cannot be taken for this.
    """
    if role not in actor.roles:
        raise forbidden(f"{actor.organisation} is no {role}")
    key = _read_public(content)
    fingerprint = fingerprint_of(key)
    known = session.scalars(
        select(PublicKey.fingerprint).where(PublicKey.organisation_id == actor.organisation_id)
    ).all()
    if fingerprint in known:
        raise conflict("this key is known already; each role needs a key of its own")
    if len(known) >= MOST_KEYS:
        raise conflict(f"an organisation has at most {MOST_KEYS} keys")
    row = PublicKey(
        organisation_id=actor.organisation_id,
        fingerprint=fingerprint,
        name=name,
        role=role.value,
        algorithm=key.algorithm.value,
        public=key.public,
        kid=key.kid,
        created_s=now_s,
    )
    session.add(row)
    note(session, actor, "key-added", fingerprint, {"role": role.value, "name": name}, now_s)
    return row


def withdraw_key(session: Session, actor: Actor, fingerprint: str, now_s: float) -> PublicKey:
    """Let nothing more be signed with a key. What it has signed stays; devices decide by their own.

    Raises:
        PlatformRefused: the organisation has no such key.
    """
    row = session.scalar(
        select(PublicKey).where(
            PublicKey.fingerprint == fingerprint,
            PublicKey.organisation_id == actor.organisation_id,
        )
    )
    if row is None:
        raise not_found("key")
    if row.withdrawn_s is None:
        row.withdrawn_s = now_s
        note(session, actor, "key-withdrawn", fingerprint, {}, now_s)
    return row


def keys_of(
    session: Session, organisation_id: int, role: Role | None = None
) -> tuple[PublicKey, ...]:
    """The keys of an organisation, the oldest first; with a role, those that may sign as that."""
    query = select(PublicKey).where(PublicKey.organisation_id == organisation_id)
    if role is not None:
        query = query.where(PublicKey.role == role.value, PublicKey.withdrawn_s.is_(None))
    return tuple(session.scalars(query.order_by(PublicKey.id)))


def material_of(row: PublicKey) -> KeyMaterial:
    """A key, to verify with."""
    return KeyMaterial(Algorithm(row.algorithm), row.public, kid=row.kid)


def _read_public(content: bytes) -> KeyMaterial:
    try:
        key = parse(content)
    except KeyFileError as error:
        raise bad_request(f"key: {error}") from None
    if key.secret is not None:
        problem = "key: this is a private key, which only its owner may have; send its public half"
        raise PlatformRefused(400, "private-key", problem)
    return key
