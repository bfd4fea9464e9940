"""Looks into the SQLite file beside the running server, as a curious owner would with a shell."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.journeys.server import PATIENCE_SECONDS

TABLES = ("users", "conversations", "messages", "message_chunks", "usage_logs", "idempotency_keys", "images")

Row = dict[str, Any]


class Rows:
    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self, query: str, *values: Any) -> list[Row]:
        with closing(self.connect()) as connection:
            return [dict(row) for row in connection.execute(query, values)]

    def one(self, query: str, *values: Any) -> Row:
        (row,) = self.all(query, *values)
        return row

    def message(self, message_id: str) -> Row:
        return self.one("SELECT * FROM messages WHERE id = ?", message_id)

    def usage(self, message_id: str) -> list[Row]:
        """The calls that were made for a message, oldest first."""
        return self.all("SELECT * FROM usage_logs WHERE message_id = ? ORDER BY id", message_id)

    def chunks(self, message_id: str) -> list[Row]:
        return self.all("SELECT * FROM message_chunks WHERE message_id = ? ORDER BY seq", message_id)

    def counts(self) -> dict[str, int]:
        return {table: self.one(f"SELECT count(*) AS n FROM {table}")["n"] for table in TABLES}

    def execute(self, *statements: tuple[str, tuple[Any, ...]]) -> None:
        with closing(self.connect()) as connection, connection:
            for statement, values in statements:
                connection.execute(statement, values)

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=10)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    async def until(self, is_true: Callable[[], bool], what: str) -> None:
        """SQLite tells nobody what was written, so it is asked again and again."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not is_true():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise TimeoutError(f"waited in vain for {what}") from None
