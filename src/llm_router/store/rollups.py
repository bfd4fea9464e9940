"""What the ledger adds up to by hour, day and month, kept in the transaction that changes the ledger.

Which days and months those are the database itself says, so that every process that writes to it counts the same ones.
"""

import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from sqlalchemy import ColumnCollection, ColumnElement, Connection, Table, case, delete, func, literal, select
from sqlalchemy.dialects.sqlite import Insert, insert

from llm_router.domain.calendar import PERIODS, Calendar, Period
from llm_router.domain.errors import StorageFailed
from llm_router.domain.usage import MESSAGE_COUNTS, CostStatus
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import usage_calendar, usage_facets, usage_logs, usage_rollups

DIMENSIONS = ("model", "provider", "connection", "device_id", "source", "status", "cost_status")
"""What a rollup tells apart."""

SUMS = ("requests", *MESSAGE_COUNTS, "web_searches", "cost")

FACETS = ("model", "source", "status", "cost_status")
FACET_LEVELS: tuple[Period, ...] = ("day", "month")

FACET_SUMS = ("requests", "failed", *get_args(CostStatus), *SUMS[1:])
"""Those of a rollup, and how many calls failed and how sure their costs are, which its dimensions say."""

_KEY = tuple(column.name for column in usage_rollups.primary_key)
_FACET_KEY = tuple(column.name for column in usage_facets.primary_key)


_ZONE_RULE = re.compile(r"(UTC|GMT)$|(<[^>]+>|[A-Za-z]{3,})[+-]?\d")
"""A zone that needs no file: `CET-1CEST` and the like (POSIX, "Environment Variables", TZ)."""


async def calendar_of(connection: AsyncConnection) -> Calendar:
    """Whose days and months this database counts: the server's, wherever it is read. Raises StorageFailed."""
    name = select(usage_calendar.c.time_zone).where(usage_calendar.c.id == 1)
    found = (await connection.execute(name)).scalar_one_or_none()
    if found is None:
        raise StorageFailed("The sums of the ledger are not counted yet. Start the server once: it counts them.")
    return calendar_named(found)


def calendar_named(name: str) -> Calendar:
    """Raises StorageFailed where this machine does not know the zone."""
    if name == local_zone_name():
        return Calendar(name)
    from zoneinfo import ZoneInfo

    try:
        return Calendar(name, ZoneInfo(name))
    except (ValueError, OSError, LookupError):
        raise StorageFailed(
            f"The server counts its days in the time zone {name}, which is not known here. Set TZ as it is set there."
        ) from None


def local_zone_name() -> str:
    """What the machine's time zone is called: `Europe/Berlin`, else its abbreviations, such as `CET/CEST`."""
    name = os.environ.get("TZ")
    if name is None:
        name = os.path.realpath("/etc/localtime")
    name = name.removeprefix(":")
    if Path(name).is_absolute():
        _, found, name = name.partition("zoneinfo/")
        return name if found else "/".join(time.tzname)
    return name or "UTC"


def unknown_zone(environ: Mapping[str, str]) -> str | None:
    """What `TZ` says, where this machine has no such zone: its C library then counts in UTC, and says nothing."""
    name = environ.get("TZ", "").removeprefix(":")
    if not name or _ZONE_RULE.match(name):
        return None
    return None if (Path(environ.get("TZDIR", "/usr/share/zoneinfo")) / name).is_file() else name


async def change_rollups(
    connection: AsyncConnection,
    user_id: str,
    *,
    added: Iterable[Mapping[str, Any]] = (),
    removed: Iterable[Mapping[str, Any]] = (),
) -> None:
    """Adds rows of `usage_logs` to the sums, and takes others out of them."""
    calendar = await calendar_of(connection)
    rollups: dict[Key, list[int]] = {}
    facets: dict[Key, list[int]] = {}
    for sign, rows in ((1, added), (-1, removed)):
        for row in rows:
            values = [sign, *(sign * (row[name] or 0) for name in SUMS[1:])]
            failed = sign if row["status"] == "error" else 0
            sure = (sign if row["cost_status"] == status else 0 for status in get_args(CostStatus))
            facet_values = [sign, failed, *sure, *values[1:]]
            device = row["device_id"] or ""
            for level in PERIODS:
                start = calendar.start(level, row["timestamp"])
                _add(rollups, (user_id, level, start, *(row[name] or "" for name in DIMENSIONS)), values)
                for facet in FACETS if level in FACET_LEVELS else ():
                    origin = (row["provider"], row["connection"]) if facet == "model" else ("", "")
                    _add(facets, (user_id, level, facet, start, row[facet], *origin, device), facet_values)
    await _write(connection, usage_rollups, (*_KEY, *SUMS), rollups)
    await _write(connection, usage_facets, (*_FACET_KEY, *FACET_SUMS), facets)


