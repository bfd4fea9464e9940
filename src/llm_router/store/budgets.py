"""Budgets, how they stand, and the money that running answers may still cost.

What was spent is read from the ledger's sums and from nothing else, so that a budget is asked in a moment at any size.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, select

from llm_router.domain.budgets import Budget, Standing
from llm_router.domain.errors import NotFound
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import budgets, messages, reservations, usage_logs, usage_rollups
from llm_router.store.usage import Origin


@dataclass(frozen=True, slots=True)
class Reservation:
    """An answer that is being paid for, and the most it may cost; `nanousd` is None where no price is known."""

    origin: Origin
    nanousd: int | None
    created_at: int
    """Milliseconds since 1970."""


async def insert_budget(connection: AsyncConnection, user_id: str, budget: Budget) -> None:
    await connection.execute(
        budgets.insert().values(
            id=budget.id,
            user_id=user_id,
            period=budget.period,
            scope=budget.scope,
            subject=budget.subject,
            amount=budget.limit_nanousd,
            created_at=budget.created_at,
        )
    )


async def list_budgets(connection: AsyncConnection, user_id: str) -> list[Budget]:
    """The oldest first."""
    rows = await connection.execute(select(budgets).where(budgets.c.user_id == user_id).order_by(budgets.c.id))
    return [
        Budget(row.id, row.period, row.scope, row.subject, limit_nanousd=row.amount, created_at=row.created_at)
        for row in rows
    ]


async def delete_budget(connection: AsyncConnection, user_id: str, budget_id: str) -> None:
    """Raises NotFound."""
    done = await connection.execute(budgets.delete().where(budgets.c.user_id == user_id, budgets.c.id == budget_id))
    if done.rowcount == 0:
        raise NotFound("There is no such budget.")


async def standings(
    connection: AsyncConnection, user_id: str, budget: Budget, start: int, subject: str | None
) -> list[Standing]:
    """How `budget` stands in the period that began at `start`: for `subject`, or for each there is where that is None.

    A subject that nothing was spent or reserved for is not among them; a budget for all has exactly one.
    """
    spent = await connection.execute(
        select(
            _subject(budget, usage_rollups.c).label("subject"),
            func.coalesce(func.sum(usage_rollups.c.cost), 0).label("cost"),
            func.coalesce(
                func.sum(case((usage_rollups.c.cost_status == "unpriced", usage_rollups.c.requests), else_=0)), 0
            ).label("unpriced"),
        )
        .where(
            usage_rollups.c.user_id == user_id,
            usage_rollups.c.level == budget.period,
            usage_rollups.c.start == start,
            *_only(budget, usage_rollups.c, subject),
        )
        .group_by("subject")
    )
    reserved = await connection.execute(
        select(
            _subject(budget, reservations.c).label("subject"),
            func.coalesce(func.sum(reservations.c.amount), 0).label("amount"),
            # Money that is known to be nothing, or not known at all, keeps no other answer waiting.
            func.count(func.nullif(reservations.c.amount, 0)).label("in_flight"),
        )
        .where(reservations.c.user_id == user_id, *_only(budget, reservations.c, subject))
        .group_by("subject")
    )
    spent_by = {row.subject: row for row in spent}
    reserved_by = {row.subject: row for row in reserved}
    subjects = [None] if budget.scope == "overall" else sorted({*spent_by, *reserved_by})
    found: list[Standing] = []
    for each in subjects:
        money, held = spent_by.get(each), reserved_by.get(each)
        found.append(
            Standing(
                each,
                spent_nanousd=money.cost if money else 0,
                unpriced=money.unpriced if money else 0,
                reserved_nanousd=held.amount if held else 0,
                in_flight=held.in_flight if held else 0,
            )
        )
    return found


async def insert_reservation(connection: AsyncConnection, reservation: Reservation) -> None:
    origin = reservation.origin
    await connection.execute(
        reservations.insert().values(
            message_id=origin.message_id,
            user_id=origin.user_id,
            device_id=origin.device_id,
            source=origin.source,
            model=origin.model,
            operation_name=origin.operation_name,
            amount=reservation.nanousd,
            budget_override=int(origin.budget_override),
            created_at=reservation.created_at,
        )
    )


async def get_reservation(connection: AsyncConnection, user_id: str, message_id: str) -> Reservation | None:
    row = (
        await connection.execute(
            select(reservations).where(reservations.c.user_id == user_id, reservations.c.message_id == message_id)
        )
    ).one_or_none()
    return None if row is None else _reservation_from(row)


async def hold_for_last_word(
    connection: AsyncConnection, user_id: str, message_id: str, *, call_id: str, billed_nanousd: int
) -> None:
    """So much of it is in the ledger now; what is left may still come, with the provider's last word on a call.

    From here on it goes by the id of that call, which stays when the message is deleted.
    """
    left = func.max(reservations.c.amount - billed_nanousd, 0)
    await connection.execute(
        reservations.update()
        .where(reservations.c.user_id == user_id, reservations.c.message_id == message_id)
        .values(message_id=call_id, amount=left)
    )


async def delete_reservation(connection: AsyncConnection, user_id: str, message_id: str) -> None:
    """Of a message, or of the call whose last word came."""
    await connection.execute(
        reservations.delete().where(reservations.c.user_id == user_id, reservations.c.message_id == message_id)
    )


async def list_reservations(connection: AsyncConnection) -> list[tuple[Reservation, bool]]:
    """Of all users, each with whether its message, or the call in the ledger, is still there: for start-up."""
    rows = await connection.execute(
        select(reservations, func.coalesce(messages.c.id, usage_logs.c.id).label("found"))
        .outerjoin(messages, messages.c.id == reservations.c.message_id)
        .outerjoin(usage_logs, usage_logs.c.id == reservations.c.message_id)
        .order_by(reservations.c.message_id)
    )
    return [(_reservation_from(row), row.found is not None) for row in rows]


def _subject(budget: Budget, columns: Any) -> ColumnElement[Any]:
    match budget.scope:
        case "overall":
            return literal(None)
        case "device":
            return func.coalesce(columns.device_id, "")
        case "model":
            column: ColumnElement[Any] = columns.model
            return column


def _only(budget: Budget, columns: Any, subject: str | None) -> list[ColumnElement[bool]]:
    return [] if subject is None else [_subject(budget, columns) == subject]


def _reservation_from(row: Any) -> Reservation:
    origin = Origin(
        user_id=row.user_id,
        device_id=row.device_id,
        source=row.source,
        conversation_id=None,
        message_id=row.message_id,
        model=row.model,
        operation_name=row.operation_name,
        budget_override=bool(row.budget_override),
    )
    return Reservation(origin, row.amount, row.created_at)
