"""The ledger call by call, newest first, as its owner reads it.

The rollups serve as the index for what is asked by model, device, status and so on, in any combination: they say in
which hours such calls are. So the rarest one is found without an index of its own for each column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import ColumnElement, FromClause, Table, and_, func, select, tuple_

from llm_router.domain.calendar import PERIODS
from llm_router.domain.conversations import shown_dollars, shown_time
from llm_router.domain.usage import COUNTS, dollars
from llm_router.store.cursors import cursor_at, place_of
from llm_router.store.devices import device_names
from llm_router.store.lists import is_one_of
from llm_router.store.rollups import calendar_of
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import usage_logs, usage_rollups

FIELDS = (
    "id",
    "timestamp",
    "model",
    "provider",
    "connection",
    "target",
    "response_model",
    "device_id",
    "device_name",
    "source",
    "conversation_id",
    "message_id",
    "operation_name",
    "status",
    "error_type",
    "cost",
    "cost_status",
    "price_version",
    "service_tier",
    "budget_override",
    *COUNTS,
    "time_to_first_chunk",
    "duration",
    "raw_usage",
)
"""Of a call as it is shown, in this order."""

_COLUMNS = [usage_logs.c[name] for name in FIELDS if name != "device_name"]
_END_OF_TIME = 2**62

Span = tuple[int, int]
"""From the first millisecond up to the second, which is not in it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls are asked for."""

    since: int | None = None
    until: int | None = None
    """Begun before it: milliseconds since 1970, as `since`."""
    conversation_id: str | None = None
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By name of one of `rollups.DIMENSIONS`: the values that fit."""


@dataclass(frozen=True, slots=True)
class LoggedCall:
    columns: Mapping[str, Any]
    """As they are in the ledger."""
    device_name: str | None

    def as_dict(self) -> dict[str, Any]:
        shown: dict[str, Any] = {name: self.columns.get(name) for name in FIELDS}
        shown["timestamp"] = shown_time(shown["timestamp"])
        shown["device_name"] = self.device_name
        shown["cost"] = shown_dollars(shown["cost"])
        shown["budget_override"] = bool(shown["budget_override"])
        shown["raw_usage"] = orjson.loads(shown["raw_usage"]) if shown["raw_usage"] else None
        return shown

    def as_row(self) -> list[Any]:
        """The same for a table: amounts as decimals, what the provider sent as the text it is."""
        shown = self.as_dict() | {"cost": dollars(self.columns["cost"]), "raw_usage": self.columns["raw_usage"]}
        return [shown[name] for name in FIELDS]


@dataclass(frozen=True, slots=True)
class LogPage:
    calls: list[LoggedCall]
    next_cursor: str | None


async def list_calls(
    connection: AsyncConnection,
    user_id: str,
    wanted: Wanted,
    *,
    limit: int,
    cursor: str | None = None,
) -> LogPage:
    """Raises InvalidRequest for a cursor that is none."""
    conditions = [is_one_of(usage_logs.c[name], values) for name, values in wanted.only.items()]
    window = (wanted.since or 0, _END_OF_TIME if wanted.until is None else wanted.until)
    if cursor is not None:
        moment, row_id = place_of(cursor)
        window = (window[0], min(window[1], moment + 1))
        conditions.append(tuple_(usage_logs.c.timestamp, usage_logs.c.id) < tuple_(moment, row_id))
    query = select(*_COLUMNS)
    mine: ColumnElement[str] = usage_logs.c.user_id
    if wanted.only and wanted.conversation_id is None:
        spans = await _hours_with(connection, user_id, wanted.only, window, limit + 1)
        conditions.append(mine == user_id)
        query = query.select_from(_within(spans, usage_logs, usage_logs.c.timestamp, conditions))
    else:
        if wanted.conversation_id is not None:
            # A conversation has few calls: its index is the one to take. Behind an expression no other is in its way.
            mine = mine.concat("")
            conditions.append(usage_logs.c.conversation_id == wanted.conversation_id)
        conditions += [mine == user_id, usage_logs.c.timestamp >= window[0], usage_logs.c.timestamp < window[1]]
        query = query.where(*conditions)
    query = query.order_by(usage_logs.c.timestamp.desc(), usage_logs.c.id.desc()).limit(limit + 1)
    rows = [row._asdict() for row in await connection.execute(query) if row.id is not None]
    names = await device_names(connection, user_id, {row["device_id"] for row in rows[:limit] if row["device_id"]})
    calls = [LoggedCall(row, names.get(row["device_id"] or "")) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return LogPage(calls, cursor_at(last["timestamp"], last["id"]) if last else None)


async def _hours_with(
    connection: AsyncConnection, user_id: str, only: Mapping[str, Sequence[str]], window: Span, enough: int
) -> list[Span]:
    """The latest hours of the window in which there are `enough` such calls, or all that there are; latest first."""
    calendar = await calendar_of(connection)
    conditions = [usage_rollups.c.user_id == user_id]
    conditions += [is_one_of(usage_rollups.c[name], values) for name, values in only.items()]
    spans = [window]
    for level in reversed(PERIODS):
        searched = [(calendar.start(level, low), high) for low, high in spans]
        here = [usage_rollups.c.level == level, *conditions]
        query = (
            select(usage_rollups.c.start, func.sum(usage_rollups.c.requests))
            .select_from(_within(searched, usage_rollups, usage_rollups.c.start, here))
            .group_by(usage_rollups.c.start)
            .order_by(usage_rollups.c.start.desc())
            .limit(enough + 2)  # the first and the last may lie half outside of the window, and count for nothing
        )
        spans, sure = [], 0
        for start, requests in await connection.execute(query):
            if start is None or sure >= enough:
                break
            first, end = calendar.span(level, start)
            if first >= window[0] and end <= window[1]:
                sure += requests
            low, high = max(first, window[0]), min(end, window[1])
            if spans and spans[-1][0] == high:
                spans[-1] = (low, spans[-1][1])
            else:
                spans.append((low, high))
    return spans


def _within(
    spans: Sequence[Span], table: Table, moment: ColumnElement[int], conditions: Sequence[ColumnElement[bool]]
) -> FromClause:
    """The rows of some spans, each looked up by the index. Outer, since SQLite keeps to the order of an outer join."""
    span = func.json_each(orjson.dumps(spans).decode()).table_valued("value", name="span")
    low, high = (func.json_extract(span.c.value, path) for path in ("$[0]", "$[1]"))
    return span.outerjoin(table, and_(moment >= low, moment < high, *conditions))
