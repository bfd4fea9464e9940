"""Prices the ledger again: from what the provider sent at the time, at the prices known today for that time.

What a provider itself charged stays as it is, and so does a call that cost nothing because it was turned away. Doing
it twice is doing it once: what a row costs is worked out from what the provider sent, and that is never changed. So it
may be broken off anywhere, and beside a running server.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date

from llm_router.domain.clock import moment_of
from llm_router.domain.pricing import CONFIGURED, LIVE, price_usage
from llm_router.domain.usage import REPORTED, Cost, CountStatus, Usage, total_cost
from llm_router.services.prices import PriceAt
from llm_router.store.database import Database
from llm_router.store.generations import settle_message
from llm_router.store.ledger import LedgerRow, calls_of_messages, ledger_page
from llm_router.store.rollups import calendar_of
from llm_router.store.sql import AsyncConnection
from llm_router.store.usage import reprice_rows
from llm_router.wire.usage import DECODERS

_ROWS_A_PAGE = 1000

_ROWS_A_TRANSACTION = 200
"""A server that answers meanwhile waits for one of them at the most."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices known today."""

    price_at: PriceAt
    connections: frozenset[str]
    """Those that are configured: of others nothing is known any more, and their calls stay as they are."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which calls. Times in milliseconds since 1970; `until` is not included."""

    since: int
    until: int | None = None
    model: str | None = None
    """The name that was asked for, the target's, or that of the model that answered."""


@dataclass(frozen=True, slots=True)
class Repriced:
    """One call, and what it costs now. The counts change only where what was recorded is read differently today."""

    row: LedgerRow
    usage: Usage
    cost: Cost

    @property
    def is_changed(self) -> bool:
        """Not where another list says the same: the row names the one that was asked first."""
        now, booked = self.cost, self.row.cost
        is_other_money = (now.nanousd, now.status) != (booked.nanousd, booked.status)
        return is_other_money or self.usage.counts() != self.row.usage.counts()


@dataclass(slots=True)
class Difference:
    """What calls of one day and model come to, before and after."""

    day: date | None
    """In the server's time zone; None in the total."""
    model: str | None
    calls: int = 0
    changed: int = 0
    old_nanousd: int = 0
    """Of the calls whose cost was known."""
    new_nanousd: int = 0
    old_unpriced: int = 0
    new_unpriced: int = 0

    def add(self, repriced: Repriced) -> None:
        old, new = repriced.row.cost.nanousd, repriced.cost.nanousd
        self.calls += 1
        self.changed += repriced.is_changed
        self.old_nanousd += old or 0
        self.new_nanousd += new or 0
        self.old_unpriced += old is None
        self.new_unpriced += new is None


async def differences(
    database: Database, user_id: str, selection: Selection, prices: PriceList
) -> tuple[Difference, list[Difference]]:
    """What would change: in all, and by day and model, the oldest first. Changes nothing. Raises StorageFailed."""
    total = Difference(None, None)
    by_day: dict[tuple[date, str], Difference] = {}
    async with database.read() as connection:
        calendar = await calendar_of(connection)
        async for row in _rows(connection, user_id, selection):
            repriced = reprice(row, prices)
            key = (calendar.local(row.timestamp).date(), row.model)
            by_day.setdefault(key, Difference(*key)).add(repriced)
            total.add(repriced)
    return total, [by_day[key] for key in sorted(by_day)]


async def apply(database: Database, user_id: str, selection: Selection, prices: PriceList) -> int:
    """Writes the new prices down: the rows, their sums, and what their messages show. Returns how many rows changed.

    Raises StorageFailed; what was changed by then is whole, and doing it again does the rest.
    """
    changed = 0
    after: tuple[int, str] | None = None
    while True:
        async with database.write() as connection:
            page = await _page(connection, user_id, selection, _ROWS_A_TRANSACTION, after)
            found = [repriced for row in page if (repriced := reprice(row, prices)).is_changed]
            await reprice_rows(connection, user_id, [(each.row.id, each.usage, each.cost) for each in found])
            await _show(connection, user_id, [each.row.message_id for each in found if each.row.message_id])
        changed += len(found)
        if len(page) < _ROWS_A_TRANSACTION:
            return changed
        after = (page[-1].timestamp, page[-1].id)


def reprice(row: LedgerRow, prices: PriceList) -> Repriced:
    """What a call costs by today's price list, at the moment it was made."""
    stays = Repriced(row, row.usage, row.cost)
    was_turned_away = row.cost.nanousd == 0 and row.cost.price_version is None
    if row.cost.price_version == REPORTED or was_turned_away or row.target.connection not in prices.connections:
        return stays
    price = prices.price_at(row.target, row.response_model, at=moment_of(row.timestamp))
    # The provider's own list is not asked again: only the owner knows better.
    if row.cost.price_version == LIVE and (price is None or price.version != CONFIGURED):
        return stays
    usage = _read_again(row)
    return Repriced(row, usage, price_usage(usage, price, counts=_sureness(row)))


def _read_again(row: LedgerRow) -> Usage:
    """What the provider sent, by today's reading of it; the stored counts where that is not the whole bill."""
    usage = row.usage
    if usage.raw is None or usage.dialect is None:
        return usage
    return DECODERS[usage.dialect](usage.raw, service_tier=usage.service_tier)


def _sureness(row: LedgerRow) -> CountStatus:
    """How sure the counts are. Where what the provider sent can be read again, it is the whole bill. An unpriced row
    does not say, but it says where they come from."""
    if row.usage.raw is not None and row.usage.dialect is not None:
        return "exact"
    if row.cost.status in ("bounded", "estimated"):
        return row.cost.status
    # What costs nothing is exact whatever was counted; money is no surer than its counts.
    if row.cost.status == "exact" and row.cost.nanousd and row.status == "complete":
        return "exact"
    return "bounded" if row.usage.raw is not None else "estimated"


async def _show(connection: AsyncConnection, user_id: str, message_ids: Sequence[str]) -> None:
    """A message shows the counts of its last call, and what all of them cost together."""
    calls = await calls_of_messages(connection, user_id, list(dict.fromkeys(message_ids)))
    for message_id, made in calls.items():
        cost = total_cost([call.cost for call in made])
        if cost is not None:
            await settle_message(connection, user_id, message_id, made[-1].usage, cost)


async def _rows(connection: AsyncConnection, user_id: str, selection: Selection) -> AsyncIterator[LedgerRow]:
    after: tuple[int, str] | None = None
    while True:
        page = await _page(connection, user_id, selection, _ROWS_A_PAGE, after)
        for row in page:
            yield row
        if len(page) < _ROWS_A_PAGE:
            return
        after = (page[-1].timestamp, page[-1].id)


async def _page(
    connection: AsyncConnection, user_id: str, selection: Selection, limit: int, after: tuple[int, str] | None
) -> list[LedgerRow]:
    return await ledger_page(
        connection,
        user_id,
        limit=limit,
        since=selection.since,
        until=selection.until,
        model=selection.model,
        after=after,
    )
