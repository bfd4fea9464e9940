"""Start-up after a crash, on a real file: what was stored of an answer is kept, billed by a guess, and marked."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from llm_router.domain.catalog import ModelPrice
from llm_router.domain.chat import Target
from llm_router.domain.clock import Clock
from llm_router.domain.conversations import Conversation, Message
from llm_router.domain.messages import ReasoningPart, TextPart
from llm_router.domain.pricing import PriceEntry
from llm_router.domain.tokens import MESSAGE_TOKENS, count_tokens
from llm_router.domain.usage import Usage
from llm_router.routing.metering import expected_of_image
from llm_router.services.event_log import expand_events
from llm_router.services.recovery import IDEMPOTENCY_KEY_DAYS, UNKNOWN_EVENTS, recover
from llm_router.store.budgets import Reservation, insert_reservation
from llm_router.store.conversations import get_conversation, insert_conversation
from llm_router.store.database import Database, open_database
from llm_router.store.generations import (
    Chunk,
    EventRecord,
    append_chunks,
    find_idempotent,
    get_event_record,
    keep_idempotency_key,
    list_unfinished,
    mark_streaming,
)
from llm_router.store.messages import get_message, insert_messages
from llm_router.store.tables import OWNER_ID, message_chunks, messages, reservations, usage_logs, users
from tests.store.rows import attempt, bill, count, origin

STRANGER = "stranger"
NOW = 1_800_000_000_000
CLOCK = Clock(lambda: NOW / 1000, lambda: 0.0)
PROMPT = "x" * 40
SYSTEM = "y" * 8
START = {"conversation_id": "c1", "user_message_id": "q1", "message_id": "a1", "model": "ollama/llama3.2"}


def price_for(target: Target, response_model: str | None, at: datetime | None) -> PriceEntry | None:
    assert (target, response_model) == (Target("ollama", "openai_compatible", "llama3.2"), None)
    assert at is not None
    assert at < datetime.fromtimestamp(NOW / 1000, UTC), "the price of when it was asked, not of today"
    return PriceEntry("v1", ModelPrice(Decimal(1), Decimal(10)))


def chunk(seq: int, name: str, **data: Any) -> Chunk:
    return seq, name, orjson.dumps(data).decode()


CHUNKS = (
    chunk(1, "start", **START),
    chunk(2, "reasoning", text="hm "),
    chunk(3, "reasoning", text="👩‍👩‍👧"),
    chunk(4, "delta", text="Hello"),
    chunk(5, "notice", text="!"),
    *(chunk(seq, "delta", text=f" {seq}") for seq in range(6, 12)),
)
CONTENT = "Hello 6 7 8 9 10 11"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await open_database(tmp_path / "router.db")
    yield database
    await database.close()


async def crash(database: Database, *chunks: Chunk, user_id: str = OWNER_ID, tail: str = "1") -> None:
    """Leaves what a killed server leaves: a prompt, an answer without its end, and the chunks that were flushed."""
    conversation_id, prompt_id, answer_id = f"c{tail}", f"q{tail}", f"a{tail}"
    model = {"model": "ollama/llama3.2", "provider": "openai_compatible", "connection": "ollama"}
    answer = Message(answer_id, conversation_id, prompt_id, "assistant", "", (), "pending", 77, **model)  # type: ignore[arg-type]
    prompt = Message(prompt_id, conversation_id, None, "user", PROMPT, (TextPart(PROMPT),), "complete", 77)
    conversation = Conversation(
        conversation_id, "t", 50, 60, model="other", system_prompt=SYSTEM, active_leaf_id=answer_id
    )
    async with database.write() as connection:
        if user_id != OWNER_ID:
            await connection.execute(users.insert().values(id=user_id, name=user_id, created_at=0))
        await insert_conversation(connection, user_id, conversation)
        await insert_messages(connection, user_id, "phone", [prompt, answer])
        if chunks:
            await mark_streaming(connection, user_id, answer_id)
            await append_chunks(connection, answer_id, chunks)


async def recovered(database: Database, message_id: str = "a1", user_id: str = OWNER_ID) -> Message:
    await recover(database, price_for, CLOCK)
    async with database.read() as connection:
        return await get_message(connection, user_id, message_id)


async def bills(database: Database) -> list[dict[str, Any]]:
    async with database.read() as connection:
        return [row._asdict() for row in await connection.execute(usage_logs.select().order_by(usage_logs.c.id))]


async def test_all_that_was_stored_is_kept_in_order(database: Database) -> None:
    await crash(database, *reversed(CHUNKS))
    message = await recovered(database)
    assert message.status == "interrupted"
    assert message.content == CONTENT
    assert message.parts == (ReasoningPart("hm 👩‍👩‍👧"), TextPart(CONTENT))
    assert message.finish_reason == "cancelled"
    assert message.error is not None
    assert message.error["type"] == "interrupted"
    async with database.read() as connection:
        assert (await connection.execute(message_chunks.select())).all() == []
        assert not (await get_conversation(connection, OWNER_ID, "c1")).is_live


async def test_its_readers_resume_without_gap_or_repeat_and_the_end_lies_beyond_what_they_can_have_seen(
    database: Database,
) -> None:
    await crash(database, *CHUNKS)
    message = await recovered(database)
    async with database.read() as connection:
        record = await get_event_record(connection, OWNER_ID, "a1")
    assert record is not None
    events = expand_events(record.event_log, message.content, "hm 👩‍👩‍👧")
    assert [(event.seq, event.name, event.data.decode()) for event in events] == list(CHUNKS)
    assert record.last_event_id == len(CHUNKS) + UNKNOWN_EVENTS


async def test_what_it_may_cost_is_estimated_and_said_to_be(database: Database) -> None:
    await crash(database, *CHUNKS)
    message = await recovered(database)
    prompt = count_tokens(PROMPT) + count_tokens(SYSTEM) + 2 * MESSAGE_TOKENS
    said = count_tokens("hm 👩‍👩‍👧" + CONTENT)
    usage = Usage(tokens_input=prompt, tokens_output=said)
    cost = prompt * 1_000 + said * 10_000
    assert (message.usage, message.cost_nanousd, message.cost_status) == (usage, cost, "estimated")
    (bill,) = await bills(database)
    assert (bill["conversation_id"], bill["message_id"], bill["device_id"]) == ("c1", "a1", "phone")
    assert (bill["status"], bill["error_type"], bill["cost_status"]) == ("cancelled", "interrupted", "estimated")
    assert (bill["cost"], bill["tokens_input"], bill["price_version"]) == (cost, prompt, "v1")
    assert (bill["model"], bill["target"], bill["timestamp"]) == ("ollama/llama3.2", "ollama/llama3.2", 77)


async def test_what_the_provider_had_reported_counts(database: Database) -> None:
    def usage(seq: int, tokens_output: int) -> Chunk:
        counts = Usage(tokens_input=99, tokens_output=tokens_output, tokens_cache_read=9).as_dict()
        return chunk(seq, "usage", **counts, cost=0.5, cost_status="exact")

    await crash(database, CHUNKS[0], usage(2, 1), chunk(3, "delta", text="x" * 400), usage(4, 2))
    message = await recovered(database)
    assert message.usage == Usage(tokens_input=99, tokens_output=count_tokens("x" * 400), tokens_cache_read=9)
    assert message.cost_status == "bounded"


async def reserve(database: Database, message_id: str, **values: Any) -> None:
    given = {"message_id": message_id, "device_id": "phone", "model": "ollama/llama3.2", **values}
    async with database.write() as connection:
        await insert_reservation(connection, Reservation(origin(**given), 500, created_at=66))


async def held_back(database: Database) -> int:
    return await count(database, reservations)


async def test_on_whose_behalf_the_call_was_made_is_known_from_what_was_held_back(database: Database) -> None:
    await crash(database, *CHUNKS)
    await reserve(database, "a1", source="cli", budget_override=True)
    await recovered(database)
    (bill,) = await bills(database)
    assert (bill["source"], bill["budget_override"], bill["operation_name"]) == ("cli", 1, "chat")
    assert (bill["conversation_id"], bill["message_id"]) == ("c1", "a1")
    assert await held_back(database) == 0


async def test_an_image_is_billed_as_one(database: Database) -> None:
    await crash(database, CHUNKS[0])
    await reserve(database, "a1", operation_name="image_generation")
    message = await recovered(database)
    (bill,) = await bills(database)
    expected = expected_of_image(PROMPT, None)
    assert message.usage.tokens_output == bill["tokens_output_image"] == expected.tokens_output
    assert (bill["operation_name"], bill["tokens_input"]) == ("image_generation", count_tokens(PROMPT))
    assert bill["cost_status"] == "estimated"


async def test_tries_that_were_in_the_ledger_already_count_too(database: Database) -> None:
    await crash(database, *CHUNKS)
    before = attempt(7, "estimated", outcome="error", started_at=200)
    await bill(database, origin(conversation_id="c1", message_id="a1"), before)
    message = await recovered(database)
    assert message.cost_nanousd == sum(bill["cost"] for bill in await bills(database))
    in_order = sorted(await bills(database), key=lambda bill: bill["timestamp"])
    assert [bill["status"] for bill in in_order] == ["error", "cancelled"]
    assert in_order[-1]["tokens_input"] == message.usage.tokens_input, "a message shows the counts of its last call"


async def test_a_bill_that_was_written_is_not_written_again(database: Database) -> None:
    """The answer was stopped, and only the provider's last word was still to come."""
    await crash(database, *CHUNKS)
    await recovered(database)
    await reserve(database, "a1")
    before = await bills(database)
    assert await recover(database, price_for, CLOCK) == 0
    assert await bills(database) == before
    assert await held_back(database) == 0


