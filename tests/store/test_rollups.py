"""Whatever is done to the ledger, its sums are those of its rows."""

import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_router.domain.attempts import Attempt
from llm_router.domain.calendar import PERIODS
from llm_router.domain.errors import StorageFailed
from llm_router.domain.usage import Cost, Usage
from llm_router.store.database import Database
from llm_router.store.rollups import (
    DIMENSIONS,
    FACET_LEVELS,
    FACET_SUMS,
    FACETS,
    SUMS,
    calendar_named,
    calendar_of,
    rebuild_rollups,
)
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import usage_calendar, usage_facets, usage_logs, usage_rollups
from llm_router.store.usage import Origin, insert_attempts, reprice_rows, settle_attempt
from tests.store.ledgers import ZONES, Ledger, added_up, attempts, bill_all, calls, origins
from tests.store.rows import OWNER, STRANGER, attempt, bill, conversation, keep, origin

Sums = dict[tuple[Any, ...], tuple[int, ...]]


async def kept(connection: AsyncConnection) -> tuple[Sums, Sums]:
    """The rollups and facets that are in the file."""
    found: list[Sums] = []
    for table, sums in ((usage_rollups, SUMS), (usage_facets, FACET_SUMS)):
        rows = [tuple(row) for row in await connection.execute(table.select())]
        found.append({row[: -len(sums)]: row[-len(sums) :] for row in rows})
    return found[0], found[1]


async def counted(connection: AsyncConnection) -> tuple[Sums, Sums]:
    """What they have to be, from the rows one by one."""
    calendar = await calendar_of(connection)
    rollups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    facets: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in [row._asdict() for row in await connection.execute(usage_logs.select())]:
        for level in PERIODS:
            start = calendar.start(level, row["timestamp"])
            rollups[(row["user_id"], level, start, *(row[name] or "" for name in DIMENSIONS))].append(row)
            for facet in FACETS if level in FACET_LEVELS else ():
                maker = (row["provider"], row["connection"]) if facet == "model" else ("", "")
                key = (row["user_id"], level, facet, start, row[facet], *maker, row["device_id"] or "")
                facets[key].append(row)
    in_all = {key: added_up(rows)._asdict() for key, rows in rollups.items()}
    names = [name if name != "cost" else "cost_known" for name in SUMS]
    return (
        {key: tuple(totals[name] for name in names) for key, totals in in_all.items()},
        {key: tuple(added_up(rows)) for key, rows in facets.items()},
    )


Step = tuple[str, Origin, Attempt]

steps = st.lists(
    st.tuples(
        st.sampled_from(("insert", "settle new", "settle", "settle", "reprice", "reprice")), origins(), attempts()
    ),
    max_size=10,
)


@settings(max_examples=30, deadline=None)
@given(zone=st.sampled_from(ZONES), first=calls, steps=steps, pick=st.randoms())
def test_sums_are_those_of_the_rows(
    ledger: Ledger, zone: str, first: list[tuple[Origin, Attempt]], steps: list[Step], pick: Any
) -> None:
    async def work(database: Database) -> None:
        known = [(origin, attempt.id) for origin, attempt in first]
        await bill_all(database, first)
        for what, origin_, attempt_ in steps:
            async with database.write(durable=False) as connection:
                if what == "insert" or not known:
                    await insert_attempts(connection, origin_, [attempt_])
                elif what == "settle new":
                    await settle_attempt(connection, origin_, attempt_)
                elif what == "settle":
                    whose, log_id = pick.choice(known)
                    await settle_attempt(connection, whose, replace(attempt_, id=log_id))
                else:
                    some = {log_id: (whose, log_id) for whose, log_id in pick.sample(known, min(3, len(known)))}
                    changes = [(log_id, attempt_.usage, attempt_.cost) for _, log_id in some.values()]
                    await reprice_rows(connection, OWNER, changes)
            async with database.read() as connection:
                assert await kept(connection) == await counted(connection)
        async with database.write() as connection:
            before = await kept(connection)
            await connection.run_sync(rebuild_rollups, zone)
            assert await kept(connection) == before

    ledger.run(zone, work)


async def rows_of(database: Database) -> list[dict[str, Any]]:
    async with database.read() as connection:
        return [row._asdict() for row in await connection.execute(usage_logs.select().order_by(usage_logs.c.id))]


async def test_a_settled_call_is_one_row_with_the_last_word(database: Database) -> None:
    await keep(database, conversation())
    provisional = attempt(9, "bounded", outcome="cancelled", usage=Usage(10, 4), error_type="stopped")
    whose = origin(conversation_id="c1", device_id="phone")
    await bill(database, whose, provisional)
    final = replace(attempt(12, usage=Usage(10, 6, raw={"n": 6}, dialect="openai_chat")), id=provisional.id)
    async with database.write() as connection:
        # What it was for may be gone when the provider's word comes.
        await settle_attempt(connection, origin(conversation_id="deleted", device_id="phone"), final)
    (row,) = await rows_of(database)
    assert (row["conversation_id"], row["status"], row["error_type"]) == ("c1", "complete", None)
    assert (row["tokens_output"], row["cost"], row["cost_status"], row["dialect"]) == (6, 12, "exact", "openai_chat")
    async with database.read() as connection:
        assert await kept(connection) == await counted(connection)


async def test_settling_what_was_never_recorded_records_it(database: Database) -> None:
    async with database.write() as connection:
        await settle_attempt(connection, origin(device_id="phone"), attempt(3))
    assert [(row["device_id"], row["cost"]) for row in await rows_of(database)] == [("phone", 3)]


async def test_new_prices_are_for_the_owner_s_rows_alone(database: Database) -> None:
    mine, theirs = attempt(1, usage=Usage(1, 1, raw={"a": 1})), attempt(1)
    await bill(database, origin(), mine)
    await bill(database, origin(user_id=STRANGER), theirs)
    new = (Usage(2, 2), Cost(50, "bounded", "2026-11-01"))
    async with database.write() as connection:
        await reprice_rows(connection, OWNER, [(mine.id, *new), (theirs.id, *new), ("lost", *new)])
    rows = {row["id"]: row for row in await rows_of(database)}
    assert (rows[mine.id]["cost"], rows[mine.id]["tokens_input"], rows[mine.id]["price_version"]) == (
        50,
        2,
        "2026-11-01",
    )
    assert rows[mine.id]["raw_usage"] == '{"a":1}'
    assert rows[theirs.id]["cost"] == 1


async def test_a_zone_that_nobody_knows_here_is_said(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(usage_calendar.update().values(time_zone="Mars/Olympus"))
    async with database.read() as connection:
        with pytest.raises(StorageFailed, match=r"Mars/Olympus, which is not known here\. Set TZ"):
            await calendar_of(connection)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "/etc/localtime"])
def test_a_zone_s_name_is_no_path(name: str) -> None:
    with pytest.raises(StorageFailed):
        calendar_named(name)


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (":Europe/Berlin", "Europe/Berlin"),
        ("", "UTC"),
        ("/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "CET-1CEST,M3.5.0,M10.5.0/3"),
    ],
)
def test_the_machine_s_zone_has_a_name(zone: str, name: str) -> None:
    source = "from llm_router.store.rollups import *; print(local_zone_name()); calendar_named(local_zone_name())"
    environ = {"PATH": os.environ["PATH"], "TZ": zone}
    found = subprocess.run([sys.executable, "-c", source], env=environ, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == name
