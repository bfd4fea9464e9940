"""How long each question about a million calls takes, beside the same question asked of the calls one by one.

The calls are made up: two years of them, from four devices and sixty models, of which a dozen are in use at any time
and a few are asked most. They lie in a real SQLite file in the folder for temporary files, which goes when the run
ends. They are written in bulk, and a sample of them once more through the code that writes a server's: both have to add
up to the same. A question takes from the first statement to the JSON of its answer. Prints medians of several runs;
where other work keeps the machine busy, the processor's time says more than the clock's.
"""

import asyncio
import itertools
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import create_engine

from llm_router.domain.attempts import Attempt
from llm_router.domain.chat import Target
from llm_router.domain.usage import MESSAGE_COUNTS, Cost, Usage
from llm_router.store.database import Database, open_database
from llm_router.store.rollups import SUMS, local_zone_name, rebuild_rollups
from llm_router.store.spending import UsageSeries, UsageSummary, series, summarise
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import OWNER_ID
from llm_router.store.usage import Origin, insert_attempts
from llm_router.store.usage_log import LogPage, Wanted, list_calls

ROWS = 1_000_000
SAMPLE = 2_000
RUNS = 9
CLAIM_MILLISECONDS = 50

DAY = 86_400_000
NOW = 1_795_000_000_123
BEGIN = NOW - 730 * DAY

PROVIDERS = ("openai", "anthropic", "openai_compatible")
MODELS = [f"model-{number}" for number in range(60)]
IN_USE = 12
DEVICES = ("phone", "laptop", "desk", "tablet")
RARE = "rare-model"

NAIVE_SUMS = (
    "count(*), sum(status = 'error'), sum(cost_status = 'estimated'), sum(cost_status = 'unpriced'), "
    "sum(tokens_input), sum(tokens_output), sum(tokens_cache_read), sum(tokens_cache_write), sum(tokens_reasoning), "
    "sum(web_searches), sum(cost)"
)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="bench-usage-") as folder:
        return asyncio.run(measure(Path(folder)))


async def measure(folder: Path) -> int:
    path = folder / "router.db"
    begin = time.perf_counter()
    await (await open_database(path)).close()
    write_in_bulk(path, calls(ROWS))
    print(f"{ROWS:,} calls written in {time.perf_counter() - begin:.0f} s, {path.stat().st_size / 1e6:,.0f} MB")
    await check_sample(folder)
    database = await open_database(path)
    print(f"\n{'milliseconds':<44}{'median':>10}{'worst':>10}{'processor':>12}{'call by call':>14}")
    slowest = (0.0, "")
    with closing(sqlite3.connect(path)) as naive:
        for label, ask, statement in questions():
            runs = [await timed(database, ask) for _ in range(RUNS)]
            median, worst = statistics.median(run[0] for run in runs), max(run[0] for run in runs)
            processor = statistics.median(run[1] for run in runs)
            slowest = max(slowest, (processor, label))
            beside = min(timed_naively(naive, statement) for _ in range(2))
            print(f"{label:<44}{median:>10.1f}{worst:>10.1f}{processor:>12.1f}{beside:>14.1f}")
    await database.close()
    print(f"claimed: at most {CLAIM_MILLISECONDS} ms each on an idle machine.")
    print(f"The slowest took {slowest[0]:.0f} ms of the processor: {slowest[1]}")
    return 0


Ask = Callable[[AsyncConnection], Awaitable["UsageSummary | UsageSeries | LogPage"]]


