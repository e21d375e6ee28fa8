"""Lets alembic work on a connection that is open already; only alembic runs this file."""

from alembic import context

context.configure(**context.config.attributes["context"])
with context.begin_transaction():
    context.run_migrations()
