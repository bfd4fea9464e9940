"""Conversations: pages that neither skip nor repeat, what is counted with them, and whose they are."""

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from llm_router.domain.errors import InvalidRequest, NotFound
from llm_router.store.conversations import (
    delete_conversation,
    get_conversation,
    list_conversations,
    update_conversation,
)
from llm_router.store.database import Database
from llm_router.store.generations import append_chunks, keep_idempotency_key
from llm_router.store.images import StoredImage, get_image, insert_image
from llm_router.store.tables import conversations, idempotency_keys, message_chunks, messages, usage_logs
from tests.store.rows import OWNER, STRANGER, attempt, bill, conversation, count, keep, message, origin


async def all_ids(database: Database, limit: int, device_id: str | None = None) -> list[str]:
    """By following the cursors."""
    ids: list[str] = []
    cursor = None
    async with database.read() as connection:
        while True:
            page = await list_conversations(connection, OWNER, limit=limit, cursor=cursor, device_id=device_id)
            assert len(page.conversations) <= limit
            ids += [it.id for it in page.conversations]
            if page.next_cursor is None:
                return ids
            assert len(page.conversations) == limit
            cursor = page.next_cursor


@given(times=st.lists(st.integers(0, 3), max_size=12), limit=st.integers(1, 13))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_pages_hold_each_once_newest_first_with_ties_too(
    times: list[int], limit: int, database: Database
) -> None:
    async with database.write() as connection:
        await connection.execute(conversations.delete())
    made = [conversation(f"c{at:02}", updated_at=time, device_id=f"d{at % 2}") for at, time in enumerate(times)]
    await keep(database, *made)
    await keep(database, conversation("theirs", updated_at=2), user_id=STRANGER)
    newest_first = [it.id for it in sorted(made, key=lambda it: (it.updated_at, it.id), reverse=True)]
    assert await all_ids(database, limit) == newest_first
    assert await all_ids(database, limit, "d1") == [id for id in newest_first if int(id[1:]) % 2 == 1]


async def test_what_comes_in_between_moves_no_page(database: Database) -> None:
    await keep(database, *(conversation(f"c{at}", updated_at=at) for at in range(4)))
    async with database.read() as connection:
        first = await list_conversations(connection, OWNER, limit=2)
    await keep(database, conversation("new", updated_at=9))
    async with database.read() as connection:
        second = await list_conversations(connection, OWNER, limit=2, cursor=first.next_cursor)
    assert [it.id for it in second.conversations] == ["c1", "c0"]


BEYOND_SQL = base64.urlsafe_b64encode(b"9" * 20 + b".c1").decode()


@pytest.mark.parametrize("cursor", ["", "!", "eA", "é", "bm9u.c1", "a" * 5, BEYOND_SQL])
async def test_a_cursor_of_one_s_own_making_is_refused(cursor: str, database: Database) -> None:
    async with database.read() as connection:
        with pytest.raises(InvalidRequest, match="not one that this list gave out"):
            await list_conversations(connection, OWNER, limit=1, cursor=cursor)


async def test_a_conversation_knows_its_cost_its_messages_and_whether_it_is_live(database: Database) -> None:
    await keep(database, conversation("c1"), conversation("c2"), conversation("c3"))
    await keep(database, messages=[message("m1"), message("m2", "m1", role="assistant", status="streaming")])
    await bill(database, origin(conversation_id="c1"), attempt(2_000), attempt(None, "unpriced"), attempt(1))
    await bill(database, origin(conversation_id="c2"), attempt(None, "unpriced"))
    async with database.read() as connection:
        page = await list_conversations(connection, OWNER, limit=5)
        alone = await get_conversation(connection, OWNER, "c1")
    found = {it.id: (it.cost_nanousd, it.message_count, it.is_live) for it in page.conversations}
    assert found == {"c1": (2_001, 2, True), "c2": (None, 0, False), "c3": (0, 0, False)}
    assert alone in page.conversations


async def test_a_conversation_comes_back_as_it_was_kept(database: Database) -> None:
    kept = conversation(
        title="ü", model="gpt-5", system_prompt="s", device_id="d", active_leaf_id="m", created_at=5, updated_at=6
    )
    await keep(database, kept)
    async with database.write() as connection:
        assert await get_conversation(connection, OWNER, "c1") == kept
        await update_conversation(connection, OWNER, "c1", title="new", updated_at=7)
        changed = await get_conversation(connection, OWNER, "c1")
    assert (changed.title, changed.updated_at, changed.system_prompt) == ("new", 7, "s")


async def test_nobody_touches_what_is_another_s(database: Database) -> None:
    await keep(database, conversation("theirs"), user_id=STRANGER)
    async with database.write() as connection:
        for attempted in (
            get_conversation(connection, OWNER, "theirs"),
            update_conversation(connection, OWNER, "theirs", title="mine"),
            delete_conversation(connection, OWNER, "theirs"),
        ):
            with pytest.raises(NotFound, match="There is no such conversation"):
                await attempted
        assert (await get_conversation(connection, STRANGER, "theirs")).title == "theirs"


async def test_with_a_conversation_go_its_words_and_not_its_bill(database: Database) -> None:
    await keep(database, conversation("c1"), conversation("c2"), messages=[message("m1"), message("m2", "m1")])
    await keep(database, messages=[message("other", conversation_id="c2")])
    await bill(database, origin(conversation_id="c1", message_id="m2"), attempt(7))
    async with database.write() as connection:
        await append_chunks(connection, "m2", [(1, "start", "{}")])
        await keep_idempotency_key(connection, OWNER, "k", body_hash="h", message_id="m2", now=1)
        await insert_image(connection, OWNER, StoredImage("i1", "m2", "i1.png", "image/png", "gpt", "p", 1))
    async with database.write() as connection:
        await delete_conversation(connection, OWNER, "c1")
    assert await count(database, messages) == 1
    assert await count(database, message_chunks) == 0
    # What was asked once is known to have been, so that it is not paid for again.
    async with database.read() as connection:
        assert (await connection.execute(select(idempotency_keys.c.message_id))).scalars().all() == [None]
    async with database.read() as connection:
        row = (await connection.execute(usage_logs.select())).one()
        assert (row.conversation_id, row.message_id, row.cost) == (None, None, 7)
        assert (await get_image(connection, OWNER, "i1")).message_id is None
