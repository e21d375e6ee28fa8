"""Offers, rentals and withdrawals."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "offer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organisation.id"], name="fk_offer_owner_id_organisation"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_offer"),
    )
    op.create_index("ix_offer_owner_id", "offer", ["owner_id"])
    op.create_table(
        "offer_audience",
        sa.Column("offer_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offer.id"], name="fk_offer_audience_offer_id_offer"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name="fk_offer_audience_organisation_id_organisation",
        ),
        sa.PrimaryKeyConstraint("offer_id", "organisation_id", name="pk_offer_audience"),
    )
    op.create_index("ix_offer_audience_organisation_id", "offer_audience", ["organisation_id"])
    op.create_table(
        "rental",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("from_s", sa.BigInteger(), nullable=False),
        sa.Column("until_s", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("asked_by", sa.String(63), nullable=False),
        sa.Column("asked_s", sa.Double(), nullable=False),
        sa.Column("decided_by", sa.String(63), nullable=True),
        sa.Column("decided_s", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name="fk_rental_offer_id_offer"),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name="fk_rental_release_id_release"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rental"),
    )
    op.create_index("ix_rental_offer_id", "rental", ["offer_id"])
    op.create_index("ix_rental_release_id_id", "rental", ["release_id", "id"])
    op.create_table(
        "withdrawal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.LargeBinary(1024), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("digits", sa.String(20), nullable=False),
        sa.Column("person", sa.String(63), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name="fk_withdrawal_application_id_application",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name="fk_withdrawal_organisation_id_organisation",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawal"),
    )
    op.create_index(
        "ix_withdrawal_application_id_organisation_id_id",
        "withdrawal",
        ["application_id", "organisation_id", "id"],
    )
    op.create_index("ix_withdrawal_organisation_id", "withdrawal", ["organisation_id"])
