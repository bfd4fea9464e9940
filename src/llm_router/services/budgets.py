"""Budgets: kept for the owner, and held against every call before it is made.

`admit` runs in the transaction that writes the pending answer down. Writers take turns, so that what one answer
reserves the next one sees, and a hundred at once are counted one after the other.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from llm_router.domain.budgets import Budget, Period, Scope, Standing
from llm_router.domain.calendar import Calendar
from llm_router.domain.clock import Clock
from llm_router.domain.conversations import shown_dollars, shown_time
from llm_router.domain.errors import BudgetExceeded, InvalidRequest, NotFound
from llm_router.domain.ids import new_id
from llm_router.domain.usage import NANO, dollars
from llm_router.store.budgets import (
    Reservation,
    delete_budget,
    insert_budget,
    insert_reservation,
    list_budgets,
    standings,
)
from llm_router.store.database import Database
from llm_router.store.devices import device_names
from llm_router.store.rollups import calendar_of
from llm_router.store.sql import AsyncConnection
from llm_router.store.usage import Origin

_LOG = logging.getLogger(__name__)

MAX_BUDGETS = 100


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """A budget as it stands in the period that runs now."""

    budget: Budget
    standings: tuple[Standing, ...]
    resets_at: int
    """Milliseconds since 1970: when the period ends."""

    def as_dict(self) -> dict[str, Any]:
        """As the API shows it; docs/events.md has the shape."""
        budget = self.budget
        return {
            "id": budget.id,
            "period": budget.period,
            "scope": budget.scope,
            "subject": budget.subject,
            "limit": shown_dollars(budget.limit_nanousd),
            "status": [
                {
                    "subject": standing.subject,
                    "spent": shown_dollars(standing.spent_nanousd),
                    "reserved": shown_dollars(standing.reserved_nanousd),
                    "unpriced": standing.unpriced,
                    "resets_at": shown_time(self.resets_at),
                }
                for standing in self.standings
            ],
        }


class Budgets:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def overview(self, user_id: str) -> list[BudgetStatus]:
        """All there are, the oldest first. One for each device or model shows those it has something to say of."""
        async with self._database.read() as connection:
            found = await list_budgets(connection, user_id)
            return [await self._status(connection, user_id, budget, budget.subject) for budget in found]

    async def create(
        self, user_id: str, period: Period, scope: Scope, subject: str | None, limit_nanousd: int
    ) -> BudgetStatus:
        """`subject` is a device's id or a model's catalog id. Raises InvalidRequest, NotFound."""
        if scope == "overall" and subject is not None:
            raise InvalidRequest("A budget for everything has no subject. Leave it out, or choose device or model.")
        budget = Budget(new_id(), period, scope, subject, limit_nanousd, created_at=self._clock.now_ms())
        async with self._database.write() as connection:
            if scope == "device" and subject and not await device_names(connection, user_id, [subject]):
                raise NotFound("There is no such device. GET /api/devices lists those there are.")
            if len(await list_budgets(connection, user_id)) >= MAX_BUDGETS:
                raise InvalidRequest(f"There are {MAX_BUDGETS} budgets already, which is the limit. Delete one first.")
            await insert_budget(connection, user_id, budget)
            return await self._status(connection, user_id, budget, subject)

    async def delete(self, user_id: str, budget_id: str) -> None:
        """Raises NotFound."""
        async with self._database.write() as connection:
            await delete_budget(connection, user_id, budget_id)

    async def admit(
        self, connection: AsyncConnection, origin: Origin, worst_nanousd: int | None, *, override: bool
    ) -> Origin:
        """Holds back the most a call may cost until its bill is written; returns where the call is to be booked.

        With `override` it is let through in any case, and the ledger says so where it had to be.
        Raises BudgetExceeded, and then nothing of the transaction must stay.
        """
        refusals = [
            status
            for status in await self.applying(connection, origin.user_id, origin.device_id, origin.model)
            if not status.standings[0].has_room(status.budget.limit_nanousd, worst_nanousd)
        ]
        if refusals:
            # Of several the one that holds longest: waiting for another would be in vain.
            last = max(refusals, key=lambda status: status.resets_at)
            if not override:
                raise await self._refusal(connection, origin.user_id, last, worst_nanousd)
            _LOG.warning("budget %s was overridden for message %s", last.budget.id, origin.message_id)
            origin = replace(origin, budget_override=True)
        await insert_reservation(connection, Reservation(origin, worst_nanousd, self._clock.now_ms()))
        return origin

    async def applying(
        self, connection: AsyncConnection, user_id: str, device_id: str | None, model: str
    ) -> list[BudgetStatus]:
        """The budgets that a call counts against, each with its one standing that this call adds to."""
        return [
            await self._status(connection, user_id, budget, budget.subject_of(device_id, model))
            for budget in await list_budgets(connection, user_id)
            if budget.applies_to(device_id, model)
        ]

    async def _status(
        self, connection: AsyncConnection, user_id: str, budget: Budget, subject: str | None
    ) -> BudgetStatus:
        start, end = (await calendar_of(connection)).span(budget.period, self._clock.now_ms())
        found = await standings(connection, user_id, budget, start, subject)
        if not found and subject is not None:
            found = [Standing(subject)]
        return BudgetStatus(budget, tuple(found), end)

    async def _refusal(
        self, connection: AsyncConnection, user_id: str, status: BudgetStatus, worst_nanousd: int | None
    ) -> BudgetExceeded:
        budget, standing = status.budget, status.standings[0]
        calendar = await calendar_of(connection)
        whose = await self._whose(connection, user_id, budget, standing)
        sentence = (
            f"{_PERIODS[budget.period]} budget{whose} has no room for this: {_money(standing.spent_nanousd)} of "
            f"{_money(budget.limit_nanousd)} is spent"
        )
        if standing.reserved_nanousd:
            sentence += f", up to {_money(standing.reserved_nanousd)} is held back for answers that are being made"
        if worst_nanousd:
            sentence += f", and this one may cost up to {_money(worst_nanousd)}"
        sentence += (
            f". It begins anew {_local_time(status.resets_at, calendar)}. "
            "Raise or delete the budget, choose a cheaper model, or send this with budget_override."
        )
        return BudgetExceeded(
            sentence,
            details={
                "budget_id": budget.id,
                "scope": budget.scope,
                "subject": standing.subject,
                "period": budget.period,
                "limit": shown_dollars(budget.limit_nanousd),
                "spent": shown_dollars(standing.spent_nanousd),
                "reserved": shown_dollars(standing.reserved_nanousd),
                "resets_at": shown_time(status.resets_at),
            },
        )

    async def _whose(self, connection: AsyncConnection, user_id: str, budget: Budget, standing: Standing) -> str:
        match budget.scope:
            case "overall":
                return ""
            case "model":
                return f" for {standing.subject}"
            case "device":
                names = await device_names(connection, user_id, [standing.subject or ""])
                return f" for {names.get(standing.subject or '', 'this device')}"


_PERIODS = {"day": "Today's", "month": "This month's"}


def _money(nanousd: int) -> str:
    """To the cent, and as much finer as a small sum needs to be seen."""
    amount = dollars(nanousd)
    assert amount is not None
    fraction = f"{amount:.9f}".partition(".")[2]
    leading_zeros = len(fraction) - len(fraction.lstrip("0"))
    fraction = fraction[: leading_zeros + 2].rstrip("0")
    return f"${amount:,.2f}" if nanousd >= NANO or len(fraction) <= 2 else f"$0.{fraction}"


def _local_time(moment: int, calendar: Calendar) -> str:
    """`on Wednesday 25 November at 00:00`, in the zone that the days are counted in."""
    local = datetime.fromtimestamp(moment // 1000, calendar.zone)
    return f"on {local:%A} {local.day} {local:%B} at {local:%H:%M} ({calendar.name} time)"
