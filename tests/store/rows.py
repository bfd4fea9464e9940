"""Rows to test with: each call says only what it is about."""

import itertools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, func, select

from llm_router.domain.attempts import Attempt, AttemptStatus
from llm_router.domain.chat import Target
from llm_router.domain.conversations import Conversation, Message
from llm_router.domain.messages import Part, TextPart, text_of
from llm_router.domain.usage import Cost, CostStatus, Usage
from llm_router.store.conversations import insert_conversation
from llm_router.store.database import Database
from llm_router.store.messages import insert_messages
from llm_router.store.tables import OWNER_ID
from llm_router.store.usage import Origin, insert_attempts

STRANGER = "stranger"
OWNER = OWNER_ID
TARGET = Target("openai", "openai", "gpt-5")
USAGE = Usage(tokens_input=10, tokens_output=5)


def conversation(id: str = "c1", **values: Any) -> Conversation:
    return Conversation(id, **{"title": id, "created_at": 1, "updated_at": 1, **values})


def message(
    id: str, parent_id: str | None = None, *, conversation_id: str = "c1", text: str = "", **values: Any
) -> Message:
    parts: tuple[Part, ...] = values.pop("parts", (TextPart(text),) if text else ())
    values = {"role": "user", "status": "complete", "created_at": 1, **values}
    return Message(id, conversation_id, parent_id, content=text_of(parts), parts=parts, **values)


_numbers = itertools.count()


def attempt(
    nanousd: int | None = 0,
    cost_status: CostStatus = "exact",
    *,
    outcome: AttemptStatus = "complete",
    target: Target = TARGET,
    usage: Usage = USAGE,
    **values: Any,
) -> Attempt:
    return Attempt(
        id=f"a{next(_numbers)}",
        target=target,
        status=outcome,
        usage=usage,
        cost=Cost(nanousd, cost_status),
        **{"started_at": 1, "duration": 1.0, **values},
    )


def origin(**values: Any) -> Origin:
    given = {"user_id": OWNER, "device_id": None, "source": "web", "conversation_id": None, "message_id": None}
    return Origin(**{**given, "model": "gpt-5", **values})


async def keep(
    database: Database,
    *conversations: Conversation,
    messages: Sequence[Message] = (),
    user_id: str = OWNER,
    device_id: str | None = None,
) -> None:
    """Writes them in one transaction."""
    async with database.write() as connection:
        for each in conversations:
            await insert_conversation(connection, user_id, each)
        if messages:
            await insert_messages(connection, user_id, device_id, messages)


async def bill(database: Database, origin: Origin, *attempts: Attempt) -> None:
    async with database.write() as connection:
        await insert_attempts(connection, origin, attempts)


async def count(database: Database, table: Table) -> int:
    async with database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()
