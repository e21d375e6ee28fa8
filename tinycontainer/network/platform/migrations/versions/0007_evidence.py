"""Events and statements of devices."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the key of a device."""
    op.add_column("device", sa.Column("evidence_key", sa.LargeBinary(32), nullable=True))
    op.create_table(
        "device_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(1024), nullable=False),
        sa.Column("previous_chain", sa.LargeBinary(32), nullable=False),
        sa.Column("is_proved", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("uid", sa.LargeBinary(63), nullable=True),
        sa.Column("at_s", sa.BigInteger(), nullable=True),
        sa.Column("release_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name="fk_device_event_device_id_device",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name="fk_device_event_release_id_release"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_device_event"),
    )
    op.create_index(
        "ix_device_event_device_id_series_number",
        "device_event",
        ["device_id", "series", "number"],
        unique=True,
    )
    op.create_index("ix_device_event_device_id_id", "device_event", ["device_id", "id"])
    op.create_index("ix_device_event_uid_id", "device_event", ["uid", "id"])
    op.create_table(
        "device_evidence",
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("salt", sa.LargeBinary(16), nullable=False),
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("series_s", sa.Double(), nullable=False),
        sa.Column("proved_number", sa.BigInteger(), nullable=True),
        sa.Column("proved_chain", sa.LargeBinary(32), nullable=True),
        sa.Column("statement", sa.LargeBinary(), nullable=True),
        sa.Column("nonce", sa.LargeBinary(32), nullable=True),
        sa.Column("stated_s", sa.Double(), nullable=True),
        sa.Column("problem", sa.String(64), nullable=False),
        sa.Column("problem_detail", sa.String(500), nullable=False),
        sa.Column("problem_s", sa.Double(), nullable=True),
        sa.Column("problem_until_s", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name="fk_device_evidence_device_id_device",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("device_id", name="pk_device_evidence"),
    )
