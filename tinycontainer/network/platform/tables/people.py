"""Organisations, their people, what these log in with, and what they did."""

from sqlalchemy import Double, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import PlatformTable

NAME_CHARACTERS = 63
SHA256_DIGITS = 64


class Organisation(PlatformTable):
    """One of those who deploy together."""

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS), unique=True)
    roles: Mapped[str] = mapped_column(String(255))
    """Which parties it is, separated by commas."""
    created_s: Mapped[float] = mapped_column(Double)


class Person(PlatformTable):
    """Somebody of an organisation."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS), unique=True)
    """Of all organisations, because one logs in with it alone."""
    password_hash: Mapped[str] = mapped_column(String(255))
    right: Mapped[str] = mapped_column(String(16))
    is_disabled: Mapped[bool]
    created_s: Mapped[float] = mapped_column(Double)

    organisation: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)


class WebSession(PlatformTable):
    """A browser that somebody has logged in with."""

    __tablename__ = "web_session"

    token_sha256: Mapped[str] = mapped_column(String(SHA256_DIGITS), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    csrf_sha256: Mapped[str] = mapped_column(String(SHA256_DIGITS))
    expires_s: Mapped[float] = mapped_column(Double, index=True)

    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class ApiToken(PlatformTable):
    """What a program asks with in the name of a person."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(SHA256_DIGITS), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    scopes: Mapped[str] = mapped_column(String(255))
    """Separated by commas."""
    created_s: Mapped[float] = mapped_column(Double)
    expires_s: Mapped[float | None] = mapped_column(Double)

    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class AuditEntry(PlatformTable):
    """A deed, chained to the one before it."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "organisation_id", "subject", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 1, without gaps."""
    at_s: Mapped[float] = mapped_column(Double)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    person: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    deed: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    subject: Mapped[str] = mapped_column(String(255))
    detail: Mapped[str] = mapped_column(Text)
    """JSON."""
    salt: Mapped[str] = mapped_column(String(SHA256_DIGITS))
    """Drawn at random and never shown: whoever sees two hashes must not guess what is between."""
    previous_sha256: Mapped[str] = mapped_column(String(SHA256_DIGITS))
    sha256: Mapped[str] = mapped_column(String(SHA256_DIGITS))
