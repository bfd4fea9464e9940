"""The ledger priced again: what changes, what stays, and that it may be broken off and repeated."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from llm_router.domain.chat import Target
from llm_router.domain.errors import StorageFailed
from llm_router.domain.pricing import ModelPrice, PriceEntry
from llm_router.domain.usage import REPORTED, Cost, CostStatus, Usage
from llm_router.services.reprice import Difference, PriceList, Selection, apply, differences
from llm_router.store.database import Database
from llm_router.store.ledger import LedgerRow, ledger_page
from llm_router.store.messages import get_message
from llm_router.store.tables import usage_logs, usage_rollups
from llm_router.wire.anthropic_messages import decode_usage
from tests.store.rows import OWNER, STRANGER, attempt, bill, conversation, keep, message, origin

DAY = 86_400_000
TARGET = Target("openai", "openai", "gpt-5")
RAW = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
USAGE = Usage(1000, 100, dialect="openai_chat", raw=RAW)
OLD = Cost(1, "exact", "2026-01-01")
EVERYTHING = Selection(since=0)


class Prices:
    """A list that the test may change: dollars per million in and out, by model."""

    def __init__(self, version: str = "2026-11-24", **rates: tuple[int, int]) -> None:
        self.version = version
        self.rates = rates
        self.asked: list[datetime | None] = []

    def __call__(
        self, target: Target, response_model: str | None = None, at: datetime | None = None
    ) -> PriceEntry | None:
        self.asked.append(at)
        rates = self.rates.get((response_model or target.model).replace("-", "_"))
        return PriceEntry(self.version, ModelPrice(*(Decimal(rate) for rate in rates))) if rates else None

    def list(self) -> PriceList:
        return PriceList(self, frozenset({"openai", "anthropic"}))


async def called(database: Database, cost: Cost = OLD, usage: Usage = USAGE, **values: Any) -> str:
    """One booked call; its ledger id."""
    where = {name: values.pop(name) for name in ("message_id", "conversation_id", "user_id") if name in values}
    made = replace(attempt(usage=usage, **{"target": TARGET, **values}), cost=cost)
    await bill(database, origin(**where), made)
    return made.id


async def rows(database: Database, user_id: str = OWNER) -> dict[str, LedgerRow]:
    async with database.read() as connection:
        return {row.id: row for row in await ledger_page(connection, user_id, limit=10_000)}


async def check_sums(database: Database) -> None:
    """What the ledger adds up to is what its sums say, at each level."""
    async with database.read() as connection:
        ledger = (await connection.execute(select(func.coalesce(func.sum(usage_logs.c.cost), 0)))).scalar_one()
        for level in ("hour", "day", "month"):
            query = select(func.coalesce(func.sum(usage_rollups.c.cost), 0)).where(usage_rollups.c.level == level)
            assert (await connection.execute(query)).scalar_one() == ledger


async def test_the_difference_is_told_by_day_and_model_and_nothing_is_changed(database: Database) -> None:
    await called(database, started_at=10 * DAY)
    await called(database, started_at=10 * DAY)
    await called(database, started_at=20 * DAY, response_model="gpt-5-mini")
    before = await rows(database)
    total, by_day = await differences(database, OWNER, EVERYTHING, Prices(gpt_5=(2, 20)).list())
    first = datetime.fromtimestamp(10 * 86_400).date()
    assert by_day[0] == Difference(first, "gpt-5", 2, 2, old_nanousd=2, new_nanousd=8_000_000)
    assert (by_day[1].calls, by_day[1].changed, by_day[1].new_unpriced) == (1, 1, 1)
    assert (total.calls, total.changed, total.old_nanousd, total.new_nanousd) == (3, 3, 3, 8_000_000)
    assert (total.old_unpriced, total.new_unpriced) == (0, 1)
    assert await rows(database) == before


async def test_what_is_applied_is_what_was_told_with_its_sums(database: Database) -> None:
    priced = await called(database)
    unknown = await called(database, Cost(None, "unpriced"))
    lost = await called(database, response_model="gpt-9")
    prices = Prices(gpt_5=(2, 20)).list()
    total, _ = await differences(database, OWNER, EVERYTHING, prices)
    assert await apply(database, OWNER, EVERYTHING, prices) == total.changed == 3
    found = await rows(database)
    assert found[priced].cost == found[unknown].cost == Cost(4_000_000, "exact", "2026-11-24")
    assert found[lost].cost == Cost(None, "unpriced")
    await check_sums(database)
    assert await apply(database, OWNER, EVERYTHING, prices) == 0


async def test_each_row_is_priced_at_its_own_moment(database: Database) -> None:
    await called(database, started_at=10 * DAY)
    await called(database, started_at=20 * DAY)
    prices = Prices(gpt_5=(2, 20))
    await differences(database, OWNER, EVERYTHING, prices.list())
    assert prices.asked == [datetime.fromtimestamp(day * 86_400, UTC) for day in (10, 20)]


async def test_what_the_provider_sent_is_read_again(database: Database) -> None:
    raw = {
        "input_tokens": 100,
        "output_tokens": 50,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 900,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 900},
    }
    right = decode_usage(raw)
    assert right.tokens_cache_write_1h == 900
    # As an older version had it, which knew of no hours.
    log_id = await called(database, usage=replace(right, tokens_cache_write_1h=None))
    await apply(database, OWNER, EVERYTHING, Prices(gpt_5=(2, 20)).list())
    assert (await rows(database))[log_id].usage.counts() == right.counts()


@pytest.mark.parametrize(
    ("cost", "values"),
    [
        (Cost(7, "exact", REPORTED), {}),
        (Cost(0, "exact"), {"outcome": "error", "usage": Usage()}),
        (OLD, {"target": Target("gone", "openai_compatible", "gpt-5")}),
        (Cost(7, "exact", "live"), {}),
    ],
)
async def test_what_others_know_better_stays(database: Database, cost: Cost, values: dict[str, Any]) -> None:
    """The provider's own charge; nothing, for what was turned away; a connection that is no more; a live price."""
    log_id = await called(database, cost, **values)
    assert await apply(database, OWNER, EVERYTHING, Prices(gpt_5=(2, 20)).list()) == 0
    assert (await rows(database))[log_id].cost == cost


