"""Conversations: one row each; cost, count and liveness are asked of the tables that know them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, case, func, select, tuple_

from llm_router.domain.conversations import Conversation
from llm_router.domain.errors import NotFound
from llm_router.store.cursors import cursor_at, place_of
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import UNFINISHED, conversations, messages, usage_logs


@dataclass(frozen=True, slots=True)
class Page:
    conversations: list[Conversation]
    next_cursor: str | None


async def get_conversation(connection: AsyncConnection, user_id: str, conversation_id: str) -> Conversation:
    """Raises NotFound."""
    row = (await connection.execute(_select(user_id).where(conversations.c.id == conversation_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such conversation.")
    return _conversation_from(row)


async def list_conversations(
    connection: AsyncConnection,
    user_id: str,
    *,
    limit: int,
    cursor: str | None = None,
    device_id: str | None = None,
) -> Page:
    """Newest first. A cursor is the place of the last row seen; it holds whatever is added before it."""
    query = _select(user_id).order_by(conversations.c.updated_at.desc(), conversations.c.id.desc()).limit(limit + 1)
    if device_id is not None:
        query = query.where(conversations.c.device_id == device_id)
    if cursor is not None:
        query = query.where(tuple_(conversations.c.updated_at, conversations.c.id) < tuple_(*place_of(cursor)))
    found = [_conversation_from(row) for row in await connection.execute(query)]
    page = found[:limit]
    return Page(page, cursor_at(page[-1].updated_at, page[-1].id) if len(found) > limit else None)


async def titles_beginning(connection: AsyncConnection, user_id: str, base: str) -> set[str]:
    """Those that begin with `base`."""
    begins = conversations.c.title.startswith(base, autoescape=True)
    return set(
        await connection.scalars(select(conversations.c.title).where(conversations.c.user_id == user_id, begins))
    )


async def insert_conversation(connection: AsyncConnection, user_id: str, conversation: Conversation) -> None:
    await connection.execute(
        conversations.insert().values(
            id=conversation.id,
            user_id=user_id,
            title=conversation.title,
            model=conversation.model,
            system_prompt=conversation.system_prompt,
            device_id=conversation.device_id,
            active_leaf_id=conversation.active_leaf_id,
            created_at=conversation.created_at,
            updated_at=conversation.updated_at,
        )
    )


async def update_conversation(connection: AsyncConnection, user_id: str, conversation_id: str, **changes: Any) -> None:
    """Sets columns by name. Raises NotFound."""
    done = await connection.execute(
        conversations.update()
        .where(conversations.c.user_id == user_id, conversations.c.id == conversation_id)
        .values(**changes)
    )
    if done.rowcount == 0:
        raise NotFound("There is no such conversation.")


async def delete_conversation(connection: AsyncConnection, user_id: str, conversation_id: str) -> None:
    """Its messages go with it, its usage stays. Raises NotFound."""
    done = await connection.execute(
        conversations.delete().where(conversations.c.user_id == user_id, conversations.c.id == conversation_id)
    )
    if done.rowcount == 0:
        raise NotFound("There is no such conversation.")


def _select(user_id: str) -> Select[Any]:
    mine = messages.c.conversation_id == conversations.c.id
    return select(
        conversations,
        select(func.count()).where(mine).correlate(conversations).scalar_subquery().label("message_count"),
        # Where no call was made, as in a copy, nothing was spent: that is known.
        select(case((func.count() == 0, 0), else_=func.sum(usage_logs.c.cost)))
        .where(usage_logs.c.conversation_id == conversations.c.id)
        .correlate(conversations)
        .scalar_subquery()
        .label("cost"),
        conversations.c.id.in_(select(messages.c.conversation_id).where(UNFINISHED)).label("is_live"),
    ).where(conversations.c.user_id == user_id)


def _conversation_from(row: Row[Any]) -> Conversation:
    return Conversation(
        id=row.id,
        title=row.title,
        model=row.model,
        system_prompt=row.system_prompt,
        device_id=row.device_id,
        active_leaf_id=row.active_leaf_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        cost_nanousd=row.cost,
        message_count=row.message_count,
        is_live=bool(row.is_live),
    )
