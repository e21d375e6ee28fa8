"""The devices of a rollout in the order in which they are told."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLE = "rollout_device"


def upgrade() -> None:
    """Make an index that is in this order, in place of one that is not."""
    op.create_index(
        "ix_rollout_device_rollout_id_progress_wave_attempts_device_id",
        _TABLE,
        ["rollout_id", "progress", "wave", "attempts", "device_id"],
    )
    op.drop_index("ix_rollout_device_rollout_id_progress_wave", _TABLE)
