"""Devices and their profiles."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "device_profile",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("device_file", sa.Text(), nullable=False),
        sa.Column("key_files", sa.JSON(), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name="fk_device_profile_organisation_id_organisation",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_device_profile"),
        sa.UniqueConstraint(
            "organisation_id", "sha256", name="uq_device_profile_organisation_id_sha256"
        ),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("infrastructure_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("kind", sa.String(63), nullable=False),
        sa.Column("group", sa.String(63), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("profile_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(64), nullable=True),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["infrastructure_id"],
            ["organisation.id"],
            name="fk_device_infrastructure_id_organisation",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_device_organisation_id_organisation"
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["device_profile.id"], name="fk_device_profile_id_device_profile"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.UniqueConstraint("name", name="uq_device_name"),
    )
    op.create_index("ix_device_infrastructure_id_name", "device", ["infrastructure_id", "name"])
    op.create_index("ix_device_organisation_id_name", "device", ["organisation_id", "name"])
    op.create_index("ix_device_profile_id", "device", ["profile_id"])
