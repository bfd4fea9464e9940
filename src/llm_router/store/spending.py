"""What was spent: sums of the ledger over any range of time, exact to the millisecond.

A range is put together from whole months, days and hours of `usage_rollups`, and from the calls themselves only at its
ragged ends. So it is answered from some thousand rows, however many calls there are.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, CompoundSelect, Integer, Select, Text, bindparam, func, literal, select, union_all

from llm_router.domain.calendar import PERIODS, Calendar, Period
from llm_router.domain.conversations import shown_dollars, shown_time
from llm_router.domain.errors import InvalidRequest
from llm_router.store.devices import device_names
from llm_router.store.lists import is_listed, listed
from llm_router.store.rollups import (
    DIMENSIONS,
    FACET_LEVELS,
    FACET_SUMS,
    FACETS,
    LEDGER_DIMENSIONS,
    calendar_of,
    facet_columns,
)
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import usage_facets, usage_logs, usage_rollups

MAX_BUCKETS = 400
"""Over a year of days, over two weeks of hours. An answer of more would keep the other requests waiting."""

SeriesBy = Literal["model", "provider", "device", "source"]

_ALWAYS = (-(2**62), 2**62)
"""What is further away than any moment has no calendar."""

_GROUPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "by_model": ("model", ("model", "provider")),
    "by_provider": ("model", ("provider", "connection")),
    "by_device": ("status", ("device_id",)),
    "by_source": ("source", ("source",)),
    "by_status": ("status", ("status",)),
    "by_cost_status": ("cost_status", ("cost_status",)),
}
"""The parts of a summary: the facet that knows them, and what tells them apart. Every facet knows the device."""

_SERIES: Mapping[SeriesBy, tuple[str, str]] = {
    "model": ("model", "model"),
    "provider": ("model", "provider"),
    "device": ("status", "device_id"),
    "source": ("source", "source"),
}


class UsageTotals(NamedTuple):
    requests: int = 0
    failed: int = 0
    exact: int = 0
    bounded: int = 0
    estimated: int = 0
    unpriced: int = 0
    tokens_input: int = 0
    tokens_output: int = 0
    tokens_cache_read: int = 0
    tokens_cache_write: int = 0
    tokens_reasoning: int = 0
    web_searches: int = 0
    cost_known: int = 0
    """Nano-dollars of the calls whose cost is known."""

    @property
    def cost_nanousd(self) -> int | None:
        """None where there were calls and the cost of none is known."""
        return None if self.requests and self.requests == self.unpriced else self.cost_known

    def as_dict(self, **called: str | None) -> dict[str, Any]:
        """As the API shows it, behind what it is `called`."""
        shown: dict[str, Any] = called
        shown.update(zip(_SHOWN, self, strict=False))
        shown["cost"] = shown_dollars(self.cost_nanousd)
        return shown

    def plus(self, other: "UsageTotals | None") -> "UsageTotals":
        return UsageTotals(*map(operator.add, self, other)) if other is not None else self


def sum_of(parts: Iterable[UsageTotals]) -> UsageTotals:
    return UsageTotals(*map(sum, zip(*parts, strict=True)))


_SHOWN = UsageTotals._fields[:-1]


@dataclass(frozen=True, slots=True)
class UsageSummary:
    totals: UsageTotals
    groups: dict[str, list[tuple[dict[str, str | None], UsageTotals]]]
    """`by_model` and so on: what each part is called and what it adds up to, the dearest first."""

    def as_dict(self) -> dict[str, Any]:
        parts = {name: [totals.as_dict(**key) for key, totals in found] for name, found in self.groups.items()}
        return {"totals": self.totals.as_dict(), **parts}


@dataclass(frozen=True, slots=True)
class Bucket:
    start: int
    parts: list[tuple[str | None, str | None, UsageTotals]]
    """`(key, name, totals)`, the dearest first."""

    @property
    def totals(self) -> UsageTotals:
        return sum_of(totals for _, _, totals in self.parts)

    def as_dict(self) -> dict[str, Any]:
        return {
            "start": shown_time(self.start),
            "totals": self.totals.as_dict(),
            "parts": [totals.as_dict(key=key, name=name) for key, name, totals in self.parts],
        }


@dataclass(frozen=True, slots=True)
class UsageSeries:
    time_zone: str
    buckets: list[Bucket]

    def as_dict(self) -> dict[str, Any]:
        return {"time_zone": self.time_zone, "buckets": [bucket.as_dict() for bucket in self.buckets]}


async def summarise(
    connection: AsyncConnection,
    user_id: str,
    device_ids: Sequence[str] | None = None,
    since: int | None = None,
    until: int | None = None,
) -> UsageSummary:
    """All calls of the owner, or those of some devices, or those begun from `since` on and before `until`."""
    begin, end = (always if given is None else given for given, always in zip((since, until), _ALWAYS, strict=True))
    parts = stretches(await calendar_of(connection), begin, end)
    statement = _summary(tuple(part.level for part in parts), device_ids is not None)
    rows = await connection.execute(statement, _parameters(parts, user_id, device_ids))
    groups: dict[str, dict[tuple[str, ...], UsageTotals]] = {name: {} for name in _GROUPS}
    for facet, key, provider, origin, device_id, *sums in rows:
        each = UsageTotals(*sums)
        known = {facet: key, "provider": provider, "connection": origin, "device_id": device_id}
        for name, (needed, columns) in _GROUPS.items():
            if facet == needed:
                part = tuple(known[column] for column in columns)
                groups[name][part] = each.plus(groups[name].get(part))
    total = sum_of(groups["by_status"].values())
    names = await device_names(connection, user_id, [key for (key,) in groups["by_device"]])

    def called(group: str, key: tuple[str, ...]) -> dict[str, str | None]:
        if group == "by_device":
            return {"device_id": key[0] or None, "name": names.get(key[0])}
        return dict(zip(_GROUPS[group][1], key, strict=True))

    return UsageSummary(
        total,
        {name: [(called(name, key), each) for key, each in _dearest(found)] for name, found in groups.items()},
    )


async def series(
    connection: AsyncConnection,
    user_id: str,
    bucket: Period,
    by: SeriesBy,
    *,
    now: int,
    device_ids: Sequence[str] | None = None,
    since: int | None = None,
    until: int | None = None,
) -> UsageSeries:
    """The same, hour by hour, day by day or month by month; from the first call on and up to `now` where not told.

    Raises InvalidRequest for a range of more than `MAX_BUCKETS`.
    """
    calendar = await calendar_of(connection)
    first, last = await _first_and_last(connection, user_id, bucket)
    begin = since if since is not None else first
    end = until if until is not None else max(now + 1, 0 if last is None else calendar.span(bucket, last)[1])
    if begin is None or begin >= end:
        return UsageSeries(calendar.name, [])
    starts = _bucket_starts(calendar, bucket, begin, end)
    parts = stretches(calendar, begin, end, bucket)
    statement = _series(tuple(part.level for part in parts), device_ids is not None, bucket, *_SERIES[by])
    buckets = {f"bucket_{at}": calendar.start(bucket, part.since) for at, part in enumerate(parts)}
    found: dict[int, dict[str, UsageTotals]] = {start: {} for start in starts}
    for row in (await connection.execute(statement, _parameters(parts, user_id, device_ids) | buckets)).all():
        start, key = row[:2]
        found[start][key] = UsageTotals(*row[2:]).plus(found[start].get(key))
    keys = {key for rows in found.values() for key in rows}
    names = await device_names(connection, user_id, keys) if by == "device" else {key: key for key in keys}
    return UsageSeries(
        calendar.name,
        [
            Bucket(start, [(key or None, names.get(key), each) for key, each in _dearest(rows)])
            for start, rows in found.items()
        ],
    )


def _bucket_starts(calendar: Calendar, bucket: Period, since: int, until: int) -> list[int]:
    starts: list[int] = []
    for start, _ in calendar.spans(bucket, since, until):
        starts.append(start)
        if len(starts) > MAX_BUCKETS:
            raise InvalidRequest(
                f"That is more than {MAX_BUCKETS:,} {bucket}s. Ask for a shorter time with `since` and `until`, "
                "or for longer buckets."
            )
    return starts


async def _first_and_last(connection: AsyncConnection, user_id: str, level: Period) -> tuple[int | None, int | None]:
    mine = (usage_rollups.c.user_id == user_id, usage_rollups.c.level == level)
    ends = [select(end(usage_rollups.c.start)).where(*mine).scalar_subquery() for end in (func.min, func.max)]
    first, last = (await connection.execute(select(*ends))).one()
    return first, last


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a range of time, and where its sums are: in the rollups of a level, or, without one, in the calls."""

    level: Period | None
    since: int
    until: int


