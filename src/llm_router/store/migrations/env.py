"""Runs migrations on the connection that `store/schema.py` hands in."""

from alembic import context

from llm_router.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)

with context.begin_transaction():
    context.run_migrations()
