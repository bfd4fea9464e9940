"""From any file to today's tables: new, old, somebody else's, and newer than we are."""

import asyncio
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import llm_router.store
from llm_router.domain.errors import StorageFailed
from llm_router.store.database import open_database
from llm_router.store.schema import HEAD, migrate, upgrade_schema

Schema = dict[str, dict[str, Any]]


def schema_of(path: Path) -> Schema:
    """What SQLite itself says of each table; in which order constraints were written says nothing."""
    connection = sqlite3.connect(path)

    def pragma(name: str, of: str) -> list[tuple[Any, ...]]:
        return connection.execute(f"SELECT * FROM pragma_{name}(?)", (of,)).fetchall()

    found: Schema = {}
    for name, sql in connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"):
        indexes = {
            index[1]: (index[2:], pragma("index_xinfo", index[1]), predicate(connection, index[1]))
            for index in pragma("index_list", name)
        }
        found[name] = {
            "columns": pragma("table_info", name),
            "keys": sorted(row[2:] for row in pragma("foreign_key_list", name)),
            "indexes": indexes,
            "words": Counter(sql.replace(",", " ").replace("(", " ( ").replace(")", " ) ").split()),
        }
    connection.close()
    return found


def predicate(connection: sqlite3.Connection, index: str) -> str | None:
    """Of an index of some rows: which."""
    row = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (index,)).fetchone()
    return row[0].partition(" WHERE ")[2] if row and row[0] else None


def test_a_new_file_has_what_the_migrations_make(tmp_path: Path) -> None:
    new, migrated = tmp_path / "new.db", tmp_path / "migrated.db"
    upgrade_schema(new)
    migrate(migrated)
    made = schema_of(new)
    assert "messages" in made
    assert made["messages"]["indexes"]["ix_messages_unfinished"][2] == "status IN ('pending', 'streaming')"
    assert made == schema_of(migrated)
    for path in (new, migrated):
        with sqlite3.connect(path) as connection:
            assert connection.execute("SELECT id, name FROM users").fetchall() == [("owner", "owner")]
            assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(llm_router.store.__path__[0]) / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_a_file_of_today_is_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    upgrade_schema(path)
    before = schema_of(path)
    upgrade_schema(path)
    assert schema_of(path) == before
    assert [file.name for file in path.parent.glob("*before*")] == []


def test_an_older_file_is_copied_beside_itself_and_brought_up_to_date(path: Path) -> None:
    """There is no older revision yet: a file from before the first one stands for it."""
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES ('0000')")
        connection.execute("CREATE TABLE precious (word TEXT)")
        connection.execute("INSERT INTO precious VALUES ('kept')")
    connection.close()
    with pytest.raises(Exception, match="0000"):  # Alembic knows no such revision: an upgrade that goes wrong
        upgrade_schema(path)
    copy = sqlite3.connect(path.with_name(f"router.db.before-{HEAD}"))
    assert copy.execute("SELECT word FROM precious").fetchall() == [("kept",)]
    assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [("0000",)]
    copy.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT word FROM precious").fetchall() == [("kept",)]


def test_a_migration_that_fails_midway_leaves_nothing_of_itself(path: Path) -> None:
    """Its last table is there already, so all the others are made before it fails."""
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE usage_logs (other INTEGER)")
    with pytest.raises(Exception, match="usage_logs already exists"):
        migrate(path)
    assert set(schema_of(path)) == {"usage_logs"}


DIES_AT_THE_FIRST_ROW = """
import os, sqlite3, sys
from pathlib import Path
from llm_router.store.schema import upgrade_schema
sqlite3.register_adapter(int, lambda number: os._exit(9))  # the first row holds a number; no clean-up follows
upgrade_schema(Path(sys.argv[1]))
"""


def test_tables_appear_all_at_once(path: Path) -> None:
    """Killed while it makes them, the next start finds an empty file and not half a schema."""
    path.parent.mkdir()
    killed = subprocess.run([sys.executable, "-c", DIES_AT_THE_FIRST_ROW, path])
    assert killed.returncode == 9
    assert schema_of(path) == {}
    upgrade_schema(path)
    assert "messages" in schema_of(path)


async def test_a_file_of_another_program_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE moz_places (url TEXT)")
    with pytest.raises(StorageFailed, match="belongs to another program"):
        await open_database(path)
    assert set(schema_of(path)) == {"moz_places"}


async def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    path.parent.mkdir()
    upgrade_schema(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageFailed, match=rf"newer version \(schema 9999, this one knows {HEAD}\)"):
        await open_database(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("once upon a time, there was a text that was no database " * 20)
    with pytest.raises(StorageFailed, match="is not a database"):
        asyncio.run(open_database(path))


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed, match=r"The folder .*file cannot be made"):
        await open_database(tmp_path / "file" / "router.db")


async def test_the_folder_is_the_owner_s_alone(path: Path) -> None:
    await (await open_database(path)).close()
    assert path.parent.stat().st_mode & 0o777 == 0o700
