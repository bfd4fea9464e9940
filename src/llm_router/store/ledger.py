"""The ledger call by call, for those who work with what the provider itself said of each: estimates, new prices, the
provider's own bill. What it all adds up to is `store/spending.py`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, or_, select, tuple_

from llm_router.domain.attempts import AttemptStatus
from llm_router.domain.chat import ProviderName, Target
from llm_router.domain.usage import COUNTS, Cost, Usage
from llm_router.store.lists import is_one_of
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import usage_logs
from llm_router.store.usage import OperationName

_COLUMNS = tuple(
    usage_logs.c[name]
    for name in (
        "id",
        "timestamp",
        "duration",
        "message_id",
        "model",
        "provider",
        "connection",
        "target",
        "response_model",
        "operation_name",
        "status",
        *COUNTS,
        "service_tier",
        "dialect",
        "raw_usage",
        "cost",
        "cost_status",
        "price_version",
    )
)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One call as it was recorded."""

    id: str
    timestamp: int
    """When it began: milliseconds since 1970."""
    duration: float | None
    message_id: str | None
    model: str
    """The catalog id that was asked for."""
    target: Target
    response_model: str | None
    operation_name: OperationName
    status: AttemptStatus
    usage: Usage
    cost: Cost

    @property
    def ended_at(self) -> int:
        return self.timestamp + int((self.duration or 0) * 1000)

    @property
    def answered_by(self) -> str:
        """The model that answered, as the provider calls it; the one that was asked where it never said."""
        return self.response_model or self.target.model


async def reported_calls(connection: AsyncConnection, user_id: str, message_ids: Sequence[str]) -> dict[str, LedgerRow]:
    """By message: the finished chat call that made it, where the provider reported what it took."""
    made = await calls_of_messages(connection, user_id, message_ids)
    return {
        message_id: call
        for message_id, calls in made.items()
        for call in calls
        # Without a dialect what the provider sent is not the whole of it: the rest was counted here.
        if call.status == "complete" and call.operation_name == "chat" and call.usage.dialect is not None
    }


async def recent_outputs(connection: AsyncConnection, user_id: str, *, limit: int) -> list[tuple[str, str, int]]:
    """`(conversation id, model, tokens_output)` of the finished chats among the owner's last `limit` calls.

    The latest first. A call whose conversation was deleted has an empty id for it.
    """
    latest = (
        select(
            usage_logs.c.conversation_id,
            usage_logs.c.model,
            usage_logs.c.tokens_output,
            usage_logs.c.status,
            usage_logs.c.operation_name,
            usage_logs.c.timestamp,
            usage_logs.c.id,
        )
        .where(usage_logs.c.user_id == user_id)
        .order_by(usage_logs.c.timestamp.desc(), usage_logs.c.id.desc())
        .limit(limit)
        .subquery()
    )
    query = (
        select(latest.c.conversation_id, latest.c.model, latest.c.tokens_output)
        .where(latest.c.status == "complete", latest.c.operation_name == "chat", latest.c.tokens_output > 0)
        .order_by(latest.c.timestamp.desc(), latest.c.id.desc())
    )
    rows = await connection.execute(query)
    return [(row.conversation_id or "", row.model, row.tokens_output) for row in rows]


async def ledger_page(
    connection: AsyncConnection,
    user_id: str,
    *,
    limit: int,
    since: int | None = None,
    until: int | None = None,
    model: str | None = None,
    providers: Sequence[ProviderName] = (),
    connection_name: str | None = None,
    after: tuple[int, str] | None = None,
) -> list[LedgerRow]:
    """Calls begun in [since, until), the oldest first; `after` is the `(timestamp, id)` of the last one seen.

    `model` is the name that was asked for, its target's or the one that answered.
    """
    conditions: list[ColumnElement[bool]] = [usage_logs.c.user_id == user_id]
    if since is not None:
        conditions.append(usage_logs.c.timestamp >= since)
    if until is not None:
        conditions.append(usage_logs.c.timestamp < until)
    if model is not None:
        conditions.append(
            or_(usage_logs.c.model == model, usage_logs.c.target == model, usage_logs.c.response_model == model)
        )
    if providers:
        conditions.append(usage_logs.c.provider.in_(providers))
    if connection_name is not None:
        conditions.append(usage_logs.c.connection == connection_name)
    if after is not None:
        conditions.append(tuple_(usage_logs.c.timestamp, usage_logs.c.id) > tuple_(*after))
    query: Select[Any] = (
        select(*_COLUMNS).where(*conditions).order_by(usage_logs.c.timestamp, usage_logs.c.id).limit(limit)
    )
    return [_row_from(row) for row in await connection.execute(query)]


async def calls_of_messages(
    connection: AsyncConnection, user_id: str, message_ids: Sequence[str]
) -> dict[str, list[LedgerRow]]:
    """By message: every call that was made for it, in the order they were made."""
    # Behind an expression the owner's index, which leads to all of his calls, is not in the way of the messages'.
    mine = usage_logs.c.user_id.concat("") == user_id
    theirs = is_one_of(usage_logs.c.message_id, message_ids)
    query = select(*_COLUMNS).where(mine, theirs).order_by(usage_logs.c.timestamp, usage_logs.c.id)
    found: dict[str, list[LedgerRow]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.message_id, []).append(_row_from(row))
    return found


def _row_from(row: Any) -> LedgerRow:
    usage = Usage(
        **{name: getattr(row, name) for name in COUNTS},
        service_tier=row.service_tier,
        dialect=row.dialect,
        raw=orjson.loads(row.raw_usage) if row.raw_usage else None,
    )
    return LedgerRow(
        id=row.id,
        timestamp=row.timestamp,
        duration=row.duration,
        message_id=row.message_id,
        model=row.model,
        target=Target(row.connection, row.provider, row.target.removeprefix(f"{row.connection}/")),
        response_model=row.response_model,
        operation_name=row.operation_name,
        status=row.status,
        usage=usage,
        cost=Cost(row.cost, row.cost_status, row.price_version),
    )