def stretches(calendar: Calendar, since: int, until: int, longest: Period | None = "month") -> list[Stretch]:
    """The range in as few and as long stretches as it can be put together from, none over a boundary of `longest`."""
    if longest is None:
        return [Stretch(None, since, until)]
    shorter = PERIODS[PERIODS.index(longest) - 1] if longest != PERIODS[0] else None
    first, last = since, until
    if since not in _ALWAYS:
        start, end = calendar.span(longest, since)
        first = since if since == start else end
    if until not in _ALWAYS:
        last = calendar.start(longest, until)
    if first > last or since >= until:
        return stretches(calendar, since, until, shorter)
    return [
        *(stretches(calendar, since, first, shorter) if since < first else ()),
        *([Stretch(longest, first, last)] if first < last else ()),
        *(stretches(calendar, last, until, shorter) if last < until else ()),
    ]


Levels = tuple[Period | None, ...]


# Statements depend on few things and are made once for each: to put one together takes longer than to run it.
@lru_cache(maxsize=64)
def _summary(levels: Levels, of_devices: bool) -> CompoundSelect[Any]:
    """Rows of `(facet, key, provider, connection, device_id, *FACET_SUMS)`, those of each stretch."""
    names = ("facet", "key", "provider", "connection", "device_id")
    found, ends = [], []
    for at, level in enumerate(levels):
        if level in FACET_LEVELS:
            part = _part(at, level, of_devices, names).where(usage_facets.c.facet.in_(FACETS))
            found.append(_added_up(part, names))
        else:
            ends.append(_part(at, level, of_devices, DIMENSIONS))
    if ends:
        calls = union_all(*ends).cte("ends").c
        for facet in FACETS:
            origin = (calls.provider, calls.connection) if facet == "model" else (literal(""), literal(""))
            keys = (literal(facet), calls[facet], *origin, calls.device_id)
            named = [key.label(name) for name, key in zip(names, keys, strict=True)]
            found.append(_added_up(select(*named, *(calls[name] for name in FACET_SUMS)), names))
    return union_all(*found)