async def test_a_call_whose_message_is_gone_is_known_to_have_been_made(database: Database) -> None:
    await reserve(database, "gone")
    await recover(database, price_for, CLOCK)
    (bill,) = await bills(database)
    assert (bill["model"], bill["target"], bill["device_id"]) == ("ollama/llama3.2", "ollama/llama3.2", "phone")
    assert (bill["cost"], bill["cost_status"], bill["tokens_input"]) == (None, "unpriced", None)
    assert (bill["message_id"], bill["timestamp"], bill["status"]) == (None, 66, "cancelled")
    assert await held_back(database) == 0
    await recover(database, price_for, CLOCK)
    assert len(await bills(database)) == 1


async def test_an_answer_of_which_nothing_was_stored_has_its_beginning_and_its_end(database: Database) -> None:
    await crash(database)
    message = await recovered(database)
    assert (message.status, message.content, message.parts) == ("interrupted", "", ())
    async with database.read() as connection:
        record = await get_event_record(connection, OWNER_ID, "a1")
    assert record is not None
    assert [(event.name, orjson.loads(event.data)) for event in expand_events(record.event_log, "", "")] == [
        ("start", START)
    ]
    assert record.last_event_id == 1 + UNKNOWN_EVENTS


async def test_a_second_time_finds_nothing_and_changes_nothing(database: Database) -> None:
    async def all_there_is() -> tuple[Message, EventRecord | None, list[dict[str, Any]]]:
        async with database.read() as connection:
            message = await get_message(connection, OWNER_ID, "a1")
            return message, await get_event_record(connection, OWNER_ID, "a1"), await bills(database)

    await crash(database, *CHUNKS)
    assert await recover(database, price_for, CLOCK) == 1
    before = await all_there_is()
    assert await recover(database, price_for, CLOCK) == 0
    assert await all_there_is() == before


