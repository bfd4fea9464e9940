"""Ledgers of many calls at moments where sums go wrong, and what they add up to when each call is looked at."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import delete

from llm_router.domain.attempts import Attempt
from llm_router.domain.chat import Target
from llm_router.domain.usage import MESSAGE_COUNTS, CostStatus, Usage
from llm_router.store.database import Database, open_database
from llm_router.store.rollups import rebuild_rollups
from llm_router.store.spending import UsageTotals
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import usage_logs, users
from llm_router.store.usage import Origin, insert_attempts
from tests.store.rows import OWNER, STRANGER, attempt, origin

ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Africa/Cairo", "Pacific/Apia")

EDGES = (
    0,
    1_774_746_000_000,  # 2026-03-29 01:00 UTC: the clocks of Berlin go forward
    1_792_890_000_000,  # 2026-10-25 01:00 UTC: and back
    1_767_222_000_000,  # the year's first moment in Berlin
    1_767_225_600_000,  # and in UTC
    1_790_812_800_000,  # a month's in UTC
)
MOMENTS = st.one_of(
    st.builds(lambda edge, by: max(0, edge + by), st.sampled_from(EDGES), st.integers(-3, 3)),
    st.builds(lambda edge, by: max(0, edge + by), st.sampled_from(EDGES), st.integers(-100_000_000, 100_000_000)),
    st.integers(1_750_000_000_000, 1_800_000_000_000),
)

COUNTS = st.one_of(st.none(), st.integers(0, 10**9))
USAGES = st.builds(Usage, **dict.fromkeys((*MESSAGE_COUNTS, "web_searches"), COUNTS))

PRICES: list[tuple[int | None, CostStatus]] = [
    (5, "exact"),
    (0, "exact"),
    (10**12, "bounded"),
    (7, "estimated"),
    (None, "unpriced"),
]


@st.composite
def origins(draw: st.DrawFn) -> Origin:
    return origin(
        user_id=draw(st.sampled_from((OWNER, OWNER, OWNER, STRANGER))),
        device_id=draw(st.sampled_from((None, "phone", "desk"))),
        source=draw(st.sampled_from(("web", "gateway", "cli"))),
        model=draw(st.sampled_from(("gpt-5", "claude", "groq/gpt-5"))),
    )


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    cost, status = draw(st.sampled_from(PRICES))
    provider: Any = draw(st.sampled_from(("openai", "openai_compatible")))
    return attempt(
        cost,
        status,
        outcome=draw(st.sampled_from(("complete", "complete", "cancelled", "error"))),
        target=Target(draw(st.sampled_from(("openai", "groq"))), provider, "gpt-5"),
        usage=draw(USAGES),
        started_at=draw(MOMENTS),
    )


calls = st.lists(st.tuples(origins(), attempts()), max_size=12)


class Ledger:
    """A database that is emptied for each example: to make one anew takes longer than to ask it."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        self._runner = runner
        self._database = database

    def run(self, zone: str, work: Callable[[Database], Awaitable[None]]) -> None:
        """Does `work` with an empty ledger whose days are those of `zone`."""
        self._runner.run(self._begin(zone, work))

    async def _begin(self, zone: str, work: Callable[[Database], Awaitable[None]]) -> None:
        async with self._database.write(durable=False) as connection:
            await connection.execute(delete(usage_logs))
            await connection.run_sync(rebuild_rollups, zone)
        await work(self._database)


@contextmanager
def open_ledger(path: Path) -> Iterator[Ledger]:
    with asyncio.Runner() as runner:
        database = runner.run(open_database(path))
        try:
            runner.run(_add_stranger(database))
            yield Ledger(runner, database)
        finally:
            runner.run(database.close())


async def _add_stranger(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(users.insert().values(id=STRANGER, name=STRANGER, created_at=0))


async def bill_all(database: Database, calls: Iterable[tuple[Origin, Attempt]]) -> None:
    """In one transaction."""
    async with database.write(durable=False) as connection:
        for origin, attempt in calls:
            await insert_attempts(connection, origin, [attempt])


async def every_call(connection: AsyncConnection, user_id: str = OWNER) -> list[dict[str, Any]]:
    query = usage_logs.select().where(usage_logs.c.user_id == user_id)
    return [row._asdict() for row in await connection.execute(query)]


def added_up(rows: Iterable[dict[str, Any]]) -> UsageTotals:
    """Call by call, in Python."""
    rows = list(rows)

    def known(name: str) -> int:
        return sum(row[name] or 0 for row in rows)

    def how_many(name: str, value: str) -> int:
        return sum(row[name] == value for row in rows)

    return UsageTotals(
        requests=len(rows),
        failed=how_many("status", "error"),
        exact=how_many("cost_status", "exact"),
        bounded=how_many("cost_status", "bounded"),
        estimated=how_many("cost_status", "estimated"),
        unpriced=how_many("cost_status", "unpriced"),
        tokens_input=known("tokens_input"),
        tokens_output=known("tokens_output"),
        tokens_cache_read=known("tokens_cache_read"),
        tokens_cache_write=known("tokens_cache_write"),
        tokens_reasoning=known("tokens_reasoning"),
        web_searches=known("web_searches"),
        cost_known=known("cost"),
    )
