"""Writing the ledger: one row for each upstream call, and with it what the rows add up to (`store/rollups.py`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select

from llm_router.domain.attempts import Attempt
from llm_router.domain.usage import Cost, Source, Usage
from llm_router.store.lists import is_one_of
from llm_router.store.messages import json_column
from llm_router.store.rollups import change_rollups
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import usage_logs

OperationName = Literal["chat", "image_generation"]

MAX_RAW_CHARACTERS = 64 * 1024
"""Of a provider's own usage object as JSON. Those that are known have some hundred; a longer one is not kept."""

MAX_TIER_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Origin:
    """On whose behalf calls were made, and from where."""

    user_id: str
    device_id: str | None
    source: Source
    conversation_id: str | None
    message_id: str | None
    model: str
    """The catalog id that was asked for."""
    operation_name: OperationName = "chat"
    budget_override: bool = False
    """Whether the owner let it pass a budget that was spent."""


async def insert_attempts(connection: AsyncConnection, origin: Origin, attempts: Sequence[Attempt]) -> None:
    if not attempts:
        return
    rows = [_origin_columns(origin) | _attempt_columns(attempt) for attempt in attempts]
    await connection.execute(usage_logs.insert(), rows)
    await change_rollups(connection, origin.user_id, added=rows)


async def settle_attempt(connection: AsyncConnection, origin: Origin, attempt: Attempt) -> None:
    """Puts the final word in place of what was recorded of the same attempt before; where nothing was, records it.

    Whose call it was stays as recorded: what it was for may have been deleted since.
    """
    (known,) = await _rows(connection, origin.user_id, [attempt.id]) or (None,)
    if known is None:
        await insert_attempts(connection, origin, [attempt])
        return
    await _replace(connection, origin.user_id, [(known, _attempt_columns(attempt))])


async def reprice_rows(connection: AsyncConnection, user_id: str, changes: Sequence[tuple[str, Usage, Cost]]) -> None:
    """Sets the counts and the cost of rows, by their ids; ids that are not there are passed over.

    What the provider sent stays as it was recorded, and so do the messages' own costs.
    """
    wanted = {log_id: _count_columns(usage) | _cost_columns(cost) for log_id, usage, cost in changes}
    known = await _rows(connection, user_id, list(wanted))
    await _replace(connection, user_id, [(row, wanted[row["id"]]) for row in known])


async def _rows(connection: AsyncConnection, user_id: str, ids: Sequence[str]) -> list[Mapping[str, Any]]:
    # Behind an expression the owner's index, which leads to all of his calls, is not in the way of the ids.
    mine = usage_logs.c.user_id.concat("") == user_id
    query = select(usage_logs).where(mine, is_one_of(usage_logs.c.id, ids))
    return [row._asdict() for row in await connection.execute(query)]


async def _replace(
    connection: AsyncConnection, user_id: str, changes: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> None:
    for row, columns in changes:
        await connection.execute(
            usage_logs.update().where(usage_logs.c.user_id == user_id, usage_logs.c.id == row["id"]).values(**columns)
        )
    await change_rollups(
        connection,
        user_id,
        removed=[row for row, _ in changes],
        added=[{**row, **columns} for row, columns in changes],
    )


def _origin_columns(origin: Origin) -> dict[str, Any]:
    return {
        "user_id": origin.user_id,
        "conversation_id": origin.conversation_id,
        "message_id": origin.message_id,
        "device_id": origin.device_id,
        "source": origin.source,
        "model": origin.model,
        "operation_name": origin.operation_name,
        "budget_override": 1 if origin.budget_override else None,
    }


def _attempt_columns(attempt: Attempt) -> dict[str, Any]:
    raw = json_column(attempt.usage.raw)
    is_kept = raw is None or len(raw) <= MAX_RAW_CHARACTERS
    return {
        "id": attempt.id,
        "provider": attempt.target.provider,
        "connection": attempt.target.connection,
        "target": attempt.target.id,
        "response_model": attempt.response_model,
        "status": attempt.status,
        "error_type": attempt.error_type,
        **_count_columns(attempt.usage),
        "dialect": attempt.usage.dialect if is_kept else None,
        "raw_usage": raw if is_kept else None,
        **_cost_columns(attempt.cost),
        "time_to_first_chunk": attempt.time_to_first_chunk,
        "duration": attempt.duration,
        "timestamp": attempt.started_at,
    }


def _count_columns(usage: Usage) -> dict[str, Any]:
    tier = usage.service_tier
    return {**usage.counts(), "service_tier": tier and tier[:MAX_TIER_CHARACTERS]}


def _cost_columns(cost: Cost) -> dict[str, Any]:
    return {"cost": cost.nanousd, "cost_status": cost.status, "price_version": cost.price_version}
