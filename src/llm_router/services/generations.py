"""Durable generations: the server owns each run from the acknowledged prompt to the one terminal state.

    pending ──first flush──► streaming ──upstream finished──► complete
       │                        │────────stop────────────────► stopped
       │                        │────────shutdown, crash─────► interrupted
       └────────────────────────┴────────upstream failed─────► error

Readers come and go (`attach`), which changes nothing here. Only `stop`, `shutdown` and the upstream end a run.
A reader sees the last event when the answer is stored, not before.

Where the owner wants it, the upstream of a stopped answer is listened to for a while longer, in silence: the answer
ends at once, with a bill of our own counting, and the provider's takes its place when it comes (`_drain`).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

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
    redact,
)
from llm_router.domain.events import (
    AttemptFailed,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from llm_router.domain.fold import MessageFold
from llm_router.domain.messages import MessageStatus, reasoning_of, text_of
from llm_router.domain.pricing import price_usage
from llm_router.domain.usage import total_cost
from llm_router.routing.metering import AttemptMeter, BeginAttempt, PriceLookup
from llm_router.services.changes import Change, Changes
from llm_router.services.event_log import EventLog, NumberedEvent, compact_events, expand_events
from llm_router.store.budgets import delete_reservation, hold_for_last_word
from llm_router.store.conversations import update_conversation
from llm_router.store.database import Database
from llm_router.store.generations import (
    EventRecord,
    append_chunks,
    finish_message,
    get_event_record,
    mark_streaming,
    settle_message,
)
from llm_router.store.messages import get_message
from llm_router.store.sql import AsyncConnection
from llm_router.store.usage import Origin, insert_attempts, settle_attempt

_LOG = logging.getLogger(__name__)

MAX_ANSWER_CHARACTERS = 10_000_000
"""Of text, thinking and tool arguments: days of talking. Without an end it would fill the memory, then the disk."""

FLUSH_SECONDS = 0.25
"""How much of an answer a killed server may lose at the most. Each flush is one small transaction."""

STORE_RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Waits between tries to store a finished answer while the database cannot be written; the last one repeats."""

STORED_SECONDS = 15.0
"""How long a stop, a deletion or the shutdown waits for an answer to be stored."""

DRAIN_CHARACTERS = 200_000
"""How much of a stopped answer is listened to at the most; a fifth of a megabyte, or an hour of reading."""

OpenStream = Callable[[BeginAttempt], AbstractAsyncContextManager[AsyncIterator[StreamEvent]]]
"""Begins the upstream part of a run; is handed where to bring the meter of each upstream call."""


class Attachment(Protocol):
    """What an answer brings along besides its words, kept before anyone is told that it is there."""

    async def write(self) -> None:
        """Puts its bytes where they belong; done once, however often it is called. Raises StorageFailed."""
        ...

    async def insert(self, connection: AsyncConnection, message_id: str | None) -> None:
        """Writes its rows, in the transaction that stores the answer. No id where the answer was deleted meanwhile."""
        ...


