"""What was spent in any range of time: the same as when each call is looked at."""

from collections import defaultdict
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_router.domain.attempts import Attempt
from llm_router.domain.calendar import HOUR, Calendar, Period
from llm_router.domain.errors import InvalidRequest
from llm_router.domain.usage import Usage
from llm_router.store.database import Database
from llm_router.store.devices import touch_device
from llm_router.store.rollups import calendar_of, rebuild_rollups
from llm_router.store.spending import MAX_BUCKETS, SeriesBy, UsageSeries, UsageTotals, series, stretches, summarise
from llm_router.store.usage import Origin
from tests.store.ledgers import MOMENTS, ZONES, Ledger, added_up, bill_all, calls, every_call
from tests.store.rows import OWNER, STRANGER, attempt, bill, origin

ENDS = st.one_of(st.none(), MOMENTS)
DEVICES = st.sampled_from((None, ("phone",), ("phone", "desk"), ("lost",)))
Calls = list[tuple[Origin, Attempt]]

NOW = 1_800_000_000_000
KEYS = {
    "by_model": ("model", "provider"),
    "by_provider": ("provider", "connection"),
    "by_device": ("device_id",),
    "by_source": ("source",),
    "by_status": ("status",),
    "by_cost_status": ("cost_status",),
}


def fits(row: dict[str, Any], devices: tuple[str, ...] | None, since: int | None, until: int | None) -> bool:
    return (
        (devices is None or row["device_id"] in devices)
        and (since is None or row["timestamp"] >= since)
        and (until is None or row["timestamp"] < until)
    )


@settings(max_examples=40, deadline=None)
@given(zone=st.sampled_from(ZONES), calls=calls, since=ENDS, until=ENDS, devices=DEVICES)
def test_a_summary_is_the_sum_of_its_calls(
    ledger: Ledger, zone: str, calls: Calls, since: int | None, until: int | None, devices: tuple[str, ...] | None
) -> None:
    async def work(database: Database) -> None:
        await bill_all(database, calls)
        async with database.read() as connection:
            found = await summarise(connection, OWNER, devices, since, until)
            rows = [row for row in await every_call(connection) if fits(row, devices, since, until)]
        assert found.totals == added_up(rows)
        for group, names in KEYS.items():
            parts: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
            for row in rows:
                parts[tuple(row[name] for name in names)].append(row)
            shown = {tuple(key[name] for name in names): totals for key, totals in found.groups[group]}
            assert shown == {key: added_up(part) for key, part in parts.items()}
            costs = [totals.cost_known for _, totals in found.groups[group]]
            assert costs == sorted(costs, reverse=True)

    ledger.run(zone, work)


