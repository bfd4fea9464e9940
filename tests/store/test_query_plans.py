"""What is asked often is answered by an index: SQLite's own plan for the very statements that are sent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from llm_router.domain.budgets import Budget
from llm_router.domain.usage import Cost, Usage
from llm_router.store.budgets import standings
from llm_router.store.conversations import get_conversation, list_conversations
from llm_router.store.database import Database
from llm_router.store.devices import device_names, find_devices, list_devices
from llm_router.store.generations import find_idempotent, get_event_record, list_unfinished
from llm_router.store.images import StoredImage, get_image, images_of_conversation, insert_image, list_images
from llm_router.store.ledger import calls_of_messages
from llm_router.store.messages import get_message, list_messages, path_to
from llm_router.store.paths import words_of
from llm_router.store.rollups import DIMENSIONS
from llm_router.store.spending import series, summarise
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import metadata
from llm_router.store.usage import reprice_rows
from llm_router.store.usage_log import Wanted, list_calls
from tests.store.rows import OWNER, conversation, keep, message

NOW = 1_795_000_000_123

Statement = tuple[str, tuple[Any, ...]]

BUDGET = Budget("b1", "day", "overall", None, limit_nanousd=1, created_at=1)


@pytest.fixture
async def sent() -> AsyncIterator[list[Statement]]:
    """Every statement that goes to SQLite meanwhile."""
    statements: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    yield statements
    event.remove(Engine, "before_cursor_execute", note)


async def plan(database: Database, statement: Statement) -> list[str]:
    async with database.read() as connection:
        source, parameters = statement
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {source}", parameters)
        return [str(step) for *_, step in rows]


QUESTIONS: dict[str, tuple[Callable[[AsyncConnection], Awaitable[Any]], str]] = {
    "list": (
        lambda connection: list_conversations(connection, OWNER, limit=50),
        "ix_conversations_user_id_updated_at_id",
    ),
    "next page": (
        lambda connection: list_conversations(connection, OWNER, limit=50, cursor="NS5jMQ"),
        "ix_conversations_user_id_updated_at_id (user_id=? AND (updated_at,id)<(?,?))",
    ),
    "list of a device": (
        lambda connection: list_conversations(connection, OWNER, limit=50, device_id="d"),
        "ix_conversations_user_id_device_id_updated_at_id",
    ),
    "conversation": (lambda connection: get_conversation(connection, OWNER, "c1"), "ix_messages_unfinished"),
    "tree": (lambda connection: list_messages(connection, OWNER, "c1"), "ix_messages_conversation_id_id"),
    "path": (lambda connection: path_to(connection, OWNER, "m1"), "sqlite_autoindex_messages_1"),
    "message": (lambda connection: get_message(connection, OWNER, "m1"), "sqlite_autoindex_messages_1"),
    "event record": (lambda connection: get_event_record(connection, OWNER, "m1"), "sqlite_autoindex_messages_1"),
    "unfinished": (list_unfinished, "ix_messages_unfinished"),
    "money spent": (
        lambda connection: standings(connection, OWNER, BUDGET, 0, None),
        "usage_rollups USING PRIMARY KEY (user_id=? AND level=? AND start=?)",
    ),
    "money held back": (
        lambda connection: standings(connection, OWNER, BUDGET, 0, None),
        "reservations USING INDEX ix_reservations_user_id (user_id=?)",
    ),
    "list of images": (
        lambda connection: list_images(connection, OWNER, limit=50, cursor="i1"),
        "ix_images_user_id_id (user_id=? AND id<?)",
    ),
    "idempotency": (lambda connection: find_idempotent(connection, OWNER, "k"), "PRIMARY KEY"),
    "usage": (
        lambda connection: summarise(connection, OWNER),
        "usage_facets USING PRIMARY KEY (user_id=? AND level=? AND facet=? AND start>? AND start<?)",
    ),
    "usage of a range": (
        lambda connection: summarise(connection, OWNER, since=1_700_000_000_001, until=1_710_000_000_001),
        "ix_usage_logs_user_id_timestamp_id (user_id=? AND timestamp>? AND timestamp<?)",
    ),
    "usage of a device": (
        lambda connection: summarise(connection, OWNER, ["phone"], since=1_700_000_000_001),
        "usage_facets USING PRIMARY KEY (user_id=? AND level=? AND facet=? AND start>? AND start<?)",
    ),
    "series": (
        lambda connection: series(connection, OWNER, "day", "model", now=NOW, since=NOW - 3 * 86_400_001),
        "usage_facets USING PRIMARY KEY (user_id=? AND level=? AND facet=? AND start>? AND start<?)",
    ),
    "series by the hour": (
        lambda connection: series(connection, OWNER, "hour", "source", now=NOW, since=NOW - 86_400_001),
        "usage_rollups USING PRIMARY KEY (user_id=? AND level=? AND start>? AND start<?)",
    ),
    "list of calls": (
        lambda connection: list_calls(connection, OWNER, Wanted(), limit=50, cursor="NS5jMQ"),
        "ix_usage_logs_user_id_timestamp_id (user_id=? AND timestamp>? AND (timestamp,id)<(?,?))",
    ),
    "list of calls of a time": (
        lambda connection: list_calls(connection, OWNER, Wanted(1, 2), limit=50),
        "ix_usage_logs_user_id_timestamp_id (user_id=? AND timestamp>? AND timestamp<?)",
    ),
    "calls by their ids": (
        lambda connection: reprice_rows(connection, OWNER, [("u1", Usage(), Cost(None, "unpriced"))]),
        "usage_logs USING INDEX sqlite_autoindex_usage_logs_1 (id=?)",
    ),
    "calls of messages": (
        lambda connection: calls_of_messages(connection, OWNER, ["m1", "m2"]),
        "ix_usage_logs_message_id (message_id=?)",
    ),
    "words of messages": (
        lambda connection: words_of(connection, OWNER, ["m1", "m2"]),
        "messages USING INDEX sqlite_autoindex_messages_1 (id=?)",
    ),
    "names of devices": (
        lambda connection: device_names(connection, OWNER, ["d"]),
        "devices USING PRIMARY KEY (user_id=? AND id=?)",
    ),
    "calls of a conversation": (
        lambda connection: list_calls(connection, OWNER, Wanted(conversation_id="c1"), limit=50),
        "ix_usage_logs_conversation_id (conversation_id=?)",
    ),
    **{
        f"calls of a {name} by {table}": (
            lambda connection, name=name: list_calls(connection, OWNER, Wanted(only={name: ["x"]}), limit=50),  # type: ignore[misc]
            index,
        )
        for name in DIMENSIONS
        for table, index in (
            ("hour", "usage_rollups USING PRIMARY KEY (user_id=? AND level=? AND start>? AND start<?)"),
            ("moment", "ix_usage_logs_user_id_timestamp_id (user_id=? AND timestamp>? AND timestamp<?)"),
        )
    },
    "devices": (lambda connection: list_devices(connection, OWNER, "d"), "devices USING PRIMARY KEY (user_id=?)"),
    "a device by name": (lambda connection: find_devices(connection, OWNER, "d"), "PRIMARY KEY (user_id=?)"),
    "images": (lambda connection: images_of_conversation(connection, OWNER, "c1"), "ix_images_"),
    "image": (lambda connection: get_image(connection, OWNER, "i1"), "sqlite_autoindex_images_1"),
}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_no_table_is_read_from_end_to_end(name: str, database: Database, sent: list[Statement]) -> None:
    ask, index = QUESTIONS[name]
    await keep(database, conversation(), messages=[message("m1", status="pending", role="assistant")])
    async with database.write() as connection:
        await insert_image(connection, OWNER, StoredImage("i1", "m1", "i1.png", "image/png", "gpt-image", "a cat", 1))
    sent.clear()
    async with database.read() as connection:
        await ask(connection)
    steps = [step for each in sent if each[0].startswith(("SELECT", "WITH")) for step in await plan(database, each)]
    assert any(index in step for step in steps), steps
    for step in steps:
        # The index of the few unfinished among very many messages may be read whole.
        words = step.split()
        assert words[0] != "SCAN" or words[1] not in metadata.tables or "ix_messages_unfinished" in words, steps
    if name.startswith(("list", "next", "tree", "unfinished")):
        assert not any("TEMP B-TREE" in step for step in steps), steps
