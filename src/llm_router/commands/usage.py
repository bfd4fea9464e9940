"""`llm-router usage`: what was spent, when, on what and where, and how sure that is."""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llm_router.commands.text import amount, table
from llm_router.commands.when import WHEN, when
from llm_router.domain.calendar import Calendar
from llm_router.domain.conversations import shown_time
from llm_router.domain.errors import InvalidRequest, NotFound, RouterError, StorageFailed
from llm_router.domain.usage import dollars
from llm_router.settings import Settings

if TYPE_CHECKING:
    from llm_router.store.spending import UsageSeries, UsageSummary, UsageTotals
    from llm_router.store.sql import AsyncConnection

_HEADER = ("calls", "tokens in", "tokens out", "cost", "how sure")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", type=when, metavar="WHEN", help=f"calls begun then or later: {WHEN}")
    parser.add_argument("--until", type=when, metavar="WHEN", help="calls begun before then")
    parser.add_argument("--device", metavar="NAME", help="calls of one device, by its name or id")
    parser.add_argument(
        "--by", choices=("model", "provider", "device", "source", "day"), default="model", help="default: model"
    )
    parser.add_argument("--json", action="store_true", help="print what the API would answer")


def run(settings: Settings, options: argparse.Namespace) -> int:
    """0 when it was printed; 1 where the database cannot be read; 2 for a mistake in the call."""
    try:
        print(asyncio.run(_usage(settings, options)))
    except RouterError as error:
        print(f"llm-router: {error.message}", file=sys.stderr)
        return 1 if isinstance(error, StorageFailed) else 2
    return 0


async def _usage(settings: Settings, options: argparse.Namespace) -> str:
    from llm_router.store.database import open_beside_server
    from llm_router.store.rollups import calendar_of
    from llm_router.store.spending import series, summarise
    from llm_router.store.tables import OWNER_ID

    now = int(time.time() * 1000)
    async with open_beside_server(settings.database_path) as database, database.read() as connection:
        calendar = await calendar_of(connection)
        since, until = (moment and moment(now, calendar) for moment in (options.since, options.until))
        if since is not None and until is not None and since > until:
            raise InvalidRequest("--since is later than --until.")
        ids = await _device(connection, OWNER_ID, options.device) if options.device else None
        found: UsageSummary | UsageSeries
        if options.by == "day":
            found = await series(
                connection, OWNER_ID, "day", "model", now=now, device_ids=ids, since=since, until=until
            )
        else:
            found = await summarise(connection, OWNER_ID, ids, since, until)
    if options.json:
        return _json(found, options, ids, since, until)
    title = _title(options.device, since, until, calendar)
    totals, parts = _parts(found, options.by, calendar)
    if not totals.requests:
        return f"{title}: nothing, no calls were made."
    lines = [[options.by, *_HEADER], *([label, *_cells(each)] for label, each in (*parts, ("total", totals)))]
    # Words are read from the left, though they stand in a column to the right.
    widest = max(len(line[-1]) for line in lines)
    header, *rows = [[*cells, words.ljust(widest)] for *cells, words in lines]
    return f"{title}\n\n{table(header, rows)}"


async def _device(connection: "AsyncConnection", user_id: str, name_or_id: str) -> Sequence[str]:
    from llm_router.store.devices import find_devices, list_devices

    ids = await find_devices(connection, user_id, name_or_id)
    known = await list_devices(connection, user_id, None)
    if ids == (name_or_id,) and name_or_id not in {device.id for device in known}:
        names = ", ".join(sorted({device.name for device in known}))
        raise NotFound(
            f"No device is called {name_or_id!r}. " + (f"There are: {names}." if names else "There are none.")
        )
    return ids


def _parts(
    found: "UsageSummary | UsageSeries", by: str, calendar: Calendar
) -> "tuple[UsageTotals, list[tuple[str, UsageTotals]]]":
    """The sum, and its parts by what they are called; of days those on which something was asked."""
    from llm_router.store.spending import UsageSeries, sum_of

    if isinstance(found, UsageSeries):
        days = [(str(calendar.local(bucket.start).date()), bucket.totals) for bucket in found.buckets]
        return sum_of(totals for _, totals in days), [(day, totals) for day, totals in days if totals.requests]
    parts = found.groups[f"by_{by}"]
    if by == "device":
        names = Counter(key["name"] for key, _ in parts)
        return found.totals, [(_device_label(key, names), totals) for key, totals in parts]
    if by == "provider":
        return found.totals, [(_provider_label(key), totals) for key, totals in parts]
    return found.totals, [(key[by] or "", totals) for key, totals in parts]


def _device_label(key: dict[str, str | None], names: Counter[str | None]) -> str:
    device_id, name = key["device_id"], key["name"]
    if device_id is None:
        return "no device"
    return (name if names[name] == 1 else f"{name} ({device_id[:8]})") if name else device_id


def _provider_label(key: dict[str, str | None]) -> str:
    provider, connection = key["provider"] or "", key["connection"] or ""
    return provider if provider == connection else f"{connection} ({provider})"


def _cells(totals: "UsageTotals") -> list[str]:
    return [
        f"{totals.requests:,}",
        f"{totals.tokens_input:,}",
        f"{totals.tokens_output:,}",
        amount(dollars(totals.cost_nanousd)),
        _sureness(totals),
    ]


def _sureness(totals: "UsageTotals") -> str:
    """One word where it holds for every call; else how many are how sure."""
    counts = {status: getattr(totals, status) for status in ("exact", "bounded", "estimated", "unpriced")}
    known = {status: count for status, count in counts.items() if count}
    return next(iter(known)) if len(known) == 1 else ", ".join(f"{count:,} {status}" for status, count in known.items())


def _title(device: str | None, since: int | None, until: int | None, calendar: Calendar) -> str:
    words = ["Spent", *([f"on {device}"] if device else [])]
    for word, moment in (("since", since), ("until", until)):
        if moment is not None:
            words.append(f"{word} {calendar.local(moment):%a %Y-%m-%d %H:%M}")
    return f"{' '.join(words)} ({calendar.name})"


def _json(
    found: "UsageSummary | UsageSeries",
    options: argparse.Namespace,
    ids: Sequence[str] | None,
    since: int | None,
    until: int | None,
) -> str:
    import orjson

    shown: dict[str, Any] = {"bucket": "day", "by": "model"} if options.by == "day" else {}
    if options.by != "day":
        shown["scope"] = "overall" if ids is None else "device"
        shown["device_id"] = None if ids is None else ids[0] if len(ids) == 1 else options.device
    shown["since"] = None if since is None else shown_time(since)
    shown["until"] = None if until is None else shown_time(until)
    return orjson.dumps(shown | found.as_dict(), option=orjson.OPT_INDENT_2).decode()