async def test_killed_halfway_the_next_start_does_the_rest(database: Database) -> None:
    """The first answer is put away in a transaction of its own before the second fails."""
    await crash(database, *CHUNKS)
    await crash(database, *CHUNKS, tail="2")

    def fails_at_the_second(target: Target, *_: object) -> PriceEntry | None:
        asked.append(target)
        if len(asked) == 2:
            raise asyncio.CancelledError
        return None

    asked: list[Target] = []
    with pytest.raises(asyncio.CancelledError):
        await recover(database, fails_at_the_second, CLOCK)
    async with database.read() as connection:
        assert [found.message.id for found in await list_unfinished(connection)] == ["a2"]
    assert await recover(database, price_for, CLOCK) == 1
    assert [bill["message_id"] for bill in await bills(database)] == ["a1", "a2"]


async def test_the_answers_of_all_users_are_put_away_under_their_own_names(database: Database) -> None:
    await crash(database, *CHUNKS)
    await crash(database, *CHUNKS[:4], user_id=STRANGER, tail="2")
    assert await recover(database, price_for, CLOCK) == 2
    async with database.read() as connection:
        theirs = await get_message(connection, STRANGER, "a2")
    assert (theirs.status, theirs.content) == ("interrupted", "Hello")
    assert [(bill["user_id"], bill["message_id"]) for bill in await bills(database)] == [
        (OWNER_ID, "a1"),
        (STRANGER, "a2"),
    ]


async def test_a_list_of_conversations_keeps_its_order(database: Database) -> None:
    await crash(database, *CHUNKS)
    await recovered(database)
    async with database.read() as connection:
        conversation = await get_conversation(connection, OWNER_ID, "c1")
    assert (conversation.updated_at, conversation.active_leaf_id) == (60, "a1")


async def test_keys_that_nobody_will_use_again_are_forgotten(database: Database) -> None:
    await crash(database)
    week = IDEMPOTENCY_KEY_DAYS * 24 * 60 * 60 * 1000
    async with database.write() as connection:
        for key, made in (("old", NOW - week - 1), ("young", NOW - week)):
            await keep_idempotency_key(connection, OWNER_ID, key, body_hash="h", message_id="a1", now=made)
    await recover(database, price_for, CLOCK)
    async with database.read() as connection:
        assert await find_idempotent(connection, OWNER_ID, "old") is None
        assert await find_idempotent(connection, OWNER_ID, "young") == ("a1", "h")


async def test_one_answer_that_cannot_be_put_away_does_not_keep_the_others_or_the_server(database: Database) -> None:
    await crash(database, *CHUNKS, tail="1")
    await crash(database, tail="2")
    async with database.write() as connection:  # as a newer version may have written it
        await connection.execute(messages.update().where(messages.c.id == "q1").values(parts='[{"type": "audio"}]'))
    found = await recover(database, lambda *_: None, CLOCK)
    async with database.read() as connection:
        assert (await get_message(connection, OWNER_ID, "a2")).status == "interrupted"
        assert (await get_message(connection, OWNER_ID, "a1")).status == "streaming"
    assert found == 1
