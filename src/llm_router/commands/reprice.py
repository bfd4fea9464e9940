"""`llm-router reprice --since DATE`: the ledger priced again, the difference shown before anything is changed."""

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING

from llm_router.commands.text import amount, table
from llm_router.commands.when import WHEN, when
from llm_router.domain.errors import StorageFailed
from llm_router.domain.usage import dollars
from llm_router.settings import Settings

if TYPE_CHECKING:
    from llm_router.services.reprice import Difference


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", required=True, type=when, metavar="WHEN", help=f"calls begun then or later: {WHEN}")
    parser.add_argument("--until", type=when, metavar="WHEN", help="calls begun before then")
    parser.add_argument("--model", metavar="NAME", help="calls of this model only, by any of its names")
    parser.add_argument("--apply", action="store_true", help="write the new prices down")
    parser.add_argument("--yes", action="store_true", help="with --apply: do not ask")


def run(settings: Settings, options: argparse.Namespace) -> int:
    """0 when it was done, or there was nothing to do; 1 when it was declined or failed."""
    try:
        return asyncio.run(_reprice(settings, options))
    except StorageFailed as error:
        print(f"llm-router: {error.message}", file=sys.stderr)
        return 1


async def _reprice(settings: Settings, options: argparse.Namespace) -> int:
    from llm_router.services.prices import price_lookup
    from llm_router.services.reprice import PriceList, Selection, apply, differences
    from llm_router.store.database import open_beside_server
    from llm_router.store.rollups import calendar_of
    from llm_router.store.tables import OWNER_ID

    connections = frozenset({"local", *(connection.name for connection in settings.connections)})
    prices = PriceList(price_lookup(settings), connections)
    now = int(time.time() * 1000)
    async with open_beside_server(settings.database_path) as database:
        async with database.read() as connection:
            calendar = await calendar_of(connection)
        since, until = (moment and moment(now, calendar) for moment in (options.since, options.until))
        selection = Selection(since, until, options.model)
        total, by_day = await differences(database, OWNER_ID, selection, prices)
        print(_text(total, by_day))
        if not total.changed:
            return 0
        if not options.apply:
            print("\nNothing was changed. With --apply this is written down.")
            return 0
        if not options.yes and not _confirmed(total.changed):
            print("Nothing was changed.")
            return 1
        changed = await apply(database, OWNER_ID, selection, prices)
    print(f"{_calls(changed)} {'has its' if changed == 1 else 'have their'} new price.")
    return 0


def _confirmed(calls: int) -> bool:
    try:
        return input(f"\nWrite the new price of {_calls(calls)} down? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


def _text(total: "Difference", by_day: list["Difference"]) -> str:
    if not total.calls:
        return "There are no such calls."
    header = ["day", "model", "calls", "changed", "old", "new", "difference", "unpriced"]
    rows = [[str(row.day), row.model or "", *_cells(row)] for row in by_day if row.changed]
    if not rows:
        booked = "costs today what it is" if total.calls == 1 else "cost today what they are"
        return f"{_calls(total.calls)} {booked} booked at: {amount(dollars(total.old_nanousd))}."
    return table(header, [*rows, ["total", "", *_cells(total)]], left=2)


def _cells(row: "Difference") -> list[str]:
    old = None if row.old_unpriced == row.calls else dollars(row.old_nanousd)
    new = None if row.new_unpriced == row.calls else dollars(row.new_nanousd)
    difference = None if old is None or new is None else new - old
    return [
        f"{row.calls:,}",
        f"{row.changed:,}",
        amount(old),
        amount(new),
        amount(difference, signed=True),
        str(row.new_unpriced or "") if row.old_unpriced == row.new_unpriced else _arrow(row),
    ]


def _calls(count: int) -> str:
    return f"{count:,} {'call' if count == 1 else 'calls'}"


def _arrow(row: "Difference") -> str:
    return f"{row.old_unpriced} → {row.new_unpriced}"
