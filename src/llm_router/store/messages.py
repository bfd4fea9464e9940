"""Messages: the tree of a conversation, one row each, and the path from the root to a message."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import literal, select

from llm_router.domain.conversations import Message
from llm_router.domain.errors import NotFound
from llm_router.domain.ids import new_id
from llm_router.domain.messages import Part, TextPart, parts_from_json, parts_to_json
from llm_router.domain.usage import Usage
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import messages

MESSAGE_COLUMNS = tuple(
    column for column in messages.c if column.name not in ("event_log", "last_event_id", "device_id")
)
_NAMES = tuple(column.name for column in MESSAGE_COLUMNS)
_COUNTS = tuple(name for name in _NAMES if name.startswith("tokens_"))


async def get_message(connection: AsyncConnection, user_id: str, message_id: str) -> Message:
    """Raises NotFound."""
    row = (
        await connection.execute(
            select(*MESSAGE_COLUMNS).where(messages.c.user_id == user_id, messages.c.id == message_id)
        )
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such message.")
    return message_from(row)


async def list_messages(connection: AsyncConnection, user_id: str, conversation_id: str) -> list[Message]:
    """The whole tree of a conversation, oldest first."""
    rows = await connection.execute(
        select(*MESSAGE_COLUMNS)
        .where(messages.c.user_id == user_id, messages.c.conversation_id == conversation_id)
        .order_by(messages.c.id)
    )
    return [message_from(row) for row in rows]


async def path_to(connection: AsyncConnection, user_id: str, message_id: str) -> list[Message]:
    """The messages from the root down to `message_id`, it included. Raises NotFound."""
    path = (
        select(messages.c.id, messages.c.parent_id, literal(0).label("height"))
        .where(messages.c.user_id == user_id, messages.c.id == message_id)
        .cte("path", recursive=True)
    )
    path = path.union_all(
        select(messages.c.id, messages.c.parent_id, path.c.height + 1)
        .join(path, messages.c.id == path.c.parent_id)
        .where(messages.c.user_id == user_id)
    )
    query = select(*MESSAGE_COLUMNS).join(path, messages.c.id == path.c.id).order_by(path.c.height.desc())
    found = [message_from(row) for row in await connection.execute(query)]
    if not found:
        raise NotFound("There is no such message.")
    return found


async def insert_messages(
    connection: AsyncConnection, user_id: str, device_id: str | None, new: Iterable[Message]
) -> None:
    await connection.execute(
        messages.insert(), [row_from(message) | {"user_id": user_id, "device_id": device_id} for message in new]
    )


async def copy_messages(
    connection: AsyncConnection,
    user_id: str,
    device_id: str | None,
    originals: Sequence[Message],
    conversation_id: str,
) -> dict[str, str]:
    """Copies finished messages into another conversation. Returns new ids by old ones.

    What an answer cost stays written on its copy; the ledger has no second row for it.
    """
    new_ids = {original.id: new_id() for original in originals}
    copies = [
        replace(
            original,
            id=new_ids[original.id],
            conversation_id=conversation_id,
            parent_id=None if original.parent_id is None else new_ids[original.parent_id],
        )
        for original in originals
    ]
    if copies:
        await insert_messages(connection, user_id, device_id, copies)
    return new_ids


def message_from(row: Iterable[Any]) -> Message:
    """From a row that begins with `MESSAGE_COLUMNS`, by position: to ask it by name takes half as long again."""
    values = dict(zip(_NAMES, row, strict=False))
    del values["user_id"]
    return Message(
        usage=Usage(**{name: values.pop(name) for name in _COUNTS}),
        cost_nanousd=values.pop("cost"),
        parts=_parts_from(values.pop("parts"), values["content"]),
        error=orjson.loads(error) if (error := values.pop("error")) else None,
        **values,
    )


def row_from(message: Message) -> dict[str, Any]:
    """Every column but the owner's, the device's and the event log's."""
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "parent_id": message.parent_id,
        "role": message.role,
        "content": message.content,
        "parts": _parts_column(message.parts),
        "model": message.model,
        "provider": message.provider,
        "connection": message.connection,
        "response_model": message.response_model,
        "temperature": message.temperature,
        "reasoning": message.reasoning,
        "max_tokens": message.max_tokens,
        "status": message.status,
        **message.usage.as_dict(),
        "cost": message.cost_nanousd,
        "cost_status": message.cost_status,
        "finish_reason": message.finish_reason,
        "error": json_column(message.error),
        "time_to_first_chunk": message.time_to_first_chunk,
        "duration": message.duration,
        "reasoning_duration": message.reasoning_duration,
        "created_at": message.created_at,
    }


def json_column(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _parts_column(parts: tuple[Part, ...]) -> str | None:
    """None where the text alone says it all."""
    if all(isinstance(part, TextPart) and not part.provider_metadata for part in parts):
        return None
    return orjson.dumps(parts_to_json(parts)).decode()


def _parts_from(column: str | None, content: str) -> tuple[Part, ...]:
    if column is not None:
        return parts_from_json(orjson.loads(column))
    return (TextPart(content),) if content else ()