@settings(max_examples=40, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    calls=calls,
    begin=MOMENTS,
    # A length that starts between two hours touches one hour more than it is long.
    length=st.integers(1, MAX_BUCKETS - 1),
    ragged=st.integers(0, HOUR),
    bucket=st.sampled_from(("hour", "day", "month")),
    by=st.sampled_from(("model", "provider", "device", "source")),
    devices=DEVICES,
)
def test_a_series_is_the_sum_of_its_calls_bucket_by_bucket(
    ledger: Ledger,
    zone: str,
    calls: Calls,
    begin: int,
    length: int,
    ragged: int,
    bucket: Period,
    by: SeriesBy,
    devices: tuple[str, ...] | None,
) -> None:
    async def work(database: Database) -> None:
        await bill_all(database, calls)
        async with database.read() as connection:
            calendar = await calendar_of(connection)
            until = begin + (length if bucket == "hour" else length // 2) * HOUR - ragged
            if begin > until:
                return
            found = await series(connection, OWNER, bucket, by, now=NOW, device_ids=devices, since=begin, until=until)
            rows = [row for row in await every_call(connection) if fits(row, devices, begin, until)]
        assert [each.start for each in found.buckets] == [start for start, _ in calendar.spans(bucket, begin, until)]
        column = {"device": "device_id"}.get(by, by)
        for shown in found.buckets:
            here = [row for row in rows if calendar.start(bucket, row["timestamp"]) == shown.start]
            assert shown.totals == added_up(here)
            parts = {key: added_up(row for row in here if row[column] == key) for key in {row[column] for row in here}}
            assert {key: totals for key, _, totals in shown.parts} == parts

    ledger.run(zone, work)


@given(zone=st.sampled_from(ZONES), since=MOMENTS, until=MOMENTS)
def test_stretches_follow_each_other_and_are_few(zone: str, since: int, until: int) -> None:
    since, until = sorted((since, until))
    found = stretches(Calendar(zone, ZoneInfo(zone)), since, until)
    assert (found[0].since, found[-1].until) == (since, until)
    assert [each.until for each in found[:-1]] == [each.since for each in found[1:]]
    calls = [each for each in found if each.level is None]
    assert all(each.until - each.since <= HOUR for each in calls)
    assert len(found) <= 11


async def in_berlin(database: Database, *calls: tuple[Origin, Attempt]) -> None:
    async with database.write() as connection:
        await connection.run_sync(rebuild_rollups, "Europe/Berlin")
    for each in calls:
        await bill(database, *each)


async def ask(database: Database, bucket: Period, by: SeriesBy = "model", **range: Any) -> UsageSeries:
    async with database.read() as connection:
        return await series(connection, OWNER, bucket, by, **{"now": NOW, **range})


async def test_a_day_of_23_and_a_day_of_25_hours(database: Database) -> None:
    """A call an hour, from midnight to midnight by Berlin's clocks."""
    for day, hours in ((1_774_738_800_000, 23), (1_792_879_200_000, 25)):
        await in_berlin(database, *((origin(), attempt(1, started_at=day + at * HOUR)) for at in range(-1, hours + 1)))
        found = await ask(database, "day", since=day - HOUR, until=day + (hours + 1) * HOUR)
        assert [each.totals.requests for each in found.buckets] == [1, hours, 1]
        assert found.buckets[1].start == day
        found = await ask(database, "hour", since=day, until=day + hours * HOUR)
        assert [each.totals.requests for each in found.buckets] == [1] * hours


@pytest.mark.parametrize(
    ("bucket", "around"),
    [("hour", HOUR // 2), ("day", 12 * HOUR), ("day", 100), ("month", 20 * 24 * HOUR), ("month", 12 * HOUR)],
)
async def test_a_range_over_one_boundary_has_its_calls_on_the_side_they_were_made(
    database: Database, bucket: Period, around: int
) -> None:
    """Of neither bucket the whole: of 24 hours up to now, the first part was yesterday."""
    december = 1_796_079_600_000  # 2026-12-01 00:00 in Berlin
    await in_berlin(
        database, *((origin(), attempt(cost, started_at=december + by)) for cost, by in ((3, -around // 2), (5, 10)))
    )
    found = await ask(database, bucket, since=december - around, until=december + around)
    assert [(each.start < december, each.totals.cost_known) for each in found.buckets] == [(True, 3), (False, 5)]


async def test_quiet_days_are_there_and_have_no_parts(database: Database) -> None:
    monday = 1_795_388_400_000  # 2026-11-23 00:00 in Berlin
    await in_berlin(
        database,
        (origin(), attempt(2, started_at=monday)),
        (origin(), attempt(None, "unpriced", started_at=monday + 72 * HOUR)),
    )
    found = await ask(database, "day", now=monday + 100 * HOUR)
    assert found.time_zone == "Europe/Berlin"
    assert [each.start for each in found.buckets] == [monday + day * 24 * HOUR for day in range(5)]
    assert [len(each.parts) for each in found.buckets] == [1, 0, 0, 1, 0]
    shown = found.as_dict()["buckets"]
    assert shown[0]["start"] == "2026-11-22T23:00:00.000Z"
    assert [each["totals"]["cost"] for each in shown] == [2e-9, 0, 0, None, 0]


async def test_without_calls_there_is_nothing_to_show(database: Database) -> None:
    assert (await ask(database, "day")).buckets == []
    assert [each.parts for each in (await ask(database, "month", since=NOW - HOUR)).buckets] == [[]]
    assert (await ask(database, "day", since=NOW, until=NOW)).buckets == []


async def test_a_clock_that_was_ahead_loses_no_call(database: Database) -> None:
    await bill(database, origin(), attempt(3, started_at=NOW + 48 * HOUR))
    found = await ask(database, "day", since=NOW - HOUR)
    assert sum(each.totals.requests for each in found.buckets) == 1


@pytest.mark.parametrize(("bucket", "length"), [("hour", HOUR), ("day", 24 * HOUR), ("month", 31 * 24 * HOUR)])
async def test_there_are_four_hundred_buckets_at_most(database: Database, bucket: Period, length: int) -> None:
    assert len((await ask(database, bucket, since=NOW - 390 * length)).buckets) > 380
    with pytest.raises(InvalidRequest, match=f"more than 400 {bucket}s"):
        await ask(database, bucket, since=NOW - 412 * length)


async def test_devices_are_shown_by_name(database: Database) -> None:
    await bill(database, origin(device_id="p1"), attempt(3))
    await bill(database, origin(device_id="old"), attempt(2))
    await bill(database, origin(), attempt(1))
    async with database.write() as connection:
        await touch_device(connection, OWNER, "p1", "curl/8.5.0", 1)
        await touch_device(connection, STRANGER, "old", "Wget/1.2", 1)
    async with database.read() as connection:
        summary = await summarise(connection, OWNER)
    named = [("p1", "curl"), ("old", None), (None, None)]
    assert [(key["device_id"], key["name"]) for key, _ in summary.groups["by_device"]] == named
    (bucket,) = (await ask(database, "month", "device", until=HOUR)).buckets
    assert [(key, name) for key, name, _ in bucket.parts] == named


async def test_nobody_else_s_calls_are_counted(database: Database) -> None:
    await bill(database, origin(user_id=STRANGER, device_id="phone"), attempt(4, usage=Usage(5, 5)))
    async with database.read() as connection:
        assert (await summarise(connection, OWNER)).totals == UsageTotals()
        assert (await summarise(connection, OWNER, ["phone"], 0, NOW)).groups["by_device"] == []
        assert (await summarise(connection, STRANGER)).totals.cost_known == 4
    assert (await ask(database, "month")).buckets == []
    assert [each.parts for each in (await ask(database, "month", since=0, until=HOUR)).buckets] == [[]]
