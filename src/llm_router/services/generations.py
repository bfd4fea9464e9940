"""Durable generations: the server owns each run from the acknowledged prompt to the one terminal state.

    pending ──first flush──► streaming ──upstream finished──► complete
       │                        │────────stop────────────────► stopped
       │                        │────────shutdown, crash─────► interrupted
       └────────────────────────┴────────upstream failed─────► error

Readers come and go (`attach`), which changes nothing here. Only `stop`, `shutdown` and the upstream end a run.
A reader sees the last event when the answer is stored, not before.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

import orjson

from llm_router.domain.attempts import Attempt
from llm_router.domain.chat import Target
from llm_router.domain.clock import Clock
from llm_router.domain.conversations import Message, shown_cost
from llm_router.domain.errors import (
    Conflict,
    Interrupted,
    NotFound,
    RateLimited,
    RouterError,
    StorageFailed,
    UpstreamError,
)
from llm_router.domain.events import (
    AttemptFailed,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    UsageReported,
)
from llm_router.domain.fold import MessageFold
from llm_router.domain.messages import MessageStatus, reasoning_of, text_of
from llm_router.domain.pricing import price_usage
from llm_router.domain.usage import Cost, Usage, total_cost
from llm_router.routing.metering import PriceLookup
from llm_router.services.event_log import EventLog, NumberedEvent, compact_events, expand_events
from llm_router.store.conversations import update_conversation
from llm_router.store.database import Database
from llm_router.store.generations import (
    EventRecord,
    append_chunks,
    finish_message,
    get_event_record,
    mark_streaming,
)
from llm_router.store.messages import get_message
from llm_router.store.usage import Origin, insert_attempts

_LOG = logging.getLogger(__name__)

MAX_ANSWER_CHARACTERS = 10_000_000
"""Of text, thinking and tool arguments: days of talking. Without an end it would fill the memory, then the disk."""

FLUSH_SECONDS = 0.25
"""How much of an answer a killed server may lose at the most. Each flush is one small transaction."""

STORE_RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Waits between tries to store a finished answer while the database cannot be written; the last one repeats."""

STORED_SECONDS = 15.0
"""How long a stop, a deletion or the shutdown waits for an answer to be stored."""

OpenStream = Callable[[Callable[[Attempt], None]], AbstractAsyncContextManager[AsyncIterator[StreamEvent]]]
"""Begins the upstream part of a run; is handed where to record each attempt."""


