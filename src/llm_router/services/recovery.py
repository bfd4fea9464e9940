"""Start-up after a crash: what was being made is folded to `interrupted`, with every piece that was stored.

Runs before the first request, while nothing else writes.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

import orjson

from llm_router.domain.attempts import Attempt
from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.clock import Clock, moment_of
from llm_router.domain.conversations import Message
from llm_router.domain.errors import Interrupted, StorageFailed
from llm_router.domain.events import ReasoningDelta, TextDelta
from llm_router.domain.fold import MessageFold
from llm_router.domain.ids import new_id
from llm_router.domain.messages import reasoning_of, text_of
from llm_router.domain.pricing import PriceEntry, price_usage
from llm_router.domain.tokens import count_tokens
from llm_router.domain.usage import Cost, Usage, total_cost
from llm_router.routing.metering import PriceLookup, expected_of_chat, expected_of_image, partial_usage
from llm_router.services.event_log import NumberedEvent, compact_events
from llm_router.services.generations import start_of
from llm_router.store.budgets import delete_reservation, get_reservation, list_reservations
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
from llm_router.store.ledger import calls_of_messages
from llm_router.store.messages import path_to
from llm_router.store.sql import AsyncConnection
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
        await _put_away_reservations(connection)
        await drop_idempotency_keys(connection, clock.now_ms() - IDEMPOTENCY_KEY_DAYS * 86_400_000)
    if folded:
        _LOG.warning("%d unfinished answers were kept as interrupted", folded)
    return folded


async def _fold(database: Database, found: UnfinishedMessage, price_for: PriceLookup) -> None:
    fold, reported = _read_chunks(found.chunks)
    message = found.message
    async with database.write() as connection:
        origin = await _origin(connection, found)
        target = _target(message)
        calls_before = (await calls_of_messages(connection, found.user_id, [message.id])).get(message.id, [])
        began = max([message.created_at, *(call.ended_at for call in calls_before)])
        price = price_for(target, None, moment_of(began))
        # Whether the call had gone out nobody knows; a bill that may come is better announced than forgotten.
        expected = await _expected(connection, found.user_id, message, origin, price)
        said = count_tokens(text_of(fold.parts) + reasoning_of(fold.parts))
        usage, counts = partial_usage(reported, expected, said)
        attempt = _cut_off(target, usage, price_usage(usage, price, counts=counts), began)
        cost = total_cost([*(call.cost for call in calls_before), attempt.cost]) or attempt.cost
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
        await insert_attempts(connection, origin, [attempt])
        await delete_reservation(connection, found.user_id, message.id)


async def _origin(connection: AsyncConnection, found: UnfinishedMessage) -> Origin:
    """On whose behalf the call was made, as its reservation says; one of an older version has none."""
    message = found.message
    reservation = await get_reservation(connection, found.user_id, message.id)
    if reservation is None:
        return Origin(
            found.user_id, found.device_id, "web", message.conversation_id, message.id, message.model or "unknown"
        )
    return replace(reservation.origin, conversation_id=message.conversation_id)


async def _expected(
    connection: AsyncConnection, user_id: str, message: Message, origin: Origin, price: PriceEntry | None
) -> Usage:
    path = await path_to(connection, user_id, message.id)
    if origin.operation_name == "image_generation":
        return expected_of_image(path[-2].content, None) if price else Usage()
    conversation = await get_conversation(connection, user_id, message.conversation_id)
    steps = tuple(step.as_chat_message() for step in path[:-1])
    return expected_of_chat(ChatRequest(message.model or "", steps, conversation.system_prompt))


async def _put_away_reservations(connection: AsyncConnection) -> None:
    """Lets go of the money that the server that was killed had held back. Where a message is gone its bill was never
    written, and that there was a call is all that is known of it; where it has ended, only the bill's last word is
    missing, and will not come."""
    for reservation, is_known in await list_reservations(connection):
        origin = reservation.origin
        if not is_known:
            attempt = _cut_off(
                _target_of(origin.model), Usage(), Cost(None, "unpriced"), started_at=reservation.created_at
            )
            await insert_attempts(connection, replace(origin, message_id=None), [attempt])
        await delete_reservation(connection, origin.user_id, origin.message_id or "")


def _cut_off(target: Target, usage: Usage, cost: Cost, started_at: int) -> Attempt:
    return Attempt(
        id=new_id(),
        target=target,
        status="cancelled",
        usage=usage,
        cost=cost,
        started_at=started_at,
        duration=None,
        error_type=_REASON.error_type,
    )


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


def _target_of(model: str) -> Target:
    """As well as a catalog id alone can tell."""
    connection, slash, name = model.partition("/")
    return Target(connection, "openai_compatible", name) if slash else Target("unknown", "openai_compatible", model)
