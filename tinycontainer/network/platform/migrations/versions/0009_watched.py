"""What devices say that their containers have used."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column to what devices have said."""
    op.add_column("device_container", sa.Column("reported_usage", sa.JSON(), nullable=True))