@dataclass(slots=True)
class _Run:
    """One generation in flight."""

    origin: Origin
    message: Message
    target: Target
    open_stream: OpenStream
    log: EventLog
    started: float
    fold: MessageFold = field(default_factory=MessageFold)
    attempts: list[Attempt] = field(default_factory=list)
    flushed_seq: int = 0
    ending: Literal["stopped", "interrupted"] | None = None
    pump: asyncio.Task[None] | None = None
    task: asyncio.Task[None] | None = None
    pumped: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the upstream part is over and only storing is left."""


class Generations:
    """All runs of this process."""

    def __init__(self, database: Database, price_for: PriceLookup, clock: Clock, *, max_concurrent_runs: int) -> None:
        self._database = database
        self._price_for = price_for
        self._clock = clock
        self._max_concurrent_runs = max_concurrent_runs
        self._runs: dict[str, _Run] = {}
        self._reserved = 0
        self._is_shutting_down = False

    @contextmanager
    def reserve(self) -> Iterator[None]:
        """Keeps a place for a run that is about to be written down and started. Raises RateLimited, Interrupted."""
        if self._is_shutting_down:
            raise Interrupted("The server is shutting down. Your prompt was not taken; send it again in a moment.")
        if len(self._runs) + self._reserved >= self._max_concurrent_runs:
            raise RateLimited(
                f"{self._max_concurrent_runs} answers are being made already, which is the limit "
                "(MAX_CONCURRENT_RUNS). Your prompt was not taken; wait for one to end, or stop one.",
                retry_after_seconds=5,
            )
        self._reserved += 1
        try:
            yield
        finally:
            self._reserved -= 1

    def start(self, origin: Origin, message: Message, target: Target, open_stream: OpenStream) -> None:
        """Starts the run of a pending `message` that is stored already. Returns at once."""
        monotonic = self._clock.monotonic
        run = _Run(origin, message, target, open_stream, EventLog(monotonic), started=monotonic())
        run.log.append("start", start_of(message))
        if self._is_shutting_down:  # it took its place before that began
            run.ending = "interrupted"
        self._runs[message.id] = run
        run.task = asyncio.create_task(self._run(run), name=f"generation {message.id}")

    async def attach(self, user_id: str, message_id: str, after: int) -> AsyncIterator[NumberedEvent] | None:
        """Every event of an answer behind number `after`, once and in order: live, just ended or long ago.

        None where `after` is the end already. Raises NotFound, Conflict, StorageFailed.
        """
        run = self._runs.get(message_id)
        if run is not None:
            if run.origin.user_id != user_id:
                raise NotFound("There is no such message.")
            return run.log.read(min(after, run.log.last_seq))
        async with self._database.read() as connection:
            message = await get_message(connection, user_id, message_id)
            record = await get_event_record(connection, user_id, message_id)
        if not message.is_finished:
            raise Conflict("That answer is being put away. Ask again in a moment.")
        replay = _replay(message, record)
        if after == replay[-1].seq:
            return None
        # A number from before a crash may be larger than any that was stored: the last event sets it right.
        events = [event for event in replay if event.seq > after] or replay[-1:]
        return _iterate(events)

    async def stop(self, user_id: str, message_id: str) -> Message:
        """Ends the run, if there is one, and returns the message in its terminal state. Raises NotFound."""
        run = self._runs.get(message_id)
        if run is not None and run.origin.user_id == user_id:
            self._end(run, "stopped")
            await self._stored(run)
        return await self.stored(user_id, message_id)

    async def stored(self, user_id: str, message_id: str) -> Message:
        """The message as it is in the database, a running one with the text so far. Raises NotFound."""
        # Looked up first: one that ends while we read has its text still.
        run = self._runs.get(message_id)
        async with self._database.read() as connection:
            message = await get_message(connection, user_id, message_id)
        if run is None or message.is_finished:
            return message
        parts = run.fold.parts
        return replace(message, status="streaming" if parts else message.status, content=text_of(parts), parts=parts)

    async def stop_conversation(self, user_id: str, conversation_id: str) -> None:
        """Ends every run of a conversation."""
        for run in list(self._runs.values()):
            if run.origin.user_id == user_id and run.message.conversation_id == conversation_id:
                self._end(run, "stopped")
                await self._stored(run)

    async def wait(self, message_id: str, seconds: float) -> bool:
        """Whether the run ended within that time. True where there is none."""
        run = self._runs.get(message_id)
        if run is None or run.task is None:
            return True
        done, _ = await asyncio.wait({run.task}, timeout=seconds)
        return bool(done)

    async def shutdown(self) -> None:
        """Interrupts every run and waits until each is stored."""
        self._is_shutting_down = True
        runs = list(self._runs.values())
        for run in runs:
            self._end(run, "interrupted")
        await asyncio.gather(*(self._stored(run) for run in runs))

    def _end(self, run: _Run, ending: Literal["stopped", "interrupted"]) -> None:
        if run.ending is None and run.pump is not None and not run.pump.done():
            run.ending = ending
            run.pump.cancel()
        elif run.pump is None:
            run.ending = run.ending or ending

    async def _stored(self, run: _Run) -> None:
        """Waits for the end of a run without owning it: whoever waits may leave."""
        if run.task is not None:
            await asyncio.wait({run.task}, timeout=STORED_SECONDS)

    async def _run(self, run: _Run) -> None:
        flusher = asyncio.create_task(self._flush_regularly(run))
        run.pump = asyncio.create_task(self._pump(run))
        if run.ending is not None:
            run.pump.cancel()
        await asyncio.wait({run.pump})
        run.pumped.set()
        await asyncio.wait({flusher})
        try:
            await self._conclude(run)
        except StorageFailed as error:
            _LOG.error("answer %s is left to the next start: %s", run.message.id, error.message)
        except Exception:
            _LOG.exception("answer %s could not be stored", run.message.id)
        finally:
            self._runs.pop(run.message.id, None)
            run.log.close()

    async def _conclude(self, run: _Run) -> None:
        """Brings the answer to its terminal state, if need be without its counts: nobody knows what an upstream
        may report, and its text and its readers must not wait for that."""
        status, error = _outcome(run)
        try:
            await self._finish(run, status, error)
        except StorageFailed:
            raise
        except Exception:
            _LOG.exception("answer %s cannot be stored as it came; trying without its counts", run.message.id)
            unknown = Cost(None, "unpriced")
            run.attempts[:] = [replace(attempt, usage=Usage(), cost=unknown) for attempt in run.attempts]
            await self._finish(run, status, error)

    async def _pump(self, run: _Run) -> None:
        async with run.open_stream(run.attempts.append) as events:
            async for event in events:
                run.fold.feed(event)
                self._tell(run, event)
                if run.fold.text_length > MAX_ANSWER_CHARACTERS:
                    limit = f"{MAX_ANSWER_CHARACTERS:,} characters"
                    raise UpstreamError(f"The answer grew beyond {limit} and was ended. What arrived is kept.")

    def _tell(self, run: _Run, event: StreamEvent) -> None:
        """What readers hear of an event."""
        match event:
            case TextDelta(text):
                run.log.append_text("delta", text)
            case ReasoningDelta(text):
                run.log.append_text("reasoning", text)
            case UsageReported(usage):
                cost = price_usage(usage, self._price_for(run.target, run.fold.response_model))
                run.log.append_usage({**usage.as_dict(), **shown_cost(cost.nanousd, cost.status)})
            case AttemptFailed(error, _, delay):
                again = "" if delay is None else f" Trying again in {delay:.1f} s."
                run.log.append("notice", {"text": f"{error.message.rstrip('.')}.{again}"})
            case _:
                pass

    async def _flush_regularly(self, run: _Run) -> None:
        while not run.pumped.is_set():
            try:
                async with asyncio.timeout(FLUSH_SECONDS):
                    await run.pumped.wait()
            except TimeoutError:
                await self._flush(run)

    async def _flush(self, run: _Run) -> None:
        events = run.log.after(run.flushed_seq)
        if not events:
            return
        try:
            async with self._database.write(durable=False) as connection:
                if run.flushed_seq == 0:
                    await mark_streaming(connection, run.origin.user_id, run.message.id)
                await append_chunks(
                    connection, run.message.id, [(event.seq, event.name, event.data.decode()) for event in events]
                )
        except StorageFailed as error:
            # The answer goes on in memory; the next flush, or the end, brings everything.
            _LOG.warning("answer %s is kept in memory: %s", run.message.id, error.message)
            return
        run.flushed_seq = events[-1].seq

    async def _finish(self, run: _Run, status: MessageStatus, error: RouterError | None) -> None:
        message = self._finished_message(run, status, error)
        if message.usage.tokens_output is not None:
            bill = shown_cost(message.cost_nanousd, message.cost_status)
            run.log.append_usage({**message.usage.as_dict(), **bill})
        run.log.settle()
        failures = 0
        while True:
            last = _last_event(message, run.log.last_seq + 1)
            try:
                await self._store(run, message, EventRecord(compact_events(run.log.after(0)), last.seq))
                break
            except StorageFailed as failed:
                if self._is_shutting_down and failures >= len(STORE_RETRY_SECONDS):
                    raise
                if failures == 0:
                    run.log.append(
                        "notice",
                        {"text": f"{failed.message} The answer is kept in memory and will be stored when it can be."},
                    )
                await asyncio.sleep(STORE_RETRY_SECONDS[min(failures, len(STORE_RETRY_SECONDS) - 1)])
                failures += 1
        run.log.close(last)

    async def _store(self, run: _Run, message: Message, record: EventRecord) -> None:
        """The whole answer, its bill and the conversation's time, in one transaction."""
        async with self._database.write() as connection:
            origin = run.origin
            if await finish_message(connection, origin.user_id, message, record):
                await update_conversation(
                    connection, origin.user_id, message.conversation_id, updated_at=self._clock.now_ms()
                )
            else:
                # Deleted under our hands: the words are gone, the bill is not.
                origin = replace(origin, conversation_id=None, message_id=None)
            await insert_attempts(connection, origin, run.attempts)

    def _finished_message(self, run: _Run, status: MessageStatus, error: RouterError | None) -> Message:
        fold, parts = run.fold, run.fold.parts
        last = run.attempts[-1] if run.attempts else None
        cost = total_cost([attempt.cost for attempt in run.attempts])
        return replace(
            run.message,
            status=status,
            content=text_of(parts),
            parts=parts,
            response_model=fold.response_model,
            usage=last.usage if last else run.message.usage,
            cost_nanousd=cost.nanousd if cost else None,
            cost_status=cost.status if cost else None,
            finish_reason="cancelled" if status in ("stopped", "interrupted") else fold.finish_reason or "error",
            error=error.as_dict() if error else None,
            time_to_first_chunk=last.time_to_first_chunk if last else None,
            duration=self._clock.monotonic() - run.started,
        )


