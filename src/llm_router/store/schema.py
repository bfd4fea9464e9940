"""Brings a database file to the newest schema. Alembic is loaded only when an existing file is behind.

A new file gets today's tables at once, which a test holds equal to what the migrations make. An existing
file is copied beside itself before it is changed, so that an upgrade that goes wrong loses nothing.

The sums of the ledger are counted here too, where they are missing or of another time zone than the server's.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.pool import NullPool

from llm_router.domain.errors import StorageFailed
from llm_router.store.rollups import local_zone_name, rebuild_rollups, unknown_zone
from llm_router.store.tables import OWNER_ID, metadata, users

_LOG = logging.getLogger(__name__)

HEAD = "0002"
"""The newest revision under `migrations/versions`; a test compares."""


def upgrade_schema(path: Path) -> None:
    """Blocking: before anything else opens the file. Raises sqlite3.Error or StorageFailed."""
    connection = sqlite3.connect(path, timeout=5)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        revision = _revision(connection)
        if revision is not None and revision != HEAD:
            _copy(connection, path.with_name(f"{path.name}.before-{HEAD}"))
    finally:
        connection.close()
    if revision is None:
        _create(path)
    elif revision != HEAD:
        migrate(path)
    _count_in_local_time(path)


def check_schema(path: Path) -> None:
    """For who only comes by: that the file is there and of this version. Blocking; changes nothing.

    Raises sqlite3.Error or StorageFailed.
    """
    if not path.is_file():
        raise StorageFailed(f"There is no database at {path} yet. Start the server once, or set DATABASE_PATH.")
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=5, uri=True)
    try:
        revision = _revision(connection)
    finally:
        connection.close()
    if revision != HEAD:
        raise StorageFailed(
            f"The database {path} is of an older version. Start the server once: it is brought up to date."
        )


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
        rebuild_rollups(connection, local_zone_name())


def _count_in_local_time(path: Path) -> None:
    """The server's days and months are its time zone's; where that has changed they are counted anew, once."""
    connection = sqlite3.connect(path, timeout=5)
    try:
        found = connection.execute("SELECT time_zone FROM usage_calendar").fetchone()
    finally:
        connection.close()
    zone_name = local_zone_name()
    if (unknown := unknown_zone(os.environ)) is not None:
        _LOG.warning("TZ is %s, a time zone that this machine does not know: days and months are those of UTC", unknown)
    if found == (zone_name,):
        return
    with _transaction(path) as transaction:
        if found is None:
            rebuild_rollups(transaction, zone_name)
        else:
            _LOG.info("Days and months of the ledger are counted anew: the time zone is %s now", zone_name)
            rebuild_rollups(transaction, zone_name, ("day", "month"))


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
