"""Prices from the configuration file to the bill: what the catalog says of them, and what an answer costs by them."""

from pathlib import Path
from typing import Any

import pytest

from llm_router.domain.pricing import RATES
from tests.fake_provider import Answer, FakeProvider, Text, Tokens
from tests.journeys.client import Client
from tests.journeys.conftest import Start
from tests.journeys.rows import Rows

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICES = """
[connections.own]
provider = "openai_compatible"
base_url = "{base_url}"
models = ["priced-here", "given-away", "nobody-knows"]

[prices."own/priced-here"]
input = 0.1
output = "0.3"
cache_read = 0.01

[prices.given-away]
input = 0
output = 0

[prices."gpt-5-mini"]
input = 0.01
output = 0.02
"""


async def started(start: Start, fake: FakeProvider, tmp_path: Path) -> Client:
    """A server without keys, so that OpenAI's models are the bundled ones."""
    path = tmp_path / "prices.toml"
    path.write_text(PRICES.format(base_url=fake.compatible_url), encoding="utf-8")
    return await start(LLM_ROUTER_CONFIG=str(path), OPENAI_API_KEY="", ANTHROPIC_API_KEY="")


async def test_the_catalog_shows_each_price_whole_and_where_it_is_from(
    start: Start, fake: FakeProvider, tmp_path: Path
) -> None:
    catalog = await (await started(start, fake, tmp_path)).get("/api/usage/models")
    prices = {model["id"]: model["price"] for model in catalog["models"]}

    price = prices["gpt-5.6-terra"]
    assert set(RATES) < set(price)
    assert (price["source"], price["version"]) == ("bundled", catalog["prices_version"])
    assert (price["input"], price["output"], price["cache_read"], price["web_search"]) == (2, 12, 0.2, 10)
    (tier,) = price["tiers"]
    assert (tier["above"], tier["input"], tier["output"]) == (272_000, 4, 18)
    variants = {variant["when"]["service_tier"]: variant for variant in price["variants"]}
    assert set(variants) == {"flex", "priority", "fast", "batch"}
    # what a variant leaves as it is stands in it all the same
    assert (variants["flex"]["input"], variants["flex"]["web_search"]) == (1, 10)
    assert [(step["above"], step["input"]) for step in variants["priority"]["tiers"]] == [(272_000, 8)]
    assert (prices["gpt-5-nano"]["cache_write"], prices["gpt-5-nano"]["tiers"]) == (None, [])

    configured = prices["gpt-5-mini"]
    assert (configured["source"], configured["version"], configured["input"]) == ("configured", "configured", 0.01)
    assert (configured["tiers"], configured["variants"]) == ([], [])
    assert prices["own/nobody-knows"] is None
    assert {row["name"]: row["listed_at"] for row in catalog["connections"]} == dict.fromkeys(
        ("openai", "anthropic", "own", "local")
    )


@pytest.mark.parametrize(
    ("model", "bill"),
    [
        # 600 × 0.1 + 400 × 0.01 + 50 × 0.3 millionths of a dollar
        ("own/priced-here", {"cost": 79_000, "cost_status": "exact", "price_version": "configured"}),
        ("own/given-away", {"cost": 0, "cost_status": "exact", "price_version": "configured"}),
        ("own/nobody-knows", {"cost": None, "cost_status": "unpriced", "price_version": None}),
    ],
)
async def test_an_answer_costs_what_the_owner_wrote_down(
    start: Start, fake: FakeProvider, tmp_path: Path, model: str, bill: dict[str, Any]
) -> None:
    client = await started(start, fake, tmp_path)
    fake.script(model.removeprefix("own/"), Answer((Text("Hi"),), Tokens(input=1000, output=50, cache_read=400)))
    submitted = await client.submit(model=model)
    await client.finished(submitted["message_id"])
    (row,) = Rows(client.server.database_path).usage(submitted["message_id"])
    assert {name: row[name] for name in bill} == bill


async def test_a_slip_in_a_price_ends_the_start_with_its_line(start: Start, fake: FakeProvider, tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text("[prices.a]\ninput = 1\noutput = -2\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"prices\.toml:3: \[prices\.a\]: expected output to be a number of doll"):
        await start(LLM_ROUTER_CONFIG=str(path))
