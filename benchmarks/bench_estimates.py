"""How near an estimate comes to what recorded prompts took, and how long it takes to make one.

The prompts are those of the recordings that had nothing but text in them; without the recordings only the time is
measured. An estimate takes from the question to its JSON, in a real SQLite file. Prints medians of several runs.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.recorded_prompts import recorded_prompts
from tests.store.rows import attempt, bill, conversation, keep, message, origin

from llm_router.domain.clock import Clock
from llm_router.domain.usage import Usage
from llm_router.services.budgets import Budgets
from llm_router.services.catalog import Catalog
from llm_router.services.chat import Caller
from llm_router.services.estimates import Estimates, Question
from llm_router.services.snapshot import load_snapshot
from llm_router.settings import ConnectionSettings, Secret
from llm_router.store.database import Database, open_database
from llm_router.store.tables import OWNER_ID

MODEL = "gpt-5"
MESSAGES = 2_000
RUNS = 15
OPENAI = ConnectionSettings("openai", "openai", "https://api.openai.com/v1", Secret("k"), "OPENAI_API_KEY")


def estimates(database: Database) -> Estimates:
    clock = Clock(time.time, time.monotonic)
    catalog = Catalog([OPENAI], {}, load_snapshot(), now=lambda: datetime.now(tz=UTC))
    return Estimates(database, catalog, Budgets(database, clock), clock)


async def accuracy(database: Database) -> None:
    rows: list[tuple[str, int, int, int, int]] = []
    for number, prompt in enumerate(recorded_prompts()):
        place = f"r{number}"
        path = [
            message(f"{place}-{at}", f"{place}-{at - 1}" if at else None, conversation_id=place, text=text)
            for at, text in enumerate(prompt.turns[:-1])
        ]
        leaf = path[-1].id if path else None
        await keep(database, conversation(place, system_prompt=prompt.system, active_leaf_id=leaf), messages=path)
        question = Question(prompt.turns[-1], models=(MODEL,), conversation_id=place)
        found = (await estimates(database).estimate(Caller(OWNER_ID, None), question)).models[0].tokens_input
        rows.append((prompt.recording, prompt.tokens_input, found.likely, found.low, found.high))
    if not rows:
        print("No recordings here: set LLM_ROUTER_RECORDINGS.")
        return
    print(f"{'':24}{'prompts':>9}{'within the bounds':>20}{'likely ÷ counted':>32}")
    long, short = [row for row in rows if row[1] >= 200], [row for row in rows if row[1] < 200]
    for name, some in (("of 200 tokens and more", long), ("shorter", short), ("all", rows)):
        within = sum(low <= counted <= high for _, counted, _, low, high in some)
        ratios = sorted(likely / counted for _, counted, likely, _, _ in some)
        spread = f"{ratios[0]:.2f} … {statistics.median(ratios):.2f} … {ratios[-1]:.2f}"
        print(f"{name:24}{len(some):>9}{within:>14} {within / len(some):>4.0%}{spread:>32}")
    print("Outside:")
    for name, counted, likely, low, high in rows:
        if not low <= counted <= high:
            print(f"  {counted:>6} counted, {likely:>6} likely, {low:>6} to {high:>6}: {name}")


async def speed(database: Database) -> None:
    words = "Once there was a prompt that nobody had counted, and it went on for a while. " * 12
    path = [
        message(
            f"s{at}", f"s{at - 1}" if at else None, conversation_id="s", text=words, role=("user", "assistant")[at % 2]
        )
        for at in range(MESSAGES)
    ]
    await keep(database, conversation("s", active_leaf_id=path[-1].id), messages=path)
    question = Question("And then?", models=(MODEL,), conversation_id="s")
    print(f"\nOne estimate, {MESSAGES:,} messages of {len(words)} characters, median of {RUNS}:")
    print(f"  {'every word counted by us':44}{await median(database, question):>8.1f} ms")
    reported = replace(attempt(), usage=Usage(500_000, 200, raw={"prompt_tokens": 500_000}))
    await bill(database, origin(conversation_id="s", message_id=path[-1].id), reported)
    print(f"  {'the last answer counted by its provider':44}{await median(database, question):>8.1f} ms")
    longest = replace(question, text=words * 1000, conversation_id=None)
    print(f"  {f'a new prompt of {len(longest.text):,} characters':44}{await median(database, longest):>8.1f} ms")


async def median(database: Database, question: Question) -> float:
    """Milliseconds."""
    asked = estimates(database)
    durations: list[float] = []
    for _ in range(RUNS):
        start = time.perf_counter()
        orjson.dumps((await asked.estimate(Caller(OWNER_ID, None), question)).as_dict())
        durations.append((time.perf_counter() - start) * 1000)
    return statistics.median(durations)


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="llm-router-bench-") as folder:
        database = await open_database(Path(folder) / "router.db")
        try:
            await accuracy(database)
            await speed(database)
        finally:
            await database.close()


if __name__ == "__main__":
    asyncio.run(main())