async def test_a_newer_list_that_says_the_same_changes_nothing(database: Database) -> None:
    log_id = await called(database, Cost(4_000_000, "exact", "2026-01-01"))
    total, _ = await differences(database, OWNER, EVERYTHING, Prices(gpt_5=(2, 20)).list())
    assert (total.calls, total.changed) == (1, 0)
    assert await apply(database, OWNER, EVERYTHING, Prices(gpt_5=(2, 20)).list()) == 0
    assert (await rows(database))[log_id].cost.price_version == "2026-01-01"


async def test_the_owners_own_price_beats_a_live_one(database: Database) -> None:
    log_id = await called(database, Cost(7, "exact", "live"))
    await apply(database, OWNER, EVERYTHING, Prices("configured", gpt_5=(2, 20)).list())
    assert (await rows(database))[log_id].cost == Cost(4_000_000, "exact", "configured")


@pytest.mark.parametrize(
    ("status", "outcome", "usage", "after"),
    [
        ("estimated", "cancelled", Usage(1000, 100), "estimated"),
        ("bounded", "cancelled", Usage(1000, 100, raw={"prompt_tokens": 1000}), "bounded"),
        ("unpriced", "cancelled", Usage(1000, 100), "estimated"),
        ("unpriced", "error", Usage(1000, 100, raw={"prompt_tokens": 1000}), "bounded"),
        ("unpriced", "complete", USAGE, "exact"),
        ("bounded", "complete", USAGE, "exact"),
        # stopped, and listened to until the provider's last word
        ("exact", "cancelled", USAGE, "exact"),
        # finished, and of its counts the provider sent a part only
        ("estimated", "complete", Usage(1000, 100, raw={"completion_tokens": 90}), "estimated"),
        ("bounded", "complete", Usage(1000, 100, raw={"prompt_tokens": 1000}), "bounded"),
        ("unpriced", "complete", Usage(1000, 100, raw={"prompt_tokens": 1000}), "bounded"),
        # what the provider sent was too long to be kept
        ("exact", "complete", Usage(1000, 100), "exact"),
        # as version 0001 wrote them, which kept no dialect
        ("exact", "complete", replace(USAGE, dialect=None), "exact"),
    ],
)
async def test_counts_are_no_surer_than_they_were(
    database: Database, status: CostStatus, outcome: Any, usage: Usage, after: CostStatus
) -> None:
    log_id = await called(database, Cost(None if status == "unpriced" else 5, status), usage, outcome=outcome)
    await apply(database, OWNER, EVERYTHING, Prices(gpt_5=(2, 20)).list())
    assert (await rows(database))[log_id].cost == Cost(4_000_000, after, "2026-11-24")


