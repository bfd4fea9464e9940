"""The stream of one answer over real sockets; where writes are counted, the ASGI callable is driven by hand."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llm_router.services.event_log import NumberedEvent
from llm_router.settings import Settings
from llm_router.web.event_stream import event_stream_response
from llm_router.web.middleware import wrap
from llm_router.wire.sse import HEARTBEAT, SSEDecoder
from tests.web.loopback import LIMIT_SECONDS, serve

REQUEST = b"GET /api/stream HTTP/1.1\r\nHost: nas\r\n\r\n"


def event(seq: int, text: bytes = b"x") -> NumberedEvent:
    return NumberedEvent(seq, "delta", b'{"text":"%b"}' % text)


class Source:
    """Events put in by the test, and whether their iterator was closed."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[NumberedEvent | Exception | None] = asyncio.Queue()
        self.is_closed = asyncio.Event()

    def put(self, *events: NumberedEvent | Exception | None) -> None:
        for item in events:
            self._queue.put_nowait(item)

    async def read(self) -> AsyncGenerator[NumberedEvent, None]:
        try:
            while (item := await self._queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.is_closed.set()


def streaming(
    source: Callable[[], AsyncIterator[NumberedEvent]],
    heartbeat_seconds: float = 60,
    closing: asyncio.Event | None = None,
) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await event_stream_response(source(), heartbeat_seconds, closing=closing)(scope, receive, send)

    return wrap(app, Settings())


@asynccontextmanager
async def reading(app: ASGIApp) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A reader of the stream whose response headers have come."""
    async with serve(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            writer.write(REQUEST)
            await reader.readuntil(b"\r\n\r\n")
            async with asyncio.timeout(LIMIT_SECONDS):
                yield reader, writer
        finally:
            writer.close()


async def test_events_are_sent_with_their_numbers_and_the_stream_ends_with_them() -> None:
    source = Source()
    source.put(event(1), NumberedEvent(7, "done", b"{}"), None)
    async with serve(streaming(source.read)) as server:
        answer = await server.request("GET", "/api/stream")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.body == b'id: 1\nevent: delta\ndata: {"text":"x"}\n\nid: 7\nevent: done\ndata: {}\n\n'
    assert source.is_closed.is_set()


async def test_an_event_goes_out_when_it_comes_and_idle_time_is_filled_with_heartbeats() -> None:
    source = Source()
    async with reading(streaming(source.read, heartbeat_seconds=0.02)) as (reader, _):
        received = b""
        for number in (1, 2, 3):
            # Two beats pass while the iterator waits: the wait goes on across them, and the event is not lost.
            for _ in range(2):
                received += await reader.readuntil(HEARTBEAT)
            source.put(event(number))
            received += await reader.readuntil(b'data: {"text":"x"}\n\n')
        source.put(None)
        received += await reader.readuntil(b"0\r\n\r\n")
    sizes_and_chunks = received.split(b"\r\n")
    assert all(chunk == HEARTBEAT or HEARTBEAT not in chunk for chunk in sizes_and_chunks)
    decoder = SSEDecoder()
    events = [sent for chunk in sizes_and_chunks[1::2] for sent in decoder.feed(chunk)]
    assert [sent.id for sent in events] == ["1", "2", "3"]


async def test_no_heartbeat_comes_while_events_do() -> None:
    heartbeat_seconds = 0.02

    async def busy() -> AsyncIterator[NumberedEvent]:
        clock = asyncio.get_running_loop().time
        end, number = clock() + 10 * heartbeat_seconds, 0
        while clock() < end:
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # so that they are not ready together
            yield event(number := number + 1)

    async with serve(streaming(busy, heartbeat_seconds)) as server:
        answer = await server.request("GET", "/api/stream")
    assert b"id: 1\n" in answer.body
    assert HEARTBEAT not in answer.body


async def test_events_that_are_ready_together_are_one_write_of_bounded_size() -> None:
    source = Source()
    source.put(*map(event, range(1, 1001)), None)
    writes = await _writes(source)
    assert b"".join(writes).count(b"id: ") == 1000
    assert len(writes) <= 20
    assert max(write.count(b"id: ") for write in writes) <= 64


async def _writes(source: Source) -> list[bytes]:
    writes: list[bytes] = []
    never = asyncio.Event()

    async def receive() -> Message:
        await never.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message.get("body"):
            writes.append(message["body"])

    async with asyncio.timeout(LIMIT_SECONDS):
        await event_stream_response(source.read())({"type": "http"}, receive, send)
    return writes


async def test_leaving_closes_the_iterator_and_cancels_nothing_else() -> None:
    source = Source()
    run_has_ended = asyncio.Event()

    async def run() -> None:
        source.put(event(1))
        await source.is_closed.wait()  # goes on after the reader has left
        run_has_ended.set()

    async with reading(streaming(source.read)) as (reader, writer), asyncio.TaskGroup() as group:
        task = group.create_task(run())
        await reader.readuntil(b"id: 1\n")
        writer.close()
        await run_has_ended.wait()
    assert not task.cancelled()


async def test_leaving_in_the_middle_of_a_stalled_write_closes_the_iterator_too() -> None:
    is_closed, is_stalled = asyncio.Event(), asyncio.Event()
    taken = 0

    async def endless() -> AsyncGenerator[NumberedEvent, None]:
        nonlocal taken
        try:
            while True:
                taken += 1
                if taken > 100:
                    is_stalled.set()
                yield event(taken, b"x" * 200_000)
        finally:
            is_closed.set()

    events = endless()  # held here, so that it is not the garbage collector that closes it
    async with reading(streaming(lambda: events)) as (_, writer):
        await is_stalled.wait()  # twenty megabytes and no read: more than sockets hold
        writer.transport.abort()
        await is_closed.wait()
    assert taken < 300  # it was not drained for nobody


async def test_a_server_that_closes_ends_the_stream_at_once_and_well() -> None:
    source, closing = Source(), asyncio.Event()
    source.put(event(1))
    async with reading(streaming(source.read, closing=closing)) as (reader, _):
        await reader.readuntil(b"id: 1\n")
        closing.set()
        assert (await reader.readuntil(b"0\r\n\r\n")).endswith(b"\r\n0\r\n\r\n")
        await source.is_closed.wait()


async def test_the_last_event_is_heard_by_who_reads_while_the_server_closes() -> None:
    source, closing = Source(), asyncio.Event()
    source.put(event(1))
    async with reading(streaming(source.read, closing=closing)) as (reader, _):
        await reader.readuntil(b"id: 1\n")
        source.put(NumberedEvent(2, "error", b"{}"))
        closing.set()  # in one turn of the loop with the event
        assert b"id: 2\nevent: error\n" in await reader.readuntil(b"0\r\n\r\n")


async def test_a_failure_comes_after_what_came_before_it_and_cuts_the_stream(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Source()
    source.put(event(1), event(2), ValueError("the log is gone"))
    async with reading(streaming(source.read)) as (reader, _):
        received = await reader.read()
        await source.is_closed.wait()
    assert received.count(b"id: ") == 2
    assert not received.endswith(b"0\r\n\r\n")
    assert [record.name for record in caplog.records if record.levelno >= logging.ERROR] == [
        "llm_router.web.errors",
        "uvicorn.error",
    ]


async def test_an_iterator_that_cleans_up_with_awaits_is_waited_for() -> None:
    steps = []

    async def careful() -> AsyncGenerator[NumberedEvent, None]:
        try:
            yield event(1)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("closed")

    closing = asyncio.Event()
    async with reading(streaming(careful, closing=closing)) as (reader, _):
        await reader.readuntil(b"id: 1\n")
        closing.set()
        await reader.readuntil(b"0\r\n\r\n")
    assert steps == ["closed"]