@lru_cache(maxsize=256)
def _series(levels: Levels, of_devices: bool, bucket: Period, facet: str, key: str) -> CompoundSelect[Any]:
    """Rows of `(start of the bucket, key, *FACET_SUMS)`, those of each stretch."""
    found = []
    for at, level in enumerate(levels):
        name = "key" if level in FACET_LEVELS and key == facet else key
        part = _part(at, level, of_devices, (name,))
        if level in FACET_LEVELS:
            part = part.where(usage_facets.c.facet == facet)
        start = _moment(level) if level == bucket else bindparam(f"bucket_{at}", type_=Integer)
        found.append(_added_up(part.add_columns(start.label("start")), ("start", name)))
    return union_all(*found)


def _added_up(rows: Select[Any], keys: Sequence[str]) -> Select[Any]:
    each = rows.subquery().c
    return select(
        *(each[key] for key in keys), *(func.coalesce(func.sum(each[name]), 0).label(name) for name in FACET_SUMS)
    ).group_by(*(each[key] for key in keys))


def _part(at: int, level: Period | None, of_devices: bool, keys: Sequence[str]) -> Select[Any]:
    """Rows of `keys` and FACET_SUMS of the stretch of this number, still to be added up."""
    columns: dict[str, ColumnElement[Any]] = {}
    if level in FACET_LEVELS:
        table = usage_facets
        columns |= table.c
    elif level is not None:
        table = usage_rollups
        columns |= {**table.c, **facet_columns(table.c, table.c.requests)}
    else:
        table = usage_logs
        columns |= zip(DIMENSIONS, LEDGER_DIMENSIONS, strict=True)
        columns |= facet_columns(table.c, literal(1))
    part = select(*(columns[name].label(name) for name in (*keys, *FACET_SUMS))).where(
        table.c.user_id == bindparam("user_id"),
        _moment(level) >= bindparam(f"since_{at}", type_=Integer),
        _moment(level) < bindparam(f"until_{at}", type_=Integer),
    )
    if level is not None:
        part = part.where(table.c.level == level)
    return part.where(is_listed(table.c.device_id, bindparam("device_ids", type_=Text))) if of_devices else part


def _moment(level: Period | None) -> ColumnElement[int]:
    if level is None:
        return usage_logs.c.timestamp
    return usage_facets.c.start if level in FACET_LEVELS else usage_rollups.c.start


def _parameters(parts: Sequence[Stretch], user_id: str, device_ids: Sequence[str] | None) -> dict[str, Any]:
    named: dict[str, Any] = {"user_id": user_id}
    if device_ids is not None:
        named["device_ids"] = listed(device_ids)
    for at, part in enumerate(parts):
        named |= {f"since_{at}": part.since, f"until_{at}": part.until}
    return named


_Key = TypeVar("_Key", str, tuple[str, ...])


def _dearest(parts: Mapping[_Key, UsageTotals]) -> list[tuple[_Key, UsageTotals]]:
    """The dearest first; of those that cost the same, those that were asked more often."""
    return sorted(parts.items(), key=lambda part: (-part[1].cost_known, -part[1].requests, part[0]))