def questions() -> Iterator[tuple[str, Ask, str]]:
    """What is asked, how, and the SQL that would find it in the calls alone."""
    ragged = (NOW - 400 * DAY - 1_234_567, NOW - 3 * DAY - 7_654_321)
    week = NOW - 7 * DAY
    mine = f"FROM usage_logs WHERE user_id = '{OWNER_ID}'"
    between = f"AND timestamp >= {ragged[0]} AND timestamp < {ragged[1]}"

    def summary(label: str, where: str, **scope: Any) -> tuple[str, Ask, str]:
        return (
            f"summary: {label}",
            lambda connection: summarise(connection, OWNER_ID, **scope),
            f"SELECT model, provider, {NAIVE_SUMS} {mine} {where} GROUP BY 1, 2",
        )

    def over_time(bucket: Any, by: Any, days: float | None) -> tuple[str, Ask, str]:
        since = None if days is None else int(NOW - days * DAY)
        form = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}[bucket]
        column = {"device": "device_id"}.get(by, by)
        return (
            f"series: {'all' if days is None else f'{days:g} days'} by {bucket} and {by}",
            lambda connection: series(connection, OWNER_ID, bucket, by, now=NOW, since=since),
            f"SELECT strftime('{form}', timestamp / 1000, 'unixepoch', 'localtime'), {column}, {NAIVE_SUMS} {mine} "
            f"AND timestamp >= {since or 0} GROUP BY 1, 2",
        )

    def page(label: str, where: str, cursor: str | None = None, **wanted: Any) -> tuple[str, Ask, str]:
        return (
            f"logs: {label}",
            lambda connection: list_calls(connection, OWNER_ID, Wanted(**wanted), limit=50, cursor=cursor),
            f"SELECT * {mine} {where} ORDER BY timestamp DESC, id DESC LIMIT 51",
        )

    yield summary("everything", "")
    yield summary("one device", "AND device_id = 'tablet'", device_ids=["tablet"])
    yield summary("the last 7 days", f"AND timestamp >= {week}", since=week)
    yield summary("397 days with ragged ends", between, since=ragged[0], until=ragged[1])
    yield over_time("month", "model", None)
    yield over_time("day", "model", 90)
    yield over_time("day", "device", 365)
    yield over_time("hour", "source", 7)
    yield over_time("hour", "model", 7)
    yield over_time("hour", "model", 16)
    yield over_time("day", "model", 399)
    yield page("newest", "")
    yield page("a model of last year", "AND model = 'model-24'", only={"model": ["model-24"]})
    yield page("a rare model", f"AND model = '{RARE}'", only={"model": [RARE]})
    yield page("unpriced", "AND cost_status = 'unpriced'", only={"cost_status": ["unpriced"]})
    yield page(
        "errors of a rare model on one device",
        f"AND status = 'error' AND model = '{RARE}' AND device_id = 'tablet'",
        only={"status": ["error"], "model": [RARE], "device_id": ["tablet"]},
    )
    yield page("none such", "AND model = 'nobody'", only={"model": ["nobody"]})
    yield page("a year ago", f"AND timestamp < {NOW - 365 * DAY}", until=NOW - 365 * DAY)


async def timed(database: Database, ask: Ask) -> tuple[float, float]:
    """Milliseconds of the clock, and of the processor."""
    begin, begin_processor = time.perf_counter(), time.process_time()
    async with database.read() as connection:
        found = await ask(connection)
    shown = [call.as_dict() for call in found.calls] if isinstance(found, LogPage) else found.as_dict()
    orjson.dumps(shown)
    return (time.perf_counter() - begin) * 1000, (time.process_time() - begin_processor) * 1000


def timed_naively(connection: sqlite3.Connection, statement: str) -> float:
    begin = time.perf_counter()
    connection.execute(statement).fetchall()
    return (time.perf_counter() - begin) * 1000


COLUMNS = (
    *("id", "user_id", "device_id", "source", "model", "provider", "connection", "target", "response_model"),
    *("operation_name", "status", "error_type", *MESSAGE_COUNTS, "web_searches", "cost", "cost_status"),
    *("price_version", "raw_usage", "time_to_first_chunk", "duration", "timestamp", "dialect"),
)

RAW = '{"prompt_tokens":1234,"completion_tokens":567,"prompt_tokens_details":{"cached_tokens":1024}}'


