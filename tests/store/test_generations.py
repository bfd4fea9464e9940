"""The durable side of a generation: chunks, the one end, the keys that make a retry safe."""

import pytest
from sqlalchemy import select

from llm_router.domain.errors import StorageFailed
from llm_router.store.database import Database
from llm_router.store.generations import (
    EventRecord,
    append_chunks,
    drop_idempotency_keys,
    find_idempotent,
    finish_message,
    get_event_record,
    keep_idempotency_key,
    list_unfinished,
    mark_streaming,
)
from llm_router.store.messages import get_message
from llm_router.store.tables import message_chunks, messages
from tests.store.rows import OWNER, STRANGER, conversation, count, keep, message

RECORD = EventRecord("[3]", 7)
ANSWER = message("m2", "m1", role="assistant", status="pending")
DONE = message("m2", "m1", role="assistant", text="all", finish_reason="stop")


@pytest.fixture
async def pending(database: Database) -> Database:
    """A database with one answer that is being made."""
    await keep(database, conversation(), messages=[message("m1"), ANSWER], device_id="d1")
    return database


async def test_an_answer_ends_once(pending: Database) -> None:
    async with pending.write() as connection:
        await mark_streaming(connection, OWNER, "m2")
        await append_chunks(connection, "m2", [(1, "start", "{}"), (2, "delta", '{"text":"al"}')])
        assert (await get_message(connection, OWNER, "m2")).status == "streaming"
        assert await get_event_record(connection, OWNER, "m2") is None
    async with pending.write() as connection:
        assert await finish_message(connection, OWNER, DONE, RECORD)
        assert not await finish_message(connection, OWNER, message("m2", "m1", text="again"), EventRecord("[]", 1))
        await mark_streaming(connection, OWNER, "m2")  # a late flush changes nothing
    async with pending.read() as connection:
        assert await get_message(connection, OWNER, "m2") == DONE
        assert await get_event_record(connection, OWNER, "m2") == RECORD
        assert await get_event_record(connection, STRANGER, "m2") is None
        assert await get_event_record(connection, OWNER, "m1") is None  # a prompt was never streamed
    assert await count(pending, message_chunks) == 0


async def test_an_answer_is_ended_by_its_owner_only(pending: Database) -> None:
    async with pending.write() as connection:
        await append_chunks(connection, "m2", [(1, "start", "{}")])
        await mark_streaming(connection, STRANGER, "m2")
        assert not await finish_message(connection, STRANGER, DONE, RECORD)
        assert await get_message(connection, OWNER, "m2") == ANSWER
    assert await count(pending, message_chunks) == 1


async def test_an_answer_that_was_deleted_takes_no_chunks(pending: Database) -> None:
    async with pending.write() as connection:
        await connection.execute(messages.delete().where(messages.c.id == "m2"))
        assert not await finish_message(connection, OWNER, DONE, RECORD)
    with pytest.raises(StorageFailed):
        async with pending.write() as connection:
            await append_chunks(connection, "m2", [(3, "delta", "{}")])


async def test_the_same_chunk_is_not_taken_twice(pending: Database) -> None:
    with pytest.raises(StorageFailed):
        async with pending.write() as connection:
            await append_chunks(connection, "m2", [(1, "start", "{}"), (1, "start", "{}")])
    assert await count(pending, message_chunks) == 0


async def test_what_is_unfinished_is_found_of_all_users_with_chunks_in_order(pending: Database) -> None:
    theirs = message("t1", conversation_id="theirs", role="assistant", status="streaming")
    await keep(pending, conversation("theirs"), messages=[theirs], user_id=STRANGER)
    async with pending.write() as connection:
        await append_chunks(connection, "t1", [(10, "delta", "c"), (9, "delta", "b"), (1, "start", "a")])
    async with pending.read() as connection:
        mine, other = await list_unfinished(connection)
    assert (mine.user_id, mine.device_id, mine.message, mine.chunks) == (OWNER, "d1", ANSWER, ())
    assert (other.user_id, other.device_id, other.message) == (STRANGER, None, theirs)
    assert other.chunks == ((1, "start", "a"), (9, "delta", "b"), (10, "delta", "c"))


async def test_an_idempotency_key_is_one_user_s_and_is_forgotten_in_time(pending: Database) -> None:
    async with pending.write() as connection:
        await keep_idempotency_key(connection, OWNER, "k", body_hash="h", message_id="m2", now=100)
        await keep_idempotency_key(connection, STRANGER, "k", body_hash="g", message_id="m1", now=101)
        assert await find_idempotent(connection, OWNER, "k") == ("m2", "h")
        assert await find_idempotent(connection, STRANGER, "k") == ("m1", "g")
        assert await find_idempotent(connection, OWNER, "other") is None
        await drop_idempotency_keys(connection, 101)
        assert await find_idempotent(connection, OWNER, "k") is None
        assert await find_idempotent(connection, STRANGER, "k") == ("m1", "g")


async def test_a_key_is_taken_once(pending: Database) -> None:
    async def take() -> None:
        async with pending.write() as connection:
            await keep_idempotency_key(connection, OWNER, "k", body_hash="h", message_id="m2", now=1)

    await take()
    with pytest.raises(StorageFailed):
        await take()


async def test_a_status_that_is_none_is_refused(pending: Database) -> None:
    with pytest.raises(StorageFailed, match="CHECK constraint failed"):
        async with pending.write() as connection:
            await connection.execute(messages.update().values(status="lost"))
    async with pending.read() as connection:
        assert set((await connection.execute(select(messages.c.status))).scalars()) == {"complete", "pending"}
