"""The newest changes of a rollout, and who has done what to it."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make an index for each of these questions."""
    op.create_index(
        "ix_rollout_device_rollout_id_changed_s", "rollout_device", ["rollout_id", "changed_s"]
    )
    op.create_index(
        "ix_audit_entry_organisation_id_subject_number",
        "audit_entry",
        ["organisation_id", "subject", "number"],
    )
