"""From any file to today's tables: new, old, somebody else's, and newer than we are."""

import asyncio
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import llm_router.store
from llm_router.domain.errors import StorageFailed
from llm_router.store.database import open_database
from llm_router.store.devices import list_devices
from llm_router.store.rollups import local_zone_name
from llm_router.store.schema import HEAD, migrate, upgrade_schema
from llm_router.store.spending import summarise

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
    """A revision that nobody knows stands for an upgrade that goes wrong."""
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


OLD_CALLS = [
    # (id, user, device, model, tokens in, cost, cost status, timestamp)
    ("a1", "owner", "phone-1234-5678", "gpt-5", 10, 5, "exact", 1_767_225_599_999),  # the last moment of 2025, in UTC
    ("a2", "owner", "phone-1234-5678", "gpt-5", None, 7, "estimated", 1_767_225_600_000),
    ("a3", "owner", None, "gpt-5", 1, None, "unpriced", 1_767_225_600_001),
    ("a4", "owner", "desk", "claude", 3, 11, "exact", 1_767_229_200_000),
    ("a5", "stranger", "desk", "claude", 3, 1000, "exact", 1_767_229_200_000),
]


def make_0001(path: Path) -> None:
    """A file of the first version, as that version made it, with calls in it."""
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(Path(llm_router.store.__path__[0]) / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("INSERT INTO users VALUES ('stranger', 'stranger', 1)")
        file.execute(
            "INSERT INTO conversations (id, user_id, title, device_id, created_at, updated_at) "
            "VALUES ('c1', 'owner', 'old', 'tablet', 5, 9)"
        )
        file.execute(
            "INSERT INTO messages (id, user_id, conversation_id, role, content, status, created_at, device_id) "
            "VALUES ('m1', 'owner', 'c1', 'user', 'Hello?', 'complete', 6, 'phone-1234-5678')"
        )
        file.execute("INSERT INTO idempotency_keys VALUES ('owner', 'k', 'hash', 'm1', 1)")
        file.executemany(
            "INSERT INTO usage_logs (id, user_id, device_id, model, tokens_input, cost, cost_status, timestamp, "
            "source, provider, connection, target, operation_name, status) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'web', 'openai', 'openai', 't', 'chat', 'complete')",
            OLD_CALLS,
        )


async def test_a_file_of_the_first_version_keeps_every_call_and_every_sum(path: Path) -> None:
    path.parent.mkdir()
    make_0001(path)
    database = await open_database(path)
    async with database.read() as connection:
        mine = await summarise(connection, "owner")
        parts = await summarise(connection, "owner", since=1_767_225_600_000, until=1_767_225_600_001)
        theirs = await summarise(connection, "stranger")
        devices = await list_devices(connection, "owner", None)
    await database.close()
    assert (mine.totals.requests, mine.totals.cost_nanousd, mine.totals.tokens_input) == (4, 23, 14)
    assert (mine.totals.exact, mine.totals.estimated, mine.totals.unpriced) == (2, 1, 1)
    assert (parts.totals.requests, parts.totals.cost_nanousd) == (1, 7)
    assert theirs.totals.cost_nanousd == 1000
    assert [(each.id, each.name, each.created_at, each.last_seen_at) for each in devices] == [
        ("desk", "Device desk", 1_767_229_200_000, 1_767_229_200_000),
        ("phone-1234-5678", "Device phone-12", 6, 1_767_225_600_000),
        ("tablet", "Device tablet", 5, 5),
    ]
    with closing(sqlite3.connect(path)) as found:
        assert found.execute("SELECT message_id FROM idempotency_keys").fetchall() == [("m1",)]
        assert found.execute("SELECT id, cost FROM usage_logs ORDER BY id").fetchall() == [
            (id, cost) for id, _, _, _, _, cost, _, _ in OLD_CALLS
        ]
        rollups = found.execute("SELECT level, sum(requests), sum(cost) FROM usage_rollups GROUP BY level").fetchall()
        assert rollups == [("day", 5, 1023), ("hour", 5, 1023), ("month", 5, 1023)]
        assert found.execute("SELECT time_zone FROM usage_calendar").fetchall() == [(local_zone_name(),)]
    assert path.with_name(f"router.db.before-{HEAD}").exists()


OPENS = """
import asyncio, sys
from pathlib import Path
from llm_router.store.database import open_database
asyncio.run(open_database(Path(sys.argv[1])))
"""


def days_and_months(path: Path, zone: str) -> list[tuple[str, str, int]]:
    """What they are in the file when a server in `zone` has opened it, the starts as that zone writes them."""
    subprocess.run([sys.executable, "-c", OPENS, path], env={"TZ": zone}, check=True)
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT level, start, sum(requests) FROM usage_rollups WHERE level <> 'hour' AND user_id = 'owner' "
            "GROUP BY level, start ORDER BY level, start"
        ).fetchall()
        assert connection.execute("SELECT time_zone FROM usage_calendar").fetchall() == [(zone,)]
    return [
        (level, datetime.fromtimestamp(start / 1000, ZoneInfo(zone)).isoformat(), calls) for level, start, calls in rows
    ]


def test_another_time_zone_counts_other_days_and_months(path: Path) -> None:
    path.parent.mkdir()
    make_0001(path)
    utc = days_and_months(path, "UTC")
    assert utc == [
        ("day", "2025-12-31T00:00:00+00:00", 1),
        ("day", "2026-01-01T00:00:00+00:00", 3),
        ("month", "2025-12-01T00:00:00+00:00", 1),
        ("month", "2026-01-01T00:00:00+00:00", 3),
    ]
    assert days_and_months(path, "Europe/Berlin") == [
        ("day", "2026-01-01T00:00:00+01:00", 4),
        ("month", "2026-01-01T00:00:00+01:00", 4),
    ]
    assert days_and_months(path, "America/New_York") == [
        ("day", "2025-12-31T00:00:00-05:00", 4),
        ("month", "2025-12-01T00:00:00-05:00", 4),
    ]
    assert days_and_months(path, "UTC") == utc


@pytest.mark.parametrize(
    ("zone", "is_known"),
    [
        ("Europe/Berlin", True),
        (":Europe/Berlin", True),
        ("UTC", True),
        ("", True),
        ("CET-1CEST,M3.5.0,M10.5.0/3", True),
        ("<+0330>-3:30", True),
        ("Etc/GMT+5", True),
        ("/usr/share/zoneinfo/Europe/Berlin", True),
        ("Europe/Berln", False),
        ("Berlin", False),
        ("/nowhere", False),
    ],
)
def test_a_time_zone_that_does_not_exist_is_warned_of(path: Path, zone: str, is_known: bool) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", OPENS, path], env={"TZ": zone}, check=True, capture_output=True, text=True
    )
    assert ("days and months are those of UTC" in ran.stderr) is not is_known
    assert is_known or zone in ran.stderr


def test_the_same_time_zone_is_counted_once(path: Path) -> None:
    """What a second start finds it takes as it is."""
    path.parent.mkdir()
    make_0001(path)
    upgrade_schema(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE usage_rollups SET requests = 77")
    upgrade_schema(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT DISTINCT requests FROM usage_rollups").fetchall() == [(77,)]


def test_sums_that_were_not_counted_to_the_end_are_counted_at_the_next_start(path: Path) -> None:
    """Killed between the new tables and the sums."""
    path.parent.mkdir()
    make_0001(path)
    migrate(path)
    upgrade_schema(path)
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT level, sum(requests) FROM usage_rollups GROUP BY level").fetchall()
    assert rows == [("day", 5), ("hour", 5), ("month", 5)]


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
