"""Start-up after a crash: what was being made is folded to `interrupted`, with every piece that was stored.

Runs before the first request, while nothing else writes.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

import orjson

from llm_router.domain.attempts import Attempt
from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.clock import Clock
from llm_router.domain.conversations import Message
from llm_router.domain.errors import Interrupted, StorageFailed
from llm_router.domain.events import ReasoningDelta, TextDelta
from llm_router.domain.fold import MessageFold
from llm_router.domain.ids import new_id
from llm_router.domain.messages import text_of
from llm_router.domain.pricing import price_usage
from llm_router.domain.usage import Usage
from llm_router.routing.metering import PriceLookup, estimate_usage, prompt_length
from llm_router.services.event_log import NumberedEvent, compact_events
from llm_router.services.generations import start_of
from llm_router.store.conversations import get_conversation
from llm_router.store.database import Database
from llm_router.store.generations import (
    Chunk,
    EventRecord,
    UnfinishedMessage,
    drop_idempotency_keys,
    finish_message,
    list_unfinished,
)
from llm_router.store.messages import path_to
from llm_router.store.usage import Origin, insert_attempts

_LOG = logging.getLogger(__name__)

UNKNOWN_EVENTS = 1_000_000
"""How far the last event's number jumps after a crash: further than events can have been sent and not stored."""

IDEMPOTENCY_KEY_DAYS = 7

_REASON = Interrupted(
    "The server was killed while this answer was made. What had arrived is kept; retry for a new one."
)


async def recover(database: Database, price_for: PriceLookup, clock: Clock) -> int:
    """Folds all that is unfinished and returns how many were folded. Raises StorageFailed."""
    async with database.read() as connection:
        unfinished = await list_unfinished(connection)
    folded = 0
    for found in unfinished:
        try:
            await _fold(database, found, price_for)
            folded += 1
        except StorageFailed:
            raise
        except Exception:
            # One odd row must not keep the server from starting; the next version may know what it is.
            _LOG.exception("answer %s could not be put away and is left as it is", found.message.id)
    async with database.write() as connection:
        await drop_idempotency_keys(connection, clock.now_ms() - IDEMPOTENCY_KEY_DAYS * 86_400_000)
    if folded:
        _LOG.warning("%d unfinished answers were kept as interrupted", folded)
    return folded


async def _fold(database: Database, found: UnfinishedMessage, price_for: PriceLookup) -> None:
    fold, reported = _read_chunks(found.chunks)
    message = found.message
    async with database.write() as connection:
        path = await path_to(connection, found.user_id, message.id)
        conversation = await get_conversation(connection, found.user_id, message.conversation_id)
        request = ChatRequest(
            message.model or "", tuple(step.as_chat_message() for step in path[:-1]), conversation.system_prompt
        )
        # Whether the call had gone out nobody knows; a bill that may come is better announced than forgotten.
        usage = estimate_usage(reported, prompt_length(request), fold.text_length)
        target = _target(message)
        cost = price_usage(usage, price_for(target, None), is_estimated=True)
        attempt = Attempt(
            id=new_id(),
            target=target,
            status="cancelled",
            usage=usage,
            cost=cost,
            started_at=message.created_at,
            duration=None,
            error_type=_REASON.error_type,
        )
        finished = replace(
            message,
            status="interrupted",
            content=text_of(fold.parts),
            parts=fold.parts,
            usage=usage,
            cost_nanousd=cost.nanousd,
            cost_status=cost.status,
            finish_reason="cancelled",
            error=_REASON.as_dict(),
        )
        events = [NumberedEvent(seq, name, data.encode()) for seq, name, data in found.chunks]
        # Killed before the first flush: its readers had heard this much, and every stream begins with it.
        events = events or [NumberedEvent(1, "start", orjson.dumps(start_of(message)))]
        record = EventRecord(compact_events(events), len(events) + UNKNOWN_EVENTS)
        await finish_message(connection, found.user_id, finished, record)
        origin = Origin(
            found.user_id, found.device_id, "web", message.conversation_id, message.id, message.model or target.id
        )
        await insert_attempts(connection, origin, [attempt])


def _read_chunks(chunks: Sequence[Chunk]) -> tuple[MessageFold, Usage | None]:
    fold, reported = MessageFold(), None
    for _, name, data in chunks:
        match name:
            case "delta":
                fold.feed(TextDelta(orjson.loads(data)["text"]))
            case "reasoning":
                fold.feed(ReasoningDelta(orjson.loads(data)["text"]))
            case "usage":
                counts = orjson.loads(data)
                reported = Usage(**{key: counts[key] for key in Usage().as_dict()})
            case _:
                pass
    return fold, reported


def _target(message: Message) -> Target:
    """The target a message was sent to: catalog ids are bare models, or `connection/model`."""
    connection = message.connection or "unknown"
    model = (message.model or "unknown").removeprefix(f"{connection}/")
    return Target(connection, message.provider or "openai_compatible", model)
