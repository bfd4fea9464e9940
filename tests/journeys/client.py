"""Asks a running server as a browser or a program would, and holds every answer to what docs/events.md promises.

Each JSON answer is read by the shape its route declares, each error has the one error body, each stream numbers its
events in order and ends once, and no answer holds a piece of a key. What a test adds is what it is about.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.journeys.server import PATIENCE_SECONDS, RunningServer
from tests.journeys.shapes import check_shape

KEYS: Mapping[str, str] = {
    "OPENAI_API_KEY": "sk-test-planted-openai-5c3a9zQxW",
    "ANTHROPIC_API_KEY": "sk-ant-test-planted-7e2b1zQxW",
    "REFUSED_API_KEY": "sk-test-planted-wrong-4d8f0zQxW",
    "OLLAMA_API_KEY": "k7planted9without9any9prefix9zQxW",
}
"""Every server of these tests runs with them; no answer and no log line may show any part."""

_TELLTALES = ("planted", "zQxW", "sk-test-p", "sk-ant-te")


def check_holds_no_key(text: str) -> None:
    for telltale in _TELLTALES:
        assert telltale not in text, f"a piece of a key was shown: …{text[max(0, text.find(telltale) - 80) :][:200]}"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.json["error"]
        return error


@dataclass(frozen=True)
class Event:
    id: int
    name: str
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Stream:
    """The events of one answer as they come."""

    def __init__(self, response: aiohttp.ClientResponse, after: int) -> None:
        self.events: list[Event] = []
        """Those that came so far."""
        self._response = response
        self._after = after

    async def next(self) -> Event | None:
        """The next event; None at the end. Heartbeats alone do not hold the test's patience."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._next()

    async def _next(self) -> Event | None:
        fields: dict[str, str] = {}
        while line := (await self._response.content.readline()).decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if line == "\n" and fields:
                event = Event(int(fields["id"]), fields["event"], fields["data"].encode())
                self._check(event)
                self.events.append(event)
                return event
            if line != "\n" and name:
                assert name not in fields
                fields[name] = value
        assert not fields, "the stream ended in the middle of an event"
        return None

    async def until(self, name: str) -> Event:
        """The next event of this name, the ones before it kept in `events`."""
        while (event := await self.next()) is not None:
            if event.name == name:
                return event
        raise AssertionError(f"the stream ended without {name}: {self.events}")

    async def rest(self) -> list[Event]:
        """All events, when the stream has ended."""
        while await self.next() is not None:
            pass
        assert [event.name for event in self.events if event.name in ("done", "error")] == [self.events[-1].name]
        return self.events

    def _check(self, event: Event) -> None:
        check_holds_no_key(event.data.decode())
        last = self.events[-1].id if self.events else None
        is_end = event.name in ("done", "error")
        # An end may jump ahead (a crash) or be repeated to who asked from beyond it.
        assert event.id == (last or self._after) + 1 or (is_end and event.id != last), (last, event)
        if event.id == 1:
            assert event.name == "start"


class Client:
    """One device of the owner."""

    def __init__(self, server: RunningServer, session: aiohttp.ClientSession, device_id: str = "phone") -> None:
        self.server = server
        self._session = session
        self._device = {"X-Device-ID": device_id} if device_id else {}

    def at(self, device_id: str) -> "Client":
        """The same owner, elsewhere; without a name, as a program that was never told of devices."""
        return Client(self.server, self._session, device_id)

    async def ask(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; `body` is JSON, or bytes that are sent as they are."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {**self._device, **({"Content-Type": "application/json"} if sent is not None else {})}
        async with self._session.request(
            method, self.server.url + path, data=sent, headers={**given, **(headers or {})}
        ) as response:
            answer = Answer(response.status, response.headers, await response.read())
        check_holds_no_key(str(answer.headers))
        if "application/json" in answer.headers.get("Content-Type", ""):
            check_holds_no_key(answer.body.decode())
            check_shape(method, path, answer.status, answer.json)
        return answer

    async def get(self, path: str) -> Any:
        """The JSON of what has to be there."""
        answer = await self.ask("GET", path)
        assert answer.status == 200, answer
        return answer.json

    async def post(self, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Answer:
        return await self.ask("POST", path, body, headers=headers)

    @asynccontextmanager
    async def stream(
        self, message: str = "Hello?", *, headers: Mapping[str, str] | None = None, **body: Any
    ) -> AsyncIterator[Stream]:
        """A prompt, and its answer as a stream."""
        async with self._opened("POST", "/api/chat/stream", headers, json={"message": message, **body}) as response:
            assert response.status == 200, await response.text()
            yield Stream(response, 0)

    @asynccontextmanager
    async def follow(
        self, message_id: str, after: int | None = None, *, by_query: bool = False
    ) -> AsyncIterator[Stream]:
        """The stream of an answer from behind `after`, which is told as browsers do, or in the address."""
        path = f"/api/messages/{message_id}/stream"
        headers = {"Last-Event-ID": str(after)} if after is not None and not by_query else {}
        query = f"?after={after}" if after is not None and by_query else ""
        async with self._opened("GET", path + query, headers) as response:
            assert response.status == 200, (response.status, await response.text())
            yield Stream(response, after or 0)

    @asynccontextmanager
    async def opened(self, path: str, after: int | None = None) -> AsyncIterator[aiohttp.ClientResponse]:
        """A stream that is not of an answer, from behind `after`."""
        headers = {"Last-Event-ID": str(after)} if after is not None else {}
        async with self._opened("GET", path, headers) as response:
            assert response.status == 200, (response.status, await response.text())
            yield response

    async def replay(self, message_id: str, after: int | None = None) -> list[Event]:
        async with self.follow(message_id, after) as stream:
            return await stream.rest()

    async def answered(self, message: str = "Hello?", **body: Any) -> Any:
        """A prompt, and the message that came of it when its stream has ended."""
        async with self.stream(message, **body) as stream:
            return (await stream.rest())[-1].json["message"]

    async def submit(self, message: str = "Hello?", *, headers: Mapping[str, str] | None = None, **body: Any) -> Any:
        """A prompt that is taken; its answer is made behind it."""
        answer = await self.post("/api/chat/submit", {"message": message, **body}, headers=headers)
        assert answer.status == 202, answer
        return answer.json

    async def finished(self, message_id: str) -> Any:
        """The message, polled until it has ended, as a client without streams does."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message = await self.get(f"/api/messages/{message_id}")
                if message["status"] not in ("pending", "streaming"):
                    return message
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def _opened(
        self, method: str, path: str, headers: Mapping[str, str] | None, json: Any = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        given = {**self._device, **(headers or {})}
        async with self._session.request(method, self.server.url + path, json=json, headers=given) as response:
            check_holds_no_key(str(response.headers))
            if response.status == 200:
                assert response.headers["Content-Type"].startswith("text/event-stream")
            yield response


def text_of(events: list[Event], name: str = "delta") -> str:
    return "".join(event.json["text"] for event in events if event.name == name)
