"""The SQLite file: one writer, a few readers, and errors in the house's own words.

WAL lets readers go on while the writer writes. Every write transaction begins IMMEDIATE, so that it waits
for the lock at its first statement and never fails half-way for want of it. Knows no table.
"""

import logging
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import AsyncAdaptedQueuePool

from llm_router.domain.errors import StorageFailed
from llm_router.store.schema import check_schema, upgrade_schema
from llm_router.store.sql import AsyncConnection, AsyncEngine, create_async_engine

_LOG = logging.getLogger(__name__)

BUSY_TIMEOUT_SECONDS = 5.0
"""How long to wait while another process (a backup, a shell) holds the file."""

READERS = 2


class Database:
    """Opened by `open_database`; closed with `close()`."""

    def __init__(self, path: Path, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one moment of the database and cannot change it. Raises StorageFailed."""
        with _storage_errors(self.path):
            async with self._reader.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self, *, durable: bool = True) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed at the end, rolled back when the body raises. Raises StorageFailed.

        A durable one is on the disk when it returns, whatever happens to the power. One that is not
        survives the death of the process all the same, and costs a memory card no sync of its own.
        """
        with _storage_errors(self.path):
            async with self._writer.connect() as connection:
                await connection.execution_options(durable=durable)
                async with connection.begin():
                    yield connection

    async def check_writable(self) -> None:
        """Raises StorageFailed when nothing can be written: the disk is full, read-only, or the file locked."""
        async with self.write(durable=False) as connection:
            await connection.execute(text("PRAGMA user_version = 1"))

    async def close(self) -> None:
        await self._reader.dispose()
        await self._writer.dispose()


async def open_database(path: Path) -> Database:
    """Opens the file, made on the first start with its folder (0700), and brings its tables up to date.

    Raises StorageFailed.
    """
    _make_folder(path)
    with _storage_errors(path):
        upgrade_schema(path)  # nobody is served yet, so nobody waits; a thread for it alone would stay and weigh
        return _database(path)


@asynccontextmanager
async def open_beside_server(path: Path) -> AsyncIterator[Database]:
    """The file as it is, for a command that runs while a server may. Nothing of it is made or brought up to date.

    Raises StorageFailed, where the file is of another version too.
    """
    with _storage_errors(path):
        check_schema(path)
    database = _database(path)
    try:
        yield database
    finally:
        await database.close()


def _database(path: Path) -> Database:
    writer = _engine(path, pool_size=1, begin="BEGIN IMMEDIATE")
    reader = _engine(path, pool_size=READERS, begin="BEGIN", read_only=True)
    return Database(path, writer, reader)


@contextmanager
def only_server(path: Path) -> Iterator[None]:
    """Keeps other servers from the file: to them the answers that are made here would look left behind by a crash.

    To be held before the file is opened, since opening it may bring its tables up to date. The lock ends with the
    process, however that ends. Raises StorageFailed.
    """
    _make_folder(path)
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        file = path.with_name(f"{path.name}.lock").open("a")
    except OSError as error:
        raise StorageFailed(_cannot_be_opened(path)) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageFailed(
                f"Another LLM Router is at work with {path}. End it first, or set DATABASE_PATH to another file."
            ) from None
        except OSError as error:
            _LOG.warning("%s cannot be locked here (%s); do not start a second server with it", path, error.strerror)
        yield


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(f"The folder {path.parent} cannot be made: {error.strerror}.") from error


def _cannot_be_opened(path: Path) -> str:
    return f"The database {path} cannot be opened. Check that its folder exists and can be written."


def _engine(path: Path, *, pool_size: int, begin: str, read_only: bool = False) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver's own BEGIN comes too late and is never IMMEDIATE; ours is sent below.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute("PRAGMA cache_size=-4096")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin_transaction(connection: Any) -> None:
        if not read_only:
            # Takes effect outside a transaction only.
            level = "FULL" if connection.get_execution_options().get("durable", True) else "NORMAL"
            connection.exec_driver_sql(f"PRAGMA synchronous={level}")
        connection.exec_driver_sql(begin)

    return engine


class _storage_errors:
    """Turns what the driver raises into a StorageFailed that says what happened and what to do."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, PoolTimeout):
            raise StorageFailed("The database is busy: other work has held it for 30 seconds. Try again.") from error
        if isinstance(error, sqlite3.DatabaseError) or (
            isinstance(error, DBAPIError) and isinstance(error.orig, sqlite3.DatabaseError)
        ):
            raise StorageFailed(self._sentence(str(getattr(error, "orig", None) or error))) from error

    def _sentence(self, reason: str) -> str:
        # SQLite's own words, by which its result codes are told apart: https://sqlite.org/rescode.html
        if "full" in reason:
            return "The disk is full: nothing can be written to the database. Make room; then try again."
        if "locked" in reason or "busy" in reason:
            return "The database is locked by another program. Close it there, or wait; then try again."
        if "readonly" in reason or "read-only" in reason:
            return f"The database {self._path} is read-only. Check the permissions of the file and its folder."
        if "unable to open" in reason:
            return _cannot_be_opened(self._path)
        if "not a database" in reason:
            return f"The file {self._path} is not a database. Move it away, or set DATABASE_PATH to another file."
        _LOG.error("database error: %s", reason)
        return f"The database failed: {reason}."
