"""What was done, as a chain: each entry holds the hash of the one before it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex
from typing import Final

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from .actor import Actor
from .tables.people import NAME_CHARACTERS, AuditEntry

BEGINNING: Final = "0" * 64
"""What the first entry has for the hash of the one before it."""
MAX_SUBJECT_CHARACTERS: Final = 255
MAX_DETAIL_CHARACTERS: Final = 16 * 1024
SALT_BYTES: Final = 32
LOOKED_THROUGH: Final = 20_000
"""Entries of an organisation among which deeds are looked for at once."""
_AT_ONCE: Final = 500
_LOCK: Final = text("LOCK TABLE audit_entry IN EXCLUSIVE MODE")


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What came of looking at the chain.

    Attributes:
        entries: how many are as they were written, from the first one on.
        sha256: of the last one of these.
        problem: what is wrong with the one after them; empty if nothing is.
        is_kept_there: whether the hash that was kept elsewhere is one of them.
    """

    entries: int
    sha256: str
    problem: str
    is_kept_there: bool


@dataclass(frozen=True, slots=True)
class DeedQuestion:
    """Which deeds are meant: what is said is compared exactly, an empty text matches everything.

    Attributes:
        deed: what was done.
        person: by whom.
        subject: to what.
    """

    deed: str = ""
    person: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class FoundDeeds:
    """Deeds of an organisation.

    Attributes:
        entries: the newest first.
        following: number before which those are that follow; None if there are no more.
    """

    entries: tuple[AuditEntry, ...]
    following: int | None


@dataclass(frozen=True, slots=True)
class ChainPart:
    """What came of looking at a part of the chain.

    Attributes:
        first: number of the first entry of the part; 1 if there is none.
        last: number of the last one that follows unbroken from the first; 0 if none does.
        sha256: of the last one.
        problem: what is wrong with the one after it; empty if nothing is.
    """

    first: int
    last: int
    sha256: str
    problem: str


def note(
    session: Session,
    actor: Actor,
    deed: str,
    subject: str,
    detail: Mapping[str, object],
    now_s: float,
) -> None:
    """Write an entry, in the same transaction as the deed.

    Args:
        session: of that transaction; it must be one that writes.
        actor: who does it.
        deed: what, such as ``person-added``.
        subject: to what.
        detail: more about it, fit for JSON; never a secret.
        now_s: Unix time.

    Raises:
        ValueError: a text is too long for its column.
    """
    written = json.dumps(detail, sort_keys=True, separators=(",", ":"), allow_nan=False)
    if (
        len(deed) > NAME_CHARACTERS
        or len(subject) > MAX_SUBJECT_CHARACTERS
        or len(written) > MAX_DETAIL_CHARACTERS
    ):
        raise ValueError(f"this entry of the audit is too long: {deed}")
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_LOCK)  # else two could follow the same entry; SQLite has one writer
    last = session.scalars(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1)).first()
    entry = AuditEntry(
        number=1 if last is None else last.number + 1,
        at_s=float(now_s),
        organisation_id=actor.organisation_id,
        person=actor.person,
        deed=deed,
        subject=subject,
        detail=written,
        salt=token_hex(SALT_BYTES),
        previous_sha256=BEGINNING if last is None else last.sha256,
    )
    entry.sha256 = _hash(entry)
    session.add(entry)
    session.flush()


def list_deeds(
    session: Session, actor: Actor, asked: DeedQuestion, before: int, most: int
) -> FoundDeeds:
    """Deeds of the organisation, the newest first.

    Args:
        session: of a transaction.
        actor: who asks.
        asked: which deeds.
        before: number of the entry before which they begin.
        most: how many.
    """
    own = AuditEntry.organisation_id == actor.organisation_id
    numbers = select(AuditEntry.number).where(own, AuditEntry.number < before)
    numbers = numbers.order_by(AuditEntry.number.desc())
    # What is rare would else be looked for in all that was ever done.
    last = session.scalar(numbers.offset(LOOKED_THROUGH - 1).limit(1))
    query = select(AuditEntry).where(own, AuditEntry.number < before, *_is_asked(asked))
    if last is not None:
        query = query.where(AuditEntry.number >= last)
    found = tuple(session.scalars(query.order_by(AuditEntry.number.desc()).limit(most + 1)))
    if len(found) > most:
        return FoundDeeds(found[:most], found[most - 1].number)
    return FoundDeeds(found, last)


def _is_asked(asked: DeedQuestion) -> list[ColumnElement[bool]]:
    said = (
        (AuditEntry.deed, asked.deed),
        (AuditEntry.person, asked.person),
        (AuditEntry.subject, asked.subject),
    )
    return [column == wanted for column, wanted in said if wanted]


def verify_chain(session: Session, kept_sha256: str = BEGINNING) -> ChainReport:
    """Find the first entry that was changed, left out, moved or put in between.

    Whoever can write to the database can cut off the end of the chain, or make a whole chain anew,
    and nothing here shows it: the hashes have no key. Only a hash of the chain that was kept
    elsewhere shows that what is before it is still what it was.

    Args:
        session: of a transaction.
        kept_sha256: a hash that was kept elsewhere, in hexadecimal digits.
    """
    number, previous = 0, BEGINNING
    is_kept_there = kept_sha256 == BEGINNING
    for entry in _entries_from(session, 1):
        problem = _problem(entry, number + 1, previous)
        if problem:
            return ChainReport(number, previous, problem, is_kept_there)
        number, previous = entry.number, entry.sha256
        is_kept_there = is_kept_there or previous == kept_sha256
        session.expunge(entry)
    return ChainReport(number, previous, "", is_kept_there)


def verify_part(session: Session, last: int, most: int) -> ChainPart:
    """The same for the newest entries up to a number, which follow the one before them.

    Args:
        session: of a transaction.
        last: number of the last entry that is looked at, or a higher one than there is.
        most: how many are looked at.
    """
    newest = session.scalar(select(func.max(AuditEntry.number)))
    last = min(last, newest or 0)
    first = max(last - most, 0) + 1
    before = session.get(AuditEntry, first - 1)
    number, previous = first - 1, BEGINNING if before is None else before.sha256
    for entry in _entries_from(session, first, last):
        problem = _problem(entry, number + 1, previous)
        if problem:
            return ChainPart(first, number, previous, problem)
        number, previous = entry.number, entry.sha256
        session.expunge(entry)
    return ChainPart(first, number, previous, "")


def _entries_from(session: Session, first: int, last: int | None = None) -> Iterator[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.number >= first).order_by(AuditEntry.number)
    if last is not None:
        query = query.where(AuditEntry.number <= last)
    return iter(session.scalars(query.execution_options(yield_per=_AT_ONCE)))


def _problem(entry: AuditEntry, number: int, previous: str) -> str:
    if entry.number != number:
        return f"entry {number} is missing; the next one is {entry.number}"
    if entry.previous_sha256 != previous:
        return f"entry {number} does not follow the one before it"
    if entry.sha256 != _hash(entry):
        return f"entry {number} was changed"
    return ""


def _hash(entry: AuditEntry) -> str:
    content = [
        entry.previous_sha256,
        entry.salt,
        entry.number,
        entry.at_s,
        entry.organisation_id,
        entry.person,
        entry.deed,
        entry.subject,
        entry.detail,
    ]
    # Whoever has changed an entry can have put in what JSON has not, such as bytes.
    written = json.dumps(content, separators=(",", ":"), default=repr)
    return sha256(written.encode()).hexdigest()
