"""The ledger call by call, and paths without words: what they read, by which index, and of whom."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from llm_router.domain.chat import Target
from llm_router.domain.usage import Usage
from llm_router.store.database import Database
from llm_router.store.ledger import calls_of_messages, ledger_page, recent_outputs, reported_calls
from llm_router.store.paths import outline_to, words_of
from llm_router.store.sql import AsyncConnection
from tests.store.rows import OWNER, STRANGER, attempt, bill, conversation, keep, message, origin
from tests.store.test_query_plans import Statement, plan, sent

__all__ = ["sent"]

REPORTED = Usage(10, 5, dialect="openai_chat", raw={"prompt_tokens": 10, "completion_tokens": 5})

QUESTIONS: dict[str, tuple[Callable[[AsyncConnection], Awaitable[Any]], str]] = {
    "what made an answer": (
        lambda connection: reported_calls(connection, OWNER, ["m1", "m2"]),
        "ix_usage_logs_message_id (message_id=?)",
    ),
    "all that was called for it": (
        lambda connection: calls_of_messages(connection, OWNER, ["m1"]),
        "ix_usage_logs_message_id (message_id=?)",
    ),
    "recent outputs": (
        lambda connection: recent_outputs(connection, OWNER, limit=10),
        "ix_usage_logs_user_id_timestamp_id (user_id=?)",
    ),
    "next page": (
        lambda connection: ledger_page(connection, OWNER, limit=10, since=5, until=9, after=(6, "x")),
        "ix_usage_logs_user_id_timestamp_id (user_id=? AND timestamp>? AND timestamp<?)",
    ),
    "outline": (lambda connection: outline_to(connection, OWNER, "m1"), "sqlite_autoindex_messages_1 (id=?)"),
    "words": (lambda connection: words_of(connection, OWNER, ["m1"]), "sqlite_autoindex_messages_1 (id=?)"),
}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_each_question_has_its_index(name: str, database: Database, sent: list[Statement]) -> None:
    ask, index = QUESTIONS[name]
    await keep(database, conversation(), messages=[message("m1")])
    sent.clear()
    async with database.read() as connection:
        await ask(connection)
    steps = [
        step
        for statement in [each for each in sent if each[0].lstrip().upper().startswith(("SELECT", "WITH"))]
        for step in await plan(database, statement)
    ]
    assert any(index in step for step in steps), steps
    assert not any(step.startswith("SCAN usage_logs") and "INDEX" not in step for step in steps), steps


async def test_only_a_finished_chat_that_was_reported_counts_as_counted_by_the_provider(database: Database) -> None:
    made = {
        "m1": attempt(usage=REPORTED),
        "m2": attempt(usage=Usage(10, 5)),
        "m3": attempt(usage=REPORTED, outcome="cancelled"),
        "m4": attempt(usage=REPORTED),
        "m5": attempt(usage=REPORTED),
        "m6": attempt(usage=Usage(10, 5, raw={"prompt_tokens": 10})),  # the rest of it was counted here
    }
    await keep(database, conversation(), messages=[message(each) for each in made])
    for message_id, each in made.items():
        where: dict[str, Any] = {"message_id": message_id}
        where |= {"operation_name": "image_generation"} if message_id == "m4" else {}
        where |= {"user_id": STRANGER} if message_id == "m5" else {}
        await bill(database, origin(**where), each)
    async with database.read() as connection:
        found = await reported_calls(connection, OWNER, list(made))
    assert list(found) == ["m1"]
    assert (found["m1"].usage, found["m1"].target) == (REPORTED, Target("openai", "openai", "gpt-5"))


async def test_a_target_with_slashes_in_its_name_comes_back_whole(database: Database) -> None:
    target = Target("openrouter", "openai_compatible", "z-ai/glm-4.7")
    await bill(database, origin(), attempt(target=target))
    async with database.read() as connection:
        [row] = await ledger_page(connection, OWNER, limit=10)
    assert (row.target, row.answered_by) == (target, "z-ai/glm-4.7")


async def test_pages_bring_every_call_once_and_in_order_also_of_one_moment(database: Database) -> None:
    for moment in (3, 1, 2, 2, 2, 3):
        await bill(database, origin(), attempt(started_at=moment))
    await bill(database, origin(user_id=STRANGER), attempt(started_at=2))
    seen: list[tuple[int, str]] = []
    async with database.read() as connection:
        while page := await ledger_page(connection, OWNER, limit=2, after=seen[-1] if seen else None):
            seen += [(row.timestamp, row.id) for row in page]
    assert len(seen) == 6
    assert seen == sorted(set(seen))


async def test_the_latest_calls_say_how_long_answers_are(database: Database) -> None:
    await keep(database, conversation())
    for moment, tokens in enumerate((1, 2, 3, 0)):
        where = origin(conversation_id="c1" if tokens == 2 else None)
        await bill(database, where, attempt(usage=Usage(1, tokens), started_at=moment))
    await bill(database, origin(), attempt(usage=Usage(1, 9), outcome="cancelled", started_at=9))
    async with database.read() as connection:
        assert await recent_outputs(connection, OWNER, limit=4) == [("", "gpt-5", 3), ("c1", "gpt-5", 2)]
        assert await recent_outputs(connection, STRANGER, limit=4) == []


async def test_an_outline_is_the_path_of_the_owner_alone(database: Database) -> None:
    steps = [message("u1"), message("a1", "u1", role="assistant", status="streaming"), message("u2", "u1")]
    await keep(database, conversation(), messages=steps)
    async with database.read() as connection:
        assert await outline_to(connection, OWNER, "a1") == [("u1", "user"), ("a1", "assistant")]
        assert await outline_to(connection, STRANGER, "a1") == []
        assert [each.message_id for each in await words_of(connection, OWNER, ["u2", "nobody", "u1"])] == ["u2", "u1"]
        assert await words_of(connection, STRANGER, ["u1"]) == []
