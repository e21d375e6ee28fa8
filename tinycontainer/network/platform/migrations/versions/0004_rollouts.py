"""Rollouts, jobs, and what devices run."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the columns of those that were there."""
    op.create_table(
        "device_container",
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("desired_release_id", sa.Integer(), nullable=True),
        sa.Column("desired_s", sa.Double(), nullable=True),
        sa.Column("reported_release_id", sa.Integer(), nullable=True),
        sa.Column("reported_sha256", sa.String(64), nullable=True),
        sa.Column("reported_state", sa.String(16), nullable=False),
        sa.Column("reported_exit", sa.String(500), nullable=False),
        sa.Column("reported_s", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name="fk_device_container_application_id_application",
        ),
        sa.ForeignKeyConstraint(
            ["desired_release_id"],
            ["release.id"],
            name="fk_device_container_desired_release_id_release",
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name="fk_device_container_device_id_device",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["reported_release_id"],
            ["release.id"],
            name="fk_device_container_reported_release_id_release",
        ),
        sa.PrimaryKeyConstraint("device_id", "application_id", name="pk_device_container"),
    )
    op.create_index("ix_device_container_application_id", "device_container", ["application_id"])
    op.create_index(
        "ix_device_container_reported_release_id", "device_container", ["reported_release_id"]
    )
    op.create_table(
        "rollout",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("halt_reason", sa.Text(), nullable=False),
        sa.Column("judgement", sa.JSON(), nullable=True),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("started_s", sa.Double(), nullable=True),
        sa.Column("ended_s", sa.Double(), nullable=True),
        sa.Column("due_s", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_rollout_organisation_id_organisation"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organisation.id"], name="fk_rollout_owner_id_organisation"
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name="fk_rollout_release_id_release"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rollout"),
    )
    op.create_index("ix_rollout_due_s", "rollout", ["due_s"])
    op.create_index("ix_rollout_organisation_id_id", "rollout", ["organisation_id", "id"])
    op.create_index("ix_rollout_owner_id_id", "rollout", ["owner_id", "id"])
    op.create_index("ix_rollout_release_id", "rollout", ["release_id"])
    op.create_table(
        "delivery_job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=True),
        sa.Column("rollout_id", sa.Integer(), nullable=True),
        sa.Column("token", sa.LargeBinary(1024), nullable=True),
        sa.Column("nonce", sa.LargeBinary(8), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False),
        sa.Column("deadline_s", sa.Double(), nullable=True),
        sa.Column("due_s", sa.Double(), nullable=False),
        sa.Column("lease", sa.String(32), nullable=True),
        sa.Column("lease_until_s", sa.Double(), nullable=True),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("detail", sa.String(500), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("ended_s", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name="fk_delivery_job_application_id_application",
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name="fk_delivery_job_device_id_device",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name="fk_delivery_job_release_id_release"
        ),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollout.id"], name="fk_delivery_job_rollout_id_rollout"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_job"),
    )
    op.create_index(
        "ix_delivery_job_due",
        "delivery_job",
        ["due_s"],
        sqlite_where=sa.text("ended_s IS NULL"),
        postgresql_where=sa.text("ended_s IS NULL"),
    )
    op.create_index("ix_delivery_job_rollout_id", "delivery_job", ["rollout_id"])
    op.create_index(
        "uq_delivery_job_open",
        "delivery_job",
        ["device_id", "application_id", "kind"],
        unique=True,
        sqlite_where=sa.text("ended_s IS NULL"),
        postgresql_where=sa.text("ended_s IS NULL"),
    )
    op.create_table(
        "rollout_device",
        sa.Column("rollout_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("progress", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("detail", sa.String(500), nullable=False),
        sa.Column("changed_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name="fk_rollout_device_device_id_device",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollout.id"], name="fk_rollout_device_rollout_id_rollout"
        ),
        sa.PrimaryKeyConstraint("rollout_id", "device_id", name="pk_rollout_device"),
    )
    op.create_index("ix_rollout_device_device_id", "rollout_device", ["device_id"])
    op.create_index(
        "ix_rollout_device_rollout_id_progress_wave",
        "rollout_device",
        ["rollout_id", "progress", "wave"],
    )
    op.create_table(
        "rollout_wave",
        sa.Column("rollout_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("per_cent", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("superseded", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("forgiven", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollout.id"], name="fk_rollout_wave_rollout_id_rollout"
        ),
        sa.PrimaryKeyConstraint("rollout_id", "number", name="pk_rollout_wave"),
    )
    op.add_column("device", sa.Column("gateway", sa.String(63), nullable=True))
    op.add_column("device", sa.Column("endpoint", sa.String(63), nullable=True))
    no = sa.false()
    op.add_column(
        "device", sa.Column("takes_updates", sa.Boolean(), nullable=False, server_default=no)
    )
    op.add_column("device", sa.Column("contact_s", sa.Double(), nullable=True))
    op.add_column("device", sa.Column("look_due_s", sa.Double(), nullable=True))
    op.create_index("ix_device_look_due_s", "device", ["look_due_s"])
    op.create_index("ix_device_gateway_endpoint", "device", ["gateway", "endpoint"], unique=True)
    op.add_column("release", sa.Column("envelope_sha256", sa.String(64), nullable=True))
    op.add_column("release", sa.Column("bundle_sha256", sa.String(64), nullable=True))
    op.create_index("ix_release_bundle_sha256", "release", ["bundle_sha256"])
