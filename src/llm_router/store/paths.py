"""The way from a conversation's root to one of its messages: who spoke, in which order, and of some of them the words.

For those who need no more than that, however long the conversation is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import literal, select

from llm_router.domain.messages import Role
from llm_router.store.lists import is_one_of
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import messages

Step = tuple[str, Role]
"""`(message id, role)`"""


@dataclass(frozen=True, slots=True)
class Words:
    """What one message says, and the level of reasoning it was asked for at."""

    message_id: str
    text: str
    reasoning: str | None


async def outline_to(connection: AsyncConnection, user_id: str, message_id: str) -> list[Step]:
    """The path down to `message_id`, it included, the root first. Empty where there is no such message."""
    path = (
        select(messages.c.id, messages.c.parent_id, messages.c.role, literal(0).label("height"))
        .where(messages.c.user_id == user_id, messages.c.id == message_id)
        .cte("path", recursive=True)
    )
    path = path.union_all(
        select(messages.c.id, messages.c.parent_id, messages.c.role, path.c.height + 1)
        .join(path, messages.c.id == path.c.parent_id)
        .where(messages.c.user_id == user_id)
    )
    rows = await connection.execute(select(path.c.id, path.c.role).order_by(path.c.height.desc()))
    return [(row.id, row.role) for row in rows]


async def words_of(connection: AsyncConnection, user_id: str, message_ids: Sequence[str]) -> list[Words]:
    """Those of `message_ids` that there are, in this order."""
    query = select(messages.c.id, messages.c.content, messages.c.reasoning).where(
        messages.c.user_id == user_id, is_one_of(messages.c.id, message_ids)
    )
    found = {row.id: Words(row.id, row.content, row.reasoning) for row in await connection.execute(query)}
    return [found[message_id] for message_id in message_ids if message_id in found]