Key = tuple[Any, ...]


def _add(changes: dict[Key, list[int]], key: Key, values: Sequence[int]) -> None:
    changes[key] = [was + more for was, more in zip(changes.get(key, [0] * len(values)), values, strict=True)]


async def _write(
    connection: AsyncConnection, table: Table, columns: Sequence[str], changes: Mapping[Key, Sequence[int]]
) -> None:
    changed = [dict(zip(columns, (*key, *sums), strict=True)) for key, sums in changes.items() if any(sums)]
    if not changed:
        return
    await connection.execute(_ADD[table.name], changed)
    # What nothing is left of is as if it had never been.
    for level, start in {(row["level"], row["start"]) for row in changed if row["requests"] < 0}:
        await connection.execute(
            delete(table).where(
                table.c.user_id == changed[0]["user_id"],
                table.c.level == level,
                table.c.start == start,
                table.c.requests == 0,
            )
        )


def _upsert(table: Table, key: Sequence[str], sums: Sequence[str]) -> Insert:
    new = insert(table)
    return new.on_conflict_do_update(
        index_elements=key, set_={name: table.c[name] + new.excluded[name] for name in sums}
    )


_ADD = {
    "usage_rollups": _upsert(usage_rollups, _KEY, SUMS),
    "usage_facets": _upsert(usage_facets, _FACET_KEY, FACET_SUMS),
}


def rebuild_rollups(connection: Connection, zone_name: str, levels: Sequence[Period] = PERIODS) -> None:
    """Counts `levels` anew from the ledger, its days and months those of `zone_name`. Blocking."""
    calendar = calendar_named(zone_name)
    connection.execute(delete(usage_calendar))
    connection.execute(usage_calendar.insert().values(id=1, time_zone=zone_name))
    connection.execute(delete(usage_rollups).where(usage_rollups.c.level.in_(levels)))
    connection.execute(delete(usage_facets).where(usage_facets.c.level.in_(levels)))
    for user_id in connection.execute(select(usage_logs.c.user_id).distinct()).scalars().all():
        for level in levels:
            _rebuild_level(connection, calendar, user_id, level)
    for facet in FACETS:
        connection.execute(_facet_of_rollups(facet, [level for level in levels if level in FACET_LEVELS]))


def _rebuild_level(connection: Connection, calendar: Calendar, user_id: str, level: Period) -> None:
    """From one period that has calls to the next, however far that is."""
    end = 0
    while True:
        later = (usage_logs.c.user_id == user_id, usage_logs.c.timestamp >= end)
        moment = connection.execute(select(func.min(usage_logs.c.timestamp)).where(*later)).scalar_one()
        if moment is None:
            return
        start, end = calendar.span(level, moment)
        calls = (
            select(
                usage_logs.c.user_id,
                literal(level),
                literal(start),
                *LEDGER_DIMENSIONS,
                func.count(),
                *(func.coalesce(func.sum(usage_logs.c[name]), 0) for name in SUMS[1:]),
            )
            .where(usage_logs.c.user_id == user_id, usage_logs.c.timestamp >= start, usage_logs.c.timestamp < end)
            .group_by(usage_logs.c.user_id, *LEDGER_DIMENSIONS)
        )
        connection.execute(usage_rollups.insert().from_select([*_KEY, *SUMS], calls))


def _facet_of_rollups(facet: str, levels: Sequence[Period]) -> Insert:
    rollup = usage_rollups.c
    origin = (rollup.provider, rollup.connection) if facet == "model" else (literal(""), literal(""))
    key = (rollup.user_id, rollup.level, literal(facet), rollup.start, rollup[facet], *origin, rollup.device_id)
    sums = [func.sum(column) for column in facet_columns(rollup, rollup.requests).values()]
    grouped = (
        select(*key, *sums)
        .where(rollup.level.in_(levels))
        .group_by(rollup.user_id, rollup.level, rollup.start, rollup.device_id, rollup[facet], *origin)
    )
    return insert(usage_facets).from_select([*_FACET_KEY, *FACET_SUMS], grouped)


def facet_columns(columns: ColumnCollection[str, Any], requests: ColumnElement[int]) -> dict[str, ColumnElement[int]]:
    """FACET_SUMS by name, of rows that have a rollup's columns and stand for `requests` calls each."""

    def calls(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return case((condition, requests), else_=0)

    return {
        "requests": requests,
        "failed": calls(columns.status == "error"),
        **{status: calls(columns.cost_status == status) for status in get_args(CostStatus)},
        **{name: columns[name] for name in SUMS[1:]},
    }


LEDGER_DIMENSIONS = tuple(
    func.coalesce(usage_logs.c.device_id, "").label(name) if name == "device_id" else usage_logs.c[name]
    for name in DIMENSIONS
)
"""The dimensions as columns of the ledger."""