def calls(count: int) -> Iterator[tuple[Any, ...]]:
    """Rows in the order of `COLUMNS`, oldest first, always the same."""
    chance = random.Random(7)
    favourites = list(itertools.accumulate(1 / (rank + 1) for rank in range(IN_USE)))
    moments = sorted(int(BEGIN + (NOW - BEGIN) * chance.random() ** 0.7) for _ in range(count))
    for number, moment in enumerate(moments):
        in_use = MODELS[(moment - BEGIN) * (len(MODELS) - IN_USE) // (NOW - BEGIN) :]
        model = chance.choices(in_use[:IN_USE], cum_weights=favourites)[0] if chance.random() > 0.0002 else RARE
        provider = PROVIDERS[len(model) % 3]
        status = chance.choices(("complete", "cancelled", "error"), (95, 3, 2))[0]
        unpriced = model.endswith("19") or chance.random() < 0.001
        cost_status = "exact" if status != "cancelled" else chance.choice(("bounded", "estimated"))
        if unpriced:
            cost_status = "unpriced"
        yield (
            f"0193a8b0-0000-7000-8000-{number:012d}",
            OWNER_ID,
            chance.choices((*DEVICES, None), (45, 35, 15, 4, 1))[0],
            chance.choices(("web", "gateway", "cli"), (80, 18, 2))[0],
            model,
            provider,
            provider,
            f"{provider}/{model}",
            f"{model}-2026-01-01",
            "chat",
            status,
            "timeout" if status == "error" else None,
            chance.randrange(100, 20_000),
            chance.randrange(10, 2_000),
            chance.choice((None, 0, 1024)),
            None,
            chance.choice((None, 100)),
            chance.choice((None, None, 1)),
            None if unpriced else chance.randrange(10_000, 50_000_000),
            cost_status,
            "2026-11-01",
            RAW,
            0.5,
            2.5,
            moment,
            "openai_chat",
        )


def write_in_bulk(path: Path, rows: Iterator[tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        marks = ", ".join("?" * len(COLUMNS))
        connection.executemany(f"INSERT INTO usage_logs ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as transaction:
        rebuild_rollups(transaction, local_zone_name())
    engine.dispose()


async def check_sample(folder: Path) -> None:
    """The same calls, written in bulk and as a server writes them, have the same sums."""
    in_bulk, as_served = folder / "bulk.db", folder / "served.db"
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in calls(SAMPLE)]
    await (await open_database(in_bulk)).close()
    write_in_bulk(in_bulk, iter(calls(SAMPLE)))
    served = await open_database(as_served)
    times = []
    for row in rows:
        begin = time.perf_counter()
        async with served.write() as connection:
            await insert_attempts(connection, origin_of(row), [attempt_of(row)])
        times.append((time.perf_counter() - begin) * 1000)
    await served.close()
    both = [sorted(rollups(path), key=str) for path in (in_bulk, as_served)]
    assert both[0] == both[1], "the bulk does not add up as the server's own rows do"
    each = statistics.median(times)
    print(f"{SAMPLE:,} of them written one by one, {each:.1f} ms each, with the same {len(both[0]):,} sums")


def origin_of(row: dict[str, Any]) -> Origin:
    return Origin(OWNER_ID, row["device_id"], row["source"], None, None, row["model"])


def attempt_of(row: dict[str, Any]) -> Attempt:
    counts = {name: row[name] for name in SUMS if name.startswith("tokens_") or name == "web_searches"}
    return Attempt(
        id=row["id"],
        target=Target(row["connection"], row["provider"], row["model"]),
        status=row["status"],
        usage=Usage(**counts),
        cost=Cost(row["cost"], row["cost_status"], row["price_version"]),
        started_at=row["timestamp"],
        duration=row["duration"],
    )


def rollups(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        tables = ("usage_rollups", "usage_facets")
        return [row for table in tables for row in connection.execute(f"SELECT * FROM {table}")]


if __name__ == "__main__":
    sys.exit(main())
