"""Keys, applications, artefacts and releases."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "application",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.LargeBinary(63), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name="fk_application_organisation_id_organisation",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_application"),
        sa.UniqueConstraint("uid", name="uq_application_uid"),
    )
    op.create_index("ix_application_organisation_id", "application", ["organisation_id"])
    op.create_table(
        "artefact",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name="fk_artefact_organisation_id_organisation",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "sha256", name="pk_artefact"),
    )
    op.create_table(
        "public_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("algorithm", sa.String(16), nullable=False),
        sa.Column("public", sa.LargeBinary(32), nullable=False),
        sa.Column("kid", sa.LargeBinary(64), nullable=True),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("withdrawn_s", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name="fk_public_key_organisation_id_organisation",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_public_key"),
        sa.UniqueConstraint(
            "organisation_id", "fingerprint", name="uq_public_key_organisation_id_fingerprint"
        ),
    )
    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("developer_id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("infrastructure_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("profile", sa.String(16), nullable=False),
        sa.Column("signs_endpoints", sa.Boolean(), nullable=False),
        sa.Column("code_sha256", sa.String(64), nullable=True),
        sa.Column("container_type", sa.Integer(), nullable=True),
        sa.Column("syscalls", sa.BigInteger(), nullable=True),
        sa.Column("data_sha256", sa.String(64), nullable=True),
        sa.Column("plan", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("mask", sa.BigInteger(), nullable=True),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("completed_s", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name="fk_release_application_id_application"
        ),
        sa.ForeignKeyConstraint(
            ["developer_id"], ["organisation.id"], name="fk_release_developer_id_organisation"
        ),
        sa.ForeignKeyConstraint(
            ["infrastructure_id"],
            ["organisation.id"],
            name="fk_release_infrastructure_id_organisation",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organisation.id"], name="fk_release_owner_id_organisation"
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["organisation.id"], name="fk_release_provider_id_organisation"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_release"),
        sa.UniqueConstraint("application_id", "number", name="uq_release_application_id_number"),
    )
    op.create_index("ix_release_code_sha256", "release", ["code_sha256"])
    op.create_index("ix_release_data_sha256", "release", ["data_sha256"])
    op.create_index("ix_release_developer_id", "release", ["developer_id"])
    op.create_index("ix_release_infrastructure_id", "release", ["infrastructure_id"])
    op.create_index("ix_release_owner_id", "release", ["owner_id"])
    op.create_index("ix_release_provider_id", "release", ["provider_id"])
    op.create_table(
        "release_token",
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(32), nullable=False),
        sa.Column("token", sa.LargeBinary(1024), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("person", sa.String(63), nullable=False),
        sa.Column("signed_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name="fk_release_token_release_id_release"
        ),
        sa.PrimaryKeyConstraint("release_id", "part", name="pk_release_token"),
    )
