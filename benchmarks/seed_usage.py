"""Writes two months of calls that ended yesterday into a database, which is made where there is none: FILE.

What is written goes through the code that records a server's own calls, and is nearly the same every time.
"""

import asyncio
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from llm_router.domain.attempts import Attempt
from llm_router.domain.chat import Target
from llm_router.domain.ids import new_id
from llm_router.domain.usage import Cost, Usage
from llm_router.store.database import open_database
from llm_router.store.tables import OWNER_ID
from llm_router.store.usage import Origin, insert_attempts

DAYS = 60
DAY = 86_400_000

# How often a model is asked of a hundred calls, and nano-dollars for a token in and out.
MODELS = {
    Target("anthropic", "anthropic", "claude-sonnet-4-5"): (22, 3_000, 15_000),
    Target("openai", "openai", "gpt-5.1"): (38, 1_250, 10_000),
    Target("openai", "openai", "gpt-5-mini"): (28, 250, 2_000),
    Target("anthropic", "anthropic", "claude-haiku-4-5"): (12, 1_000, 5_000),
}


def calls() -> Iterator[Attempt]:
    chance = random.Random(11)
    now = int(time.time() * 1000)
    weights = [weight for weight, _, _ in MODELS.values()]
    for ago in range(DAYS, 0, -1):
        for target in chance.choices(list(MODELS), weights, k=int(chance.triangular(2, 42, 12))):
            _, price_in, price_out = MODELS[target]
            tokens_in, tokens_out = int(chance.triangular(200, 9_000, 1_200)), int(chance.triangular(40, 1_600, 300))
            cached = int(tokens_in * chance.choice((0, 0, 0.6, 0.8)))
            yield Attempt(
                id=new_id(),
                target=target,
                status="complete",
                usage=Usage(tokens_input=tokens_in, tokens_output=tokens_out, tokens_cache_read=cached),
                cost=Cost((tokens_in - cached * 9 // 10) * price_in + tokens_out * price_out, "exact", "2026-11-01"),
                started_at=now - ago * DAY + chance.randrange(DAY // 4),
                duration=chance.triangular(1.5, 14, 4),
                time_to_first_chunk=chance.triangular(0.3, 1.4, 0.5),
            )


async def main(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    database = await open_database(path)
    async with database.write() as connection:
        for attempt in calls():
            device = "laptop" if attempt.started_at % 3 else "phone"
            origin = Origin(OWNER_ID, device, "web", None, None, attempt.target.model)
            await insert_attempts(connection, origin, [attempt])
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
