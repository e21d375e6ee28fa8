"""What software is in a release, as its developer says."""

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import PlatformTable

COMPONENT_CHARACTERS = 255
PURL_CHARACTERS = 1024


class ReleaseComponentRow(PlatformTable):
    """A component of a release."""

    __tablename__ = "release_component"
    __table_args__ = (
        # By release first: those of others are never looked through.
        Index(None, "release_id", "name", "version"),
        Index(None, "release_id", "purl"),
    )

    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """In the document, from 0."""
    name: Mapped[str] = mapped_column(String(COMPONENT_CHARACTERS))
    version: Mapped[str] = mapped_column(String(COMPONENT_CHARACTERS))
    """Empty if none is said."""
    purl: Mapped[str] = mapped_column(String(PURL_CHARACTERS))
    """Empty if none is said."""
