"""Numbered events, of one answer or of what changed, as a `text/event-stream` response.

Knows when to write: at once, several ready events in one write, a heartbeat when idle. Does not know what the
events mean, nor stops what makes them: leaving a stream ends this response and closes its iterator, no more.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from llm_router.services.event_log import NumberedEvent
from llm_router.wire.sse import HEARTBEAT, encode_event

_MAX_EVENTS_A_WRITE = 64
"""Bounds the bytes that wait for a slow reader; what is not taken yet stays with the iterator."""

_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-cache, no-transform",  # a proxy that compresses also holds back
    "X-Accel-Buffering": "no",
}


def event_stream_response(
    events: AsyncIterator[NumberedEvent], heartbeat_seconds: float = 15, *, closing: asyncio.Event | None = None
) -> "EventStreamResponse":
    """Sends `events` until they end or the reader leaves. Once `closing` is set (the server shuts down), what is
    there already is still sent, and nothing is waited for.

    The response owns `events` and closes them. Both a pending `__anext__` and the iterator's own clean-up
    may be cancelled, so an iterator that waits for something shared has to shield it.
    """
    return EventStreamResponse(events, heartbeat_seconds, closing)


class EventStreamResponse(Response):
    """Starlette's own streaming response leaves its iterator open when a write is what the reader left in."""

    media_type = "text/event-stream"

    def __init__(
        self, events: AsyncIterator[NumberedEvent], heartbeat_seconds: float, closing: asyncio.Event | None
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(_HEADERS)
        self._events = events
        self._heartbeat_seconds = heartbeat_seconds
        self._closing = closing or asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # An `__anext__` once begun is waited for across heartbeats: cancelling it could lose an event.
        upcoming = asyncio.create_task(self._next())
        gone = asyncio.create_task(_disconnected(receive))
        closing = asyncio.create_task(self._closing.wait())
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while True:
                waiting = (upcoming, gone, closing)
                await asyncio.wait(waiting, timeout=self._heartbeat_seconds, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    return
                frames: list[bytes] = []
                while len(frames) < _MAX_EVENTS_A_WRITE and (event := _ready(upcoming)) is not None:
                    frames.append(encode_event(event.name, event.data, event.seq))
                    upcoming = asyncio.create_task(self._next())
                    await asyncio.sleep(0)  # one turn of the loop, in which an event that is there comes in
                if not frames and upcoming.done():
                    upcoming.result()  # raises what the iterator raised
                    break
                if not frames and closing.done():
                    break  # not before: the last event of an answer that was interrupted is still to be heard
                await send({"type": "http.response.body", "body": b"".join(frames) or HEARTBEAT, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            for task in (upcoming, gone, closing):
                task.cancel()
            await asyncio.gather(upcoming, gone, closing, return_exceptions=True)
            if isinstance(self._events, AsyncGenerator):
                await self._events.aclose()

    async def _next(self) -> NumberedEvent | None:
        return await anext(self._events, None)


def _ready(upcoming: "asyncio.Task[NumberedEvent | None]") -> NumberedEvent | None:
    """The event, if it is there. None while it is not, at the end, and after a failure, which is looked at later:
    what came before it is to be sent first."""
    return upcoming.result() if upcoming.done() and upcoming.exception() is None else None


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