def start_of(message: Message) -> dict[str, str | None]:
    """What the first event of an answer says: where it belongs, before anything of it is there."""
    return {
        "conversation_id": message.conversation_id,
        "user_message_id": message.parent_id,
        "message_id": message.id,
        "model": message.model,
    }


def _outcome(run: _Run) -> tuple[MessageStatus, RouterError | None]:
    assert run.pump is not None
    if run.fold.finish_reason is not None:
        return "complete", None
    if run.pump.cancelled():
        if run.ending == "stopped":
            return "stopped", None
        return "interrupted", Interrupted("The server stopped while this answer was made. What arrived is kept; retry.")
    error = run.pump.exception()
    if isinstance(error, RouterError):
        return "error", error
    if error is not None:
        _LOG.error("answer %s failed unexpectedly", run.message.id, exc_info=error)
    return "error", RouterError("Something went wrong inside the router; its log says more. What arrived is kept.")


def _last_event(message: Message, seq: int) -> NumberedEvent:
    """`done` or `error`, made from the stored message: the same whenever it is sent."""
    shown = message.as_dict()
    if message.status in ("error", "interrupted"):
        return NumberedEvent(seq, "error", orjson.dumps({"error": message.error, "message": shown}))
    return NumberedEvent(seq, "done", orjson.dumps({"message": shown}))


def _replay(message: Message, record: EventRecord | None) -> list[NumberedEvent]:
    """All events of a finished message. One that was never streamed here (a prompt, a copy) is told in one piece."""
    reasoning = reasoning_of(message.parts)
    if record is not None:
        events = list(expand_events(record.event_log, message.content, reasoning))
        return [*events, _last_event(message, record.last_event_id)]
    told: list[tuple[str, object]] = [("start", start_of(message))]
    told += [("reasoning", {"text": reasoning})] if reasoning else []
    told += [("delta", {"text": message.content})] if message.content else []
    events = [NumberedEvent(seq, name, orjson.dumps(data)) for seq, (name, data) in enumerate(told, start=1)]
    return [*events, _last_event(message, len(events) + 1)]


async def _iterate(events: list[NumberedEvent]) -> AsyncIterator[NumberedEvent]:
    for event in events:
        yield event