async def test_a_message_shows_what_all_its_calls_cost_now(database: Database) -> None:
    told = message("m1", role="assistant", cost_nanousd=2, cost_status="exact", usage=USAGE)
    await keep(database, conversation(), messages=[told])
    where: dict[str, Any] = {"message_id": "m1", "conversation_id": "c1"}
    await called(database, usage=Usage(500, 10), outcome="error", started_at=1, **where)
    await called(database, started_at=2, **where)
    await apply(database, OWNER, EVERYTHING, Prices(gpt_5=(2, 20)).list())
    async with database.read() as connection:
        shown = await get_message(connection, OWNER, "m1")
    assert (shown.cost_nanousd, shown.cost_status) == (1_200_000 + 4_000_000, "estimated")
    assert (shown.usage.tokens_input, shown.usage.tokens_output) == (1000, 100)


async def test_only_what_is_selected_is_touched(database: Database) -> None:
    early = await called(database, started_at=10)
    chosen = await called(database, started_at=20, response_model="gpt-5")
    other = await called(database, started_at=21, response_model="gpt-4o")
    late = await called(database, started_at=30)
    strangers = await called(database, started_at=20, user_id=STRANGER)
    prices = Prices(gpt_5=(2, 20), gpt_4o=(2, 20)).list()
    assert await apply(database, OWNER, Selection(20, 30, "gpt-4o"), prices) == 1
    assert (await rows(database))[other].cost.nanousd == 4_000_000
    assert await apply(database, OWNER, Selection(20, 30, "gpt-5"), prices) == 1
    found = await rows(database)
    assert found[chosen].cost.nanousd == 4_000_000
    assert {found[early].cost, found[late].cost, (await rows(database, STRANGER))[strangers].cost} == {OLD}


async def test_broken_off_in_the_middle_it_is_whole_as_far_as_it_went_and_goes_on(database: Database) -> None:
    """More rows than fit one transaction, and a price list that fails before the second one ends."""
    for number in range(450):
        await called(database, started_at=number)

    class Failing(Prices):
        def __call__(self, *args: Any, **kwargs: Any) -> PriceEntry | None:
            if len(self.asked) == 300:
                raise StorageFailed("the machine went away")
            return super().__call__(*args, **kwargs)

    failing = Failing(gpt_5=(2, 20))
    with pytest.raises(StorageFailed):
        await apply(database, OWNER, EVERYTHING, failing.list())
    assert [row.cost.nanousd for row in (await rows(database)).values()].count(4_000_000) == 200
    await check_sums(database)
    assert await apply(database, OWNER, EVERYTHING, Prices(gpt_5=(2, 20)).list()) == 250
    assert {row.cost.nanousd for row in (await rows(database)).values()} == {4_000_000}
    await check_sums(database)
