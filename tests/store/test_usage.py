"""The ledger: each call a row, and sums in which unknown is not zero."""

import orjson

from llm_router.domain.chat import Target
from llm_router.domain.usage import Usage
from llm_router.store.database import Database
from llm_router.store.spending import UsageTotals, summarise
from llm_router.store.tables import usage_logs
from tests.store.rows import OWNER, STRANGER, attempt, bill, conversation, count, keep, origin


async def totals(database: Database, user_id: str = OWNER, device_id: str | None = None) -> UsageTotals:
    async with database.read() as connection:
        return (await summarise(connection, user_id, None if device_id is None else [device_id])).totals


async def test_no_calls_cost_nothing(database: Database) -> None:
    assert await totals(database) == UsageTotals()
    await bill(database, origin())
    assert await count(database, usage_logs) == 0


async def test_calls_without_a_price_cost_who_knows_what(database: Database) -> None:
    await bill(database, origin(), attempt(None, "unpriced", usage=Usage()))
    assert await totals(database) == UsageTotals(requests=1, unpriced=1)
    assert (await totals(database)).as_dict()["cost"] is None
    await bill(database, origin(), attempt(5))
    assert (await totals(database)).cost_nanousd == 5


async def test_a_free_call_costs_zero(database: Database) -> None:
    await bill(database, origin(), attempt(0))
    assert (await totals(database)).cost_nanousd == 0


async def test_sums_count_what_is_known_and_say_how_much_is_not(database: Database) -> None:
    await bill(
        database,
        origin(),
        attempt(5, usage=Usage(10, 5, 4, 3, 2)),
        attempt(7, "estimated", usage=Usage(1, None, None, 1, None, web_searches=2), outcome="cancelled"),
        attempt(1, "bounded", usage=Usage(0, 0, web_searches=1)),
        attempt(None, "unpriced", usage=Usage(), outcome="error", error_type="timeout"),
        attempt(0, usage=Usage(), outcome="error", error_type="overloaded"),
    )
    assert (await totals(database)).as_dict() == {
        "requests": 5,
        "failed": 2,
        "exact": 2,
        "bounded": 1,
        "estimated": 1,
        "unpriced": 1,
        "tokens_input": 11,
        "tokens_output": 5,
        "tokens_cache_read": 4,
        "tokens_cache_write": 4,
        "tokens_reasoning": 2,
        "web_searches": 3,
        "cost": 1.3e-8,
    }


async def test_sums_are_one_user_s_or_one_device_s(database: Database) -> None:
    await bill(database, origin(device_id="phone"), attempt(1))
    await bill(database, origin(device_id="desk"), attempt(2))
    await bill(database, origin(user_id=STRANGER, device_id="phone"), attempt(4))
    assert (await totals(database)).cost_nanousd == 3
    assert (await totals(database, device_id="phone")).cost_nanousd == 1
    assert await totals(database, device_id="lost") == UsageTotals()
    assert (await totals(database, STRANGER)).cost_nanousd == 4


async def test_sums_may_begin_at_a_moment(database: Database) -> None:
    await bill(database, origin(), attempt(1, started_at=99), attempt(2, started_at=100), attempt(4, started_at=101))
    async with database.read() as connection:
        summary = await summarise(connection, OWNER, since=100)
    assert summary.totals.cost_nanousd == summary.groups["by_model"][0][1].cost_nanousd == 6


async def test_models_come_the_dearest_first(database: Database) -> None:
    there = Target("router", "openai_compatible", "a")
    await bill(database, origin(model="b"), attempt(5), attempt(6))
    await bill(database, origin(model="a"), attempt(20, target=there))
    await bill(database, origin(model="d"), attempt(None, "unpriced"))
    await bill(database, origin(model="c"), attempt(0), attempt(0))
    async with database.read() as connection:
        summary = await summarise(connection, OWNER)
    assert [(*key.values(), each.requests, each.cost_nanousd) for key, each in summary.groups["by_model"]] == [
        ("a", "openai_compatible", 1, 20),
        ("b", "openai", 2, 11),
        ("c", "openai", 2, 0),
        ("d", "openai", 1, None),
    ]


async def test_a_row_does_not_grow_with_what_a_provider_likes_to_send(database: Database) -> None:
    """Pages of rows are read whole into memory. What is left out cannot be read again, and the row says so."""
    raw = {"prompt_tokens": 1, "note": "x" * 1_000_000}
    await bill(database, origin(), attempt(usage=Usage(1, 2, service_tier="y" * 1000, dialect="openai_chat", raw=raw)))
    async with database.read() as connection:
        row = (await connection.execute(usage_logs.select())).one()
    assert (row.tokens_input, row.raw_usage, row.dialect, len(row.service_tier)) == (1, None, None, 64)


async def test_a_row_says_all_that_is_known_of_a_call(database: Database) -> None:
    await keep(database, conversation())
    usage = Usage(1, 2, service_tier="flex", dialect="openai_chat", raw={"prompt": 1})
    made = attempt(9, "bounded", usage=usage, response_model="gpt-5-x", started_at=99, duration=2.5)
    await bill(database, origin(conversation_id="c1", device_id="d", source="gateway", budget_override=True), made)
    async with database.read() as connection:
        row = (await connection.execute(usage_logs.select())).one()._asdict()
    assert orjson.loads(row.pop("raw_usage")) == {"prompt": 1}
    assert row == {
        "id": made.id,
        "user_id": OWNER,
        "conversation_id": "c1",
        "message_id": None,
        "device_id": "d",
        "source": "gateway",
        "model": "gpt-5",
        "provider": "openai",
        "connection": "openai",
        "target": "openai/gpt-5",
        "response_model": "gpt-5-x",
        "operation_name": "chat",
        "status": "complete",
        "error_type": None,
        "tokens_input": 1,
        "tokens_output": 2,
        "tokens_cache_read": None,
        "tokens_cache_write": None,
        "tokens_reasoning": None,
        "tokens_cache_write_1h": None,
        "tokens_input_audio": None,
        "tokens_output_audio": None,
        "tokens_input_image": None,
        "tokens_output_image": None,
        "web_searches": None,
        "service_tier": "flex",
        "dialect": "openai_chat",
        "budget_override": 1,
        "cost": 9,
        "cost_status": "bounded",
        "price_version": None,
        "time_to_first_chunk": None,
        "duration": 2.5,
        "timestamp": 99,
    }
