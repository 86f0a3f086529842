"""Alembic's entry: runs the migrations on the connection it is handed, within that connection's transaction."""

from alembic import context

from voltbridge.storage.sql.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
