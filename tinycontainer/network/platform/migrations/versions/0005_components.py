"""Components of releases."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and the columns of releases."""
    op.create_table(
        "release_component",
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("version", sa.String(255), nullable=False),
        sa.Column("purl", sa.String(1024), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name="fk_release_component_release_id_release"
        ),
        sa.PrimaryKeyConstraint("release_id", "position", name="pk_release_component"),
    )
    op.create_index(
        "ix_release_component_release_id_name_version",
        "release_component",
        ["release_id", "name", "version"],
    )
    op.create_index(
        "ix_release_component_release_id_purl", "release_component", ["release_id", "purl"]
    )
    op.add_column("release", sa.Column("sbom_sha256", sa.String(64), nullable=True))
    op.add_column("release", sa.Column("sbom_components", sa.Integer(), nullable=True))
    op.create_index("ix_release_sbom_sha256", "release", ["sbom_sha256"])
