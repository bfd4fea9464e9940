"""Brings a database file to the newest schema. Alembic is loaded only when an existing file is behind.

A new file gets today's tables at once, which a test holds equal to what the migrations make. An existing
file is copied beside itself before it is changed, so that an upgrade that goes wrong loses nothing.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.pool import NullPool

from llm_router.domain.errors import StorageFailed
from llm_router.store.tables import OWNER_ID, metadata, users

HEAD = "0001"
"""The newest revision under `migrations/versions`; a test compares."""


def upgrade_schema(path: Path) -> None:
    """Blocking: before anything else opens the file. Raises sqlite3.Error or StorageFailed."""
    connection = sqlite3.connect(path, timeout=5)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        revision = _revision(connection)
        if revision == HEAD:
            return
        if revision is not None:
            _copy(connection, path.with_name(f"{path.name}.before-{HEAD}"))
    finally:
        connection.close()
    if revision is None:
        _create(path)
    else:
        migrate(path)


def _revision(connection: sqlite3.Connection) -> str | None:
    """The revision a file is at; None for a new one."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "alembic_version" not in tables:
        if tables:
            raise StorageFailed("The database file belongs to another program: it has tables, but none of ours.")
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is not None and row[0] > HEAD:
        raise StorageFailed(
            f"The database was written by a newer version (schema {row[0]}, this one knows {HEAD}). "
            "Start that version, or restore the copy it made before its upgrade."
        )
    return row[0] if row else None


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    with sqlite3.connect(target) as copy:
        connection.backup(copy)
    copy.close()


def _create(path: Path) -> None:
    with _transaction(path) as connection:
        metadata.create_all(connection)
        connection.execute(users.insert().values(id=OWNER_ID, name=OWNER_ID, created_at=int(time.time() * 1000)))
        connection.execute(
            text(
                "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
                "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
            )
        )
        connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def migrate(path: Path) -> None:
    """Runs every migration the file has not seen, whatever it holds."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with _transaction(path) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _transaction(path: Path) -> Iterator[Connection]:
    """All or nothing, of tables too: the driver's own BEGIN would come with the first row only."""
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