@dataclass(slots=True)
class _Run:
    """One generation in flight."""

    origin: Origin
    message: Message
    target: Target
    open_stream: OpenStream
    attachment: Attachment | None
    log: EventLog
    started: float
    fold: MessageFold = field(default_factory=MessageFold)
    meters: list[AttemptMeter] = field(default_factory=list)
    """Of every upstream call, in order."""
    attempts: list[Attempt] = field(default_factory=list)
    """What the calls took, as the answer's end found them."""
    failed_calls: int = 0
    """Calls that another try has followed: nothing of them can change any more."""
    recorded_calls: int = 0
    """Calls that are in the ledger already."""
    thought_at: tuple[float, float] | None = None
    """When the first and the latest piece of reasoning came."""
    flushed_seq: int = 0
    flushing: asyncio.Lock = field(default_factory=asyncio.Lock)
    urgent_flush: asyncio.Task[None] | None = None
    ending: Literal["stopped", "interrupted"] | None = None
    pump: asyncio.Task[None] | None = None
    task: asyncio.Task[None] | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the answer is over and only storing is left."""
    is_draining: bool = False
    """The answer was stopped, its upstream goes on: what comes is only counted."""
    drained_characters: int = 0
    is_stored: bool = False


class Generations:
    """All runs of this process."""

    def __init__(
        self,
        database: Database,
        price_for: PriceLookup,
        clock: Clock,
        changes: Changes,
        *,
        max_concurrent_runs: int,
        drain_seconds: Mapping[str, float] | None = None,
    ) -> None:
        """`drain_seconds` by connection name: how long the upstream of a stopped answer is listened to."""
        self._database = database
        self._price_for = price_for
        self._clock = clock
        self._changes = changes
        self._max_concurrent_runs = max_concurrent_runs
        self._drain_seconds = drain_seconds or {}
        self._runs: dict[str, _Run] = {}
        self._drains: dict[asyncio.Task[None], _Run] = {}
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

    def start(
        self,
        origin: Origin,
        message: Message,
        target: Target,
        open_stream: OpenStream,
        attachment: Attachment | None = None,
    ) -> None:
        """Starts the run of a pending `message` that is stored already. Returns at once."""
        monotonic = self._clock.monotonic
        run = _Run(origin, message, target, open_stream, attachment, EventLog(monotonic), started=monotonic())
        run.log.append("start", start_of(message))
        if self._is_shutting_down:  # it took its place before that began
            run.ending = "interrupted"
        self._runs[message.id] = run
        run.task = asyncio.create_task(self._run(run), name=f"generation {message.id}")
        self._changes.publish(
            origin.user_id, Change("message_started", message.conversation_id, message.id, message.status)
        )

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
        for run in self._drains.values():
            assert run.pump is not None
            run.pump.cancel()
        await asyncio.gather(*(self._stored(run) for run in runs))
        if self._drains:
            await asyncio.wait(list(self._drains), timeout=STORED_SECONDS)

    def _end(self, run: _Run, ending: Literal["stopped", "interrupted"]) -> None:
        if run.pump is None:
            run.ending = run.ending or ending
        elif run.ending is None and not run.ended.is_set():
            run.ending = ending
            seconds = self._drain_seconds.get(run.target.connection, 0)
            if ending == "stopped" and seconds > 0 and self._can_drain(run):
                self._begin_drain(run, run.pump, seconds)
            else:
                run.pump.cancel()

    def _can_drain(self, run: _Run) -> bool:
        """Whether there is a call to listen to, and a place to do so."""
        return (
            run.origin.operation_name == "chat"
            and run.fold.finish_reason is None
            and bool(run.meters)
            and run.meters[-1].is_open
            and len(self._drains) < self._max_concurrent_runs
            and not self._is_shutting_down
        )

    def _begin_drain(self, run: _Run, pump: asyncio.Task[None], seconds: float) -> None:
        run.is_draining = True
        run.ended.set()
        timer = asyncio.get_running_loop().call_later(seconds, pump.cancel)
        pump.add_done_callback(lambda _: timer.cancel())
        task = asyncio.create_task(self._drain(run, pump), name=f"drain {run.message.id}")
        self._drains[task] = run
        task.add_done_callback(self._drains.pop)

    async def _drain(self, run: _Run, pump: asyncio.Task[None]) -> None:
        """Waits for a stopped answer's upstream to end, and puts what the call took after all in place of our count."""
        assert run.task is not None
        await asyncio.wait({pump, run.task})
        if not pump.cancelled() and (error := pump.exception()) is not None:
            _LOG.info("the upstream of the stopped answer %s ended badly: %s", run.message.id, redact(str(error)))
        if not run.is_stored:
            return  # the next start puts it away
        try:
            await self._settle(run, run.meters[-1].attempt)
        except Exception:
            _LOG.exception("the last word on what the stopped answer %s cost cannot be kept", run.message.id)
            await self._settle(run, run.attempts[-1])

    async def _settle(self, run: _Run, final: Attempt) -> None:
        final = replace(final, status="cancelled", error_type=None)  # whatever became of the call behind it
        cost = total_cost([*(attempt.cost for attempt in run.attempts[:-1]), final.cost]) or final.cost
        user_id, failures = run.origin.user_id, 0
        while True:
            try:
                async with self._database.write() as connection:
                    await settle_attempt(connection, run.origin, final)
                    is_there = await settle_message(connection, user_id, run.message.id, final.usage, cost)
                    await delete_reservation(connection, user_id, final.id)
                break
            except StorageFailed as failed:
                if self._is_shutting_down:
                    return  # the bill that was written first stands
                _LOG.warning("what the stopped answer %s cost has to wait: %s", run.message.id, failed.message)
                await asyncio.sleep(STORE_RETRY_SECONDS[min(failures, len(STORE_RETRY_SECONDS) - 1)])
                failures += 1
        if is_there:
            self._changes.publish(user_id, Change("conversation_updated", run.message.conversation_id))

    async def _stored(self, run: _Run) -> None:
        """Waits for the end of a run without owning it: whoever waits may leave."""
        if run.task is not None:
            await asyncio.wait({run.task}, timeout=STORED_SECONDS)

    async def _run(self, run: _Run) -> None:
        flusher = asyncio.create_task(self._flush_regularly(run))
        run.pump = asyncio.create_task(self._pump(run))
        run.pump.add_done_callback(lambda _: run.ended.set())
        if run.ending is not None:
            run.pump.cancel()
        await run.ended.wait()
        await asyncio.wait({flusher, run.urgent_flush or flusher})
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
            run.attempts = [meter.attempt for meter in run.meters]
            await self._finish(run, status, error)
        except StorageFailed:
            raise
        except Exception:
            _LOG.exception("answer %s cannot be stored as it came; trying without its counts", run.message.id)
            run.attempts = [meter.uncounted for meter in run.meters]
            await self._finish(run, status, error)

    async def _pump(self, run: _Run) -> None:
        async with run.open_stream(run.meters.append) as events:
            async for event in events:
                if run.is_draining:
                    if not _is_worth_hearing(run, event):
                        return
                    continue
                if isinstance(event, AttemptFailed):
                    await self._record_failed_calls(run)
                if isinstance(event, ReasoningDelta):
                    now = self._clock.monotonic()
                    run.thought_at = (run.thought_at[0] if run.thought_at else now, now)
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
                price = self._price_for(run.target, run.fold.response_model, None)
                cost = price_usage(usage, price, counts="bounded")  # it may grow
                run.log.append_usage({**usage.as_dict(), **shown_cost(cost.nanousd, cost.status)})
            case AttemptFailed(error, _, delay):
                again = "" if delay is None else f" Trying again in {delay:.1f} s."
                run.log.append("notice", {"text": f"{error.message.rstrip('.')}.{again}"})
            case _:
                pass

    async def _record_failed_calls(self, run: _Run) -> None:
        """Before anyone hears of the failure, and before the next call goes out: a killed server forgets none."""
        run.failed_calls = len(run.meters)
        # In a task of its own, since a stop may come now, and what is half written must not be written again.
        run.urgent_flush = asyncio.create_task(self._flush(run), name=f"failed calls of {run.message.id}")
        await asyncio.wait({run.urgent_flush})

    async def _flush_regularly(self, run: _Run) -> None:
        while not run.ended.is_set():
            try:
                async with asyncio.timeout(FLUSH_SECONDS):
                    await run.ended.wait()
            except TimeoutError:
                await self._flush(run)

    async def _flush(self, run: _Run) -> None:
        async with run.flushing:
            await self._flush_in_turn(run)

    async def _flush_in_turn(self, run: _Run) -> None:
        events = run.log.after(run.flushed_seq)
        failed_calls = run.failed_calls
        if not events and failed_calls == run.recorded_calls:
            return
        try:
            async with self._database.write(durable=False) as connection:
                if events:
                    if run.flushed_seq == 0:
                        await mark_streaming(connection, run.origin.user_id, run.message.id)
                    chunks = [(event.seq, event.name, event.data.decode()) for event in events]
                    await append_chunks(connection, run.message.id, chunks)
                failed = [meter.attempt for meter in run.meters[run.recorded_calls : failed_calls]]
                await insert_attempts(connection, run.origin, failed)
        except StorageFailed as error:
            # The answer goes on in memory; the next flush, or the end, brings everything.
            _LOG.warning("answer %s is kept in memory: %s", run.message.id, error.message)
            return
        run.flushed_seq = events[-1].seq if events else run.flushed_seq
        run.recorded_calls = failed_calls

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
        """The whole answer with all it brings along, its bill and the conversation's time, in one transaction."""
        if run.attachment is not None:
            await run.attachment.write()
        async with self._database.write() as connection:
            origin, attempts = run.origin, run.attempts[run.recorded_calls :]
            is_there = await finish_message(connection, origin.user_id, message, record)
            if is_there:
                await update_conversation(
                    connection, origin.user_id, message.conversation_id, updated_at=self._clock.now_ms()
                )
            else:
                # Deleted under our hands: the words are gone, the bill is not.
                origin = replace(origin, conversation_id=None, message_id=None)
            if run.attachment is not None:
                await run.attachment.insert(connection, origin.message_id)
            await insert_attempts(connection, origin, attempts)
            if run.is_draining:
                billed = sum(attempt.cost.nanousd or 0 for attempt in run.attempts)
                call_id = run.attempts[-1].id
                await hold_for_last_word(connection, origin.user_id, message.id, call_id=call_id, billed_nanousd=billed)
            else:
                await delete_reservation(connection, origin.user_id, message.id)
        run.is_stored = True
        self._changes.publish(
            origin.user_id, Change("message_finished", message.conversation_id, message.id, message.status)
        )

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
            reasoning_duration=run.thought_at[1] - run.thought_at[0] if run.thought_at else None,
        )


def start_of(message: Message) -> dict[str, str | None]:
    """What the first event of an answer says: where it belongs, before anything of it is there."""
    return {
        "conversation_id": message.conversation_id,
        "user_message_id": message.parent_id,
        "message_id": message.id,
        "model": message.model,
    }


def _is_worth_hearing(run: _Run, event: StreamEvent) -> bool:
    """Whether to go on listening to the upstream of a stopped answer: not to another try, and not for ever."""
    match event:
        case TextDelta(text) | ReasoningDelta(text):
            run.drained_characters += len(text)
        case ToolCallDelta(arguments=arguments):
            run.drained_characters += len(arguments)
        case AttemptFailed():
            return False
        case _:
            pass
    return run.drained_characters <= DRAIN_CHARACTERS


def _outcome(run: _Run) -> tuple[MessageStatus, RouterError | None]:
    assert run.pump is not None
    if run.is_draining:
        return "stopped", None
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
