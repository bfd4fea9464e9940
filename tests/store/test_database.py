"""One writer, readers beside it, and what happens when the file or the task is taken away. On real files."""

import asyncio
import os
import sqlite3
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from llm_router.domain.errors import StorageFailed
from llm_router.store.database import Database, only_server, open_database
from llm_router.store.tables import conversations, users
from tests.store.rows import conversation, count, keep, message

PRAGMAS = ("journal_mode", "foreign_keys", "busy_timeout", "synchronous", "query_only")
FULL, NORMAL = 2, 1
INSERT = "INSERT INTO users VALUES (:id, 'x', 0)"


async def pragmas(connection: Any) -> dict[str, Any]:
    return {name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one() for name in PRAGMAS}


async def test_each_connection_is_set_up(database: Database) -> None:
    common = {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 5000}
    for _ in range(2):  # a level stays with its connection, so it has to be set each time
        async with database.write() as connection:
            assert await pragmas(connection) == {**common, "synchronous": FULL, "query_only": 0}
        async with database.write(durable=False) as connection:
            assert await pragmas(connection) == {**common, "synchronous": NORMAL, "query_only": 0}
    async with database.read() as one, database.read() as two:
        assert (await pragmas(one))["query_only"] == (await pragmas(two))["query_only"] == 1
        assert (await pragmas(one))["foreign_keys"] == 1


async def test_a_write_begins_immediate(database: Database) -> None:
    """It holds the lock before its first statement: another process cannot come in between."""
    async with database.write():
        with (
            sqlite3.connect(database.path, timeout=0) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")
    with sqlite3.connect(database.path, timeout=0) as other:
        other.execute("BEGIN IMMEDIATE")


async def test_readers_see_no_write_before_its_commit_and_then_one_moment(database: Database) -> None:
    async with database.write() as writing:
        await writing.execute(text(INSERT), {"id": "new"})
        assert await count(database, users) == 2
    async with database.read() as reading:
        many = text("SELECT count(*) FROM users")
        assert (await reading.execute(many)).scalar_one() == 3
        async with database.write() as writing:
            await writing.execute(text(INSERT), {"id": "newer"})
        assert (await reading.execute(many)).scalar_one() == 3
    assert await count(database, users) == 4


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StorageFailed, match="read-only"):
        async with database.read() as connection:
            await connection.execute(text(INSERT), {"id": "new"})
    assert await count(database, users) == 2


async def test_writes_come_one_after_the_other(database: Database) -> None:
    """Each reads a number and writes one more: none is lost."""
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE tally (n INTEGER)"))
        await connection.execute(text("INSERT INTO tally VALUES (0)"))

    inside = 0

    async def add_one() -> None:
        nonlocal inside
        async with database.write(durable=False) as connection:
            inside += 1
            assert inside == 1
            n = (await connection.execute(text("SELECT n FROM tally"))).scalar_one()
            await asyncio.sleep(0)
            await connection.execute(text("UPDATE tally SET n = :n"), {"n": n + 1})
            inside -= 1

    await asyncio.gather(*(add_one() for _ in range(20)))
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT n FROM tally"))).scalar_one() == 20


async def test_a_write_whose_body_raises_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as connection:
            await connection.execute(text(INSERT), {"id": "new"})
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await count(database, users) == 2


async def test_a_broken_rule_leaves_nothing(database: Database) -> None:
    """Of two tables, the second refused at the commit: the parent's key is checked there."""
    with pytest.raises(StorageFailed, match="FOREIGN KEY constraint failed"):
        await keep(database, conversation(), messages=[message("m1", "no-such-parent")])
    assert await count(database, conversations) == 0


@pytest.mark.parametrize("step", ["begin", "first", "second", "commit"])
async def test_a_task_that_is_cancelled_inside_a_write_leaves_the_database_usable(
    step: str, database: Database
) -> None:
    async def write() -> None:
        task = asyncio.current_task()
        assert task is not None

        def at(place: str) -> None:
            """The task is cancelled as soon as it waits for what comes next."""
            if place == step:
                asyncio.get_running_loop().call_soon(task.cancel)

        at("begin")
        async with database.write() as connection:
            at("first")
            await connection.execute(text(INSERT), {"id": "a"})
            at("second")
            await connection.execute(text(INSERT), {"id": "b"})
            at("commit")

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(write())
    kept = await count(database, users) - 2
    assert kept in (0, 2) if step == "commit" else kept == 0
    async with asyncio.timeout(5), database.write() as connection:
        await connection.execute(text(INSERT), {"id": "after"})
    assert await count(database, users) == 3 + kept


async def test_a_write_that_waits_for_another_may_be_cancelled(database: Database) -> None:
    async with database.write() as connection:
        waiting = asyncio.create_task(keep(database, conversation()))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await connection.execute(text(INSERT), {"id": "a"})
    await keep(database, conversation())
    assert await count(database, users) == 3


async def test_a_file_that_is_locked_is_said_after_the_wait(database: Database) -> None:
    async with database.write() as connection:  # the one writer's connection: shortened, not to wait five seconds
        await connection.execute(text("PRAGMA busy_timeout=50"))
    with sqlite3.connect(database.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            with pytest.raises(StorageFailed, match="The database is locked by another program"):
                await database.check_writable()
        async with database.read() as connection:  # reading goes on
            assert (await connection.execute(text("SELECT count(*) FROM users"))).scalar_one() == 2
        other.execute("ROLLBACK")
    other.close()
    await database.check_writable()


async def test_a_full_disk_is_said(database: Database) -> None:
    async with database.write() as connection:
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(StorageFailed, match="The disk is full"):
        await keep(database, conversation(title="x" * 1_000_000))
    assert await count(database, conversations) == 0
    await database.check_writable()


async def test_an_error_that_is_not_the_database_s_passes_as_it_is(database: Database) -> None:
    for error in (ValueError("x"), StorageFailed("mine")):
        with pytest.raises(type(error)) as raised:
            async with database.read():
                raise error
        assert raised.value is error


async def test_a_closed_database_opens_again_with_what_was_written(path: Path) -> None:
    database = await open_database(path)
    await keep(database, conversation())
    await database.close()
    again = await open_database(path)
    assert await count(again, conversations) == 1
    await again.close()


async def test_a_path_is_not_read_as_an_address(tmp_path: Path) -> None:
    path = tmp_path / "what?mode=ro#50%25.db"
    database = await open_database(path)
    await keep(database, conversation())
    await database.close()
    assert os.listdir(tmp_path) == [path.name]


def test_one_server_has_the_file_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "router.db"
    with ExitStack() as first:
        first.enter_context(only_server(path))
        with pytest.raises(StorageFailed, match="Another LLM Router is at work"):
            first.enter_context(only_server(path))
        first.enter_context(only_server(tmp_path / "other.db"))
    with only_server(path):
        pass
