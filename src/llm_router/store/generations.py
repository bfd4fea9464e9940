"""The durable side of a generation: chunks while it runs, one fold at its end, and what a crash left behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from llm_router.domain.conversations import Message
from llm_router.domain.usage import Cost, Usage
from llm_router.store.messages import MESSAGE_COLUMNS, message_from, row_from
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import UNFINISHED, idempotency_keys, message_chunks, messages

Chunk = tuple[int, str, str]
"""`(seq, name, data)`: a numbered event as it was sent."""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """How a finished answer was cut into events; see `services/event_log.py`."""

    event_log: str
    last_event_id: int


@dataclass(frozen=True, slots=True)
class UnfinishedMessage:
    """What start-up finds of an answer that nobody ended."""

    user_id: str
    device_id: str | None
    message: Message
    chunks: tuple[Chunk, ...]


async def append_chunks(connection: AsyncConnection, message_id: str, chunks: Sequence[Chunk]) -> None:
    await connection.execute(
        message_chunks.insert(),
        [{"message_id": message_id, "seq": seq, "name": name, "data": data} for seq, name, data in chunks],
    )


async def mark_streaming(connection: AsyncConnection, user_id: str, message_id: str) -> None:
    await connection.execute(
        messages.update()
        .where(messages.c.user_id == user_id, messages.c.id == message_id, messages.c.status == "pending")
        .values(status="streaming")
    )


async def finish_message(connection: AsyncConnection, user_id: str, message: Message, record: EventRecord) -> bool:
    """Writes the whole answer and drops its chunks. False where the message is gone or was finished before."""
    values: Mapping[str, Any] = row_from(message) | {
        "event_log": record.event_log,
        "last_event_id": record.last_event_id,
    }
    done = await connection.execute(
        messages.update()
        .where(
            messages.c.user_id == user_id,
            messages.c.id == message.id,
            messages.c.status.in_(("pending", "streaming")),
        )
        .values(**values)
    )
    if done.rowcount == 0:
        return False
    await connection.execute(message_chunks.delete().where(message_chunks.c.message_id == message.id))
    return True


async def settle_message(connection: AsyncConnection, user_id: str, message_id: str, usage: Usage, cost: Cost) -> bool:
    """Writes what a finished answer took after all. False where it is gone."""
    done = await connection.execute(
        messages.update()
        .where(messages.c.user_id == user_id, messages.c.id == message_id)
        .values(**usage.as_dict(), cost=cost.nanousd, cost_status=cost.status)
    )
    return bool(done.rowcount)


async def get_event_record(connection: AsyncConnection, user_id: str, message_id: str) -> EventRecord | None:
    """None for a message that was never streamed here (a prompt, a copy)."""
    row = (
        await connection.execute(
            select(messages.c.event_log, messages.c.last_event_id).where(
                messages.c.user_id == user_id, messages.c.id == message_id
            )
        )
    ).one_or_none()
    return EventRecord(row.event_log, row.last_event_id) if row and row.event_log is not None else None


async def list_unfinished(connection: AsyncConnection) -> list[UnfinishedMessage]:
    """Of all users: for start-up, before anything runs."""
    rows = (
        await connection.execute(
            select(*MESSAGE_COLUMNS, messages.c.device_id).where(UNFINISHED).order_by(messages.c.id)
        )
    ).all()
    found: list[UnfinishedMessage] = []
    for row in rows:
        chunks = await connection.execute(
            select(message_chunks.c.seq, message_chunks.c.name, message_chunks.c.data)
            .where(message_chunks.c.message_id == row.id)
            .order_by(message_chunks.c.seq)
        )
        found.append(
            UnfinishedMessage(
                row.user_id, row.device_id, message_from(row), tuple((c.seq, c.name, c.data) for c in chunks)
            )
        )
    return found


async def find_idempotent(connection: AsyncConnection, user_id: str, key: str) -> tuple[str | None, str] | None:
    """`(message_id, body_hash)` of the answer that was started under `key`; no id where it was deleted since."""
    row = (
        await connection.execute(
            select(idempotency_keys.c.message_id, idempotency_keys.c.body_hash).where(
                idempotency_keys.c.user_id == user_id, idempotency_keys.c.key == key
            )
        )
    ).one_or_none()
    return (row.message_id, row.body_hash) if row else None


async def keep_idempotency_key(
    connection: AsyncConnection, user_id: str, key: str, *, body_hash: str, message_id: str, now: int
) -> None:
    await connection.execute(
        idempotency_keys.insert().values(
            user_id=user_id, key=key, body_hash=body_hash, message_id=message_id, created_at=now
        )
    )


async def drop_idempotency_keys(connection: AsyncConnection, before: int) -> None:
    """Forgets keys made before that moment; nobody retries a request for that long."""
    await connection.execute(idempotency_keys.delete().where(idempotency_keys.c.created_at < before))
