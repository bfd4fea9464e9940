"""The ledger: one row for each upstream call, and what they add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from llm_router.domain.attempts import Attempt
from llm_router.domain.conversations import shown_dollars
from llm_router.domain.usage import Source
from llm_router.store.messages import json_column
from llm_router.store.tables import usage_logs

OperationName = Literal["chat", "image_generation"]


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


@dataclass(frozen=True, slots=True)
class UsageTotals:
    requests: int
    failed: int
    unpriced: int
    estimated: int
    tokens_input: int
    tokens_output: int
    tokens_cache_read: int
    tokens_cache_write: int
    tokens_reasoning: int
    cost_nanousd: int | None
    """None where there were calls and no price was known for any of them."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "failed": self.failed,
            "unpriced": self.unpriced,
            "estimated": self.estimated,
            "tokens_input": self.tokens_input,
            "tokens_output": self.tokens_output,
            "tokens_cache_read": self.tokens_cache_read,
            "tokens_cache_write": self.tokens_cache_write,
            "tokens_reasoning": self.tokens_reasoning,
            "cost": shown_dollars(self.cost_nanousd),
        }


@dataclass(frozen=True, slots=True)
class UsageSummary:
    totals: UsageTotals
    by_model: tuple[tuple[str, str, UsageTotals], ...]
    """`(model, provider, totals)`, the dearest first."""


async def insert_attempts(connection: AsyncConnection, origin: Origin, attempts: Sequence[Attempt]) -> None:
    if not attempts:
        return
    await connection.execute(
        usage_logs.insert(),
        [
            {
                "id": attempt.id,
                "user_id": origin.user_id,
                "conversation_id": origin.conversation_id,
                "message_id": origin.message_id,
                "device_id": origin.device_id,
                "source": origin.source,
                "model": origin.model,
                "provider": attempt.target.provider,
                "connection": attempt.target.connection,
                "target": attempt.target.id,
                "response_model": attempt.response_model,
                "operation_name": origin.operation_name,
                "status": attempt.status,
                "error_type": attempt.error_type,
                **attempt.usage.as_dict(),
                "cost": attempt.cost.nanousd,
                "cost_status": attempt.cost.status,
                "price_version": attempt.cost.price_version,
                "raw_usage": json_column(attempt.usage.raw),
                "time_to_first_chunk": attempt.time_to_first_chunk,
                "duration": attempt.duration,
                "timestamp": attempt.started_at,
            }
            for attempt in attempts
        ],
    )


async def summarise(
    connection: AsyncConnection, user_id: str, device_id: str | None = None, since: int | None = None
) -> UsageSummary:
    """All calls of the owner, or those of one device, or those begun at or after `since` (milliseconds since 1970)."""
    scope: list[ColumnElement[bool]] = [usage_logs.c.user_id == user_id]
    if device_id is not None:
        scope.append(usage_logs.c.device_id == device_id)
    if since is not None:
        scope.append(usage_logs.c.timestamp >= since)
    totals = (await connection.execute(select(*_sums()).where(*scope))).one()
    by_model = await connection.execute(
        select(usage_logs.c.model, usage_logs.c.provider, *_sums())
        .where(*scope)
        .group_by(usage_logs.c.model, usage_logs.c.provider)
        .order_by(func.coalesce(func.sum(usage_logs.c.cost), 0).desc(), func.count().desc(), usage_logs.c.model)
    )
    return UsageSummary(_totals(totals), tuple((row.model, row.provider, _totals(row)) for row in by_model))


def _sums() -> list[ColumnElement[Any]]:
    def count_where(condition: ColumnElement[bool]) -> ColumnElement[Any]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    def total(name: str) -> ColumnElement[Any]:
        return func.coalesce(func.sum(usage_logs.c[name]), 0).label(name)

    return [
        func.count().label("requests"),
        count_where(usage_logs.c.status == "error").label("failed"),
        count_where(usage_logs.c.cost_status == "unpriced").label("unpriced"),
        count_where(usage_logs.c.cost_status == "estimated").label("estimated"),
        *(
            total(name)
            for name in (
                "tokens_input",
                "tokens_output",
                "tokens_cache_read",
                "tokens_cache_write",
                "tokens_reasoning",
            )
        ),
        func.sum(usage_logs.c.cost).label("cost"),
    ]


def _totals(row: Row[Any]) -> UsageTotals:
    return UsageTotals(
        requests=row.requests,
        failed=row.failed,
        unpriced=row.unpriced,
        estimated=row.estimated,
        tokens_input=row.tokens_input,
        tokens_output=row.tokens_output,
        tokens_cache_read=row.tokens_cache_read,
        tokens_cache_write=row.tokens_cache_write,
        tokens_reasoning=row.tokens_reasoning,
        cost_nanousd=0 if row.requests == 0 else row.cost,
    )
