"""Keys, applications, artefacts and releases: what four parties bring."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Double,
    ForeignKey,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import PlatformTable
from .people import NAME_CHARACTERS, SHA256_DIGITS, Organisation


class PublicKey(PlatformTable):
    """The public half of a key with which a party signs."""

    __tablename__ = "public_key"
    __table_args__ = (UniqueConstraint("organisation_id", "fingerprint"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    fingerprint: Mapped[str] = mapped_column(String(SHA256_DIGITS))
    """SHA-256 of the 32 bytes of the key. Others can name it too: that is no proof of having it."""
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    role: Mapped[str] = mapped_column(String(16))
    algorithm: Mapped[str] = mapped_column(String(16))
    public: Mapped[bytes] = mapped_column(LargeBinary(32))
    kid: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    created_s: Mapped[float] = mapped_column(Double)
    withdrawn_s: Mapped[float | None] = mapped_column(Double)


class ApplicationRow(PlatformTable):
    """A container of which there are releases; its uid belongs to one developer."""

    __tablename__ = "application"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    uid: Mapped[bytes] = mapped_column(LargeBinary(63), unique=True)
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    created_s: Mapped[float] = mapped_column(Double)

    organisation: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)


class ArtefactRow(PlatformTable):
    """Bytes of an organisation, by their hash."""

    __tablename__ = "artefact"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(SHA256_DIGITS), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    size_bytes: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_s: Mapped[float] = mapped_column(Double)


class ReleaseRow(PlatformTable):
    """A version of an application, and the four parties that make it."""

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("application_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    number: Mapped[int] = mapped_column(BigInteger)
    developer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    infrastructure_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    profile: Mapped[str] = mapped_column(String(16))
    signs_endpoints: Mapped[bool]
    code_sha256: Mapped[str | None] = mapped_column(String(SHA256_DIGITS), index=True)
    container_type: Mapped[int | None]
    syscalls: Mapped[int | None] = mapped_column(BigInteger)
    """Mask of the calls that the developer asks for."""
    data_sha256: Mapped[str | None] = mapped_column(String(SHA256_DIGITS), index=True)
    plan: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    mask: Mapped[int | None] = mapped_column(BigInteger)
    """Of the calls that the owner allows."""
    terms: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Further claims of tokens, by the name of their kind."""
    envelope_sha256: Mapped[str | None] = mapped_column(String(SHA256_DIGITS))
    """Of the artefact by which infrastructure has signed it as an update."""
    sbom_sha256: Mapped[str | None] = mapped_column(String(SHA256_DIGITS), index=True)
    sbom_components: Mapped[int | None]
    """How many rows of components it has."""
    created_s: Mapped[float] = mapped_column(Double)
    completed_s: Mapped[float | None] = mapped_column(Double)
    bundle_sha256: Mapped[str | None] = mapped_column(String(SHA256_DIGITS), index=True)
    """Known from the start of the first rollout on, after which the release does not change."""

    application: Mapped[ApplicationRow] = relationship(lazy="joined", innerjoin=True)
    tokens: Mapped[list["ReleaseToken"]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="ReleaseToken.part"
    )


class ReleaseToken(PlatformTable):
    """A token of a release, by which a party has signed its part."""

    __tablename__ = "release_token"

    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), primary_key=True)
    part: Mapped[str] = mapped_column(String(32), primary_key=True)
    token: Mapped[bytes] = mapped_column(LargeBinary(1024))
    fingerprint: Mapped[str] = mapped_column(String(SHA256_DIGITS))
    """Of the key that it was made with."""
    person: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    signed_s: Mapped[float] = mapped_column(Double)
